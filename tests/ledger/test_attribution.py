"""Which workflow, task type and unit a request belongs to, and what no unit bears."""

from __future__ import annotations

from decimal import Decimal

from pipelines.ledger.shares import split
from tests.workspaces import BASE, Bench, call, event


def without(record, *fields):
    return {k: v for k, v in record.items() if k not in fields}


def test_what_no_unit_bears_keeps_its_own_row_with_the_first_reason(bench: Bench):
    bench.calls(
        call("r1"), without(call("r2"), "workflow"), call("r3", workflow="elsewhere"), without(call("r4"), "unit_id"),
        without(call("r5", workflow="elsewhere"), "unit_id"),
    )  # fmt: skip
    document = bench.run()
    assert bench.export("unattributed") == [
        {"day": "2026-10-20", "provider": "openai", "model": "gpt-5.4", "reason": reason, "requests": count,
         "spend_usd": spend, "workflow": workflow}
        for reason, count, spend, workflow in [
            ("no_unit", "1", "0.004000000000", "review"),
            ("no_workflow", "1", "0.004000000000", ""),
            ("undeclared_workflow", "2", "0.008000000000", "elsewhere"),
        ]
    ]  # fmt: skip
    assert (document["spend_usd"], document["unattributed_usd"]) == ("0.020000000000", "0.016000000000")
    assert [(r["requests"], r["spend_usd"]) for r in bench.export("daily_cost")] == [("1", "0.004000000000")]
    assert [a["kind"] for a in document["alerts"]] == ["undeclared_workflow"]


def test_the_first_assign_rule_that_matches_names_what_has_no_tag(tmp_path):
    rules = [
        {"match": {"source": "calls", "key_alias": "legal-*", "model": "*mini*"}, "workflow": "claims"},
        {
            "match": {"key_alias": "legal-*"},
            "workflow": "review",
            "task_type": "drafting",
            "from": "2026-10-20",
        },
    ]
    bench = Bench(tmp_path, {"assign": rules})
    bare = without(call("r1", key_alias="legal-7"), "workflow", "task_type")
    bench.calls(
        bare, {**bare, "request_id": "r2", "model": "gpt-5-mini"}, {**bare, "request_id": "r3", "time": "2026-10-19T00:00:00Z"},
        call("r4", key_alias="legal-7"), {**bare, "request_id": "r5", "key_alias": "other"},
    )  # fmt: skip
    bench.run()
    assert {r["request_id"]: (r["workflow"], r["task_type"]) for r in bench.export("requests")} == {
        "r1": ("review", "drafting"), "r2": ("claims", ""), "r3": ("", ""), "r4": ("review", "extraction"), "r5": ("", ""),
    }  # fmt: skip


def test_a_changed_workspace_file_applies_to_all_days_and_leaves_restatements(bench: Bench):
    bench.calls(call("r1", ticket="t-9", unit_id=""), call("r2", time="2026-10-21T23:30:00Z"))
    bench.run()
    assert [(r["day"], r["requests"]) for r in bench.export("daily_cost")] == [("2026-10-21", "1")]
    bench.config["tags"] = {"unit_id": ["unit_id", "ticket"]}
    bench.config["reporting"] = {"timezone": "Europe/Berlin"}
    bench.save()
    bench.run()
    assert [(r["day"], r["requests"]) for r in bench.export("daily_cost")] == [
        ("2026-10-20", "1"),
        ("2026-10-22", "1"),
    ]
    assert [(r["day"], r["before_usd"], r["after_usd"], r["cause"]) for r in bench.export("restatements")] == [
        ("2026-10-20", "", "0.004000000000", "workspace changed"),
        ("2026-10-21", "0.004000000000", "", "workspace changed"),
    ]
    rebuilt = Bench(bench.root.parent / "rebuilt", bench.config)
    rebuilt.calls(call("r1", ticket="t-9", unit_id=""), call("r2", time="2026-10-21T23:30:00Z"))
    rebuilt.run()
    assert rebuilt.fingerprint() == bench.fingerprint()


def test_a_shared_call_is_split_exactly_and_counts_once(bench: Bench):
    units = [
        {"unit_id": "a", "weight": 1},
        {"unit_id": "b", "weight": 2.5},
        {"unit_id": "c"},
        {"unit_id": "a", "weight": 1},
    ]
    bench.calls(call("r1", units=units, input_tokens=1001))
    bench.run()
    rows = bench.export("outcome_cost")
    assert sum(Decimal(r["spend_usd"]) for r in rows) == Decimal("0.0040025")
    assert [(r["unit_id"], r["requests"]) for r in rows] == [("a", "1"), ("b", "1"), ("c", "1")]
    assert [(r["requests"], r["input_tokens"], r["spend_usd"]) for r in bench.export("daily_cost")] == [
        ("1", "1001", "0.004002500000")
    ]
    assert [r["unit_id"] for r in bench.export("requests")] == [""]


