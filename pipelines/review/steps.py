"""Steps that settle something: in words, as a command, and how long they take."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from pipelines.publish import formats
from pipelines.publish.names import model, task_within
from pipelines.review.facts import Facts
from pipelines.routing.by_difficulty import key_of, parts
from pipelines.routing.policy import FIRST_STEP
from pipelines.routing.volume import Volume, steps_below, volumes


class Step(NamedTuple):
    text: str
    command: str
    takes: str


def switch_step(f: Facts, advice: Mapping[str, Any]) -> Step:
    """Plan, approve, apply as a canary, and let the rollout go on."""
    to = formats.listing(f"{model(r['model'])} {formats.share(r['share'])}" for r in advice["routes"])
    name = task_within(advice["workflow"], advice["task_type"])
    plan = f"outlay route plan --only {advice['id']}"
    approve = f"outlay route approve --by {shlex.quote(f.by)} --only {advice['id']}"
    return Step(f"switch {name} to {to}", f"{plan} && {approve} && outlay route apply", _rollout(f, advice))


def _rollout(f: Facts, advice: Mapping[str, Any]) -> str:
    """How long the steps of the rollout take at present volume, by the sums of `outlay route plan`.

    Strata that move roll out side by side, each by its own volume: it takes as long as the slowest of them.
    """
    applied = f"minutes to the {FIRST_STEP} % canary"
    moving = {key_of(part): part for part in parts(advice)}
    found = volumes(f.published.home.parent, moving if advice["strata"] else ())
    if not moving.keys() <= found.keys():
        return f"{applied}, then a week or more at each step"
    declared = f.config.workflows[advice["workflow"]].split
    shares = {
        key: max((r["share"] for r in part["routes"] if r["model"] != part["reference_model"]), default=0)
        for key, part in moving.items()
    }
    weeks = {way: _slowest(found, shares, way) for way in ("request", "unit")}
    total, by_unit = weeks[declared or "request"], weeks["unit"]
    to = formats.share(max(shares.values())) if len({*shares.values()}) == 1 else "their shares"
    strata = formats.listing(part["stratum"] for part in moving.values()) if advice["strata"] else ""
    said = f"{applied}, then {_weeks(total)} to {to}{strata and f' of {strata}'}"
    several = any(found[key].several_calls for key in moving)
    if declared in (None, "request") and several and by_unit is not None and (total is None or by_unit < total / 2):
        said += f" ({_weeks(by_unit)} if units are drawn, split: unit)"
    return said


def _slowest(found: Mapping[str, Volume], shares: Mapping[str, float], way: str) -> float | None:
    """Weeks until all routes stand at their shares; None where one of them never does."""
    sums: list[float] = []
    for key, share in shares.items():
        weeks = [found[key].weeks(step, way) for step in steps_below(round(share * 100))]
        if None in weeks:
            return None
        sums.append(sum(each for each in weeks if each is not None))
    return max(sums)


def _weeks(weeks: float | None) -> str:
    if weeks is None:
        return "no end in sight"
    return "more than a year" if weeks > 52 else f"about {formats.plural(max(1, round(weeks)), 'week')}"


def experiment_step(f: Facts, advice: Mapping[str, Any]) -> Step:
    """Collect the pairs that would settle it."""
    wanted = advice["experiment"] or {}
    name = task_within(advice["workflow"], advice["task_type"])
    command = f"outlay evaluate plan --workflow {advice['workflow']} --task-type {shlex.quote(advice['task_type'])}"
    if not wanted.get("pairs"):
        return Step(f"evaluate {name}", command, "unknown")
    cost = f.money(Decimal(wanted["cost_usd"])) if wanted["cost_usd"] else "an unknown amount"
    days = "days unknown" if wanted["days"] is None else formats.plural(wanted["days"], "day") + " at present traffic"
    pairs = formats.plural(wanted["pairs"], "more pair")
    return Step(f"evaluate {model(advice['candidate_model'])} on {name}: {pairs}, {cost} of replays", command, days)
