"""What the words of a bill's line mean."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from pipelines.close.lines import family, read_line
from pipelines.rates.identity import canonical

GPT, CLAUDE = "openai/gpt-5.4", "anthropic/claude-sonnet-5"


def told(provider: str, item: str | None, model: str | None = None, usd: str = "1", **fields):
    row = {
        "month": "2026-10", "day": date(2026, 10, 5), "last_day": date(2026, 10, 5), "provider": provider, "account": "",
        "item": item, "model": model, "category": "usage", "amount_usd": Decimal(usd), "quantity": None,
        "quantity_unit": None, "corrected": False, "incomplete": False, **fields,
    }  # fmt: skip
    line = read_line(row, canonical, frozenset({GPT, CLAUDE}))
    return line.use, line.model, line.token_class, line.tier


@pytest.mark.parametrize(
    ("provider", "item", "model", "expected"),
    [
        ("openai", "gpt-5.4-2026-03-05, input_tokens", None, ("tokens", GPT, "input", "")),
        ("openai", "gpt-5.4-2026-03-05, cached_input_tokens", None, ("tokens", GPT, "cache_read", "")),
        ("openai", "gpt-5.4, cache_write_input_tokens", None, ("tokens", GPT, "cache_write", "")),
        ("openai", "gpt-5.4-2026-03-05 batch, output_tokens", None, ("tokens", GPT, "output", "batch")),
        ("openai", "gpt-5.4-2026-03-05", None, ("tokens", GPT, "", "")),
        ("openai", "web search tool calls", None, ("tool", "", "", "")),
        ("openai", "code interpreter sessions", None, ("tool", "", "", "")),
        ("openai", "file storage", None, ("tool", "", "", "")),
        ("openai", None, None, ("tokens", "", "", "")),
        ("openai", "support plan", None, ("other", "", "", "")),
        ("openai", "provisioned capacity", None, ("fixed", "", "", "")),
        ("anthropic", "Claude Sonnet 5 Usage - Input Tokens", "claude-sonnet-5", ("tokens", CLAUDE, "input", "")),
        (
            "anthropic", "Claude Sonnet 5 Usage (Batch) - Input Tokens, Cache Write (1h)", "claude-sonnet-5",
            ("tokens", CLAUDE, "cache_write_long", "batch"),
        ),
        (
            "anthropic", "Claude Sonnet 5 Usage - Input Tokens, Cache Hit", "claude-sonnet-5",
            ("tokens", CLAUDE, "cache_read", ""),
        ),
        ("anthropic", "Web Search Usage", None, ("tool", "", "", "")),
        ("anthropic", "Code Execution Usage", None, ("tool", "", "", "")),
    ],
)  # fmt: skip
def test_words_name_model_class_and_tier(provider, item, model, expected):
    assert told(provider, item, model) == expected


def test_money_back_is_a_credit_and_a_charge_of_that_name_is_none():
    assert told("openai", "credit", usd="-25")[0] == "credit"
    assert told("openai", "credit", usd="25")[0] == "other"
    assert told("openai", "usage", category="credit", usd="-1")[0] == "credit"
    assert told("openai", "usage", category="tax")[0] == "tax"
    assert told("openai", "usage", category="adjustment")[0] == "correction"
    assert told("openai", "gpt-5.4, input_tokens", corrected=True)[0] == "correction"
    assert told("openai", "usage", category="purchase")[0] == "fixed"


def test_quantities_count_only_where_they_are_tokens():
    def quantity(value: str, unit: str | None):
        row = {
            "month": "2026-10", "day": date(2026, 10, 5), "last_day": date(2026, 10, 5), "provider": "openai",
            "account": "", "item": "gpt-5.4, input_tokens", "model": None, "category": "usage",
            "amount_usd": Decimal(1), "quantity": Decimal(value), "quantity_unit": unit, "corrected": False,
            "incomplete": False,
        }  # fmt: skip
        return read_line(row, canonical, frozenset()).quantity

    assert quantity("3000", "tokens") == 3000
    assert quantity("1.5", "1000_tokens") == 1500
    assert quantity("2", "1000000 Tokens") == 2_000_000
    assert quantity("1.0005", "1000_tokens") is None
    assert quantity("7", "images") is None
    assert quantity("7", None) is None


def test_skus_of_the_ledger_meet_the_classes_of_bills():
    assert [family(s) for s in ("input_audio", "cache_read_audio", "cache_write_long", "reasoning", "embedding")] == [
        "input", "cache_read", "cache_write_long", "output", "input",
    ]  # fmt: skip
