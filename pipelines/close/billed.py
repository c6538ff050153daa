"""Bills without logs: which providers are billed and never logged, and which sources would show their calls."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import Any

import duckdb
import polars as pl

from pipelines.close.reconciliation import Reconciled

#: what usually logs the calls of a provider; any other can be logged as `requests`
KINDS = {
    "openai": "openai, otlp or litellm",
    "anthropic": "anthropic, otlp or litellm",
    "aws": "bedrock, otlp or litellm",
    "google": "vertex, otlp or litellm",
    "azure": "azure-apim, otlp or litellm",
    "openrouter": "openrouter, otlp or litellm",
}
SCHEMA: dict[str, Any] = {
    "month": pl.String(), "provider": pl.String(), "billed_usd": pl.Decimal(38, 12), "kinds": pl.String(),
    "any_log": pl.Boolean(),
}  # fmt: skip


def missing_logs(con: duckdb.DuckDBPyConnection, found: Reconciled) -> pl.DataFrame:
    """Grain: one row per provider that is billed and of which the ledger holds no request: its last billed month, and all
    that is billed. `any_log`: the ledger holds requests of other providers."""
    logged = {row[0] for row in con.execute("select distinct provider from requests").fetchall()}
    billed: dict[str, int] = defaultdict(int)
    last: dict[str, str] = {}
    for (provider, month), bill in sorted(found.bills.items()):
        if provider not in logged:
            billed[provider] += bill.amount
            last[provider] = month
    rows = [
        (last[provider], provider, Decimal(amount).scaleb(-12), KINDS.get(provider, "otlp or litellm"), bool(logged))
        for provider, amount in sorted(billed.items())
    ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")
