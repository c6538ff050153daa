"""The split as a run makes it: recommendations, and the marts that show what they were chosen from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal

import duckdb
import polars as pl

from pipelines.rates.book import RateBook
from pipelines.routing.status import recorded_references
from pipelines.split.capability import disagreements
from pipelines.split.cases import workflow_cases
from pipelines.split.frames import frames
from pipelines.split.frontier import FIGURES, frontier
from pipelines.split.profile import workload_profile
from pipelines.split.recommend import recommended
from pipelines.split.recommendation import Recommendations
from pipelines.workspace.load import Loaded

CAPABILITY_COLUMNS = (
    "workflow", "task_type", "kind", "capability", "declared_tier", "served_tier", "proven_tier", "text",
)  # fmt: skip


@dataclass(frozen=True)
class Split:
    """`marts`: frontier, capability and workload_profile, by name."""

    recommendations: Recommendations
    marts: dict[str, pl.DataFrame]


def split(con: duckdb.DuckDBPyConnection, loaded: Loaded, book: RateBook, as_of: date) -> Split:
    """Everything about the capability split that the ledger and its evaluations say as of a day."""
    config = loaded.config
    evaluations, traffic, whatif = frames(con, loaded, book, as_of)

    def canonical(model: str) -> str:
        provider, slash, name = model.partition("/")
        return book.canonical(provider, name) if slash else model

    cases = workflow_cases(config, evaluations, traffic, whatif, as_of, canonical, recorded_references(loaded))
    made = recommended(cases, as_of)
    found = disagreements(config, cases, made.recommendations)
    return Split(
        made,
        {
            "frontier": _decimal(frontier(cases), ("target", *FIGURES)),
            "capability": pl.DataFrame(
                [one.model_dump() for one in found], schema=dict.fromkeys(CAPABILITY_COLUMNS, pl.String())
            ),
            "workload_profile": workload_profile(con, config, as_of),
        },
    )


def _decimal(frame: pl.DataFrame, columns: tuple[str, ...]) -> pl.DataFrame:
    """Ratios as exported: decimals of 12 places."""

    def exact(value: float) -> Decimal:
        return Decimal(repr(value)).quantize(Decimal("1e-12"), ROUND_HALF_EVEN)

    return frame.with_columns(
        pl.Series(name, [None if v is None else exact(v) for v in frame[name]], dtype=pl.Decimal(38, 12))
        for name in columns
    )
