"""Public evaluations, split at random into a half to decide on and a half to be judged on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
import pytest

from pipelines.split.recommend import recommend
from tests.public_data import folder
from tests.split.worlds import (
    AS_OF,
    EVALUATIONS,
    FIRST,
    FULL,
    MONEY,
    TIME,
    WHATIF,
    none,
    traffic_of,
    workspace,
)

pytestmark = pytest.mark.slow
SPLITS = 40 if FULL else 20
MMLU = ("routellm_mmlu", "mmlu_dev_subjects.parquet")
PRO = ("mmlu_pro_open_models", "mmlu_pro.parquet")


@dataclass(frozen=True)
class Trial:
    """What one split promised and what the other half showed."""

    achieved: float
    saved: float
    promised: float
    covered: bool
    by_task: dict[str, float]
    decisions: list[str]


def table(data: tuple[str, str], reference: str, candidates: list[str]) -> pl.DataFrame:
    """One row per item that all the models answered; models named maker/name."""
    name, file = data
    rows = pl.read_parquet(folder(name) / file).with_columns(
        pl.concat_str(pl.lit("maker/"), pl.col("model").str.split("/").list.last()).alias("model")
    )
    models = [reference, *candidates]
    rows = rows.filter(pl.col("model").is_in(models))
    wide = rows.pivot(on="model", index=["task_type", "item_id"], values=["correct", "cost_usd"])
    return wide.drop_nulls().sort("task_type", "item_id")


def trials(items: pl.DataFrame, reference: str, candidates: list[str], per_task: int | None = None) -> list[Trial]:
    config = workspace(tiers={"light": candidates, "frontier": [reference]})
    models = [reference, *candidates]
    result = []
    for seed in range(SPLITS):
        first = np.random.default_rng(seed).random(items.height) < 0.5
        seen, held = items.filter(pl.Series(first)), items.filter(pl.Series(~first))
        traffic = pl.concat(
            [
                traffic_of(task, reference, n * 100)
                for task, n in held.group_by("task_type").len().sort("task_type").rows()
            ]
        )
        if per_task is not None:
            shuffled = seen.sample(fraction=1.0, shuffle=True, seed=seed)
            seen = shuffled.filter(pl.int_range(pl.len()).over("task_type") < per_task)
        marks = pl.concat([_marks(seen, model) for model in models])
        made = recommend(config, marks, traffic, none(WHATIF), AS_OF)
        shares = {(r.task_type, route.model_key): route.share for r in made.recommendations for route in r.routes}
        quality = cost = np.zeros(held.height)
        for model in models:
            share = np.array([shares.get((task, model), 0.0) for task in held["task_type"]])
            quality = quality + share * held[f"correct_{model}"].to_numpy()
            cost = cost + share * held[f"cost_usd_{model}"].to_numpy()
        old = held[f"correct_{reference}"].to_numpy()
        ratios = (
            pl.DataFrame({"task": held["task_type"], "new": quality, "old": old}).group_by("task").sum()
            .select("task", pl.col("new") / pl.col("old")).rows()
        )  # fmt: skip
        said = made.workflows[0]
        achieved = float(quality.sum() / old.sum())
        result.append(
            Trial(
                achieved=achieved,
                saved=float(1 - cost.sum() / held[f"cost_usd_{reference}"].sum()),
                promised=said.retention,
                covered=said.retention_low <= achieved <= said.retention_high,
                by_task=dict(ratios),
                decisions=[r.decision for r in made.recommendations],
            )
        )
    return result


def _marks(items: pl.DataFrame, model: str) -> pl.DataFrame:
    return items.select(
        pl.lit("claims").alias("workflow"),
        "task_type",
        "item_id",
        pl.lit(model).alias("model"),
        pl.lit(model).alias("model_key"),
        pl.col(f"correct_{model}").cast(pl.Float64).alias("quality"),
        pl.col(f"cost_usd_{model}").cast(MONEY).alias("cost_usd"),
        pl.lit(FIRST).cast(TIME).alias("time"),
        pl.lit("label").alias("signal"),
        *(pl.lit(1, pl.Int64).alias(name) for name in ("input_tokens", "output_tokens")),
        pl.lit(None, pl.Int64).alias("latency_ms"),
        pl.lit(None, pl.String).alias("stratum"),
        pl.lit(True).alias("wins"),
        pl.lit(False).alias("live"),
    ).select(list(EVALUATIONS))


def keeps_its_promise(made: list[Trial], target: float = 0.95) -> None:
    achieved = np.array([trial.achieved for trial in made])
    promised = np.array([trial.promised for trial in made])
    assert achieved.mean() >= target
    assert np.mean(achieved < target - 0.01) <= 0.15
    assert abs(float(np.mean(promised - achieved))) <= 0.015
    assert np.mean([trial.covered for trial in made]) >= 0.80
    for task in made[0].by_task:
        assert np.mean([trial.by_task[task] for trial in made]) >= 0.85


GPT4, MIXTRAL = "maker/gpt-4-1106-preview", "maker/Mixtral-8x7B-Instruct-v0.1"
LLAMA_70B, LLAMA_8B = "maker/Meta-Llama-3_1-70B-Instruct", "maker/Meta-Llama-3_1-8B-Instruct"
QWEN, JAMBA, DEEPSEEK = "maker/Qwen1.5-72B-Chat", "maker/jamba-1.5-large", "maker/DeepSeek-Coder-V2"


def test_mmlu_subjects_keep_95_percent_and_save_30():
    made = trials(table(MMLU, GPT4, [MIXTRAL]), GPT4, [MIXTRAL])
    keeps_its_promise(made)
    assert np.mean([trial.saved for trial in made]) >= 0.30


def test_mmlu_pro_llama_8b_for_70b_keeps_95_percent_and_saves_10():
    made = trials(table(PRO, LLAMA_70B, [LLAMA_8B]), LLAMA_70B, [LLAMA_8B])
    keeps_its_promise(made)
    assert np.mean([trial.saved for trial in made]) >= 0.10


@pytest.mark.parametrize(
    ("path", "reference", "candidates"),
    [(MMLU, GPT4, [MIXTRAL]), (PRO, LLAMA_70B, [LLAMA_8B])],
    ids=["mmlu", "pro"],
)
def test_with_40_items_a_task_type_the_promise_still_holds(path, reference, candidates):
    keeps_its_promise(trials(table(path, reference, candidates), reference, candidates, per_task=40))


def test_with_19_items_a_task_type_nothing_switches():
    made = trials(table(MMLU, GPT4, [MIXTRAL]), GPT4, [MIXTRAL], per_task=19)
    assert {decision for trial in made for decision in trial.decisions} == {"experiment"}


@pytest.mark.parametrize("per_task", [None, 40])
def test_several_candidates_of_unordered_prices_keep_the_promise(per_task):
    """DeepSeek-Coder is both cheaper and better than the reference; Mixtral is cheaper and worse."""
    candidates = [LLAMA_8B, MIXTRAL, QWEN, LLAMA_70B, DEEPSEEK]
    keeps_its_promise(trials(table(PRO, JAMBA, candidates), JAMBA, candidates, per_task))
