"""The mart `unseen_spend`: what bills hold and logs don't, by workflow where the workspace says so.

Grain: one row per (month, provider, account, key, workflow, method, basis). Σ amount_usd of a (month, provider) = its
positive `not metered` per cell, before what is not billed. It is kept apart from the cost of requests and of outcomes.

method: `rule` (an entry of `close: unseen:` maps the account or the key), `assign` (an assign rule that asks for the
project alone), `unattributed` (nothing maps it). `basis`: `account` or `key`, the bill names it; `share of the bill`,
several of them are billed for what is missing and the logs don't tell them apart: spread by what each is billed there.
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any

import polars as pl

from pipelines.close.reconciliation import Reconciled
from pipelines.workspace.model import Workspace

SCHEMA: dict[str, Any] = {
    "month": pl.String(), "provider": pl.String(), "account": pl.String(), "workflow": pl.String(),
    "method": pl.String(), "amount_usd": pl.Decimal(38, 12), "basis": pl.String(), "api_key": pl.String(),
}  # fmt: skip


def unseen_spend(found: Reconciled, config: Workspace) -> pl.DataFrame:
    """Every account's unseen spend, mapped by the first rule that matches."""
    total: dict[tuple[str, str, str, str, str], int] = defaultdict(int)
    for month, provider, account, key, basis, amount in found.unseen:
        total[month, provider, account, key, basis] += amount
    rows = []
    for (month, provider, account, key, basis), amount in sorted(total.items()):
        workflow, method = _mapped(config, provider, account, key)
        money = Decimal(amount).scaleb(-12)
        rows.append((month, provider, account or None, workflow, method, money, basis, key or None))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _mapped(config: Workspace, provider: str, account: str, key: str) -> tuple[str | None, str]:
    for rule in config.close.unseen:
        names = ((provider, rule.provider), (account, rule.account), (key, rule.key))
        if all(fnmatchcase(name, pattern) for name, pattern in names):
            return rule.workflow, "rule"
    for rule in config.assign:
        if "project" in rule.match and rule.match.keys() <= {"project", "provider"}:
            fits = fnmatchcase(account, rule.match["project"]) and fnmatchcase(
                provider, rule.match.get("provider", "*")
            )
            if fits:
                return rule.workflow, "assign"
    return None, "unattributed"
