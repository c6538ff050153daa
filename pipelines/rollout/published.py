"""The rollout as the published marts tell it: what `route advance` and `route status` decide on and show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import duckdb
import polars as pl

from pipelines.rollout.adherence import SCHEMA as ADHERENCE
from pipelines.rollout.cells import SCHEMAS, cells
from pipelines.rollout.health import HEALTH, LATENCY
from pipelines.rollout.marts import Replay, judged
from pipelines.rollout.realised import decisions
from pipelines.rollout.verdict import Verdict
from pipelines.routing.history import replay
from pipelines.storage.published import Published, current
from pipelines.workspace.errors import OutlayError
from pipelines.workspace.load import Loaded


class NothingSeen(OutlayError):
    """A published set without a day."""


#: marts that are shown as they are
TOLD = {"adherence": ADHERENCE, "route_health": HEALTH, "tier_latency": LATENCY}


@dataclass(frozen=True)
class Seen:
    """As of the published set, by the clock: `verdicts` of every trial, the adherence and the decisions to date."""

    as_of: date
    verdicts: tuple[Verdict, ...]
    adherence: pl.DataFrame
    decisions: pl.DataFrame
    health: pl.DataFrame
    latency: pl.DataFrame


def seen(
    loaded: Loaded,
    told: Replay,
    now: datetime,
    published: Published | None = None,
    marts: duckdb.DuckDBPyConnection | None = None,
) -> Seen:
    """Raises NothingPublished before the first run, NothingSeen where what is published holds no record. A set from before
    a change says nothing of that change yet. `marts`: a cursor on the marts of `published`, closed here; else one is opened.
    """
    published = published or current(loaded.root)
    as_of = published.meta.get("as_of")
    if as_of is None:
        raise NothingSeen("what is published holds no request and no outcome yet: outlay run with logs")
    day = date.fromisoformat(as_of)
    frames: dict[str, pl.DataFrame] = {}
    with marts or published.connect() as con:
        for name, schema in {**SCHEMAS, **TOLD}.items():
            try:
                frames[name] = con.sql(f"select * from {name}").pl().cast(schema)  # type: ignore[arg-type]
            except duckdb.CatalogException:  # a set from before this was published
                frames[name] = pl.DataFrame(schema=schema)
    newest: dict[tuple[str, str], datetime] = {
        (row["workflow"], row["kind"]): row["newest"].astimezone(UTC) for row in frames["newest_records"].to_dicts()
    }
    found = cells(frames)
    verdicts = judged(told, found, loaded.config, day, now=now, newest=newest)
    made = decisions(verdicts, found, loaded.config, day, replay(told.rows).approved)
    return Seen(day, tuple(verdicts), frames["adherence"], made, frames["route_health"], frames["tier_latency"])


def last_day(adherence: pl.DataFrame, workflow: str, task_type: str) -> list[dict[str, Any]]:
    """The tiers of the latest day that the route's traffic was seen on."""
    own = adherence.filter((pl.col("workflow") == workflow) & (pl.col("task_type") == task_type))
    if own.is_empty():
        return []
    latest = own.filter(pl.col("day") == own["day"].max())
    return latest.filter(pl.col("policy_version") == latest["policy_version"].max()).to_dicts()
