"""`outlay rates show`: every class of a model, its price, its source and its dates."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

from pipelines.rates.book import show
from pipelines.workspace.errors import UsageError


def rates_document(model: str, provider: str | None, at: str | None, contract: Path | None) -> dict[str, Any]:
    """Raises UsageError for a time that is none, or a model that no rate names."""
    when = moment(at, "--at") if at else datetime.now(UTC)
    if provider is None and "/" in model:
        provider, model = model.split("/", 1)
    rows = show(provider, model, when, contract)
    if not rows:
        where = f"{provider}/{model}" if provider else model
        raise UsageError(f"no rate names {where} at {when.isoformat()}: add it to the workspace's rates.yaml")
    return {
        "model": model,
        "at": when.isoformat().replace("+00:00", "Z"),
        "rates": [_row(rate) for rate in rows],
    }


def rates_text(document: dict[str, Any]) -> str:
    """One line a rate."""
    lines = [f"{document['model']} at {document['at']}"]
    for rate in document["rates"]:
        price = Decimal(rate["unit_price_usd"]) * 1_000_000
        band = f" over {rate['band_over']:,} input tokens" if rate.get("band_over") and rate["band_over"] > 0 else ""
        region = f" {rate['region']}" if rate.get("region") else ""
        valid = f"from {rate['valid_from'] or 'the beginning'}" + (
            f" to {rate['valid_to']}" if rate["valid_to"] else ""
        )
        lines.append(
            f"  {rate['provider']:<12}{rate['class']:<18}{rate['service_tier']:<10}{region}"
            f"{_trim(price):>12} USD per million{band}  {valid}  ({rate['source']})"
        )
    return "\n".join(lines)


def diff_text(document: dict[str, Any]) -> str:
    """One line a day and model, the sum, and the command that moves them."""
    moves = document["moves"]
    if not moves:
        return f"Rate book {document['present']}: no charge would move."
    lines = [f"Rate book {document['present']} (the last run priced with {document['last_run_with']}) would move:"]
    for row in moves:
        before, after = (row[f"{end}_usd"] or "unpriced" for end in ("before", "after"))
        lines.append(
            f"  {row['day']}  {row['provider']}/{row['model']}: {before} -> {after} ({row['requests']} requests)"
        )
    change = sum(Decimal(row["after_usd"] or 0) - Decimal(row["before_usd"] or 0) for row in moves)
    lines.append(
        f"In all {change:+,.2f} USD. New rates price what was unpriced by themselves; the rest: outlay run --full"
    )
    return "\n".join(lines)


def moment(text: str, option: str) -> datetime:
    """An ISO day (00:00 UTC) or an RFC 3339 time, as UTC. Raises UsageError naming the option."""
    try:
        if len(text) == 10:
            return datetime.combine(date.fromisoformat(text), time(), UTC)
        value = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{option} {text!r}: expected an ISO day or an RFC 3339 time such as 2026-10-01T12:00:00Z"
        ) from None
    if value.tzinfo is None:
        raise UsageError(f"{option} {text!r}: expected a time with its zone, such as {text}Z")
    return value.astimezone(UTC)


def _row(rate: Any) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for field in fields(rate):
        value = getattr(rate, field.name)
        name = field.name.rstrip("_")
        if isinstance(value, Decimal):
            row[name] = format(value, "f")
        elif isinstance(value, date):
            row[name] = value.isoformat()
        elif value is None or isinstance(value, str | int | bool):
            row[name] = value
    row["unit_price_usd"] = row.pop("unit_price")
    return row


def _trim(value: Decimal) -> str:
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
