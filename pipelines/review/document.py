"""The review as a document: what `--format json` prints and the other formats render. Its keys are stable.

Money is dollars whatever the currency shown (keys that end in `_usd` or `_usd_month`, decimal strings in JSON); ratios
and shares are numbers, intervals are 90 %; days are ISO. Texts (`finding`, `step`, `why` …) are for people, in the
currency that the set is shown in, and never parsed by anything. Absent is null.
"""

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


class Task(Document):
    """What one task type needs: declared, served and proven, over 28 days. `evidence` says what the proof is."""

    workflow: str
    task_type: str
    capability: str | None
    declared_tier: str | None
    served_tier: str | None
    proven: str  #: `needs TIER`, `TIER is enough`, or `not proven`
    evidence: str
    spend_usd: Usd | None
    finding: str | None


class Worth(Document):
    """What one workflow's outcomes cost against their declared value, over 28 days."""

    workflow: str
    unit: str
    outcomes: int
    cost_per_outcome_usd: Usd | None
    value_per_outcome_usd: Usd | None
    value_per_usd: Ratio | None
    low: Ratio | None
    high: Ratio | None
    rank: int | None
    note: str | None
    basis: str | None


class Change(Document):
    """One thing that is different since the last review."""

    about: Literal["alarm", "alarm over", "cost", "budget", "restated"]
    what: str
    good: bool | None


class Question(Document):
    """`finding` made it green or red; `step` turns it green and `takes` is how long that takes. Both null when green."""

    key: Literal["capability", "value", "change"]
    question: str
    state: Literal["green", "red"]
    finding: str
    step: str | None
    command: str | None
    takes: str | None


class Proposal(Document):
    """A decision to take. `usd_month`: what it is expected to bring or put right in 30 days."""

    kind: Literal["switch", "experiment", "alarm", "budget", "reallocate"]
    workflow: str | None
    title: str
    why: str
    owner: str
    usd_month: Usd | None
    usd_month_low: Usd | None
    usd_month_high: Usd | None
    dollars: str  #: what the amount is: saved, more than before, over budget, declared value
    edit: str | None  #: keys of outlay.yaml to change before the command
    command: str
    takes: str


class Checked(Document):
    """A decision that was taken, against what happened since."""

    kind: str
    day: date
    by: str
    about: str
    reason: str | None
    promised_usd_month: Usd | None
    promised_now_usd_month: Usd | None  #: at the share that is live
    realised_usd_month: Usd | None
    realised_low_usd_month: Usd | None
    realised_high_usd_month: Usd | None
    share_before: Ratio | None  #: of the task's requests on the new tier
    share_since: Ratio | None
    verdict: Literal[
        "realised", "short of the promise", "not distinguishable yet", "holds", "came back", "open", "undone"
    ]
    finding: str


class Review(Document):
    """One week's review."""

    schema_version: Literal[1] = 1
    company: str
    week: str
    first_day: date
    last_day: date
    timezone: str
    currency: str
    currency_said: str
    provisional: bool
    why_this_week: str
    as_of: date
    seen_to: date
    set_id: str
    published_at: str
    numbers: Numbers
    questions: tuple[Question, ...]
    tasks: tuple[Task, ...]
    worth: tuple[Worth, ...]
    changes: tuple[Change, ...]
    decisions: tuple[Proposal, ...]
    decisions_left_out: int
    checked: tuple[Checked, ...]
    notes: tuple[str, ...]