def test_requests_of_one_source_that_name_one_answer_keep_their_own_units(tmp_path):
    """A cache in front of the provider hands one response id to several requests."""
    traces = {"name": "traces", "kind": "requests", "path": "logs/traces/*.jsonl", "priority": -1}
    bench = Bench(tmp_path, {"sources": [*BASE["sources"], traces]})
    answer = {"response_id": "chatcmpl-1"}
    bench.calls(
        call("r1", unit_id="d1", **answer), call("r2", unit_id="d2", **answer, time="2026-10-21T10:00:00Z"),
        without(call("r3", **answer), "unit_id"), call("r3", unit_id="d4", output_tokens=99, **answer),
    )  # fmt: skip
    bench.lines("logs/traces/a.jsonl", [call("t1", unit_id="d3", **answer, attempt_id="a1")])
    bench.run()
    assert {r["request_id"]: r["unit_id"] for r in bench.export("requests")} == {"r1": "d1", "r2": "d2", "r3": "d4"}


def test_the_last_places_of_a_split_go_to_the_largest_remainders_and_ties_to_the_smaller_id():
    third = {"b": Decimal(1), "a": Decimal(1), "c": Decimal(1)}
    assert split(Decimal("0.000000000002"), third) == {
        "a": Decimal("1e-12"), "b": Decimal("1e-12"), "c": Decimal(0),
    }  # fmt: skip
    assert split(Decimal("0.000000000010"), {"a": Decimal(1), "b": Decimal(2)}) == {
        "a": Decimal("3e-12"), "b": Decimal("7e-12"),
    }  # fmt: skip


def test_a_span_inherits_the_tags_of_its_ancestors_from_any_file_and_any_run(tmp_path):
    bench = Bench(
        tmp_path,
        {"sources": [{"name": "traces", "kind": "otlp", "path": "logs/otlp/*.jsonl"}, *BASE["sources"][1:]]},
    )

    def span(span_id, parent, **attributes):
        values = [
            {"key": k, "value": {"intValue": str(v)} if isinstance(v, int) else {"stringValue": v}}
            for k, v in attributes.items()
        ]
        one = {
            "traceId": "a" * 32, "spanId": span_id * 16, "parentSpanId": parent * 16 if parent else "", "name": "x", "kind": 3,
            "startTimeUnixNano": "1792490400000000000", "endTimeUnixNano": "1792490401000000000", "attributes": values, "status": {},
        }  # fmt: skip
        return {
            "resourceSpans": [
                {"resource": {"attributes": []}, "scopeSpans": [{"scope": {"name": "s"}, "spans": [one]}]}
            ]
        }

    leaf = span(
        "c", "b",
        **{"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.response.model": "gpt-5.4",
           "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 100, "task_type": "extraction"},
    )  # fmt: skip
    bench.lines("logs/otlp/leaf.jsonl", [leaf])
    bench.run()
    assert [(r["workflow"], r["unit_id"]) for r in bench.export("requests")] == [("", "")]
    bench.lines(
        "logs/otlp/middle.jsonl",
        [span("b", "a", **{"gen_ai.operation.name": "invoke_agent", "document_id": "d1"})],
    )
    bench.lines("logs/otlp/root.jsonl", [span("a", "", workflow="review", document_id="far")])
    bench.run()
    assert [(r["workflow"], r["unit_id"], r["task_type"]) for r in bench.export("requests")] == [
        ("review", "d1", "extraction")
    ]


def test_late_data_touches_only_its_day(bench: Bench):
    bench.calls(*(call(f"r{i}", time=f"2026-10-{i}T10:00:00Z") for i in range(10, 20)))
    bench.outcomes(event("e1", time="2026-10-19T12:00:00Z"))
    bench.run()
    bench.calls(call("late", time="2026-10-12T10:00:00Z"), file="late.jsonl")
    document = bench.run()
    assert "2026-10-12" in document["days"]
    assert [(r["day"], r["before_usd"], r["after_usd"]) for r in bench.export("restatements")] == [
        ("2026-10-12", "0.004000000000", "0.008000000000")
    ]
