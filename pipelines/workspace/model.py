"""`outlay.yaml` as frozen models: what a workspace may say, with the defaults for what it leaves out.

Only `name` and `sources` are required; a workflow needs only `unit`. Every amount is a `Decimal`, read from the
YAML text and never through a float.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

NAME_PATTERN = r"^[A-Za-z0-9._-]{1,63}$"
Name = Annotated[str, Field(pattern=NAME_PATTERN)]

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


def _exact(value: Any) -> Any:
    """Amounts are decimal strings or numbers as YAML spelt them; a float would already have lost the end."""
    if isinstance(value, bool):
        raise ValueError('expected an amount such as "6.50", found true or false')
    if isinstance(value, float):
        return Decimal(repr(value))
    return value


Amount = Annotated[Decimal, BeforeValidator(_exact), Field(ge=0, max_digits=28, decimal_places=12)]
Share = Annotated[float, Field(ge=0, le=1)]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Reporting(Strict):
    timezone: str = "UTC"
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "USD"
    week_starts: Literal["monday"] = "monday"

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError(f"unknown time zone {value!r}, expected an IANA name such as Europe/Berlin")
        return value

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


class ScoreScale(Strict):
    """One score of an evaluation tool: what its worst and best value are; `min` above `max`: less is better."""

    min: Annotated[Decimal, BeforeValidator(_exact)] = Decimal(0)
    max: Annotated[Decimal, BeforeValidator(_exact)] = Decimal(1)
    labels: dict[str, Annotated[Decimal, BeforeValidator(_exact), Field(ge=0, le=1)]] = Field(default_factory=dict)

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


class Workflow(Strict):
    unit: Annotated[str, Field(min_length=1, max_length=63)]
    owner: str | None = None
    value: Annotated[tuple[Value, ...], BeforeValidator(_as_list)] = ()
    budget: Annotated[tuple[Budget, ...], BeforeValidator(_as_list)] = ()
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


class Rates(Strict):
    contract: str | None = None


class Approver(Strict):
    name: str
    email: str | None = None


def _approver(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


class Reload(Strict):
    command: tuple[str, ...] = Field(min_length=1)
    timeout_s: Annotated[int, Field(gt=0, le=3600)] = 60


class Probe(Strict):
    url: str
    key: Annotated[str, Field(pattern=r"^os\.environ/[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    #: lists the keys and access groups that lack a route; never used for requests
    admin_key: Annotated[str, Field(pattern=r"^os\.environ/[A-Za-z_][A-Za-z0-9_]*$")] | None = None


KubernetesName = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")]


class EnvoyGateway(Strict):
    """Where an Envoy AI Gateway's routes belong in the cluster."""

    name: KubernetesName = "ai-gateway"  #: of the Gateway that the routes are attached to
    namespace: KubernetesName = "default"
    route: Annotated[KubernetesName, Field(max_length=55)] = "outlay"  #: of our AIGatewayRoute; a second is `outlay-2`


class Target(Strict):
    name: Name
    kind: Literal["litellm", "portkey", "envoy", "json"]
    path: str
    mode: Literal["file", "git", "print"] = "file"
    branch: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$")] | None = (
        None  #: mode git: where it is to be merged
    )
    gateway: EnvoyGateway | None = None  #: kind envoy: the cluster's Gateway
    models: dict[Name, dict[str, Any]] = Field(default_factory=dict)  #: tier -> the gateway's own parameters
    reload: Reload | None = None
    probe: Probe | None = None

    @model_validator(mode="after")
    def _fits(self) -> Target:
        if self.kind != "envoy" and self.gateway is not None:
            raise ValueError(f"gateway: belongs to kind envoy, found kind {self.kind}")
        if self.branch is not None and self.mode != "git":
            raise ValueError(f"branch: belongs to mode git, found mode {self.mode}")
        if self.reload is not None and self.mode != "file":
            raise ValueError(f"reload: in mode {self.mode} Outlay changes nothing that could be reloaded; remove it")
        return self


class Rollout(Strict):
    """When `route advance` moves a canary on, and when it takes one back."""

    outcomes: Annotated[int, Field(ge=1)] = 30  #: settled units that the canary alone worked on, at each share
    days: Annotated[int, Field(ge=1)] = 7  #: full days at each share
    failure_limit: Annotated[int, Field(ge=1)] = 3  #: days in a row on which a guard failed, before it is taken back
    fresh_hours: Annotated[int, Field(ge=1)] = 36  #: the newest request must be younger
    error_margin: Share = 0.02  #: the canary's error rate may be higher by this much
    latency_factor: Annotated[float, Field(ge=1)] = 1.25  #: its 95th percentile may be this many times the old tier's
    hold_back: Annotated[int, Field(ge=0, le=50)] = 0  #: percent that stays on the old tier, where all was approved


class Routing(Strict):
    policy: str = "routing/policy.yaml"
    approvers: tuple[Annotated[Approver, BeforeValidator(_approver)], ...] = ()
    rollback: Literal["recommend", "auto"] = "recommend"
    rollout: Rollout = Rollout()
    targets: tuple[Target, ...] = ()


