"""What no rate covers, written out as entries for the workspace's `rates.yaml`: fill in the price, and the next run prices it.

Grain of a lack: (provider, model, region). The mart `unpriced_models` spells it as `missing`, each class with its tier,
and the region: `input@batch,output@batch,region=eu`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from pipelines.rates.agreements import KNOWN_CLASSES
from pipelines.rates.blocks import Block
from pipelines.rates.book import RateBook
from pipelines.rates.classes import TOKEN_CLASSES
from pipelines.rates.identity import near_names
from pipelines.storage.published import Published


@dataclass(frozen=True)
class Lack:
    """What one model lacks in one region; recorded requests count at their sender's figure meanwhile."""

    provider: str
    model: str
    region: str
    requests: int
    recorded: int  #: how many of the requests have a figure of their sender
    first_day: date
    last_day: date
    classes: Mapping[tuple[str, str], tuple[date, date]]  #: (class, tier) -> the first and last day that need it
    entries: tuple[str, ...] = ()  #: YAML flow mappings for `rates:`, the price left empty
    notes: tuple[str, ...] = ()


def lacks(rows: Iterable[Mapping[str, Any]], book: RateBook) -> list[Lack]:
    """Rows of `unpriced_models` as lacks, the most requests first."""
    merged: dict[tuple[str, str, str], Lack] = {}
    for row in rows:
        parts = row["missing"].split(",")
        region = next((p.removeprefix("region=") for p in parts if p.startswith("region=")), "")
        key = (row["provider"], row["model"], region)
        first, last = row["first_day"], row["last_day"]
        old = merged.get(key, Lack(*key, 0, 0, first, last, {}))
        classes = dict(old.classes)
        for cls, _, tier in (p.partition("@") for p in parts if "@" in p):
            since, until = classes.get((cls, tier), (first, last))
            classes[cls, tier] = min(since, first), max(until, last)
        merged[key] = Lack(
            *key,
            old.requests + row["requests"],
            old.recorded + (row["requests"] if row["cost_basis"] == "recorded" else 0),
            min(old.first_day, first),
            max(old.last_day, last),
            classes,
        )
    book = book.including((provider, model) for provider, model, _ in merged)
    found = [_written(lack, book) for lack in merged.values()]
    return sorted(found, key=lambda x: (-x.requests, x.provider, x.model, x.region))


def rates_yaml(found: Iterable[Lack]) -> str:
    """The lacks as a `rates:` block, each under a comment that says whose it is. Empty where nothing lacks."""
    lines: list[str] = []
    for lack in found:
        days = f"{lack.first_day} to {lack.last_day}" if lack.first_day != lack.last_day else f"{lack.first_day}"
        lines.append(
            f"  # {lack.requests:,} request{'s' if lack.requests != 1 else ''}, {days}"
            + (f"; {lack.recorded:,} at the sender's figure" if lack.recorded else "")
        )
        lines += [f"  # {note}" for note in lack.notes]
        lines += [f"  - {entry}" for entry in lack.entries]
    return "\n".join(["rates:", *lines, ""]) if lines else ""


def _written(lack: Lack, book: RateBook) -> Lack:
    key = book.region_key(lack.provider, lack.model, lack.region)
    blocks = book.blocks.get((lack.provider, lack.model), ())
    entries: list[str] = []
    notes: list[str] = []
    if not blocks and (names := near_names(lack.provider, lack.model)):
        near = ", ".join(f"{provider}/{model}" for provider, model in names)
        notes.append(f"no list names {lack.provider}/{lack.model}; near: {near}")
    for (cls, tier), (first, last) in lack.classes.items():
        if cls not in KNOWN_CLASSES:
            notes.append(f"{cls}: no class of the rate book, so no rate can name it")
            continue
        fields = {"provider": lack.provider, "model": lack.model, "class": cls}
        fields["usd_per_million" if cls in TOKEN_CLASSES else "usd_each"] = ""
        if tier != "standard":
            fields["service_tier"] = tier
        if key != "":
            fields["region"] = lack.region
        covering = [b for b in blocks if (b.tier, b.region) == (tier, key) and cls in b.contracted]
        entries.append("{" + ", ".join([*_yaml(fields), *_limits(first, last, covering), 'source: ""']) + "}")
    return replace(lack, entries=tuple(entries), notes=tuple(notes))


def _yaml(fields: Mapping[str, str]) -> Iterator[str]:
    for name, value in fields.items():
        plain = name in ("class", "service_tier") and value.replace("_", "").isalnum()
        yield f"{name}: {value if plain else json.dumps(value, ensure_ascii=False)}"


def _limits(first: date, last: date, covering: list[Block]) -> Iterator[str]:
    """Where the book has such a rate at other times or for shorter prompts, the entry says what it is for alone."""
    holding = [b for b in covering if _holds(b, first) and _holds(b, last)]
    if longest := [b.input_upto for b in holding if b.input_upto is not None]:
        yield f"input_over: {max(longest)}"
    elif not holding:
        ends = [b.valid_to for b in covering if b.valid_to is not None and b.valid_to <= last]
        starts = [b.valid_from for b in covering if b.valid_from is not None and b.valid_from > first]
        if ends:
            yield f"valid_from: {max(ends)}"
        if starts:
            yield f"valid_to: {min(starts)}"


def _holds(block: Block, day: date) -> bool:
    return (block.valid_from or date.min) <= day < (block.valid_to or date.max)


def missing_of(published: Published, book: RateBook | None = None) -> list[Lack]:
    """What the requests of a published set lack, the most requests first; `book` brings the contract."""
    with published.connect() as con:
        rows = con.sql("select * from unpriced_models").pl().to_dicts()
    return lacks(rows, book or RateBook()) if rows else []


def missing_yaml(published: Published) -> str:
    """The lacking rates of a published set as a `rates:` block to fill in; empty where nothing lacks."""
    return rates_yaml(missing_of(published))
