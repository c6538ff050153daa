"""The independent model of the ledger, checked against examples worked out by hand."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from genai_prices import data as genai

from tests.reference import prices
from tests.reference.tables import exports
from tests.reference.worlds import Spec, make

YAML = """\
name: by hand
reporting: {{timezone: {zone}}}
sources:
  - {{name: calls, kind: requests, path: "calls/*.jsonl", priority: 1}}
  - {{name: copies, kind: requests, path: "copies/*.jsonl", priority: 5}}
  - {{name: gateway, kind: litellm, path: "gateway/*.jsonl"}}
  - {{name: traces, kind: otlp, path: "traces/*.jsonl"}}
  - {{name: batches, kind: anthropic-batch, path: "batches/*.jsonl"}}
  - {{name: outcomes, kind: outcomes, path: "outcomes/*.jsonl"}}
workflows:
  w: {{unit: document, value: {{per_outcome_usd: "6.50"}}}}
  strict: {{unit: decision, accept: accepted, maturity_days: 0, value: {{field: value_usd}}}}
tiers: [{{name: big, rank: 2, models: [p/m]}}]
"""


def rate(provider: str, model: str, token_class: str, tier: str, time: datetime, total: int) -> Fraction | None:
    """Whole cents: 1 for input, 2 for output, a tenth for what is read from the cache; one model has no
    price."""
    cents = {
        "input": Fraction(1),
        "output": Fraction(2),
        "cache_read": Fraction(1, 10),
        "cache_write": Fraction(5, 4),
    }
    return None if model == "unknown" or token_class not in cents else cents[token_class] / 100


def tables(root: Path, zone: str = "UTC", **logs: list[dict[str, Any]]) -> dict[str, list[dict[str, str]]]:
    """The exports of a workspace that holds these lines."""
    root.mkdir(exist_ok=True, parents=True)
    (root / "outlay.yaml").write_text(YAML.format(zone=zone), encoding="utf-8")
    for folder, lines in logs.items():
        (root / folder).mkdir(exist_ok=True)
        (root / folder / "a.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return exports(root, rate, lambda provider, model: model)


def call(name: str = "r", time: str = "2026-10-05T10:00:00Z", **fields: Any) -> dict[str, Any]:
    base = {
        "request_id": name,
        "time": time,
        "provider": "p",
        "model": "m",
        "input_tokens": 10,
        "output_tokens": 5,
    }
    return base | {"workflow": "w", "unit_id": "d1"} | fields


def event(name: str, kind: str, time: str = "2026-10-05T12:00:00Z", unit: str = "d1", **fields: Any) -> dict[str, Any]:
    return {"event_id": name, "time": time, "workflow": "w", "unit_id": unit, "event": kind} | fields


def pick(rows: list[dict[str, str]], *columns: str) -> list[tuple[str, ...]]:
    return [tuple(row[column] for column in columns) for row in rows]


def test_one_call_and_one_outcome_make_these_rows(tmp_path: Path) -> None:
    found = tables(tmp_path, calls=[call(cache_read_tokens=4, reasoning_tokens=2)], outcomes=[event("e", "completed")])
    assert found == {
        "daily_cost": [
            {
                "day": "2026-10-05",
                "workflow": "w",
                "unit": "document",
                "outcomes": "1",
                "failed_units": "0",
                "requests": "1",
                "input_tokens": "10",
                "output_tokens": "5",
                "spend_usd": "0.164000000000",
                "failure_spend_usd": "0.000000000000",
                "cost_per_outcome_usd": "0.164000000000",
                "provisional": "true",
                "flag": "",
            }
        ],
        "outcome_cost": [
            {
                "workflow": "w",
                "unit": "document",
                "unit_id": "d1",
                "status": "good",
                "first_request": "2026-10-05T10:00:00.000000Z",
                "outcome_day": "2026-10-05",
                "attempts": "1",
                "requests": "1",
                "spend_usd": "0.164000000000",
                "value_usd": "6.500000000000",
            }
        ],
        "requests": [
            {
                "request_id": "r",
                "source": "calls",
                "time": "2026-10-05T10:00:00.000000Z",
                "provider": "p",
                "model": "m",
                "service_tier": "standard",
                "status": "ok",
                "workflow": "w",
                "task_type": "",
                "unit_id": "d1",
                "input_tokens": "10",
                "cache_read_tokens": "4",
                "cache_write_tokens": "0",
                "cache_write_long_tokens": "0",
                "output_tokens": "5",
                "reasoning_tokens": "2",
                "cost_usd": "0.164000000000",
                "cost_basis": "computed",
                "recorded_usd": "",
                "tier": "big",
            }
        ],
        "charges": [
            {
                "request_id": "r",
                "charge_day": "2026-10-05",
                "provider": "p",
                "model": "m",
                "sku": sku,
                "quantity": quantity,
                "unit_price_usd": price,
                "amount_usd": amount,
                "rate_source": "",
                "source": "calls",
                "list_unit_price_usd": price,
                "list_amount_usd": amount,
                "contracted_unit_price_usd": price,
                "contracted_amount_usd": amount,
                "effective_unit_price_usd": price,
                "effective_amount_usd": amount,
            }
            for sku, quantity, price, amount in (
                ("cache_read", "4", "0.001", "0.004000000000"),
                ("input", "6", "0.01", "0.060000000000"),
                ("output", "5", "0.02", "0.100000000000"),
            )
        ],
        "unattributed": [],
    }


def test_a_rejection_counts_against_the_day_on_which_it_happens(tmp_path: Path) -> None:
    events = [
        event("e1", "completed", "2026-10-05T12:00:00Z"),
        event("e2", "accepted", "2026-10-05T13:00:00Z"),
        event("e3", "rejected", "2026-10-06T12:00:00Z"),
        event("e4", "completed", "2026-10-07T12:00:00Z"),
        event("e5", "completed", "2026-10-06T09:00:00Z", unit="d2"),
        event("e6", "rejected", "2026-10-06T10:00:00Z", unit="d2"),
    ]
    found = tables(tmp_path, outcomes=events)
    assert pick(found["daily_cost"], "day", "outcomes", "spend_usd", "cost_per_outcome_usd") == [
        ("2026-10-05", "1", "0.000000000000", "0.000000000000"),
        ("2026-10-06", "-1", "0.000000000000", ""),
        ("2026-10-07", "1", "0.000000000000", "0.000000000000"),
    ]
    assert pick(found["outcome_cost"], "unit_id", "status", "outcome_day", "value_usd", "attempts") == [
        ("d1", "good", "2026-10-07", "6.500000000000", "0"),
        ("d2", "rejected", "", "", "0"),
    ]


def test_a_day_on_which_a_unit_was_completed_and_rejected_keeps_its_row(tmp_path: Path) -> None:
    same = "2026-10-05T12:00:00Z"  # at one instant, completed comes before rejected
    found = tables(tmp_path, outcomes=[event("b", "rejected", same), event("z", "completed", same)])
    assert pick(found["daily_cost"], "day", "outcomes") == [("2026-10-05", "0")]
    assert pick(found["outcome_cost"], "status") == [("rejected",)]


def test_an_accepting_workflow_counts_only_what_was_accepted(tmp_path: Path) -> None:
    events = [
        event("e1", "completed", unit="a", workflow="strict", value_usd="1"),
        event("e2", "accepted", "2026-10-06T12:00:00Z", unit="a", workflow="strict", value_usd="4.25"),
        event("e3", "completed", unit="b", workflow="strict", value_usd="1"),
        event("e4", "failed", unit="c", workflow="strict"),
    ]
    found = tables(tmp_path, outcomes=events)
    assert pick(found["outcome_cost"], "unit_id", "status", "outcome_day", "value_usd") == [
        ("a", "good", "2026-10-06", "4.250000000000"),
        ("b", "open", "", ""),
        ("c", "failed", "", ""),
    ]
    assert pick(found["daily_cost"], "day", "outcomes", "failed_units", "provisional") == [
        ("2026-10-05", "0", "1", "false"),
        ("2026-10-06", "1", "0", "false"),
    ]


def test_failure_spend_is_what_failed_units_errors_and_attempts_gone_wrong_cost(tmp_path: Path) -> None:
    calls = [
        call("r1", attempt_id="a1"),  # 0.20 in an attempt that failed, of a unit that is good in the end
        call("r2", attempt_id="a2"),  # 0.20 in the attempt that went well
        call("r3", status="error", attempt_id="a2", output_tokens=0),  # 0.10: an error that used tokens
        call("r4", unit_id="lost"),  # 0.20 of a unit that failed for good
    ]
    events = [
        event("e1", "failed", "2026-10-05T11:00:00Z", attempt_id="a1"),
        event("e2", "completed", attempt_id="a2"),
        event("e3", "failed", unit="lost"),
    ]
    found = tables(tmp_path, calls=calls, outcomes=events)
    assert pick(
        found["daily_cost"],
        "outcomes",
        "failed_units",
        "spend_usd",
        "failure_spend_usd",
        "cost_per_outcome_usd",
    ) == [("1", "1", "0.700000000000", "0.500000000000", "0.700000000000")]
    assert pick(found["outcome_cost"], "unit_id", "status", "attempts", "requests") == [
        ("d1", "good", "2", "3"),
        ("lost", "failed", "1", "1"),
    ]


def test_what_no_unit_bears_has_the_first_reason_that_holds(tmp_path: Path) -> None:
    calls = [
        call("r1", workflow=None),
        call("r2", workflow="ghost"),
        call("r3", workflow="ghost", unit_id=None),
        call("r4", unit_id=None),
        call("r5", unit_id=None, model="unknown"),
    ]
    found = tables(tmp_path, calls=calls, outcomes=[event("e", "completed", workflow="ghost")])
    assert pick(found["unattributed"], "model", "reason", "requests", "spend_usd", "workflow") == [
        ("m", "no_unit", "1", "0.200000000000", "w"),
        ("m", "no_workflow", "1", "0.200000000000", ""),
        ("m", "undeclared_workflow", "2", "0.400000000000", "ghost"),
        ("unknown", "no_unit", "1", "", "w"),
    ]
    assert found["daily_cost"] == found["outcome_cost"] == []


def test_a_shared_call_is_split_to_the_last_place_with_ties_to_the_smaller_unit(tmp_path: Path) -> None:
    units = [{"unit_id": "c"}, {"unit_id": "a"}, {"unit_id": "b"}]
    shared = call("r", unit_id=None, units=units, model="unknown", cost_usd="0.00000000001")
    found = tables(tmp_path, calls=[shared])
    assert pick(found["outcome_cost"], "unit_id", "requests", "spend_usd") == [
        ("a", "1", "0.000000000004"),
        ("b", "1", "0.000000000003"),
        ("c", "1", "0.000000000003"),
    ]
    assert pick(found["daily_cost"], "requests", "input_tokens", "spend_usd") == [("1", "10", "0.000000000010")]
    assert pick(found["requests"], "unit_id", "cost_basis") == [("", "recorded")]


def test_weights_are_decimals_and_a_unit_named_twice_adds_up(tmp_path: Path) -> None:
    units = [
        {"unit_id": "a", "weight": 0.1},
        {"unit_id": "b", "weight": 0.3},
        {"unit_id": "a", "weight": 0.1},
    ]
    found = tables(tmp_path, calls=[call(units=units), call("no", units=[{"unit_id": "a", "weight": 0}])])
    assert pick(found["outcome_cost"], "unit_id", "spend_usd") == [
        ("a", "0.080000000000"),
        ("b", "0.120000000000"),
    ]


def test_all_calls_without_an_attempt_count_as_one_attempt(tmp_path: Path) -> None:
    found = tables(tmp_path, calls=[call("r1"), call("r2"), call("r3", attempt_id="a"), call("r4", attempt_id="a")])
    assert pick(found["outcome_cost"], "attempts", "requests") == [("2", "4")]


@pytest.mark.parametrize(
    ("fields", "cost", "basis"),
    [
        ({}, "0.200000000000", "computed"),
        ({"cost_usd": "7"}, "0.200000000000", "computed"),
        ({"model": "unknown"}, "", "unpriced"),
        ({"model": "unknown", "cost_usd": "0.0000000000005"}, "0.000000000000", "recorded"),
        ({"model": "unknown", "cost_usd": "0.0000000000015"}, "0.000000000002", "recorded"),
        ({"model": "unknown", "cost_usd": 0}, "0.000000000000", "recorded"),
        ({"model": "unknown", "input_tokens": 0, "output_tokens": 0}, "0.000000000000", "computed"),
        ({"cache_write_long_tokens": 1}, "", "unpriced"),  # one class without a rate is enough
    ],
)
def test_a_request_is_computed_recorded_or_unpriced(tmp_path: Path, fields: dict, cost: str, basis: str) -> None:
    assert pick(tables(tmp_path, calls=[call(**fields)])["requests"], "cost_usd", "cost_basis") == [(cost, basis)]


def test_a_sum_skips_what_has_no_price_and_is_empty_when_nothing_has_one(tmp_path: Path) -> None:
    calls = [call("r1", model="unknown"), call("r2"), call("r3", "2026-10-06T10:00:00Z", model="unknown")]
    found = tables(tmp_path, calls=calls, outcomes=[event("e", "completed", "2026-10-06T12:00:00Z")])
    assert pick(found["daily_cost"], "day", "requests", "spend_usd", "failure_spend_usd", "cost_per_outcome_usd") == [
        ("2026-10-05", "2", "0.200000000000", "0.000000000000", ""),
        ("2026-10-06", "1", "", "0.000000000000", ""),
    ]


def test_of_two_payloads_the_one_that_went_well_then_the_greater_counts(tmp_path: Path) -> None:
    calls = [
        call("a", status="error", output_tokens=99),
        call("a", output_tokens=5),
        call("b", output_tokens=6),
        call("b", output_tokens=5, input_tokens=99),
        call("c", input_tokens=11),
        call("c", "2026-10-05T23:00:00Z"),
        call("d"),
        call("d", "2026-10-05T10:00:01Z"),
        call("e", unit_id="d1"),
        call("e", unit_id="d2"),
    ]
    found = tables(tmp_path, calls=calls)
    assert pick(found["requests"], "request_id", "status", "input_tokens", "output_tokens", "time", "unit_id") == [
        ("a", "ok", "10", "5", "2026-10-05T10:00:00.000000Z", "d1"),
        ("b", "ok", "10", "6", "2026-10-05T10:00:00.000000Z", "d1"),
        ("c", "ok", "11", "5", "2026-10-05T10:00:00.000000Z", "d1"),
        ("d", "ok", "10", "5", "2026-10-05T10:00:01.000000Z", "d1"),
        ("e", "ok", "10", "5", "2026-10-05T10:00:00.000000Z", "d2"),
    ]


def test_of_two_sources_the_higher_priority_counts_with_the_tags_that_only_the_other_has(
    tmp_path: Path,
) -> None:
    seen = call("one", response_id="x", task_type="extraction", attempt_id="a1")
    again = call("two", response_id="x", input_tokens=8, workflow="w", unit_id=None)
    other = call("one", response_id="y")  # the same request id in another source is another call
    found = tables(tmp_path, calls=[seen], copies=[again, other])
    assert pick(found["requests"], "request_id", "source", "input_tokens", "workflow", "task_type", "unit_id") == [
        ("one", "copies", "10", "w", "", "d1"),
        ("two", "copies", "8", "w", "extraction", "d1"),
    ]


def test_of_two_outcomes_with_one_id_the_later_counts(tmp_path: Path) -> None:
    found = tables(tmp_path, outcomes=[event("e", "completed"), event("e", "failed", "2026-10-06T08:00:00Z")])
    assert pick(found["daily_cost"], "day", "outcomes", "failed_units") == [("2026-10-06", "0", "1")]


def test_days_are_those_of_the_reporting_zone_when_the_clock_goes_back(tmp_path: Path) -> None:
    times = ["2026-10-24T21:59:59Z", "2026-10-24T22:00:00Z", "2026-10-25T22:59:59Z", "2026-10-25T23:00:00Z"]
    found = tables(tmp_path, "Europe/Berlin", calls=[call(f"r{n}", time) for n, time in enumerate(times)])
    assert pick(found["charges"][::2], "request_id", "charge_day") == [
        ("r0", "2026-10-24"),
        ("r1", "2026-10-25"),
        ("r2", "2026-10-25"),
        ("r3", "2026-10-26"),
    ]
    assert pick(found["daily_cost"], "day", "requests", "provisional") == [
        ("2026-10-24", "1", "false"),
        ("2026-10-25", "2", "true"),
        ("2026-10-26", "1", "true"),
    ]


@pytest.mark.parametrize(
    "fields",
    [
        {"input_tokens": "12"},
        {"input_tokens": -1},
        {"input_tokens": True},
        {"cache_read_tokens": 11},
        {"reasoning_tokens": 6},
        {"time": "2026-10-05 10:00:00"},
        {"cost_usd": "-1"},
        {"service_tier": "gold"},
        {"status": "fine"},
        {"model": None},
    ],
)
def test_a_request_that_breaks_its_format_is_left_out(tmp_path: Path, fields: dict) -> None:
    assert tables(tmp_path, calls=[call() | fields])["requests"] == []


def span(identity: str, parent: str | None, **attributes: Any) -> dict[str, Any]:
    listed = [
        {
            "key": name.replace("__", "."),
            "value": {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value},
        }
        for name, value in attributes.items()
    ]
    found = {
        "traceId": "ab" * 16,
        "spanId": identity,
        "startTimeUnixNano": "1791194400000000000",
        "attributes": listed,
    }
    return found | ({"parentSpanId": parent} if parent else {})


def traced(*spans: dict[str, Any]) -> dict[str, Any]:
    return {"resourceSpans": [{"resource": {"attributes": []}, "scopeSpans": [{"scope": {}, "spans": list(spans)}]}]}


def test_a_span_inherits_the_tags_above_it_and_one_answer_traced_twice_is_one_call(tmp_path: Path) -> None:
    named = {"gen_ai__operation__name": "chat", "gen_ai__provider__name": "p", "gen_ai__request__model": "m"}
    usage = {
        "gen_ai__usage__input_tokens": 10,
        "gen_ai__usage__output_tokens": 5,
        "gen_ai__response__id": "x",
    }
    full = usage | {"gen_ai__usage__cache_read__input_tokens": 4}
    root = span("aa" * 8, None, gen_ai__operation__name="invoke_workflow", workflow="w", document_id="d1")
    agent = span(
        "bb" * 8,
        "aa" * 8,
        gen_ai__operation__name="invoke_agent",
        gen_ai__usage__input_tokens=99,
        task_type="t",
    )
    lines = [
        traced(span("cc" * 8, "bb" * 8, **named, **usage), span("dd" * 8, "bb" * 8, **named, **full)),
        traced(root),
        traced(agent),
    ]
    found = tables(tmp_path, traces=lines)
    assert pick(
        found["requests"], "request_id", "workflow", "task_type", "unit_id", "cache_read_tokens", "cost_usd"
    ) == [("x", "w", "t", "d1", "4", "0.164000000000")]


def payload(**fields: Any) -> dict[str, Any]:
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "prompt_tokens_details": {"cached_tokens": 4, "cache_creation_tokens": 2},
    }
    tags = {"workflow": "w", "document_id": "d1"}
    return {
        "id": "chat-1",
        "litellm_call_id": "call-1",
        "status": "success",
        "custom_llm_provider": "p",
        "model": "m",
        "startTime": 1791194400.5,
        "response_cost": 0.0,
        "metadata": {"usage_object": usage, "spend_logs_metadata": tags},
    } | fields


def test_a_gateway_counts_the_cache_inside_the_input_and_its_own_cache_as_nothing(tmp_path: Path) -> None:
    lines = [
        payload(),
        payload(id="chat-2", litellm_call_id="call-2", cache_hit=True),
        payload(id="z", litellm_call_id="z", model="unknown"),
    ]
    found = tables(tmp_path, gateway=lines)
    assert pick(
        found["requests"],
        "request_id",
        "time",
        "input_tokens",
        "cache_write_tokens",
        "cost_usd",
        "cost_basis",
    ) == [
        ("chat-1", "2026-10-05T10:00:00.500000Z", "10", "2", "0.169000000000", "computed"),
        ("chat-2", "2026-10-05T10:00:00.500000Z", "0", "0", "0.000000000000", "computed"),
        (
            "z",
            "2026-10-05T10:00:00.500000Z",
            "10",
            "2",
            "",
            "unpriced",
        ),  # an estimate of 0 beside tokens is no figure
    ]


def test_a_batch_result_counts_the_cache_beside_the_input_and_what_never_ran_is_no_request(
    tmp_path: Path,
) -> None:
    usage = {
        "input_tokens": 10,
        "cache_read_input_tokens": 4,
        "cache_creation_input_tokens": 0,
        "output_tokens": 5,
    }
    message = {"id": "msg_1", "model": "m", "usage": usage}
    beside = {"time": "2026-10-05T10:00:00Z", "workflow": "w", "unit_id": "d1"}
    lines = [
        beside | {"custom_id": "one", "result": {"type": "succeeded", "message": message}},
        beside | {"custom_id": "two", "result": {"type": "expired"}},
    ]
    found = tables(tmp_path, batches=lines)
    assert pick(found["requests"], "request_id", "service_tier", "status", "input_tokens", "cost_usd", "model") == [
        ("msg_1", "batch", "ok", "14", "0.204000000000", "m"),
    ]


def test_text_that_a_spreadsheet_would_run_is_defused(tmp_path: Path) -> None:
    found = tables(tmp_path, calls=[call("=1+1", unit_id="-x")])
    assert pick(found["requests"], "request_id", "unit_id") == [("'=1+1", "'-x")]
    assert pick(found["outcome_cost"], "unit_id") == [("'-x",)]


def test_compression_repetition_and_broken_lines_change_nothing(tmp_path: Path) -> None:
    plain = tables(tmp_path / "plain", calls=[call("a"), call("b")])
    again = tmp_path / "again"
    tables(again, calls=[call("b")])
    text = json.dumps(call("a")) + '\n{"cut": \n' + json.dumps(dict(reversed(call("b").items()))) + "\n"
    (again / "calls" / "b.jsonl.gz").write_bytes(gzip.compress(text.encode()))
    assert exports(again, rate, lambda provider, model: model) == plain


def test_the_list_prices_are_those_of_genai_prices() -> None:
    listed = {(p.id, m.id): m for p in genai.providers for m in p.models}
    names = {
        "input": "input_mtok",
        "cache_read": "cache_read_mtok",
        "cache_write": "cache_write_mtok",
        "cache_write_long": "cache_write_1h_mtok",
        "output": "output_mtok",
    }

    def figures(table: Any, classes: dict[str, str], long: bool) -> dict[str, Fraction]:
        found = {name: getattr(table, names[name]) for name in classes}
        steps = {
            name: (v.tiers[0].price if long else v.base) if hasattr(v, "tiers") else v for name, v in found.items()
        }
        return {name: Fraction(v) for name, v in steps.items()}

    for tables_, batch, long in (
        (prices.STANDARD, False, False),
        (prices.LONG, False, True),
        (prices.BATCH, True, False),
        (prices.LONG_BATCH, True, True),
    ):
        for key, classes in tables_.items():
            model = listed[key]
            variants = [v.prices for v in model.price_variants or [] if v.when == {"processing": "batch"}]
            source = variants[0] if batch else model.prices
            known = {n: v for n, v in classes.items() if key[0] != "openai" or not n.startswith("cache_write")}
            assert {n: Fraction(v) for n, v in known.items()} == figures(source, known, long), key
            assert {classes[n] for n in classes if n not in known} <= {classes["input"]}, key


def test_a_model_is_priced_under_its_dated_name_and_by_its_context() -> None:
    at = datetime(2026, 10, 5, tzinfo=UTC)
    asked = [prices.list_rate("openai", "gpt-5.4-2026-03-05", "input", "standard", at, n) for n in (272_000, 272_001)]
    assert asked == [Fraction(5, 2_000_000), Fraction(5, 1_000_000)]
    assert prices.list_rate("openai", "gpt-5.4", "input", "flex", at, 1) is None
    assert prices.list_rate("inhouse", "gpt-5.4", "input", "standard", at, 1) is None


def test_a_world_is_made_twice_alike_and_conserves_what_it_charges(tmp_path: Path) -> None:
    for seed in range(12):
        spec = Spec(seed, place=seed % 6)
        made = [tmp_path / f"{seed}-{n}" for n in range(2)]
        for root in made:
            make(root, spec)
        first, second = (exports(root) for root in made)
        assert first == second
        spent = [Fraction(row["spend_usd"] or 0) for name in ("outcome_cost", "unattributed") for row in first[name]]
        assert sum(spent) == sum(Fraction(row["amount_usd"] or 0) for row in first["charges"])
