"""`outlay.yaml` as frozen models: what a workspace may say, with the defaults for what it leaves out.

Only `name` and `sources` are required; a workflow needs only `unit`. Every amount is a `Decimal`, read from the
YAML text and never through a float.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field, field_validator, model_validator

from pipelines.workspace.access import Access
from pipelines.workspace.closing import Close
from pipelines.workspace.gateway import Routing
from pipelines.workspace.logs import AssignRule, Source, Tags
from pipelines.workspace.notices import Notify
from pipelines.workspace.words import Name, Strict
from pipelines.workspace.work import ScopedBudget, Tier, Workflow


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


class Rates(Strict):
    contract: str | None = None


class Engine(Strict):
    """Where a run works. The others are for Spark: its master, and where executors reach the lake (a mounted path or an
    fsspec URL) and what lies between two stages and two runs (a path or a URL that Spark itself knows)."""

    kind: Literal["duckdb", "spark"] = "duckdb"
    master: str | None = None
    lake: str | None = None
    work: str | None = None

    @field_validator("lake", "work")
    @classmethod
    def _a_place(cls, value: str | None) -> str | None:
        if value is not None and (not value.strip("/ ") or value.endswith("://") or ".." in PurePosixPath(value).parts):
            raise ValueError(f"{value!r}, expected a folder: a path, or a URL such as s3://bucket/prefix")
        user, at, _ = (value or "").partition("://")[2].partition("/")[0].partition("@")
        if at and ":" in user:
            raise ValueError("holds a credential; expected a URL without, credentials come from the environment")
        return value

    @model_validator(mode="after")
    def _of_spark(self) -> Engine:
        if self.kind != "spark" and (self.lake or self.work):
            raise ValueError("lake and work are for kind: spark; duckdb keeps everything in .outlay")
        return self


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
