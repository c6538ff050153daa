"""What the evaluations say about each candidate against the model that serves a task type today.

Two models on one item make a pair. An item counts once per model and signal, however often it was marked
(the latest mark wins). Marks that lost to a later one of another signal are no evidence; they only serve to calibrate. Quality is held in whole 1/10,000, so that every moment is an exact integer and no
order of rows or number of threads can move a figure.

Signals are ranked: `human` and `label` before `schema` before `judge`. A judge's marks count only where
they were calibrated: at least 20 marks of the task type stand beside a label of the same item and model,
and differ from it by no more than 0.10 on average. A mark without one of these signals ("no error") is no
quality and never counts.
"""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import polars as pl

SCALE = 10_000
MIN_PAIRS = 20  # below, plain means promise some two points too much
CALIBRATION_MARKS = 20
CALIBRATION_ERROR = 0.10
_RANK = {"human": 1, "label": 1, "schema": 2, "judge": 3}
KEY = ["workflow", "task_type"]


def marks(evaluations: pl.DataFrame, as_of: date, zone: ZoneInfo) -> pl.DataFrame:
    """Grain: (workflow, task_type, item_id, model_key, live, rank of the signal, wins). Adds `day`, `mark` (quality · 10,000).

    `wins`: the mark is the one that counts of all that its item and model got, whatever the signal.
    """
    return (
        evaluations.filter(
            pl.col("quality").is_not_null()
            & pl.col("quality").is_between(0, 1)
            & pl.col("workflow").is_not_null()
            & pl.col("task_type").is_not_null()
            & pl.col("signal").is_in(list(_RANK))
        )
        .with_columns(
            (pl.col("quality") * SCALE).round().cast(pl.Int64).alias("mark"),
            pl.col("time").dt.convert_time_zone(str(zone)).dt.date().alias("day"),
            pl.col("signal").replace_strict(_RANK, return_dtype=pl.Int8).alias("rank"),
            pl.col("cost_usd").cast(pl.Decimal(38, 12)),
        )
        .filter(pl.col("day") <= as_of)
        .sort(
            *KEY, "item_id", "model_key", "live", "rank", "wins", "time", "mark", "cost_usd", "model", nulls_last=False
        )
        .unique([*KEY, "item_id", "model_key", "live", "rank", "wins"], keep="last", maintain_order=True)
    )


def without_uncalibrated_judges(marked: pl.DataFrame) -> pl.DataFrame:
    """The marks that win, without the judge's of every task type in which nothing shows that it agrees with the labels.

    A judge is compared with the label of the same item and model whichever of the two wins there.
    """
    winners = marked.filter("wins")
    judged = winners.filter(pl.col("rank") == 3)
    if judged.is_empty():
        return winners
    item = [*KEY, "item_id", "model_key", "live"]
    latest = marked.sort(*item, "rank", "time", "wins").unique([*item, "rank"], keep="last", maintain_order=True)
    agreed = (
        latest.filter(pl.col("rank") == 3)
        .join(latest.filter(pl.col("rank") == 1).select(*item, label="mark"), on=item)
        .group_by(KEY)
        .agg(pl.len().alias("n"), (pl.col("mark") - pl.col("label")).abs().sum().alias("error"))
        .filter(
            (pl.col("n") >= CALIBRATION_MARKS) & (pl.col("error") <= pl.col("n") * round(CALIBRATION_ERROR * SCALE))
        )
        .select(KEY)
    )
    return pl.concat([winners.filter(pl.col("rank") < 3), judged.join(agreed, on=KEY, how="semi")])


def pairs(marked: pl.DataFrame, references: pl.DataFrame) -> pl.DataFrame:
    """Moments per (workflow, task_type, model_key of a candidate) against `references` (workflow,
    task_type, reference_key), as in `moments`. Of the ranks of signals the best with at least 20 pairs is used, or
    else the one with the most pairs.
    """
    return best_signal(moments(paired(marked, references), [*KEY, "model_key", "rank"]))


