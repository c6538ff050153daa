"""The value ranking of any period, from the tables that are published: the same function for marts and exports."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

import duckdb
import polars as pl

from pipelines.outcomes.finding import finding
from pipelines.outcomes.ranking import rankable, value_ranking
from pipelines.outcomes.sensitivity import value_sensitivity
from pipelines.storage.models import sql

PERIOD_DAYS = 28


class Ranked(NamedTuple):
    """What a period's value came to. The finding is None where the data supports none."""

    totals: pl.DataFrame
    ranking: pl.DataFrame
    finding: str | None
    sensitivity: pl.DataFrame


def ranked_period(con: duckdb.DuckDBPyConnection, first: date, last: date) -> Ranked:
    """Totals per workflow, value ranking, finding and sensitivity of the days from `first` to `last`.

    `con` holds the tables `unit_days` (at least those days), `daily_cost`, `daily_spend`, `outcome_cost`, `workflows`,
    `day_values`.
    """
    period = {"first_day": first, "as_of": last}
    units = con.sql(sql("outcomes/period_units"), params=period).pl()
    totals = con.sql(sql("outcomes/workflow_totals"), params=period).pl()
    counted = units.group_by("workflow").len("n_units")
    known = totals.join(counted, on="workflow", how="left").with_columns(pl.col("n_units").fill_null(0))
    spend = con.execute(
        "select coalesce(sum(spend_usd), 0) from daily_spend "
        "where day between cast($first_day as date) and cast($as_of as date)",
        period,
    ).fetchall()[0][0]
    ranked = value_ranking(units, known, spend)
    return Ranked(totals, ranked, finding(ranked), value_sensitivity(ranked, rankable(units, known)))
