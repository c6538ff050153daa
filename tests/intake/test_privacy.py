"""Nothing that was said to a model or that opens a door is ever written: ledger, lake, marts, exports, Dagster, messages."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import duckdb
import pytest

from pipelines.assets.job import run_in_process
from pipelines.run import Asked
from tests.workspaces import BASE, Bench, call

CANARY = "XCANARYX"


def everything_written(root: Path) -> str:
    """Text of every table and file under .outlay/, Parquet and DuckDB unpacked."""
    texts = []
    for path in sorted((root / ".outlay").rglob("*")):
        if path.suffix == ".duckdb":
            with duckdb.connect(str(path), read_only=True) as con:
                for (table,) in con.execute("select table_name from duckdb_tables() where not internal").fetchall():
                    texts += [str(row) for row in con.execute(f'from "{table}"').fetchall()]
        elif path.suffix == ".parquet":
            texts += [str(row) for row in duckdb.execute(f"from read_parquet('{path}')").fetchall()]
        elif path.is_file():
            texts.append(path.read_bytes().decode("utf-8", "replace"))
    return "\n".join(texts)


@pytest.fixture
def talkative(tmp_path) -> Bench:
    sources = [
        {"name": "calls", "kind": "requests", "path": "logs/calls/*.jsonl"},
        {"name": "gateway", "kind": "litellm", "path": "logs/gateway/*.jsonl"},
        {"name": "batches", "kind": "anthropic-batch", "path": "logs/batch/*.jsonl"},
        *BASE["sources"][1:],
    ]
    bench = Bench(tmp_path, {"sources": sources})
    bench.calls(
        call(
            "r1",
            prompt=CANARY,
            messages=[{"role": "user", "content": CANARY}],
            api_key=f"sk-{CANARY}",
            headers={"x": CANARY},
        ),
        call("r2", output_tokens="many", completion=CANARY, authorization=f"Bearer {CANARY}"),
        '{"request_id": "r3", "prompt": "' + CANARY + " and never closed",
        call("r4", model="gpt-5-mini", note="kept", response=CANARY, user_password=CANARY),
    )
    examples = Path(__file__).parents[1] / "sources/examples/04-litellm-standard-logging-payload.jsonl"
    payload = json.loads(examples.read_text().splitlines()[0])
    payload["messages"] = [{"content": CANARY}]
    payload["response"] = {"text": CANARY}
    payload["error_str"] = CANARY
    payload["metadata"]["requester_custom_headers"] = {"authorization": CANARY}
    bench.lines("logs/gateway/a.jsonl", [payload])
    result = {"type": "succeeded", "message": {"id": "msg_1", "type": "message", "model": "claude-haiku-4-5", "role": "assistant",
              "content": [{"type": "text", "text": CANARY}], "usage": {"input_tokens": 5, "output_tokens": 5}}}  # fmt: skip
    bench.lines("logs/batch/2026-10-20.jsonl", [{"custom_id": "c1", "time": "2026-10-20T10:00:00Z", "result": result}])
    bench.outcomes(
        {
            "event_id": "e1",
            "time": "2026-10-20T10:00:00Z",
            "workflow": "review",
            "unit_id": "d1",
            "event": CANARY,
            "text": CANARY,
        }
    )
    return bench


def test_canaries_reach_nothing_that_a_run_writes(talkative: Bench, capfd):
    document = run_in_process(talkative.loaded, Asked())
    assert (document["requests"], document["records"]["quarantined"]) == (4, 3)
    written = everything_written(talkative.root)
    assert "gpt-5-mini" in written, "the search sees what is written"
    assert CANARY not in written
    assert CANARY not in json.dumps(document)
    assert CANARY not in "".join(capfd.readouterr())
    for table in ("requests", "charges", "alerts"):
        assert CANARY not in str(talkative.export(table))


def test_an_error_message_holds_no_value_of_a_record(talkative: Bench):
    done = subprocess.run(["grep", "-rl", CANARY, str(talkative.root / "logs")], capture_output=True, text=True)
    assert len(done.stdout.splitlines()) == 4
    talkative.run()
    with talkative.published.connect() as con:
        rows = con.sql("select reason, excerpt from quarantine").fetchall()
    assert len(rows) == 3
    assert CANARY not in str(rows)
