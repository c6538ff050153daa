"""What a line of a bill is for, by its category and its words: tax, credit, correction, tool, fixed cost or tokens.

Words are matched, never parsed for money. OpenAI's `gpt-5.4-2026-03-05, input_tokens` names a model and a token class,
Anthropic's `Claude Sonnet 5 Usage (Batch) - Input Tokens, Cache Hit` a tier and a class.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from pipelines.sources.tiers import service_tier

Use = Literal["tax", "credit", "correction", "tool", "fixed", "tokens", "other"]
#: 10^-12 dollars in a dollar: all sums of this folder are whole numbers of them
PICO = 10**12

_TOOLS = re.compile(
    r"web[ _-]?search|file[ _-]?search|code[ _-]?(?:interpreter|execution)|container|storage|vector[ _-]?store|session|"
    r"grounding|computer[ _-]?use|tool|search"
)
_CREDITS = re.compile(r"credit|grant|promo|refund|rebate|discount")
_FIXED = re.compile(r"provisioned|commitment|reserved|reservation|\bptu\b|savings plan|upfront")
_TIERS = re.compile(r"\b(batch|flex|priority)\b")
_TOTALS = re.compile(r"^(?:(?:api|total|monthly|model|token)[ _-]?)*(?:usage|tokens?)?$")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a bill; `amount` in 10^-12 dollars. `model` is canonical; empty: the line tells none."""

    month: str
    day: date
    last_day: date
    provider: str
    account: str
    use: Use
    amount: int
    model: str = ""
    token_class: str = ""
    tier: str = ""
    quantity: int | None = None  #: tokens
    incomplete: bool = False
    api_key: str = ""  #: the id of the key, where the bill is told by keys

    @property
    def owner(self) -> tuple[str, str]:
        return self.account, self.api_key


def read_line(row: Mapping[str, Any], canonical: Callable[[str, str], str], known: frozenset[str]) -> Line:
    """A row of `sql/close/bill_lines`. `known`: canonical models that the ledger holds, for lines that are only a name."""
    provider, item = row["provider"], (row["item"] or "").strip()
    named, model = row["model"], ""
    words = item.lower()
    if ", " in item and (named is None or words.startswith(named.lower())):
        named, words = (part.strip() for part in item.lower().rsplit(", ", 1))
        model_words = _TIERS.sub("", named).strip()
        model = canonical(provider, model_words) if model_words else ""
    elif named is not None:
        model = canonical(provider, named)
    elif item and canonical(provider, _TIERS.sub("", words).strip()) in known:
        model, words = canonical(provider, _TIERS.sub("", words).strip()), ""
    token_class = _token_class(words)
    found = _TIERS.search(item.lower())
    use = _use(row, item.lower(), token_class, model)
    amount = int(Decimal(row["amount_usd"]).scaleb(12))
    tokens = use == "tokens"
    return Line(
        month=row["month"], day=row["day"], last_day=row["last_day"], provider=provider, account=row["account"], use=use,
        amount=amount, model=model if tokens else "", token_class=token_class if tokens else "",
        tier=service_tier(found[1]) if tokens and found else "",
        quantity=_tokens(row["quantity"], row["quantity_unit"]) if tokens else None, incomplete=bool(row["incomplete"]),
        api_key=row.get("api_key") or "",
    )  # fmt: skip


def family(sku: str) -> str:
    """The token class that a bill would name for a SKU of the ledger."""
    for name in ("cache_write_long", "cache_write", "cache_read", "output"):
        if sku.startswith(name):
            return name
    return "output" if sku.startswith("reasoning") else "input"


def _use(row: Mapping[str, Any], words: str, token_class: str, model: str) -> Use:
    category, negative = row["category"], row["amount_usd"] < 0
    if row["corrected"] or category == "adjustment":
        return "correction"
    if category == "tax":
        return "tax"
    if category == "credit" or (negative and _CREDITS.search(words)):
        return "credit"
    if category == "purchase" or _FIXED.search(words):
        return "fixed"
    if token_class:
        return "tokens"
    if _TOOLS.search(words):
        return "tool"
    return "tokens" if model or _TOTALS.match(words) else "other"


def _token_class(words: str) -> str:
    if not re.search(r"token|input|output|prompt|completion|cache|embedding", words):
        return ""
    if "cache" in words:
        if re.search(r"writ|creat", words):
            return "cache_write_long" if re.search(r"\b1\s?h|_1h|12\s?h|1 hour", words) else "cache_write"
        return "cache_read"
    if re.search(r"output|completion|generated|reasoning", words):
        return "output"
    return "input" if re.search(r"input|prompt|embedding", words) else ""


def _tokens(quantity: Decimal | None, unit: str | None) -> int | None:
    """A quantity in tokens; None where it counts something else."""
    if quantity is None or quantity < 0:
        return None
    found = re.fullmatch(r"(?:(\d+)[ _]?)?(million|thousand|[km])?[ _]?tokens?", (unit or "").strip().lower())
    if found is None:
        return None
    per = int(found[1] or 1) * {None: 1, "k": 1000, "thousand": 1000, "m": 10**6, "million": 10**6}[found[2]]
    tokens = quantity * per
    return int(tokens) if tokens == tokens.to_integral_value() else None
