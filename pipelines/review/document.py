"""The review as a document: what `--format json` prints and the other formats render. Its keys are stable.

Money is dollars whatever the currency shown (keys that end in `_usd` or `_usd_month`, decimal strings in JSON); ratios
and shares are numbers, intervals are 90 %; days are ISO. Texts (`finding`, `step`, `why` …) are for people, in the
currency that the set is shown in, and never parsed by anything. Absent is null.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

from pipelines.review.four_numbers import Document, Numbers, Ratio, Usd


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
