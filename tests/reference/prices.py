"""List prices of the models that the sample company uses, written down by hand, in US dollars per million
tokens.

Sources: OpenAI's API pricing page (developers.openai.com/api/docs/pricing, standard and batch tables) and
Anthropic's pricing page (platform.claude.com/docs/en/about-claude/pricing), as of October 2026. OpenAI
charges no
fee for writing to the cache of these models (developers.openai.com/api/docs/guides/prompt-caching): what is
written
costs what input costs. A test compares every other figure with what genai-prices holds.
"""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction

#: When each vendor opened its batch interface, at half the standard price ever since.
BATCH_FROM = {"openai": datetime(2024, 4, 15, tzinfo=UTC), "anthropic": datetime(2024, 10, 8, tzinfo=UTC)}
LONG_CONTEXT = 272_000  #: gpt-5.4: more total input than this prices the whole request by the long-context rates

STANDARD: dict[tuple[str, str], dict[str, str]] = {
    ("openai", "gpt-5.4"): {
        "input": "2.5",
        "cache_read": "0.25",
        "cache_write": "2.5",
        "cache_write_long": "2.5",
        "output": "15",
    },
    ("openai", "gpt-5-mini"): {
        "input": "0.25",
        "cache_read": "0.025",
        "cache_write": "0.25",
        "cache_write_long": "0.25",
        "output": "2",
    },
    ("anthropic", "claude-opus-5-5"): {
        "input": "4",
        "cache_read": "0.2",
        "cache_write": "5",
        "cache_write_long": "8",
        "output": "20",
    },
    ("anthropic", "claude-sonnet-5"): {
        "input": "2",
        "cache_read": "0.2",
        "cache_write": "2.5",
        "cache_write_long": "4",
        "output": "10",
    },
    ("anthropic", "claude-haiku-4-5"): {
        "input": "1",
        "cache_read": "0.1",
        "cache_write": "1.25",
        "cache_write_long": "2",
        "output": "5",
    },
}
LONG: dict[tuple[str, str], dict[str, str]] = {
    ("openai", "gpt-5.4"): {
        "input": "5",
        "cache_read": "0.5",
        "cache_write": "5",
        "cache_write_long": "5",
        "output": "22.5",
    },
}
BATCH: dict[tuple[str, str], dict[str, str]] = {
    ("openai", "gpt-5.4"): {
        "input": "1.25",
        "cache_read": "0.13",
        "cache_write": "1.25",
        "cache_write_long": "1.25",
        "output": "7.5",
    },
    ("openai", "gpt-5-mini"): {
        "input": "0.125",
        "cache_read": "0.0125",
        "cache_write": "0.125",
        "cache_write_long": "0.125",
        "output": "1",
    },
    ("anthropic", "claude-opus-5-5"): {
        "input": "2",
        "cache_read": "0.1",
        "cache_write": "2.5",
        "cache_write_long": "4",
        "output": "10",
    },
    ("anthropic", "claude-sonnet-5"): {
        "input": "1",
        "cache_read": "0.1",
        "cache_write": "1.25",
        "cache_write_long": "2",
        "output": "5",
    },
    ("anthropic", "claude-haiku-4-5"): {
        "input": "0.5",
        "cache_read": "0.05",
        "cache_write": "0.625",
        "cache_write_long": "1",
        "output": "2.5",
    },
}
LONG_BATCH: dict[tuple[str, str], dict[str, str]] = {
    ("openai", "gpt-5.4"): {
        "input": "2.5",
        "cache_read": "0.25",
        "cache_write": "2.5",
        "cache_write_long": "2.5",
        "output": "11.25",
    },
}

#: Dated names that the vendors' answers carry.
ALIASES = {
    "gpt-5.4-2026-03-05": "gpt-5.4",
    "gpt-5-mini-2025-08-07": "gpt-5-mini",
    "claude-haiku-4-5-20251001": "claude-haiku-4-5",
}


def list_name(provider: str, model: str) -> str:
    """The one name of a model that answers under several."""
    return ALIASES.get(model, model) if provider in ("openai", "anthropic") else model


def list_rate(
    provider: str, model: str, token_class: str, tier: str, time: datetime, total_input: int
) -> Fraction | None:
    """Dollars for one token of a class, or None where no list price is known."""
    key = (provider, list_name(provider, model))
    if tier == "batch" and time >= BATCH_FROM.get(provider, datetime.max.replace(tzinfo=UTC)):
        short, long = BATCH, LONG_BATCH
    elif tier == "standard":
        short, long = STANDARD, LONG
    else:
        return None
    table = long.get(key) if total_input > LONG_CONTEXT and key in long else short.get(key)
    if table is None or token_class not in table:
        return None
    return Fraction(table[token_class]) / 1_000_000
