"""What somebody should look at: the rows of the `alerts` export, severest first, then largest."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import polars as pl

from pipelines.storage.models import filled, sql

SEVERITIES = ("high", "medium", "low")
SCHEMA: dict[str, Any] = {
    "day": pl.Date(), "kind": pl.String(), "subject": pl.String(), "severity": pl.String(), "detail": pl.String(),
}  # fmt: skip


def alerts(con: duckdb.DuckDBPyConnection, zone: str, as_of: date) -> pl.DataFrame:
    """Grain: one (kind, subject, day)."""
    rows = [
        *_mismatches(con),
        *_unpriced(con),
        *_undeclared(con),
        *_overlaps(con),
        *_conflicts(con),
        *_coverage(con),
        *_unused_counts(con),
        *_schema_drift(con, zone, as_of),
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


def _conflicts(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    rows = _rows(con, "alerts_report_conflict")
    for r in rows:
        money = "" if r["lost_usd"] is None else f" (${_usd(r['lost_usd'])} and ${_usd(r['counted_usd'])})"
        r["detail"] = (
            f"{r['lost']} and {r['counted']} say different figures in {r['records']} rows of the same periods{money}: "
            f"{r['counted']} counts, the later name"
        )
    return rows


def _unused_counts(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    rows = _rows(con, "alerts_unused_counts")
    for r in rows:
        r["detail"] = (
            f"outcome counts of {r['days']} days are not used: {r['subject']} has grain unit and takes outcome events; "
            "declare grain: day if its logs name no units"
        )
    return rows


def _coverage(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    rows = _rows(con, "alerts_coverage")
    for r in rows:
        share = Decimal(1000 * r["held_tokens"] // r["reported_tokens"]) / 10  # cut off: 94.99 % is not 95.0 %
        r["size"] = Decimal(r["reported_tokens"] - r["held_tokens"]) / 10**6
        r["detail"] = (
            f"the logs hold {share} % of the tokens that {r['subject']} reports for the day "
            f"({r['held_tokens']:,} of {r['reported_tokens']:,}): some calls are logged nowhere"
        )
    return rows


def _schema_drift(con: duckdb.DuckDBPyConnection, zone: str, as_of: date) -> list[dict[str, Any]]:
    rows = con.sql(filled("publish/alerts_schema_drift", zone=zone), params={"as_of": as_of}).pl().to_dicts()
    for r in rows:
        r["detail"] = "more than 1 % of the day's records were refused: outlay quarantine"
    return rows


def _usd(amount: Decimal | None) -> str:
    return f"{amount or 0:,.2f}"
