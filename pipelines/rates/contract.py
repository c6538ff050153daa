"""`rates.yaml`: what a company has negotiated. Every amount a decimal string, everything dated.

A negotiated unit price replaces the list's for its class, tier and region; a discount lowers all classes
of the models it names (a negative percentage is a marketplace's mark-up); an alias says which model a
deployment name means.
`valid_to` is the first day on which an entry no longer holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from pipelines.rates.blocks import STANDARD_REGIONS, Price, spans
from pipelines.rates.classes import CLASSES, unit_price
from pipelines.workspace.errors import UsageError

KNOWN_CLASSES = frozenset(cls for cls, _ in CLASSES.values()) | {"embedding"}


def _decimal_string(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError(f'expected a decimal string such as "2.50", found {value!r}')
    return value


Amount = Annotated[Decimal, BeforeValidator(_decimal_string), Field(ge=0, max_digits=22, decimal_places=12)]


class Dated(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    provider: str
    valid_from: date | None = None
    valid_to: date | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Dated:
        if self.valid_from and self.valid_to and self.valid_to <= self.valid_from:
            raise ValueError(f"expected valid_to after valid_from {self.valid_from}, found {self.valid_to}")
        return self

    def holds(self, at: date) -> bool:
        return (self.valid_from is None or self.valid_from <= at) and (self.valid_to is None or at < self.valid_to)


Entry = TypeVar("Entry", bound=Dated)


class NegotiatedRate(Dated):
    model: str
    class_: str = Field(alias="class")
    usd_per_million: Amount | None = None
    usd_each: Amount | None = None
    service_tier: Literal["standard", "batch", "flex", "priority"] = "standard"
    region: str | None = None
    source: str | None = None

    @model_validator(mode="after")
    def _one_amount(self) -> NegotiatedRate:
        if (self.usd_per_million is None) == (self.usd_each is None):
            raise ValueError("expected one of usd_per_million and usd_each")
        if self.class_ not in KNOWN_CLASSES:
            raise ValueError(f"expected a class such as input, cache_read or output, found {self.class_!r}")
        return self

    @property
    def region_key(self) -> str:
        key = (self.region or "").strip().lower()
        return "" if key in STANDARD_REGIONS else key

    @property
    def price(self) -> Price:
        each = self.usd_each if self.usd_each is not None else unit_price(self.usd_per_million or Decimal(0), 1_000_000)
        return Price(((-1, each),), f"contract: {self.source or 'rates.yaml'}")


class Discount(Dated):
    model: str = "*"
    percent: Annotated[Decimal, BeforeValidator(_decimal_string), Field(ge=-100, le=100)]
    source: str | None = None


class DeploymentAlias(Dated):
    alias: str
    model: str


class Provisioned(Dated):
    """Capacity at a fixed price per period, whatever runs on it."""

    name: str
    model: str
    cost_usd: Amount
    period: Literal["hour", "day", "month"]


class Contract(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    rates: tuple[NegotiatedRate, ...] = ()
    discounts: tuple[Discount, ...] = ()
    aliases: tuple[DeploymentAlias, ...] = ()
    provisioned: tuple[Provisioned, ...] = ()
    exchange: str | None = None
    text: Annotated[str, Field(exclude=True)] = ""

    @model_validator(mode="after")
    def _no_two_at_once(self) -> Contract:
        _refuse_overlap(
            "rates", self.rates, lambda r: (r.provider, r.model, r.class_, r.service_tier, r.region),
            lambda r: f"{r.provider}/{r.model} {r.class_} at {r.service_tier}",
        )  # fmt: skip
        _refuse_overlap(
            "discounts", self.discounts, lambda d: (d.provider, d.model), lambda d: f"{d.provider}/{d.model}"
        )
        _refuse_overlap("aliases", self.aliases, lambda a: (a.provider, a.alias), lambda a: f"{a.provider}/{a.alias}")
        _refuse_overlap("provisioned", self.provisioned, lambda p: (p.name,), lambda p: p.name)
        return self

    @cached_property
    def _by_alias(self) -> dict[tuple[str, str], list[DeploymentAlias]]:
        found: dict[tuple[str, str], list[DeploymentAlias]] = {}
        for alias in self.aliases:
            found.setdefault((alias.provider, alias.alias), []).append(alias)
        return found

    def meaning(self, provider: str, model: str, at: date | None = None) -> str:
        """The model that a deployment name stands for on a day; without a day, the latest meaning."""
        known = self._by_alias.get((provider, model), [])
        if at is None:
            return max(known, key=lambda a: a.valid_from or date.min).model if known else model
        return next((a.model for a in known if a.holds(at)), model)

    def meanings(self, provider: str, model: str) -> Iterator[tuple[date | None, date | None, str]]:
        """The stretches of time in which a logged name means one model."""
        days = edges(self._by_alias.get((provider, model), []))
        for since, until in spans(days):
            yield since, until, self.meaning(provider, model, first_day(since, until))


def edges(entries: Iterable[Dated]) -> set[date]:
    return {day for e in entries for day in (e.valid_from, e.valid_to) if day is not None}


def first_day(since: date | None, until: date | None) -> date:
    """A day inside a stretch that may be open at either end."""
    return since or ((until or date(2000, 1, 2)) - timedelta(days=1))


def _refuse_overlap(
    key: str, entries: Iterable[Entry], same: Callable[[Entry], object], name: Callable[[Entry], str]
) -> None:
    seen: dict[object, list[Entry]] = {}
    for entry in entries:
        for other in seen.setdefault(same(entry), []):
            starts = max(entry.valid_from or date.min, other.valid_from or date.min)
            if starts < min(entry.valid_to or date.max, other.valid_to or date.max):
                raise ValueError(
                    f"{key}: two entries for {name(entry)} hold on {max(starts, date(1970, 1, 1))}: "
                    "end the older one with valid_to"
                )
        seen[same(entry)].append(entry)


NO_CONTRACT = Contract()


def read_contract(path: Path | None) -> Contract:
    """Raises UsageError with file, key, what was found and what was expected."""
    if path is None:
        return NO_CONTRACT
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: can't be read: {error}; expected the file that rates.contract names") from None
    try:
        document = YAML(typ="safe").load(text) or {}
    except YAMLError as error:
        raise UsageError(f"{path}: no valid YAML: {error}") from None
    if not isinstance(document, dict):
        raise UsageError(f"{path}: expected keys such as rates, discounts and aliases, found {type(document).__name__}")
    if "text" in document:
        raise UsageError(f"{path}: text: unknown key")
    try:
        return Contract.model_validate({**document, "text": text})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "file"
        found = "" if where == "file" or "found" in first["msg"] else f", found {first['input']!r}"
        raise UsageError(f"{path}: {where}: {first['msg']}{found}") from None
