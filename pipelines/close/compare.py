"""One bill against the ledger: every difference of a (provider, month) named, by account and UTC day.

Cells meet by (UTC day, account, canonical model, token class) and by tier where the bill tells tiers. What the bill
tells coarser is compared coarser: a line for a model without a class takes all classes of it, a bill without models all
of the provider, lines longer than a day the whole month. A bill for tokens of days outside its month is a correction.
Accounts count only where the ledger's `account` (or `project`) dimension holds names that the bill uses too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from pipelines.close import cells as item
from pipelines.close.bills import Bill
from pipelines.close.cells import Cell, add, constant_ratio, named, surplus
from pipelines.close.doubles import Doubles
from pipelines.close.lines import Line
from pipelines.close.metered import CAPACITY, FEES, RECORDED, Held, Metered, Place
from pipelines.close.pairs import Day, Pair, Spot, order, owners
from pipelines.close.spread import spread

#: what is billed as named without a comparison
NAMED = {"tax": item.TAX, "credit": item.CREDITS, "correction": item.CORRECTION, "other": item.UNEXPLAINED}


@dataclass
class Compared:
    """Differences of one (provider, month), 10^-12 dollars."""

    month: dict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))  #: account -> item -> amount
    days: dict[tuple[date, str], dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    #: what no log holds: (the bill's account, its key, how that is known, amount)
    unseen: list[tuple[str, str, str, int]] = field(default_factory=list)
    #: account -> part of `not billed` that the providers of a customer's own keys bill
    elsewhere: dict[str, int] = field(default_factory=dict)

    def put(self, account: str, day: Day, items: dict[str, int]) -> None:
        add(self.month[account], items)
        if day is not None:
            add(self.days[day, account], items)


class Comparison:
    """Builds `Compared`. `doubled`: what is suspected of being in the logs twice, by (day, model)."""

    def __init__(self, bill: Bill, metered: Metered, told: bool, doubled: Mapping[tuple[date, str], int]) -> None:
        self.bill, self.told = bill, told
        self.first, self.last = bill.window()
        self.doubled = Doubles(doubled, self.first, self.last)
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
        self.elsewhere: dict[Spot, int] = defaultdict(int)
        for (day, account, model), amount in metered.elsewhere.get(bill.provider, {}).items():
            self.elsewhere[self._spot(day, account, model, "")] += amount

    def run(self) -> Compared:
        for line in self.bill.lines:
            if line.use in NAMED:
                self.found.put(self._account(line.account), line.day, {NAMED[line.use]: line.amount})
            elif line.use == "tokens" and not self._in(line.day):
                self.found.put(self._account(line.account), None, {item.CORRECTION: line.amount})
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
                self.found.put(account, day, {item.TOOLS: amount})

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
            items = {item.ROUNDING: amount} if amount and abs(amount) <= bound else surplus(amount, 0)
            add(self.found.month[account], items)
            self.found.unseen += owners(lines, items.get(item.NOT_METERED, 0))

    def _tokens(self) -> None:
        pairs = self._pairs()
        cells: dict[tuple[Spot, str], tuple[Cell, list[Line]]] = {}
        prices = self._month_prices()
        for spot, pair in pairs.items():
            for token_class, cell in pair.cells(self.bill.decimals, self.totals, self._reported(spot)).items():
                lines = [line for line in pair.lines if not token_class or line.token_class == token_class]
                cells[spot, token_class] = cell, lines
        series: dict[tuple[str, str, str, str], list[Cell]] = defaultdict(list)
        for (spot, token_class), (cell, _) in cells.items():
            if cell.quantity is None:
                series[spot.account, spot.model, spot.tier, token_class].append(cell)
        ratios = {key: constant_ratio(found) for key, found in series.items()}
        for (spot, token_class), (cell, lines) in sorted(cells.items(), key=order):
            ratio = ratios.get((spot.account, spot.model, spot.tier, token_class), Fraction(1))
            twice = self.doubled.at(spot)
            if not token_class and self._reported(spot):
                items = self._by_report(pairs[spot], cell, prices, spot, twice)
            else:
                items = named(cell, ratio, twice)
            self.doubled.use_up(spot, -items.get(item.TWICE, 0))
            self.found.put(spot.account, spot.day, items)
            self.found.unseen += owners(lines, items.get(item.NOT_METERED, 0), cell.uncounted)

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
                key = f"{place.model}|{place.token_class}" if self.totals else place.token_class
                pairs[spot].reported[key] += tokens
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
        unpriced: dict[tuple[str, str], int] = defaultdict(int)
        for place, found in self.cells:
            if self._spot(place.day, place.account, place.model, place.tier) == spot:
                held[place.model, place.token_class] += found.tokens + found.unpriced + found.recorded
                unpriced[place.model, place.token_class] += found.unpriced
        missing: dict[tuple[str, str], int] = defaultdict(int)
        for key, tokens in pair.reported.items():
            model, _, token_class = key.rpartition("|")
            missing[model or spot.model, token_class] += tokens
        for cell_key, tokens in held.items():
            if cell_key[1] not in (FEES, CAPACITY, RECORDED):
                missing[cell_key] -= tokens
        volumes = [round(tokens * prices[one]) for one, tokens in missing.items() if one in prices]
        items: dict[str, int] = {}
        add(items, surplus(sum(v for v in volumes if v > 0), 0))
        add(items, surplus(sum(v for v in volumes if v < 0), twice))
        if told := sum(round(tokens * prices[one]) for one, tokens in unpriced.items() if one in prices):
            items[item.UNPRICED] = told
        rest = cell.difference - sum(items.values())
        if abs(rest) <= cell.bound + len(volumes):
            add(items, {item.ROUNDING: rest} if rest else {})
            return items
        if (other := min(-rest, self.elsewhere[spot])) > 0:
            add(items, {item.NOT_BILLED: -other})
            add(self.found.elsewhere, {spot.account: other})
            rest += other
            if abs(rest) <= cell.bound + len(volumes):
                add(items, {item.ROUNDING: rest} if rest else {})
                return items
        # what has no price anywhere can only be what is left: by tokens, between calls without a price and missing ones
        blind = [sum(max(0, n) for one, n in found.items() if one not in prices) for found in (missing, unpriced)]
        if rest > 0 and any(blind):
            for word, part in zip((item.NOT_METERED, item.UNPRICED), spread(rest, blind), strict=True):
                add(items, {word: part} if part else {})
        else:
            add(items, {item.UNEXPLAINED if self.totals else item.RATE: rest})
        return items
