"""Why a recommendation says what it says, in words and numbers that need no statistics."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from pipelines.counted import plural
from pipelines.split.evidence import MIN_PAIRS
from pipelines.split.experiment import PATIENCE_DAYS, Plan
from pipelines.split.recommendation import StratumAdvice
from pipelines.split.standing import Standing
from pipelines.workspace.work import Quality


def percent(value: float) -> str:
    return f"{value * 100:.1f}".removesuffix(".0") + " %"


def dollars(amount: Decimal) -> str:
    return f"${amount:,.2f}" if amount >= Decimal("0.01") or amount == 0 else "less than $0.01"


def evidence(one: Standing, name: str, reference: str) -> str:
    """What the pairs showed, at full share."""
    retention, low, _ = one.retention()
    if retention is None or low is None:
        return f"On {one.n} items answered by both, {reference} was never right"
    cost = ""
    if one.saving is not None:
        cheaper = "less" if one.saving >= 0 else "more"
        cost = f" at {percent(abs(one.saving))} {cheaper} cost"
    return (
        f"On {one.n} items answered by both, {name} kept {percent(retention)} of the quality of {reference}"
        f" (at least {percent(low)}){cost}"
    )


def switch(one: Standing, name: str, reference: str, share: float, quality: Quality) -> str:
    seen = evidence(one, name, reference)
    if share >= 1:
        return f"{seen}: all of this task type can move to it."
    _, low, _ = one.retention(share)
    return (
        f"{seen}: {percent(share)} of this task type can move to it."
        f" That mix keeps at least {percent(low or 0.0)}; more would risk the promise of {_promise(quality)}."
    )


def promise_spent(one: Standing, name: str, reference: str, quality: Quality) -> str:
    return (
        f"{evidence(one, name, reference)}. The promise of {_promise(quality)} leaves it"
        f" no share of 5 % or more, so {reference} stays."
    )


def not_cheaper(one: Standing, name: str, reference: str) -> str:
    where = ""
    if one.saving is not None and one.saving > 0:
        where = " at the token sizes and cache shares of live traffic"
    return f"{evidence(one, name, reference)}. It would save nothing{where}, so {reference} stays."


def short_of_evidence(one: Standing, name: str, reference: str, plan: Plan) -> str:
    if one.unseen:
        seen = (
            f"Live traffic holds requests of a recorded difficulty ({', '.join(one.unseen)}) of which no item, or too"
            f" few for their number, were answered by both {name} and {reference}."
        )
    elif not one.enough:
        items = "item was" if one.n == 1 else "items were"
        seen = f"Only {one.n} {items} answered by both {name} and {reference}; 20 are the least that decides."
    else:
        seen = (
            f"On only {one.discordant} of {one.n} items {name} and {reference} differed,"
            " too few to tell whether the target holds."
        )
    return f"{seen} {ask(plan)}"


def canary(name: str, reference: str, marks: int, difference: float, plan: Plan) -> str:
    return (
        f"Live traffic of like difficulty ({marks} marks of {name}) shows a difference of"
        f" {difference * 100:+.1f} points to {reference}."
        f" The two answered other items, so this asks for a canary of 5 % and no more. {ask(plan)}"
    )


def by_stratum(strata: Sequence[StratumAdvice], name: str, reference: str, low: float) -> str:
    """Which recorded difficulties move, how far, and what keeps the others."""
    said = []
    for one in strata:
        moved = sum(route.share for route in one.routes if route.model == name)
        head = f"{one.stratum} ({percent(one.requests_share)} of the requests)"
        if moved:
            kept = f", where it keeps at least {percent(one.retention_low or 0.0)}" if one.retention_low else ""
            part = "all" if moved >= 1 else percent(moved)
            said.append(f"{part} of {head} can move to {name}{kept}")
        elif one.retention is not None and one.items >= MIN_PAIRS:
            said.append(f"{head} stays on {reference}: there {name} kept {percent(one.retention)}")
        else:
            few = f"{one.items} items of it are too few to tell" if one.items else "no item of it was answered by both"
            said.append(f"{head} stays on {reference}: {few}")
    return f"Recorded difficulty explains quality: {'; '.join(said)}. Together they keep at least {percent(low)}."


def ask(plan: Plan) -> str:
    """What would settle it, and when to stop."""
    days = "" if plan.days is None else f", {plural(plan.days, 'day')} of present traffic"
    cost = "" if plan.cost_usd is None else f", {dollars(plan.cost_usd)} of replays"
    text = f"{plan.pairs:,} more pairs{days}{cost} would settle it; stop as soon as the bound clears the target."
    if plan.decidable_margin is not None:
        text += (
            f" Traffic is thin: {PATIENCE_DAYS} days would decide a margin of {plan.decidable_margin * 100:.1f} points."
        )
    return text


def _promise(quality: Quality) -> str:
    return f"{percent(quality.retention)} over the workflow and {percent(quality.floor)} in each task type"
