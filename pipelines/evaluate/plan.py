"""What to replay for evidence: the items of every open experiment, by id only, for whoever holds their prompts.

Items are drawn from the last 28 days' traffic in the order of a hash of their ids, so the draw is random as to
difficulty, the same for everybody, and goes on where it stopped when more evidence is wanted. A unit is drawn once,
however many calls it took. Items that were already evaluated are left out.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import duckdb
import polars as pl

from pipelines.outcomes.period import PERIOD_DAYS
from pipelines.storage.models import sql
from pipelines.storage.published import Published, parquet
from pipelines.workspace.errors import UsageError

COLUMNS = (
    "workflow", "task_type", "item_id", "request_id", "source", "unit_id", "time", "stratum", "served_model",
    "reference_model", "candidate_model", "recommendation_id",
)  # fmt: skip
SCHEMA = {**dict.fromkeys(COLUMNS, pl.String()), "time": pl.Datetime("us", "UTC")}


def evaluation_plan(published: Published, workflow: str | None = None, task_type: str | None = None) -> pl.DataFrame:
    """Grain: one row per item to answer with both models, `COLUMNS`. Fewer rows than pairs where traffic is thin.

    Raises UsageError where no recommendation asks for evidence.
    """
    asked = [
        one
        for one in published.recommendations["recommendations"]
        if one["experiment"] and one["candidate_model"]
        and workflow in (None, one["workflow"]) and task_type in (None, one["task_type"])
    ]  # fmt: skip
    if not asked:
        where = f" for {workflow or 'any workflow'}{f'/{task_type}' if task_type else ''}"
        raise UsageError(f"no recommendation asks for evidence{where}: outlay recommend shows what stands")
    last = date.fromisoformat(published.meta["as_of"])
    files = published.segments("requests", last - timedelta(days=PERIOD_DAYS - 1), last)
    frames = [pl.DataFrame(schema=SCHEMA)]
    if files:
        with published.connect({"requests": (f"from {parquet(files)}", {})}) as con:
            frames += [_items(con, one) for one in asked]
    return pl.concat(frames)


def _items(con: duckdb.DuckDBPyConnection, one: dict[str, Any]) -> pl.DataFrame:
    """The next items of one experiment. An item counts as evaluated once both models have answered it."""
    con.execute(
        "create or replace temp table evaluated as select item_id from evaluated_items where not live and workflow = $workflow "
        "and task_type = $task_type group by item_id having count(distinct model) > 1",
        {"workflow": one["workflow"], "task_type": one["task_type"]},
    )
    con.execute("create or replace temp view requests as from memory.requests")
    found = con.sql(
        sql("evaluate/items"),
        params={"workflow": one["workflow"], "task_type": one["task_type"], "pairs": one["experiment"]["pairs"]},
    ).pl()
    return found.with_columns(
        pl.col("time").dt.cast_time_unit("us"),
        reference_model=pl.lit(one["reference_model"]), candidate_model=pl.lit(one["candidate_model"]),
        recommendation_id=pl.lit(one["id"]),
    ).select(COLUMNS).cast(SCHEMA)  # fmt: skip


def replay_document(items: pl.DataFrame) -> dict[str, Any]:
    """The plan as JSON: the items, and how many each experiment gets of what it asks for."""
    rows = items.with_columns(pl.col("time").dt.strftime("%Y-%m-%dT%H:%M:%S.%6fZ")).to_dicts()
    return {"items": rows, "count": len(rows)}
