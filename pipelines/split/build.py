"""The split as a run makes it: recommendations, and the marts that show what they were chosen from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal

import duckdb
import polars as pl

from pipelines.ledger.commitments import commitments
from pipelines.rates.book import RateBook
from pipelines.rates.regions import served_in
from pipelines.rates.savings import cash_saving_possible
from pipelines.routing.status import recorded_references
from pipelines.split.capability import disagreements
from pipelines.split.cases import workflow_cases
from pipelines.split.frames import frames, listed_models
from pipelines.split.frontier import FIGURES, frontier
from pipelines.split.profile import workload_profile
from pipelines.split.recommend import recommended
from pipelines.split.recommendation import Recommendations
from pipelines.storage.models import sql
from pipelines.workspace.load import Loaded

CAPABILITY_COLUMNS = (
    "workflow", "task_type", "kind", "capability", "declared_tier", "served_tier", "proven_tier", "text",
)  # fmt: skip


@dataclass(frozen=True)
class Split:
    """`marts`: frontier, capability, workload_profile and unmatched_scores, by name."""

    recommendations: Recommendations
    marts: dict[str, pl.DataFrame]


def split(con: duckdb.DuckDBPyConnection, loaded: Loaded, book: RateBook, as_of: date) -> Split:
    """Everything about the capability split that the ledger and its evaluations say as of a day."""
    config = loaded.config
    book = book.including(listed_models(loaded))
    seen = frames(con, loaded, book, as_of)

    def canonical(model: str) -> str:
        provider, slash, name = model.partition("/")
        return book.canonical(provider, name) if slash else model

    def placed(model: str, allowed: Sequence[str]) -> bool:
        provider, _, name = model.partition("/")
        return served_in(book, (provider, name), provider, None, allowed) is not None

    cases = workflow_cases(
        config, seen.evaluations, seen.traffic, seen.whatif, _marked_until(con, as_of), canonical, recorded_references(loaded), placed,
        seen.difficulty, seen.unplaced,
    )  # fmt: skip
    made = in_cash(recommended(cases, as_of), paid_anyway(con, loaded, book, as_of))
    found = disagreements(config, cases, made.recommendations)
    return Split(
        made,
        {
            "frontier": _decimal(frontier(cases), ("target", *FIGURES)),
            "capability": pl.DataFrame(
                [one.model_dump() for one in found], schema=dict.fromkeys(CAPABILITY_COLUMNS, pl.String())
            ),
            "workload_profile": workload_profile(con, config, as_of),
            "unmatched_scores": con.sql(sql("split/unmatched_scores")).pl(),
        },
    )


def _marked_until(con: duckdb.DuckDBPyConnection, as_of: date) -> date:
    """The last day whose marks count. Items are replayed after the traffic they come from, so at the ledger's end all."""
    days = con.execute("select max(day) from requests union all select max(day) from outcome_events").fetchall()
    return as_of if any(day is not None and day > as_of for (day,) in days) else date.max


def paid_anyway(con: duckdb.DuckDBPyConnection, loaded: Loaded, book: RateBook, as_of: date) -> Callable[[str], bool]:
    """Whether spend on a model (provider/model) is owed whatever is called: capacity, or a commitment not yet met."""
    owed = commitments(con, loaded).filter(pl.col("last_day") >= as_of, pl.col("shortfall_usd") > 0)
    unmet = frozenset(owed["name"])

    def paid(model: str) -> bool:
        provider, _, name = model.partition("/")
        return not cash_saving_possible(book, provider, name, as_of, unmet)

    return paid


def in_cash(made: Recommendations, paid: Callable[[str], bool]) -> Recommendations:
    """What each list saving is in cash: nothing while today's model is paid for anyway."""
    ones = []
    for one in made.recommendations:
        saving, reason = one.saving_usd_month, one.reason
        if saving is not None and paid(one.reference_model):
            saving = Decimal(0)
            reason += f" None of it is cash now: {one.reference_model} is paid for by capacity or an unmet commitment."
        ones.append(one.model_copy(update={"cash_saving_usd_month": saving, "reason": reason}))
    return made.model_copy(update={"recommendations": tuple(ones)})


def _decimal(frame: pl.DataFrame, columns: tuple[str, ...]) -> pl.DataFrame:
    """Ratios as exported: decimals of 12 places."""

    def exact(value: float) -> Decimal:
        return Decimal(repr(value)).quantize(Decimal("1e-12"), ROUND_HALF_EVEN)

    return frame.with_columns(
        pl.Series(name, [None if v is None else exact(v) for v in frame[name]], dtype=pl.Decimal(38, 12))
        for name in columns
    )
