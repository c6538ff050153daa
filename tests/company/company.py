"""The company as one object: simulate its days, under whatever routing policies were in force, and tell the
truth."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from typing import Any

from tests.company.campaigns import campaigns
from tests.company.plants import mark_calls, side_calls
from tests.company.records import Call, Event, Mark
from tests.company.simulate import units_of
from tests.company.story import (
    ARCHIVE,
    BATCH_AFTER,
    BINDING,
    DAYS,
    DRIFT_AFTER,
    DRIFT_WORKFLOW,
    FIRST_DAY,
    FLOWS,
)
from tests.company.workload import Task

Policy = dict[str, Any]


@dataclass
class Period:
    """Calls made, events written down and evaluations marked in [first, first + days), in order of time."""

    first: date
    days: int
    calls: list[Call]
    events: list[Event]
    marks: list[Mark]
    planted_elsewhere: Counter[str] = field(default_factory=Counter)  #: kinds that only a writer plants (broken lines)

    @property
    def logged(self) -> list[Call]:
        """Calls that some log holds."""
        return [call for call in self.calls if "never_logged" not in call.marks]


@dataclass(frozen=True)
class Truth:
    """What only the company itself knows."""

    quality: dict[tuple[str, str], dict[str, float]]  #: (workflow, task) -> provider/model -> chance of a right answer
    drift_workflow: str
    drift_day: date
    batch_day: date
    planted: dict[str, list[str]]  #: kind -> keys of calls and ids of events
    spend: dict[str, Fraction]  #: workflow ('' = none) -> dollars at list price, recorded price where there is none
    served: dict[tuple[str, str], Counter[str]]  #: (workflow, task) -> provider/model -> answered calls


def _instant(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


class Company:
    """One seeded company. Policies are (first day, policy document): from that day on, routed tasks follow
    it."""

    def __init__(self, seed: int = 7, first: date = FIRST_DAY, policies: tuple[tuple[date, Policy], ...] = ()) -> None:
        self.seed, self.first, self.policies = seed, first, policies

    def served(self, task: Task, workflow: str, day: date, chance: float) -> tuple[str, str | None]:
        """The model that answers, and the route asked for: `chance` decides between the tier and its
        canary."""
        live = [policy for start, policy in sorted(self.policies, key=lambda p: p[0]) if start <= day]
        for route in live[-1]["routes"] if live else ():
            if (route["match"]["workflow"], route["match"]["task_type"]) == (workflow, task.name):
                canary = route.get("canary")
                tier = canary["tier"] if canary and chance * 100 < canary["percent"] else route["tier"]
                return BINDING[tier], f"route/{workflow}/{task.name}"
        return task.model, None

    def period(self, first: date | None = None, days: int = DAYS) -> Period:
        """The records of a stretch of days, with what units of earlier days still do in it."""
        first = first or self.first
        begin, end = _instant(first), _instant(first + timedelta(days=days))
        calls: list[Call] = []
        events: list[Event] = []
        for number in range((first - self.first).days + days):
            day = self.first + timedelta(days=number)
            own: list[Call] = []
            for flow in (*FLOWS, ARCHIVE):
                for unit in units_of(self.seed, flow, self.first, day, self.served):
                    own += unit.calls
                    events += unit.events
            calls += own + side_calls(self.seed, self.first, day, own)
        calls = sorted((c for c in calls if begin <= c.time < end), key=lambda c: (c.time, c.key))
        mark_calls(self.seed, self.first, calls)
        events = sorted((e for e in events if begin <= e.written < end), key=lambda e: (e.written, e.event_id))
        marks = [m for m in campaigns(self.seed, self.first) if begin <= m.time < end]
        return Period(first, days, calls, events, marks)

    def continue_under(self, policy: Policy, from_day: date, days: int) -> tuple[Company, Period]:
        """The company with `policy` in force from `from_day`, and its records of the `days` from then on."""
        after = Company(self.seed, self.first, (*self.policies, (from_day, policy)))
        return after, after.period(from_day, days)

    def truth(self, period: Period) -> Truth:
        planted: dict[str, list[str]] = {}
        spend: dict[str, Fraction] = {}
        served: dict[tuple[str, str], Counter[str]] = {}
        for call in period.calls:
            for mark in sorted(call.marks):
                planted.setdefault(mark, []).append(call.key)
            if "never_logged" in call.marks or "cache_hit" in call.marks:
                continue
            cost = call.list_cost
            if cost is None and call.recorded is not None:
                cost = Fraction(call.recorded)
            spend[call.workflow or ""] = spend.get(call.workflow or "", Fraction(0)) + (cost or 0)
            if call.status == "ok" and call.workflow and call.task:
                served.setdefault((call.workflow, call.task), Counter())[f"{call.provider}/{call.model}"] += 1
        for event in period.events:
            for mark in sorted(event.marks):
                planted.setdefault(mark, []).append(event.event_id)
        for kind, count in period.planted_elsewhere.items():
            planted[kind] = [f"{kind}-{n}" for n in range(count)]
        return Truth(
            {(f.name, t.name): dict(t.quality) for f in (*FLOWS, ARCHIVE) for t in f.tasks},
            DRIFT_WORKFLOW,
            self.first + timedelta(days=DRIFT_AFTER),
            self.first + timedelta(days=BATCH_AFTER),
            planted,
            spend,
            served,
        )
