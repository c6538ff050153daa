"""Provider bills that agree with the traffic at list price, but for differences that are planted and named.

OpenAI's organization costs (dollars, a bucket a UTC day) and Anthropic's cost report (decimal strings in
cents).
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from tests.company.company import Period
from tests.company.plants import as_money
from tests.company.records import Call
from tests.company.story import SERVED_NAME
from tests.reference.prices import list_rate

PROJECTS = {
    "legal-ops": "proj_legal01",
    "claims": "proj_claims02",
    "crm-platform": "proj_crm03",
    "data-science": "proj_sandbox04",
}
WORKSPACES = {
    "legal-ops": "wrkspc_01LegalOps",
    "finance-bi": "wrkspc_01FinanceBI",
    "crm-platform": "wrkspc_01CrmPlatform",
    "marketing": "wrkspc_01Marketing",
}
OPENAI_ITEM = {"input": "input_tokens", "cache_read": "cached_input_tokens", "output": "output_tokens"}
ANTHROPIC_ITEM = {
    "input": ("uncached_input_tokens", "Input Tokens"),
    "cache_read": ("cache_read_input_tokens", "Input Tokens, Cache Hit"),
    "cache_write": ("cache_creation.ephemeral_5m_input_tokens", "Input Tokens, Cache Write (5m)"),
    "cache_write_long": ("cache_creation.ephemeral_1h_input_tokens", "Input Tokens, Cache Write (1h)"),
    "output": ("output_tokens", "Output Tokens"),
}
TITLES = {
    "claude-opus-5-5": "Claude Opus 5.5",
    "claude-sonnet-5": "Claude Sonnet 5",
    "claude-haiku-4-5": "Claude Haiku 4.5",
}


@dataclass(frozen=True)
class Difference:
    """One planted difference: billed = traffic in the logs at list price + the sum of these."""

    provider: str
    account: str
    day: date
    item: str
    amount_usd: Decimal


#: Planted by hand: provider, day number, account, item of the reconciliation, dollars, how the bill names it.
PLANTED = (
    ("openai", 11, "proj_legal01", "tools", "4.20", "web search tool calls"),
    ("openai", 19, "proj_playground09", "not metered", "7.85", "gpt-5.4-2026-03-05, input_tokens"),
    ("openai", 30, "proj_claims02", "credits and discounts", "-25.00", "credit"),
    ("anthropic", 15, "", "not metered", "3.3125", "Claude Sonnet 5 Usage - Input Tokens"),
    ("anthropic", 33, "wrkspc_01LegalOps", "tools", "0.60", "Web Search Usage"),
)

Key = tuple[date, str, str, str, str]  #: day, account, model, service tier, token class


def _billed(calls: list[Call], provider: str, accounts: dict[str, str]) -> dict[Key, tuple[int, Fraction]]:
    """Tokens and dollars that the provider saw: every answered call but those from the gateway's own
    cache."""
    total: dict[Key, tuple[int, Fraction]] = defaultdict(lambda: (0, Fraction(0)))
    for call in calls:
        if call.provider != provider or call.status != "ok" or "cache_hit" in call.marks:
            continue
        for token_class, count in (
            ("input", call.uncached),
            ("cache_read", call.read),
            ("cache_write", call.write),
            ("cache_write_long", call.write_long),
            ("output", call.output),
        ):
            rate = list_rate(provider, call.model, token_class, call.tier, call.time, call.total_input)
            if count and rate is not None:
                key = (call.time.date(), accounts[call.team], call.model, call.tier, token_class)
                tokens, dollars = total[key]
                total[key] = (tokens + count, dollars + rate * count)
    return total


def differences(period: Period) -> list[Difference]:
    """What the bills hold beyond the logs: the planted ones, and calls that were billed and never logged."""
    found = [
        Difference(provider, account, period.first + timedelta(days=day), item, Decimal(amount))
        for provider, day, account, item, amount, _ in PLANTED
        if day < period.days
    ]
    lost: dict[tuple[str, str, date], Fraction] = defaultdict(Fraction)
    for call in period.calls:
        if "never_logged" in call.marks:
            accounts = PROJECTS if call.provider == "openai" else WORKSPACES
            lost[call.provider, accounts[call.team], call.time.date()] += call.list_cost or 0
    found += [Difference(p, a, day, "not metered", as_money(dollars)) for (p, a, day), dollars in sorted(lost.items())]
    return found


def openai_pages(period: Period) -> dict[str, str]:
    """Month -> one page of organization costs, grouped by project and line item."""
    billed = _billed(period.calls, "openai", PROJECTS)
    buckets: dict[date, list[dict[str, Any]]] = {period.first + timedelta(days=n): [] for n in range(period.days)}
    for (day, account, model, _, token_class), (tokens, dollars) in sorted(billed.items()):
        # the interface answers with a number on some days and with a string on others
        amount = as_money(dollars)
        item = f"{SERVED_NAME.get(model, model)}, {OPENAI_ITEM[token_class]}"
        buckets[day].append(_cost(float(amount) if day.day % 3 else str(amount), item, account, tokens))
    for provider, day, account, _, amount, name in PLANTED:
        if provider == "openai" and day < period.days:
            buckets[period.first + timedelta(days=day)].append(_cost(float(amount), name, account, None))
    months: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for day, results in buckets.items():
        start = int(datetime.combine(day, time(), UTC).timestamp())
        months[f"{day:%Y-%m}"].append(
            {"object": "bucket", "start_time": start, "end_time": start + 86_400, "results": results}
        )
    return {
        m: _page({"object": "page", "data": data, "has_more": False, "next_page": None}) for m, data in months.items()
    }


def _cost(value: float | str, item: str, account: str, tokens: int | None) -> dict[str, Any]:
    return {
        "object": "organization.costs.result",
        "amount": {"value": value, "currency": "usd"},
        "line_item": item,
        "project_id": account,
        "api_key_id": None,
        "user_id": None,
        "quantity": tokens,
        "quantity_unit": "tokens" if tokens is not None else None,
    }


def anthropic_pages(period: Period) -> dict[str, str]:
    """Month -> one page of the cost report, grouped by workspace and description."""
    billed = _billed(period.calls, "anthropic", WORKSPACES)
    buckets: dict[date, list[dict[str, Any]]] = {period.first + timedelta(days=n): [] for n in range(period.days)}
    for (day, account, model, tier, token_class), (_, dollars) in sorted(billed.items()):
        token_type, title = ANTHROPIC_ITEM[token_class]
        batch = " (Batch)" if tier == "batch" else ""
        buckets[day].append(
            _report(dollars, f"{TITLES[model]} Usage{batch} - {title}", model, tier, token_type, "tokens", account)
        )
    for provider, day, account, item, amount, name in PLANTED:
        if provider == "anthropic" and day < period.days:
            kind = (
                ("web_search", None, None)
                if item == "tools"
                else ("tokens", "claude-sonnet-5", "uncached_input_tokens")
            )
            row = _report(
                Fraction(amount),
                name,
                kind[1],
                "standard" if kind[1] else None,
                kind[2],
                kind[0],
                account or None,
            )
            buckets[period.first + timedelta(days=day)].append(row)
    months: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for day, results in buckets.items():
        ends = day + timedelta(days=1)
        months[f"{day:%Y-%m}"].append(
            {"starting_at": f"{day}T00:00:00Z", "ending_at": f"{ends}T00:00:00Z", "results": results}
        )
    return {m: _page({"data": data, "has_more": False, "next_page": None}) for m, data in months.items()}


def _report(
    dollars: Fraction,
    name: str,
    model: str | None,
    tier: str | None,
    token_type: str | None,
    kind: str,
    account: str | None,
) -> dict[str, Any]:
    return {
        "amount": f"{as_money(dollars * 100):f}",
        "context_window": "0-200k" if model else None,
        "cost_type": kind,
        "currency": "USD",
        "description": name,
        "inference_geo": "global" if model else None,
        "model": SERVED_NAME.get(model, model) if model else None,
        "service_tier": tier,
        "token_type": token_type,
        "workspace_id": account,
    }


def _page(page: dict[str, Any]) -> str:
    """One page as saved by the interface's client, a bucket a line."""
    head = {k: v for k, v in page.items() if k != "data"}
    rows = ",\n".join(json.dumps(bucket, separators=(",", ":")) for bucket in page["data"])
    return json.dumps(head)[:-1] + ', "data": [\n' + rows + "\n]}\n"
