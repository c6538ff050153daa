"""The reviewed overlay over genai-prices: what its data lacks, dated, with a source beside every rule.

`overlay.yaml` is append-only: a price that changes gets a further dated block. Its kinds of block say which
model an alias means, which models the list lacks, what a processing tier or a region costs, what a class
costs that the list leaves out, and a whole price history where the list's is wrong or has none. Blocks of one
series may neither overlap nor leave a hole without a reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from fnmatch import fnmatchcase
from functools import cache, cached_property
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, model_validator
from ruamel.yaml import YAML, YAMLError

from pipelines.rates.overlay_blocks import (
    Alias,
    ClassRule,
    Dated,
    History,
    Model,
    RegionRule,
    TierRule,
    boundaries,
    holds,
)
from pipelines.workspace.errors import OutlayError

OVERLAY = Path(__file__).with_name("overlay.yaml")
Block = TypeVar("Block", bound=Dated)


class Overlay(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    aliases: tuple[Alias, ...] = ()
    models: tuple[Model, ...] = ()
    tiers: tuple[TierRule, ...] = ()
    regions: tuple[RegionRule, ...] = ()
    classes: tuple[ClassRule, ...] = ()
    history: tuple[History, ...] = ()

    @model_validator(mode="after")
    def _aliases_do_not_overlap(self) -> Overlay:
        for one, other in clashes(self.aliases, lambda a: (a.provider, a.alias)):
            raise ValueError(f"aliases: {one.provider}/{one.alias} means both {one.model} and {other.model}")
        return self

    @model_validator(mode="after")
    def _no_series_overlaps_or_has_a_hole(self) -> Overlay:
        for name, blocks in self._series():
            for one, other in overlapping(blocks):
                raise ValueError(f"{name}: {one.source} and {other.source} both hold on {_both(one, other)}")
            for one, other in holes(blocks):
                raise ValueError(
                    f"{name}: nothing holds from {one.until} to {other.from_}: close the gap, or say why with `gap:`"
                )
        return self

    def _series(self) -> Iterator[tuple[str, list[Dated]]]:
        """Blocks that speak of the same thing, by name: one follows the other."""
        found: dict[str, list[Dated]] = {}
        for a in self.aliases:
            found.setdefault(f"aliases: {a.provider}/{a.alias}", []).append(a)
        for t in self.tiers:
            for cls in sorted(t.priced):
                found.setdefault(f"tiers: {t.provider}/{','.join(t.models)} {cls} at {t.tier}", []).append(t)
        for r in self.regions:
            for region in r.regions:
                found.setdefault(f"regions: {r.provider}/{','.join(r.models)} in {region}", []).append(r)
        for c in self.classes:
            found.setdefault(f"classes: {c.provider}/{','.join(c.models)} {c.class_} at {c.tier}", []).append(c)
        for h in self.history:
            for model in h.models:
                found.setdefault(f"history: {h.provider}/{model}", []).append(h)
        yield from found.items()

    def model(self, provider: str, name: str) -> Model | None:
        """The entry for a model that the list lacks; one that ends in `*` is that of every name that begins so."""
        exact = self._by_model.get((provider, name))
        return exact or next((m for m in self._patterns if m.provider == provider and fnmatchcase(name, m.model)), None)

    @cached_property
    def _by_model(self) -> dict[tuple[str, str], Model]:
        return {(m.provider, m.model): m for m in self.models}

    @cached_property
    def _patterns(self) -> tuple[Model, ...]:
        return tuple(m for m in self.models if m.model.endswith("*"))

    def alias(self, provider: str, name: str, at: date | None) -> str | None:
        """The model that `name` means on the day `at`; without a day only what no date limits.

        None where the overlay says nothing; empty where the model of that day is not known.
        """
        for block in self.aliases:
            if (block.provider, block.alias) == (provider, name) and holds(block, at):
                return block.model or ""
        return None

    def alias_days(self, provider: str, name: str) -> set[date]:
        """The days on which an alias began to mean something else."""
        days: set[date] = set()
        for block in self.aliases:
            if (block.provider, block.alias) == (provider, name):
                days |= boundaries([block])
        return days


def clashes(blocks: Iterable[Block], key: Callable[[Block], object]) -> list[tuple[Block, Block]]:
    """Pairs of blocks of one key whose validity overlaps."""
    found: list[tuple[Block, Block]] = []
    seen: dict[object, list[Block]] = {}
    for block in blocks:
        for other in seen.setdefault(key(block), []):
            starts = max(block.from_ or date.min, other.from_ or date.min)
            if starts < min(block.until or date.max, other.until or date.max):
                found.append((other, block))
        seen[key(block)].append(block)
    return found


def overlapping(blocks: list[Dated]) -> Iterator[tuple[Dated, Dated]]:
    """Pairs of one series that hold at one instant: days, hours and weekdays meet."""
    for i, one in enumerate(blocks):
        for other in blocks[i + 1 :]:
            if _both(one, other) < min(one.until or date.max, other.until or date.max) and _hours_meet(one, other):
                yield one, other


def holes(blocks: list[Dated]) -> Iterator[tuple[Dated, Dated]]:
    """Pairs of one series between which days are left out, or parts of the week, without a reason given."""
    for day, group in _stretches(blocks):
        before = [b for b in blocks if b.until is not None and b.until <= day]
        if not group and before and (after := [b for b in blocks if b.from_ and b.from_ > day]):
            one, other = max(before, key=lambda b: b.until or date.min), min(after, key=lambda b: b.from_ or date.max)
            if other.gap is None:
                yield one, other
        windowed = [b for b in group if isinstance(b, History)]
        if windowed and sum(_seconds(b) * (b.weekdays[1] - b.weekdays[0] + 1) for b in windowed) != 7 * 86400:
            raise ValueError(
                f"history: {windowed[0].provider}/{windowed[0].models[0]}: parts of the week of {day} are left out"
            )


def _stretches(blocks: list[Dated]) -> Iterator[tuple[date, list[Dated]]]:
    """The first day of each stretch between begins and ends, with the blocks that hold then."""
    days = sorted({d for b in blocks for d in (b.from_ or date.min, b.until) if d is not None})
    for day, _ in pairwise([*days, date.max]):
        yield day, [b for b in blocks if holds(b, day)]


def _both(one: Dated, other: Dated) -> date:
    """The first day on which both could hold."""
    return max(one.from_ or date.min, other.from_ or date.min)


def _hours_meet(one: Dated, other: Dated) -> bool:
    if not isinstance(one, History) or not isinstance(other, History):
        return True
    days = max(one.weekdays[0], other.weekdays[0]) <= min(one.weekdays[1], other.weekdays[1])
    return days and max(one.window[0], other.window[0]) < min(one.window[1], other.window[1])


def _seconds(block: History) -> int:
    start, end = (int(t[:2]) * 3600 + int(t[3:]) * 60 for t in block.window)
    return end - start


def read_overlay(text: str, name: str = "overlay.yaml") -> Overlay:
    """Raises OutlayError with the key and what was expected there."""
    try:
        document = YAML(typ="safe", pure=True).load(text)
        return TypeAdapter(Overlay).validate_python(document or {})
    except YAMLError as error:
        raise OutlayError(f"{name}: no valid YAML: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        found = f", found {first['input']!r}" if where and "found" not in first["msg"] else ""
        raise OutlayError(f"{name}: {where + ': ' if where else ''}{first['msg']}{found}") from None


@cache
def overlay_text() -> str:
    return OVERLAY.read_text(encoding="utf-8")


@cache
def overlay() -> Overlay:
    """The overlay of this version of Outlay."""
    return read_overlay(overlay_text())
