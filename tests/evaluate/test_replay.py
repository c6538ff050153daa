"""A replay through a gateway: a local server answers as a gateway does, and marks are all that is kept."""

from __future__ import annotations

import json
import sys
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from pipelines.console.evaluate_verbs import evaluate
from pipelines.evaluate.replay import Replay, Summary, read_items, replay
from pipelines.evaluate.scorers import exact, schema, scorer
from pipelines.workspace.errors import OutlayError, UsageError
from tests.workspaces import Bench, call

SECRET = "the-prompt-nobody-may-keep"


class Gateway(BaseHTTPRequestHandler):
    calls: ClassVar[Counter[str]] = Counter()
    keys: ClassVar[set[str | None]] = set()

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        question = body["messages"][-1]["content"]
        Gateway.calls[body["model"]] += 1
        Gateway.keys.add(self.headers.get("authorization"))
        if body["model"] == "refused":
            self.send_error(400, question)
            return
        if "once busy" in question and Gateway.calls[question] == 0:
            Gateway.calls[question] += 1
            self.send_error(503)
            return
        text = question.rsplit(" ", 1)[-1] if body["model"] == "dear" else "no"
        answer = {
            "choices": [{"message": {"content": text}}],
            "usage": {"prompt_tokens": 12, "completion_tokens": 3},
        }
        payload = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, format, *args):
        pass


@pytest.fixture
def gateway():
    Gateway.calls, Gateway.keys = Counter(), set()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Gateway)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    file = tmp_path / "prompts.jsonl"
    rows = [
        {"item_id": "a", "prompt": f"{SECRET} yes", "expected": "yes", "stratum": "short"},
        {"item_id": "b", "prompt": f"{SECRET} once busy no", "expected": "no"},
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def asked(url: str, **more) -> Replay:
    models = {"maker/dear-1": "dear", "maker/cheap-1": "cheap"}
    return Replay("review", "extraction", url, models, exact, "label", wait_s=0.01, **more)


def test_every_item_is_answered_by_every_model_and_only_its_mark_is_kept(gateway: str, prompts: Path, tmp_path: Path):
    out = tmp_path / "marks.jsonl"
    assert replay(asked(gateway), read_items(prompts, "expected"), out) == Summary(4, 0, 0)
    marks = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(m["item_id"], m["model"], m["quality"], m.get("stratum")) for m in marks] == [
        ("a", "dear-1", 1.0, "short"), ("a", "cheap-1", 0.0, "short"), ("b", "dear-1", 1.0, None),
        ("b", "cheap-1", 1.0, None),
    ]  # fmt: skip
    assert {(m["provider"], m["input_tokens"], m["output_tokens"], m["signal"]) for m in marks} == {
        ("maker", 12, 3, "label")
    }
    assert SECRET not in out.read_text()


def test_a_replay_goes_on_where_it_stopped(gateway: str, prompts: Path, tmp_path: Path):
    out = tmp_path / "marks.jsonl"
    replay(asked(gateway), read_items(prompts, "expected"), out)
    out.write_text("".join(out.read_text().splitlines(keepends=True)[:3]))
    before = Gateway.calls["cheap"]
    assert replay(asked(gateway), read_items(prompts, "expected"), out) == Summary(1, 3, 0)
    assert Gateway.calls["cheap"] == before + 1


def test_a_gateway_that_refuses_every_call_fails_without_repeating_the_prompt(
    gateway: str, prompts: Path, tmp_path: Path
):
    only = Replay("review", "extraction", gateway, {"maker/x": "refused"}, exact, "label", wait_s=0.01)
    with pytest.raises(OutlayError, match="no call went through: maker/x: the gateway answered 400") as error:
        replay(only, read_items(prompts, "expected"), tmp_path / "marks.jsonl")
    assert SECRET not in str(error.value)


def test_the_key_comes_from_the_environment_alone(gateway: str, prompts: Path, tmp_path: Path, monkeypatch):
    out = tmp_path / "marks.jsonl"
    monkeypatch.delenv("GATEWAY_KEY", raising=False)
    with pytest.raises(UsageError, match="no GATEWAY_KEY"):
        replay(asked(gateway, key_name="GATEWAY_KEY"), read_items(prompts, "expected"), out)
    monkeypatch.setenv("GATEWAY_KEY", "sk-canary-123")
    replay(asked(gateway, key_name="GATEWAY_KEY"), read_items(prompts, "expected"), out)
    assert Gateway.keys == {"Bearer sk-canary-123"}
    assert "sk-canary" not in out.read_text()


def test_the_marks_feed_a_run(gateway: str, prompts: Path, bench: Bench):
    (bench.root / "logs/evals").mkdir(parents=True)
    replay(asked(gateway), read_items(prompts, "expected"), bench.root / "logs/evals/replay.jsonl")
    bench.calls(call("r1"))
    assert bench.run()["records"]["stored"] == 5


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "line 1: not valid JSON"),
        ('{"prompt": "x"}', "line 1: expected an object with an item_id of text"),
        ('{"item_id": "a"}', r"line 1: expected messages \(or prompt\)"),
        ('{"item_id": "a", "prompt": "x"}', "line 1: the scorer needs 'expected'"),
    ],
)
def test_a_prompt_file_that_cannot_be_used_names_the_line(tmp_path: Path, line: str, said: str):
    file = tmp_path / "p.jsonl"
    file.write_text(line + "\n")
    with pytest.raises(UsageError, match=said):
        read_items(file, "expected")


def test_the_scorers_mark_text_json_and_schemas(tmp_path: Path, monkeypatch):
    assert exact(" yes\n", {"expected": "yes"}) == 1
    assert exact('```json\n{"a": 1}\n```', {"expected": {"a": 1}}) == 1
    assert exact("not json", {"expected": {"a": 1}}) == 0
    shape = {"type": "object", "required": ["total"]}
    assert [schema(text, {"schema": shape}) for text in ('{"total": 1}', "{}", "total 1")] == [1, 0, 0]
    (tmp_path / "own_marks.py").write_text("def half(answer, item):\n    return 0.5\n")
    monkeypatch.chdir(tmp_path)
    own, needed = scorer("own_marks:half")
    assert (own("x", {}), needed) == (0.5, None)
    sys.modules.pop("own_marks")
    for wrong, said in (("own_marks:none", "none"), ("nothing:x", "nothing"), ("exactly", "expected exact, schema")):
        with pytest.raises(UsageError, match=said):
            scorer(wrong)
    sys.modules.pop("own_marks", None)
    assert evaluate.info.help
