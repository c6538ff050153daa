"""Spend by team, customer, environment …: every further dimension of `tags:`, kept exactly and day by day."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import groupby

import pytest

from pipelines.storage.published import current
from pipelines.workspace.errors import UsageError
from tests.workspaces import BASE, Bench, call

TAGS = {"team": ["team", "cost_center"], "customer": ["customer"]}
NOVEMBER = {"time": "2026-11-02T09:00:00Z"}


def charged(bench: Bench, *dimensions: str) -> list[tuple[str, ...]]:
    names = ("month", "dimension", "value", "spend_usd", "share", "unattributed_usd", "allocation_rate", "requests")
    return [tuple(row[n] for n in names) for row in bench.export("chargeback") if row["dimension"] in dimensions]


def trace(span_id: str, parent: str, calls: bool, **attributes: str) -> dict:
    usage = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-5.4",
             "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 100}  # fmt: skip
    values = [
        {"key": k, "value": {"intValue": str(v)} if isinstance(v, int) else {"stringValue": v}}
        for k, v in {**(usage if calls else {}), **attributes}.items()
    ]
    span = {"traceId": "a" * 32, "spanId": span_id * 16, "parentSpanId": parent * 16 if parent else "", "name": "x",
            "startTimeUnixNano": "1792490400000000000", "endTimeUnixNano": "1792490401000000000", "attributes": values,
            "status": {}}  # fmt: skip
    return {"resourceSpans": [{"resource": {"attributes": []}, "scopeSpans": [{"scope": {}, "spans": [span]}]}]}


def test_every_month_and_dimension_shares_out_all_spend_of_the_month(tmp_path):
    bench = Bench(tmp_path, {"tags": TAGS})
    bench.calls(
        call("r1", team="legal"), call("r2", cost_center="legal", team=""), call("r3", team="claims", cost_center="x"),
        call("r4"), call("r5", team="legal", **NOVEMBER), call("r6", team="claims", model="no-such-model"),
    )  # fmt: skip
    bench.run()
    quarter, half = "0.250000000000", "0.500000000000"
    assert charged(bench, "team", "customer") == [
        ("2026-10", "customer", "", "0.000000000000", "0.000000000000", "0.016000000000", "0.000000000000", "0"),
        ("2026-10", "team", "claims", "0.004000000000", quarter, "0.004000000000", "0.750000000000", "2"),
        ("2026-10", "team", "legal", "0.008000000000", half, "0.004000000000", "0.750000000000", "2"),
        ("2026-11", "customer", "", "0.000000000000", "0.000000000000", "0.004000000000", "0.000000000000", "0"),
        ("2026-11", "team", "legal", "0.004000000000", "1.000000000000", "0.000000000000", "1.000000000000", "1"),
    ]
    assert [row[1:4] for row in charged(bench, "source", "task_type", "workflow") if row[0] == "2026-10"] == [
        ("source", "calls", "0.016000000000"), ("task_type", "extraction", "0.016000000000"),
        ("workflow", "review", "0.016000000000"),
    ]  # fmt: skip


def test_what_is_not_priced_is_unknown_and_not_nought(tmp_path):
    bench = Bench(tmp_path, {"tags": TAGS})
    bench.calls(call("r1", team="a", model="no-such-model"), call("r2", team="b"), call("r3", model="no-such-model"))
    bench.run()
    assert charged(bench, "team") == [
        ("2026-10", "team", "a", "", "", "", "1.000000000000", "1"),
        ("2026-10", "team", "b", "0.004000000000", "1.000000000000", "", "1.000000000000", "1"),
    ]


def test_a_declared_dimension_takes_the_place_of_the_one_that_every_request_has(tmp_path):
    bench = Bench(tmp_path, {"tags": {"source": ["origin"]}})
    bench.calls(call("r1", origin="portal"))
    bench.run()
    assert [row[1:3] for row in charged(bench, "source")] == [("source", "portal")]


def test_a_request_of_several_units_is_charged_back_whole(tmp_path):
    bench = Bench(tmp_path, {"tags": TAGS})
    bench.calls(call("r1", team="legal", units=[{"unit_id": "a"}, {"unit_id": "b"}, {"unit_id": "c"}]))
    bench.run()
    assert [row[2:4] for row in charged(bench, "team")] == [("legal", "0.004000000000")]
    assert len(bench.export("outcome_cost")) == 3


def test_a_dimension_is_taken_over_from_the_trace_and_from_the_losing_report(tmp_path):
    sources = [
        {"name": "gateway", "kind": "requests", "path": "logs/calls/*.jsonl", "priority": 9},
        {"name": "traces", "kind": "otlp", "path": "logs/otlp/*.jsonl"},
        {"name": "outcomes", "kind": "outcomes", "path": "logs/outcomes/*.jsonl"},
    ]
    orders = [("root", "call", "gateway"), ("gateway", "call", "root")]
    prints = []
    for number, order in enumerate(orders):
        bench = Bench(tmp_path / str(number), {"sources": sources, "tags": TAGS})
        pieces = {
            "root": lambda b: b.lines("logs/otlp/a.jsonl", [trace("1", "", False, **{"cost_center": "legal"})]),
            "call": lambda b: b.lines(
                "logs/otlp/b.jsonl", [trace("2", "1", True, **{"gen_ai.response.id": "resp-1", "customer": "acme"})]
            ),
            "gateway": lambda b: b.calls(call("g1", response_id="resp-1", time="2026-10-20T10:00:00Z")),
        }
        for piece in order:
            pieces[piece](bench)
            bench.run()
        assert [row[1:4] for row in charged(bench, "team", "customer")] == [
            ("customer", "acme", "0.004000000000"), ("team", "legal", "0.004000000000"),
        ]  # fmt: skip
        prints.append(bench.fingerprint())
    assert prints[0] == prints[1]


def test_late_data_and_a_changed_file_move_only_what_they_touch_and_end_where_a_rebuild_does(tmp_path):
    bench = Bench(tmp_path / "a", {"tags": {"team": ["team"]}})
    bench.calls(call("r1", team="legal"), call("r2", team="claims", unit_id="d2", **NOVEMBER))
    bench.run()
    bench.calls(call("r3", team="legal", customer="acme"), file="b.jsonl")
    assert bench.run()["days"] == ["2026-10-20"]
    bench.config["tags"] = TAGS
    bench.save()
    bench.run()
    assert [row[:4] for row in charged(bench, "customer")] == [
        ("2026-10", "customer", "acme", "0.004000000000"), ("2026-11", "customer", "", "0.000000000000"),
    ]  # fmt: skip
    kept = bench.fingerprint()
    bench.run(full=True)
    assert bench.fingerprint() == kept
    del bench.config["tags"]
    bench.save()
    bench.run()
    assert charged(bench, "team", "customer") == []


def test_a_period_of_the_chargeback_is_made_of_whole_months(tmp_path):
    bench = Bench(tmp_path, {"tags": TAGS})
    bench.calls(call("r1", team="legal"), call("r2", team="legal", **NOVEMBER))
    bench.run()

    def months(first=None, last=None):
        return sorted({row["month"] for row in bench.export("chargeback", first=first, last=last)})

    assert months(date(2026, 10, 1), date(2026, 10, 31)) == ["2026-10"]
    assert months(date(2026, 11, 1)) == ["2026-11"]
    assert months(None, date(2026, 11, 2)) == ["2026-10", "2026-11"]  # nothing is published after it
    for first, last in ((date(2026, 10, 2), None), (None, date(2026, 10, 30))):
        with pytest.raises(UsageError, match="chargeback has one row set a month"):
            months(first, last)


def test_the_sample_company_is_charged_back_to_the_last_digit(sample):
    with current(sample).connect() as con:
        rows = con.execute(
            "select month, dimension, value, spend_usd, unattributed_usd, share, allocation_rate from chargeback order by all"
        ).fetchall()
        spent = dict(
            con.execute("select strftime(day, '%Y-%m'), sum(spend_usd) from daily_spend group by all").fetchall()
        )
    assert {row[1] for row in rows} == {"source", "task_type", "team", "workflow"}
    for (month, dimension), group in groupby(rows, key=lambda row: row[:2]):
        parts = list(group)
        assert len({row[4] for row in parts}) == len({row[6] for row in parts}) == 1, dimension
        assert sum((row[3] or Decimal(0) for row in parts), Decimal(0)) + parts[0][4] == spent[month], (
            month,
            dimension,
        )
        for row in (part for part in parts if part[3] is not None):
            assert abs(Fraction(row[5]) - Fraction(row[3]) / Fraction(spent[month])) <= Fraction(1, 2 * 10**12)
        rate = 1 - Fraction(parts[0][4]) / Fraction(spent[month])
        assert abs(Fraction(parts[0][6]) - rate) <= Fraction(1, 2 * 10**12)


def test_no_value_of_a_user_is_charged_back_unless_the_workspace_maps_it(tmp_path):
    bench = Bench(tmp_path, {"tags": {"team": ["team"]}, "sources": [{**BASE["sources"][0], "kind": "helicone"}]})
    record = {"request_id": "h1", "request_created_at": "2026-10-20T10:00:00Z", "response_model": "gpt-5.4",
              "provider": "OPENAI", "prompt_tokens": 1000, "completion_tokens": 100, "response_status": 200,
              "request_user_id": "jane@acme.example", "request_properties": {"team": "legal"}}  # fmt: skip
    bench.lines("logs/calls/a.jsonl", [record])
    bench.run()
    assert "jane" not in str(bench.export("chargeback"))
    mapped = Bench(tmp_path / "mapped", {**bench.config, "tags": {"customer": ["request_user_id"]}})
    mapped.lines("logs/calls/a.jsonl", [record])
    mapped.run()
    assert [row[2] for row in charged(mapped, "customer")] == ["jane@acme.example"]


def test_a_fixed_cost_that_no_request_bears_carries_no_value(tmp_path):
    bench = Bench(tmp_path, {"tags": {"team": ["team"]}, "rates": {"contract": "rates.yaml"}})
    (tmp_path / "rates.yaml").write_text(
        'provisioned: [{name: ptu, provider: azure, model: gpt-5-mini, cost_usd: "24", period: day, '
        "valid_from: 2026-10-20, valid_to: 2026-10-21}]\n"
    )
    bench.calls(call("r1", team="legal"))
    document = bench.run()
    assert document["spend_usd"] == "24.004000000000"
    assert [row[2:6] for row in charged(bench, "team", "source")] == [
        ("calls", "0.004000000000", "0.000166638894", "24.000000000000"),
        ("legal", "0.004000000000", "0.000166638894", "24.000000000000"),
    ]
