"""The alarms of one workflow: a replay of its judged days, in order, and of what people decided about them.

- The baseline is the first 56 judged days of its stretch, the first 28 until there are 56. It stays frozen, and a drift
  alarm under the short one keeps it: days that may be the alarm's own never become what is usual.
- A **shock** is a day with |z| above 3.5. It stays one alarm until the next judged day is back in the band, and closes
  with it.
- A **drift** is a CUSUM above 6. It stays open until somebody acknowledges it; the CUSUM begins again at zero from the
  day on which that holds, so a cost that stays away from the baseline is raised anew.
- **Re-basing** begins a new stretch on the detected day (without an alarm: on the day from which it holds) and accepts
  what is open. Alarms already raised stay; days before the decision are not judged again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Literal
from zoneinfo import ZoneInfo

from pipelines.change.detectors import FULL_BASELINE, SHOCK_LIMIT, SHORT_BASELINE, Baseline, Cusum, baseline
from pipelines.change.power import minimum_detectable
from pipelines.change.series import Day, cost_per_outcome
from pipelines.outcomes.ratios import rounded
from pipelines.workspace.decisions import Decision

Kind = Literal["shock", "drift"]


@dataclass
class Alarm:
    """One alarm. Dollars per outcome are exact quotients of the days' sums."""

    workflow: str
    kind: Kind
    detected_day: date
    since: date  #: first day that it speaks of
    before_usd: Fraction
    after_usd: Fraction
    outcomes: int  #: of the days from `since` to `detected_day`
    days: int
    minimum_detectable: float
    status: Literal["open", "closed", "acknowledged"] = "open"
    closed_day: date | None = None
    acknowledged_by: str | None = None
    reason: str | None = None

    @property
    def name(self) -> str:
        """What people type: `contract_review:drift:2026-11-03`."""
        return f"{self.workflow}:{self.kind}:{self.detected_day}"

    @property
    def change(self) -> Decimal:
        return rounded(self.after_usd / self.before_usd - 1)

    @property
    def month_usd(self) -> Decimal:
        """What the change comes to in 30 days at the outcomes a day seen since."""
        return rounded((self.after_usd - self.before_usd) * self.outcomes * 30 / self.days)


@dataclass(frozen=True)
class Point:
    """One day as the detectors saw it. z and the rest are None where the day was not judged against a baseline."""

    day: Day
    phase: Literal["baseline", "watched", "few outcomes", "provisional"]
    z: float | None = None
    cusum_up: float | None = None
    cusum_down: float | None = None
    known: Baseline | None = None

    @property
    def in_band(self) -> bool | None:
        return None if self.z is None else abs(self.z) <= SHOCK_LIMIT


@dataclass
class Course:
    """What the replay of one workflow came to."""

    workflow: str
    alarms: list[Alarm] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)
    stretch: list[Day] = field(default_factory=list)  #: judged days since the baseline was begun
    known: Baseline | None = None
    cusum: Cusum = field(default_factory=Cusum)
    _open: dict[Kind, Alarm] = field(default_factory=dict)
    _outside: bool = False  #: the last judged day was out of the band
    _drifted: bool = False  #: a drift was raised in this stretch

    def see(self, day: Day) -> None:
        """Take in the next judged day."""
        if self.known is None:
            self.points.append(Point(day, "baseline"))
        else:
            z = self.known.z(day)
            self.cusum = self.cusum.after(z, day.day)
            self.points.append(Point(day, "watched", z, self.cusum.up, self.cusum.down, self.known))
            self._shock(day, z)
        self.stretch.append(day)
        if self.known is not None:
            self._drift(day)
        self._settle()

    def _settle(self) -> None:
        count = len(self.stretch)
        if self.known is None or (len(self.known.days) < FULL_BASELINE <= count and not self._drifted):
            size = FULL_BASELINE if count >= FULL_BASELINE else SHORT_BASELINE
            if count >= size and (self.known is None or len(self.known.days) < size):
                self.known = baseline(self.stretch[:size])

    def _shock(self, day: Day, z: float) -> None:
        outside = abs(z) > SHOCK_LIMIT
        if not outside and "shock" in self._open:
            alarm = self._open.pop("shock")
            alarm.status, alarm.closed_day = "closed", day.day
        if outside and not self._outside:
            assert self.known is not None
            same = [d for d in self.known.days if d.day.weekday() == day.day.weekday()]
            self._raise("shock", [day], same or self.known.days)
        self._outside = outside

    def _drift(self, day: Day) -> None:
        since = self.cusum.crossed
        if since is not None and "drift" not in self._open and self.known is not None:
            self._raise("drift", [d for d in self.stretch if since <= d.day <= day.day], self.known.days)
            self._drifted = True

    def _raise(self, kind: Kind, days: Sequence[Day], usual: Sequence[Day]) -> None:
        assert self.known is not None
        before, after = cost_per_outcome(usual), cost_per_outcome(days)
        assert before is not None
        assert after is not None
        alarm = Alarm(
            self.workflow, kind, days[-1].day, days[0].day, before, after, sum(d.outcomes for d in days), len(days),
            round(minimum_detectable(self.known), 12),
        )  # fmt: skip
        self.alarms.append(alarm)
        self._open[kind] = alarm

    def decide(self, decision: Decision, day: date) -> None:
        """Apply an `acknowledge` or `rebase` that holds from `day`."""
        wanted = [a for a in self.alarms if a.kind == decision.alarm and a.detected_day == decision.detected_day]
        if not wanted and decision.alarm in self._open:
            # late data may have moved the day: the one that is open is the one that was meant
            wanted = [self._open[decision.alarm]]
        if decision.kind == "rebase":
            wanted += [a for a in self._open.values() if a not in wanted]
        for alarm in wanted:
            if alarm.status != "acknowledged":
                alarm.status, alarm.acknowledged_by, alarm.reason = "acknowledged", decision.by, decision.reason
                alarm.closed_day = alarm.closed_day or day
            if self._open.get(alarm.kind) is alarm:
                del self._open[alarm.kind]
                if alarm.kind == "drift":
                    self.cusum = Cusum()
        if decision.kind == "rebase":
            begins = decision.detected_day or day
            self.stretch = [d for d in self.stretch if d.day >= begins]
            self.known, self.cusum, self._outside, self._drifted = None, Cusum(), False, False
            self._settle()


def replay(
    workflow: str, days: Iterable[Day], decisions: Iterable[Decision] = (), zone: ZoneInfo | None = None
) -> Course:
    """Every alarm that the workflow's days and decisions add up to; `days` in order, `decisions` as recorded."""
    course = Course(workflow)
    waiting = sorted(
        ((_holds(d, zone or ZoneInfo("UTC")), n, d) for n, d in enumerate(decisions) if _concerns(d, workflow)),
        key=lambda one: one[:2],
    )
    for day in days:
        if not day.judged:
            course.points.append(Point(day, "few outcomes" if day.mature else "provisional"))
            continue
        while waiting and waiting[0][0] <= day.day:
            holds, _, decision = waiting.pop(0)
            course.decide(decision, holds)
        course.see(day)
    for holds, _, decision in waiting:
        course.decide(decision, holds)
    return course


def _concerns(decision: Decision, workflow: str) -> bool:
    return decision.kind in ("acknowledge", "rebase") and decision.workflow == workflow and decision.task_type is None


def _holds(decision: Decision, zone: ZoneInfo) -> date:
    """Never before the day after the alarm that it is about."""
    day = decision.holds_from_day(zone)
    return max(day, decision.detected_day + timedelta(days=1)) if decision.detected_day else day
