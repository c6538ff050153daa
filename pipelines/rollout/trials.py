"""Every move of a route to another tier, as the audit tells it: when each share began, and how it ended.

A trial begins when a canary appears, or when a route's tier changes without one. It goes on through every share up to
100 % and after it, until the route is taken back, gives way to another trial, or its policy goes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pipelines.rollout.timeline import Phase
from pipelines.routing.policy import Policy, Route


@dataclass(frozen=True)
class Step:
    """A share of a route's requests (or units) on the new tier, in [since, until)."""

    since: datetime
    until: datetime
    percent: int
    version: int
    phases: tuple[datetime, ...]  #: starts of the audit's phases that it spans


@dataclass(frozen=True)
class Trial:
    """`old` is None where a first policy left no canary: what served before is then told by the logs."""

    workflow: str
    task_type: str
    old: str | None
    new: str
    steps: tuple[Step, ...]
    route: Route  #: as last in force
    policy: Policy
    approval: Mapping[str, Any]  #: the first version's
    before_version: int  #: what was live before the first step; 0: nothing
    ended: str | None = None  #: rolled_back | expired | superseded; None: goes on

    @property
    def key(self) -> str:
        return f"{self.workflow}/{self.task_type}"

    @property
    def since(self) -> datetime:
        return self.steps[0].since

    @property
    def until(self) -> datetime:
        return self.steps[-1].until

    @property
    def step(self) -> Step:
        return self.steps[-1]

    @property
    def target(self) -> int:
        """The share that the rollout ends at: the approved one, less a hold-back where the policy keeps one."""
        canary = self.route.canary
        if canary is None:
            return self.step.percent
        return canary.approved - (canary.hold_back or 0) if canary.approved == 100 else canary.approved

    @property
    def state(self) -> str:
        """canary | promoted | rolled_back | expired | superseded."""
        return self.ended or ("promoted" if self.step.percent >= self.target else "canary")


def trials(line: Sequence[Phase]) -> list[Trial]:
    """By start, then route. A trial that a later one of the same route follows ended when that one began."""
    running: dict[str, Trial] = {}
    done: list[Trial] = []
    keys = sorted({route.key for phase in line for route in (phase.policy.routes if phase.policy else ())})
    before: dict[str, Route | None] = dict.fromkeys(keys)
    version = 0
    for phase in line:
        for key in keys:
            route, trial = phase.route(key), running.pop(key, None)
            if trial is not None:
                trial = _on(trial, route, phase)
                if trial.ended is not None:
                    done.append(trial)
                else:
                    running[key] = trial
            if key not in running and route is not None and not (trial and trial.ended in ("rolled_back", "expired")):
                started = _start(route, before[key], phase, version)
                if started is not None:
                    running[key] = started
            before[key] = route
        version = phase.version
    return sorted([*done, *running.values()], key=lambda trial: (trial.since, trial.key))


def _start(route: Route, before: Route | None, phase: Phase, version: int) -> Trial | None:
    if route.canary is not None:
        old, new, percent = route.tier, route.canary.tier, route.canary.percent
    elif (before is not None and before.tier == route.tier) or _only_the_rest(route, phase):
        return None
    else:
        old, new, percent = before.tier if before else None, route.tier, 100
    assert phase.policy is not None
    assert phase.approval is not None
    return Trial(
        route.match.workflow, route.match.task, old, new, (_step(phase, percent),), route, phase.policy,
        phase.approval, version,
    )  # fmt: skip


def _only_the_rest(route: Route, phase: Phase) -> bool:
    """Whether a route says no more than that what its strata's routes leave goes on as before."""
    strata = phase.policy.by_stratum if phase.policy else ()
    return route.evidence is None and any(other.key.startswith(f"{route.key}/") for other in strata)


def _step(phase: Phase, percent: int) -> Step:
    return Step(phase.since, phase.until, percent, phase.version, (phase.since,))


def _on(trial: Trial, route: Route | None, phase: Phase) -> Trial:
    """What a next phase makes of a trial that goes on."""
    percent = None
    if route is not None and route.canary is not None and route.canary.tier == trial.new:
        percent = route.canary.percent
    elif route is not None and route.canary is None and route.tier == trial.new:
        percent = 100
    if percent is not None:
        assert route is not None
        assert phase.policy is not None
        steps = trial.steps
        if steps[-1].percent == percent:
            last = replace(steps[-1], until=phase.until, phases=(*steps[-1].phases, phase.since))
            steps = (*steps[:-1], last)
        else:
            steps = (*steps, _step(phase, percent))
        return replace(trial, steps=steps, route=route, policy=phase.policy)
    return replace(trial, ended=_ending(trial, route, phase))


def _ending(trial: Trial, route: Route | None, phase: Phase) -> str:
    if phase.event == "rolled_back":
        return "rolled_back"
    if route is None or route.canary is not None or route.tier != trial.old:
        return "superseded"
    changes = phase.approval["changes"] if phase.approval else ()
    return "expired" if any(c["route"] == trial.key and c["kind"] == "expired" for c in changes) else "rolled_back"
