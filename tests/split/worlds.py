"""Frames for the split's tests: worlds of workflows, models and marks, generated or from real data."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import polars as pl

from pipelines.split.recommend import recommend
from pipelines.split.recommendation import Recommendation, Recommendations, WorkflowPromise
from pipelines.workspace.model import Workspace

AS_OF = date(2026, 11, 20)
FIRST = datetime(2026, 11, 2, 9, tzinfo=UTC)
MONEY = pl.Decimal(38, 12)
FULL = os.environ.get("OUTLAY_FULL") == "1"

TIME = pl.Datetime("us", "UTC")
EVALUATIONS = {
    "workflow": pl.String, "task_type": pl.String, "item_id": pl.String, "model": pl.String,
    "model_key": pl.String, "quality": pl.Float64, "cost_usd": MONEY, "time": TIME, "signal": pl.String,
    "input_tokens": pl.Int64, "output_tokens": pl.Int64, "latency_ms": pl.Int64, "stratum": pl.String,
    "wins": pl.Boolean, "live": pl.Boolean,
}  # fmt: skip
TRAFFIC = {
    "workflow": pl.String, "task_type": pl.String, "model_key": pl.String, "model": pl.String,
    "requests": pl.Int64, "priced_requests": pl.Int64, "spend_usd": MONEY, "days": pl.Int64,
    "input_tokens": pl.Int64, "cache_read_tokens": pl.Int64, "cache_write_tokens": pl.Int64,
    "cache_write_long_tokens": pl.Int64, "output_tokens": pl.Int64, "reasoning_tokens": pl.Int64,
    "units": pl.Int64, "error_requests": pl.Int64,
}  # fmt: skip
WHATIF = {"workflow": pl.String, "task_type": pl.String, "model_key": pl.String, "spend_usd": MONEY}

DEAR, CHEAP = "maker/dear", "maker/cheap"


def workspace(
    tiers: Mapping[str, Sequence[str]] | None = None,
    workflow: str = "claims",
    routing: dict | None = None,
    **settings,
) -> Workspace:
    """One workflow; `settings` are its keys (quality, models, tasks …). Tiers from the lowest rank up."""
    tiers = tiers or {"light": [CHEAP], "frontier": [DEAR]}
    return Workspace.model_validate(
        {
            "name": "Split",
            "sources": [{"name": "calls", "kind": "requests", "path": "calls.jsonl"}],
            "workflows": {workflow: {"unit": "document", **settings}},
            "tiers": [
                {"name": name, "rank": rank, "models": list(models)}
                for rank, (name, models) in enumerate(tiers.items(), start=1)
            ],
            "capabilities": {},
            "routing": routing or {},
        }
    )


def marks_of(
    task: str,
    model: str,
    quality: Sequence[float] | np.ndarray,
    cost: str | Sequence[float] = "0.01",
    *,
    workflow: str = "claims",
    first_item: int = 0,
    day: int | Sequence[int] = 0,
    signal: str = "label",
    strata: Sequence[str] | None = None,
) -> pl.DataFrame:
    """Marks of one model on items first_item, first_item + 1, …"""
    n = len(quality)
    days = [day] * n if isinstance(day, int) else list(day)
    costs = [Decimal(cost)] * n if isinstance(cost, str) else [Decimal(f"{c:.12f}") for c in cost]
    return pl.DataFrame(
        {
            "workflow": [workflow] * n,
            "task_type": [task] * n,
            "item_id": [f"{task}-{first_item + i}" for i in range(n)],
            "model": [model] * n,
            "model_key": [model] * n,
            "quality": [float(x) for x in quality],
            "cost_usd": costs,
            "time": [FIRST + timedelta(days=int(d)) for d in days],
            "signal": [signal] * n,
            "input_tokens": [100] * n,
            "output_tokens": [10] * n,
            "latency_ms": [None] * n,
            "stratum": list(strata) if strata is not None else [None] * n,
            "wins": [True] * n,
            "live": [False] * n,
        },
        schema=EVALUATIONS,
    )


def traffic_of(
    task: str,
    model: str,
    requests: int = 2800,
    spend: str | None = None,
    *,
    workflow: str = "claims",
    days: int = 28,
) -> pl.DataFrame:
    spent = None if spend is None else Decimal(spend)
    row = (workflow, task, model, model, requests, requests, spent, days, 0, 0, 0, 0, 0, 0, requests, 0)
    return pl.DataFrame([row], schema=TRAFFIC, orient="row")


def whatif_of(task: str, model: str, spend: str | None, *, workflow: str = "claims") -> pl.DataFrame:
    row = (workflow, task, model, None if spend is None else Decimal(spend))
    return pl.DataFrame([row], schema=WHATIF, orient="row")


def none(schema: Mapping) -> pl.DataFrame:
    return pl.DataFrame(schema=schema)


def advise(
    config: Workspace,
    evaluations: Sequence[pl.DataFrame],
    traffic: Sequence[pl.DataFrame],
    *whatif: pl.DataFrame,
) -> Recommendations:
    return recommend(
        config,
        pl.concat(evaluations) if evaluations else none(EVALUATIONS),
        pl.concat(traffic),
        pl.concat(whatif) if whatif else none(WHATIF),
        AS_OF,
    )


def only(made: Recommendations) -> Recommendation:
    assert len(made.recommendations) == 1
    return made.recommendations[0]


def paired_bernoulli(
    rng: np.random.Generator, n: int, reference: float, candidate: float, discordance: float
) -> tuple[np.ndarray, np.ndarray]:
    """0/1 marks of both models on n items with these means and this share of items on which they differ."""
    loss = (discordance + reference - candidate) / 2  # reference right, candidate wrong
    gain = discordance - loss
    both = reference - loss
    assert min(loss, gain, both) >= -1e-12
    assert both + loss + gain <= 1 + 1e-12
    kind = rng.random(n)
    old = kind < both + loss
    new = (kind < both) | ((kind >= both + loss) & (kind < both + loss + gain))
    return old.astype(float), new.astype(float)


def share_of(one: Recommendation, model: str) -> float:
    return sum(route.share for route in one.routes if route.model_key == model)


@dataclass(frozen=True)
class Task:
    """Marks of the reference and of each candidate on the same items, with what is true of them."""

    reference: np.ndarray
    candidates: list[np.ndarray]
    quality: float
    differences: list[float]
    day: np.ndarray | None = None


def draw(rng: np.random.Generator, n: int, quality: float, differences: Sequence[float], discordance: float) -> Task:
    """0/1 marks: candidate k is right with probability quality + differences[k], differs on `discordance`."""
    reference = rng.random(n) < quality
    candidates = []
    for d in differences:
        loss = min(max(0.0, -d) + discordance / 2, quality)
        gain = min(max(loss + d, 0.0), 1 - quality)
        loss = gain - d
        luck = rng.random(n)
        candidates.append(np.where(reference, luck >= loss / quality, luck * (1 - quality) < gain).astype(float))
    return Task(reference.astype(float), candidates, quality, list(differences))


def simulate(
    worlds: Sequence[Sequence[Task]],
    *,
    retention: float = 0.95,
    floor: float = 0.90,
    costs: Sequence[float] = (0.1,),
) -> tuple[Recommendations, list[float]]:
    """Recommendations for many generated workflows, and the true retention of each under its routes."""
    config, evaluations, frame = generated(worlds, retention=retention, floor=floor, costs=costs)
    made = recommend(config, evaluations, frame, none(WHATIF), AS_OF)
    change = [0.0] * len(worlds)
    for one in made.recommendations:
        w, t = int(one.workflow[1:]), int(one.task_type[1:])
        for k in range(len(costs)):
            change[w] += share_of(one, f"maker/c{k}") * worlds[w][t].differences[k]
    total = [sum(task.quality for task in tasks) for tasks in worlds]
    return made, [1 + c / q for c, q in zip(change, total, strict=True)]


def generated(
    worlds: Sequence[Sequence[Task]],
    *,
    retention: float = 0.95,
    floor: float = 0.90,
    costs: Sequence[float] = (0.1,),
) -> tuple[Workspace, pl.DataFrame, pl.DataFrame]:
    """Workspace, marks and traffic of generated workflows w0, w1, … with task types t0, t1, …"""
    names = [f"maker/c{k}" for k in range(len(costs))]
    columns: dict[str, list[np.ndarray]] = {key: [] for key in ("workflow", "task", "item", "model", "mark", "day")}
    traffic = []
    for w, tasks in enumerate(worlds):
        for t, task in enumerate(tasks):
            n = len(task.reference)
            day = task.day if task.day is not None else np.zeros(n, dtype=int)
            for k, marked in enumerate([task.reference, *task.candidates]):
                whole = {"workflow": w, "task": t, "model": k - 1}
                for key, value in whole.items():
                    columns[key].append(np.full(n, value))
                columns["item"].append(np.arange(n))
                columns["mark"].append(marked)
                columns["day"].append(day)
            traffic.append((f"w{w}", f"t{t}", DEAR, DEAR, 2800, 2800, Decimal(2800), 28, *[0] * 8))
    model = pl.col("model").replace_strict({k - 1: m for k, m in enumerate([DEAR, *names])}, return_dtype=pl.String)
    cost = pl.col("model").replace_strict({-1: 1.0, **dict(enumerate(costs))}, return_dtype=pl.Float64)
    evaluations = pl.DataFrame({key: np.concatenate(parts) for key, parts in columns.items()}).select(
        pl.format("w{}", "workflow").alias("workflow"),
        pl.format("t{}", "task").alias("task_type"),
        pl.col("item").cast(pl.String).alias("item_id"),
        model.alias("model"),
        model.alias("model_key"),
        pl.col("mark").alias("quality"),
        cost.cast(MONEY).alias("cost_usd"),
        (pl.lit(FIRST).cast(TIME) + pl.duration(days=pl.col("day"))).alias("time"),
        pl.lit("label").alias("signal"),
        pl.lit(100).alias("input_tokens"),
        pl.lit(10).alias("output_tokens"),
        pl.lit(None, pl.Int64).alias("latency_ms"),
        pl.lit(None, pl.String).alias("stratum"),
        pl.lit(True).alias("wins"),
        pl.lit(False).alias("live"),
    )
    config = Workspace.model_validate(
        {
            "name": "Generated",
            "sources": [{"name": "calls", "kind": "requests", "path": "calls.jsonl"}],
            "workflows": {
                f"w{w}": {"unit": "run", "quality": {"retention": retention, "floor": floor}}
                for w in range(len(worlds))
            },
            "tiers": [
                {"name": "light", "rank": 1, "models": names},
                {"name": "frontier", "rank": 2, "models": [DEAR]},
            ],
        }
    )
    frame = pl.DataFrame(traffic, schema=TRAFFIC, orient="row")
    return config, evaluations, frame


def by_workflow(made: Recommendations, count: int) -> list[list[Recommendation]]:
    grouped: list[list[Recommendation]] = [[] for _ in range(count)]
    for one in made.recommendations:
        grouped[int(one.workflow[1:])].append(one)
    return grouped


def promises(made: Recommendations, count: int) -> list[WorkflowPromise]:
    found = {promise.workflow: promise for promise in made.workflows}
    return [found[f"w{w}"] for w in range(count)]


def share_full(groups: Sequence[Sequence[Recommendation]]) -> float:
    """In which share of the workflows some task type switches completely."""
    return float(np.mean([any(one.decision == "switch" and len(one.routes) == 1 for one in g) for g in groups]))
