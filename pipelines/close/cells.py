"""One cell of the comparison: what is billed for a (provider, account, period, model, tier, token class) and what the
ledger holds of it, and the names of the difference.

With the quantity known, from the bill or from the provider's usage report:

    missing tokens × the metered (else the billed) unit price   not metered; negative: not billed, or recorded twice
    tokens without a price × that price                         unpriced
    amounts of lines without a quantity beside lines with one   as missing tokens
    the rest                                                    rounding within the bound below, else rate difference

Where tokens of a cell were metered at several prices (context bands, tiers that the bill doesn't tell), the lowest or
the highest of them is taken if that explains all, else their mean.

Without it, `ratio` is what the bill constantly has of the metered amount (`constant_ratio`): that part is a rate
difference, what is above it not metered, what is below not billed.

The bound of rounding: half a unit of the last decimal that the bill uses (of all its lines), per line; half of 10^-12 per
request, as the ledger rounds each charge; and 2^-52 of the amount, for bills that write floats.
All amounts are whole numbers of 10^-12 dollars, and the items of a cell sum exactly to billed − metered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

NOT_METERED, NOT_BILLED, TOOLS, RATE = "not metered", "not billed", "tools", "rate difference"
DAY_CUT, CREDITS, TAX, CORRECTION = "day cut", "credits and discounts", "tax", "correction"
UNPRICED, TWICE, ROUNDING, UNEXPLAINED = "unpriced", "recorded twice", "rounding", "unexplained"
#: in the order in which a reader meets them
ITEMS = (
    NOT_METERED, NOT_BILLED, TOOLS, RATE, DAY_CUT, CREDITS, TAX, CORRECTION, UNPRICED, TWICE, ROUNDING, UNEXPLAINED,
)  # fmt: skip
#: days that have to agree on one ratio before it is called one
LEAST_DAYS = 3


@dataclass(frozen=True, slots=True)
class Cell:
    """Amounts in 10^-12 dollars, quantities in tokens. `billed` 0 with no `lines`: the bill has no such line."""

    billed: int = 0
    lines: int = 0
    quantity: int | None = None  #: of the bill, else of the usage report
    uncounted: int = 0  #: part of `billed` on lines without a quantity, where others have one
    metered: int = 0
    tokens: int = 0  #: priced ones
    unpriced: int = 0  #: tokens without a price
    requests: int = 0
    prices: tuple[Fraction, ...] = ()  #: metered unit prices, 10^-12 dollars a token
    decimals: int = 12  #: decimals that the bill uses
    names_tokens: bool = True  #: the bill tells what it is for: model and class

    @property
    def difference(self) -> int:
        return self.billed - self.metered

    @property
    def bound(self) -> Fraction:
        """How far rounding can move `difference`."""
        unit = 10 ** (12 - self.decimals)
        return Fraction(self.lines * unit + self.requests, 2) + Fraction(abs(self.billed), 2**52)


def named(cell: Cell, ratio: Fraction = Fraction(1), twice: int = 0) -> dict[str, int]:
    """Item -> amount; sums exactly to `cell.difference`. `twice`: up to how much is suspected of having been recorded twice."""
    if not cell.difference and not cell.unpriced and cell.quantity in (None, cell.tokens):
        return {}
    if not cell.lines:
        return surplus(cell.difference, twice)
    if cell.quantity is not None and (cell.quantity or cell.tokens or cell.unpriced):
        return _by_quantity(cell, cell.quantity, twice)
    return _by_ratio(cell, ratio, twice)


def surplus(amount: int, twice: int) -> dict[str, int]:
    """What the ledger holds and the bill doesn't (negative), or the other way round."""
    if amount >= 0:
        return {NOT_METERED: amount} if amount else {}
    doubled = max(amount, -twice)
    return {name: part for name, part in ((TWICE, doubled), (NOT_BILLED, amount - doubled)) if part}


def _by_quantity(cell: Cell, quantity: int, twice: int) -> dict[str, int]:
    missing = quantity - cell.tokens - cell.unpriced
    if not cell.tokens and not cell.unpriced and not cell.metered:
        return surplus(cell.difference, twice)
    prices = _prices(cell, quantity)
    if not prices:
        return {UNEXPLAINED: cell.difference}
    valued = [_valued(cell, missing, price) for price in prices]
    volume, unpriced, rest = next((v for v in valued if abs(v[2]) <= cell.bound), valued[0])
    found = surplus(volume, twice)
    if unpriced:
        found[UNPRICED] = unpriced
    if rest:
        found[ROUNDING if abs(rest) <= cell.bound else RATE] = rest
    return found


def _valued(cell: Cell, missing: int, price: Fraction) -> tuple[int, int, int]:
    """Missing tokens, unpriced tokens and what neither explains, in 10^-12 dollars."""
    volume, unpriced = round(missing * price) + cell.uncounted, round(cell.unpriced * price)
    return volume, unpriced, cell.difference - volume - unpriced


def _prices(cell: Cell, quantity: int) -> list[Fraction]:
    """Unit prices to value tokens with; of several the mean first, then the ends of their range."""
    if cell.tokens and len(cell.prices) == 1:
        return list(cell.prices)
    if cell.tokens:
        return [Fraction(cell.metered, cell.tokens), *cell.prices]
    return [Fraction(cell.billed, quantity)] if quantity and cell.lines else []


def _by_ratio(cell: Cell, ratio: Fraction, twice: int) -> dict[str, int]:
    if not cell.metered:
        if cell.unpriced:
            return {UNPRICED: cell.difference} if cell.difference else {}
        return {NOT_METERED: cell.difference} if cell.difference > 0 else {UNEXPLAINED: cell.difference}
    found: dict[str, int] = {}
    rate = round(cell.metered * (ratio - 1))
    if rate:
        found[RATE] = rate
    rest = cell.difference - rate
    if not rest:
        return found
    if abs(rest) <= cell.bound + (1 if rate else 0):
        found[ROUNDING] = rest
        return found
    if not cell.names_tokens:
        return found | {UNEXPLAINED: rest}
    if rest > 0 and cell.unpriced:
        price = Fraction(cell.metered, cell.tokens) * ratio if cell.tokens else None
        unpriced = rest if price is None else min(rest, round(cell.unpriced * price))
        found[UNPRICED] = unpriced
        rest -= unpriced
    return found | (surplus(rest, twice) if rest else {})


def constant_ratio(cells: Sequence[Cell]) -> Fraction:
    """billed ÷ metered that at least three days and more than half of them share within rounding; else 1.

    The candidate is each day's own ratio, largest days first; of two that as many days share, the one closer to 1.
    """
    days = [c for c in cells if c.lines and c.metered > 0 and c.billed > 0]
    if len(days) < LEAST_DAYS:
        return Fraction(1)
    best = (sum(abs(c.difference) <= c.bound for c in days), Fraction(0), Fraction(1))
    for one in sorted(days, key=lambda c: -c.metered):
        ratio = Fraction(one.billed, one.metered)
        agree = sum(
            abs(c.billed - ratio * c.metered) <= c.bound + one.bound * Fraction(c.metered, one.metered) for c in days
        )
        if (agree, -abs(ratio - 1)) > best[:2]:
            best = (agree, -abs(ratio - 1), ratio)
    agree, _, ratio = best
    return ratio if agree >= LEAST_DAYS and 2 * agree > len(days) else Fraction(1)


def add(into: dict[str, int], items: Mapping[str, int]) -> None:
    for name, amount in items.items():
        into[name] = into.get(name, 0) + amount
