"""Lives of units: when each became good or stopped being good, and what it was worth."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Any

from tests.reference.shapes import Event, World, half_even

ORDER = {"failed": 0, "completed": 1, "accepted": 2, "rejected": 3}


@dataclass
class Life:
    """One unit: daily changes of its outcome, its status at the end, and the attempts that went wrong."""

    changes: dict[date, int] = field(default_factory=lambda: defaultdict(int))
    failed_days: set[date] = field(default_factory=set)
    bad_attempts: set[str] = field(default_factory=set)
    status: str = "open"
    outcome_day: date | None = None
    value: Fraction | None = None

    def good_at_end_of(self, day: date) -> bool:
        return sum(change for when, change in self.changes.items() if when <= day) > 0


def lives(world: World, events: list[Event]) -> dict[tuple[str, str], Life]:
    """By (workflow, unit), for units of declared workflows that have an event."""
    grouped: dict[tuple[str, str], list[Event]] = defaultdict(list)
    for event in events:
        if event.workflow in world.workflows:
            grouped[event.workflow, event.unit].append(event)
    return {key: _life(world, world.workflows[key[0]], found) for key, found in grouped.items()}


def _life(world: World, workflow: dict[str, Any], events: list[Event]) -> Life:
    life, good = Life(), False
    makes_good = ("accepted",) if workflow.get("accept") == "accepted" else ("completed", "accepted")
    kinds = {event.event for event in events}
    for event in sorted(events, key=lambda e: (e.time, ORDER[e.event], e.event_id)):
        day = world.day(event.time)
        if event.event in ("failed", "rejected") and event.attempt:
            life.bad_attempts.add(event.attempt)
        if event.event == "failed":
            life.failed_days.add(day)
        elif event.event in makes_good and not good:
            good = True
            life.changes[day] += 1
            life.outcome_day, life.value = day, worth(workflow, event, day)
        elif event.event == "rejected" and good:
            good = False
            life.changes[day] -= 1
    if good:
        life.status = "good"
        return life
    life.outcome_day = life.value = None
    life.status = "rejected" if "rejected" in kinds else "failed" if "failed" in kinds else "open"
    return life


def worth(workflow: dict[str, Any], event: Event, day: date) -> Fraction | None:
    """What the workflow declares for that day: an amount, minutes times a rate, or the event's own figure."""
    declared = workflow.get("value") or []
    declared = [declared] if isinstance(declared, dict) else declared
    valid = [v for v in declared if _start(v) <= day]
    if not valid:
        return None
    value = max(valid, key=_start)
    if "per_outcome_usd" in value:
        return Fraction(str(value["per_outcome_usd"]))
    if "field" in value:
        return event.value
    return half_even(Fraction(str(value["minutes_saved"])) * Fraction(str(value["hourly_rate_usd"])) / 60)


def _start(value: dict[str, Any]) -> date:
    start = value.get("from", date.min)
    return start if isinstance(start, date) else date.fromisoformat(start)
