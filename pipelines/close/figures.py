"""The figures of one month as a close freezes them: from the marts of a run or of a published set alike."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import polars as pl

#: marts that the figures come from
MARTS = ("reconciliation", "cost_centres", "account_spend", "unseen_spend", "shared_costs")
_NONE = Decimal(0)


def figures(marts: Mapping[str, pl.DataFrame], month: str) -> dict[str, Any]:
    """Providers with their residuals, workflows, cost centres, accounts, unseen and shared spend; amounts as text."""
    return {
        "providers": _providers(marts["reconciliation"].filter(pl.col("period") == month).to_dicts()),
        "workflows": _workflows(_of(marts["cost_centres"], month)),
        "cost_centres": _texts(_of(marts["cost_centres"], month), ("provider", "workflow", "team", "spend_usd")),
        "spend": _texts(_of(marts["account_spend"], month), ("provider", "account", "workflow", "spend_usd")),
        "unseen": _texts(
            _of(marts["unseen_spend"], month),
            ("provider", "account", "workflow", "method", "basis", "amount_usd", "api_key"),
        ),
        "shared": _texts(
            _of(marts["shared_costs"], month), ("name", "workflow", "driver", "direct_usd", "shared_usd", "full_usd")
        ),
    }


def _of(mart: pl.DataFrame, month: str) -> list[dict[str, Any]]:
    return mart.filter(pl.col("month") == month).to_dicts()


def _providers(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found: dict[tuple[str, str | None], dict[str, Any]] = {}
    for row in rows:
        one = found.setdefault(
            (row["provider"], row["account"]),
            {
                "provider": row["provider"], "account": row["account"], "billed_usd": money(row["billed_usd"]),
                "metered_usd": money(row["metered_usd"]), "status": row["status"], "source": row["source"], "items": {},
            },
        )  # fmt: skip
        if row["item"]:
            one["items"][row["item"]] = money(row["amount_usd"])
    return [found[key] for key in sorted(found, key=lambda k: (k[0], k[1] or ""))]


def _workflows(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    total: dict[str | None, Decimal] = defaultdict(Decimal)
    for row in rows:
        total[row["workflow"]] += row["spend_usd"]
    return [{"workflow": name, "spend_usd": money(total[name])} for name in sorted(total, key=lambda n: n or "")]


def _texts(rows: list[dict[str, Any]], names: tuple[str, ...]) -> list[dict[str, Any]]:
    found = [{n: money(row[n]) if isinstance(row[n], Decimal) else row[n] for n in names} for row in rows]
    return sorted(found, key=lambda row: [str(row[n] or "") for n in names])


def money(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:.12f}"


def totals(found: Mapping[str, Any]) -> dict[str, Decimal]:
    """Billed, metered and unseen dollars of some figures."""
    return {
        "billed_usd": sum((Decimal(p["billed_usd"] or 0) for p in found["providers"]), _NONE),
        "metered_usd": sum((Decimal(p["metered_usd"]) for p in found["providers"]), _NONE),
        "unseen_usd": sum((Decimal(u["amount_usd"]) for u in found["unseen"]), _NONE),
    }
