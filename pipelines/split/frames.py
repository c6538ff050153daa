"""What the split decides from, as frames: evaluations, the last 28 days' traffic, and what it would have cost elsewhere."""

from __future__ import annotations

from datetime import date, timedelta

import duckdb
import polars as pl

from pipelines.outcomes.period import PERIOD_DAYS
from pipelines.rates.book import RateBook
from pipelines.rates.cards import price, reprice
from pipelines.storage.models import sql
from pipelines.workspace.load import Loaded


def frames(
    con: duckdb.DuckDBPyConnection, loaded: Loaded, book: RateBook, as_of: date
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """(evaluations, traffic, what-if). Costs of evaluations come from the rate book, else from the sender.

    Grain of what-if: (workflow, task type, canonical model that some tier lists): what the period's requests would
    have cost on it at their own token sizes and cache shares, null where no rate says.
    """
    period = {"first_day": as_of - timedelta(days=PERIOD_DAYS - 1), "as_of": as_of}
    con.execute(f"create or replace temp table to_price as {sql('split/evaluations_to_price')}")
    price(con, book)
    live_scores(con, loaded)
    evaluations = con.sql(sql("split/evaluations")).pl()
    ledger_days = con.execute("select min(day) from requests").fetchall()[0][0]
    covered = min(PERIOD_DAYS, (as_of - ledger_days).days + 1) if ledger_days else PERIOD_DAYS
    traffic = con.sql(sql("split/traffic"), params={**period, "days": max(covered, 1)}).pl()
    listed = [
        (provider, name)
        for provider, _, name in (model.partition("/") for tier in loaded.config.tiers for model in tier.models)
    ]
    live = sql("split/live_requests").replace("$first_day", f"'{period['first_day']}'").replace("$as_of", f"'{as_of}'")
    con.execute(f"create or replace temp table to_price as {live}")
    elsewhere = reprice(con, book, listed)
    keys = [book.canonical(p, m) for p, m in elsewhere.select("provider", "model").iter_rows()]
    whatif = elsewhere.with_columns(pl.Series("model_key", keys, dtype=pl.String())).select(
        "workflow", "task_type", "model_key", "spend_usd"
    )
    return evaluations, traffic, whatif


def live_scores(con: duckdb.DuckDBPyConnection, loaded: Loaded) -> None:
    """`live_scores`: the scores of evaluation tools, each with the request it marks or why it marks none."""
    declared = [(source.name,) for source in loaded.config.sources if source.scores]
    con.execute("create or replace temp table declared_scores (source varchar)")
    if declared:
        con.executemany("insert into declared_scores values (?)", declared)
    con.execute(f"create or replace temp table live_scores as {sql('split/live_scores')}")