class Access(Strict):
    viewers: tuple[str, ...] = ()


Secret = Annotated[str, Field(pattern=r"^os\.environ/[A-Za-z_][A-Za-z0-9_]*$")]  #: the name of an environment variable


class Webhook(Strict):
    """Takes Slack-compatible JSON. Its address is a secret, so only the variable that holds it stands here."""

    name: Name
    url: Secret


class Email(Strict):
    """Alerts by SMTP. `tls`: STARTTLS on the given port, or TLS from the first byte."""

    host: Annotated[str, Field(min_length=1)]
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    user: Secret | None = None
    password: Secret | None = None
    sender: Annotated[str, Field(alias="from", pattern=r"^[^@\s]+@[^@\s]+$")]
    to: tuple[Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$")], ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _whole(self) -> Email:
        if (self.user is None) != (self.password is None):
            raise ValueError("user and password belong together")
        if self.user is not None and self.tls == "none":
            raise ValueError("tls: none would send the password in the clear; expected starttls or implicit")
        return self


class Notify(Strict):
    """Where alerts go. Nothing is sent unless a webhook or an e-mail is named."""

    webhooks: tuple[Webhook, ...] = ()
    email: Email | None = None
    min_severity: Literal["high", "medium", "low"] = "high"
    every_run: bool = False  #: also after a plain `outlay run`, not only after the scheduled job


class UnseenRule(Strict):
    """Which workflow bears what was billed to an account and never logged. Globs of `*` and `?`."""

    provider: str = "*"
    account: Annotated[str, Field(min_length=1)]
    workflow: Name


class SharedCost(Strict):
    """A cost that serves several workflows (a gateway, a vector store), spread over them by a driver, as a second view."""

    name: Annotated[str, Field(min_length=1, max_length=63)]
    monthly_usd: Amount
    from_: date | None = Field(default=None, alias="from")
    to: date | None = None  #: last day; the months of both ends count whole
    driver: Literal["requests", "tokens", "spend", "outcomes", "equal"] = "spend"


class Close(Strict):
    """The month close. A month is red when what no item explains is above both thresholds."""

    threshold_share: Share = 0.01
    threshold_usd: Amount = Decimal(5)
    unseen: tuple[UnseenRule, ...] = ()
    shared: tuple[SharedCost, ...] = ()


class Engine(Strict):
    kind: Literal["duckdb", "spark"] = "duckdb"
    master: str | None = None


class Workspace(Strict):
    """One company's workspace. Names of sources, workflows, tiers and targets are unique."""

    name: Annotated[str, Field(min_length=1)]
    reporting: Reporting = Reporting()
    sources: tuple[Source, ...] = Field(min_length=1)
    assign: tuple[AssignRule, ...] = ()
    tags: Tags = Tags()
    workflows: dict[Name, Workflow] = Field(default_factory=dict)
    tiers: tuple[Tier, ...] = ()
    capabilities: dict[str, Name] = Field(default_factory=dict)  #: capability -> the tier it needs
    rates: Rates = Rates()
    routing: Routing = Routing()
    access: Access = Access()
    budgets: tuple[ScopedBudget, ...] = ()
    notify: Notify = Notify()
    close: Close = Close()
    engine: Engine = Engine()

    @model_validator(mode="after")
    def _consistent(self) -> Workspace:
        _unique("sources", [s.name for s in self.sources])
        _unique("tiers", [t.name for t in self.tiers])
        _unique("tiers (rank)", [str(t.rank) for t in self.tiers])
        _unique("routing.targets", [t.name for t in self.routing.targets])
        listed = [m for t in self.tiers for m in t.models]
        _unique("tiers (models)", listed)
        tiers = {t.name for t in self.tiers}
        for capability, tier in self.capabilities.items():
            if tier not in tiers:
                raise ValueError(f"capabilities.{capability}: unknown tier {tier!r}, expected one of {sorted(tiers)}")
        _unique("close.shared", [c.name for c in self.close.shared])
        for rule in self.close.unseen:
            if rule.workflow not in self.workflows:
                raise ValueError(f"close.unseen: unknown workflow {rule.workflow!r}, expected one under workflows:")
        _unique("notify.webhooks", [w.name for w in self.notify.webhooks])
        dimensions = {"total", "source", "task_type", *self.tags.dimensions}
        for budget in self.budgets:
            if budget.dimension not in dimensions:
                raise ValueError(
                    f"budgets: unknown dimension {budget.dimension!r}, expected total or one that tags: names: "
                    f"{sorted(dimensions)}"
                )
        for target in self.routing.targets:
            for tier in target.models:
                if tier not in tiers:
                    raise ValueError(
                        f"routing.targets.{target.name}.models: unknown tier {tier!r}, expected one of {sorted(tiers)}"
                    )
        return self

    def tier_of(self, model: str) -> str | None:
        """The tier that lists `provider/model`, compared as written."""
        return next((t.name for t in self.tiers if model in t.models), None)


def _unique(where: str, names: list[str]) -> None:
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise ValueError(f"{where}: named twice: {', '.join(twice)}")
