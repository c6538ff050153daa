"""Grade B: marks of live traffic, not of the same items, compared within recorded strata of difficulty.

A cheap model that gets the easy traffic looks as good as a dear one. So models are compared inside strata
that were recorded before the call and weighted as the reference meets them; without such strata, or where
they don't overlap, nothing observational helps. What is hidden from the strata stays hidden: this
evidence can ask for a canary and never switches.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from pipelines.split.evidence import KEY, MIN_PAIRS, SCALE
from pipelines.split.noninferiority import Z

MIN_IN_STRATUM = 5
OVERLAP = 0.8  # of the reference's marks must lie in strata where both models have marks
CANARY_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Stratified:
    """Difference candidate − reference over the strata both serve, and its lower bound (one-sided 95 %)."""

    marks: int  # of the candidate
    quality_reference: float
    difference: float
    lower: float


def stratified(marked: pl.DataFrame, references: pl.DataFrame) -> dict[tuple[str, str, str], Stratified]:
    """(workflow, task_type, candidate's canonical name) → comparison, where strata were recorded and
    overlap.
    """
    cells = (
        marked.filter(pl.col("stratum").is_not_null() & (pl.col("rank") < 3))
        .join(references, on=KEY)
        .group_by([*KEY, "model_key", "reference_key", "stratum"])
        .agg(
            pl.len().cast(pl.Int64).alias("n"),
            pl.col("mark").sum().alias("m1"),
            (pl.col("mark") * pl.col("mark")).sum().alias("m2"),
        )
        .sort(*KEY, "model_key", "stratum")
    )
    old = cells.filter(pl.col("model_key") == pl.col("reference_key"))
    new = cells.filter(pl.col("model_key") != pl.col("reference_key"))
    totals = {(w, t): n for w, t, n in old.group_by(KEY).agg(pl.col("n").sum()).select(*KEY, "n").iter_rows()}
    joined = new.join(old.drop("model_key", "reference_key"), on=[*KEY, "stratum"], suffix="_old")
    joined = joined.filter((pl.col("n") >= MIN_IN_STRATUM) & (pl.col("n_old") >= MIN_IN_STRATUM))
    result = {}
    for (workflow, task, model), group in joined.group_by([*KEY, "model_key"], maintain_order=True):
        rows = group.sort("stratum").to_dicts()
        shared = sum(row["n_old"] for row in rows)
        candidate_marks = sum(row["n"] for row in rows)
        if shared < OVERLAP * totals[workflow, task] or min(shared, candidate_marks) < MIN_PAIRS:
            continue
        difference = variance = quality = 0.0
        for row in rows:
            weight = row["n_old"] / shared
            new_mean, new_var = _mean(row["n"], row["m1"], row["m2"])
            old_mean, old_var = _mean(row["n_old"], row["m1_old"], row["m2_old"])
            difference += weight * (new_mean - old_mean)
            variance += weight**2 * (new_var + old_var)
            quality += weight * old_mean
        lower = difference - Z * variance**0.5
        result[str(workflow), str(task), str(model)] = Stratified(candidate_marks, quality, difference, lower)
    return result


def _mean(n: int, first: int, second: int) -> tuple[float, float]:
    """Mean and its variance; a pseudo-mark at either end (Agresti-Coull) keeps the variance above 0."""
    mean = first / n / SCALE
    spread = max(second / SCALE**2 - n * mean**2, 0.0) + Z * Z / 2
    return mean, spread / n**2
