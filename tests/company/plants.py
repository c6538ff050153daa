"""What real logs hold besides clean traffic: every planted record carries the name of its kind in `marks`.

Two sorts: calls that exist beside the units' own (somebody's experiments, tools without a price, shared
calls), and
what happens to records on their way into a log (a call that two systems saw, a cost computed from an old
price).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

import numpy as np

from tests.company.records import Call
from tests.company.simulate import fill, stream
from tests.company.story import FLOWS
from tests.company.workload import Task

PLACES = Decimal("0.000000000001")
#: Day numbers on which the gateway still knew last quarter's price of the frontier model.
STALE_PRICE_DAYS = (9, 10)
#: Day number and hours of the day on which the trace exporter was down: calls made and billed, never logged.
EXPORTER_DOWN = (21, 14.0, 14.6)


def as_money(amount: Fraction) -> Decimal:
    """Dollars to 12 places, half to even."""
    scaled, rest = divmod(amount.numerator * 10**12, amount.denominator)
    twice = 2 * rest
    if twice > amount.denominator or (twice == amount.denominator and scaled % 2):
        scaled += 1
    return Decimal(scaled).scaleb(-12)


def _at(day: date, hour: float) -> datetime:
    return datetime.combine(day, time(), UTC) + timedelta(milliseconds=round(hour * 3_600_000))


def _side_call(
    rng: np.random.Generator, key: str, day: date, source: str, served: str, task: Task, team: str, mark: str
) -> Call:
    provider, model = served.split("/", 1)
    call = Call(key, _at(day, float(rng.uniform(7, 19))), source, provider, model, None, None, None, None, team)
    if model in ("calder-rerank-2", "calder-speech-1"):
        call.uncached, call.output = int(rng.integers(2_000, 9_000)), int(rng.integers(50, 900))
        call.latency_ms = int(rng.integers(80, 900))
    else:
        fill(call, task, float(rng.lognormal(0, 0.4)), False, rng, (1.0, 1.0))
    call.marks.add(mark)
    return call


def side_calls(seed: int, first: date, day: date, own: list[Call]) -> list[Call]:
    """Calls of a day that belong to no unit's ordinary work."""
    rng = stream(seed, "side", day)
    task = {t.name: t for flow in FLOWS for t in flow.tasks}
    busy = 1.0 if day.weekday() < 5 else 0.15
    found: list[Call] = []
    for n in range(int(rng.poisson(1.6 * busy))):  # somebody tries things out with a key of the gateway
        found.append(
            _side_call(
                rng,
                f"{day}|untagged|{n}",
                day,
                "gateway",
                "openai/gpt-5.4",
                task["coverage_reasoning"],
                "data-science",
                "untagged",
            )
        )
    for n in range(int(rng.poisson(1.1 * busy))):  # a pilot that nobody has declared
        call = _side_call(
            rng,
            f"{day}|pilot|{n}",
            day,
            "calls",
            "anthropic/claude-opus-5-5",
            task["risk_judgement"],
            "marketing",
            "undeclared_workflow",
        )
        call.workflow, call.task, call.unit = "campaign_copy", "drafting", f"cmp-{day:%y%m%d}-{n:02d}"
        found.append(call)
    for n in range(int(rng.poisson(0.9 * busy))):  # ad-hoc questions inside a workflow, about no contract in particular
        call = _side_call(
            rng,
            f"{day}|adhoc|{n}",
            day,
            "traces",
            "openai/gpt-5.4",
            task["clause_extraction"],
            "legal-ops",
            "no_unit",
        )
        call.workflow, call.task = "contract_review", "clause_extraction"
        found.append(call)
    claims = [c for c in own if c.workflow == "claims_decision" and c.task == "triage" and c.status == "ok"]
    records = [c for c in own if c.workflow == "customer_records" and c.source == "calls" and c.status == "ok"]
    for n, near in enumerate(
        claims[:2] if (day - first).days % 3 == 0 else []
    ):  # a phone call, transcribed in the house
        call = _side_call(
            rng,
            f"{day}|speech|{n}",
            day,
            "calls",
            "calder-onprem/calder-speech-1",
            task["triage"],
            "claims",
            "unpriced",
        )
        call.time, call.workflow, call.task = (
            near.time - timedelta(seconds=40),
            near.workflow,
            "transcription",
        )
        call.unit, call.attempt = near.unit, near.attempt
        found.append(call)
    for n, near in enumerate(records[:3]):  # an address matcher with an internal price
        call = _side_call(
            rng,
            f"{day}|rerank|{n}",
            day,
            "calls",
            "calder-onprem/calder-rerank-2",
            task["triage"],
            "crm-platform",
            "recorded_only",
        )
        call.time, call.workflow, call.task = (
            near.time - timedelta(seconds=15),
            near.workflow,
            "address_matching",
        )
        call.unit, call.attempt = near.unit, near.attempt
        call.recorded = (Decimal(call.total_input) * Decimal("0.00000018")).quantize(PLACES, ROUND_HALF_EVEN)
        found.append(call)
    archive = [c for c in own if c.source == "batch"]
    if archive and (day - first).days % 4 == 0:  # a line of a batch that the provider gave up
        near = archive[0]
        call = Call(
            f"{day}|errored",
            near.time,
            "batch",
            near.provider,
            near.model,
            near.workflow,
            near.task,
            near.unit,
            near.attempt,
            near.team,
            tier="batch",
            status="error",
        )
        call.marks.add("batch_errored")
        found.append(call)
    return found + _shared_calls(rng, day, own, task)


