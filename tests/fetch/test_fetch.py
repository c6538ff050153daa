"""Reports pulled from a local server that answers as the providers document: pages, cursors, refusals, restarts."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest

from pipelines.console.fetched import fetched_text
from pipelines.fetch.fetch import fetch
from pipelines.workspace.errors import OutlayError, UsageError
from tests.workspaces import Bench

KEY = "sk-admin-canary-7"


class Provider(BaseHTTPRequestHandler):
    """Two days a page. `trouble`: what the next answers are instead, in order."""

    trouble: ClassVar[list[tuple[int, dict[str, str]]]] = []
    asked: ClassVar[list[str]] = []
    cut_after: ClassVar[int | None] = None

    def do_GET(self):
        where = urlsplit(self.path)
        query = parse_qs(where.query)
        Provider.asked.append(self.path)
        if KEY not in (self.headers.get("authorization", "") + self.headers.get("x-api-key", "")):
            return self.send_error(401, "bad key")
        if Provider.trouble:
            status, headers = Provider.trouble.pop(0)
            self.send_response(status, "secret text of the provider")
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            return None
        if Provider.cut_after is not None and len(Provider.asked) > Provider.cut_after:
            return self.send_error(404, "gone")
        if query.get("page") == ["expired"]:
            return self.send_error(410, "expired")
        first = int(query["page"][0].removeprefix("day-")) if "page" in query else 0
        if "costs" in where.path:
            start = datetime.fromtimestamp(int(query["start_time"][0]), UTC)
            end = datetime.fromtimestamp(int(query["end_time"][0]), UTC)
            assert query["group_by[]"] == ["project_id", "api_key_id", "line_item"]
        else:
            start = datetime.fromisoformat(query["starting_at"][0])
            end = datetime.fromisoformat(query["ending_at"][0])
        days = range((end - start).days)
        shown = days[first : first + 2]
        buckets = [self.bucket(where.path, start + timedelta(days=n), n) for n in shown]
        more = first + 2 < len(days)
        page = {"data": buckets, "has_more": more, "next_page": f"day-{first + 2}" if more else None}
        payload = json.dumps(page).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)
        return None

    def bucket(self, path: str, day: datetime, n: int) -> dict:
        if "costs" in path:
            row = {
                "object": "organization.costs.result", "amount": {"value": f"{n + 1}.10", "currency": "usd"},
                "line_item": "gpt-5.4, input", "project_id": "proj_1",
            }  # fmt: skip
            start = int(day.timestamp())
            return {"object": "bucket", "start_time": start, "end_time": start + 86400, "results": [row]}
        row = {
            "amount": "110", "currency": "USD", "cost_type": "tokens", "workspace_id": None,
            "description": "Sonnet", "model": "claude-sonnet-5", "token_type": "output_tokens",
        }  # fmt: skip
        return {
            "starting_at": f"{day:%Y-%m-%dT%H:%M:%SZ}", "ending_at": f"{day + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}",
            "results": [row],
        }  # fmt: skip

    def log_message(self, format, *args):
        pass


@pytest.fixture
def url(monkeypatch):
    Provider.trouble, Provider.asked, Provider.cut_after = [], [], None
    monkeypatch.setenv("OPENAI_ADMIN_KEY", KEY)
    monkeypatch.setenv("ANTHROPIC_ADMIN_KEY", KEY)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def pull(bench: Bench, kind: str, url: str):
    return fetch(bench.loaded, kind, "2026-02", url, first_wait_s=0.01)


@pytest.mark.parametrize("kind", ["openai-costs", "anthropic-cost"])
def test_a_month_is_pulled_page_by_page_and_read_by_the_next_run(bench: Bench, url: str, kind: str):
    bench.config["sources"].append({"name": "bill", "kind": kind, "path": f"bills/{kind}/**/*.json"})
    bench.save()
    done = pull(bench, kind, url)
    assert (done.pages, done.rows, done.source) == (14, 28, "bill")
    assert sorted(f.name for f in done.folder.iterdir())[-1].endswith("-00014.json")
    assert bench.run()["records"]["stored"] == 28
    total = "408.80" if kind == "openai-costs" else "30.80"  # 1.10 + … + 28.10; 28 × 110 cents
    with bench.published.connect() as con:
        row = con.execute("select cast(sum(billed_usd) as decimal(18, 2)) from billed").fetchone()
    assert row is not None
    assert str(row[0]) == total
    assert not any(KEY in f.read_text("utf-8", "replace") for f in bench.root.rglob("*") if f.is_file())


def test_busy_answers_are_tried_again_as_the_provider_asks(bench: Bench, url: str):
    Provider.trouble = [(429, {"retry-after": "0"}), (503, {}), (500, {})]
    assert pull(bench, "openai-costs", url).rows == 28
    assert len(Provider.asked) == 14 + 3


def test_a_pull_that_was_cut_off_goes_on_after_its_last_page(bench: Bench, url: str):
    Provider.cut_after = 5
    with pytest.raises(OutlayError, match="answered 404"):
        pull(bench, "openai-costs", url)
    assert not (bench.root / "bills").exists()
    Provider.cut_after = None
    Provider.asked = []
    assert pull(bench, "openai-costs", url).rows == 28
    assert len(Provider.asked) == 14 - 5


def test_a_pull_of_another_period_that_was_cut_off_is_not_gone_on_with(bench: Bench, url: str):
    Provider.cut_after = 5
    with pytest.raises(OutlayError, match="answered 404"):
        pull(bench, "openai-costs", url)
    said = bench.root / ".outlay/fetch/openai-costs-2026-02/asked.txt"
    assert said.read_text() == "2026-02-01T00:00:00+00:00 2026-03-01T00:00:00+00:00\n"
    said.write_text("2026-02-01T00:00:00+00:00 2026-02-20T13:00:00+00:00\n")  # as asked while the month ran
    Provider.cut_after, Provider.asked = None, []
    done = pull(bench, "openai-costs", url)
    assert (done.rows, len(Provider.asked)) == (28, 14)
    assert {file.suffix for file in done.folder.iterdir()} == {".json"}


def test_an_expired_cursor_begins_anew(bench: Bench, url: str):
    left = bench.root / ".outlay/fetch/openai-costs-2026-02"
    left.mkdir(parents=True)
    (left / "costs-00001.json").write_text('{"data": [], "has_more": true, "next_page": "expired"}')
    assert pull(bench, "openai-costs", url).rows == 28


def test_a_refusal_names_the_key_and_never_what_the_provider_said(bench: Bench, url: str, monkeypatch):
    monkeypatch.setenv("OPENAI_ADMIN_KEY", "sk-wrong")
    with pytest.raises(OutlayError, match="answered 401: is the key an admin key") as error:
        pull(bench, "openai-costs", url)
    assert "bad key" not in str(error.value)
    monkeypatch.delenv("OPENAI_ADMIN_KEY")
    with pytest.raises(UsageError, match="no OPENAI_ADMIN_KEY"):
        pull(bench, "openai-costs", url)
    Provider.trouble = [(503, {})] * 5
    with pytest.raises(OutlayError, match="answered 503, after 5 tries"):
        pull(bench, "anthropic-cost", url)


@pytest.mark.parametrize(
    ("kind", "month", "said"),
    [("focus", "2026-02", "expected one of"), ("openai-costs", "02/2026", "YYYY-MM"), ("openai-costs", "2999-01", "not begun")],
)  # fmt: skip
def test_what_cannot_be_fetched_says_what_was_expected(bench: Bench, kind: str, month: str, said: str):
    with pytest.raises(UsageError, match=said):
        fetch(bench.loaded, kind, month)


def test_without_a_source_it_says_which_line_to_add(bench: Bench, url: str):
    done = pull(bench, "openai-costs", url)
    assert '- {name: openai-costs, kind: openai-costs, path: "bills/openai-costs/**/*.json"}' in fetched_text(done)
