"""One bill against the ledger: every difference of a (provider, month) named, by account and UTC day.

Cells meet by (UTC day, account, canonical model, token class) and by tier where the bill tells tiers. What the bill
tells coarser is compared coarser: a line for a model without a class takes all classes of it, a bill without models all
of the provider, lines longer than a day the whole month. A bill for tokens of days outside its month is a correction.
Accounts count only where the ledger's `account` (or `project`) dimension holds names that the bill uses too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from pipelines.close.bills import Bill
from pipelines.close.cells import (
    CORRECTION, CREDITS, NOT_METERED, RATE, ROUNDING, TAX, TOOLS, UNEXPLAINED, Cell, add, constant_ratio, named, surplus,
)  # fmt: skip
from pipelines.close.lines import Line
from pipelines.close.metered import CAPACITY, FEES, RECORDED, Held, Metered, Place, summed
from pipelines.close.spread import spread

Day = date | None
#: what is billed as named without a comparison
NAMED = {"tax": TAX, "credit": CREDITS, "correction": CORRECTION, "other": UNEXPLAINED}


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


@dataclass
class Compared:
    """Differences of one (provider, month), 10^-12 dollars."""

    month: dict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))  #: account -> item -> amount
    days: dict[tuple[date, str], dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    #: what no log holds: (the bill's account, how it was found, amount)
    unseen: list[tuple[str, str, int]] = field(default_factory=list)

    def put(self, account: str, day: Day, items: dict[str, int]) -> None:
        add(self.month[account], items)
        if day is not None:
            add(self.days[day, account], items)


class Comparison:
    """Builds `Compared`. `doubled`: what is suspected of being in the logs twice, by (day, model)."""

    def __init__(self, bill: Bill, metered: Metered, told: bool, doubled: dict[tuple[date, str], int]) -> None:
        self.bill, self.told = bill, told
        self.first, self.last = bill.window()
        self.doubled = dict(doubled)
        self.found = Compared()
        inside = [line for line in bill.lines if line.use == "tokens" and self._in(line.day)]
        self.lines = inside
        self.totals = bool(inside) and not any(line.model for line in inside)
        self.tiers = {line.tier for line in inside if line.tier}
        self.uses = {line.use for line in bill.lines}
        self.cells = [(p, h) for p, h in metered.cells.get(bill.provider, {}).items() if self._in(p.day)]
        self.standing = [
            (utc_day, account, fixed)
            for _, utc_day, account, _, fixed in metered.days.get(bill.provider, ())
            if fixed and self._in(utc_day)
        ]
        self.reports = self._usable(metered.reports.get(bill.provider, {}))
        self.report_days = {place.day for place in self.reports}

    def run(self) -> Compared:
        for line in self.bill.lines:
            if line.use in NAMED:
                self.found.put(self._account(line.account), line.day, {NAMED[line.use]: line.amount})
            elif line.use == "tokens" and not self._in(line.day):
                self.found.put(self._account(line.account), None, {CORRECTION: line.amount})
        self._tools()
        self._fixed()
        self._tokens()
        return self.found

    def _in(self, day: date) -> bool:
        return self.first <= day <= self.last

    def _account(self, account: str) -> str:
        return account if self.told else ""

    def _day(self, day: date) -> Day:
        return day if self.bill.by_day else None

    def _usable(self, reports: dict[Place, int]) -> dict[Place, int]:
        """A report that tells no accounts can't be compared by account."""
        if self.told and not any(place.account for place in reports):
            return {}
        return {place: tokens for place, tokens in reports.items() if self._in(place.day)}

    def _tools(self) -> None:
        """Tool lines less the ledger's own fees per use."""
        net: dict[tuple[date, str], int] = defaultdict(int)
        for line in self.bill.lines:
            if line.use == "tool":
                net[line.day, self._account(line.account)] += line.amount
        if "tool" in self.uses or not self.totals:
            for place, held in self.cells:
                if place.token_class == FEES:
                    net[place.day, self._account(place.account)] -= held.usd
        for (day, account), amount in sorted(net.items()):
            if amount:
                self.found.put(account, day, {TOOLS: amount})

    def _fixed(self) -> None:
        """Purchases (provisioned capacity, commitments) against the fixed costs of the ledger: by month, and by day."""
        if self.totals and "fixed" not in self.uses:
            return
        billed: dict[tuple[date, str], list[Line]] = defaultdict(list)
        net: dict[tuple[date, str], int] = defaultdict(int)
        for line in self.bill.lines:
            if line.use == "fixed":
                billed[line.day, self._account(line.account)].append(line)
                net[line.day, self._account(line.account)] += line.amount
        for place, held in self.cells:
            if place.token_class == CAPACITY:
                net[place.day, self._account(place.account)] -= held.usd
        for day, account, usd in self.standing:
            net[day, self._account(account)] -= usd
        whole: dict[str, int] = defaultdict(int)
        for (day, account), amount in sorted(net.items()):
            whole[account] += amount
            if amount:
                add(self.found.days[day, account], surplus(amount, 0))
        bound = len(billed) * 10 ** (12 - self.bill.decimals) + len(net)
        for account, amount in whole.items():
            lines = [line for (_, a), found in billed.items() for line in found if a == account]
            items = {ROUNDING: amount} if amount and abs(amount) <= bound else surplus(amount, 0)
            add(self.found.month[account], items)
            self._unseen(lines, items.get(NOT_METERED, 0))

    def _tokens(self) -> None:
        pairs = self._pairs()
        cells: dict[tuple[Spot, str], tuple[Cell, list[Line]]] = {}
        prices = self._month_prices()
        for spot, pair in pairs.items():
            for token_class, cell in self._cells(spot, pair).items():
                lines = [line for line in pair.lines if not token_class or line.token_class == token_class]
                cells[spot, token_class] = cell, lines
        series: dict[tuple[str, str, str, str], list[Cell]] = defaultdict(list)
        for (spot, token_class), (cell, _) in cells.items():
            series[spot.account, spot.model, spot.tier, token_class].append(cell)
        ratios = {key: constant_ratio(found) for key, found in series.items()}
        for (spot, token_class), (cell, lines) in sorted(cells.items(), key=lambda one: repr(one[0])):
            ratio = ratios[spot.account, spot.model, spot.tier, token_class]
            twice = self._twice(spot)
            if not token_class and self._reported(spot):
                items = self._by_report(pairs[spot], cell, prices, spot, twice)
            else:
                items = named(cell, ratio, twice)
            self._use_up(spot, -items.get("recorded twice", 0))
            self.found.put(spot.account, spot.day, items)
            self._unseen(lines, items.get(NOT_METERED, 0), cell.uncounted)

    def _pairs(self) -> dict[Spot, Pair]:
        pairs: dict[Spot, Pair] = defaultdict(Pair)
        for line in self.lines:
            pairs[self._spot(line.day, line.account, line.model, line.tier)].lines.append(line)
        left_out = {name for name, use in ((FEES, "tool"), (CAPACITY, "fixed")) if use in self.uses or not self.totals}
        for place, held in self.cells:
            if place.token_class not in left_out:
                spot = self._spot(place.day, place.account, place.model, place.tier)
                pairs[spot].held[place.token_class].append(held)
        if "fixed" not in self.uses and self.totals:
            for day, account, usd in self.standing:
                pairs[self._spot(day, account, "", "")].held[CAPACITY].append(Held(usd))
        for place, tokens in self.reports.items():
            spot = self._spot(place.day, place.account, place.model, place.tier)
            if spot in pairs:
                pairs[spot].reported[f"{place.model}|{place.token_class}" if self.totals else place.token_class] += tokens
        return dict(pairs)

    def _spot(self, day: date, account: str, model: str, tier: str) -> Spot:
        if self.totals:
            return Spot(self._day(day), self._account(account))
        return Spot(self._day(day), self._account(account), model, tier if tier in self.tiers else "")

    def _reported(self, spot: Spot) -> bool:
        """Whether a usage report covers the spot."""
        if spot.day is not None:
            return spot.day in self.report_days
        return bool(self.report_days) and {place.day for place, _ in self.cells} <= self.report_days

    def _cells(self, spot: Spot, pair: Pair) -> dict[str, Cell]:
        """Token class -> cell; the class is empty where the bill does not tell classes."""
        coarse = self.totals or any(not line.token_class for line in pair.lines)
        if coarse:
            whole = summed(held for parts in pair.held.values() for held in parts)
            cell = self._cell(pair.lines, whole, None)
            return {"": cell}
        recorded = summed(pair.held.get(RECORDED, ()))
        held = {name: summed(parts) for name, parts in pair.held.items() if name != RECORDED}
        classes = sorted({line.token_class for line in pair.lines} | held.keys())
        reported = pair.reported if self._reported(spot) else None
        found = {}
        for name in classes:
            lines = [line for line in pair.lines if line.token_class == name]
            quantity = None if reported is None else reported.get(name, 0)
            found[name] = self._cell(lines, held.get(name, Held()), quantity)
        return _with_recorded(found, held, recorded)

    def _cell(self, lines: list[Line], held: Held, quantity: int | None) -> Cell:
        counted = [line for line in lines if line.quantity is not None]
        own = sum(line.quantity or 0 for line in counted) if counted else None
        uncounted = sum(line.amount for line in lines if line.quantity is None) if counted else 0
        low_high = (min(held.prices), max(held.prices)) if held.prices else ()
        return Cell(
            billed=sum(line.amount for line in lines), lines=len(lines),
            quantity=quantity if own is None else own, uncounted=uncounted, metered=held.usd, tokens=held.tokens,
            unpriced=held.unpriced, requests=held.requests, prices=tuple(dict.fromkeys(low_high)),
            decimals=self.bill.decimals, names_tokens=not self.totals,
        )  # fmt: skip

    def _month_prices(self) -> dict[tuple[str, str], Fraction]:
        """(model, class) -> what the ledger paid for a token of it over the window."""
        total: dict[tuple[str, str], Held] = defaultdict(Held)
        for place, held in self.cells:
            total[place.model, place.token_class].take(held)
        return {key: Fraction(held.usd, held.tokens) for key, held in total.items() if held.tokens}

    def _by_report(
        self, pair: Pair, cell: Cell, prices: dict[tuple[str, str], Fraction], spot: Spot, twice: int
    ) -> dict[str, int]:
        """A bill without classes (or models) beside a usage report: missing tokens at what such tokens cost in the month."""
        held: dict[tuple[str, str], int] = defaultdict(int)
        for place, found in self.cells:
            if self._spot(place.day, place.account, place.model, place.tier) == spot:
                held[place.model, place.token_class] += found.tokens + found.unpriced + found.recorded
        missing: dict[tuple[str, str], int] = defaultdict(int)
        for name, tokens in pair.reported.items():
            model, _, token_class = name.rpartition("|")
            missing[model or spot.model, token_class] += tokens
        for key, tokens in held.items():
            if key[1] not in (FEES, CAPACITY, RECORDED):
                missing[key] -= tokens
        unknown = any(tokens > 0 for key, tokens in missing.items() if key not in prices)
        volumes = [round(tokens * prices[key]) for key, tokens in missing.items() if key in prices]
        items: dict[str, int] = {}
        add(items, surplus(sum(v for v in volumes if v > 0), 0))
        add(items, surplus(sum(v for v in volumes if v < 0), twice))
        rest = cell.difference - sum(items.values())
        if rest:
            within = abs(rest) <= cell.bound + len(volumes)
            name = ROUNDING if within else NOT_METERED if unknown and rest > 0 else UNEXPLAINED if self.totals else RATE
            add(items, {name: rest})
        return items

    def _twice(self, spot: Spot) -> int:
        return sum(amount for key, amount in self.doubled.items() if self._suspected(spot, key))

    def _suspected(self, spot: Spot, key: tuple[date, str]) -> bool:
        day, model = key
        return (spot.day is None and self._in(day) or spot.day == day) and spot.model in ("", model)

    def _use_up(self, spot: Spot, amount: int) -> None:
        """What was named as recorded twice is not suspected a second time."""
        for key in sorted(self.doubled):
            if amount > 0 and self._suspected(spot, key):
                part = min(amount, self.doubled[key])
                self.doubled[key] -= part
                amount -= part

    def _unseen(self, lines: list[Line], amount: int, uncounted: int = 0) -> None:
        """Which of the bill's accounts `amount` belongs to. Where the ledger doesn't tell accounts and several are in the
        cell: first the lines that no quantity could compare, then by what each account is billed."""
        if amount <= 0:
            return
        if 0 < uncounted <= amount:
            loose = [line for line in lines if line.quantity is None]
            self._unseen(loose, uncounted)
            amount -= uncounted
            lines = [line for line in lines if line.quantity is not None]
        weights: dict[str, int] = defaultdict(int)
        for line in lines:
            weights[line.account] += max(line.amount, 0)
        method = "account" if len(weights) <= 1 else "share of the bill"
        parts = spread(amount, list(weights.values()) or [1])
        for account, part in zip(weights or [""], parts, strict=True):
            if part:
                self.found.unseen.append((account, method, part))


