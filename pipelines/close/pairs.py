"""What meets: lines of the bill and cells of the ledger at one spot, as the cells of one comparison per token class."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction

from pipelines.close.cells import Cell
from pipelines.close.lines import Line
from pipelines.close.metered import RECORDED, Held, summed
from pipelines.close.spread import spread

Day = date | None


@dataclass(frozen=True, slots=True)
class Spot:
    """Where two sides meet; `day` None: the whole window."""

    day: Day
    account: str
    model: str = ""
    tier: str = ""


@dataclass(slots=True)
class Pair:
    """Lines of the bill and what the ledger holds for the same spot."""

    lines: list[Line] = field(default_factory=list)
    held: dict[str, list[Held]] = field(default_factory=lambda: defaultdict(list))
    reported: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def cells(self, decimals: int, totals: bool, reported: bool) -> dict[str, Cell]:
        """Token class -> cell; the class is empty where the bill does not tell classes, and quantities say nothing then.

        `totals`: the bill tells no models; `reported`: a usage report covers the spot.
        """
        if totals or any(not line.token_class for line in self.lines):
            whole = summed(held for parts in self.held.values() for held in parts)
            bare = [replace(line, quantity=None) for line in self.lines]
            return {"": cell_of(bare, whole, None, decimals, not totals)}
        recorded = summed(self.held.get(RECORDED, ()))
        held = {name: summed(parts) for name, parts in self.held.items() if name != RECORDED}
        found = {}
        for name in sorted({line.token_class for line in self.lines} | held.keys()):
            lines = [line for line in self.lines if line.token_class == name]
            quantity = self.reported.get(name, 0) if reported else None
            found[name] = cell_of(lines, held.get(name, Held()), quantity, decimals)
        return _with_recorded(found, held, recorded)


def cell_of(lines: list[Line], held: Held, quantity: int | None, decimals: int, names_tokens: bool = True) -> Cell:
    """`quantity`: tokens as the usage report says; the bill's own come first."""
    counted = [line for line in lines if line.quantity is not None]
    own = sum(line.quantity or 0 for line in counted) if counted else None
    uncounted = sum(line.amount for line in lines if line.quantity is None) if counted else 0
    ends = (min(held.prices), max(held.prices)) if held.prices else ()
    return Cell(
        billed=sum(line.amount for line in lines), lines=len(lines), quantity=quantity if own is None else own,
        uncounted=uncounted, metered=held.usd, tokens=held.tokens, unpriced=held.unpriced, requests=held.requests,
        prices=tuple(dict.fromkeys(ends)), decimals=decimals, names_tokens=names_tokens,
    )  # fmt: skip


def order(one: tuple[tuple[Spot, str], object]) -> tuple[date, str, str, str, str]:
    """Sorts cells by where they are."""
    (spot, token_class), _ = one
    return spot.day or date.min, spot.account, spot.model, spot.tier, token_class


def owners(lines: Iterable[Line], amount: int, uncounted: int = 0) -> list[tuple[str, str, str, int]]:
    """Whose `amount` of these lines is: (the bill's account, its key, how that is known, part).

    Where several are in the cell: first the lines that no quantity could compare, then the one that is billed just this
    amount, else by what each is billed.
    """
    if amount <= 0:
        return []
    lines = list(lines)
    if 0 < uncounted <= amount:
        loose = [line for line in lines if line.quantity is None]
        rest = [line for line in lines if line.quantity is not None]
        return [*owners(loose, uncounted), *owners(rest, amount - uncounted)]
    weights: dict[tuple[str, str], int] = defaultdict(int)
    for line in lines:
        weights[line.owner] += max(line.amount, 0)
    exact = [owner for owner, billed in weights.items() if billed == amount]
    if len(exact) == 1:
        weights = {exact[0]: amount}
    known = "key" if any(key for _, key in weights) else "account"
    basis = known if len(weights) <= 1 else "share of the bill"
    found = sorted(weights) or [("", "")]
    parts = spread(amount, [weights.get(owner, 1) for owner in found])
    return [(*owner, basis, part) for owner, part in zip(found, parts, strict=True) if part]


def _with_recorded(cells: dict[str, Cell], held: dict[str, Held], recorded: Held) -> dict[str, Cell]:
    """The sender's figures are whole calls: spread over the classes by what the bill asks for such tokens."""
    tokens = {name: part.recorded for name, part in held.items() if part.recorded}
    if not recorded.usd and not tokens:
        return cells
    names = list(tokens) or list(cells) or [""]
    weights = [_weight(cells.get(name), tokens.get(name, 1)) for name in names]
    if not any(weights):
        weights = [Fraction(tokens.get(name, 1)) for name in names]
    made = dict(cells)
    for name, usd in zip(names, spread(recorded.usd, weights), strict=True):
        cell = made.get(name, Cell())
        made[name] = replace(
            cell, metered=cell.metered + usd, tokens=cell.tokens + tokens.get(name, 0), prices=(),
        )  # fmt: skip
    return made


def _weight(cell: Cell | None, tokens: int) -> Fraction:
    if cell is None or cell.billed <= 0:
        return Fraction(0)
    return Fraction(cell.billed * tokens, cell.quantity or max(1, cell.tokens + tokens))
