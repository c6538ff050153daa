"""The lean readers of `otlp`, `litellm`, `bedrock` and `outcomes` and the parsers of single records say the same of every file."""

from __future__ import annotations

import copy
import json
import os
import random
from pathlib import Path
from typing import Any

import pytest

from pipelines.intake.batches import Batches
from pipelines.intake.planned import PlannedFile
from pipelines.intake.staging import Staging
from pipelines.sources.record import Quarantined
from pipelines.sources.registry import read
from tests.sources.reading import file_ref
from tests.sources.test_plans import ROWS, connection, written

EXAMPLES = Path(__file__).parent / "examples"
FILES = {
    "otlp": ("03-otel-genai-current.jsonl", "03-otel-genai-legacy.jsonl"),
    "litellm": ("04-litellm-standard-logging-payload.jsonl",),
    "bedrock": ("05-bedrock-model-invocation-log.jsonl",),
}
SPANS = "select * replace (map_entries(tags) as tags) from incoming_spans order by all"
EVENTS = "from incoming_outcomes order by line, event_id"
ROUNDS = int(os.environ.get("OUTLAY_EXAMPLES", "6"))


def said(kind: str, path: Path, planned: bool, **more: Any) -> tuple[list[Any], list[Any], list[Any], int]:
    """Rows, spans and refusals of a file, and how many records the plan itself stored."""
    con = connection()
    batches, ref = Batches(Staging(con)), file_ref(path)
    plan = PlannedFile(Staging(con), "log", ref, kind=kind, few=0, **more)
    refused = []
    for line, parsed in plan.results() if planned else read(kind, ref):
        if isinstance(parsed, Quarantined):
            refused.append((line, parsed))
        else:
            batches.add(("log", kind, path.name, line), parsed)
    batches.flush()
    rows = con.execute(ROWS + ", request_key, canonical").fetchall() + con.execute(EVENTS).fetchall()
    return rows, con.execute(SPANS).fetchall(), refused, plan.taken


def assert_same(kind: str, path: Path, **more: Any) -> int:
    rows, spans, refused, _ = said(kind, path, False)
    found_rows, found_spans, found_refused, taken = said(kind, path, True, **more)
    assert found_rows == rows
    assert found_spans == spans
    assert found_refused == refused
    return taken


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in FILES.items() for name in names])
def test_the_plan_itself_reads_every_call_of_the_examples(tmp_path: Path, kind: str, name: str):
    content = (EXAMPLES / name).read_bytes()
    assert assert_same(kind, EXAMPLES / name) == len(said(kind, EXAMPLES / name, False)[0])
    assert assert_same(kind, written(tmp_path, content * 30, "log.jsonl.gz"), piece_size=5000) > 0
    spaced = b"".join(json.dumps(json.loads(line)).encode() + b"\r\n" for line in content.splitlines())
    assert assert_same(kind, written(tmp_path, spaced)) == len(said(kind, EXAMPLES / name, False)[0])


