"""Which report of a call counts, and what it is tagged with: one call once, whoever reported it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from fractions import Fraction

from tests.reference.shapes import Event, Report, World
from tests.reference.spans import Trees


@dataclass
class Counted:
    """A call that counts, with its dimensions and, if no unit bears it, the reason."""

    report: Report
    day: date
    workflow: str | None
    task: str | None
    unit: str | None
    units: dict[str, Fraction] | None
    attempt: str | None
    reason: str | None


def _better(report: Report) -> tuple:
    known = 0 if report.kind == "requests" else report.known
    return (
        report.status == "ok",
        report.tokens["output"],
        report.total_input,
        known,
        report.time,
        report.text,
    )


def calls(world: World, reports: list[Report], trees: Trees) -> list[Counted]:
    """One per call: within a source by the greater payload, across sources by priority, then source name."""
    keyed: dict[tuple[str, str, str], list[Report]] = defaultdict(list)
    for report in reports:
        keyed[report.source, report.provider, report.key].append(report)
    grouped: dict[tuple, list[list[Report]]] = defaultdict(list)
    for key, payloads in keyed.items():
        payloads.sort(key=_better, reverse=True)
        response = payloads[0].response_id
        grouped[("call", payloads[0].provider, response) if response else ("key", *key)].append(payloads)
    found = []
    for group in grouped.values():
        group.sort(key=lambda payloads: _better(payloads[0]), reverse=True)
        group.sort(key=lambda payloads: (-world.priority(payloads[0].source), payloads[0].source))
        found.append(_counted(world, [report for payloads in group for report in payloads], trees))
    return found


def events(found: list[Event]) -> list[Event]:
    """One per event id: the later time, then the greater text."""
    best: dict[str, Event] = {}
    for event in found:
        other = best.get(event.event_id)
        if other is None or (event.time, event.text) > (other.time, other.text):
            best[event.event_id] = event
    return list(best.values())


def _dimension(world: World, report: Report, trees: Trees, name: str) -> str | None:
    """Own tags, then those of the spans above, then the resource's; in each, the names in the declared
    order."""
    above = trees.carriers(report)
    for carrier in (report.tags, None, report.resource_tags):
        for tag in dict.fromkeys((*world.tags[name], name)):
            for tags in above if carrier is None else [carrier]:
                if tags.get(tag):
                    return tags[tag]
    group = report.tags.get("model_group", "").split("/")
    if name in ("workflow", "task_type") and len(group) == 3 and group[0] == "route":
        return group[1 if name == "workflow" else 2]
    return None


def _counted(world: World, group: list[Report], trees: Trees) -> Counted:
    winner = group[0]
    found: dict[str, str | None] = {}
    for name in ("workflow", "task_type", "attempt_id"):
        found[name] = next(filter(None, (_dimension(world, r, trees, name) for r in group)), None)
    unit, units = None, None
    for report in group:
        units, unit = report.units, _dimension(world, report, trees, "unit_id")
        if units or unit:
            break
    day = world.day(winner.time)
    workflow, task = found["workflow"], found["task_type"]
    if workflow is None:
        for rule in world.assign:
            if _matches(world, rule, winner, day):
                workflow, task = rule["workflow"], rule.get("task_type", task)
                break
    reason = None
    if workflow is None:
        reason = "no_workflow"
    elif workflow not in world.workflows:
        reason = "undeclared_workflow"
    elif not unit and not units:
        reason = "no_unit"
    return Counted(winner, day, workflow, task, None if units else unit, units, found["attempt_id"], reason)


def _matches(world: World, rule: dict, report: Report, day: date) -> bool:
    start = rule.get("from")
    if start and day < (start if isinstance(start, date) else date.fromisoformat(start)):
        return False
    known = report.tags | {"source": report.source, "model": report.model, "provider": report.provider}
    return all(fnmatchcase(known.get(key, ""), pattern) and key in known for key, pattern in rule["match"].items())
