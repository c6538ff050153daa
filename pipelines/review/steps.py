"""Steps that settle something: in words, as a command, and how long they take."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from pipelines.publish import formats
from pipelines.publish.names import model, task_within
from pipelines.review.facts import Facts
from pipelines.routing.policy import FIRST_STEP
from pipelines.routing.volume import steps_below, volumes


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
    """How long the steps of the rollout take at present volume, by the sums of `outlay route plan`."""
    applied = f"minutes to the {FIRST_STEP} % canary"
    new = max((r["share"] for r in advice["routes"] if r["model"] != advice["reference_model"]), default=0)
    volume = volumes(f.published.home.parent).get(f"{advice['workflow']}/{advice['task_type']}")
    if volume is None:
        return f"{applied}, then a week or more at each step"
    declared = f.config.workflows[advice["workflow"]].split
    shares = steps_below(round(new * 100))
    weeks = {way: [volume.weeks(share, way) for share in shares] for way in ("request", "unit")}
    way = declared or "request"
    total = None if None in weeks[way] else sum(w for w in weeks[way] if w is not None)
    by_unit = None if None in weeks["unit"] else sum(w for w in weeks["unit"] if w is not None)
    said = f"{applied}, then {_weeks(total)} to {formats.share(new)}"
    if way == "request" and volume.several_calls and by_unit is not None and (total is None or by_unit < total / 2):
        said += f" ({_weeks(by_unit)} if units are drawn, split: unit)"
    return said


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
