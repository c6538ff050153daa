"""Contracted prices over the list's: blocks, cut where a negotiated rate or a discount changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from fnmatch import fnmatchcase

from pipelines.rates.blocks import Block, Price, Window, in_region, spans
from pipelines.rates.contract import Contract, Discount, NegotiatedRate, edges, first_day

#: A discounted unit price has as many places as a card holds.
CARD_PLACES = Decimal("1e-15")


def apply_contract(blocks: list[Block], provider: str, names: set[str], contract: Contract) -> list[Block]:
    """The blocks with contracted prices, cut where a negotiated rate or a discount begins or ends."""
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
        days = {d for d in edges([*mine, *discounts]) if _inside(d, block)}
        for since, until in spans(days):
            since, until = since or block.valid_from, until or block.valid_to
            prices = _contracted(block, mine, discounts, first_day(since, until))
            if prices:
                found.append(replace(block, valid_from=since, valid_to=until, contracted=prices))
    return found


def _inside(day: date, block: Block) -> bool:
    return (block.valid_from is None or day > block.valid_from) and (block.valid_to is None or day < block.valid_to)


def _contracted(block: Block, rates: list[NegotiatedRate], discounts: list[Discount], at: date) -> dict[str, Price]:
    prices = dict(block.listed)
    holding = [d for d in discounts if d.holds(at)]
    if holding:
        closest = max(holding, key=lambda d: (d.model != "*", len(d.model)))
        factor = 1 - closest.percent / 100
        text = f"contract: {closest.percent}% off"
        for cls, price in prices.items():
            bands = tuple((o, (p * factor).quantize(CARD_PLACES, ROUND_HALF_EVEN)) for o, p in price.bands)
            prices[cls] = Price(bands, f"{price.source}; {text}", price.verified)
    for rate in rates:
        if rate.holds(at):
            prices[rate.class_] = rate.price
    return prices


def _unlisted(blocks: list[Block], rates: list[NegotiatedRate]) -> Iterator[Block]:
    """Empty blocks for the tiers, regions and times of negotiated rates that no list price covers."""
    for tier, region in sorted({(r.service_tier, r.region_key) for r in rates}):
        same = [b for b in blocks if (b.tier, b.region) == (tier, region)]
        days = {d for b in same for d in (b.valid_from, b.valid_to) if d is not None}
        for since, until in spans(days):
            at = first_day(since, until)
            if not any((b.valid_from or date.min) <= at < (b.valid_to or date.max) for b in same):
                yield Block(tier, region, Window(), since, until, {}, {})
