"""The value ranking of any period, from the tables that are published: the same function for marts and exports."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import NamedTuple

import duckdb
import polars as pl

from pipelines.outcomes.finding import finding
from pipelines.outcomes.moments import Moments, moments
from pipelines.outcomes.ranking import rankable, value_ranking
from pipelines.outcomes.sensitivity import value_sensitivity
from pipelines.storage.ledger import hold
from pipelines.storage.models import filled, sql
from pipelines.storage.published import Published, parquet

PERIOD_DAYS = 28


class Ranked(NamedTuple):
    """What a period's value came to. The finding is None where the data supports none."""

    totals: pl.DataFrame
    ranking: pl.DataFrame
    finding: str | None
    sensitivity: pl.DataFrame


def ranked_period(
    con: duckdb.DuckDBPyConnection, first: date, last: date, known: Mapping[str, Moments] | None = None
) -> Ranked:
    """Totals per workflow, value ranking, finding and sensitivity of the days from `first` to `last`.

    `con` holds the tables `unit_days` (at least those days), `daily_cost`, `daily_spend`, `workflows`, `day_values`, and
    `outcome_cost` if the moments of the period's units are not `known` yet.
    """
    period = {"first_day": first, "as_of": last}
    if known is None:
        known = moments(_units(con, first, last, "unit_days", "outcome_cost"))
    totals = con.sql(sql("outcomes/workflow_totals"), params=period).pl()
    spend = con.execute(
        "select coalesce(sum(spend_usd), 0) from daily_spend "
        "where day between cast($first_day as date) and cast($as_of as date)",
        period,
    ).fetchall()[0][0]
    ranked = value_ranking(known, totals, spend)
    return Ranked(totals, ranked, finding(ranked), value_sensitivity(ranked, rankable(known, totals)))


def published_period(published: Published, first: date, last: date) -> Ranked | None:
    """Of an earlier period, by the function that made the published one; None where no unit has a day in it."""
    files = published.segments("unit_days", first, last)
    if not files:
        return None
    with published.connect({"unit_days": (f"from {parquet(files)}", {})}, units=True) as con:
        con.execute("create temp view unit_days as from memory.unit_days")
        return ranked_period(con, first, last)


def ledger_moments(
    ledger: duckdb.DuckDBPyConnection, first: date, last: date, days: Callable[[date, date], str]
) -> dict[str, Moments]:
    """Of the units of a period, by workflow: what most of them cost in it is what they cost in all, and no day of them is
    read. `days` answers a query for `unit_days` from a day to another, for the others.
    """
    period = {"first_day": first, "as_of": last}
    whole = ledger.sql(sql("outcomes/whole_lives"), params=period).pl()
    cut = ledger.sql(sql("outcomes/cut_lives"), params=period).to_arrow_table()
    if not cut.num_rows:
        return moments(whole)
    with duckdb.connect(":memory:") as con:
        hold(con, 0.5)
        con.register("cut_lives", cut)
        [(ends, told)] = con.execute("select max(lived_to), count(*) = count(lived_to) from cut_lives").fetchall()
        latest = min(ends, last) if told else last
        con.execute(
            f"create view cut_days as select * from ({days(first, latest)}) as unit_days "
            "where (workflow, unit_id) in (select (workflow, unit_id) from cut_lives)"
        )
        parts = _units(con, first, last, "cut_days", "cut_lives")
    return moments(pl.concat([whole, parts.select(whole.columns)]))


def _units(con: duckdb.DuckDBPyConnection, first: date, last: date, unit_days: str, units: str) -> pl.DataFrame:
    text = filled("outcomes/period_units", unit_days=unit_days, units=units)
    return con.sql(text, params={"first_day": first, "as_of": last}).pl()
