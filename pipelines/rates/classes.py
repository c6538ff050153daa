"""Token classes and other priced units (SKUs): genai-prices' keys under the names of the request log."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, Decimal

from genai_prices.units import _get_registry

#: The six token classes that every card has a column for; all others are extras.
MAIN = ("input", "cache_read", "cache_write", "cache_write_long", "output", "reasoning")
#: The classes of a prompt of which a band may price the excess alone, and what its SKU is called: `input_excess`.
EXCESS_CLASSES = ("input", "cache_read", "cache_write", "cache_write_long")
EXCESS = "_excess"
#: Places of a unit price: enough for a price per hour of audio to give the right 12th place of an amount.
UNIT_PLACES = Decimal("1e-22")
TOKEN_FAMILY = "tokens"
_RENAMED = {
    "input_tokens": "input",
    "output_tokens": "output",
    "cache_read_tokens": "cache_read",
    "cache_write_tokens": "cache_write",
    "cache_write_5m_tokens": "cache_write",
    "cache_write_1h_tokens": "cache_write_long",
    "output_reasoning_tokens": "reasoning",
    "web_searches": "web_search",
    "storage_searches": "file_search",
    "social_searches": "social_search",
    "rerank_searches": "rerank_search",
    "code_executions": "code_execution",
    "requests": "request",
}
_UNITS = _get_registry().units


def _class(usage_key: str) -> str:
    """`cache_audio_read_tokens` is `cache_read_audio` here: the class first, then the modality."""
    name = _RENAMED.get(usage_key, usage_key.removesuffix("_tokens"))
    return re.sub(r"^cache_(text|audio|image|video)_(read|write)", r"cache_\2_\1", name)


#: genai-prices' price key -> (class, units that the price is for)
CLASSES = {unit.price_key: (_class(key), unit.per) for key, unit in _UNITS.items()}
#: classes that count tokens of the prompt, and so decide the context band
INPUT_CLASSES = frozenset(
    {CLASSES[u.price_key][0] for u in _UNITS.values()
     if u.dimensions["family"] == TOKEN_FAMILY and u.dimensions["direction"] == "input"}
    | {"embedding"} | {f"{cls}{EXCESS}" for cls in EXCESS_CLASSES}
)  # fmt: skip
TOKEN_CLASSES = INPUT_CLASSES | {
    CLASSES[u.price_key][0] for u in _UNITS.values() if u.dimensions["family"] == TOKEN_FAMILY
}


def unit_price(price: Decimal, per: int) -> Decimal:
    return (price / per).quantize(UNIT_PLACES, ROUND_HALF_EVEN).normalize()
