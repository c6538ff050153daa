"""A real S3-compatible server on 127.0.0.1, for tests: moto's, in a thread of its own, which counts what it is asked."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from moto.s3.models import S3Backend, s3_backends
from werkzeug.serving import make_server

BUCKET = "acme-logs"
SECRET = "canary/Secret+AccessKey/0123456789abcdef"


class Quiet(MotoRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """Nothing: what matters is counted."""


class Bucket:
    """One bucket of the server; `asked` counts its answered requests, GETs of objects as `get`, listings as `list`."""

    def __init__(self, endpoint: str, backend: S3Backend, asked: Counter[str]) -> None:
        self.endpoint, self.asked = endpoint, asked
        self._backend = backend

    def put(self, key: str, content: bytes | str | Iterable[Mapping[str, Any]]) -> str:
        """Store an object; lists of records become JSON Lines. Answers its URL."""
        if not isinstance(content, bytes | str):
            content = "".join(json.dumps(record) + "\n" for record in content)
        self._backend.put_object(BUCKET, key, content.encode() if isinstance(content, str) else content)
        return f"s3://{BUCKET}/{key}"

    def delete(self, key: str) -> None:
        self._backend.delete_object(BUCKET, key)

    def archive(self, key: str) -> None:
        """Move an object to cold storage: it is listed, and a GET of it fails."""
        stored = self._backend.get_object(BUCKET, key)
        assert stored is not None
        stored.set_storage_class("GLACIER")

    def keys_read(self) -> list[str]:
        """Keys that were read since the last call."""
        keys = sorted(name.removeprefix("get ") for name in self.asked if name.startswith("get "))
        self.asked.clear()
        return keys

    def prefixes_listed(self) -> list[str]:
        return sorted(name.removeprefix("list ") for name in self.asked if name.startswith("list "))


@contextmanager
def s3_server(patch: pytest.MonkeyPatch) -> Generator[Bucket]:
    """The server with an empty bucket, and the environment that leads to it."""
    asked: Counter[str] = Counter()
    app = DomainDispatcherApplication(create_backend_app)

    def counting(environ: dict[str, Any], start_response: Any) -> Any:
        method, path, query = environ["REQUEST_METHOD"], environ["PATH_INFO"], environ.get("QUERY_STRING", "")
        bucket, _, key = path.lstrip("/").partition("/")
        if method == "GET" and key:
            asked[f"get {key}"] += 1
        elif method == "GET" and "list-type" in query:
            prefix = next((p.removeprefix("prefix=") for p in query.split("&") if p.startswith("prefix=")), "")
            asked[f"list {prefix.replace('%2F', '/').replace('%3D', '=')}"] += 1
        else:
            asked[f"{method} {bucket}"] += 1
        return app(environ, start_response)

    server = make_server("127.0.0.1", 0, counting, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    backend = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
    backend.reset()
    backend.create_bucket(BUCKET, "us-east-1")
    endpoint = f"http://127.0.0.1:{server.server_port}"
    for name, value in {
        "AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": "CANARYACCESSKEYID000", "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true",
    }.items():  # fmt: skip
        patch.setenv(name, value)
    try:
        yield Bucket(endpoint, backend, asked)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        backend.reset()
