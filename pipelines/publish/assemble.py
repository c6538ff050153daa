"""Putting a published set together from the ledger: marts, segments of the touched days, what the set says of itself."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa

from pipelines.ledger.commitments import commitments
from pipelines.outcomes.period import PERIOD_DAYS, ledger_moments, ranked_period
from pipelines.publish.alerts import alerts
from pipelines.publish.attribution import attribution
from pipelines.publish.currency import exchange_at, exchange_rates
from pipelines.publish.segments import SEGMENTS
from pipelines.publish.unit_marts import unit_marts
from pipelines.split.build import Split
from pipelines.storage import generations, published
from pipelines.storage.ledger import beside, hold
from pipelines.storage.models import digest, sql
from pipelines.workspace.load import Loaded

#: marts that are one SQL model each
SQL_MARTS = (
    "daily_cost", "unattributed", "task_cost", "restatements", "sources_health", "quarantine",
    "unpriced_models", "workflows", "daily_spend", "day_values", "billed", "evaluated_items", "unit_calls",
)  # fmt: skip
#: no row of `unit_days`
NO_UNIT_DAYS = (
    "select cast(null as date) as day, cast(null as varchar) as workflow, cast(null as varchar) as unit_id, "
    "cast(null as decimal(38, 12)) as spend_usd, cast(null as decimal(38, 12)) as value_usd, "
    "cast(null as bigint) as events where false"
)
RECOMMENDATION_SCHEMA: dict[str, Any] = {
    **dict.fromkeys(("id", "workflow", "task_type", "decision", "grade", "reference_model", "model"), pl.String()),
    "share": pl.Decimal(38, 12), "items": pl.Int64(),
    **dict.fromkeys(
        ("quality_reference", "retention", "retention_low", "retention_high", "saving_share", "saving_low",
         "saving_high", "saving_usd_month"), pl.Decimal(38, 12),
    ),
    "reason": pl.String(), "saving_loaded": pl.Decimal(38, 12), "cash_saving_usd_month": pl.Decimal(38, 12),
    "by_stratum": pl.String(),
}  # fmt: skip


@dataclass
class Assembled:
    """A set that lies on disk and waits for the pointer."""

    name: str
    meta: dict[str, Any]
    alerts: list[dict[str, Any]] = field(default_factory=list)


def as_of(con: duckdb.DuckDBPyConnection, last: date | None) -> date | None:
    """The latest day that holds a request or an outcome, or `last` if that is earlier; None for an empty ledger.

    With nothing but bills, their last billed day.
    """
    row = con.execute(
        "select max(day) from (select max(day) as day from requests union all select max(day) from outcome_events "
        "union all select max(day) from outcome_counts where wins)"
    ).fetchone()
    latest = row[0] if row else None
    if latest is None:
        row = con.execute(
            "select max(cast(period_end - interval 1 second as date)) from billed_amounts where wins"
        ).fetchone()
        latest = row[0] if row else None
    return min(latest, last) if latest and last else latest


def assemble(
    con: duckdb.DuckDBPyConnection, loaded: Loaded, folder: Path, name: str, run_id: str, day: date | None,
    split: Split, changed: dict[str, pl.DataFrame],
) -> Assembled:  # fmt: skip
    """Write every file of the set into `folder`. `day` is as-of; None publishes an empty workspace.

    `changed` holds the marts of `pipelines.change`, by name.
    """
    last = day or date(1970, 1, 1)
    first = last - timedelta(days=PERIOD_DAYS - 1)
    values = {"as_of": last, "first_day": first}
    tables: dict[str, pa.Table] = {}
    for mart in SQL_MARTS:
        text = sql(f"publish/{mart}")
        tables[mart] = con.sql(text, params={k: v for k, v in values.items() if f"${k}" in text}).to_arrow_table()
    units = generations.in_force(con)
    rows_of_units = generations.relation(generations.paths(loaded.home, units))
    with beside(con):
        said = _ranking(con, tables, rows_of_units, loaded.home, first, last)
    tables |= unit_marts(con, rows_of_units)
    tables |= {mart: frame.to_arrow() for mart, frame in changed.items()}
    charged = attribution(con)
    tables |= {mart: frame.to_arrow() for mart, frame in charged.items()}
    warned = alerts(con, loaded.config.reporting.timezone, last, changed)
    tables["alerts"] = warned.to_arrow()
    tables["commitments"] = commitments(con, loaded).to_arrow()
    rows, advice = split.recommendations.rows(), split.recommendations.to_json()
    advice |= {"as_of": day and day.isoformat(), "disagreements": split.marts["capability"].to_dicts()}
    tables |= {mart: frame.to_arrow() for mart, frame in split.marts.items()}
    (folder / "recommendations.json").write_text(json.dumps(advice, indent=1), "utf-8")
    tables["recommendations"] = pl.DataFrame(rows, schema=RECOMMENDATION_SCHEMA).to_arrow()
    summary = con.sql(sql("publish/summary")).pl().to_dicts()[0]
    tables["exchange_rates"] = exchange_rates(loaded, summary["first_day"], last).to_arrow()
    segments: dict[str, dict[str, list[str]]] = {table: {} for table in SEGMENTS}
    for table, segment_day, file in con.execute("select name, day, file from segments order by file").fetchall():
        segments[table].setdefault(segment_day.isoformat(), []).append(file)
    meta = {
        "set_id": name, "run_id": run_id, "published_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "as_of": day and day.isoformat(), "period_first_day": first.isoformat(),
        "first_day": summary["first_day"] and summary["first_day"].isoformat(),
        "last_day": summary["last_day"] and summary["last_day"].isoformat(),
        "name": loaded.config.name, "timezone": loaded.config.reporting.timezone,
        "currency": loaded.config.reporting.currency, "finding": said,
        "rate_book": _setting(con, "rate_book"),
        "models": digest("publish"),
        "exchange": exchange_at(loaded, last),
        "assign": json_rows(charged["assign_rules"]),
        "summary": {k: _text(v) for k, v in summary.items() if k not in ("first_day", "last_day")},
        "segments": segments,
        "generations": {generations.TABLE: units},
    }  # fmt: skip
    with beside(con):
        published.write_marts(folder, tables)
    (folder / "set.json").write_text(json.dumps(meta, indent=1), "utf-8")
    return Assembled(name=name, meta=meta, alerts=json_rows(warned))


def _ranking(
    con: duckdb.DuckDBPyConnection, tables: dict[str, pa.Table], units: str, home: Path, first: date, last: date
) -> str | None:  # fmt: skip
    """Add `workflow_totals`, `value_ranking` and `value_sensitivity` of the period, from the very tables that are published.

    `units`: a query for the mart `outcome_cost`.
    """
    held = {name: tables[name] for name in ("daily_cost", "daily_spend", "workflows", "day_values")}
    files = con.execute("select day, file from segments where name = 'unit_days' order by day").fetchall()

    def days(since: date, until: date) -> str:
        within = [home / "segments" / "unit_days" / file for day, file in files if since <= day <= until]
        return f"from {published.parquet(within)}" if within else NO_UNIT_DAYS

    known = ledger_moments(con, first, last, days) if isinstance(con, duckdb.DuckDBPyConnection) else None
    with duckdb.connect(":memory:") as marts:
        hold(marts, 0.5)
        marts.execute("set timezone = 'UTC'")
        marts.execute(f"create view unit_days as {days(first, last)}")
        for name, table in held.items():
            marts.register(name, table)
        if known is None:
            marts.execute(f"create view outcome_cost as {units}")
        ranked = ranked_period(marts, first, last, known)
    tables["workflow_totals"] = ranked.totals.to_arrow()
    tables["value_ranking"] = ranked.ranking.to_arrow()
    tables["value_sensitivity"] = ranked.sensitivity.to_arrow()
    return ranked.finding


def _setting(con: duckdb.DuckDBPyConnection, name: str) -> str | None:
    row = con.execute("select value from settings where name = $name", {"name": name}).fetchone()
    return row[0] if row else None


def _text(value: Any) -> Any:
    return format(value, "f") if isinstance(value, Decimal) else value


def json_rows(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """Rows as JSON-able dicts: days as text, money as decimal strings."""
    return [{k: v.isoformat() if isinstance(v, date) else _text(v) for k, v in row.items()} for row in frame.to_dicts()]
