"""Nothing that was said to a model or that opens a door is ever written: ledger, lake, marts, exports, Dagster, messages."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import duckdb
import pytest

from pipelines.assets.job import run_in_process
from pipelines.running import Asked
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


USER = "xuser-7@acme.example"


def tabled(root: Path, **tags: list[str]) -> Bench:
    """Tables of other tools and sampled traces, whose rows name users and hold what they wrote."""
    sources = [
        {"name": "tool", "kind": "helicone", "path": "logs/tool/*.csv"},
        {"name": "platform", "kind": "langfuse", "path": "logs/platform/*.csv"},
        {"name": "traces", "kind": "otlp", "path": "logs/otlp/*.jsonl"},
    ]
    rules = [{"match": {"team": "legal", "user_id": "*"}, "workflow": "review"}]
    bench = Bench(root, {"sources": sources, "assign": rules, "tags": {"team": ["team"], **tags}})
    bench.lines(
        "logs/tool/output.csv",
        [
            "response_id,request_created_at,response_status,request_body,request_properties,request_user_id,model,"
            "prompt_tokens,completion_tokens,latency,cost_usd\n",
            f'h1,2026-10-20T10:00:00Z,200,{CANARY},"{{""team"":""legal"",""prompt"":""{CANARY}""}}",{USER},gpt-5.4,1000,100,9,1\n',
            f"h2,2026-10-20T10:00:00Z,200,{CANARY},not JSON {CANARY},{USER},gpt-5.4,1000,100,9,1\n",
        ],
    )
    bench.lines(
        "logs/platform/a.csv",
        [
            "id,project_id,type,start_time,provided_model_name,usage_details,user_id,metadata,input,output,tags\n",
            'o1,p,GENERATION,2026-10-20 10:00:00.000000,gpt-5.4,"{""input"":1000,""output"":100,""total"":1100}",'
            f'{USER},"{{""team"":""legal"",""answer_text"":""{CANARY}""}}",{CANARY},{CANARY},"[""prompt:{CANARY}""]"\n',
        ],
    )
    named = {"team": "legal", "user.id": USER, "gen_ai.prompt": CANARY, "sampling.probability": "0.5"}
    usage = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-5.4",
             "gen_ai.usage.input_tokens": "1000", "gen_ai.usage.output_tokens": "100"}  # fmt: skip
    span = {
        "traceId": "a" * 32, "spanId": "b" * 16, "name": CANARY, "traceState": f"ot=th:8,vendor={CANARY}",
        "startTimeUnixNano": "1792490400000000000", "status": {"message": CANARY},
        "attributes": [{"key": k, "value": {"stringValue": v}} for k, v in {**usage, **named}.items()],
    }  # fmt: skip
    bench.lines("logs/otlp/a.jsonl", [{"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}])
    return bench


def test_dimensions_and_the_marts_over_them_hold_no_canary_and_no_user(tmp_path, capfd):
    bench = tabled(tmp_path)
    document = run_in_process(bench.loaded, Asked())
    assert (document["requests"], document["records"]["quarantined"]) == (2, 1)
    written = everything_written(bench.root)
    assert "legal" in written
    exported = "".join(str(bench.export(name)) for name in ("chargeback", "coverage", "assign_rules", "alerts"))
    for text in (written, exported, json.dumps(document), "".join(capfd.readouterr())):
        assert CANARY not in text
        assert "xuser" not in text


def test_users_are_kept_where_the_workspace_maps_them_and_nowhere_else(tmp_path):
    bench = tabled(tmp_path, customer=["request_user_id", "user_id"])
    bench.run()
    assert [r["value"] for r in bench.export("chargeback") if r["dimension"] == "customer"] == [USER]
    assert CANARY not in everything_written(bench.root)
