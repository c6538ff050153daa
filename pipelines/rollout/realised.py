"""What a decision really saved, on outcomes that really happened: promised against realised, a row a decision.

    realised = Σ over parts of (outcomes that the new tier brought × (old − new cost per good outcome, today's prices))

Parts are the recorded strata, while a share ran beside the old tier, and after all of it had moved (against the 28 days
before and the canary's time). Volume and mix are therefore those of what happened, prices are the same on both sides,
and rework is in the cost per good outcome. An outcome that several calls of a task brought counts by the part of them
that the new tier answered. The interval is 90 %, of errors added up over parts as if they fell together; where it holds
0, the saving is not distinguishable from 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import polars as pl
from scipy import special

from pipelines.outcomes.ratios import rounded
from pipelines.rollout.cells import BEFORE_DAYS, Cells, UnitCell
from pipelines.rollout.comparison import LEAST, Side, saving_per_outcome
from pipelines.rollout.trials import Trial
from pipelines.rollout.verdict import Verdict
from pipelines.routing.policy_text import parse_policy
from pipelines.split.traffic import MONTH_DAYS
from pipelines.workspace.model import Workspace

LEVEL = 0.90
TOO_FEW = 20  #: settled units of either side, below which nothing is said
PPM = 1_000_000
MONEY, RATIO = pl.Decimal(38, 12), pl.Decimal(38, 12)
SCHEMA: dict[str, Any] = {
    "recommendation_id": pl.String(), "workflow": pl.String(), "task_type": pl.String(),
    "approved_at": pl.Datetime("us", "UTC"), "policy_version": pl.Int64(), "promised_usd_month": MONEY,
    "realised_usd_month": MONEY, "low": MONEY, "high": MONEY, "status": pl.String(), "quality_change": RATIO,
    "quality_low": RATIO, "quality_high": RATIO, "finding": pl.String(), "approved_by": pl.String(),
    "from_tier": pl.String(), "to_tier": pl.String(), "percent": pl.Int64(), "target_percent": pl.Int64(),
    "first_day": pl.Date(), "last_day": pl.Date(), "days": pl.Int64(), "outcomes": RATIO, "realised_usd": MONEY,
    "promised_at_share_usd_month": MONEY, "mixed_units": pl.Int64(), "advice": pl.String(), "advice_reason": pl.String(),
    "share_first_day": pl.Date(), "ended_day": pl.Date(), "share_before": RATIO, "share_since": RATIO,
}  # fmt: skip


@dataclass(frozen=True)
class Realised:
    """Dollars over `days`; None where too few units tell. `outcomes`: those that the new tier brought."""

    days: int
    outcomes: Fraction
    usd: Fraction | None = None
    error: float = 0.0  #: dollars
    freedom: int = 1

    @property
    def reach(self) -> Fraction:
        return Fraction(float(special.stdtrit(max(self.freedom, 1), (1 + LEVEL) / 2)) * self.error)

    def month(self, offset: int = 0) -> Decimal | None:
        """A month's worth at the period's volume; `offset` -1 and 1 for the interval's ends."""
        if self.usd is None or not self.days:
            return None
        return rounded((self.usd + offset * self.reach) * MONTH_DAYS / self.days)

    @property
    def finding(self) -> str:
        if self.usd is None:
            return "too few outcomes yet"
        if abs(self.usd) <= self.reach:
            return "not distinguishable from 0"
        return "saved" if self.usd > 0 else "costs more"


def realised(trial: Trial, own: Cells, through: date) -> Realised:
    """Of units begun until `through`, the last day whose units are settled."""
    partial = {since for step in trial.steps if step.percent < 100 for since in step.phases}
    whole = {since for step in trial.steps if step.percent == 100 for since in step.phases}
    units = [cell for cell in own.units if cell.day <= through]
    served = [cell for cell in own.served if cell.day <= through and cell.tier == trial.new]
    first = trial.since.date() - timedelta(days=BEFORE_DAYS)
    parts = []
    for phases in (partial, whole):
        new = [c for c in units if c.tier == trial.new and c.since in phases]
        old = [
            c for c in units
            if c.tier == trial.old and (c.since in partial if phases is partial else c.since not in whole and c.day >= first)
        ]  # fmt: skip
        brought: dict[str, Fraction] = {}
        for cell in served:
            if cell.since in phases:
                brought[cell.stratum] = brought.get(cell.stratum, Fraction(0)) + Fraction(cell.outcomes_ppm, PPM)
        if brought:
            parts.append((new, old, brought))
    last = min(through, (trial.until - timedelta(microseconds=1)).date())
    days = max((last - trial.since.date()).days + 1, 0)
    outcomes = sum((sum(brought.values(), Fraction(0)) for _, _, brought in parts), Fraction(0))
    return _sum(parts, days, outcomes)


def _sum(
    parts: Sequence[tuple[list[UnitCell], list[UnitCell], Mapping[str, Fraction]]], days: int, outcomes: Fraction
) -> Realised:
    usd, error, freedom, told = Fraction(0), 0.0, 10**6, Fraction(0)
    for new, old, brought in parts:
        whole = _sides(new, old)
        if min(whole[0].n, whole[1].n) < TOO_FEW or not (whole[0].good and whole[1].good):
            continue
        rest = Fraction(0)
        squares = 0.0
        for stratum, count in brought.items():
            sides = _sides(*([c for c in cells if c.stratum == stratum] for cells in (new, old)))
            if len(brought) > 1 and min(side.n for side in sides) >= 2 * LEAST and min(s.good for s in sides) >= LEAST:
                saving, spread = saving_per_outcome(*sides)
                usd, squares, told = usd + count * saving, squares + (float(count) * spread) ** 2, told + count
            else:
                rest += count
        if rest:
            saving, spread = saving_per_outcome(*whole)
            usd, squares, told = usd + rest * saving, squares + (float(rest) * spread) ** 2, told + rest
        error += squares**0.5
        freedom = min(freedom, whole[0].n - 1, whole[1].n - 1)
    if not told:
        return Realised(days, outcomes)
    return Realised(days, outcomes, usd * outcomes / told, error * float(outcomes / told), freedom)


