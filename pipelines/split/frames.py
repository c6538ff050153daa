"""What the split decides from, as frames: evaluations, the last 28 days' traffic, and what it would have cost elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import duckdb
import polars as pl

from pipelines.outcomes.period import PERIOD_DAYS
from pipelines.rates.book import Pair, RateBook
from pipelines.rates.cards import price
from pipelines.rates.regions import places, served_in
from pipelines.rates.reprice import reprice_cells
from pipelines.split.difficulty import Difficulty
from pipelines.split.price_cells import period_cells
from pipelines.storage.models import sql
from pipelines.workspace.load import Loaded

_BEHIND = "\x1f"  # between a task type and its stratum


@dataclass(frozen=True)
class Frames:
    """Costs of evaluations come from the rate book, else from the sender.

    `whatif`, by (workflow, task type, canonical model that some tier lists): what the period's requests would have
    cost on it at their own token sizes, cache shares and regions, null where no rate says. `difficulty`: traffic and
    what-if by recorded stratum. `unplaced`: (workflow, task type, canonical model) without a price where it runs.
    """

    evaluations: pl.DataFrame
    traffic: pl.DataFrame
    whatif: pl.DataFrame
    difficulty: Difficulty
    unplaced: frozenset[tuple[str, str, str]]


def frames(con: duckdb.DuckDBPyConnection, loaded: Loaded, book: RateBook, as_of: date) -> Frames:
    """As of a day. Leaves temp tables behind that the next stage makes anew."""
    period = {"first_day": as_of - timedelta(days=PERIOD_DAYS - 1), "as_of": as_of}
    allowed = {name: workflow.models.regions for name, workflow in loaded.config.workflows.items()}
    _evaluation_places(con, book, allowed)
    con.execute(f"create or replace temp table to_price as {sql('split/evaluations_to_price')}")
    price(con, book)
    live_scores(con, loaded)
    evaluations = con.sql(sql("split/evaluations")).pl()
    ledger_days = con.execute("select min(day) from requests").fetchall()[0][0]
    covered = min(PERIOD_DAYS, (as_of - ledger_days).days + 1) if ledger_days else PERIOD_DAYS
    counted = {**period, "days": max(covered, 1)}
    traffic = con.sql(sql("split/traffic"), params=counted).pl()
    strata = con.sql(sql("split/strata"), params=counted).pl()
    listed = listed_models(loaded)
    book = book.including(listed)
    period_cells(con, book, listed, period["first_day"], as_of)
    elsewhere = _keyed(book, reprice_cells(con, book, listed, places(con, book, listed, allowed)), listed)
    # of a model that no rate knows at all, such as a router, the pairs alone say what it costs
    nowhere = con.sql(sql("split/unplaced")).pl()
    rated = [bool(book.blocks.get(pair)) for pair in nowhere.select("provider", "model").iter_rows()]
    unplaced = _keyed(book, nowhere.filter(pl.Series(rated, dtype=pl.Boolean())), listed)
    task, stratum = (pl.col("task_type").str.splitn(_BEHIND, 2).struct.field(f"field_{at}") for at in (0, 1))
    by_stratum = elsewhere.with_columns(task.alias("task_type"), stratum.alias("stratum")).sort(
        "workflow", "task_type", "stratum", "model_key"
    )
    # unknown for one stratum is unknown for all of the task type
    total = pl.when(pl.col("spend_usd").is_null().any()).then(None).otherwise(pl.col("spend_usd").sum())
    whatif = by_stratum.group_by("workflow", "task_type", "model_key", maintain_order=True).agg(
        total.alias("spend_usd")
    )
    return Frames(
        evaluations, traffic, whatif, Difficulty(strata, by_stratum.filter(pl.col("stratum") != "")),
        frozenset(unplaced.select("workflow", "task_type", "model_key").iter_rows()),
    )  # fmt: skip


def listed_models(loaded: Loaded) -> list[Pair]:
    """Every model of a tier, in the workspace file's order."""
    split = (model.partition("/") for tier in loaded.config.tiers for model in tier.models)
    return list(dict.fromkeys((provider, name) for provider, _, name in split))


def _keyed(book: RateBook, found: pl.DataFrame, listed: list[Pair]) -> pl.DataFrame:
    """By canonical name; of several names of one model what the first that a tier lists says."""
    models = list(found.select("provider", "model").iter_rows())
    keys = [book.canonical(provider, model) for provider, model in models]
    places = [listed.index(model) for model in models]
    named = found.with_columns(
        pl.Series("model_key", keys, dtype=pl.String()), pl.Series("place", places, dtype=pl.Int64())
    )
    one = ["workflow", "task_type", "model_key"]
    return named.sort(*one, "place").unique(one, keep="first", maintain_order=True).drop("provider", "model", "place")


def _evaluation_places(con: duckdb.DuckDBPyConnection, book: RateBook, allowed: Mapping[str, Sequence[str]]) -> None:
    """`evaluation_places`: where an allowed region prices an evaluated model; elsewhere it is priced as standard."""
    marked = con.execute("select distinct workflow, provider, model from evaluations order by 1, 2, 3").fetchall()
    limited = [row for row in marked if allowed.get(row[0])]
    book = book.including((provider, model) for _, provider, model in limited)
    rows = [(*row, served_in(book, row[1:], row[1], None, allowed[row[0]])) for row in limited]
    schema = dict.fromkeys(("workflow", "provider", "model", "region"), pl.String())
    con.register("incoming_places", pl.DataFrame(rows, schema=schema, orient="row").to_arrow())
    con.execute("create or replace temp table evaluation_places as select * from incoming_places")
    con.unregister("incoming_places")


def live_scores(con: duckdb.DuckDBPyConnection, loaded: Loaded) -> None:
    """`live_scores`: the scores of evaluation tools, each with the request it marks or why it marks none."""
    declared = [(source.name,) for source in loaded.config.sources if source.scores]
    con.execute("create or replace temp table declared_scores (source varchar)")
    if declared:
        con.executemany("insert into declared_scores values (?)", declared)
    # without a score no record is looked at
    none = "" if con.execute("select 1 from scores where wins limit 1").fetchall() else " limit 0"
    con.execute(f"create or replace temp table live_scores as {sql('split/live_scores')}{none}")