def _shared_calls(rng: np.random.Generator, day: date, own: list[Call], task: dict[str, Task]) -> list[Call]:
    """One call that serves several documents or records, by weight (pages) or equally."""
    found: list[Call] = []
    for workflow, name, served, size, every in (
        ("contract_review", "clause_extraction", "openai/gpt-5.4", 3, 1),
        ("customer_records", "field_extraction", "openai/gpt-5-mini", 7, 2),
    ):
        units = sorted({c.unit for c in own if c.workflow == workflow and c.unit and c.source != "batch"})
        for n in range(0, min(every, len(units) // size)):
            flow = next(f for f in FLOWS if f.name == workflow)
            call = _side_call(
                rng, f"{day}|shared|{workflow}|{n}", day, "calls", served, task[name], flow.team, "shared"
            )
            chosen = units[n * size : (n + 1) * size]
            call.workflow, call.task = workflow, name
            weights = [str(int(rng.integers(2, 40))) if workflow == "contract_review" else "1" for _ in chosen]
            call.units = tuple(zip(chosen, weights, strict=True))
            found.append(call)
    return found


def mark_calls(seed: int, first: date, calls: Iterable[Call]) -> None:
    """Gives calls their recorded cost, and picks those that a second system saw, an old job sent, or no log
    kept."""
    for call in calls:
        rng = stream(seed, "mark", call.key)
        day = (call.time.date() - first).days
        hour = call.time.hour + call.time.minute / 60
        cost = call.list_cost
        if call.status == "ok" and call.source == "traces" and not call.marks:
            if day == EXPORTER_DOWN[0] and EXPORTER_DOWN[1] <= hour < EXPORTER_DOWN[2]:
                call.marks.add("never_logged")
            elif call.provider == "openai" and rng.random() < 0.03:
                call.marks.add("two_sources")
            elif call.provider == "anthropic" and rng.random() < 0.06:
                call.marks.add("traced_twice")
        if call.source == "gateway" and call.status == "ok" and cost is not None:
            call.recorded = as_money(cost)
            if day in STALE_PRICE_DAYS and call.model == "claude-opus-5-5":
                call.recorded = as_money(cost * Fraction(5, 4))
                call.marks.add("stale_recorded_cost")
            if call.task == "drafting" and day < 12 and rng.random() < 0.2:
                call.marks.add("old_job")
            elif call.task == "data_summary" and rng.random() < 0.006:
                call.marks.add("cache_hit")
        if call.source == "calls" and call.workflow == "claims_decision" and cost and call.status == "ok":
            call.recorded = as_money(cost)
            if rng.random() < 0.004:
                call.recorded = as_money(cost * Fraction(int(rng.integers(104, 130)), 100))
                call.marks.add("wrong_recorded_cost")
        if call.source == "calls" and call.status == "ok" and rng.random() < 0.004:
            call.marks.add("written_twice")
        elif call.source == "calls" and call.status == "ok" and rng.random() < 0.002:
            call.marks.add("two_payloads")
