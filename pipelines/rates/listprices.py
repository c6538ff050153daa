"""Standard prices of one entry of genai-prices on one day, or of the overlay's history in its place."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path

from genai_prices import data
from genai_prices import types as gp

from pipelines.rates.blocks import DAY, Price, Prices, Window
from pipelines.rates.classes import CLASSES, unit_price
from pipelines.rates.overlay_blocks import Bands, Dated, History, holds

GENAI = f"genai-prices {version('genai-prices')}"


@cache
def list_hash() -> str:
    """Content hash of the installed price list: two lists of one version number are two lists."""
    return hashlib.sha256(Path(data.__file__).read_bytes()).hexdigest()


def standard_prices(
    listed_by: gp.Provider, info: gp.ModelInfo, history: list[History], at: date
) -> Iterator[tuple[Window, Prices]]:
    """The standard prices of the day `at`, one set per window of the week."""
    if history:  # where the overlay tells a model's history, it tells all of it
        for block in (h for h in history if holds(h, at)):
            start, end = (int(t[:2]) * 3600 + int(t[3:]) * 60 for t in block.window)
            source, verified, basis = said(block, at)
            prices = {
                c: Price(bands(b), source, verified, basis, block.excess) for c, b in block.usd_per_million.items()
            }
            yield Window(start, end, *block.weekdays), with_embedding(info, prices)
        return
    source = f"{GENAI}: {listed_by.id}/{info.id}"
    constraints = [] if isinstance(info.prices, gp.ModelPrice) else [c.constraint for c in info.prices]
    cuts = {0, DAY}
    for c in constraints:
        if isinstance(c, gp.TimeOfDateConstraint):
            cuts |= {_second(c.start_time), _second(c.end_time)}
    for start, end in pairwise(sorted(cuts)):
        noon = datetime.combine(at, time(), UTC) + timedelta(seconds=start)
        yield Window(start, end), with_embedding(info, class_prices(info.get_prices(noon), source))


def _second(moment: time) -> int:
    utc = datetime.combine(date(1970, 1, 1), moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    return utc.hour * 3600 + utc.minute * 60 + utc.second


def with_embedding(info: gp.ModelInfo, prices: Prices) -> Prices:
    """An embedding model's input tokens may be logged as `embedding`: the same tokens at the same price."""
    if "embed" in info.id and "input" in prices and "embedding" not in prices:
        return {**prices, "embedding": prices["input"]}
    return prices


def class_prices(price: gp.ModelPrice, source: str) -> dict[str, Price]:
    """A genai-prices price set by class; the more specific key wins where two mean one class."""
    found: dict[str, Price] = {}
    for key in sorted(price.__dict__, key=len):
        value = price.__dict__[key]
        if value is None or key not in CLASSES:
            continue
        cls, per = CLASSES[key]
        tiers = [(t.start, t.price) for t in value.tiers] if isinstance(value, gp.TieredPrices) else []
        base = value.base if isinstance(value, gp.TieredPrices) else value
        found[cls] = Price(tuple((over, unit_price(p, per)) for over, p in [(-1, base), *tiers]), source)
    return found


def bands(per_million: Bands | None, each: Decimal | None = None) -> tuple[tuple[int, Decimal], ...]:
    if each is not None:
        return ((-1, each),)
    if isinstance(per_million, tuple):
        first, *rest = per_million
        return ((-1, unit_price(first[1], 1_000_000)), *((o, unit_price(p, 1_000_000)) for o, p in rest))
    assert per_million is not None
    return ((-1, unit_price(per_million, 1_000_000)),)


def said(rule: Dated, at: date) -> tuple[str, date | None, str]:
    """A rule's source, the day of its last comparison, and how well it is known on a day."""
    basis, verified = rule.known(at)
    return f"overlay: {rule.source}", verified, basis


def start_days(info: gp.ModelInfo) -> set[date]:
    conditions = [] if isinstance(info.prices, gp.ModelPrice) else [c.constraint for c in info.prices]
    conditions += [v.constraint for v in info.price_variants or ()]
    return {c.start_date for c in conditions if isinstance(c, gp.StartDateConstraint)}