ODD: list[Any] = [
    None, True, False, 0, 1, -1, 12.0, 1.5, 0.1, "", "12", "x" * 300, "y" * 1100, "a b " * 8, "two\nlines", "[list]", "{",
    [], {}, [1], {"a": 1}, ["a:b", "c", "", ":", "d:", 7], 10**12, 10**12 + 1, 10**30, 10**19, 1e300, "sk-abcdefghijklmnop",
    "\u212aEY-aaaaaaaaaaaaaa", "Bearer abcdefghijkl", "https://u:p@host/x", "modèle", "q\"'\\", "\x7f\u2028", "0012",
    "2026-11-20T12:00:00.5+02:00", "2027-11-20T12:00:00Z", 1795176001.1234567, "1795176001000000000", "openai", "failure",
    {"stringValue": "x"}, {"intValue": "7"}, {"intValue": 7}, {"intValue": 7.5}, {"doubleValue": 0.25}, {"doubleValue": 2},
    {"boolValue": True}, {"arrayValue": 5}, {"arrayValue": {"values": [{"stringValue": "a:b"}]}}, {"bytesValue": "AA=="},
    {"kvlistValue": {"values": [{"key": "a", "value": {"intValue": "1"}}]}}, {"stringValue": None}, {"stringValue": ""},
    {"intValue": "1", "stringValue": "2"}, {"intValue": "00123"}, {"intValue": "-5"}, {"stringValue": "9" * 16},
]  # fmt: skip
KEYS = [
    "gen_ai.usage.input_tokens", "gen_ai.usage.cache_read_input_tokens", "gen_ai.usage.audio.input_tokens", "metadata",
    "llm.cost.total", "gen_ai.usage.cost", "tag.tags", "sampling.probability", "error.type", "finops.team", "Team", "user_id",
    "gen_ai.operation.name", "tags", "prompt", "gen_ai.response.id", "ai.model.id", "anthropic.response.service_tier",
    "anthropic.usage.cache_creation.ephemeral_1h_input_tokens", "traceState", "region", "cost_breakdown", "serviceTier",
    "cache_hit", "errorCode", "end_user", "response_cost", "startTime", "scope", "instrumentationLibrary", "documentId",
]  # fmt: skip
RAW = [
    b"{\n", b"[]\n", b"null\n", b"12\n", b"\n", b"{}\n", b"{} {}\n", b"\xff\n", b'{"resourceMetrics":[]}\n', b'{"a":NaN}\n',
    b'{"a":' + b"[" * 40 + b"]" * 40 + b"}\n", b'{"resourceSpans":"\\ud800"}\n', b'{"resourceSpans":{}}\n',
]  # fmt: skip


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every container with each of its keys."""
    found: list[tuple[Any, Any]] = []
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        found.append((value, key))
        if isinstance(inner, dict | list):
            found += places(inner)
    return found


def changed(chance: random.Random, document: Any) -> Any:
    """A document with a few things odd about it."""
    document = copy.deepcopy(document)
    for _ in range(chance.choice([0, 1, 1, 1, 2, 3])):
        within, key = chance.choice(places(document))
        what = chance.randrange(6)
        if what == 0 and isinstance(within, dict):
            del within[key]
        elif what == 1 and isinstance(within, list):
            within.append(copy.deepcopy(within[key]))
        elif what == 2 and isinstance(within, list):
            within.append({"key": chance.choice(KEYS), "value": chance.choice(ODD)})
        elif what == 3 and isinstance(within, dict):
            within[chance.choice(KEYS)] = chance.choice(ODD)
        elif what == 4 and isinstance(within[key], str):
            within[key] = within[key] + chance.choice(["", "é", "-2", " "])
        else:
            within[key] = copy.deepcopy(chance.choice(ODD))
        if not document:
            return {}
    return document


def spelt(chance: random.Random, document: Any) -> bytes:
    separators = chance.choice([(",", ":"), (", ", ": "), (" , ", " : ")])
    text = json.dumps(document, separators=separators, ensure_ascii=chance.random() < 0.5)
    if chance.random() < 0.1:
        text = text.replace(
            chance.choice(["0.0", "1795176001.0", ".35", "cost"]), chance.choice(["1e-3", "0.10", "c\\u006fst"])
        )
    return text.encode("utf-8", "replace") + chance.choice([b"\n", b"\n", b"\r\n"])


EVENT = {
    "event_id": "ev-1", "time": "2026-11-20T12:00:00.25Z", "workflow": "claims", "unit_id": "c-1", "event": "completed",
    "attempt_id": "c-1-a1", "value_usd": "1.20", "quality": 0.95, "signal": "human", "parent_workflow": "cases",
    "parent_unit_id": "k-1",
}  # fmt: skip


def test_the_plan_of_outcomes_reads_every_usual_event_itself(tmp_path: Path):
    events: list[dict[str, Any]] = [
        EVENT,
        {**EVENT, "value_usd": 12, "quality": 1, "signal": "", "event": "accepted", "prompt": "not kept"},
        {**EVENT, "value_usd": 0.1, "quality": 0.123456789012345678, "unit_id": "c-“é”\\", "attempt_id": None},
        {key: EVENT[key] for key in ("event_id", "time", "workflow", "unit_id", "event")},
    ]
    lines = "".join(json.dumps({**e, "event_id": f"ev-{i}"}) + "\n" for i, e in enumerate(events * 10))
    assert assert_same("outcomes", written(tmp_path, lines.encode())) == 40
    exact = lines.replace("0.12345678901234568", "0.1234567890123456789").replace('"1.20"', "1.2000000000000000001")
    assert assert_same("outcomes", written(tmp_path, exact.encode()), piece_size=1000) == 40


def test_what_a_line_says_of_an_outcome_that_is_odd_is_said_by_the_parser_of_single_records(tmp_path: Path):
    found = 0
    for seed in range(ROUNDS):
        chance = random.Random(f"outcomes {seed}")
        lines = [spelt(chance, EVENT)]
        for _ in range(300):
            event = {**EVENT, "event_id": f"ev-{chance.randrange(200)}"}
            for _ in range(chance.choice([0, 0, 1, 1, 2])):
                key = chance.choice([*EVENT, *KEYS])
                event[key] = copy.deepcopy(chance.choice([*ODD, 0, "", False, 1e-7, "1e-7", "judge", "rejected"]))
            lines.append(chance.choice(RAW) if chance.random() < 0.05 else spelt(chance, event))
        found += assert_same("outcomes", written(tmp_path, b"".join(lines)), piece_size=chance.choice([1000, 1 << 20]))
    assert found > 100 * ROUNDS


@pytest.mark.parametrize("kind", FILES)
def test_both_ways_say_the_same_of_odd_logs(tmp_path: Path, kind: str):
    usual = [json.loads(line) for name in FILES[kind] for line in (EXAMPLES / name).read_text("utf-8").splitlines()]
    for seed in range(ROUNDS):
        chance = random.Random(f"{kind} {seed}")
        lines = [
            chance.choice(RAW) if chance.random() < 0.05 else spelt(chance, changed(chance, chance.choice(usual)))
            for _ in range(150)
        ]
        begins_well = chance.random() < 0.7
        if begins_well:
            lines.insert(0, spelt(chance, usual[0]))
        taken = assert_same(kind, written(tmp_path, b"".join(lines)), piece_size=chance.choice([1000, 1 << 20]))
        assert taken > 20 or not begins_well


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'{"stringValue":"contract-review-worker"}', b'{"intValue":"1","stringValue":"2"}'),
        (b'{"stringValue":"acme"}', b'{"intValue":"1","stringValue":"2"}'),
    ],
)
def test_a_value_with_two_variants_is_read_alike(tmp_path: Path, old: bytes, new: bytes):
    good = (EXAMPLES / FILES["otlp"][0]).read_bytes().splitlines(keepends=True)[0]
    odd = good.replace(old, new)
    assert odd != good
    assert assert_same("otlp", written(tmp_path, good * 20 + odd + good * 20)) == 40


def test_a_line_without_spans_is_refused_alike(tmp_path: Path):
    good = (EXAMPLES / FILES["otlp"][0]).read_bytes().splitlines(keepends=True)[0]
    assert assert_same("otlp", written(tmp_path, good * 20 + b'{"resourceSpans":null}\n' + good * 20)) == 40


@pytest.mark.parametrize("kind", FILES)
def test_an_odd_line_costs_only_itself(tmp_path: Path, kind: str):
    good = (EXAMPLES / FILES[kind][0]).read_bytes().splitlines(keepends=True)[0]
    for odd in (
        b"{\n",
        b"\xff\n",
        b'{"resourceSpans": 5, "schemaType": 5}\n',
        b"{} {}\n",
        b'{"a":"' + b"x" * (2 << 20) + b'"}\n',
    ):
        assert assert_same(kind, written(tmp_path, good * 20 + odd + good * 20)) == 40
        assert assert_same(kind, written(tmp_path, odd + good * 40)) in (40, 0 if odd.startswith(b"{}") else 40)


def test_a_tag_that_always_looks_odd_sends_only_the_first_batch_down_the_slow_path(tmp_path: Path):
    good = (EXAMPLES / FILES["otlp"][0]).read_bytes().splitlines(keepends=True)[0]
    prose = good.replace(b"contract_review", b"one two three four five six seven eight nine ten eleven twelve thirteen")
    assert prose != good
    assert assert_same("otlp", written(tmp_path, prose * 40), piece_size=(len(prose) - 1) * 10) == 30


def span_of(scope: dict[str, str], provider: str) -> bytes:
    line = json.loads((EXAMPLES / FILES["otlp"][1]).read_text("utf-8").splitlines()[2])
    entry = line["resourceSpans"][0]["scopeSpans"][0]
    entry["scope"] = scope
    for attribute in entry["spans"][0]["attributes"]:
        if attribute["key"] == "gen_ai.system":
            attribute["value"] = {"stringValue": provider}
    return json.dumps(line).encode() + b"\n"


@pytest.mark.parametrize(
    ("version", "provider", "fresh", "flags"),
    [
        ("5.0.93", "anthropic.messages", 176, []),
        ("5.0.93", "anthropic", 2224, ["exclusive_semantics"]),
        ("6.0.0", "anthropic", 176, []),
        ("5.0.93", "openai", 176, []),
    ],
)
def test_whether_caches_count_inside_the_input_depends_on_what_recorded_the_span(
    tmp_path: Path, version: str, provider: str, fresh: int, flags: list[str]
):
    path = written(tmp_path, span_of({"name": "ai", "version": version}, provider))
    assert assert_same("otlp", path) == 1
    con = connection()
    Batches(Staging(con))
    list(PlannedFile(Staging(con), "log", file_ref(path), kind="otlp", few=0).results())
    assert con.execute("select input_uncached, cache_read, flags from records").fetchall() == [(fresh, 2048, flags)]
