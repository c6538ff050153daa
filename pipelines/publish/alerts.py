"""What somebody should look at: the rows of the `alerts` export, severest first, then largest."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import polars as pl

from pipelines.sources.context import date_in_path
from pipelines.storage.models import sql

SEVERITIES = ("high", "medium", "low")
DRIFT_SHARE = Decimal("0.01")
SCHEMA: dict[str, Any] = {
    "day": pl.Date(), "kind": pl.String(), "subject": pl.String(), "severity": pl.String(), "detail": pl.String(),
}  # fmt: skip


def alerts(con: duckdb.DuckDBPyConnection, as_of: date) -> pl.DataFrame:
    """Grain: one (kind, subject, day)."""
    rows = [
        *_mismatches(con),
        *_unpriced(con),
        *_undeclared(con),
        *_overlaps(con),
        *_schema_drift(con, as_of),
    ]
    rows.sort(key=lambda r: (SEVERITIES.index(r["severity"]), -r["size"], r["kind"], r["subject"], r["day"]))
    return pl.DataFrame([{k: r[k] for k in SCHEMA} for r in rows], schema=SCHEMA)


def _rows(con: duckdb.DuckDBPyConnection, model: str) -> list[dict[str, Any]]:
    return con.sql(sql(f"publish/{model}")).pl().to_dicts()


def _mismatches(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    rows = _rows(con, "alerts_cost_mismatch")
    for r in rows:
        r["detail"] = (
            f"{r['requests']} requests: the sender recorded ${_usd(r['recorded_usd'])}, "
            f"the rate book gives ${_usd(r['computed_usd'])}"
        )
    return rows


def _unpriced(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    rows = []
    for r in _rows(con, "unpriced_models"):
        recorded = r["cost_basis"] == "recorded"
        told = f"the sender's ${_usd(r['recorded_usd'])} stands" if recorded else "their cost is unknown, not 0"
        rows.append(
            {
                "day": r["last_day"],
                "kind": "unpriced",
                "subject": f"{r['provider']}/{r['model']}",
                "severity": "low" if recorded else "high",
                "size": Decimal(r["requests"]),
                "detail": f"{r['requests']} requests since {r['first_day']} without a rate ({r['missing']}): {told}",
            }
        )
    return rows


def _undeclared(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    rows = _rows(con, "alerts_undeclared_workflow")
    for r in rows:
        r["detail"] = (
            f"{r['requests']} requests (${_usd(r['size'])}) and {r['events']} outcome events name it; "
            "declare it under workflows: in outlay.yaml"
        )
    return rows


def _overlaps(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    rows = _rows(con, "alerts_source_overlap")
    for r in rows:
        r["detail"] = (
            f"sources {r['gateway']} and {r['other']} seem to report the same {r['requests']} calls, whose ids can't be "
            f"matched: up to ${_usd(r['size'])} may be counted twice"
        )
    return rows


def _schema_drift(con: duckdb.DuckDBPyConnection, as_of: date) -> list[dict[str, Any]]:
    read: dict[tuple[str, date], int] = defaultdict(int)
    bad: dict[tuple[str, date], int] = defaultdict(int)
    for source, file, records, quarantined in con.execute(
        "select source, file, records_read, quarantined from files"
    ).fetchall():
        stamp = date_in_path(file)
        key = (source, stamp.date() if stamp else as_of)
        read[key] += records
        bad[key] += quarantined
    return [
        {
            "day": day, "kind": "schema_drift", "subject": source, "severity": "high",
            "size": Decimal(bad[source, day]),
            "detail": f"{bad[source, day]} of {read[source, day]} records refused: outlay quarantine",
        }
        for source, day in sorted(read)
        if bad[source, day] > DRIFT_SHARE * read[source, day]
    ]  # fmt: skip


def _usd(amount: Decimal | None) -> str:
    return f"{amount or 0:,.2f}"
