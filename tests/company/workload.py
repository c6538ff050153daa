"""The shapes of the story: what a workflow and its tasks are made of."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Task:
    """One kind of call inside a workflow; token figures are means for a unit of ordinary length."""

    name: str
    capability: str
    model: str  #: provider/model that serves it today
    calls: int
    prefix: int  #: instructions that providers can cache
    body: int
    output: int
    reasoning: float  #: share of the output that is reasoning
    hour_cache: bool = False  #: writes the prefix with a lifetime of one hour
    quality: dict[str, float] = field(default_factory=dict)  #: true chance of a right answer, per provider/model


def qualities(gpt: float, mini: float, haiku: float, opus: float, sonnet: float) -> dict[str, float]:
    """The chance of a right answer of every model of the ladder."""
    return {
        "openai/gpt-5.4": gpt,
        "openai/gpt-5-mini": mini,
        "anthropic/claude-haiku-4-5": haiku,
        "anthropic/claude-opus-5-5": opus,
        "anthropic/claude-sonnet-5": sonnet,
    }


@dataclass(frozen=True)
class Flow:
    """One workflow: how many units a day, how long they are, and what becomes of a failed attempt."""

    name: str
    unit: str
    prefix: str  #: of unit ids
    source: str
    team: str
    per_day: float  #: units on an ordinary working day
    week: tuple[float, ...]  #: Monday to Sunday
    hours: tuple[float, float]
    spread: float  #: sigma of the log length
    noticed: float  #: chance that a wrong answer is noticed at once (a `failed` event)
    again: float  #: chance that a noticed failure is tried once more
    reopened: float  #: chance that a unit that was sent back is done again
    tasks: tuple[Task, ...]
    accepts: bool = False  #: somebody accepts the unit; only then is it good
    #: mean and sigma of the log of `value_usd`, where events carry one
    value: tuple[float, float] | None = None
