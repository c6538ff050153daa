"""A generated statement as the files of a provider: rows of FOCUS 1.0 to 1.4, and OpenRouter's activity."""

from __future__ import annotations

import csv
import io
import json
from collections import defaultdict
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from tests.close.generated import BY_FOCUS, EXTRAS, Month, Place, Planted, Statement, inside

ITEMS = {
    "input": "Input Tokens", "cache_read": "Cache Read Input Tokens", "cache_write": "Cache Write 5m Input Tokens",
    "cache_write_long": "Cache Write 1h Input Tokens", "output": "Output Tokens",
}  # fmt: skip


def write_focus(month: Month, made: Statement, version: str = "1.2", file: str = "2026-10.csv", **shown: Any) -> None:
    """One delivery of October for every provider. `version` 1.0 knows no meters and no details of a SKU."""
    rows = [_token_row(place, made, version) for place in sorted(made.tokens) if place.provider in BY_FOCUS]
    rows += [_extra_row(extra, version) for extra in made.extras]
    month.roll.shuffle(rows)
    rows = [row for row in rows if row["BillingPeriodStart"].startswith("2026-10")]
    for row in rows:
        row["BilledCost"] = shown.get("amount", _plain)(row.pop("usd"))
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, sorted({name for row in rows for name in row}), restval="")
    writer.writeheader()
    writer.writerows(rows)
    path = month.bench.root / "bills/focus" / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(("\ufeff" if version == "1.0" else "") + out.getvalue())


def write_activity(
    month: Month, made: Statement, file: str = "a.json", amount: Callable[[Decimal], Any] = str
) -> None:  # fmt: skip
    """OpenRouter's days of October."""
    days: dict[tuple[date, str], dict[str, Any]] = {}
    for place in sorted(made.tokens):
        if place.provider == "openrouter" and inside(place.day):
            row = days.setdefault((place.day, place.model), defaultdict(int, usd=Decimal(0)))
            row["usd"] += made.usd[place]
            row[place.token_class] += made.tokens[place]
    data = [
        {
            "date": f"{day}", "model": model, "model_permaslug": model, "endpoint_id": f"endpoint of {model}",
            "provider_name": "Somebody", "usage": amount(row["usd"]), "byok_usage_inference": 0, "requests": 1,
            "prompt_tokens": row["input"] + row["cache_read"], "cached_tokens": row["cache_read"],
            "completion_tokens": row["output"], "reasoning_tokens": 0,
        }
        for (day, model), row in days.items()
    ]  # fmt: skip
    path = month.bench.root / "bills/activity" / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"data": data}))


def _token_row(place: Place, made: Statement, version: str) -> dict[str, Any]:
    named = f"{place.model}, {ITEMS[place.token_class]}"
    row = _row(place.provider, place.day, "Usage", "", named if version == "1.0" else f"{place.model} usage", version)
    row |= {"usd": made.usd[place], "ConsumedQuantity": str(made.tokens[place]), "ConsumedUnit": "Tokens"}
    if version == "1.0":
        return row | {"SkuId": place.model}
    return row | {
        "SkuMeter": ITEMS[place.token_class], "SkuId": f"{place.model}-{place.token_class}",
        "SkuPriceDetails": json.dumps({"ModelId": place.model}),
    }  # fmt: skip


def _extra_row(extra: Planted, version: str) -> dict[str, Any]:
    category, kind, words = EXTRAS[extra.item]
    return _row(extra.provider, extra.day, category, kind, words, version) | {"usd": extra.usd}


def _row(provider: str, day: date, category: str, kind: str, words: str, version: str) -> dict[str, Any]:
    signed = {"openai": "OpenAI", "anthropic": "Anthropic, PBC", "mistral": "Mistral AI"}[provider]
    end = (day.replace(day=1) + timedelta(days=31)).replace(day=1)
    return {
        "ServiceProviderName" if version == "1.4" else "ProviderName": signed, "InvoiceIssuerName": signed,
        "BillingAccountId": f"org-{provider}", "BillingCurrency": "USD", "ServiceCategory": "AI and Machine Learning",
        "BillingPeriodStart": f"{day:%Y-%m-01}T00:00:00Z", "BillingPeriodEnd": f"{end}T00:00:00Z",
        "ChargePeriodStart": f"{day}T00:00:00Z", "ChargePeriodEnd": f"{day + timedelta(days=1)}T00:00:00Z",
        "ChargeCategory": category, "ChargeClass": kind, "ChargeDescription": words,
    }  # fmt: skip


def _plain(usd: Decimal) -> str:
    return f"{usd:f}"
