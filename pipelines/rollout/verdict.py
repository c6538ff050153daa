"""What a rollout does next: advance, hold, roll back, expire, or stand where it is. A replay, never a memory.

A day's evaluation is told from the records of the days until then, so "failed on three days in a row" follows from the
ledger and the audit alone. A day that brought nothing new of the canary is no evaluation: absence rolls nothing back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Literal

from pipelines.rollout.cells import BEFORE_DAYS, Cells
from pipelines.rollout.guards import Judged, judge
from pipelines.rollout.timeline import midnight
from pipelines.rollout.trials import Trial
from pipelines.routing.volume import STEPS
from pipelines.workspace.model import Workspace

Move = Literal["advance", "hold", "roll back", "expire", "stand"]
LOOK_BACK = 60  #: days


@dataclass(frozen=True)
class Verdict:
    """`reasons`: what is waited for, or why it goes back. `to`: the next share in percent, once all holds."""

    trial: Trial
    move: Move
    to: int | None
    reasons: tuple[str, ...]
    judged: Judged
    full_days: int
    failed_days: int
    may_move_on: date | None = None  #: the earliest day, by full days alone

    @property
    def status(self) -> str:
        """proposed and approved apart: canary | hold | promoted | rolled_back | expired | superseded."""
        if self.trial.state != "canary":
            return self.trial.state
        return "hold" if any(guard.answer == "fails" for guard in self.judged.guards) else "canary"

    def document(self) -> dict[str, Any]:
        trial, compared = self.trial, self.judged.compared
        return {
            "route": trial.key, "status": self.status, "from_tier": trial.old, "to_tier": trial.new,
            "percent": trial.step.percent, "target_percent": trial.target, "since": trial.step.since.isoformat(),
            "move": self.move, "next_percent": self.to, "reasons": list(self.reasons),
            "may_move_on": self.may_move_on and self.may_move_on.isoformat(), "full_days": self.full_days,
            "failed_days": self.failed_days, "outcomes_at_share": self.judged.settled_at_share,
            "units": {"new": compared.new.n, "old": compared.old.n, "mixed": compared.mixed},
            "guards": [guard.document() for guard in self.judged.guards],
        }  # fmt: skip


def resolved(trial: Trial, own: Cells) -> Trial | None:
    """With the tier that served before, where a first policy left no canary; None if nothing moved."""
    if trial.old is not None:
        return trial
    first = trial.since.date() - timedelta(days=BEFORE_DAYS + 1)
    counts: dict[str, int] = {}
    for cell in own.calls:
        if cell.since < trial.since and cell.day >= first:
            counts[cell.tier] = counts.get(cell.tier, 0) + cell.requests
    old = min(counts, key=lambda tier: (-counts[tier], tier), default=None)
    return None if old in (None, trial.new) else replace(trial, old=old)


def verdict(
    trial: Trial, own: Cells, workspace: Workspace, as_of: date, *, now: datetime | None = None,
    newest: Mapping[tuple[str, str], datetime] | None = None,
) -> Verdict:  # fmt: skip
    """`own`: the trial's cells. With `now`, days and freshness hang on the clock, as the scheduled job needs it."""
    rules, zone = workspace.routing.rollout, workspace.reporting.zone
    judged = judge(trial, own, workspace, as_of)
    days = _full_days(trial, workspace, as_of, now)
    failed = _failed_days(trial, own, workspace, as_of, judged) if trial.ended is None else 0
    begins = trial.step.since.astimezone(zone).date()
    first = begins if midnight(begins, zone) >= trial.step.since else begins + timedelta(days=1)

    def made(move: Move, to: int | None, *reasons: str, on: date | None = None) -> Verdict:
        return Verdict(trial, move, to, tuple(reasons), judged, days, failed, on)

    if trial.ended is not None:
        return made("stand", None, f"{trial.ended} on {trial.until.astimezone(zone).date()}")
    route, to = trial.route, next_share(trial)
    if route.locked:
        return made("hold", to, f"locked by {route.owner or 'a person'}: {route.reason or 'no reason given'}")
    if now is not None and route.canary is not None and route.expires_at is not None and route.expires_at <= now:
        return made("expire", None, f"its time was over at {route.expires_at.isoformat()}")
    if now is not None and (stale := _stale(trial, workspace, now, newest or {})):
        return made("hold", to, stale)
    if failed >= rules.failure_limit:
        said = (f"{guard.name}: {guard.said}" for guard in judged.failed)
        return made("roll back", None, f"guards failed on {failed} evaluated days in a row", *said)
    waiting = [f"{guard.name}: {guard.said}" for guard in judged.guards if guard.answer != "holds"]
    if to is None:
        return made("stand", None, *(f"{g.name}: {g.said}" for g in judged.failed))
    if days < rules.days:
        waiting.insert(0, f"{days} of {rules.days} full days at {trial.step.percent} %")
    if judged.settled_at_share < rules.outcomes:
        mixed = f" ({judged.compared.mixed} units mixed tiers)" if judged.compared.mixed else ""
        waiting.insert(
            0, f"{judged.settled_at_share} of {rules.outcomes} settled units that the canary alone worked on{mixed}"
        )
    on = first + timedelta(days=rules.days)
    return made("hold", to, *waiting, on=on) if waiting else made("advance", to, on=on)


