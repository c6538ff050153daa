"""Contracted prices over the list's: blocks, cut where a negotiated rate, its exchange rate or a discount changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import ROUND_HALF_EVEN
from fnmatch import fnmatchcase

from pipelines.rates.agreements import CARD_PLACES, Discount, NegotiatedRate
from pipelines.rates.blocks import Block, Price, Window, in_region, spans
from pipelines.rates.contract import Contract, edges, first_day
from pipelines.rates.exchange import Exchange


def apply_contract(blocks: list[Block], provider: str, names: set[str], contract: Contract) -> list[Block]:
    """The blocks with contracted prices, cut where a negotiated rate, its exchange rate or a discount begins or ends."""
    rates = [r for r in contract.rates if r.provider == provider and r.model in names]
    discounts = [
        d for d in contract.discounts if d.provider == provider and any(fnmatchcase(n, d.model) for n in names)
    ]
    if not rates and not discounts:
        return blocks
    for region in sorted({r.region_key for r in rates} - {b.region for b in blocks}):
        # a negotiated region leaves its group: the other classes keep the group's prices
        blocks = [
            *blocks,
            *(replace(b, region=region) for b in blocks if b.region and in_region(b.region, region)),
        ]
    covered = [*blocks, *_unlisted(blocks, rates)]
    found: list[Block] = []
    for block in covered:
        mine = [r for r in rates if r.service_tier == block.tier and r.region_key == block.region]
        days = {d for d in edges([*mine, *discounts]) | _quoted(mine, contract.fx) if _inside(d, block)}
        for since, until in spans(days):
            since, until = since or block.valid_from, until or block.valid_to
            prices = _contracted(block, mine, discounts, first_day(since, until), contract.fx)
            if prices:
                found.append(replace(block, valid_from=since, valid_to=until, contracted=prices))
    return found


def _inside(day: date, block: Block) -> bool:
    return (block.valid_from is None or day > block.valid_from) and (block.valid_to is None or day < block.valid_to)


def _quoted(rates: list[NegotiatedRate], fx: Exchange) -> set[date]:
    """The days on which the exchange rate of a rate in another currency changes, begins or ends."""
    currencies = {r.currency for r in rates} - {"USD"}
    return {day for c in currencies for first, end, _ in fx.stretches(c) for day in (first, end)}


def _contracted(
    block: Block, rates: list[NegotiatedRate], discounts: list[Discount], at: date, fx: Exchange
) -> dict[str, Price]:
    prices = dict(block.listed)
    holding = [d for d in discounts if d.holds(at)]
    if holding:
        closest = max(holding, key=lambda d: (d.model != "*", len(d.model)))
        factor = 1 - closest.percent / 100
        text = f"contract: {closest.said}"
        for cls, price in prices.items():
            bands = tuple((o, (p * factor).quantize(CARD_PLACES, ROUND_HALF_EVEN)) for o, p in price.bands)
            prices[cls] = replace(price, bands=bands, source=f"{price.source}; {text}")
    for rate in sorted(rates, key=lambda r: r.input_over or -1):
        if not rate.holds(at) or (rate.input_over or -1) < block.input_over:
            continue
        if block.input_upto is not None and (rate.input_over or -1) >= block.input_upto:
            continue
        if quote := None if rate.currency == "USD" else fx.in_force(rate.currency, at):
            prices[rate.class_] = _over(rate, rate.price(quote), prices.get(rate.class_))
        elif rate.currency == "USD":
            prices[rate.class_] = _over(rate, rate.price(), prices.get(rate.class_))
        else:
            # agreed, but in a currency without a rate for the day: no price, and never the list's instead
            prices.pop(rate.class_, None)
    return prices


def _over(rate: NegotiatedRate, price: Price, below: Price | None) -> Price:
    """The price of the rate; for a rate above so many input tokens, the price there was stays below."""
    return price if rate.input_over is None else price.above(rate.input_over, below)


def _unlisted(blocks: list[Block], rates: list[NegotiatedRate]) -> Iterator[Block]:
    """Empty blocks for the tiers, regions, times and lengths of negotiated rates that no list price covers."""
    for tier, region in sorted({(r.service_tier, r.region_key) for r in rates}):
        same = [b for b in blocks if (b.tier, b.region) == (tier, region)]
        days = {d for b in same for d in (b.valid_from, b.valid_to) if d is not None}
        banded = any(r.input_over is not None for r in rates if (r.service_tier, r.region_key) == (tier, region))
        for since, until in spans(days):
            at = first_day(since, until)
            holding = [b for b in same if (b.valid_from or date.min) <= at < (b.valid_to or date.max)]
            if not holding:
                yield Block(tier, region, Window(), since, until, {}, {})
            elif banded and all(b.input_upto is not None for b in holding):
                longest = max(b.input_upto or 0 for b in holding)
                yield Block(tier, region, Window(), since, until, {}, {}, input_over=longest)
