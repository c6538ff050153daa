"""Telling the kind of a file from its first records, and what `outlay check` says when it isn't the declared one."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from pipelines.console.checks import check_workspace
from pipelines.sources import detect as module
from pipelines.sources.detect import detect, looks_like, tried
from tests.public_data import folder
from tests.sources.reading import CALL, EXAMPLES, file_ref
from tests.workspaces import Bench, call, event

KINDS = {
    "01-openai-batch-output.jsonl": "openai-batch",
    "01-openai-costs.json": "openai-costs",
    "01-openai-responses-with-usage.jsonl": "openai",
    "01-openai-usage-completions.json": "openai-usage",
    "01-openai-usage-embeddings.json": "openai-usage",
    "02-anthropic-batch-results.jsonl": "anthropic-batch",
    "02-anthropic-cost-report.json": "anthropic-cost",
    "02-anthropic-messages-with-usage.jsonl": "anthropic",
    "02-anthropic-usage-report-messages.json": "anthropic-usage",
    "03-otel-genai-current.jsonl": "otlp",
    "03-otel-genai-legacy.jsonl": "otlp",
    "04-litellm-spendlogs.csv": "litellm-spendlogs",
    "04-litellm-standard-logging-payload.jsonl": "litellm",
    "05-bedrock-model-invocation-log.json.gz": "bedrock",
    "05-bedrock-model-invocation-log.jsonl": "bedrock",
    "06-azure-apim-gateway-llm-log.jsonl": "azure-apim",
    "06-vertex-request-response-log.jsonl": "vertex",
    "07-helicone-requests.jsonl": "helicone",
    "07-langfuse-observations-v2.jsonl": "langfuse",
    "07-openrouter-activity.json": "openrouter-activity",
    "07-openrouter-generation.jsonl": "openrouter",
    "08-focus-composed-1.2.csv": "focus",
    "09-langfuse-scores.jsonl": "langfuse-scores",
    "09-otel-evaluations.jsonl": "otel-evaluations",
    "09-promptfoo-results.json": "promptfoo",
}
OUTCOME = {"event_id": "e1", "time": "2026-11-20T12:00:00Z", "workflow": "w", "unit_id": "u", "event": "completed"}
MARK = {
    "workflow": "w", "task_type": "t", "item_id": "i", "provider": "openai", "model": "gpt-5-mini", "quality": 1,
    "time": "2026-11-20T12:00:00Z", "signal": "human", "input_tokens": 1, "output_tokens": 1,
}  # fmt: skip
COUNT = {"day": "2026-11-20", "workflow": "w", "completed": 3, "failed": 0, "rejected": 0}
INVOICE = {
    "invoice_id": "INV-1", "provider": "openai", "period_start": "2026-10-01", "period_end": "2026-10-31",
    "amount_usd": "1.00",
}  # fmt: skip
OWN: dict[str, dict[str, Any]] = {
    "invoices": INVOICE,
    "requests": CALL,
    "outcomes": OUTCOME,
    "evaluations": MARK,
    "outcome-counts": COUNT,
}


def kind_of(path: Path) -> str | None:
    found = looks_like(path)
    return found.kind if found else None


@pytest.mark.parametrize(("name", "kind"), KINDS.items())
def test_every_example_is_told_by_its_first_records(name: str, kind: str) -> None:
    best = detect(EXAMPLES / name)[0]
    assert (best.kind, best.confidence) == (kind, 1.0)


def test_every_example_has_a_kind() -> None:
    assert {path.name for path in EXAMPLES.glob("0*")} >= set(KINDS)


@pytest.mark.parametrize(("kind", "record"), OWN.items())
def test_outlays_own_formats_are_told_as_json_lines_csv_and_parquet(kind: str, record: dict, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps(record) + "\n")
    (tmp_path / "a.csv").write_text(",".join(record) + "\n" + ",".join(map(str, record.values())) + "\n")
    pq.write_table(pa.Table.from_pylist([record]), tmp_path / "a.parquet")
    assert [kind_of(tmp_path / f"a.{end}") for end in ("jsonl", "csv", "parquet")] == [kind] * 3


def test_packed_files_are_told_like_plain_ones(tmp_path: Path) -> None:
    text = (EXAMPLES / "03-otel-genai-current.jsonl").read_bytes()
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(text))
    (tmp_path / "a.jsonl.zst").write_bytes(zstandard.compress(text))
    assert detect(tmp_path / "a.jsonl.gz") == detect(EXAMPLES / "03-otel-genai-current.jsonl")
    assert detect(tmp_path / "a.jsonl.zst") == detect(EXAMPLES / "03-otel-genai-current.jsonl")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n\n",
        b"hello\nworld\n",
        b"\xff\xfe\x00",
        b"\x1f\x8bnonsense",
        b"a,b\n1,2\n",
        b'{"a": 1}\n',
        b"[1, 2]",
        b"{",
    ],
)
def test_what_no_format_explains_is_no_kind(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(content)
    assert detect(tmp_path / "a.log") == []


@pytest.mark.parametrize("odd", [1, None, [], "x", {}, [[]], {"a": []}])
def test_fields_of_odd_shapes_are_no_reason_to_fail(odd: Any, tmp_path: Path) -> None:
    names = ("data", "records", "response", "result", "custom_id", "logEvents", "message", "schemaType", "observations")
    lines = [{name: odd} for name in names] + [{"custom_id": odd, "response": odd}, {"custom_id": odd, "result": odd}]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert looks_like(tmp_path / "a.jsonl") is None


def test_a_few_lines_of_something_else_don_t_change_the_kind(tmp_path: Path) -> None:
    lines = [json.dumps({**CALL, "request_id": f"r{n}"}) for n in range(9)]
    (tmp_path / "a.jsonl").write_text("\n".join(["{broken", *lines]))
    found = detect(tmp_path / "a.jsonl")
    assert [(each.kind, each.confidence) for each in found] == [("requests", 0.9)]


def test_only_the_beginning_of_a_long_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HEAD", 4096)
    line = json.dumps(CALL) + "\n"
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress((line * 20_000).encode())[:-9])  # cut off: not noticed
    assert kind_of(tmp_path / "a.jsonl.gz") == "requests"


def test_a_document_longer_than_the_beginning_is_told_by_its_marks(tmp_path: Path, monkeypatch) -> None:
    page = json.loads((EXAMPLES / "02-anthropic-usage-report-messages.json").read_text())
    page["data"] *= 50
    (tmp_path / "page.json").write_text(json.dumps(page, indent=1))
    monkeypatch.setattr(module, "HEAD", 4096)
    assert [(found.kind, found.confidence) for found in detect(tmp_path / "page.json")] == [("anthropic-usage", 0.7)]


def test_reasons_hold_no_value_of_the_record(tmp_path: Path) -> None:
    canary = "canary-9f2c"
    record = dict.fromkeys(CALL, canary) | {canary: canary}
    (tmp_path / "a.jsonl").write_text(json.dumps(record))
    trial = tried("requests", file_ref(tmp_path / "a.jsonl"))
    assert trial is not None
    assert trial.read == 0
    assert canary not in repr((detect(tmp_path / "a.jsonl"), trial))


def test_check_names_a_file_that_looks_like_another_kind(bench: Bench) -> None:
    bench.calls(call("r1"))
    bench.outcomes(event("e1"))
    bench.lines("logs/calls/wrong.jsonl", [event("e2")])
    assert check_workspace(bench.loaded)["warnings"] == [
        "sources.calls: logs/calls/wrong.jsonl looks like kind outcomes (event_id, unit_id, event), but is declared as "
        "requests: every record would be quarantined",
        "sources.evals: no file matches logs/evals/*.jsonl",
    ]


def test_check_says_when_nothing_of_a_source_can_be_read(bench: Bench) -> None:
    bench.calls(call("r1", time="yesterday"))
    (warning,) = (w for w in check_workspace(bench.loaded)["warnings"] if w.startswith("sources.calls"))
    assert warning == (
        "sources.calls: logs/calls/a.jsonl: none of its first records can be read as kind requests: "
        "time: expected an RFC 3339 time with a zone"
    )


@pytest.mark.parametrize("kind", sorted(set(KINDS.values())))
def test_check_finds_the_kind_when_the_declared_one_is_wrong(kind: str, tmp_path: Path) -> None:
    wrong = "helicone" if kind != "helicone" else "litellm"
    names = [name for name, right in KINDS.items() if right == kind]
    bench = Bench(tmp_path, {"sources": [{"name": "one", "kind": wrong, "path": "2026-11-20/*"}], "workflows": {}})
    for name in names:
        target = tmp_path / "2026-11-20" / name
        target.parent.mkdir(exist_ok=True)
        target.write_bytes((EXAMPLES / name).read_bytes())
    found = [w for w in check_workspace(bench.loaded)["warnings"] if "looks like" in w]
    assert len(found) == len(names)
    assert all(f"looks like kind {kind} (" in w and f"declared as {wrong}" in w for w in found)
    bench.config["sources"][0]["kind"] = kind
    bench.save()
    assert not [w for w in check_workspace(bench.loaded)["warnings"] if "looks like" in w or "none of" in w]


def test_trace_exports_are_told_as_langfuse() -> None:
    files = sorted(folder("langfuse_traces").glob("*.json"))
    assert {kind_of(path) for path in files} == {"langfuse"}


def test_recorded_responses_are_told_by_their_bodies() -> None:
    path = folder("provider_responses") / "responses.jsonl"
    assert kind_of(path) in ("openai", "anthropic", "vertex")