def _sides(new: Iterable[UnitCell], old: Iterable[UnitCell]) -> tuple[Side, Side]:
    sides = Side(), Side()
    for side, cells in zip(sides, (new, old), strict=True):
        for cell in cells:
            side.add(cell)
    return sides


def decisions(
    verdicts: Sequence[Verdict], cells: Cells, workspace: Workspace, as_of: date, waiting: Mapping[str, Any] | None
) -> pl.DataFrame:
    """Grain: one decision. `waiting`: the approval that was not applied yet."""
    rows = [_row(verdict, cells.of(verdict.trial), workspace, as_of) for verdict in verdicts]
    if waiting is not None and waiting["event"] == "approved":
        rows += list(_approved(waiting))
    rows.sort(key=lambda row: (row["approved_at"], row["workflow"], row["task_type"]))
    return pl.DataFrame([dict.fromkeys(SCHEMA) | row for row in rows], schema=SCHEMA, orient="row")


def _row(verdict: Verdict, own: Cells, workspace: Workspace, as_of: date) -> dict[str, Any]:
    trial, zone = verdict.trial, workspace.reporting.zone
    declared = workspace.workflows.get(trial.workflow)
    through = as_of - timedelta(days=declared.maturity_days if declared else 0)
    found = realised(trial, own, through)
    evidence = trial.route.evidence
    promised = evidence.saving_usd_month if evidence else None
    quality = verdict.judged.compared.quality
    bounds = quality.bounds() if quality else (None, None)
    first = trial.since.astimezone(zone).date()
    return {
        "recommendation_id": evidence.recommendation_id if evidence else None, "workflow": trial.workflow,
        "task_type": trial.task_type, "approved_at": _moment(trial.approval["at"]),
        "policy_version": trial.steps[0].version, "promised_usd_month": promised,
        "realised_usd_month": found.month(), "low": found.month(-1), "high": found.month(1), "status": verdict.status,
        "quality_change": _ratio(quality.estimate if quality else None), "quality_low": _ratio(bounds[0]),
        "quality_high": _ratio(bounds[1]), "finding": found.finding, "approved_by": trial.approval["by"],
        "from_tier": trial.old, "to_tier": trial.new, "percent": trial.step.percent, "target_percent": trial.target,
        "first_day": first, "last_day": min(through, trial.until.astimezone(zone).date()) if found.days else None,
        "days": found.days, "outcomes": rounded(found.outcomes),
        "realised_usd": None if found.usd is None else rounded(found.usd),
        "promised_at_share_usd_month": _at_share(trial, promised, through), "mixed_units": verdict.judged.compared.mixed,
        "advice": verdict.move, "advice_reason": "; ".join(verdict.reasons) or None,
        "share_first_day": trial.step.since.astimezone(zone).date(),
        "ended_day": trial.until.astimezone(zone).date() if trial.ended else None,
        "share_before": _served(own, trial, before=True), "share_since": _served(own, trial, before=False),
    }  # fmt: skip


def _served(own: Cells, trial: Trial, *, before: bool) -> Decimal | None:
    """The part of the task's requests that the new tier answered since the move, or in the 28 days before it."""
    moved = {since for step in trial.steps for since in step.phases}
    first = trial.since.date() - timedelta(days=BEFORE_DAYS)
    calls = [c for c in own.calls if (c.since < trial.since and c.day >= first if before else c.since in moved)]
    total = sum(c.requests for c in calls)
    return rounded(Fraction(sum(c.requests for c in calls if c.tier == trial.new), total)) if total else None


def _at_share(trial: Trial, promised: Decimal | None, through: date) -> Decimal | None:
    """The promise for the shares that really were in force so far, by days."""
    approved = trial.route.canary.approved if trial.route.canary else 100
    total, weighed = 0.0, 0.0
    for step in trial.steps:
        end = min(step.until.timestamp(), _end(through))
        span = max(end - step.since.timestamp(), 0.0)
        total, weighed = total + span, weighed + span * step.percent
    if promised is None or not total:
        return None
    return rounded(Fraction(promised) * Fraction(weighed / total) / approved)


def _end(day: date) -> float:
    return datetime.combine(day + timedelta(days=1), time(), UTC).timestamp()


def _approved(row: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    policy = parse_policy(row["policy_text"], f"policy version {row['version']}").policy
    for change in row["changes"]:
        route = policy.route(change["route"])
        if route is None or change["kind"] not in ("canary", "edited"):
            continue
        evidence, canary = route.evidence, route.canary
        yield {
            "recommendation_id": evidence.recommendation_id if evidence else None, "workflow": route.match.workflow,
            "task_type": route.match.task, "approved_at": _moment(row["at"]), "policy_version": row["version"],
            "promised_usd_month": evidence.saving_usd_month if evidence else None, "status": "approved",
            "finding": "not applied yet", "approved_by": row["by"], "from_tier": route.tier,
            "to_tier": canary.tier if canary else route.tier, "percent": 0, "days": 0, "advice": "stand",
            "target_percent": canary.approved if canary else 100, "advice_reason": "outlay route apply",
        }  # fmt: skip


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _ratio(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(f"{value:.12f}")
