"""What somebody should look at: the rows of the `alerts` export, severest first, then largest."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Context, Decimal
from typing import Any

import duckdb
import polars as pl

from pipelines.counted import plural
from pipelines.publish.alerts_change import change_alerts
from pipelines.publish.alerts_close import close_alerts
from pipelines.publish.names import missing_rates
from pipelines.publish.sampling import sampling
from pipelines.rollout.alerts import adherence_alerts
from pipelines.storage.models import filled, sql

SEVERITIES = ("high", "medium", "low")
SCHEMA: dict[str, Any] = {
    "day": pl.Date(), "kind": pl.String(), "subject": pl.String(), "severity": pl.String(), "detail": pl.String(),
}  # fmt: skip


def alerts(con: duckdb.DuckDBPyConnection, zone: str, as_of: date, changed: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Grain: one (kind, subject, day). `changed`: the marts of `pipelines.change`. Follows `attribution`."""
    rows = [
        *_mismatches(con),
        *_unpriced(con),
        *_undeclared(con),
        *_overlaps(con),
        *_conflicts(con),
        *_coverage(con),
        *sampling(con, as_of),
        *_unused_counts(con),
        *_nesting(con),
        *_schema_drift(con, zone, as_of),
        *change_alerts(changed),
        *close_alerts(changed),
        *adherence_alerts(changed),
    ]
    rows.sort(
        key=lambda r: (SEVERITIES.index(r["severity"]), -r["size"], r["kind"], r["subject"], r["day"], r["detail"])
    )
    return pl.DataFrame([{k: r[k] for k in SCHEMA} for r in rows], schema=SCHEMA)


def _rows(con: duckdb.DuckDBPyConnection, model: str) -> list[dict[str, Any]]:
    return con.sql(sql(f"publish/{model}")).pl().to_dicts()


def _mismatches(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    rows = _rows(con, "alerts_cost_mismatch")
    for r in rows:
        r["detail"] = (
            f"{plural(r['requests'], 'request')}: the sender recorded {_usd(r['recorded_usd'])}, "
            f"the rate book gives {_usd(r['computed_usd'])}"
        )
    return rows


def _unpriced(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    rows = []
    for r in _rows(con, "unpriced_models"):
        recorded = r["cost_basis"] == "recorded"
        told = f"the sender's {_usd(r['recorded_usd'])} stands" if recorded else "their cost is unknown, not 0"
        rows.append(
            {
                "day": r["last_day"],
                "kind": "unpriced",
                "subject": f"{r['provider']}/{r['model']}",
                "severity": "low" if recorded else "high",
                "size": Decimal(r["requests"]),
                "detail": (
                    f"{plural(r['requests'], 'request')} since {r['first_day']} without a rate for "
                    f"{missing_rates(r['missing'])}: {told}"
                ),
            }
        )
    return rows


def _undeclared(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    rows = _rows(con, "alerts_undeclared_workflow")
    for r in rows:
        r["detail"] = (
            f"{plural(r['requests'], 'request')} ({_usd(r['size'])}) and {plural(r['events'], 'outcome event')} name it; "
            "declare it under workflows: in outlay.yaml"
        )
    return rows


def _overlaps(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    rows = _rows(con, "alerts_source_overlap")
    for r in rows:
        stake = "their cost is unknown, not 0" if r["size"] is None else f"up to {_usd(r['size'])} may be counted twice"
        r["detail"] = (
            f"sources {r['one']} and {r['other']} seem to report the same {plural(r['requests'], 'call')}, whose ids can't be "
            f"matched: {stake}. Keep one of them, or log the provider's response id in both"
        )
        r["size"] = r["size"] or Decimal(0)
    return rows


def _conflicts(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    rows = _rows(con, "alerts_report_conflict")
    for r in rows:
        money = "" if r["lost_usd"] is None else f" ({_usd(r['lost_usd'])} and {_usd(r['counted_usd'])})"
        r["detail"] = (
            f"{r['lost']} and {r['counted']} say different figures in {plural(r['records'], 'row')} of the same periods{money}: "
            f"{r['counted']} counts, the later name"
        )
    return rows


def _unused_counts(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    rows = _rows(con, "alerts_unused_counts")
    for r in rows:
        r["detail"] = (
            f"outcome counts of {plural(r['days'], 'day')} are not used: {r['subject']} has grain unit and takes outcome events; "
            "declare grain: day if its logs name no units"
        )
    return rows


def _nesting(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    rows = _rows(con, "alerts_nesting")
    for r in rows:
        told = (
            "are their own ancestors: parents in a circle are refused, these units stand at the top"
            if r["problem"] == "circle"
            else "name more than one parent: the last event that names one counts"
        )
        r["detail"] = f"{r['units']} units of {r['subject']} (such as {r['example']!r}) {told}"
    return rows


def _coverage(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    rows = _rows(con, "alerts_coverage")
    for r in rows:
        r["size"] = Decimal(r["reported_tokens"] - r["held_tokens"]) / 10**6
        model = r["model"] and r["model"].removeprefix(f"{r['subject']}/")
        least = model and f", of {model} {_held(r['model_held'], r['model_reported'])} %"
        r["detail"] = (
            f"the logs hold {_held(r['held_tokens'], r['reported_tokens'])} % of the tokens that {r['subject']} reports "
            f"for the day ({r['held_tokens']:,} of {r['reported_tokens']:,}{least or ''}): some calls are logged nowhere"
        )
    return rows


def _held(held: int, reported: int) -> Decimal:
    """Percent with one place, cut off: 94.99 % is not 95.0 %."""
    return Decimal(1000 * held // reported) / 10


def _schema_drift(con: duckdb.DuckDBPyConnection, zone: str, as_of: date) -> list[dict[str, Any]]:
    rows = con.sql(filled("publish/alerts_schema_drift", zone=zone), params={"as_of": as_of}).pl().to_dicts()
    for r in rows:
        r["detail"] = "more than 1 % of the day's records were refused: outlay quarantine"
    return rows


def _usd(amount: Decimal | None) -> str:
    """`$1,234.56`; below a cent four significant digits, so that nothing that costs looks free."""
    if amount is None:
        return "cost unknown"
    if 0 < amount < Decimal("0.01"):
        return f"${amount.normalize(Context(prec=4)):f}"
    return f"${amount:,.2f}"
