"""The reviewed overlay over genai-prices: what its data lacks, dated, with a source beside every rule.

`overlay.yaml` is append-only: a price that changes gets a further dated block. Its five kinds of block say
which model an alias means, what a processing tier or a region costs, what a class costs that the list
leaves out, and a whole price history where the list's is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from ruamel.yaml import YAML, YAMLError

from pipelines.workspace.errors import OutlayError

OVERLAY = Path(__file__).with_name("overlay.yaml")
Tier = Literal["standard", "batch", "flex", "priority", "fast"]


def _decimal_string(value: object) -> object:
    if isinstance(value, Decimal):
        return value
    if not isinstance(value, str):
        raise ValueError(f'expected an amount in quotes such as "0.50", found {value!r}')
    return value


Amount = Annotated[Decimal, BeforeValidator(_decimal_string), Field(ge=0)]
#: A price per million, or a list of [more than so many input tokens, price per million].
Bands = Amount | tuple[tuple[int, Amount], ...]


class Dated(BaseModel):
    """What every block has: where it holds, since when, until when, and who says so."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
    provider: str
    models: tuple[str, ...] = ("*",)  #: ids of the price list, shell patterns
    except_: tuple[str, ...] = Field(default=(), alias="except")
    from_: date | None = Field(default=None, alias="from")
    until: date | None = None  #: the first day on which it no longer holds
    source: Annotated[str, Field(min_length=8)]
    verified: date

    @model_validator(mode="after")
    def _in_order(self) -> Dated:
        if self.from_ and self.until and self.until <= self.from_:
            raise ValueError(f"until {self.until} is not after from {self.from_}")
        return self

    def covers(self, provider: str, entry: str) -> bool:
        return (
            self.provider == provider
            and any(fnmatchcase(entry, m) for m in self.models)
            and not any(fnmatchcase(entry, m) for m in self.except_)
        )


Block = TypeVar("Block", bound=Dated)


class Alias(Dated):
    """A name that means a model of the price list; with dates, one that moved."""

    alias: str
    model: str


class TierRule(Dated):
    """A processing tier: a factor on standard prices of some classes, or the list's prices carried back."""

    tier: Tier
    factor: Amount | None = None
    classes: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()  #: classes that keep the standard price
    carry_back: bool = False  #: the list's dated prices of this tier held since `from` already
    input_upto: int | None = None  #: the tier takes no longer requests

    @model_validator(mode="after")
    def _one_kind(self) -> TierRule:
        if (self.factor is not None) + self.carry_back + (self.input_upto is not None) != 1:
            raise ValueError("expected one of factor, carry_back or input_upto")
        return self


class RegionRule(Dated):
    """A factor on all token classes for requests of these regions."""

    regions: tuple[str, ...]
    tiers: tuple[Tier, ...] = ("standard",)
    factor: Amount


class ClassRule(Dated):
    """A class that the list leaves out: its price, or the class whose price it has."""

    class_: str = Field(alias="class")
    tier: Tier | Literal["*"] = "standard"
    usd_per_million: Bands | None = None
    usd_each: Amount | None = None
    same_as: str | None = None

    @model_validator(mode="after")
    def _one_price(self) -> ClassRule:
        if sum(v is not None for v in (self.usd_per_million, self.usd_each, self.same_as)) != 1:
            raise ValueError("expected one of usd_per_million, usd_each or same_as")
        return self


class History(Dated):
    """The standard prices of a model over a time, in place of the list's."""

    window: tuple[str, str] = ("00:00", "24:00")  #: of the day, UTC
    weekdays: tuple[int, int] = (1, 7)  #: ISO, first and last
    usd_per_million: dict[str, Bands]


class Overlay(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    aliases: tuple[Alias, ...] = ()
    tiers: tuple[TierRule, ...] = ()
    regions: tuple[RegionRule, ...] = ()
    classes: tuple[ClassRule, ...] = ()
    history: tuple[History, ...] = ()

    @model_validator(mode="after")
    def _aliases_do_not_overlap(self) -> Overlay:
        for one, other in clashes(self.aliases, lambda a: (a.provider, a.alias)):
            raise ValueError(f"aliases: {one.provider}/{one.alias} means both {one.model} and {other.model}")
        return self

    def alias(self, provider: str, name: str, at: date | None) -> str | None:
        """The model that `name` means on the day `at`; without a day only what no date limits."""
        for block in self.aliases:
            if (block.provider, block.alias) == (provider, name) and holds(block, at):
                return block.model
        return None

    def alias_days(self, provider: str, name: str) -> set[date]:
        """The days on which an alias began to mean something else."""
        days: set[date] = set()
        for block in self.aliases:
            if (block.provider, block.alias) == (provider, name):
                days |= boundaries([block])
        return days


def holds(block: Dated, at: date | None) -> bool:
    if at is None:
        return block.from_ is None and block.until is None
    return (block.from_ is None or block.from_ <= at) and (block.until is None or at < block.until)


def boundaries(blocks: Iterable[Dated]) -> set[date]:
    """The days on which one of the blocks begins or ends."""
    return {day for block in blocks for day in (block.from_, block.until) if day is not None}


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


def read_overlay(text: str, name: str = "overlay.yaml") -> Overlay:
    """Raises OutlayError with the key and what was expected there."""
    try:
        document = YAML(typ="safe").load(text)
        return TypeAdapter(Overlay).validate_python(document or {})
    except YAMLError as error:
        raise OutlayError(f"{name}: no valid YAML: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise OutlayError(f"{name}: {where}: {first['msg']}, found {first['input']!r}") from None


@cache
def overlay_text() -> str:
    return OVERLAY.read_text(encoding="utf-8")


@cache
def overlay() -> Overlay:
    """The overlay of this version of Outlay."""
    return read_overlay(overlay_text())
