"""What is sold, in FOCUS's words: providers and their services, meters, units, prices and their names."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

from pipelines.rates.classes import TOKEN_CLASSES

#: wide enough for any price × quantity; nothing here is rounded but quotients, on purpose
EXACT = Context(prec=76)
MILLION = Decimal(1_000_000)
#: provider -> (who sells, the service, whether it runs on that provider's own cloud)
SERVICES: dict[str, tuple[str, str, bool]] = {
    "anthropic": ("Anthropic", "Claude API", False),
    "aws": ("Amazon Web Services", "Amazon Bedrock", True),
    "azure": ("Microsoft", "Azure OpenAI", True),
    "google": ("Google Cloud", "Vertex AI and Gemini API", True),
    "mistral": ("Mistral AI", "Mistral API", False),
    "openai": ("OpenAI", "OpenAI API", False),
    "openrouter": ("OpenRouter", "OpenRouter API", False),
    "x-ai": ("xAI", "xAI API", False),
}
_UNITS = {
    "audio_seconds": "Seconds", "input_audio_seconds": "Seconds", "output_audio_seconds": "Seconds",
    "code_execution": "Executions", "input_annotated_document_pages": "Pages", "input_document_pages": "Pages",
    "input_characters": "Characters", "input_pixels": "Pixels", "input_text_messages": "Messages",
    "request": "Requests",
}  # fmt: skip


def service(provider: str) -> dict[str, Any]:
    """The columns that say whose service it is; an unknown provider is named as the logs name it."""
    seller, name, own_cloud = SERVICES.get(provider, (provider, provider, False))
    return {
        "BillingAccountId": provider, "BillingAccountType": "Provider", "InvoiceIssuerName": seller,
        "ServiceProviderName": seller, "ServiceName": name, "HostProviderName": seller if own_cloud else None,
        "ProviderName": seller, "PublisherName": seller,
    }  # fmt: skip


def meter(sku: str) -> str:
    """`cache_read` -> `Cache Read Tokens`, `web_search` -> `Web Search`."""
    words = sku.replace("_", " ").title()
    return f"{words} Tokens" if sku in TOKEN_CLASSES else words


def units(sku: str) -> tuple[str, str, Decimal]:
    """Unit of consumption, unit of pricing, and how many of the former are one of the latter."""
    if sku in TOKEN_CLASSES:
        return "Tokens", "1000000 Tokens", MILLION
    unit = "Searches" if sku.endswith("search") else _UNITS.get(sku, "Units")
    return unit, unit, Decimal(1)


def quotient(amount: Decimal, quantity: Decimal, places: int) -> Decimal:
    """A unit price that was never agreed on, half-even to the places that a price of this unit has."""
    return EXACT.divide(amount, quantity).quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN, EXACT)


def short(value: Decimal) -> str:
    """A number as part of a name: no exponent, no zeros at the end."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def document(pairs: Mapping[str, Any]) -> str:
    """JSON text, keys in order, without what is unknown; decimals are numbers, digit by digit."""
    known = {key: value for key, value in sorted(pairs.items()) if value is not None}
    parts = (f"{json.dumps(key)}: {_json(value)}" for key, value in known.items())
    return "{" + ", ".join(parts) + "}"


def _json(value: Any) -> str:
    if isinstance(value, Decimal):
        return short(value)
    if isinstance(value, Mapping):
        return document(value)
    if isinstance(value, list):
        return "[" + ", ".join(_json(one) for one in value) + "]"
    return json.dumps(value, ensure_ascii=False)
