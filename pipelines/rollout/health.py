"""Is a routed model failing or slow? Told from the logs, a row a (day, task, tier); and what latency each tier gives.

What is usual for a tier is the median of its days in the 28 before, of error rates and of 95th percentiles; with fewer
than three such days, the most of the task's other tiers. On a day it is

    failing: P(at least so many errors | usual rate + `error_margin`) < 1 in 1,000
    slow:    P(at least so many answers over the limit | 5 %) < 1 in 1,000

by exact binomial tests; the limit is the workflow's `limits.latency_p95_ms`, else the usual 95th percentile ×
`latency_factor`. Medians keep a bad week from becoming the yardstick, and a day that failed never is one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from fractions import Fraction
from statistics import median
from typing import Any

import duckdb
import polars as pl

from pipelines.outcomes.ratios import rounded
from pipelines.rollout.binomial import at_least
from pipelines.rollout.timeline import Phase, midnight
from pipelines.routing.policy import Route
from pipelines.storage.models import sql
from pipelines.workspace.load import Loaded
from pipelines.workspace.model import Workspace

BASE_DAYS, LEAST_DAYS = 28, 3
LEAST_REQUESTS, LEAST_TIMED = 5, 5  #: of a day, to be judged, and to be one of the days that say what is usual
CHANCE = 0.001
SLOW = 0.05
RATIO = pl.Decimal(38, 12)
_TASK: dict[str, Any] = {"workflow": pl.String(), "task_type": pl.String()}
HEALTH: dict[str, Any] = {
    "day": pl.Date(), **_TASK, "tier": pl.String(), "policy_version": pl.Int64(), "declared_share": RATIO,
    "falls_back": pl.Boolean(), "requests": pl.Int64(), "errors": pl.Int64(), "error_rate": RATIO,
    "usual_error_rate": RATIO, "latency_p50_ms": pl.Int64(), "latency_p95_ms": pl.Int64(), "usual_p95_ms": pl.Int64(),
    "limit_ms": pl.Int64(), "timed": pl.Int64(), "slow": pl.Int64(), "state": pl.String(), "compared_with": pl.String(),
}  # fmt: skip
LATENCY: dict[str, Any] = {
    **_TASK, "tier": pl.String(), "requests": pl.Int64(), "errors": pl.Int64(), "error_rate": RATIO,
    "latency_p50_ms": pl.Int64(), "latency_p95_ms": pl.Int64(),
}  # fmt: skip
Row = dict[str, Any]
Task = tuple[str, str]


def health_marts(
    con: duckdb.DuckDBPyConnection, loaded: Loaded, as_of: date, line: Sequence[Phase]
) -> dict[str, pl.DataFrame]:  # fmt: skip
    """`route_health`: days on which a policy routed the task, empty without one; `tier_latency`: every declared task."""
    return {
        "route_health": route_health(con, loaded, as_of, line),
        "tier_latency": tier_latency(con, loaded, as_of),
    }


def tier_latency(con: duckdb.DuckDBPyConnection, loaded: Loaded, as_of: date) -> pl.DataFrame:
    values = {"as_of": as_of, "before": as_of - timedelta(days=BASE_DAYS)}
    rows = con.sql(sql("rollout/tier_latency"), params=values).pl().to_dicts()
    declared = [row for row in rows if row["workflow"] in loaded.config.workflows]
    made = [row | {"error_rate": _share(row["errors"], row["requests"])} for row in declared]
    return pl.DataFrame(made, schema=LATENCY)


def route_health(
    con: duckdb.DuckDBPyConnection, loaded: Loaded, as_of: date, line: Sequence[Phase]
) -> pl.DataFrame:  # fmt: skip
    zone = loaded.config.reporting.zone
    began: dict[Task, date] = {}
    for phase in line:
        for route in phase.policy.routes if phase.policy else ():
            task = (route.match.workflow, route.match.task)
            began.setdefault(task, phase.since.astimezone(zone).date())
    if not began:
        return pl.DataFrame(schema=HEALTH)
    first = [(*task, day - timedelta(days=BASE_DAYS)) for task, day in sorted(began.items())]
    _put(con, "routed_tasks", pl.DataFrame(first, schema={**_TASK, "first_day": pl.Date()}, orient="row"))
    days = con.sql(sql("rollout/tier_days"), params={"as_of": as_of}).pl().to_dicts()
    known: dict[tuple[Task, str], dict[date, Row]] = defaultdict(dict)
    for row in days:
        known[(row["workflow"], row["task_type"]), row["tier"]][row["day"]] = row
    margin = loaded.config.routing.rollout.error_margin
    for row in days:  # in order of time: a day that failed is no yardstick for those after it
        row |= _usual(row, known, loaded.config)
        row["failing"] = _failing(row, margin)
    limits = pl.DataFrame(
        [{k: row[k] for k in ("day", *_TASK, "tier", "limit_ms")} for row in days if row["limit_ms"] is not None],
        schema={"day": pl.Date(), **_TASK, "tier": pl.String(), "limit_ms": pl.Int64()},
    )
    _put(con, "tier_limits", limits)
    slow = {
        (row["day"], row["workflow"], row["task_type"], row["tier"]): row["slow"]
        for row in con.sql(sql("rollout/slow_answers")).pl().to_dicts()
    }
    made = []
    for row in days:
        phase = _ruling(line, row["day"], zone)
        route = phase.route(f"{row['workflow']}/{row['task_type']}") if phase else None
        if phase is None or route is None:
            continue
        count = slow.get((row["day"], row["workflow"], row["task_type"], row["tier"]), 0)
        row["slow"] = None if row["limit_ms"] is None else count
        made.append(row | _standing(route, row["tier"]) | {"policy_version": phase.version, "state": _state(row)})
    kept = [{name: row[name] for name in HEALTH} for row in made]
    return pl.DataFrame(kept, schema=HEALTH).sort("day", "workflow", "task_type", "tier")


def _put(con: duckdb.DuckDBPyConnection, table: str, frame: pl.DataFrame) -> None:
    con.register("incoming_health", frame.to_arrow())
    con.execute(f"create or replace temp table {table} as select * from incoming_health")
    con.unregister("incoming_health")


def _usual(row: Row, known: Mapping[tuple[Task, str], Mapping[date, Row]], config: Workspace) -> Row:
    """Usual error rate and 95th percentile, whose they are, and the limit for an answer."""
    task, tier, day = (row["workflow"], row["task_type"]), row["tier"], row["day"]
    errors, p95 = _medians(known[task, tier], day)
    others = [_medians(days, day) for (of, name), days in known.items() if of == task and name != tier]
    whose = "its own days" if errors is not None else None
    if errors is None:
        errors = max((e for e, _ in others if e is not None), default=None)
        whose = "other tiers" if errors is not None else None
    if p95 is None:
        p95 = max((p for _, p in others if p is not None), default=None)
    declared = config.workflows.get(row["workflow"])
    limit = declared.limits.latency_p95_ms if declared else None
    if limit is None and p95 is not None:
        limit = round(p95 * config.routing.rollout.latency_factor)
    return {
        "usual_error_rate": None if errors is None else rounded(errors), "usual_p95_ms": p95, "limit_ms": limit,
        "error_rate": _share(row["errors"], row["requests"]), "compared_with": whose,
    }  # fmt: skip


def _medians(days: Mapping[date, Row], day: date) -> tuple[Fraction | None, int | None]:
    before = [own for d, own in days.items() if day - timedelta(days=BASE_DAYS) <= d < day]
    rates = [
        Fraction(own["errors"], own["requests"])
        for own in before
        if own["requests"] >= LEAST_REQUESTS and not own["failing"]
    ]
    slowest = [own["latency_p95_ms"] for own in before if own["timed"] >= LEAST_TIMED]
    return (
        median(rates) if len(rates) >= LEAST_DAYS else None,
        round(median(slowest)) if len(slowest) >= LEAST_DAYS else None,
    )


def _failing(row: Row, margin: float) -> bool:
    if not row["errors"] or row["requests"] < LEAST_REQUESTS:
        return False
    allowed = min(float(row["usual_error_rate"] or 0) + margin, 1.0)
    return at_least(row["errors"], row["requests"], allowed) < CHANCE


def _state(row: Row) -> str:
    """failing | slow | fine | too few."""
    if row["requests"] < LEAST_REQUESTS:
        return "too few"
    if row["failing"]:
        return "failing"
    if row["slow"] and at_least(row["slow"], row["timed"], SLOW) < CHANCE:
        return "slow"
    return "fine"


def _ruling(line: Sequence[Phase], day: date, zone: Any) -> Phase | None:
    """The phase that governed the end of the day."""
    end = midnight(day + timedelta(days=1), zone)
    return next((phase for phase in reversed(line) if phase.since < end), None)


def _standing(route: Route, tier: str) -> Row:
    share = rounded(Fraction(route.shares.get(tier, 0), 100))
    return {"declared_share": share, "falls_back": tier in route.fallback}


def _share(part: int, whole: int) -> Any:
    return rounded(Fraction(part, whole)) if whole else None


def ailing(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Of rows of `route_health`: what fails or is slow as of the task's last day, with `since` and how many days."""
    last: dict[Task, date] = {}
    tiers: dict[tuple[Task, str], list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        task = (row["workflow"], row["task_type"])
        last[task] = max(last.get(task, row["day"]), row["day"])
        if row["state"] != "too few":
            tiers[task, row["tier"]].append(row)
    found = []
    for (task, _), own in tiers.items():
        streak: list[Mapping[str, Any]] = []
        for row in sorted(own, key=lambda r: r["day"], reverse=True):
            if row["state"] == "fine":
                break
            streak.append(row)
        if streak and streak[0]["day"] >= last[task] - timedelta(days=1):
            found.append({**streak[0], "since": streak[-1]["day"], "days": len(streak)})
    return found
