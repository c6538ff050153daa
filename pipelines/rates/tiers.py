"""What a processing tier costs on a day: as the list says, as the overlay says, or nothing is known."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time

from genai_prices import types as gp

from pipelines.rates.blocks import Price, Prices
from pipelines.rates.listprices import bands, class_prices, said
from pipelines.rates.overlay_blocks import TierRule

#: service tier -> the request contexts under which genai-prices lists it
TIER_CONTEXTS = {
    "batch": (("processing", "batch"),),
    "flex": (("service_tier", "flex"),),
    "priority": (("service_tier", "priority"),),
    "fast": (("service_tier", "fast"), ("speed", "fast")),
}


def tier_prices(
    info: gp.ModelInfo, own: bool, tier: str, rules: list[TierRule], standard: Prices, at: date, source: str
) -> Prices | None:
    """The prices of a tier on a day: the list's, the list's carried back, or a factor; else none."""
    variants = [v for v in info.price_variants or () if own and next(iter(v.when.items())) in TIER_CONTEXTS[tier]]
    noon = datetime.combine(at, time(12), UTC)
    active = [v for v in variants if v.constraint is None or v.constraint.active(noon)]
    if active:
        overrides: dict[str, Price] = {}
        for variant in reversed(active):
            overrides |= class_prices(variant.prices, source)
        return {**standard, **overrides}
    starts = {c.start_date: v for v in variants if isinstance(c := v.constraint, gp.StartDateConstraint)}
    for rule in rules:
        if rule.carry_back and starts:
            first = min(starts)
            return _carried_back(info, first, starts[first], standard, rule, at, source)
    prices: dict[str, Price] = {}
    for rule in rules:
        text, verified, basis = said(rule, at)
        for cls, each in (rule.usd_per_million or {}).items():
            prices.setdefault(cls, Price(bands(each), text, verified, basis))
        if rule.factor is not None:
            text = f"{source}; x{rule.factor} {text}"
            for cls in rule.classes:
                if cls in standard:
                    prices.setdefault(cls, standard[cls].times(rule.factor, text, verified, basis))
        for cls in rule.unchanged:
            if cls in standard:
                prices.setdefault(cls, standard[cls])
    return prices or None


def _carried_back(
    info: gp.ModelInfo,
    since: date,
    variant: gp.PriceVariant,
    standard: Prices,
    rule: TierRule,
    at: date,
    source: str,
) -> Prices:
    """The variant's prices before its first dated block.

    As they are where the standard price was the same then, in the same ratio where it was another; a class
    without an exact ratio has no price.
    """
    text, verified, basis = said(rule, at)
    source = f"{source}; {text}"
    later = class_prices(info.get_prices(datetime.combine(since, time(12), UTC)), source)
    prices = dict(standard)
    for cls, price in class_prices(variant.prices, source).items():
        if cls not in standard or cls not in later:
            prices.pop(cls, None)
        elif standard[cls].bands == later[cls].bands:
            prices[cls] = replace(price, verified=verified, basis=basis)
        else:
            factor = price.bands[0][1] / later[cls].bands[0][1]
            if factor * later[cls].bands[0][1] == price.bands[0][1]:
                prices[cls] = standard[cls].times(factor, source, verified, basis)
            else:
                prices.pop(cls)
    return prices
