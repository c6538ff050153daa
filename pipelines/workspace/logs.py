"""What a workspace reads: its sources, and how a record says which work it belongs to."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from pipelines.workspace.words import NAME_PATTERN, Name, Strict, exact

REQUEST_KINDS = (
    "requests", "otlp", "litellm", "litellm-spendlogs", "openai", "openai-batch", "anthropic", "anthropic-batch",
    "bedrock", "vertex", "azure-apim", "langfuse", "helicone", "openrouter",
)  # fmt: skip


BILL_KINDS = (
    "openai-usage", "openai-costs", "anthropic-usage", "anthropic-cost", "openrouter-activity", "focus", "invoices",
)  # fmt: skip


FACT_KINDS = ("outcomes", "outcome-counts", "evaluations", "promptfoo", "langfuse-scores", "otel-evaluations")


Kind = Literal[
    "requests", "otlp", "litellm", "litellm-spendlogs", "openai", "openai-batch", "anthropic", "anthropic-batch",
    "bedrock", "vertex", "azure-apim", "langfuse", "helicone", "openrouter",
    "openai-usage", "openai-costs", "anthropic-usage", "anthropic-cost", "openrouter-activity", "focus", "invoices",
    "outcomes", "outcome-counts", "evaluations", "promptfoo", "langfuse-scores", "otel-evaluations",
]  # fmt: skip


class ScoreScale(Strict):
    """One score of an evaluation tool: what its worst and best value are; `min` above `max`: less is better."""

    min: Annotated[Decimal, BeforeValidator(exact)] = Decimal(0)
    max: Annotated[Decimal, BeforeValidator(exact)] = Decimal(1)
    labels: dict[str, Annotated[Decimal, BeforeValidator(exact), Field(ge=0, le=1)]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _range(self) -> ScoreScale:
        if self.min == self.max:
            raise ValueError("expected min and max to differ")
        return self


class Source(Strict):
    name: Name
    kind: Kind
    path: str
    priority: int = 0
    sampling: Annotated[float, Field(gt=0, le=1)] | None = None
    #: kind promptfoo: whose marks these are, where the tests don't say
    workflow: Name | None = None
    task_type: Name | None = None
    #: what kind of evidence the marks are, where the tool doesn't say or says it wrongly
    signal: Literal["human", "label", "judge", "schema"] | None = None
    #: the scores that say quality, by name; without any, the one score that the source holds
    scores: dict[str, ScoreScale] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _marks(self) -> Source:
        if self.kind not in ("promptfoo", "langfuse-scores", "otel-evaluations") and (self.signal or self.scores):
            raise ValueError(f"signal, scores: belong to marks of other tools, found kind {self.kind}")
        if self.kind != "promptfoo" and (self.workflow or self.task_type):
            raise ValueError(f"workflow, task_type: belong to kind promptfoo, found kind {self.kind}; see assign:")
        return self


class AssignRule(Strict):
    match: dict[str, str] = Field(min_length=1)
    workflow: Name
    task_type: Name | None = None
    from_: date | None = Field(default=None, alias="from")


class Tags(Strict):
    """Which field or attribute carries which dimension: the first that a record holds wins."""

    model_config = ConfigDict(extra="allow", frozen=True)
    workflow: tuple[str, ...] = ("workflow", "gen_ai.workflow.name", "traceloop.workflow.name")
    task_type: tuple[str, ...] = ("task_type",)
    unit_id: tuple[str, ...] = ("unit_id", "document_id", "decision_id", "run_id")
    attempt_id: tuple[str, ...] = ("attempt_id",)
    stratum: tuple[str, ...] = ("stratum",)

    @model_validator(mode="after")
    def _dimensions(self) -> Tags:
        for name, keys in (self.model_extra or {}).items():
            if (
                not re.fullmatch(NAME_PATTERN, name)
                or not isinstance(keys, list)
                or not all(isinstance(k, str) for k in keys)
            ):
                raise ValueError(f"tags.{name}: expected a list of field or attribute names")
        return self

    @property
    def dimensions(self) -> dict[str, tuple[str, ...]]:
        """Further dimensions (team, customer, environment …) that spend can be charged back by."""
        return {name: tuple(keys) for name, keys in (self.model_extra or {}).items()}

    @property
    def keys(self) -> frozenset[str]:
        """Every field or attribute name that some dimension is looked up under."""
        named = (
            self.workflow,
            self.task_type,
            self.unit_id,
            self.attempt_id,
            self.stratum,
            *self.dimensions.values(),
        )
        return frozenset(key for keys in named for key in keys)
