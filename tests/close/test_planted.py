"""Bills generated from ledgers with planted differences of every kind: each is found and named to the last unit."""

from __future__ import annotations

import os
import random
from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.close.bills import Bill
from pipelines.close.compare import Comparison
from pipelines.close.lines import Line, Use
from pipelines.close.metered import FEES, Held, Metered, Place

FIRST = date(2026, 10, 1)
MODELS = ("openai/a", "openai/b", "openai/c")
CLASSES = ("input", "cache_read", "output")
SEEDS = 300 if os.environ.get("OUTLAY_FULL") else 60
CENT = 10**10


def price(model: str, token_class: str) -> int:
    """10^-12 dollars a token."""
    return (MODELS.index(model) + 1) * 1_000_000 * (CLASSES.index(token_class) + 1)


class World:
    """A month of one provider: the ledger's cells, the bill's lines, and what was planted."""

    def __init__(self, seed: int, counted: bool) -> None:
        self.roll = random.Random(seed)
        self.counted = counted
        self.cells: dict[Place, Held] = {}
        self.lines: list[Line] = []
        self.planted: dict[str, int] = {}
        self.doubled: dict[tuple[date, str], int] = {}
        self.tokens: dict[Place, int] = {}
        for n in range(30):
            for model in MODELS:
                for token_class in CLASSES:
                    if self.roll.random() < 0.8:
                        count = self.roll.randint(1, 10**7)
                        place = Place(FIRST + timedelta(days=n), "", model, "standard", token_class)
                        usd = price(model, token_class)
                        self.cells[place] = Held(count * usd, count, 0, 0, 3, {Fraction(usd)})
                        self.tokens[place] = count

    def note(self, item: str, amount: int) -> None:
        self.planted[item] = self.planted.get(item, 0) + amount

    def plant(self, *kinds: str) -> None:
        places = self.roll.sample(sorted(self.tokens, key=repr), len(kinds))
        billed = dict(self.tokens)
        dearer: dict[Place, int] = {}
        for kind, place in zip(kinds, places, strict=True):
            unit, count = price(place.model, place.token_class), self.roll.randint(1, 10**6)
            if kind == "not metered":
                billed[place] += count
                self.note(kind, count * unit)
            elif kind in ("not billed", "recorded twice"):
                count = min(count, billed[place])
                billed[place] -= count
                self.note(kind, -count * unit)
                if kind == "recorded twice":
                    self.doubled[place.day, place.model] = self.doubled.get((place.day, place.model), 0) + count * unit
            elif kind == "rate difference":
                dearer[place] = self.roll.randint(100, 10**6)
                self.note(kind, dearer[place] * billed[place])
            elif kind == "unpriced":
                held = self.cells[place]
                held.unpriced, held.tokens, held.usd, held.prices = held.tokens, 0, 0, set()
                self.note(kind, billed[place] * unit)
            elif kind == "rounding":
                dearer[place] = 0
                self.roll_rounding(place, billed)
            else:
                self.note(kind, self.extra(kind, place.day))
        for place, count in billed.items():
            self.token_line(place, count, count * (price(place.model, place.token_class) + dearer.get(place, 0)))

    def roll_rounding(self, place: Place, billed: dict[Place, int]) -> None:
        """The ledger rounded each of its three requests by less than half a unit."""
        self.cells[place].usd -= 1
        self.note("rounding", 1)

    def extra(self, kind: str, day: date) -> int:
        """A line beside the tokens; answers its amount."""
        uses: dict[str, Use] = {
            "tools": "tool", "tax": "tax", "credits and discounts": "credit", "correction": "correction",
        }  # fmt: skip
        use = uses.get(kind, "other")
        amount = self.roll.randint(1, 10**14) * (-1 if use == "credit" else 1)
        self.lines.append(Line("2026-10", day, day, "openai", "", use, amount))
        if use == "tool" and self.roll.random() < 0.5:  # the ledger holds a part of it
            part = self.roll.randint(1, amount)
            self.cells[Place(day, "", MODELS[0], "standard", FEES)] = Held(part, requests=1)
            return amount - part
        return amount

    def token_line(self, place: Place, count: int, amount: int) -> None:
        if not amount:
            return
        parts = [(count, amount)]
        if count > 1 and self.roll.random() < 0.3:  # the same tokens on two lines, such as of two projects
            parts = [(1, amount // count), (count - 1, amount - amount // count)]
        for tokens, usd in parts:
            self.lines.append(
                Line(
                    "2026-10", place.day, place.day, "openai", "", "tokens", usd, place.model, place.token_class, "",
                    tokens if self.counted else None,
                )
            )  # fmt: skip

    def found(self) -> dict[str, int]:
        self.roll.shuffle(self.lines)
        bill = Bill("openai", "2026-10", "bill", tuple(self.lines), 12)
        compared = Comparison(bill, Metered({"openai": self.cells}, {}, {}), False, self.doubled).run()
        total = sum(line.amount for line in self.lines) - sum(held.usd for held in self.cells.values())
        items = {name: amount for name, amount in compared.month[""].items() if amount}
        assert sum(items.values()) == total
        assert {k: v for k, v in _by_item(compared.days).items() if v} == items
        assert sum(part for *_, part in compared.unseen) == items.get("not metered", 0)
        return items


def _by_item(days: dict) -> dict[str, int]:
    total: dict[str, int] = {}
    for items in days.values():
        for name, amount in items.items():
            total[name] = total.get(name, 0) + amount
    return total


KINDS = (
    "not metered", "not billed", "tools", "rate difference", "credits and discounts", "tax", "correction", "unpriced",
    "recorded twice", "rounding", "unexplained",
)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_one_planted_difference_is_the_only_one_found(kind):
    for seed in range(8):
        world = World(seed, counted=True)
        world.plant(kind)
        assert world.found() == world.planted


def test_differences_of_every_kind_at_once_are_each_found():
    for seed in range(SEEDS):
        world = World(1000 + seed, counted=True)
        world.plant(*KINDS)
        assert world.found() == {name: amount for name, amount in world.planted.items() if amount}, seed


def test_without_quantities_volumes_are_found_too():
    for seed in range(SEEDS // 3):
        world = World(2000 + seed, counted=False)
        world.plant("not metered", "not billed", "tools", "credits and discounts", "tax", "rounding", "unpriced")
        assert world.found() == world.planted, seed


def test_without_quantities_a_rate_of_its_own_over_the_month_is_found():
    for seed in range(SEEDS // 3):
        world = World(3000 + seed, counted=False)
        for place in list(world.cells):
            if place.model == MODELS[1]:
                amount = world.tokens[place] * price(place.model, place.token_class)
                world.note("rate difference", -amount // 4)
                world.token_line(place, world.tokens.pop(place), amount - amount // 4)
        world.plant("not metered", "tax")
        assert world.found() == world.planted, seed


USES = st.sampled_from(("tax", "credit", "correction", "tool", "fixed", "tokens", "other"))
DAYS = st.integers(0, 40).map(lambda n: FIRST - timedelta(days=4) + timedelta(days=n))
LINES = st.builds(
    lambda day, length, account, use, amount, model, token_class, tier, quantity: Line(
        "2026-10", day, day + timedelta(days=length), "openai", account, use, amount,
        model if use == "tokens" else "", token_class if use == "tokens" else "", tier if use == "tokens" else "",
        quantity if use == "tokens" else None,
    ),
    DAYS, st.sampled_from((0, 0, 0, 30)), st.sampled_from(("", "p1", "p2")), USES, st.integers(-(10**13), 10**14),
    st.sampled_from(("", *MODELS)), st.sampled_from(("", *CLASSES)), st.sampled_from(("", "batch")),
    st.none() | st.integers(0, 10**7),
)  # fmt: skip
CELLS = st.dictionaries(
    st.builds(
        Place, DAYS, st.sampled_from(("", "p1")), st.sampled_from(MODELS), st.sampled_from(("standard", "batch")),
        st.sampled_from((*CLASSES, FEES, "recorded", "capacity")),
    ),
    st.builds(
        lambda usd, tokens, unpriced, recorded: Held(usd, tokens, unpriced, recorded, 2, {Fraction(7)}),
        st.integers(0, 10**14), st.integers(0, 10**7), st.sampled_from((0, 0, 500)), st.sampled_from((0, 0, 300)),
    ),
    max_size=12,
)  # fmt: skip
REPORTS = st.dictionaries(
    st.builds(Place, DAYS, st.just(""), st.sampled_from(MODELS), st.just("standard"), st.sampled_from(CLASSES)),
    st.integers(1, 10**7), max_size=8,
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(LINES, min_size=1, max_size=10), CELLS, REPORTS, st.booleans(), st.integers(0, 12))
def test_the_items_of_any_bill_sum_to_billed_less_metered(lines, cells, reports, told, decimals):
    bill = Bill("openai", "2026-10", "bill", tuple(lines), decimals)
    first, last = bill.window()
    doubled = {(FIRST, MODELS[0]): 10**12}
    metered = Metered({"openai": cells}, {}, {"openai": reports})
    compared = Comparison(bill, metered, told, doubled).run()
    for account in {"", "p1", "p2"}:
        billed = sum(line.amount for line in lines if not told or line.account == account)
        held = sum(h.usd for p, h in cells.items() if first <= p.day <= last and (not told or p.account == account))
        assert sum(compared.month[account].values()) == (billed - held if told or not account else 0)
    assert sum(part for *_, part in compared.unseen) == sum(
        items.get("not metered", 0) for items in compared.month.values()
    )
