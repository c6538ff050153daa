"""Scores of evaluation tools name no model: they meet their request in the ledger, and say what they marked."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.workspace.errors import OutlayError
from tests.intake.test_privacy import CANARY, everything_written
from tests.workspaces import BASE, Bench, call

TRACE, SPAN = "5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174"


def bench_with_tools(root: Path, **more) -> Bench:
    sources = [
        *BASE["sources"],
        {"name": "traces", "kind": "otlp", "path": "logs/otlp/*.jsonl"},
        {"name": "platform", "kind": "langfuse", "path": "logs/langfuse/*.jsonl"},
        {"name": "scores", "kind": "langfuse-scores", "path": "logs/scores/*.jsonl", **more},
        {"name": "events", "kind": "otel-evaluations", "path": "logs/events/*.jsonl"},
    ]
    return Bench(root, {"sources": sources})


def generation(name: str, trace: str, **fields) -> dict:
    return {
        "id": name, "project_id": "p", "trace_id": trace, "type": "GENERATION", "start_time": "2026-10-20 10:00:00.000000",
        "provided_model_name": "gpt-5.4", "usage_details": {"input": 1000, "output": 100, "total": 1100},
        "metadata": {"workflow": "review", "task_type": "extraction", "unit_id": f"unit-of-{name}", "stratum": "easy"},
        **fields,
    }  # fmt: skip


def score(key: str, **fields) -> dict:
    return {
        "id": key, "timestamp": "2026-10-20T12:00:00.000Z", "name": "correctness", "value": 1, "dataType": "NUMERIC",
        "source": "ANNOTATION", "comment": CANARY, "authorUserId": CANARY, **fields,
    }  # fmt: skip


def span(identity: str, unit: str, response: str) -> dict:
    found = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-5-mini",
             "gen_ai.usage.input_tokens": "100", "gen_ai.usage.output_tokens": "10", "gen_ai.response.id": response,
             "workflow": "review", "task_type": "extraction", "unit_id": unit}  # fmt: skip
    attributes = [{"key": k, "value": {"stringValue": v}} for k, v in found.items()]
    return {"traceId": TRACE, "spanId": identity, "name": "chat", "startTimeUnixNano": "1792490400000000000",
            "endTimeUnixNano": "1792490400800000000", "attributes": attributes}  # fmt: skip


def evaluation(value: float, **fields) -> dict:
    attributes = [
        {"key": "gen_ai.evaluation.name", "value": {"stringValue": "Correctness"}},
        {"key": "gen_ai.evaluation.score.value", "value": {"doubleValue": value}},
        {"key": "gen_ai.evaluation.explanation", "value": {"stringValue": CANARY}},
        *({"key": k, "value": {"stringValue": v}} for k, v in fields.items() if "." in k),
    ]
    own = {k: v for k, v in fields.items() if "." not in k}
    return {"timeUnixNano": "1792497600000000000", "eventName": "gen_ai.evaluation.result", "body": {"stringValue": CANARY},
            "attributes": attributes, **own}  # fmt: skip


def logged(bench: Bench) -> Bench:
    bench.lines(
        "logs/langfuse/a.jsonl",
        [generation("g1", "t1"), generation("g2", "t2"), generation("g3", "t2", provided_model_name="gpt-5-mini"),
         generation("g4", "t4", metadata={})],
    )  # fmt: skip
    bench.lines(
        "logs/scores/a.jsonl",
        [score("by observation", traceId="t1", observationId="g1", value=0.25), score("by trace", traceId="t1"),
         score("two models", traceId="t2"), score("untagged", traceId="t4"), score("elsewhere", traceId="t9"),
         score("too great", traceId="t1", value=7)],
    )  # fmt: skip
    bench.lines("logs/otlp/a.jsonl", [{"resourceSpans": [{"scopeSpans": [{"spans": [
        span(SPAN, "d7", "resp-7"), span("f" * 16, "d8", "resp-8")]}]}]}])  # fmt: skip
    bench.lines("logs/events/a.jsonl", [{"resourceLogs": [{"scopeLogs": [{"logRecords": [
        evaluation(0.5, traceId=TRACE, spanId=SPAN), evaluation(1.0, **{"gen_ai.response.id": "resp-8"}),
        evaluation(1.0, traceId=TRACE)]}]}]}])  # fmt: skip
    return bench


def marks(bench: Bench) -> list[tuple]:
    with bench.published.connect() as con:
        return con.execute("select item_id, model from evaluated_items where live order by all").fetchall()


def test_scores_mark_the_requests_they_name_and_the_others_are_listed(tmp_path: Path):
    bench = logged(bench_with_tools(tmp_path))
    counted = bench.run()["records"]
    assert (counted["stored"], counted["quarantined"]) == (4 + 5 + 2 + 3, 1)
    assert [(r["score_key"].split("|")[0], r["reason"]) for r in bench.export("unmatched_scores")] == [
        (TRACE, "several task types, models or units in the trace"),
        ("elsewhere", "no request"),
        ("two models", "several task types, models or units in the trace"),
        ("untagged", "no workflow or task type"),
    ]
    assert marks(bench) == [
        ("d7", "openai/gpt-5-mini"), ("d8", "openai/gpt-5-mini"), ("unit-of-g1", "openai/gpt-5.4"),
    ]  # fmt: skip
    assert CANARY not in everything_written(tmp_path)


def test_of_several_scores_none_counts_until_one_is_declared(tmp_path: Path):
    other = score("toxic", traceId="t1", name="toxicity", value=0.1)
    bench = logged(bench_with_tools(tmp_path / "undeclared"))
    bench.lines("logs/scores/b.jsonl", [other])
    bench.run()
    assert {r["reason"] for r in bench.export("unmatched_scores") if r["source"] == "scores"} == {"several score names"}
    declared = logged(bench_with_tools(tmp_path / "declared", scores={"correctness": {"min": 0, "max": 10}}))
    declared.lines("logs/scores/b.jsonl", [other])
    assert declared.run()["records"]["quarantined"] == 0
    assert ("unit-of-g1", "openai/gpt-5.4") in marks(declared)


def test_scores_in_any_order_and_number_of_runs_publish_the_same(tmp_path: Path):
    at_once = logged(bench_with_tools(tmp_path / "once"))
    at_once.run()
    piecemeal = bench_with_tools(tmp_path / "piecemeal")
    piecemeal.lines(
        "logs/scores/0.jsonl",
        [score("by observation", traceId="t1", observationId="g1", value=0.5, timestamp="2026-10-20T11:00:00Z")],
    )
    piecemeal.run()
    logged(piecemeal)
    assert piecemeal.run()["records"]["duplicate"] == 0
    at_once.lines(
        "logs/scores/z.jsonl",
        [score("by observation", traceId="t1", observationId="g1", value=0.5, timestamp="2026-10-20T11:00:00Z")],
    )
    assert at_once.run()["records"]["superseded"] == 1
    assert piecemeal.fingerprint() == at_once.fingerprint()


def test_live_marks_are_never_pairs_but_may_ask_for_a_canary(tmp_path: Path):
    """A unit that both models answered was escalated: its marks don't compare them."""
    bench = bench_with_tools(tmp_path)
    strata = ("easy", "hard")
    bench.calls(*(
        call(f"{model}-{n}", unit_id=f"d{n}", model=model, stratum=strata[n % 2], response_id=f"{model}-{n}")
        for n in range(120) for model in ("gpt-5.4", "gpt-5-mini")
    ))  # fmt: skip
    bench.lines("logs/events/a.jsonl", [{"resourceLogs": [{"scopeLogs": [{"logRecords": [
        evaluation(1.0, **{"gen_ai.response.id": f"{model}-{n}"}) for n in range(120) for model in ("gpt-5.4", "gpt-5-mini")
    ]}]}]}])  # fmt: skip
    bench.config["sources"][-1]["signal"] = "human"
    bench.save()
    bench.run()
    [one] = bench.published.recommendations["recommendations"]
    assert (one["decision"], one["grade"], one["items"]) == ("experiment", "B", 120)
    assert one["experiment"]["canary_share"] == 0.05


def test_a_full_rebuild_keeps_scores_and_never_forgets_them(tmp_path: Path):
    bench = logged(bench_with_tools(tmp_path))
    bench.run()
    before = bench.fingerprint()
    bench.run(full=True)
    assert bench.fingerprint() == before
    (tmp_path / "logs/scores/a.jsonl").unlink()
    with pytest.raises(OutlayError, match="the inputs of 5 stored records are gone"):
        bench.run(full=True)
    bench.run(full=True, keep_missing=True)
    assert ("unit-of-g1", "openai/gpt-5.4") in marks(bench)
