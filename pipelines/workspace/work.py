"""What the work is: workflows with their units, values, budgets and demands on quality, and the tiers of models."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from pipelines.workspace.words import Amount, Name, Strict


class Value(Strict):
    """What one good outcome is worth: exactly one of a fixed amount, a field of the event, or minutes × rate."""

    per_outcome_usd: Amount | None = None
    field: Literal["value_usd"] | None = None
    minutes_saved: Amount | None = None
    hourly_rate_usd: Amount | None = None
    basis: str | None = None
    owner: str | None = None
    from_: date | None = Field(default=None, alias="from")

    @model_validator(mode="after")
    def _one_way(self) -> Value:
        minutes = self.minutes_saved is not None or self.hourly_rate_usd is not None
        if minutes and (self.minutes_saved is None or self.hourly_rate_usd is None):
            raise ValueError("minutes_saved and hourly_rate_usd belong together")
        if sum((self.per_outcome_usd is not None, self.field is not None, minutes)) != 1:
            raise ValueError("expected one of per_outcome_usd, field, or minutes_saved with hourly_rate_usd")
        return self


class Budget(Strict):
    monthly_usd: Amount | None = None
    per_outcome_usd: Amount | None = None
    from_: date | None = Field(default=None, alias="from")


class ScopedBudget(Strict):
    """A monthly budget of one value of a dimension that `tags:` names, or of all spend (`dimension: total`)."""

    dimension: Name
    value: Annotated[str, Field(min_length=1)] | None = None
    monthly_usd: Amount
    from_: date | None = Field(default=None, alias="from")

    @model_validator(mode="after")
    def _one_subject(self) -> ScopedBudget:
        if self.dimension == "workflow":
            raise ValueError("a workflow's budget stands in its own `budget:` under workflows")
        if (self.value is None) != (self.dimension == "total"):
            raise ValueError("expected a value of the dimension, or dimension: total without one")
        return self


class Quality(Strict):
    retention: Annotated[float, Field(gt=0, le=1)] = 0.95
    floor: Annotated[float, Field(gt=0, le=1)] = 0.90
    protected: bool = False


class ModelLimits(Strict):
    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()


class Weights(Strict):
    """What choosing between models weighs, each as a share of what the task type has today; cost alone by default."""

    cost: Annotated[float, Field(ge=0)] = 1.0
    latency: Annotated[float, Field(ge=0)] = 0.0
    quality: Annotated[float, Field(ge=0)] = 0.0


class Limits(Strict):
    """What a model must hold to be recommended at all."""

    latency_p95_ms: Annotated[int, Field(gt=0)] | None = None


def _as_list(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else [value]


Entry = TypeVar("Entry", Value, Budget)


def _one_a_day(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    days = [entry.from_ for entry in entries]
    for day in days:
        if days.count(day) > 1:
            which = f"from {day}" if day else "without from"
            raise ValueError(f"two entries {which}, expected each to begin on a day of its own")
    return entries


class Workflow(Strict):
    unit: Annotated[str, Field(min_length=1, max_length=63)]
    owner: str | None = None
    value: Annotated[tuple[Value, ...], BeforeValidator(_as_list), AfterValidator(_one_a_day)] = ()
    budget: Annotated[tuple[Budget, ...], BeforeValidator(_as_list), AfterValidator(_one_a_day)] = ()
    grain: Literal["unit", "day"] = "unit"
    accept: Literal["completed", "accepted"] = "completed"
    maturity_days: Annotated[int, Field(ge=0, le=365)] = 2
    tasks: dict[Name, str] = Field(default_factory=dict)
    #: what a canary's share is drawn from (None: as the policy says, single requests at first)
    split: Literal["request", "unit"] | None = None
    quality: Quality = Quality()
    models: ModelLimits = ModelLimits()
    weights: Weights = Weights()
    limits: Limits = Limits()


class Tier(Strict):
    name: Name
    rank: Annotated[int, Field(ge=0)]
    models: tuple[Annotated[str, Field(pattern=r"^[^/\s]+/\S+$")], ...] = Field(min_length=1)  #: provider/model
