"""What has no price is unknown wherever it is summed: a dash, never $0."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import duckdb
import pytest

from dashboards import queries
from pipelines.assets.road import _ledger_metadata
from tests.workspaces import Bench, call

DAY = date(2026, 10, 20)
ORPHAN = {"workflow": None, "unit_id": None}


def amounts(bench: Bench) -> list[tuple]:
    with bench.published.connect() as con:
        return con.execute(
            "select model, requests, unpriced_requests, spend_usd, unattributed_usd from daily_spend order by model"
        ).fetchall()


def orphan(request_id: str, **fields: str) -> dict:
    return {k: v for k, v in {**call(request_id, **fields), **ORPHAN}.items() if v is not None}


def test_what_no_unit_bears_is_unknown_where_nothing_of_it_has_a_price(bench: Bench):
    bench.config["budgets"] = [{"dimension": "total", "monthly_usd": "10"}]
    bench.save()
    bench.calls(call("a"), orphan("b", model="gpt-house"))
    document = bench.run()
    assert amounts(bench) == [
        ("gpt-5.4", 1, 0, Decimal("0.004"), Decimal(0)), ("gpt-house", 1, 1, None, None),
    ]  # fmt: skip
    assert (document["spend_usd"], document["unattributed_usd"]) == ("0.004000000000", None)
    spent = queries.spend(bench.published, DAY, DAY)
    assert (spent["spend_usd"], spent["unattributed_usd"]) == (Decimal("0.004"), None)
    assert [row["unattributed_usd"] for row in bench.export("budgets")] == [""]
    # one that has a price makes a sum of what is known
    bench.calls(orphan("c"), file="b.jsonl")
    assert bench.run()["unattributed_usd"] == "0.004000000000"
    assert queries.spend(bench.published, DAY, DAY)["unattributed_usd"] == Decimal("0.004")
    assert [row["unattributed_usd"] for row in bench.export("budgets")] == ["0.004000000000"]


def test_where_every_request_has_its_unit_nothing_is_unattributed(bench: Bench):
    bench.config["budgets"] = [{"dimension": "total", "monthly_usd": "10"}]
    bench.save()
    bench.calls(call("a", model="gpt-house"))
    bench.run()
    assert amounts(bench) == [("gpt-house", 1, 1, None, Decimal(0))]
    [planned] = bench.export("budgets")
    assert [planned[c] for c in ("spend_to_date_usd", "forecast_usd", "unattributed_usd", "status")] == [
        "", "", "0.000000000000", "",
    ]  # fmt: skip
    spent = queries.spend(bench.published, DAY, DAY)
    assert (spent["spend_usd"], spent["unattributed_usd"]) == (None, Decimal(0))
    nothing = queries.spend(bench.published, date(2026, 1, 1), date(2026, 1, 1))
    assert (nothing["spend_usd"], nothing["unattributed_usd"]) == (Decimal(0), Decimal(0))


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], (0.0, 0.0)),
        ([(None, None)], (None, 0.0)),
        ([(None, "no_unit")], (None, None)),
        ([(Decimal("0.5"), None), (None, "no_unit")], (0.5, None)),
        ([(Decimal("0.5"), "no_unit"), (None, "no_unit")], (0.5, 0.5)),
    ],
)
def test_dagster_is_told_no_zero_for_an_unknown(rows, said):
    con = duckdb.connect()
    con.execute("create table requests (day date, cost_usd decimal(28, 12), reason varchar, cost_basis varchar)")
    con.execute(f"create table touched_days as select date '{DAY}' as day")
    for cost, reason in rows:
        con.execute(
            "insert into requests values (?, ?, ?, ?)", [DAY, cost, reason, "unpriced" if cost is None else "x"]
        )

    told = _ledger_metadata(con)
    assert (told["spend_usd"], told["unattributed_usd"]) == said
    assert (told["rows"], told["unpriced"]) == (len(rows), sum(cost is None for cost, _ in rows))
