"""The company's days: units arrive, calls are made, attempts fail or succeed, people accept or send back.

Every unit has its own random stream, made of the seed, the workflow, the day and its number, so that a
longer run
begins with the shorter one and a changed routing policy leaves the days before it as they were.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import numpy as np

from tests.company.records import Call, Event, digest
from tests.company.story import (
    BATCH_AFTER,
    DRIFT_AFTER,
    DRIFT_INPUT,
    DRIFT_OUTPUT,
    DRIFT_WORKFLOW,
    MS_PER_TOKEN,
    WORDINESS,
)
from tests.company.workload import Flow, Task

#: (workflow, task, day, random number in [0, 1)) -> (provider/model, route name or None)
Served = Callable[[Task, str, date, float], tuple[str, str | None]]


def stream(*parts: object) -> np.random.Generator:
    return np.random.default_rng(int(digest(*parts), 16))


def _tokens(rng: np.random.Generator, mean: float, spread: float = 0.12) -> int:
    return max(1, round(mean * float(rng.lognormal(-spread * spread / 2, spread))))


def fill(
    call: Call, task: Task, length: float, warm: bool, rng: np.random.Generator, scale: tuple[float, float]
) -> None:
    """Token counts and latency of an answered call: the provider decides how its cache is counted."""
    body = _tokens(rng, task.body * length * scale[0])
    call.output = _tokens(rng, task.output * length**0.5 * scale[1] * WORDINESS[call.model], 0.2)
    call.reasoning = round(call.output * task.reasoning * float(rng.uniform(0.7, 1.2)))
    call.uncached = body
    if warm:
        call.read = task.prefix
    elif call.provider == "openai" or not task.prefix:
        call.uncached += task.prefix
    elif task.hour_cache:
        call.write_long = task.prefix
    else:
        call.write = task.prefix
    call.latency_ms = round(
        350 + call.total_input / 180 + call.output * MS_PER_TOKEN[call.model] * float(rng.lognormal(0, 0.25))
    )


class Unit:
    """One unit's whole life, from its first call to its last event."""

    def __init__(self, seed: int, flow: Flow, first: date, day: date, number: int, served: Served) -> None:
        self.flow, self.first, self.served = flow, first, served
        self.name = f"{flow.prefix}-{day:%y%m%d}-{number:03d}"
        self.rng = stream(seed, flow.name, self.name)
        self.length = float(self.rng.lognormal(-(flow.spread**2) / 2, flow.spread))
        low, high = flow.hours
        hour = low + (high - low) * float(self.rng.beta(2, 2.2))
        self.start = datetime.combine(day, time(), UTC) + timedelta(milliseconds=round(hour * 3_600_000))
        self.calls: list[Call] = []
        self.events: list[Event] = []

    def live(self) -> Unit:
        at, attempt = self.start, 1
        while True:
            right, at = self._attempt(attempt, at)
            if not right and self.rng.random() < self.flow.noticed:
                self._event("failed", at, attempt, signal="schema")
                if attempt >= 3 or self.rng.random() >= self.flow.again:
                    return self
                at += timedelta(minutes=float(self.rng.uniform(3, 90)))
                attempt += 1
                continue
            at += timedelta(minutes=float(self.rng.uniform(1, 12)))
            self._event("completed", at, attempt, value=not self.flow.accepts)
            if right:
                if self.flow.accepts:
                    self._event(
                        "accepted",
                        at + timedelta(hours=float(self.rng.exponential(5)) + 0.2),
                        attempt,
                        value=True,
                    )
                return self
            at += timedelta(hours=float(self.rng.uniform(5, 90)))
            self._event("rejected", at, attempt, signal="human")
            if attempt >= 3 or self.rng.random() >= self.flow.reopened:
                return self
            at += timedelta(hours=float(self.rng.uniform(0.5, 6)))
            attempt += 1

    def _attempt(self, attempt: int, at: datetime) -> tuple[bool, datetime]:
        """All calls of one attempt; the attempt is right if every task is, by the model that served it."""
        right = True
        for task in self.flow.tasks:
            chances = []
            for number in range(task.calls):
                call = self._call(task, attempt, number, at)
                chances.append(task.quality[f"{call.provider}/{call.model}"])
                at = call.time + timedelta(milliseconds=call.latency_ms + float(self.rng.uniform(40, 900)))
            right &= self.rng.random() < sum(chances) / len(chances)
        return right, at

    def _call(self, task: Task, attempt: int, number: int, at: datetime) -> Call:
        rng, flow = self.rng, self.flow
        day = at.date()
        served, route = self.served(task, flow.name, day, float(rng.random()))
        provider, model = served.split("/", 1)
        key = f"{self.name}|{attempt}|{task.name}|{number}"
        tried = 0
        while rng.random() < 0.012 and tried < 2 and flow.source != "batch":
            refused = self._blank(f"{key}|429-{tried}", at, provider, model, task, attempt, route)
            refused.status, refused.latency_ms = "error", round(float(rng.uniform(90, 700)))
            refused.marks.add("error_429")
            self.calls.append(refused)
            at += timedelta(seconds=float(rng.uniform(2, 25)))
            tried += 1
        call = self._blank(key, at, provider, model, task, attempt, route)
        drifted = flow.name == DRIFT_WORKFLOW and (day - self.first).days >= DRIFT_AFTER
        scale = (DRIFT_INPUT, DRIFT_OUTPUT) if drifted and task.body > 50_000 else (1.0, 1.0)
        fill(call, task, self.length, bool(rng.random() < (0.95 if number else 0.72)), rng, scale)
        if flow.source == "batch":
            call.tier, call.read, call.write, call.latency_ms = "batch", 0, 0, 0
        self.calls.append(call)
        return call

    def _blank(
        self, key: str, at: datetime, provider: str, model: str, task: Task, attempt: int, route: str | None
    ) -> Call:
        at = at.replace(microsecond=at.microsecond // 1000 * 1000)
        call = Call(
            key,
            at,
            self.flow.source,
            provider,
            model,
            self.flow.name,
            task.name,
            self.name,
            f"{self.name}-a{attempt}",
            self.flow.team,
            route=route,
        )
        call.stratum = "short" if self.length < 0.8 else "long" if self.length > 1.25 else "medium"
        if attempt > 1:
            call.marks.add("retry")
        return call

    def _event(self, kind: str, at: datetime, attempt: int, value: bool = False, signal: str | None = None) -> None:
        at = at.replace(microsecond=0)
        late = timedelta(days=float(self.rng.uniform(6, 12))) if self.rng.random() < 0.012 else timedelta()
        event = Event(
            f"ev-{digest(self.name, attempt, kind, size=8)}",
            at,
            at + late,
            self.flow.name,
            self.name,
            kind,
            f"{self.name}-a{attempt}",
            signal=signal,
        )
        if value and self.flow.value:
            mean, spread = self.flow.value
            event.value = Decimal(f"{mean * float(self.rng.lognormal(-spread * spread / 2, spread)):.2f}")
        if late:
            event.marks.add("late_outcome")
        if kind == "rejected":
            event.marks.add("rejected")
        if kind == "completed" and any(e.event == "rejected" for e in self.events):
            event.marks.add("reopened")
        self.events.append(event)


def units_of(seed: int, flow: Flow, first: date, day: date, served: Served) -> Iterator[Unit]:
    """All units that arrive on a day."""
    if flow.source == "batch" and (day - first).days < BATCH_AFTER:
        return
    mean = flow.per_day * flow.week[day.weekday()]
    for number in range(int(stream(seed, flow.name, flow.prefix, day, "arrivals").poisson(mean))):
        yield Unit(seed, flow, first, day, number, served).live()
