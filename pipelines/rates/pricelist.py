"""All list prices of a logged model: genai-prices' entry, cut where it changes, with the overlay.

Nothing is inherited across tiers or regions unless the list or the overlay says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

from genai_prices import types as gp

from pipelines.rates.blocks import REGION_SEPARATOR, Block, Price, Prices, spans
from pipelines.rates.classes import TOKEN_CLASSES
from pipelines.rates.identity import bare, listed
from pipelines.rates.listprices import GENAI, bands, said, standard_prices, start_days
from pipelines.rates.overlay import overlay
from pipelines.rates.overlay_blocks import RegionRule, boundaries, holds
from pipelines.rates.tiers import TIER_CONTEXTS, tier_prices


def model_blocks(provider: str, model: str) -> list[Block]:
    """All blocks of a logged model name, over the moves of its alias; none if the model is unknown."""
    name = bare(provider, model)
    if name is None:
        return []
    found: list[Block] = []
    for start, end in spans(overlay().alias_days(provider, name)):
        at = start or (end and end - timedelta(days=1))
        if hit := listed(provider, model, at):
            found += _entry_blocks(provider, *hit, start, end)
    return found


def _entry_blocks(
    provider: str, listed_by: gp.Provider, info: gp.ModelInfo, start: date | None, end: date | None
) -> Iterator[Block]:
    def covering(rules, *providers: str):
        return [r for r in rules if any(r.covers(p, info.id) for p in providers)]

    own = listed_by.id == provider
    book = overlay()
    makers = {provider, listed_by.id}
    history = covering(book.history, listed_by.id)
    tiers = covering(book.tiers, provider)
    classes = covering(book.classes, *makers)
    regions = covering(book.regions, provider)
    days = start_days(info) | boundaries([*history, *tiers, *classes, *regions])
    days = {d for d in days if (start is None or d > start) and (end is None or d < end)}
    for since, until in spans(days):
        since, until = since or start, until or end
        at = since or ((until or date(2000, 1, 2)) - timedelta(days=1))
        for window, standard in standard_prices(listed_by, info, history, at):
            by_tier = {"standard": (standard, None)}
            for tier in TIER_CONTEXTS:
                rules = [r for r in tiers if r.tier == tier and holds(r, at)]
                prices = tier_prices(info, own, tier, rules, standard, at, f"{GENAI}: {listed_by.id}/{info.id}")
                if prices:
                    by_tier[tier] = (prices, next((r.input_upto for r in rules if r.input_upto), None))
            for tier, (prices, upto) in by_tier.items():
                full = dict(prices)
                for rule in classes:
                    if rule.tier in (tier, "*") and rule.class_ not in full and holds(rule, at):
                        source, verified, basis = said(rule, at)
                        if rule.same_as is None:
                            each = bands(rule.usd_per_million, rule.usd_each)
                            full[rule.class_] = Price(each, source, verified, basis, rule.excess)
                        elif rule.same_as in full:
                            full[rule.class_] = replace(
                                full[rule.same_as], source=source, verified=verified, basis=basis
                            )
                yield Block(tier, "", window, since, until, full, full, upto)
                for rule in regions:
                    if tier in rule.tiers and holds(rule, at):
                        dearer = _regional(full, rule, tier, at)
                        group = REGION_SEPARATOR.join(rule.regions)
                        yield Block(tier, group, window, since, until, dearer, dearer, upto)


def _regional(prices: Prices, rule: RegionRule, tier: str, at: date) -> Prices:
    """A region's prices: a factor on every token class, but where the vendor publishes them rounded."""
    text, verified, basis = said(rule, at)
    found: dict[str, Price] = {}
    for cls, price in prices.items():
        if tier == "standard" and cls in rule.instead:
            found[cls] = Price(bands(rule.instead[cls]), text, verified, basis)
        elif cls in TOKEN_CLASSES:
            found[cls] = price.times(rule.factor, f"{price.source}; x{rule.factor} {text}", verified, basis)
        else:
            found[cls] = price
    return found
