"""After a reload the live gateway is asked who serves the changed routes; a wrong answer puts everything
back.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pipelines.routing.loop import route_apply, route_approve
from pipelines.workspace.errors import OutlayError, UsageError
from tests.routing.workspaces import NOW, advice, everything, live, rows, target, workspace

CLAUSE = "route/contract_review/clause_extraction"


class Gateway(ThreadingHTTPServer):
    """Answers like a LiteLLM proxy that serves each route by `served`; keeps what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.served: str | None = f"{CLAUSE}#frontier"
        self.status = 200
        self.asked: list[tuple[str, str | None]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        self._answer(200, {})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        gateway = self.server
        assert isinstance(gateway, Gateway)
        gateway.asked.append((body["model"], self.headers.get("authorization")))
        self._answer(gateway.status, {"x-litellm-model-id": gateway.served} if gateway.served else {})

    def _answer(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    server = Gateway()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def approved(root, gateway, key: str | None = None):
    probe = {"url": gateway.url, **({"key": key} if key else {})}
    loaded = workspace(root, target(probe=probe, reload={"command": ["true"], "timeout_s": 1}))
    route_approve(loaded, advice(), by="finops-lead", now=NOW)
    return loaded


def test_each_changed_route_is_asked_once_with_the_key_of_the_environment(tmp_path, gateway, monkeypatch):
    monkeypatch.setenv("PROBE_KEY", "a key of ours")
    loaded = approved(tmp_path, gateway, "os.environ/PROBE_KEY")
    said = route_apply(loaded, now=NOW)
    # before anything is written, whether the key may; after the reload, who serves
    assert gateway.asked == [(CLAUSE, "Bearer a key of ours")] * 2
    assert "contract_review/clause_extraction: served by frontier" in said.text
    assert rows(loaded)[-1]["reloads"][0]["smoke"] == ["contract_review/clause_extraction: served by frontier"]
    assert all(b"a key of ours" not in content for content in everything(tmp_path).values())


@pytest.mark.parametrize("served", [f"{CLAUSE}#standard", "route/claims/triage#light", None])
def test_an_answer_from_elsewhere_puts_the_former_file_back(tmp_path, gateway, served):
    loaded = approved(tmp_path, gateway)
    gateway.served = served
    with pytest.raises(OutlayError, match=r"contract_review/clause_extraction was answered by .*, expected one of"):
        route_apply(loaded, now=NOW)
    assert live(loaded) is None
    assert rows(loaded)[-1]["event"] == "apply_failed"


def test_a_gateway_that_refuses_the_route_puts_the_former_file_back(tmp_path, gateway):
    loaded = approved(tmp_path, gateway)
    gateway.status = 400
    with pytest.raises(OutlayError, match=rf"{CLAUSE}: the gateway answered HTTP 400"):
        route_apply(loaded, now=NOW)
    assert live(loaded) is None


def test_a_key_that_is_not_set_is_told_before_anything_is_written(tmp_path, gateway, monkeypatch):
    monkeypatch.delenv("PROBE_KEY", raising=False)
    loaded = approved(tmp_path, gateway, "os.environ/PROBE_KEY")
    before = everything(tmp_path)
    with pytest.raises(UsageError, match=r"probe.key: environment variable PROBE_KEY is not set"):
        route_apply(loaded, now=NOW)
    assert everything(tmp_path) == before