def next_share(trial: Trial) -> int | None:
    """The step after the present one, never past the approved share; None at the end."""
    if trial.step.percent >= trial.target:
        return None
    return min(next(step for step in STEPS if step > trial.step.percent), trial.target)


def _full_days(trial: Trial, workspace: Workspace, as_of: date, now: datetime | None) -> int:
    zone, step = workspace.reporting.zone, trial.step
    day, count = step.since.astimezone(zone).date(), 0
    while day <= as_of:
        end = midnight(day + timedelta(days=1), zone)
        if midnight(day, zone) >= step.since and end <= step.until and (now is None or end <= now):
            count += 1
        day += timedelta(days=1)
    return count


def _failed_days(trial: Trial, own: Cells, workspace: Workspace, as_of: date, last: Judged) -> int:
    """Evaluated days in a row, the latest first, on which some guard failed."""
    brought = {cell.day for cell in own.calls if cell.tier == trial.new and cell.since >= trial.since}
    declared = workspace.workflows.get(trial.workflow)
    maturity = timedelta(days=declared.maturity_days if declared else 0)
    brought |= {
        cell.day + maturity
        for cell in own.units
        if cell.tier == trial.new and cell.since >= trial.since and cell.settled
    }
    count = 0
    for day in sorted((day for day in brought if day <= as_of), reverse=True)[:LOOK_BACK]:
        found = last if day == as_of else judge(trial, own, workspace, day)
        if not found.failed:
            break
        count += 1
    return count


def _stale(
    trial: Trial, workspace: Workspace, now: datetime, newest: Mapping[tuple[str, str], datetime]
) -> str | None:  # fmt: skip
    """Why the records are too old to decide on: no request of anybody, or no outcome of the workflow, for too long."""
    rules = workspace.routing.rollout
    declared = workspace.workflows.get(trial.workflow)
    requests = [moment for (_, kind), moment in newest.items() if kind == "request"]
    limits = {
        "request": (max(requests, default=None), rules.fresh_hours),
        f"outcome of {trial.workflow}": (
            newest.get((trial.workflow, "outcome")), rules.fresh_hours + 24 * (declared.maturity_days if declared else 0)
        ),
    }  # fmt: skip
    for what, (moment, hours) in limits.items():
        if moment is None:
            return f"fresh data: no {what} was ever seen"
        age = (now - moment).total_seconds() / 3600
        if age > hours:
            return f"fresh data: the newest {what} is {age:,.0f} hours old, {hours} are allowed"
    return None
