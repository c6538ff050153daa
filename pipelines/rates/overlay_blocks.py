"""The blocks of `overlay.yaml`: what each may say, and how well it says that its amounts are known.

`basis: page` was read where `source` points, `basis: table` was compared with a dated public price table that
`seen_in` names, both on the day `verified`; `verified: null` follows from the vendor's general rule and nobody
compared it. `seen_since` is the earliest day for which the amounts were found published: before it the block is
derived, not verified.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from pipelines.rates.classes import EXCESS_CLASSES
from pipelines.rates.days import UtcDay

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
    from_: UtcDay | None = Field(default=None, alias="from")
    until: UtcDay | None = None  #: the first day on which it no longer holds
    source: Annotated[str, Field(min_length=8)]
    verified: UtcDay | None  #: the day on which the amounts were last compared; null: never
    basis: Literal["page", "table", "derived"] = "page"
    seen_in: str | None = None  #: the price table that was compared, with its versions
    seen_since: UtcDay | None = None  #: the first day for which the amounts were found published
    gap: str | None = None  #: why nothing is known between the block before it and this one
    note: str | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Dated:
        if self.from_ and self.until and self.until <= self.from_:
            raise ValueError(f"until {self.until} is not after from {self.from_}")
        if (self.verified is None) != (self.basis == "derived"):
            raise ValueError(
                "expected `verified: null` and `basis: derived` together: either somebody compared it or not"
            )
        if (self.basis == "table") != (self.seen_in is not None):
            raise ValueError("expected `basis: table` and `seen_in` together: the table that was compared")
        if self.seen_since and self.basis == "derived":
            raise ValueError("a derived block was seen nowhere: leave out seen_since")
        return self

    def known(self, at: date) -> tuple[str, date | None]:
        """How well the amounts are known for a day: the basis, and the day of comparison where there was one."""
        if self.seen_since is not None and at < self.seen_since:
            return "derived", None
        return self.basis, self.verified

    def covers(self, provider: str, entry: str) -> bool:
        return (
            self.provider == provider
            and any(fnmatchcase(entry, m) for m in self.models)
            and not any(fnmatchcase(entry, m) for m in self.except_)
        )


class Alias(Dated):
    """A name that means a model of the price list; with dates, one that moved."""

    alias: str
    model: str | None  #: null: nobody knows which model it meant then


class Model(Dated):
    """A model that the list lacks: its prices are its blocks under `history`."""

    model: str


class TierRule(Dated):
    """A processing tier: a factor on standard prices, its own prices, or the list's prices carried back.

    Where several blocks cover a model on a day, each gives its own classes.
    """

    tier: Tier
    factor: Amount | None = None
    usd_per_million: dict[str, Bands] | None = None
    classes: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()  #: classes that keep the standard price
    carry_back: bool = False  #: the list's dated prices of this tier held since `from` already
    input_upto: int | None = None  #: the tier takes no longer requests

    @model_validator(mode="after")
    def _one_kind(self) -> TierRule:
        kinds = (self.factor, self.usd_per_million, self.carry_back or None, self.input_upto)
        if sum(kind is not None for kind in kinds) != 1:
            raise ValueError("expected one of factor, usd_per_million, carry_back or input_upto")
        return self

    @property
    def priced(self) -> frozenset[str]:
        """The classes that this block gives a price."""
        return frozenset((*self.classes, *self.unchanged, *(self.usd_per_million or ())))


class RegionRule(Dated):
    """A factor on all token classes for requests of these regions."""

    regions: tuple[str, ...]
    tiers: tuple[Tier, ...] = ("standard",)
    factor: Amount
    instead: dict[str, Bands] = {}  #: standard prices per million that the vendor publishes rounded


class ClassRule(Dated):
    """A class that the list leaves out: its price, or the class whose price it has."""

    class_: str = Field(alias="class")
    tier: Tier | Literal["*"] = "standard"
    usd_per_million: Bands | None = None
    usd_each: Amount | None = None
    same_as: str | None = None
    excess: bool = False  #: a band prices only the input tokens above its threshold

    @model_validator(mode="after")
    def _one_price(self) -> ClassRule:
        if sum(v is not None for v in (self.usd_per_million, self.usd_each, self.same_as)) != 1:
            raise ValueError("expected one of usd_per_million, usd_each or same_as")
        if self.excess:
            _excess_of_the_prompt({self.class_: self.usd_per_million})
        return self


class History(Dated):
    """The standard prices of a model over a time, in place of the list's."""

    window: tuple[str, str] = ("00:00", "24:00")  #: of the day, UTC
    weekdays: tuple[int, int] = (1, 7)  #: ISO, first and last
    usd_per_million: dict[str, Bands]
    excess: bool = False  #: a band prices only the input tokens above its threshold

    @model_validator(mode="after")
    def _one_threshold(self) -> History:
        if self.excess:
            _excess_of_the_prompt(self.usd_per_million)
        return self


def _excess_of_the_prompt(prices: Mapping[str, Bands | None]) -> None:
    """Two bands of prompt classes with one threshold: what an excess-only price may say."""
    banded = {cls: each for cls, each in prices.items() if isinstance(each, tuple)}
    if not banded or any(cls not in EXCESS_CLASSES or len(each) != 2 for cls, each in banded.items()):
        raise ValueError(f"excess: expected two bands, of {', '.join(EXCESS_CLASSES)} alone; found {', '.join(banded)}")
    if len({each[1][0] for each in banded.values()}) != 1:
        raise ValueError("excess: expected one threshold for all classes")


def holds(block: Dated, at: date | None) -> bool:
    if at is None:
        return block.from_ is None and block.until is None
    return (block.from_ is None or block.from_ <= at) and (block.until is None or at < block.until)


def boundaries(blocks: Iterable[Dated]) -> set[date]:
    """The days on which one of the blocks begins, ends or is known better."""
    return {day for block in blocks for day in (block.from_, block.until, block.seen_since) if day is not None}
