"""What kind of work requests look like from their shape alone, where nobody tagged a task type.

The shape is what a log knows without any text: input and output size, their ratio, reasoning tokens. The
kinds are *inferred*. They say on day one which share of a dear tier's spend looks like work that a
lighter tier does, and so what to evaluate first. They are never evidence for a switch.

The rules are plain thresholds, first match wins, so that anyone can check a request by hand
(`sql/publish/kind_cells.sql`):

1. reasoning: reasoning tokens are two fifths of the output or more
2. classification: at most 16 output tokens beside the reasoning
3. extraction: at most 600 of them, and at most a tenth of the input
4. summarization: at least 800 input tokens, and at most a third of the input
5. generation: all else

Models that always reason a little are why reasoning counts by its share: an extraction on such a model stays one.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import duckdb
import polars as pl

from pipelines.outcomes.period import PERIOD_DAYS
from pipelines.storage.models import sql
from pipelines.workspace.model import Workspace

#: how far up the ladder a kind usually stands (0 the lowest tier, 1 the highest), where no capability says
USUAL_HEIGHT = {"classification": 0.0, "extraction": 0.0, "summarization": 0.5, "generation": 0.5, "reasoning": 1.0}
SCHEMA = {
    **dict.fromkeys(("workflow", "tier", "provider", "model"), pl.String()), "tagged": pl.Boolean(),
    "inferred_kind": pl.String(), "requests": pl.Int64(), "spend_usd": pl.Decimal(38, 12),
    "usual_tier": pl.String(), "looks_lighter": pl.Boolean(),
}  # fmt: skip


def workload_profile(con: duckdb.DuckDBPyConnection, config: Workspace, as_of: date) -> pl.DataFrame:
    """Grain: (workflow or null, provider, model, tagged, inferred kind) of the 28 days' successful requests.

    `usual_tier`: the tier that such work needs, as the workspace's capability of that name declares it, else the
    usual one; null without tiers. `looks_lighter`: the model stands in a higher tier than that.
    """
    period = {"first_day": as_of - timedelta(days=PERIOD_DAYS - 1), "as_of": as_of}
    counted = con.sql(sql("split/workload_profile"), params=period).pl()
    ranks = {tier.name: tier.rank for tier in config.tiers}
    usual = {kind: usual_tier(config, kind) for kind in USUAL_HEIGHT}
    rows = []
    for row in counted.iter_rows(named=True):
        needed = usual[row["inferred_kind"]]
        lighter = None if needed is None or row["tier"] is None else ranks[needed] < ranks[row["tier"]]
        rows.append({**row, "usual_tier": needed, "looks_lighter": lighter})
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def usual_tier(config: Workspace, kind: str) -> str | None:
    """The tier that a kind of work needs: declared as a capability, else by its usual place on the ladder."""
    if kind in config.capabilities:
        return config.capabilities[kind]
    ladder = sorted(config.tiers, key=lambda tier: tier.rank)
    return ladder[round(USUAL_HEIGHT[kind] * (len(ladder) - 1))].name if ladder else None


def lighter_spend(profile: pl.DataFrame, tier: str) -> tuple[Decimal, Decimal]:
    """(spend of a tier that looks like a lighter tier's work, all spend of the tier), in dollars."""
    mine = profile.filter(pl.col("tier") == tier)
    lighter = mine.filter(pl.col("looks_lighter"))
    return sum(lighter["spend_usd"], Decimal(0)), sum(mine["spend_usd"], Decimal(0))
