"""Before the first call: what a planned workflow would cost, per outcome and month, on every tier.

A plan is a list of tasks with calls per outcome and tokens per call, typed in or taken from a task type that
already runs. Each task is priced at the list or contract rates of every model that a tier lists, so the capability
question stands beside the money: which tier does this work need, and what does asking for more cost?
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from pipelines.outcomes.period import PERIOD_DAYS
from pipelines.rates.book import Pair, RateBook
from pipelines.rates.cards import price
from pipelines.split.profile import USUAL_HEIGHT, usual_tier
from pipelines.storage.models import sql
from pipelines.storage.published import Published, parquet
from pipelines.workspace.errors import UsageError
from pipelines.workspace.load import Loaded
from pipelines.workspace.words import NAME_PATTERN

_PLACES = Decimal("1e-12")
EXAMPLE = "extraction:input=4000,output=300,calls=2"


@dataclass(frozen=True, slots=True)
class PlannedTask:
    """One task of a planned workflow. Tokens per call, cached ones inside the input; calls per outcome."""

    name: str
    capability: str | None
    calls: Decimal
    input_tokens: int
    cached_tokens: int
    output_tokens: int


def planned_task(text: str, published: Published | None) -> PlannedTask:
    """`NAME:input=4000,output=300[,cached=1000][,calls=2][,capability=extraction]` or `NAME:like=WORKFLOW/TASK`.

    Raises UsageError naming what is wrong, or a task type without traffic in the last 28 days.
    """
    name, colon, rest = text.partition(":")
    parts = dict(part.split("=", 1) for part in rest.split(",") if "=" in part) if colon else {}
    unknown = set(parts) - {"input", "output", "cached", "calls", "capability", "like"}
    if not re.fullmatch(NAME_PATTERN, name) or not parts or unknown or rest.count(",") + 1 != len(parts):
        raise UsageError(f"--task {text!r}: expected NAME:KEY=VALUE,… such as {EXAMPLE}, or NAME:like=WORKFLOW/TASK")
    shape: dict[str, Any] = {"calls": Decimal(1), "cached": 0}
    if "like" in parts:
        shape |= _like(parts["like"], published)
    for key in ("input", "output", "cached"):
        if key in parts:
            shape[key] = _whole(text, key, parts[key])
    if "calls" in parts:
        shape["calls"] = _calls(text, parts["calls"])
    for key in ("input", "output"):
        if key not in shape:
            raise UsageError(f"--task {text!r}: {key} is missing; expected such as {EXAMPLE}")
    if shape["cached"] > shape["input"]:
        raise UsageError(f"--task {text!r}: cached {shape['cached']} is more than input {shape['input']}")
    capability = parts.get("capability", shape.get("capability"))
    if capability is None and name in USUAL_HEIGHT:
        capability = name
    return PlannedTask(name, capability, shape["calls"], shape["input"], shape["cached"], shape["output"])


def estimate(loaded: Loaded, tasks: Sequence[PlannedTask], outcomes_month: int, at: datetime) -> dict[str, Any]:
    """The forecast at the rates in force at `at`: per task and model, and for two ways to run it all.

    `needed` (every task on the cheapest model of the tier that its capability needs) and `dearest` (every task on
    the dearest model of the highest tier). A model without a rate has null costs, and so has a way that needs one.
    Dollars as decimal strings.
    """
    if not loaded.config.tiers:
        raise UsageError("outlay.yaml declares no tiers: name the models to compare under tiers:")
    unit_costs = _per_call(loaded, tasks, at)
    rows: list[dict[str, Any]] = []
    for task in tasks:
        needed = _needed(loaded, task)
        for tier in sorted(loaded.config.tiers, key=lambda t: t.rank):
            for model in tier.models:
                call = unit_costs[task.name, model]
                outcome = None if call is None else call * task.calls
                rows.append(
                    {
                        "task": task.name, "capability": task.capability, "tier": tier.name, "model": model,
                        "needed_tier": needed, "calls": task.calls, "input_tokens": task.input_tokens,
                        "cached_tokens": task.cached_tokens, "output_tokens": task.output_tokens,
                        "cost_per_outcome_usd": outcome,
                        "cost_month_usd": None if outcome is None else outcome * outcomes_month,
                    }
                )  # fmt: skip
    highest = max(loaded.config.tiers, key=lambda t: t.rank).name
    ways = {
        "needed": _way(rows, tasks, lambda row: row["tier"] == (row["needed_tier"] or highest), min),
        "dearest": _way(rows, tasks, lambda row: row["tier"] == highest, max),
    }
    return {
        "at": at.isoformat(),
        "outcomes_month": outcomes_month,
        "tasks": [_document(row) for row in rows],
        "ways": {
            way: {
                "models": models,
                "cost_per_outcome_usd": _text(cost),
                "cost_month_usd": _text(None if cost is None else cost * outcomes_month),
            }
            for way, (models, cost) in ways.items()
        },
    }


def _way(rows: list[dict[str, Any]], tasks: Sequence[PlannedTask], fits: Any, best: Any) -> tuple[dict, Decimal | None]:
    models: dict[str, str | None] = {}
    total: Decimal | None = Decimal(0)
    for task in tasks:
        mine = [r for r in rows if r["task"] == task.name and fits(r) and r["cost_per_outcome_usd"] is not None]
        chosen = best(mine, key=lambda row: row["cost_per_outcome_usd"]) if mine else None
        models[task.name] = chosen["model"] if chosen else None
        total = total + chosen["cost_per_outcome_usd"] if chosen and total is not None else None
    return models, total


def _needed(loaded: Loaded, task: PlannedTask) -> str | None:
    """The tier of the declared capability; else, for a kind of work that has a usual place, that; else unknown."""
    config = loaded.config
    if task.capability in config.capabilities:
        return config.capabilities[task.capability]
    return usual_tier(config, task.capability) if task.capability in USUAL_HEIGHT else None


def _per_call(loaded: Loaded, tasks: Sequence[PlannedTask], at: datetime) -> dict[tuple[str, str], Decimal | None]:
    contract = loaded.config.rates.contract
    models: list[Pair] = []
    for tier in loaded.config.tiers:
        for listed in tier.models:
            provider, _, name = listed.partition("/")
            models.append((provider, name))
    book = RateBook.for_models(models, Path(loaded.path(contract)) if contract else None)
    calls = [
        {
            "request_key": f"{number}|{'/'.join(model)}", "provider": model[0], "model": model[1], "time": at,
            "input_uncached": task.input_tokens - task.cached_tokens, "cache_read": task.cached_tokens,
            "output_nonreasoning": task.output_tokens,
        }
        for number, task in enumerate(tasks) for model in models
    ]  # fmt: skip
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        con.register("planned_calls", pl.DataFrame(calls).to_arrow())
        con.execute(f"create temp table to_price as {sql('split/planned_calls')}")
        price(con, book)
        cost = dict(con.execute("select request_key, cost_usd from priced").fetchall())
    return {
        (task.name, "/".join(model)): cost[f"{number}|{'/'.join(model)}"]
        for number, task in enumerate(tasks)
        for model in models
    }


def _like(text: str, published: Published | None) -> dict[str, Any]:
    """The mean call of a task type over the 28 days to as-of, and its calls per unit."""
    workflow, _, task_type = text.partition("/")
    if published is None or published.meta["as_of"] is None:
        raise UsageError(f"like={text}: nothing is published yet; run outlay run, or type input= and output=")
    last = datetime.fromisoformat(published.meta["as_of"]).date()
    files = published.segments("requests", last - timedelta(days=PERIOD_DAYS - 1), last)
    row = None
    if files:
        with duckdb.connect() as con:
            row = con.execute(
                "select count(*), sum(input_tokens), sum(cache_read_tokens), sum(output_tokens), count(distinct unit_id) "
                f"from {parquet(files)} where workflow = $workflow and task_type = $task_type and status = 'ok'",
                {"workflow": workflow, "task_type": task_type},
            ).fetchone()
    if not row or not row[0]:
        raise UsageError(f"like={text}: no successful request of that task type in the 28 days to {last}")
    requests, tokens, cached, output, units = row
    calls = (Decimal(requests) / max(units, 1)).quantize(Decimal("0.01"), ROUND_HALF_EVEN)
    return {
        "input": round(tokens / requests), "cached": round(cached / requests), "output": round(output / requests),
        "calls": calls,
    }  # fmt: skip


def start_of(published: Published | None) -> datetime:
    """When the plan is priced, unless told otherwise: noon of the published as-of, else now."""
    if published is not None and published.meta["as_of"]:
        day = datetime.fromisoformat(published.meta["as_of"]).date()
        return datetime.combine(day, time(12), UTC)
    return datetime.now(UTC).replace(microsecond=0)


def _whole(text: str, key: str, value: str) -> int:
    if not re.fullmatch(r"\d{1,12}", value):
        raise UsageError(f"--task {text!r}: {key} must be a whole number of tokens, found {value!r}")
    return int(value)


def _calls(text: str, value: str) -> Decimal:
    try:
        calls = Decimal(value)
    except InvalidOperation:
        calls = Decimal(0)
    if not calls.is_finite() or not 0 < calls < 10**6:
        raise UsageError(f"--task {text!r}: calls must be a number above 0, found {value!r}")
    return calls


def _document(row: dict[str, Any]) -> dict[str, Any]:
    return {key: _text(value) if isinstance(value, Decimal) else value for key, value in row.items()}


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount.quantize(_PLACES, ROUND_HALF_EVEN).normalize():f}"
