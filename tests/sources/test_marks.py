"""Marks of evaluation tools: promptfoo, Langfuse scores, OpenTelemetry's evaluation events."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pipelines.sources.marking import Marking, Scale
from pipelines.sources.record import Evaluation, Score
from pipelines.workspace.logs import Source
from tests.sources.reading import EXAMPLES, one, read_file, read_lines, reasons

KEYS = Marking(
    keys={"workflow": ("workflow",), "task_type": ("task_type",), "unit_id": ("document_id",), "stratum": ("stratum",)}
)
SCORE: dict[str, Any] = {
    "id": "s1", "timestamp": "2026-11-20T12:00:00.000Z", "traceId": "t1", "observationId": "o1", "name": "correctness",
    "value": 1, "dataType": "NUMERIC", "source": "ANNOTATION",
}  # fmt: skip


def promptfoo() -> dict[str, Any]:
    return json.loads((EXAMPLES / "09-promptfoo-results.json").read_text())["results"]["results"][0]


def test_promptfoos_results_become_evaluations_of_the_models_they_name():
    found = [each.parsed for each in read_file("promptfoo", EXAMPLES / "09-promptfoo-results.json", marking=KEYS)]
    assert [
        (e.workflow, e.task_type, e.item_id, e.provider, e.model, e.quality, e.signal, e.input_tokens, e.output_tokens,
         e.cost_usd, e.latency_ms)
        for e in found if isinstance(e, Evaluation)
    ] == [
        ("review", "extraction", "d0", "openai", "gpt-5.4", 1, "label", 120, 10, Decimal("0.00045"), 812),
        ("review", "extraction", "d0", "openai", "gpt-5-mini", Decimal("0.5"), "label", 120, 11, Decimal("0.00005"), 401),
        ("review", "extraction", "d1", "openai", "gpt-5.4", 1, "label", 0, 0, None, None),
        ("review", "extraction", "d1", "router", "auto", 1, "judge", 125, 15, Decimal("0.0002"), 650),
    ]  # fmt: skip
    assert len(found) == 4, "a call that failed is no mark, and neither is a second prompt's"
    assert "binds" not in str(found), "no prompt, no variable, no answer"


@pytest.mark.parametrize(
    ("provider", "expected"),
    [
        ("openai:responses:gpt-5.4", ("openai", "gpt-5.4")),
        ("anthropic:messages:claude-haiku-4-5", ("anthropic", "claude-haiku-4-5")),
        ("openrouter:anthropic/claude-sonnet-5", ("openrouter", "anthropic/claude-sonnet-5")),
        ("bedrock:anthropic.claude-haiku-4-5-v1:0", ("aws", "anthropic.claude-haiku-4-5-v1:0")),
        ({"id": "https://gateway.example/v1", "label": "router/auto"}, ("router", "auto")),
    ],
)
def test_promptfoos_provider_ids_are_models(tmp_path: Path, provider: Any, expected: tuple[str, str]):
    mark = one("promptfoo", tmp_path, promptfoo() | {"provider": provider}, name="2026-10-19.jsonl", marking=KEYS)
    assert (mark.provider, mark.model) == expected


def test_workflow_and_task_type_may_stand_at_the_source_and_items_are_told_by_their_vars(tmp_path: Path):
    row = promptfoo()
    row["testCase"]["metadata"] = {}
    bare = Marking(keys=KEYS.keys, workflow="claims", task_type="triage", signal="human")
    again = row | {"provider": "openai:gpt-5-mini"}
    first, second = (
        r.parsed for r in read_lines("promptfoo", tmp_path, [row, again], name="2026-10-19.jsonl", marking=bare)
    )
    assert isinstance(first, Evaluation)
    assert isinstance(second, Evaluation)
    assert (first.workflow, first.task_type, first.signal) == ("claims", "triage", "human")
    assert first.item_id == second.item_id != ""
    assert first.item_id.startswith("vars-")
    assert reasons(read_lines("promptfoo", tmp_path, [row], name="2026-10-19.jsonl", marking=KEYS)) == [
        (1, "workflow, in the test's metadata or at the source: expected a text that is not empty")
    ]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"score": 7}, "value: outside 0..1, expected scores: {NAME: {min, max}} at the source"),
        ({"score": None, "success": None}, "expected score or success"),
        ({"provider": "file://custom.py"}, "provider: expected an id such as openai:gpt-5.4, or a label provider/model"),
        ({"vars": None, "testCase": {"metadata": {"workflow": "w", "task_type": "t"}}},
         "item_id: expected one in the test's metadata or vars, or vars to tell tests apart"),
    ],
)  # fmt: skip
def test_a_promptfoo_result_that_says_too_little_is_quarantined(tmp_path: Path, changes: dict, reason: str):
    assert one("promptfoo", tmp_path, promptfoo() | changes, name="2026-10-19.jsonl", marking=KEYS).reason == reason


def test_langfuse_scores_become_marks_of_what_they_name():
    found = [each.parsed for each in read_file("langfuse-scores", EXAMPLES / "09-langfuse-scores.jsonl")]
    assert [
        (s.score_key, s.name, s.quality, s.signal, s.trace_id, s.span_id) for s in found if isinstance(s, Score)
    ] == [
        ("score-1", "correctness", 1, "human", "trace-0001", "gen-0001"),
        ("score-2", "correctness", 0, "judge", "trace-0001", "gen-0001"),
        ("score-3", "stars", Decimal("0.75"), "human", "trace-0001", "gen-0001"),
        ("score-5", "correctness", 0, "judge", "trace-0001", None),
    ]
    assert "clause" not in str(found)
    assert "user-9" not in str(found)


def test_a_page_of_scores_reads_like_its_lines(tmp_path: Path):
    bad = SCORE | {"id": "s2", "value": 80}
    page = read_lines("langfuse-scores", tmp_path, [{"data": [SCORE, bad], "meta": {}}])
    assert [getattr(r.parsed, "score_key", None) for r in page] == ["s1", None]
    lines = read_lines("langfuse-scores", tmp_path, [SCORE, bad])
    assert [r.parsed for r in page] == [r.parsed for r in lines]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"value": 80}, "value: outside 0..1, expected scores: {NAME: {min, max}} at the source"),
        ({"value": 9, "config": {"minValue": 0, "maxValue": 5}}, "value: outside the declared range"),
        ({"dataType": "CATEGORICAL", "stringValue": "so so"},
         "score: a label without a declared value, expected scores: {NAME: {labels: …}} at the source"),
        ({"traceId": None, "observationId": None}, "traceId: expected the trace or the observation that was scored"),
        ({"name": "What a user wrote about it, at length?"}, "name: expected at most 64 letters, digits and . _ : / -"),
    ],
)  # fmt: skip
def test_a_score_that_nothing_scales_is_quarantined(tmp_path: Path, changes: dict, reason: str):
    assert one("langfuse-scores", tmp_path, SCORE | changes).reason == reason


def test_declared_scores_say_which_count_and_how(tmp_path: Path):
    declared = Marking(
        signal="label",
        scores={"percent": Scale(Decimal(0), Decimal(100)), "toxicity": Scale(Decimal(1), Decimal(0)),
                "verdict": Scale(Decimal(0), Decimal(1), {"so so": Decimal("0.5")})},
    )  # fmt: skip
    lines = [
        SCORE | {"id": "a", "name": "percent", "value": 80},
        SCORE | {"id": "b", "name": "toxicity", "value": 0.1},
        SCORE | {"id": "c", "name": "verdict", "value": 3, "dataType": "CATEGORICAL", "stringValue": "so so"},
        SCORE | {"id": "d", "name": "politeness"},
    ]
    found = [r.parsed for r in read_lines("langfuse-scores", tmp_path, lines, marking=declared)]
    assert [(s.score_key, s.quality, s.signal) for s in found if isinstance(s, Score)] == [
        ("a", Decimal("0.8"), "label"), ("b", Decimal("0.9"), "label"), ("c", Decimal("0.5"), "label"),
    ]  # fmt: skip


def test_evaluation_events_are_read_from_log_records_and_from_spans(tmp_path: Path):
    found = [each.parsed for each in read_file("otel-evaluations", EXAMPLES / "09-otel-evaluations.jsonl")]
    attributes = [
        {"key": "gen_ai.evaluation.name", "value": {"stringValue": "Correctness"}},
        {"key": "gen_ai.evaluation.score.value", "value": {"doubleValue": 1.0}},
    ]
    events = [
        {"timeUnixNano": "1792497600000000000", "name": "gen_ai.evaluation.result", "attributes": attributes},
        {"timeUnixNano": "1792497600000000000", "name": "exception"},
    ]
    span = {
        "traceId": "5b8efff798038103d269b633813fc60c",
        "spanId": "aaa19b7ec3c1b175",
        "name": "chat",
        "events": events,
    }
    found.append(one("otel-evaluations", tmp_path, {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}))
    trace = "5b8efff798038103d269b633813fc60c"
    assert [(s.quality, s.signal, s.trace_id, s.span_id, s.response_id) for s in found if isinstance(s, Score)] == [
        (Decimal("0.75"), "judge", trace, "eee19b7ec3c1b174", None),
        (0, "judge", trace, None, "chatcmpl-77"),
        (1, "judge", trace, "aaa19b7ec3c1b175", None),
    ]
    assert "clause" not in str(found)


def test_a_span_that_stands_for_an_event_hangs_on_the_span_above(tmp_path: Path):
    attributes = [
        {"key": "gen_ai.evaluation.name", "value": {"stringValue": "Relevance"}},
        {"key": "gen_ai.evaluation.score.label", "value": {"stringValue": "pass"}},
    ]
    span = {"traceId": "a" * 32, "spanId": "b" * 16, "parentSpanId": "c" * 16, "name": "gen_ai.evaluation.result",
            "startTimeUnixNano": "1792497600000000000", "attributes": attributes}  # fmt: skip
    score = one("otel-evaluations", tmp_path, {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]})
    assert (score.span_id, score.quality) == ("c" * 16, 1)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"kind": "requests", "scores": {"correctness": {}}}, "belong to marks of other tools, found kind requests"),
        ({"kind": "langfuse-scores", "workflow": "review"}, "belong to kind promptfoo, found kind langfuse-scores"),
        ({"kind": "otel-evaluations", "scores": {"Relevance": {"min": 1, "max": 1}}}, "expected min and max to differ"),
    ],
)
def test_what_a_source_declares_of_its_marks_must_fit_its_kind(source: dict, words: str):
    with pytest.raises(ValidationError, match=words):
        Source.model_validate({"name": "evals", "path": "logs/*.jsonl", **source})
