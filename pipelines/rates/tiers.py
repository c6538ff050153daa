"""What a processing tier costs on a day: as the list says, as the overlay says, or nothing is known."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time

from genai_prices import types as gp

from pipelines.rates.blocks import Price, Prices
from pipelines.rates.listprices import class_prices, said
from pipelines.rates.overlay import TierRule

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
            text = f"{source}; {said(rule)[0]}"
            return _carried_back(info, first, starts[first], standard, text, rule.verified)
    for rule in rules:
        if rule.factor is not None:
            text = f"{source}; x{rule.factor} {said(rule)[0]}"
            prices = {c: standard[c].times(rule.factor, text, rule.verified) for c in rule.classes if c in standard}
            prices |= {c: standard[c] for c in rule.unchanged if c in standard}
            return prices or None
    return None


def _carried_back(
    info: gp.ModelInfo, since: date, variant: gp.PriceVariant, standard: Prices, source: str, verified: date
) -> Prices:
    """The variant's prices before its first dated block.

    As they are where the standard price was the same then, in the same ratio where it was another; a class
    without an exact ratio has no price.
    """
    later = class_prices(info.get_prices(datetime.combine(since, time(12), UTC)), source)
    prices = dict(standard)
    for cls, price in class_prices(variant.prices, source).items():
        if cls not in standard or cls not in later:
            prices.pop(cls, None)
        elif standard[cls].bands == later[cls].bands:
            prices[cls] = replace(price, verified=verified)
        else:
            factor = price.bands[0][1] / later[cls].bands[0][1]
            if factor * later[cls].bands[0][1] == price.bands[0][1]:
                prices[cls] = standard[cls].times(factor, source, verified)
            else:
                prices.pop(cls)
    return prices
