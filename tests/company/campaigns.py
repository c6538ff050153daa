"""Evaluations: items answered by several models on one day, with mistakes that the models partly share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from statistics import NormalDist

from tests.company.plants import as_money
from tests.company.records import Mark
from tests.company.simulate import stream
from tests.company.story import ARCHIVE, FLOWS, WORDINESS
from tests.reference.prices import list_rate


@dataclass(frozen=True)
class Replay:
    """One evaluation campaign: items answered by several models on one day."""

    workflow: str
    task: str
    day: int
    signal: str
    items: int
    models: dict[str, int]  #: provider/model -> how many of the items it answered
    agreement: float  #: how much of the models' mistakes they share (0 independent, 1 the same items)


REPLAYS = (
    Replay(
        "contract_review",
        "clause_extraction",
        23,
        "label",
        480,
        {"openai/gpt-5.4": 480, "openai/gpt-5-mini": 480, "anthropic/claude-haiku-4-5": 160},
        0.55,
    ),
    Replay(
        "contract_review",
        "risk_judgement",
        24,
        "human",
        300,
        {"anthropic/claude-opus-5-5": 300, "openai/gpt-5-mini": 300, "anthropic/claude-haiku-4-5": 140},
        0.4,
    ),
    Replay(
        "customer_records",
        "field_extraction",
        25,
        "label",
        180,
        {"openai/gpt-5-mini": 180, "anthropic/claude-haiku-4-5": 180},
        0.5,
    ),
    Replay(
        "internal_reporting",
        "drafting",
        31,
        "human",
        13,
        {"anthropic/claude-opus-5-5": 13, "anthropic/claude-sonnet-5": 13},
        0.4,
    ),
)


def replay(seed: int, first: date, plan: Replay) -> list[Mark]:
    """The marks of one campaign: right or wrong by a Gaussian copula over the true qualities."""
    task = next(t for f in (*FLOWS, ARCHIVE) if f.name == plan.workflow for t in f.tasks if t.name == plan.task)
    start = datetime.combine(first + timedelta(days=plan.day), time(9), UTC)
    marks: list[Mark] = []
    for number in range(plan.items):
        item = f"{plan.task[:4]}-{number:04d}"
        rng = stream(seed, "replay", plan.workflow, plan.task, number)
        ease, length = float(rng.normal()), float(rng.lognormal(-0.06, 0.35))
        for model, items in plan.models.items():
            own = float(rng.normal())
            level = plan.agreement**0.5 * ease + (1 - plan.agreement) ** 0.5 * own
            tokens = round((task.prefix + task.body * length) * float(rng.uniform(0.97, 1.03)))
            output = round(
                task.output * length**0.5 * WORDINESS[model.split("/")[1]] * float(rng.lognormal(-0.02, 0.2))
            )
            if number >= items:
                continue
            at = start + timedelta(seconds=40 * number + 7 * len(marks) % 37)
            provider, name = model.split("/", 1)
            rates = [list_rate(provider, name, c, "standard", at, tokens) for c in ("input", "output")]
            cost = sum((rate * n for rate, n in zip(rates, (tokens, output), strict=True) if rate), Fraction(0))
            marks.append(
                Mark(
                    plan.workflow,
                    plan.task,
                    item,
                    model,
                    int(level < NormalDist().inv_cdf(task.quality[model])),
                    at,
                    plan.signal,
                    tokens,
                    output,
                    as_money(cost) if plan.signal != "label" else None,
                    round(300 + output * 9),
                )
            )
    return marks


def campaigns(seed: int, first: date) -> list[Mark]:
    return [mark for plan in REPLAYS for mark in replay(seed, first, plan)]
