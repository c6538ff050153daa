"""How far the ranking hangs on the declared values: what becomes of it when each may be wrong by half.

A value is usually an assumption. In each of 2,000 scenarios every ranked workflow's value is multiplied by its own
factor, drawn evenly between 0.5 and 1.5 and independently of the others', and the ranking is made again by its own rule
(lower end of the shrunk 90 % interval): a factor moves the log ratio by its logarithm and leaves the width alone. The
draws of a workflow hang on its name alone, so that the same data gives the same shares, and a further workflow
changes nobody else's draws. A share is known to about ±2 points.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import polars as pl

from pipelines.outcomes.moments import MONEY
from pipelines.outcomes.ranking import Spread, Z
from pipelines.outcomes.ratios import rounded

SCENARIOS = 2000
WRONG_BY = 0.5
SCHEMA: dict[str, Any] = {
    "rank": pl.Int64(), "band": pl.Int64(), "workflow": pl.String(), "value_per_outcome_usd": MONEY,
    "break_even_value_usd": MONEY, "break_even_factor": MONEY, "share_same_rank": MONEY,
    "share_of_scenarios_first": MONEY, "share_of_scenarios_last": MONEY, "scenarios": pl.Int64(),
}  # fmt: skip


def value_sensitivity(ranking: pl.DataFrame, spreads: Mapping[str, Spread]) -> pl.DataFrame:
    """Grain: one row per ranked workflow, best first. `spreads` are those that `ranking` was made of.

    `break_even_factor`: what the declared value would have to be multiplied by for a dollar to return a dollar.
    """
    ranked = ranking.filter(pl.col("rank").is_not_null()).sort("rank").to_dicts()
    names = sorted(spreads)
    if not ranked:
        return pl.DataFrame(schema=SCHEMA)
    factors = np.stack([_factors(name) for name in names], axis=1)
    places = _places([spreads[name] for name in names], np.log(factors))
    rows = []
    for row in ranked:
        mine = places[:, names.index(row["workflow"])]
        rows.append({
            "rank": row["rank"], "band": row["band"], "workflow": row["workflow"],
            "value_per_outcome_usd": rounded(Fraction(row["value_usd"]) / row["outcomes"]),
            "break_even_value_usd": row["break_even_value_usd"],
            "break_even_factor": rounded(Fraction(row["spend_usd"]) / Fraction(row["value_usd"])),
            "share_same_rank": _share(mine == row["rank"]), "share_of_scenarios_first": _share(mine == 1),
            "share_of_scenarios_last": _share(mine == len(ranked)), "scenarios": SCENARIOS,
        })  # fmt: skip
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _factors(workflow: str) -> np.ndarray:
    seed = int.from_bytes(hashlib.sha256(workflow.encode()).digest()[:8], "big")
    return np.random.default_rng(seed).uniform(1 - WRONG_BY, 1 + WRONG_BY, SCENARIOS)


def _places(spreads: list[Spread], moved: np.ndarray) -> np.ndarray:
    """Rank of each workflow in each scenario, as `ranking` orders them; `moved` (scenario, workflow) is added to the
    log ratios."""
    variance = np.array([spread.variance for spread in spreads])
    own_ratios = np.array([spread.log_ratio for spread in spreads]) + moved
    weights = 1 / variance
    total = weights.sum()
    mean = (own_ratios @ weights / total)[:, None]
    q = ((own_ratios - mean) ** 2) @ weights
    spare = total - (weights**2).sum() / total
    between = np.maximum(0.0, (q - (len(spreads) - 1)) / spare)[:, None] if spare > 0 else np.zeros((len(moved), 1))
    random = 1 / (variance + between)
    centre_variance = 1 / random.sum(axis=1, keepdims=True)
    centre = (own_ratios * random).sum(axis=1, keepdims=True) * centre_variance
    own = between / (between + variance)
    lower = own * own_ratios + (1 - own) * centre - Z * np.sqrt(own * variance + (1 - own) ** 2 * centre_variance)
    # ties by estimate, then name: the columns are in order of name and the sort is stable
    order = np.lexsort((-np.round(own_ratios, 12), -np.round(lower, 12)), axis=1)
    places = np.empty_like(order)
    np.put_along_axis(places, order, np.arange(1, len(spreads) + 1)[None, :].repeat(len(moved), axis=0), axis=1)
    return places


def _share(holds: np.ndarray) -> Decimal:
    return rounded(Fraction(int(holds.sum()), SCENARIOS))
