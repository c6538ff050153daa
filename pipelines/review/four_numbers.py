"""The four numbers of a review, as its document holds them: cost per outcome, drift, split, bottom of the ranking."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, PlainSerializer

Usd = Annotated[Decimal, PlainSerializer(lambda v: format(v, "f"), when_used="json")]
Ratio = Annotated[Decimal, PlainSerializer(float, when_used="json")]
State = Literal["green", "red", "none"]


class Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Contributor(Document):
    """One name behind a factor, or behind the whole change: dollars per outcome."""

    name: str
    workflow: str | None
    effect_usd: Usd


class Factor(Document):
    """One of the five factors of the change in blended cost per outcome; they sum to it exactly."""

    factor: str
    effect_usd: Usd
    contributors: tuple[Contributor, ...]  #: largest first


class WorkflowCost(Document):
    """One workflow's week: good outcomes, spend, and its cost per outcome against the week before."""

    workflow: str
    unit: str
    outcomes: int
    spend_usd: Usd | None
    before_usd: Usd | None
    after_usd: Usd | None
    index: Ratio | None


class Cost(Document):
    """Number 1. `index`: last week's outcomes at this week's cost per outcome, ÷ at last week's."""

    state: State
    finding: str
    index: Ratio | None
    like_for_like_before_usd: Usd | None
    like_for_like_usd: Usd | None
    blended_before_usd: Usd | None
    blended_usd: Usd | None
    outcomes: int
    spend_usd: Usd | None
    left_out: tuple[str, ...]
    workflows: tuple[WorkflowCost, ...]
    bridge: tuple[Factor, ...]
    movers: tuple[Contributor, ...]  #: the largest of all factors


class Alarm(Document):
    alarm: str
    workflow: str
    kind: str
    detected_day: date
    since_day: date
    before_usd: Usd
    after_usd: Usd
    change: Ratio
    month_usd: Usd
    open: bool
    status: str  #: `open`, `closed` or `acknowledged`, as known on `seen_to`
    new: bool  #: raised in this week or since
    cause: str | None  #: the largest contributor to the workflow's own change in the week of the alarm


class Watched(Document):
    workflow: str
    state: str
    minimum_detectable: Ratio | None


class Drift(Document):
    """Number 2. `minimum_detectable`: the smallest lasting change that the workflow's noise lets be found in a week."""

    state: State
    finding: str
    detectable: str | None  #: the smallest change per workflow, in words
    open: int
    alarms: tuple[Alarm, ...]  #: open ones first, largest change first
    watched: tuple[Watched, ...]


class Held(Document):
    """One route under one policy version. Shares are of its answered requests; `leak_usd`: what they cost above policy."""

    workflow: str
    task_type: str
    policy_version: int
    declared: dict[str, Ratio]
    observed: dict[str, Ratio]
    requests: int
    held: Ratio
    leak_usd: Usd | None
    holds: bool


class Split(Document):
    """Number 3. Seven days to `last_day`."""

    state: State
    finding: str
    policy_version: int | None
    first_day: date
    last_day: date
    requests: int
    held: Ratio | None
    leak_usd: Usd | None
    routes: tuple[Held, ...]


class Bottom(Document):
    """Number 4. The last place of the value ranking, over the 28 days to `last_day`."""

    state: State
    finding: str
    workflow: str | None
    spend_share: Ratio | None
    spend_usd: Usd | None
    value_per_usd: Ratio | None
    low: Ratio | None
    high: Ratio | None
    share_of_scenarios_last: Ratio | None
    first_day: date
    last_day: date


class Numbers(Document):
    cost: Cost
    drift: Drift
    split: Split
    bottom: Bottom
