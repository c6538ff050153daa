"""What kind of work requests look like from their shape alone, where nobody tagged a task type.

The shape is what a log knows without any text: input and output size, their ratio, reasoning tokens. The
kinds are *inferred*. They say on day one which share of a dear tier's spend looks like work that a
lighter tier does, and so what to evaluate first. They are never evidence for a switch.

The rules are plain thresholds, first match wins, so that anyone can check a request by hand:

1. reasoning: at least 256 reasoning tokens, or reasoning tokens are half of the output or more
2. classification: at most 16 output tokens
3. extraction: output at most 600 tokens and at most a tenth of the input
4. summarization: at least 800 input tokens, and output at most a third of the input
5. generation: all else
"""

from __future__ import annotations

import polars as pl

KINDS = ("classification", "extraction", "summarization", "generation", "reasoning")
#: the tier that a kind usually needs, where the workspace declares no capability of that name
USUAL_RANK = {"classification": 0, "extraction": 0, "summarization": 1, "generation": 1, "reasoning": 2}

_INPUT, _OUTPUT, _REASONING = pl.col("input_tokens"), pl.col("output_tokens"), pl.col("reasoning_tokens")
INFERRED_KIND: pl.Expr = (
    pl.when((_REASONING >= 256) | ((_REASONING > 0) & (_REASONING * 2 >= _OUTPUT)))
    .then(pl.lit("reasoning"))
    .when(_OUTPUT <= 16)
    .then(pl.lit("classification"))
    .when((_OUTPUT <= 600) & (_OUTPUT * 10 <= _INPUT))
    .then(pl.lit("extraction"))
    .when((_INPUT >= 800) & (_OUTPUT * 3 <= _INPUT))
    .then(pl.lit("summarization"))
    .otherwise(pl.lit("generation"))
)


def workload_profile(shapes: pl.DataFrame) -> pl.DataFrame:
    """Grain: (workflow, tier, inferred kind): requests, spend_usd, and the share of the (workflow,
    tier)'s spend.

    `shapes`: successful requests or groups of like ones (workflow, tier, input_tokens, output_tokens,
    reasoning_tokens, requests, spend_usd), token counts per request, cache inside input and reasoning
    inside output.
    """
    spend = pl.col("spend_usd").fill_null(0)
    counted = (
        shapes.with_columns(INFERRED_KIND.alias("inferred_kind"))
        .group_by("workflow", "tier", "inferred_kind")
        .agg(pl.col("requests").sum(), spend.sum().alias("spend_usd"))
    )
    whole = pl.col("spend_usd").cast(pl.Float64).sum().over("workflow", "tier")
    return counted.with_columns(
        pl.when(whole > 0).then((pl.col("spend_usd").cast(pl.Float64) / whole).round(6)).alias("spend_share")
    ).sort("workflow", "tier", "inferred_kind", nulls_last=True)


def lighter_share(profile: pl.DataFrame, tier: str, rank: int, needed: dict[str, int]) -> float | None:
    """Which share of a tier's spend looks like work that a lower tier does; None where the tier spends
    nothing.

    `rank` of the tier; `needed`: kind → rank of the tier that it needs, as the workspace's capabilities
    declare it.
    """
    mine = profile.filter(pl.col("tier") == tier)
    total = float(mine["spend_usd"].cast(pl.Float64).sum())
    if not total:
        return None
    lighter = [kind for kind in KINDS if needed.get(kind, USUAL_RANK[kind]) < rank]
    below = float(mine.filter(pl.col("inferred_kind").is_in(lighter))["spend_usd"].cast(pl.Float64).sum())
    return round(below / total, 6)
