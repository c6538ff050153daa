"""What a rollout must hold before a share grows, and what takes it back.

Each guard answers `holds`, `waits` (too little known: never a reason to go on or back) or `fails` (evidence of harm):

- quality: the confidence sequence of (new − old) share of good units; holds when its lower bound is ≥ −margin, fails
  when its upper bound is below. margin = (1 − the workflow's `retention`) × the old tier's share.
- cost per good outcome: holds when the upper bound of new ÷ old is below 1, fails when the lower bound is above.
- errors: fails when the lower bound of (new − old) error rate passes `error_margin`.
- latency: at most 5 % of the answers may be slower than the limit; fails when the lower bound of their share passes it.
- share: the requests on the new tier since the share began, within the binomial band. More than declared fails; less
  (clients that don't ask for the route, cooled-down deployments) only holds the rollout up.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import Any, Literal

from pipelines.rollout.adherence import band
from pipelines.rollout.cells import CallCell, Cells
from pipelines.rollout.comparison import Compared, Difference, compare
from pipelines.rollout.trials import Trial
from pipelines.split.noninferiority import sequence_z
from pipelines.workspace.model import Workspace

Answer = Literal["holds", "waits", "fails"]
LEAST_REQUESTS = 30  #: on the new tier, before its errors, latency or share are judged
SLOW = 0.05


@dataclass(frozen=True)
class Guard:
    name: str
    answer: Answer
    said: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    limit: float | None = None

    def document(self) -> dict[str, Any]:
        def short(x: float | None) -> float | None:
            return None if x is None else round(x, 6)

        return {
            "guard": self.name, "answer": self.answer, "says": self.said, "value": short(self.value),
            "low": short(self.low), "high": short(self.high), "limit": short(self.limit),
        }  # fmt: skip


@dataclass(frozen=True)
class Judged:
    """One day's evaluation: what the records of days until then say."""

    day: date
    guards: tuple[Guard, ...]
    compared: Compared
    settled_at_share: int  #: units of the new tier alone, begun at the present share

    @property
    def failed(self) -> tuple[Guard, ...]:
        return tuple(guard for guard in self.guards if guard.answer == "fails")


def judge(trial: Trial, own: Cells, workspace: Workspace, day: date) -> Judged:
    """The guards as of a day; units count once they are older than the workflow's maturity."""
    declared = workspace.workflows.get(trial.workflow)
    through = day - timedelta(days=declared.maturity_days if declared else 0)
    found = compare(trial, own, through)
    retention = declared.quality.retention if declared else 0.95
    calls = [cell for cell in own.calls if cell.day <= day]
    step = trial.step
    settled = sum(c.settled for c in own.units if c.tier == trial.new and c.since in step.phases and c.day <= through)
    guards = (
        _quality(found, retention),
        _cost(found),
        _errors(trial, calls, workspace.routing.rollout.error_margin),
        _latency(trial, calls),
        _share(trial, calls, own, day),
    )
    return Judged(day, guards, found, settled)


def _quality(found: Compared, retention: float) -> Guard:
    if found.quality is None:
        return Guard("quality", "waits", "no settled units of both tiers to compare yet")
    margin = (1 - retention) * found.old.quality
    low, high = found.quality.bounds()
    said = (
        f"{found.new.n} units on the new tier {found.new.quality:.1%} good, {found.old.n} on the old one "
        f"{found.old.quality:.1%}{'' if found.concurrent else ' (before the switch)'}; difference "
        f"{_points(found.quality.estimate)} ({_points(low)} to {_points(high)}), allowed {_points(-margin)}"
    )
    answer: Answer = "holds" if low >= -margin else "fails" if high < -margin else "waits"
    return Guard("quality", answer, said, found.quality.estimate, low, high, -margin)


def _cost(found: Compared) -> Guard:
    if found.cost_ratio is None:
        return Guard("cost", "waits", "no good outcomes of both tiers to compare yet")
    low, high = (math.expm1(bound) for bound in found.cost_ratio.bounds())
    change = math.expm1(found.cost_ratio.estimate)
    said = f"a good outcome costs {change:+.1%} ({low:+.1%} to {high:+.1%}) of the old tier's"
    answer: Answer = "holds" if high < 0 else "fails" if low > 0 else "waits"
    return Guard("cost", answer, said, change, low, high, 0.0)


def _errors(trial: Trial, calls: list[CallCell], margin: float) -> Guard:
    new = [c for c in calls if c.tier == trial.new and c.since >= trial.since]
    old = [c for c in calls if c.tier == trial.old]
    n, m = sum(c.requests for c in new), sum(c.requests for c in old)
    if n < LEAST_REQUESTS:
        return Guard("errors", "waits", f"{n} requests on the new tier, {LEAST_REQUESTS} are the least that tells")
    x, y = sum(c.errors for c in new), sum(c.errors for c in old)
    p, q = (x + 2) / (n + 4), (y + 2) / (m + 4)
    before = y / m if m else 0.0
    gap = Difference(x / n - before, math.sqrt(p * (1 - p) / n + (q * (1 - q) / m if m else 0.0)), n)
    low, high = gap.bounds()
    said = f"{x / n:.1%} of {n} requests failed, {before:.1%} on the old tier, allowed {_points(margin)} more"
    answer: Answer = "fails" if low > margin else "holds" if gap.estimate <= margin else "waits"
    return Guard("errors", answer, said, gap.estimate, low, high, margin)


def _latency(trial: Trial, calls: list[CallCell]) -> Guard:
    new = [c for c in calls if c.tier == trial.new and c.since >= trial.since]
    n, slow = sum(c.timed for c in new), sum(c.slow for c in new)
    if n < LEAST_REQUESTS:
        untimed = sum(c.requests for c in new) >= LEAST_REQUESTS and n == 0
        return Guard(
            "latency", "holds" if untimed else "waits",
            "the logs give no latency" if untimed else f"{n} timed requests, {LEAST_REQUESTS} are the least that tells",
        )  # fmt: skip
    p = (slow + 2) / (n + 4)
    reach = sequence_z(n) * math.sqrt(p * (1 - p) / n)
    share = slow / n
    said = f"{share:.1%} of {n} answers were slower than the limit, allowed {SLOW:.0%}"
    answer: Answer = "fails" if share - reach > SLOW else "holds" if share <= SLOW else "waits"
    return Guard("latency", answer, said, share, share - reach, share + reach, SLOW)


def _share(trial: Trial, calls: list[CallCell], own: Cells, day: date) -> Guard:
    step = trial.step
    now = [c for c in calls if c.since in step.phases]
    total, served = sum(c.requests for c in now), sum(c.requests for c in now if c.tier == trial.new)
    if total < LEAST_REQUESTS:
        return Guard(
            "share", "waits", f"{total} requests since the share began, {LEAST_REQUESTS} are the least that tells"
        )
    drawn = total
    if trial.route.split == "unit":
        drawn = max(sum(c.units for c in own.units if c.since in step.phases and c.day <= day), 1)
    low, high = band(Fraction(step.percent, 100), drawn, trial.new in trial.route.fallback)
    observed = Fraction(served, total)
    said = f"{float(observed):.1%} of {total} requests, declared {step.percent} % (band {float(low):.1%} to {float(high):.1%})"
    answer: Answer = "holds" if low <= observed <= high else "fails" if observed > high else "waits"
    return Guard("share", answer, said, float(observed), float(low), float(high), step.percent / 100)


def _points(value: float) -> str:
    return f"{100 * value:+.1f} points"
