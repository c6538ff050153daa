"""The recommendations as documents: what `recommend --json` prints and the `recommendations` export holds."""

from __future__ import annotations

import hashlib
import json
import math
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from pipelines.split.experiment import Plan
from pipelines.split.traffic import MONTH_DAYS

Decision = Literal["switch", "keep", "experiment"]
Grade = Literal["A", "B", "C"]


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Route(_Document):
    """One model's share of a task type. `model` as logged; `model_key` and `tier` are what it meets others
    on.
    """

    model: str
    share: Annotated[float, Field(gt=0, le=1)]
    model_key: str
    tier: str | None


class Experiment(_Document):
    """Pairs still to collect, days at present volume, dollars; a canary where live traffic can carry one
    (grade B).
    """

    pairs: Annotated[int, Field(gt=0)]
    days: int | None
    cost_usd: Decimal | None
    canary_share: float | None = None
    payback_days: int | None = None  # of the full share's saving until the replays have paid for themselves

    @staticmethod
    def of(plan: Plan, canary_share: float | None = None, saved_month: Decimal | None = None) -> Experiment:
        payback = None
        if plan.cost_usd is not None and saved_month is not None and saved_month > 0:
            payback = math.ceil(Fraction(plan.cost_usd) * MONTH_DAYS / Fraction(saved_month))
        return Experiment(
            pairs=plan.pairs, days=plan.days, cost_usd=plan.cost_usd, canary_share=canary_share, payback_days=payback
        )

    def to_json(self) -> dict[str, Any]:
        document: dict[str, Any] = {"pairs": self.pairs, "days": self.days, "cost_usd": _money(self.cost_usd)}
        document["payback_days"] = self.payback_days
        if self.canary_share is not None:
            document["canary_share"] = self.canary_share
        return document


class _Advice(_Document):
    """What is to serve some requests, and what that keeps and saves."""

    decision: Decision
    routes: tuple[Route, ...]
    items: int
    quality_reference: float | None = None
    retention: float | None = None
    retention_low: float | None = None
    retention_high: float | None = None
    saving_share: float | None = None
    saving_low: float | None = None
    saving_high: float | None = None
    saving_usd_month: Decimal | None = None
    experiment: Experiment | None = None
    reason: str

    def _figures(self) -> dict[str, Any]:
        return {
            "routes": [{"model": route.model, "share": route.share} for route in self.routes],
            "items": self.items,
            **{name: getattr(self, name) for name in _RATIOS},
            "saving_usd_month": _money(self.saving_usd_month),
            "experiment": self.experiment.to_json() if self.experiment else None,
            "reason": self.reason,
        }


class StratumAdvice(_Advice):
    """What one recorded stratum of a task type is to be served by; figures as in `Recommendation`."""

    stratum: str
    requests_share: float  # of the task type's requests

    def to_json(self) -> dict[str, Any]:
        return {
            "stratum": self.stratum,
            "requests_share": self.requests_share,
            "decision": self.decision,
            **self._figures(),
        }


class Recommendation(_Advice):
    """One (workflow, task type). `routes` is what to serve now; `candidate` is whom the figures describe."""

    workflow: str
    task_type: str
    grade: Grade
    reference_model: str
    reference_key: str
    candidate: str | None
    saving_loaded: float | None = None  # with every failed item answered again by the reference
    cash_saving_usd_month: Decimal | None = None  # 0 while capacity or a commitment is paid for anyway
    strata: tuple[StratumAdvice, ...] = ()

    @property
    def id(self) -> str:
        """Hashes workflow, task type, reference and routes (by stratum, where they differ) by canonical names, so
        that new data alone voids nothing.
        """

        def shares(routes: tuple[Route, ...]) -> list[list[Any]]:
            return [[route.model_key, round(route.share * 100)] for route in routes]

        named: list[Any] = [self.workflow, self.task_type, self.reference_key]
        if self.strata:
            named.append([[each.stratum, shares(each.routes)] for each in self.strata])
        else:
            named.append(shares(self.routes))
        text = json.dumps(named, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "workflow": self.workflow,
            "task_type": self.task_type,
            "decision": self.decision,
            "grade": self.grade,
            "reference_model": self.reference_model,
            **self._figures(),
            "saving_loaded": self.saving_loaded,
            "cash_saving_usd_month": _money(self.cash_saving_usd_month),
            "candidate_model": self.candidate,
            "strata": [each.to_json() for each in self.strata] or None,
        }

    def by_stratum(self, model_key: str) -> str | None:
        """One model's share of each stratum, as a JSON object; None where strata make no difference."""
        if not self.strata:
            return None
        shares = {
            each.stratum: sum((route.share for route in each.routes if route.model_key == model_key), 0.0)
            for each in self.strata
        }
        return json.dumps(shares, ensure_ascii=False)


class WorkflowPromise(_Document):
    """What a workflow keeps and saves with the routes as recommended, over the last 28 days' traffic."""

    workflow: str
    retention: float
    retention_low: float
    retention_high: float
    saving_share: float
    saving_low: float
    saving_high: float


class Recommendations(_Document):
    as_of: date
    workflows: tuple[WorkflowPromise, ...]
    recommendations: tuple[Recommendation, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "as_of": self.as_of.isoformat(),
            "workflows": [promise.model_dump() for promise in self.workflows],
            "recommendations": [each.to_json() for each in self.recommendations],
        }

    def rows(self) -> list[dict[str, Any]]:
        """Rows of the `recommendations` export: one per (recommendation, model), ratios as decimals of 12
        places.
        """
        return [
            {
                "id": each.id,
                "workflow": each.workflow,
                "task_type": each.task_type,
                "decision": each.decision,
                "grade": each.grade,
                "reference_model": each.reference_model,
                "model": route.model,
                "share": _ratio(route.share),
                "items": each.items,
                **{name: _ratio(getattr(each, name)) for name in _RATIOS},
                "saving_usd_month": each.saving_usd_month,
                "reason": each.reason,
                "saving_loaded": _ratio(each.saving_loaded),
                "cash_saving_usd_month": each.cash_saving_usd_month,
                "by_stratum": each.by_stratum(route.model_key),
            }
            for each in self.recommendations
            for route in each.routes
        ]


_RATIOS = (
    "quality_reference", "retention", "retention_low", "retention_high",
    "saving_share", "saving_low", "saving_high",
)  # fmt: skip


def _money(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:f}"


def _ratio(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(repr(value)).quantize(Decimal("1e-12"), ROUND_HALF_EVEN)
