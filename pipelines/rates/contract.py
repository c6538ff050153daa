"""`rates.yaml`: what a company has negotiated, as one contract. Every amount a decimal string, everything dated.

A negotiated unit price replaces the list's for its class, tier and region; a discount lowers all classes
of the models it names (a negative percentage is a marketplace's mark-up); an alias says which model a
deployment name means; provisioned capacity and commitments are fixed costs; `exchange` names the file of exchange
rates, beside `rates.yaml`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, PrivateAttr, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from pipelines.rates.agreements import KNOWN_CLASSES as KNOWN_CLASSES
from pipelines.rates.agreements import Commitment, Dated, DeploymentAlias, Discount, NegotiatedRate, Provisioned
from pipelines.rates.blocks import spans
from pipelines.rates.exchange import NO_EXCHANGE, Exchange, read_exchange
from pipelines.workspace.errors import UsageError
from pipelines.workspace.load import parse_yaml

Entry = TypeVar("Entry", bound=Dated)


class Contract(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    rates: tuple[NegotiatedRate, ...] = ()
    discounts: tuple[Discount, ...] = ()
    aliases: tuple[DeploymentAlias, ...] = ()
    provisioned: tuple[Provisioned, ...] = ()
    commitments: tuple[Commitment, ...] = ()
    exchange: str | None = None
    _text: str = PrivateAttr("")
    _fx: Exchange = PrivateAttr(NO_EXCHANGE)

    @model_validator(mode="after")
    def _no_two_at_once(self) -> Contract:
        _refuse_overlap(
            "rates", self.rates, lambda r: (r.provider, r.model, r.class_, r.service_tier, r.region_key, r.input_over),
            lambda r: f"{r.provider}/{r.model} {r.class_} at {r.service_tier}",
        )  # fmt: skip
        _refuse_overlap(
            "discounts", self.discounts, lambda d: (d.provider, d.model), lambda d: f"{d.provider}/{d.model}"
        )
        _refuse_overlap("aliases", self.aliases, lambda a: (a.provider, a.alias), lambda a: f"{a.provider}/{a.alias}")
        _refuse_overlap("provisioned", self.provisioned, lambda p: p.name, lambda p: p.name)
        _refuse_overlap(
            "provisioned", self.provisioned, lambda p: (p.provider, p.model, (p.region or "").lower()),
            lambda p: f"{p.provider}/{p.model} (one entry may hold the price of all its capacity)",
        )  # fmt: skip
        _refuse_overlap("commitments", self.commitments, lambda c: c.name, lambda c: c.name)
        if self.currencies and self.exchange is None:
            raise ValueError(f"exchange: required: amounts are in {', '.join(sorted(self.currencies))}")
        return self

    @property
    def currencies(self) -> frozenset[str]:
        """Currencies other than the dollar that amounts are agreed in."""
        priced = (*self.rates, *self.provisioned, *self.commitments)
        return frozenset(e.currency for e in priced) - {"USD"}

    @property
    def fx(self) -> Exchange:
        """The exchange rates of the file that `exchange` names."""
        return self._fx

    @cached_property
    def version(self) -> str:
        """Content hash of what the contract says, exchange rates of the currencies it uses included."""
        return hashlib.sha256("\0".join((self._text, self._fx.version(self.currencies))).encode()).hexdigest()

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
    """The contract and its exchange file. Raises UsageError with file, line, key, what was found and expected."""
    if path is None:
        return NO_CONTRACT
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: can't be read: {error}; expected the file that rates.contract names") from None
    document = parse_yaml(text, path) or {}
    if not isinstance(document, dict):
        raise UsageError(f"{path}: expected keys such as rates, discounts and aliases, found {type(document).__name__}")
    try:
        contract = Contract.model_validate(document)
    except ValidationError as error:
        raise UsageError(_complaint(path, text, error)) from None
    contract._text = text
    if contract.exchange:
        if ".." in PurePosixPath(contract.exchange).parts:
            line = _line(text, ("exchange",))
            raise UsageError(f"{path}, line {line}: exchange: {contract.exchange!r} climbs with '..'")
        contract._fx = read_exchange(path.parent / contract.exchange)
    return contract


def _complaint(path: Path, text: str, error: ValidationError) -> str:
    first = error.errors()[0]
    place = tuple(part for part in first["loc"] if isinstance(part, str | int))
    where = ".".join(str(part) for part in place) or "file"
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        message = "unknown key"
    elif first["type"] == "missing":
        message = "required, not found"
    shown = isinstance(first["input"], str | int | float) and "found" not in message and message != "unknown key"
    return f"{path}, line {_line(text, place)}: {where}: {message}" + (f", found {first['input']!r}" if shown else "")


def _line(text: str, place: tuple[Any, ...]) -> int:
    """The line, from 1, of a key or list entry; of what would hold it where it is missing."""
    node: Node | None = YAML(typ="safe", pure=True).compose(text)
    line = 1
    for part in place:
        if isinstance(node, SequenceNode) and isinstance(part, int):
            node = node.value[part]
            line = node.start_mark.line + 1
        elif isinstance(node, MappingNode):
            key, node = next(((k, v) for k, v in node.value if k.value == part), (None, node))
            line = key.start_mark.line + 1 if key is not None else line
    return line