def paired(marked: pl.DataFrame, references: pl.DataFrame) -> pl.DataFrame:
    """Grain: (workflow, task type, item, rank of the signal, candidate): its mark and the reference's.

    `stratum` is the item's, null where neither mark names one or they differ.
    """
    # what live traffic marks is no pair: a unit that two models answered was escalated, not drawn
    with_reference = marked.filter(~pl.col("live")).join(references, on=KEY)
    old = with_reference.filter(pl.col("model_key") == pl.col("reference_key")).select(
        *KEY, "item_id", "rank", q="mark", q_day="day", q_cost="cost_usd", q_latency="latency_ms", q_stratum="stratum"
    )
    new = with_reference.filter(pl.col("model_key") != pl.col("reference_key"))
    one = pl.coalesce("q_stratum", "stratum")
    agreed = pl.when(pl.coalesce("stratum", "q_stratum") == one).then(one).replace("", None)
    joined = new.join(old, on=[*KEY, "item_id", "rank"]).with_columns(agreed.alias("stratum"))
    return joined.sort(*KEY, "model_key", "rank", "item_id")


def moments(joined: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """Sums over the pairs of each `key`.

    d = candidate − reference, q = reference, both in 1/10,000: n, d1 = Σd, d2 = Σd², d3 = Σd³, q1, q2,
    dq. Costs of the pairs of which both are known: cost_pairs, cost (candidate), reference_cost, and the
    ratio's moments. Milliseconds of the pairs that were timed on both sides. `looks` = days on which pairs became complete.
    """
    cost_known = pl.col("cost_usd").is_not_null() & pl.col("q_cost").is_not_null()
    d = pl.col("mark") - pl.col("q")
    cost, old_cost = pl.col("cost_usd").filter(cost_known), pl.col("q_cost").filter(cost_known)
    ratio_cost, ratio_old = cost.cast(pl.Float64), old_cost.cast(pl.Float64)
    timed = pl.col("latency_ms").is_not_null() & pl.col("q_latency").is_not_null()
    return joined.group_by(key, maintain_order=True).agg(
        pl.len().cast(pl.Int64).alias("n"),
        d.sum().alias("d1"),
        (d * d).sum().alias("d2"),
        (d * d * d).sum().alias("d3"),
        pl.col("q").sum().alias("q1"),
        (pl.col("q") * pl.col("q")).sum().alias("q2"),
        (d * pl.col("q")).sum().alias("dq"),
        (d != 0).sum().cast(pl.Int64).alias("discordant"),
        pl.max_horizontal("day", "q_day").n_unique().cast(pl.Int64).alias("looks"),
        cost.len().cast(pl.Int64).alias("cost_pairs"),
        cost.sum().alias("cost"),
        old_cost.sum().alias("reference_cost"),
        # second moments relative to the reference's mean, free of dollars
        ((ratio_cost / ratio_old.mean()) ** 2).sum().alias("c2"),
        ((ratio_old / ratio_old.mean()) ** 2).sum().alias("r2"),
        (ratio_cost * ratio_old / ratio_old.mean() ** 2).sum().alias("cr"),
        timed.sum().cast(pl.Int64).alias("latency_pairs"),
        pl.col("latency_ms").filter(timed).quantile(0.95, "higher").alias("latency_p95"),
        pl.col("latency_ms").filter(timed).sum().alias("latency"),
        pl.col("q_latency").filter(timed).sum().alias("reference_latency"),
    )


def best_signal(per_rank: pl.DataFrame) -> pl.DataFrame:
    """One row per (workflow, task type, candidate): of the rank of signals that counts."""
    preference = pl.when("enough").then(-pl.col("rank")).otherwise(pl.col("n"))
    return (
        per_rank.with_columns((pl.col("n") >= MIN_PAIRS).alias("enough"))
        .sort(
            *KEY,
            "model_key",
            "enough",
            preference,
            "rank",
            descending=[False, False, False, True, True, False],
        )
        .unique([*KEY, "model_key"], keep="first", maintain_order=True)
        .drop("enough")
    )


def logged_names(evaluations: pl.DataFrame) -> dict[str, str]:
    """Canonical name → the name most often logged (ties to the smaller), as exports show it."""
    counted = (
        evaluations.group_by("model_key", "model")
        .len()
        .sort("model_key", "len", "model", descending=[False, True, False])
    )
    return dict(counted.unique("model_key", keep="first", maintain_order=True).select("model_key", "model").rows())
