"""What a workflow's week was made of, and the factors of its cost per outcome before and after.

Cost per outcome = Σ over (task type, model, token class) of
    attempts per outcome      tries ÷ outcomes
  × tokens per attempt        calls of the task type per try × quantity per call of the model
  × model mix                 the model's share of the task type's calls
  × price                     spend ÷ quantity of (model, token class) over all of the workflow's task types
and, across workflows, × the workflow's share of all outcomes. At both ends the products add up to spend ÷ outcomes.

What one side lacks has no value of its own there and takes the other side's, so that it moves nothing: a task type or a
token class that wasn't used has 0 tokens; a model that wasn't used has a share of 0, and its tokens per call and its
price (at the rates of that week, see `bridge_prices`) from the side that used it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from pipelines.change.bridge_terms import Pair

FACTORS = ("price", "model_mix", "tokens", "attempts", "outcome_mix")
PICO = 10**12
Cell = tuple[str, str, str]  #: task type ('' where the log names none), model, token class
ZERO, ONE = Fraction(0), Fraction(1)


@dataclass
class Week:
    """One (workflow, week): counts, and spend in 10^-12 dollars (None: nothing of it has a price)."""

    workflow: str
    monday: date
    outcomes: int = 0
    attempts: int = 0
    spend: int | None = 0
    calls: dict[tuple[str, str], int] = field(default_factory=dict)  #: by (task type, model)
    cells: dict[Cell, tuple[int, int]] = field(default_factory=dict)  #: (quantity, spend)

    def __post_init__(self) -> None:
        self._task_calls: dict[str, int] | None = None
        self._rates: dict[tuple[str, str], tuple[int, int]] | None = None

    @property
    def tries(self) -> int:
        """Attempts; at least one where anything was charged."""
        return max(self.attempts, 1) if self.cells else self.attempts

    @property
    def task_calls(self) -> dict[str, int]:
        if self._task_calls is None:
            self._task_calls = {}
            for (task, _), calls in self.calls.items():
                self._task_calls[task] = self._task_calls.get(task, 0) + calls
        return self._task_calls

    @property
    def rates(self) -> dict[tuple[str, str], tuple[int, int]]:
        """(quantity, spend) by (model, token class)."""
        if self._rates is None:
            self._rates = {}
            for (_, model, token_class), (quantity, spend) in self.cells.items():
                before = self._rates.get((model, token_class), (0, 0))
                self._rates[model, token_class] = (before[0] + quantity, before[1] + spend)
        return self._rates

    @property
    def cost(self) -> Fraction | None:
        """Dollars per outcome; None where there is no outcome or no known spend."""
        return Fraction(self.spend, PICO * self.outcomes) if self.outcomes > 0 and self.spend is not None else None


#: (the week that used it, the week that didn't, model, token class, price there) -> dollars a unit in the other week
Absent = Callable[[Week, Week, str, str, Fraction], Fraction]


def factors(old: Week, new: Week, absent: Absent, mix: Pair, attempts: Pair) -> Iterator[tuple[Cell, tuple[Pair, ...]]]:
    """Per cell of either week the pairs of its five factors, in the order of `FACTORS`.

    `mix` and `attempts` are the workflow's share of outcomes and its attempts per outcome, before and after.
    """
    prices: dict[tuple[str, str], Pair] = {}
    for cell in sorted({*old.cells, *new.cells}):
        task, model, token_class = cell
        key = (model, token_class)
        if key not in prices:
            prices[key] = _prices(old, new, model, token_class, absent)
        yield cell, (prices[key], _shares(old, new, task, model), _tokens(old, new, cell), attempts, mix)


def _prices(old: Week, new: Week, model: str, token_class: str, absent: Absent) -> Pair:
    known = [_price(week, model, token_class) for week in (old, new)]
    before, after = known
    if before is None and after is not None:
        before = absent(new, old, model, token_class, after)
    elif after is None and before is not None:
        after = absent(old, new, model, token_class, before)
    return before or ZERO, after or ZERO


def _price(week: Week, model: str, token_class: str) -> Fraction | None:
    quantity, spend = week.rates.get((model, token_class), (0, 0))
    return Fraction(spend, quantity * PICO) if quantity else None


def _shares(old: Week, new: Week, task: str, model: str) -> Pair:
    before, after = _share(old, task, model), _share(new, task, model)
    return (after if before is None else before) or ZERO, (before if after is None else after) or ZERO


def _share(week: Week, task: str, model: str) -> Fraction | None:
    whole = week.task_calls.get(task)
    return Fraction(week.calls.get((task, model), 0), whole) if whole else None


def _tokens(old: Week, new: Week, cell: Cell) -> Pair:
    task = cell[0]
    per_call = [_per_call(week, cell) for week in (old, new)]
    found: list[Fraction | None] = []
    for week, own, other in ((old, per_call[0], per_call[1]), (new, per_call[1], per_call[0])):
        each = other if own is None else own
        calls = week.task_calls.get(task, 0)
        found.append(Fraction(calls, week.tries) * (each or ZERO) if week.tries else None)
    before, after = found
    return (after if before is None else before) or ZERO, (before if after is None else after) or ZERO


def _per_call(week: Week, cell: Cell) -> Fraction | None:
    """Quantity per call of the model in its task type; None where it was not called."""
    calls = week.calls.get(cell[:2], 0)
    return Fraction(week.cells.get(cell, (0, 0))[0], calls) if calls else None


def alone(old: Week, new: Week) -> tuple[Pair, Pair]:
    """(outcome mix, attempts per outcome) of a workflow by itself; both weeks have outcomes."""
    return (ONE, ONE), (Fraction(old.tries, old.outcomes), Fraction(new.tries, new.outcomes))


def among(old: Week, new: Week, before: int, after: int) -> tuple[Pair, Pair]:
    """The same for a workflow among others that had `before` and `after` outcomes together, both above 0.

    A week with spend and no outcome (all failed, or more taken back than delivered) has no share of its own: it keeps
    the other week's, so that what it spent stands under attempts. A week without either has a share of 0.
    """
    shares = [
        Fraction(week.outcomes, total) if week.outcomes > 0 else None if week.tries else ZERO
        for week, total in ((old, before), (new, after))
    ]
    other = next((share for share in shares if share), ONE)
    mix = tuple(other if share is None else share for share in shares)
    rates = [
        Fraction(week.tries, total) / share if share and (week.tries or week.outcomes > 0) else None
        for week, total, share in ((old, before, mix[0]), (new, after, mix[1]))
    ]
    first = (rates[1] if rates[0] is None else rates[0]) or ZERO
    last = (rates[0] if rates[1] is None else rates[1]) or ZERO
    return (mix[0], mix[1]), (first, last)