def _with_recorded(cells: dict[str, Cell], held: dict[str, Held], recorded: Held) -> dict[str, Cell]:
    """The sender's figures are whole calls: spread over the classes by what the bill asks for such tokens."""
    tokens = {name: part.recorded for name, part in held.items() if part.recorded}
    if not recorded.usd and not tokens:
        return cells
    names = list(tokens) or list(cells) or [""]
    weights = [_weight(cells.get(name), tokens.get(name, 1)) for name in names]
    if not any(weights):
        weights = [tokens.get(name, 1) for name in names]
    made = dict(cells)
    for name, usd in zip(names, spread(recorded.usd, weights), strict=True):
        cell = made.get(name, Cell())
        made[name] = Cell(
            cell.billed, cell.lines, cell.quantity, cell.uncounted, cell.metered + usd,
            cell.tokens + tokens.get(name, 0), cell.unpriced, cell.requests, (), cell.decimals, cell.names_tokens,
        )  # fmt: skip
    return made


def _weight(cell: Cell | None, tokens: int) -> Fraction:
    if cell is None or cell.billed <= 0:
        return Fraction(0)
    return Fraction(cell.billed * tokens, cell.quantity or max(1, cell.tokens + tokens))


def overlapping(rows: Iterable[dict], provider: str) -> dict[tuple[date, str], int]:
    """(day, canonical model) -> up to how much of the provider's spend may stand in the ledger twice."""
    found: dict[tuple[date, str], int] = defaultdict(int)
    for row in rows:
        if row["subject"].startswith(f"{provider}/"):
            found[row["day"], row["subject"]] += int(row["size"].scaleb(12))
    return dict(found)
