"""Whatever stands in a log, reading it ends in records and refusals, and a record always fits its table."""

import copy
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.sources.context import AHEAD
from pipelines.sources.record import MONEY, Quarantined, RequestRecord, SpanContext
from pipelines.sources.registry import kinds_supported, read
from pipelines.sources.tags import MAX_LENGTH
from pipelines.sources.usage import PARTS
from tests.sources.reading import CALL, EXAMPLES, NOW, file_ref

FILES = {
    "otlp": "03-otel-genai-current.jsonl",
    "litellm": "04-litellm-standard-logging-payload.jsonl",
    "openai": "01-openai-responses-with-usage.jsonl",
    "openai-batch": "01-openai-batch-output.jsonl",
    "anthropic": "02-anthropic-messages-with-usage.jsonl",
    "anthropic-batch": "02-anthropic-batch-results.jsonl",
    "bedrock": "05-bedrock-model-invocation-log.jsonl",
    "vertex": "06-vertex-request-response-log.jsonl",
    "azure-apim": "06-azure-apim-gateway-llm-log.jsonl",
    "langfuse": "07-langfuse-observations-v2.jsonl",
    "helicone": "07-helicone-requests.jsonl",
    "openrouter": "07-openrouter-generation.jsonl",
}
#: facts and marks: their readers are tested where they are
MARKS = {"outcomes", "evaluations", "promptfoo", "langfuse-scores", "otel-evaluations"}
ODD = [
    *(None, True, False, 0, -1, 1.5, 1e30, 10**12, 10**40, -(10**40), float("nan"), [], {}, [None], [[]]),
    *("", " ", "12", "-5", "NaN", "x" * 300, "\ud800", "\0", "{", '{"a": [1]}', "99999999999999999999999"),
    *("2026-11-20T12:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+23:59"),
    *({"a": None}, [{"type": "compaction"}]),
]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return ([path] if path else []) + [place for key, item in inner for place in places(item, (*path, key))]


def lines_of(file: str) -> list[Any]:
    return [json.loads(line) for line in (EXAMPLES / file).read_text().splitlines()]


OWN = CALL | {"units": [{"unit_id": "u", "weight": 1}], "cost_usd": 0.5, "latency_ms": 3}
EXAMPLE_LINES = {"requests": [OWN]} | {kind: lines_of(file) for kind, file in FILES.items()}


def test_every_json_kind_has_an_example_here() -> None:
    assert set(EXAMPLE_LINES) == set(kinds_supported()) - {"litellm-spendlogs", *MARKS}


@pytest.mark.parametrize("kind", EXAMPLE_LINES)
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_value_in_any_place_breaks_a_reader(tmp_path: Path, kind: str, data: st.DataObject) -> None:
    line = copy.deepcopy(data.draw(st.sampled_from(EXAMPLE_LINES[kind])))
    for _ in range(data.draw(st.integers(1, 3))):
        *outer, last = data.draw(st.sampled_from(places(line)))
        inner = line
        for key in outer:
            inner = inner[key]
        inner[last] = copy.deepcopy(data.draw(st.sampled_from(ODD)))
        if not places(line):
            break
    path = tmp_path / "2026-11-20.jsonl"
    path.write_text(json.dumps(line))
    for number, parsed in read(kind, file_ref(path)):
        assert number == 1
        if isinstance(parsed, Quarantined):
            assert parsed.reason
            assert len(parsed.excerpt) <= 80
        elif isinstance(parsed, RequestRecord):
            fits(parsed)
        else:
            assert isinstance(parsed, SpanContext)


def fits(record: RequestRecord) -> None:
    quantities = [*(getattr(record, name) for name in PARTS), *record.extras.values(), record.latency_ms or 0]
    assert all(type(quantity) is int and 0 <= quantity <= 10**13 for quantity in quantities)
    assert record.time <= NOW + AHEAD
    assert record.status in ("ok", "error")
    pa.array([record.recorded_usd], MONEY)
    pa.array([record.time, record.updated_at], pa.timestamp("us", tz="UTC"))
    texts = [
        record.record_key,
        record.request_id,
        record.provider,
        record.model,
        record.service_tier,
        record.canonical,
    ]
    pa.array(texts, pa.string())
    for tags in (record.tags, record.resource_tags):
        pa.array(list(tags.items()), pa.list_(pa.string()))
        assert all(0 < len(found) <= MAX_LENGTH for found in tags.values())
