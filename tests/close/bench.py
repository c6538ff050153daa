"""Small workspaces with bills: pages and invoices written by hand beside the calls that they are for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.workspaces import BASE, Bench

Line = Mapping[str, Any]


def close_bench(root: Path, *sources: Mapping[str, Any], **config: Any) -> Bench:
    """A workspace with OpenAI's costs, Anthropic's cost report, FOCUS and invoices as sources, and further ones."""
    bills = [
        {"name": "openai-bill", "kind": "openai-costs", "path": "bills/openai/*.json"},
        {"name": "anthropic-bill", "kind": "anthropic-cost", "path": "bills/anthropic/*.json"},
        {"name": "usage", "kind": "openai-usage", "path": "bills/usage/*.json"},
        {"name": "paper", "kind": "invoices", "path": "bills/paper/*.csv"},
    ]
    return Bench(root, {"sources": [*BASE["sources"], *bills, *sources], **config})


def cost(
    item: str | None, usd: str, quantity: int | None = None, project: str | None = None, key: str | None = None
) -> dict[str, Any]:
    return {
        "object": "organization.costs.result", "amount": {"value": usd, "currency": "usd"}, "line_item": item,
        "project_id": project, "api_key_id": key, "quantity": quantity, "quantity_unit": None if quantity is None else "tokens",
    }  # fmt: skip


def openai_bill(bench: Bench, days: Mapping[str, Iterable[Line]], file: str = "2026-10", more: bool = False) -> None:
    buckets = []
    for day, results in days.items():
        start = datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC)
        buckets.append(
            {
                "object": "bucket", "start_time": int(start.timestamp()),
                "end_time": int((start + timedelta(days=1)).timestamp()), "results": list(results),
            }
        )  # fmt: skip
    page = {"object": "page", "data": buckets, "has_more": more, "next_page": None}
    _write(bench, f"bills/openai/{file}.json", json.dumps(page))


def usage(model: str, fresh: int = 0, cached: int = 0, output: int = 0) -> dict[str, Any]:
    return {
        "object": "organization.usage.completions.result", "model": model, "input_tokens": fresh + cached,
        "input_cached_tokens": cached, "input_uncached_tokens": fresh, "output_tokens": output,
        "num_model_requests": 1,
    }  # fmt: skip


def usage_report(bench: Bench, days: Mapping[str, Iterable[Line]]) -> None:
    buckets = []
    for day, results in days.items():
        start = int(datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC).timestamp())
        buckets.append({"object": "bucket", "start_time": start, "end_time": start + 86_400, "results": list(results)})
    _write(bench, "bills/usage/2026-10.json", json.dumps({"object": "page", "data": buckets, "has_more": False}))


def anthropic_bill(bench: Bench, days: Mapping[str, Iterable[tuple[str, str | None, str]]]) -> None:
    """Day -> (description, model, cents)."""
    buckets = []
    for day, lines in days.items():
        end = date.fromisoformat(day) + timedelta(days=1)
        results = [
            {"amount": cents, "currency": "USD", "description": text, "model": model, "workspace_id": None}
            for text, model, cents in lines
        ]
        buckets.append({"starting_at": f"{day}T00:00:00Z", "ending_at": f"{end}T00:00:00Z", "results": results})
    _write(bench, "bills/anthropic/2026-10.json", json.dumps({"data": buckets, "has_more": False}))


def invoice(bench: Bench, *rows: str) -> None:
    header = "invoice_id,provider,account,period_start,period_end,currency,amount_usd,kind,item\n"
    _write(bench, "bills/paper/a.csv", header + "".join(row + "\n" for row in rows))


def items(bench: Bench, period: str, provider: str = "openai", mart: str = "reconciliation") -> dict[str, str]:
    """Item -> amount as text without trailing zeros; checks the identity on the way."""
    rows = [r for r in bench.export(mart) if r["period"] == period and r["provider"] == provider]
    for account in {r["account"] for r in rows}:
        mine = [r for r in rows if r["account"] == account]
        if mine[0]["billed_usd"]:
            total = sum(Decimal(r["amount_usd"]) for r in mine)
            assert Decimal(mine[0]["billed_usd"]) == Decimal(mine[0]["metered_usd"]) + total
    return {r["item"]: f"{Decimal(r['amount_usd']).normalize():f}" for r in rows if r["item"]}


def status(bench: Bench, period: str, provider: str = "openai") -> str:
    found = {r["status"] for r in bench.export("reconciliation") if r["period"] == period and r["provider"] == provider}
    assert len(found) == 1
    return found.pop()


def _write(bench: Bench, name: str, text: str) -> None:
    path = bench.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
