"""The mart `unseen_spend`: what bills hold and logs don't, by workflow where the workspace says so.

Grain: one row per (month, provider, account, workflow, method). Σ amount_usd of a (month, provider) = its positive `not
metered` per cell, before what is not billed. It is kept apart from the cost of requests and of outcomes.

method: `rule` (an entry of `close: unseen:` maps the account), `assign` (an assign rule that asks for the project alone),
`unattributed` (nothing maps it). `basis`: `account`, the bill names it; `share of the bill`, several accounts are billed
for what is missing and the logs don't tell accounts: spread by what each of them is billed there.
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
    "method": pl.String(), "amount_usd": pl.Decimal(38, 12), "basis": pl.String(),
}  # fmt: skip


def unseen_spend(found: Reconciled, config: Workspace) -> pl.DataFrame:
    """Every account's unseen spend, mapped by the first rule that matches."""
    total: dict[tuple[str, str, str, str], int] = defaultdict(int)
    for month, provider, account, basis, amount in found.unseen:
        total[month, provider, account, basis] += amount
    rows = []
    for (month, provider, account, basis), amount in sorted(total.items()):
        workflow, method = _mapped(config, provider, account)
        money = Decimal(amount).scaleb(-12)
        rows.append((month, provider, account or None, workflow, method, money, basis))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _mapped(config: Workspace, provider: str, account: str) -> tuple[str | None, str]:
    for rule in config.close.unseen:
        if fnmatchcase(provider, rule.provider) and fnmatchcase(account, rule.account):
            return rule.workflow, "rule"
    for rule in config.assign:
        if "project" in rule.match and rule.match.keys() <= {"project", "provider"}:
            fits = fnmatchcase(account, rule.match["project"]) and fnmatchcase(
                provider, rule.match.get("provider", "*")
            )
            if fits:
                return rule.workflow, "assign"
    return None, "unattributed"
