"""`outlay rates show`: every class, tier, band, region and window of a model, its price, its source and its dates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, date, datetime, time
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Any

from pipelines.rates.book import Rate, show
from pipelines.rates.classes import TOKEN_CLASSES
from pipelines.rates.identity import identify, near_names
from pipelines.workspace.errors import UsageError

WHOLE_WEEK = "00:00-24:00 UTC"
_DAYS = ("", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def rates_document(model: str, provider: str | None, at: str | None, contract: Path | None) -> dict[str, Any]:
    """Raises UsageError for a time that is none, or a model that no rate names, with the names that come close."""
    when = moment(at, "--at") if at else datetime.now(UTC)
    if provider is None and "/" in model:
        provider, model = model.split("/", 1)
    rows = show(provider, model, when, contract)
    if not rows:
        where = f"{provider}/{model}" if provider else model
        close = [f"{maker}/{name}" for maker, name in near_names(provider, model)]
        known = identify(provider, model, when.date()) if provider else None
        near = f"; did you mean {', '.join(close)}" if close and known is None else ""
        raise UsageError(
            f"no rate names {where} at {when.isoformat()}{near}"
            + (f" (the list knows it as {known.canonical}, at other times)" if known else "")
            + "; a rate of your own goes into the workspace's rates.yaml"
        )
    return {
        "model": model,
        "at": when.isoformat().replace("+00:00", "Z"),
        "rates": [_row(rate) for rate in rows],
    }


def rates_text(document: dict[str, Any]) -> str:
    """Per provider, region and tier one line a rate: class, price, band, hours, validity, how well it is known, source."""
    lines = [f"{document['model']} at {document['at']}"]
    rows = document["rates"]
    for (provider, region, tier), group in groupby(rows, lambda r: (r["provider"], r["region"], r["service_tier"])):
        lines.append(f"\n{provider}  {tier}{f'  in {region}' if region else ''}")
        for rate in group:
            amount = Decimal(rate["unit_price_usd"])
            per_token = rate["unit"] == "million"
            price = f"{_trim(amount * 1_000_000 if per_token else amount)} USD {'per million' if per_token else 'each'}"
            told = [price, *_where(rate), _valid(rate), rate["state"], rate["source"]]
            lines.append(f"  {rate['class']:<18}" + "; ".join(t for t in told if t))
    return "\n".join(lines)


def _where(rate: dict[str, Any]) -> Iterator[str]:
    """The band and the hours of a rate that holds for some requests alone."""
    if rate["band_over"] >= 0:
        yield f"{'of the tokens' if rate['excess'] else 'for requests'} over {rate['band_over']:,} input tokens"
    if rate["band_upto"] is not None and not rate["excess"]:
        yield f"up to {rate['band_upto']:,} input tokens"
    if rate["window"] != WHOLE_WEEK:
        yield rate["window"]


def _valid(rate: dict[str, Any]) -> str:
    until = f" to {rate['valid_to']}" if rate["valid_to"] else ""
    return f"from {rate['valid_from'] or 'the beginning'}{until}"


def state(rate: Rate) -> str:
    """How well a price is known, in words."""
    if rate.source.startswith("contract:"):
        return "contract"
    if rate.basis == "derived":
        return "derived from the vendor's rule, not verified"
    if rate.basis == "list":
        return "price list"
    seen = "on the vendor's page" if rate.basis == "page" else "against a price table"
    return f"verified {seen} on {rate.verified_on}"


def window(rate: Rate) -> str:
    """Hours of the day and days of the week, UTC."""
    w = rate.window
    days = "" if (w.first, w.last) == (1, 7) else f", {_DAYS[w.first]} to {_DAYS[w.last]}"
    return f"{w.start // 3600:02}:{w.start // 60 % 60:02}-{w.end // 3600:02}:{w.end // 60 % 60:02} UTC{days}"


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


def _row(rate: Rate) -> dict[str, Any]:
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
    row["window"] = window(rate)
    row["unit"] = "million" if rate.class_ in TOKEN_CLASSES else "each"
    row["state"] = state(rate)
    return row


def _trim(value: Decimal) -> str:
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
