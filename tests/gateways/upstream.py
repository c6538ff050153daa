"""A model provider for tests: OpenAI-compatible, on 127.0.0.1, in a process of its own.

It answers every chat request with the name of the model that was asked for, keeps what reached it, and fails on
demand. `GET /_seen` gives the requests so far (model, parameters, headers of ours); `POST /_behave` sets
`{"fail": {model: status}, "delay_s": number}` and forgets what was seen.

    python -m tests.gateways.upstream      prints its port, serves until it is ended
"""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Upstream(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.lock = threading.Lock()
        self.seen: list[dict[str, Any]] = []
        self.fail: dict[str, int] = {}
        self.delay_s = 0.0


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def upstream(self) -> Upstream:
        assert isinstance(self.server, Upstream)
        return self.server

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        with self.upstream.lock:
            self._answer(200, self.upstream.seen if self.path == "/_seen" else {"object": "list", "data": []})

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or b"{}")
        if self.path == "/_behave":
            with self.upstream.lock:
                self.upstream.seen.clear()
                self.upstream.fail = {model: int(status) for model, status in asked.get("fail", {}).items()}
                self.upstream.delay_s = float(asked.get("delay_s", 0))
            return self._answer(200, {})
        model = str(asked.get("model"))
        with self.upstream.lock:
            known = {key: value for key, value in asked.items() if key != "messages"}
            self.upstream.seen.append({**known, "authorization": self.headers.get("authorization")})
            status, delay = self.upstream.fail.get(model), self.upstream.delay_s
        if delay:
            time.sleep(delay)
        if status:
            message = {"message": f"{model} fails with {status}", "type": "server_error", "code": str(status)}
            return self._answer(status, {"error": message})
        return self._answer(200, _completion(model))

    def _answer(self, status: int, document: Any) -> None:
        content = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def _completion(model: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{time.monotonic_ns()}",
        "object": "chat.completion",
        "created": 1_790_000_000,
        "model": model,
        "choices": [
            {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": f"from {model}"}}
        ],
        "usage": {"prompt_tokens": 10, "completion_tokens": 3, "total_tokens": 13},
    }


if __name__ == "__main__":
    upstream = Upstream()
    print(upstream.server_address[1], flush=True)
    upstream.serve_forever(poll_interval=0.05)
