"""Alerts of kind reconciliation about bills: red months, bills without a log, closes that were changed.

The day of an alert is the first of its month, so that whoever was told of it once isn't told again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl


def close_alerts(changed: Mapping[str, pl.DataFrame]) -> list[dict[str, Any]]:
    """Grain: one (kind, subject, day); `size` is dollars."""
    return [*_red(changed["reconciliation"]), *_missing(changed["missing_logs"]), *_changed(changed["close_problems"])]


def _red(reconciliation: pl.DataFrame) -> Iterator[dict[str, Any]]:
    found = reconciliation.filter((pl.col("status") == "red") & (pl.col("item") == "unexplained"))
    for row in found.to_dicts():
        yield {
            "day": date.fromisoformat(f"{row['period']}-01"), "kind": "reconciliation",
            "subject": "/".join(filter(None, (row["provider"], row["account"]))), "severity": "high",
            "size": abs(row["amount_usd"]),
            "detail": f"{row['period']}: billed ${row['billed_usd']:,.2f}, metered ${row['metered_usd']:,.2f}, "
            f"${row['amount_usd']:,.2f} of the difference has no name: outlay export reconciliation",
        }  # fmt: skip


def _missing(logs: pl.DataFrame) -> Iterator[dict[str, Any]]:
    for row in logs.to_dicts():
        yield {
            "day": date.fromisoformat(f"{row['month']}-01"), "kind": "reconciliation", "subject": row["provider"],
            "severity": "medium" if row["any_log"] else "high", "size": row["billed_usd"],
            "detail": f"${row['billed_usd']:,.2f} billed to {row['month']}, and no log of {row['provider']}'s calls: add a "
            f"source of kind {row['kinds']} (or requests) to see what it went into",
        }  # fmt: skip


def _changed(problems: pl.DataFrame) -> Iterator[dict[str, Any]]:
    for row in problems.to_dicts():
        yield {
            "day": date.fromisoformat(f"{row['month']}-01"), "kind": "reconciliation", "subject": f"closes/{row['file']}",
            "severity": "high", "size": Decimal(0),
            "detail": f"{row['problem']}: restore it from version control",
        }  # fmt: skip
