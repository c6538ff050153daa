"""Who lacks a route: LiteLLM's own answers for keys, teams and access groups, read page by page.

Stands in for a proxy with a database, which needs a PostgreSQL; the answers have the shapes of LiteLLM 1.106. The real
proxy without one is asked in `tests/gateways`.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from pipelines.routing.gateway_keys import lacking
from pipelines.workspace.gateway import Target
from tests.routing.workspaces import target

ROUTES = ["contract_review/clause_extraction", "claims/triage"]
CLAUSE, TRIAGE = (f"route/{name}" for name in ROUTES)
TEAMS = [
    {"team_id": "t-legal", "team_alias": "legal", "models": ["gpt-5", CLAUSE]},
    {"team_id": "t-all", "team_alias": "everyone", "models": []},
]
KEYS: list[dict[str, Any]] = [
    {"key_alias": "free", "key_name": "sk-...aaaa", "models": []},
    {"key_alias": "star", "key_name": "sk-...bbbb", "models": ["route/*"]},
    {"key_alias": "all", "key_name": "sk-...cccc", "models": ["all-proxy-models"]},
    {"key_alias": "one", "key_name": "sk-...dddd", "models": ["gpt-5", TRIAGE]},
    {"key_alias": None, "key_name": "sk-...eeee", "models": ["production"]},
    {"key_alias": "lawyers", "key_name": "sk-...ffff", "models": ["all-team-models"], "team_id": "t-legal"},
    {"key_alias": "anyone", "key_name": "sk-...gggg", "models": ["all-team-models"], "team_id": "t-all"},
    {"key_alias": "grouped", "key_name": "sk-...hhhh", "models": ["routed"]},
]
MODELS = [
    {"model_name": "gpt-5", "model_info": {"access_groups": ["production"]}},
    {"model_name": CLAUSE, "model_info": {"access_groups": ["routed"]}},
    {"model_name": TRIAGE, "model_info": {"access_groups": ["routed"]}},
    {"model_name": "house", "model_info": {}},
]


class _Admin(BaseHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        asked = urlsplit(self.path)
        if self.headers.get("authorization") != "Bearer the admin's key":
            return self._answer(401, {"error": {"message": "no", "type": "auth_error"}})
        page = int(parse_qs(asked.query).get("page", ["1"])[0])
        answers = {
            "/model/info": {"data": MODELS},
            "/team/list": TEAMS,
            "/key/list": {
                "keys": KEYS[3 * page - 3 : 3 * page],
                "total_count": 8,
                "current_page": page,
                "total_pages": 3,
            },
        }
        return self._answer(200, answers[asked.path])

    def _answer(self, status: int, document: Any) -> None:
        content = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture
def admin() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Admin)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def bound(url: str, **probe: str) -> Target:
    return Target.model_validate(target(probe={"url": url, "admin_key": "os.environ/ADMIN_KEY", **probe}))


def test_every_key_team_and_access_group_that_lacks_a_route_is_listed(admin, monkeypatch):
    monkeypatch.setenv("ADMIN_KEY", "the admin's key")
    findings, notes = lacking(bound(admin), ROUTES)
    add = "; add `route/*` or these names"
    assert findings == [
        f"access group production: lacks {CLAUSE}, {TRIAGE}; keys that get their models from it alone are refused",
        f"team legal: its models don't cover {TRIAGE}{add}",
        f"key one: its models don't cover {CLAUSE}{add}",
        f"key sk-...eeee: its models don't cover {CLAUSE}, {TRIAGE}{add}",
        f"key lawyers: its models don't cover {TRIAGE}{add}",
    ]
    assert notes == []


def test_an_admins_key_that_is_refused_is_a_note_and_is_not_shown(admin, monkeypatch):
    monkeypatch.setenv("ADMIN_KEY", "another key")
    findings, notes = lacking(bound(admin), ROUTES)
    assert findings == []
    assert notes == [f"{what} can't be listed: HTTP 401" for what in ("access groups", "teams", "keys")]


def test_without_an_admins_key_nobody_is_asked(monkeypatch):
    plain = Target.model_validate(target(probe={"url": "http://127.0.0.1:9"}))
    assert lacking(plain, ROUTES) == ([], [])


def test_a_literal_key_in_the_binding_is_refused():
    with pytest.raises(ValueError, match="admin_key"):
        Target.model_validate(target(probe={"url": "http://127.0.0.1:9", "admin_key": "sk-0123456789"}))
