"""Where Outlay and genai-prices differ on purpose, as data: every line is used, and nothing else differs."""

from __future__ import annotations

from typing import Any

from tests.rates.theirs import entry_of

#: (provider, entry of genai-prices) -> why its price is not ours
EXPLAINED = {
    ("deepseek", "deepseek-chat"): "genai-prices knows one schedule for all years",
    ("deepseek", "deepseek-reasoner"): "genai-prices knows one schedule for all years",
    ("deepseek", "deepseek-v4-flash"): "its peak windows ignore dates and weekends",
    ("deepseek", "deepseek-v4-pro"): "its peak windows ignore dates and weekends",
    ("deepseek", "deepseek-flash"): "its peak windows ignore weekends",
    ("azure", "o4-mini"): "its pattern takes in o4-mini-deep-research, another model at another price",
    ("mistral", "mistral-large"): "mistral-large-latest is listed under Large 2, served by Large 3 since 2025-12-02",
    ("google", "gemini-3.8-flash"): "gemini-flash-latest meant older models before",
    ("google", "gemini-3.5-flash-lite"): "gemini-flash-lite-latest meant an older model before",
    ("google", "gemini-3.1-pro-preview"): "gemini-pro-latest meant an older model before",
}


def explained(request: dict[str, Any]) -> str | None:
    """Why the two differ on this request, where that is known."""
    return EXPLAINED.get(entry_of(request))
