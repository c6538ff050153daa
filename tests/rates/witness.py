"""A second public price table, LiteLLM's, read as rates: it says what a token costs today, per tier, band and region.

It has no history, so it is a witness for the day on which the installed version was made and for nothing else.
"""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

PROVIDERS = {
    "openai": "openai", "azure": "azure", "anthropic": "anthropic", "gemini": "google", "bedrock": "aws",
    "bedrock_converse": "aws", "mistral": "mistral", "deepseek": "deepseek", "xai": "x-ai",
    "vertex_ai-language-models": "google", "vertex_ai-anthropic_models": "google",
}  # fmt: skip
_CLASSES = {
    "input_cost_per_token": "input", "output_cost_per_token": "output", "cache_read_input_token_cost": "cache_read",
    "cache_creation_input_token_cost": "cache_write", "input_cost_per_audio_token": "input_audio",
}  # fmt: skip
_FIELD = re.compile(rf"({'|'.join(_CLASSES)})(?:_above_(\d+)k_tokens)?(?:_(batches|flex|priority))?")
_TIERS = {"batches": "batch", None: "standard"}
_ZONE = re.compile(r"(eu|us)/(.+)")
_OTHER_PRODUCT = re.compile(r"standard/|hd/|low/|medium/|high/|\d+-x|bedrock/")


@dataclass(frozen=True)
class Witnessed:
    provider: str
    model: str
    region: str | None
    class_: str
    tier: str
    over: int  #: -1: without a band
    price: Decimal


def witnessed() -> Iterator[Witnessed]:
    """Every price per token of the providers that both know."""
    (folder,) = importlib.util.find_spec("litellm").submodule_search_locations  # ty: ignore
    text = Path(folder, "model_prices_and_context_window_backup.json").read_text("utf-8")
    for key, entry in json.loads(text, parse_float=Decimal).items():
        provider = PROVIDERS.get(entry.get("litellm_provider", ""))
        name, region = key.removeprefix("azure/"), None
        if provider is None or _OTHER_PRODUCT.match(name):
            continue
        if provider == "azure" and (zone := _ZONE.fullmatch(name)):
            region, name = zone.groups()
        for field, value in entry.items():
            if (named := _FIELD.fullmatch(field)) and isinstance(value, Decimal | int):
                cls, over, tier = named.groups()
                tier = _TIERS.get(tier, tier)
                yield Witnessed(
                    provider, name, region, _CLASSES[cls], tier, int(over) * 1000 if over else -1, Decimal(value)
                )
