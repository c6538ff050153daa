"""The mart `close_adjustments`: closed months that read otherwise today, to be booked in a later month.

Grain: one row per (closed month, provider, item) and per (closed month, provider, account, workflow, `spend`) that differs
from the record; records that kept no accounts are compared by workflow alone. `found_in` is the first later month that is not closed: adjustments belong there, and a closed month is never rewritten.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any

import polars as pl

from pipelines.close.figures import figures
from pipelines.close.records import Records

MONEY = pl.Decimal(38, 12)
SCHEMA: dict[str, Any] = {
    "closed_month": pl.String(), "found_in": pl.String(), "provider": pl.String(), "workflow": pl.String(),
    "item": pl.String(), "closed_usd": MONEY, "now_usd": MONEY, "difference_usd": MONEY, "account": pl.String(),
}  # fmt: skip
Key = tuple[str, str, str, str]  #: provider, account, workflow, item


def adjustments(records: Records, marts: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Every closed month's last record against today's marts."""
    closed = records.latest()
    rows = []
    for month, record in closed.items():
        kept = record.document["figures"]
        then, now = (_amounts(found, "spend" in kept) for found in (kept, figures(marts, month)))
        for key in sorted({*then, *now}):
            if now[key] != then[key]:
                provider, account, workflow, item = key
                rows.append(
                    (month, _later(month, closed), provider or None, workflow or None, item, then[key], now[key],
                     now[key] - then[key], account or None)
                )  # fmt: skip
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _amounts(found: Mapping[str, Any], by_account: bool) -> dict[Key, Decimal]:
    total: dict[Key, Decimal] = defaultdict(Decimal)
    for one in found["providers"]:
        total[one["provider"], "", "", "billed"] += Decimal(one["billed_usd"] or 0)
        total[one["provider"], "", "", "metered"] += Decimal(one["metered_usd"])
        for item, amount in one["items"].items():
            total[one["provider"], "", "", item] += Decimal(amount)
    for one in found["spend" if by_account else "workflows"]:
        key = (one["provider"], one["account"] or "") if by_account else ("", "")
        total[*key, one["workflow"] or "", "spend"] += Decimal(one["spend_usd"])
    return total


def _later(month: str, closed: Collection[str]) -> str:
    while month in closed:
        month = _next(month)
    return month


def _next(month: str) -> str:
    year, number = (int(part) for part in month.split("-"))
    return f"{year + number // 12}-{number % 12 + 1:02}"
