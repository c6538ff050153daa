"""The rate book: every rate of the models asked for, for any day, with list and contracted unit price.

Grain of a rate: (provider, model, class, service tier, region, context band, time-of-day window,
validity). Rates are USD per single unit (token, search, second). What no rate names has no price: an
unknown tier, class or region is never priced as something else.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cached_property
from pathlib import Path

from pipelines.rates.blocks import STANDARD_REGIONS, Block, Window, in_region, merged
from pipelines.rates.contract import NO_CONTRACT, Contract, read_contract
from pipelines.rates.identity import GENAI_PROVIDERS, PROFILES, Identity, bare, canonical, identify
from pipelines.rates.listprices import GENAI, list_hash
from pipelines.rates.negotiated import apply_contract
from pipelines.rates.overlay import overlay_text
from pipelines.rates.pricelist import model_blocks
from pipelines.workspace.errors import OutlayError

_AWS_REGION = re.compile(r"(?:us|eu|ap|ca|sa|me|af|il|mx)-[a-z]+-\d")
#: The list's Bedrock prices are those of these regions, and of the profiles that run there ...
_AWS_PRICED = {"us-east-1", "us-east-2", "us-west-2", "us", "global", None}
#: ... but these makers' models cost the same in every commercial region.
_AWS_ONE_PRICE = ("anthropic.", "writer.", "openai.", "moonshotai.", "zai.")
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Rate:
    provider: str
    model: str  #: as asked for
    class_: str
    service_tier: str
    region: str  #: "" = standard or global
    band_over: int  #: for requests of more input tokens than this (-1: of any number)
    band_upto: int | None  #: and of at most this many
    window: Window
    valid_from: date | None  #: 00:00 UTC, included
    valid_to: date | None  #: 00:00 UTC, excluded
    list_unit_price: Decimal | None
    unit_price: Decimal  #: contracted where the company has a contract, else the list's
    source: str
    verified_on: date | None
    currency: str = "USD"
    basis: str = "list"  #: how well it is known: list, page, table or derived (see the overlay)
    excess: bool = False  #: it prices only the input tokens above `band_over`

    def in_force(self, at: datetime) -> bool:
        utc = at.astimezone(UTC)
        second = utc.hour * 3600 + utc.minute * 60 + utc.second
        return (
            (self.valid_from is None or self.valid_from <= utc.date())
            and (self.valid_to is None or utc.date() < self.valid_to)
            and self.window.start <= second < self.window.end
            and self.window.first <= utc.isoweekday() <= self.window.last
        )


@dataclass(frozen=True)
class RateBook:
    """The rates of some (provider, model as logged) pairs under one contract."""

    contract: Contract = NO_CONTRACT
    blocks: dict[Pair, tuple[Block, ...]] = field(default_factory=dict)

    @classmethod
    def for_models(cls, pairs: Iterable[Pair], contract: Path | None = None) -> RateBook:
        """Compiles the rates of these pairs.

        Raises UsageError for a bad contract, OutlayError for a bad overlay.
        """
        return cls(read_contract(contract)).including(pairs)

    def including(self, pairs: Iterable[Pair]) -> RateBook:
        """This book with further pairs compiled."""
        missing = dict.fromkeys(p for p in pairs if p not in self.blocks)
        return replace(self, blocks=self.blocks | {p: self._compiled(*p) for p in missing}) if missing else self

    def _compiled(self, provider: str, model: str) -> tuple[Block, ...]:
        found: list[Block] = []
        logged = {model, bare(provider, model) or model, canonical(provider, model).partition("/")[2]}
        for since, until, meant in self.contract.meanings(provider, model):
            # what is agreed for a model holds only while the name means it
            names = logged | {meant, canonical(provider, meant).partition("/")[2]}
            for block in apply_contract(self._listed(provider, meant), provider, names, self.contract):
                start = max(filter(None, (block.valid_from, since)), default=None)
                end = min(filter(None, (block.valid_to, until)), default=None)
                if start is None or end is None or start < end:
                    found.append(replace(block, valid_from=start, valid_to=end))
        blocks = tuple(merged(found))
        if pairs := overlaps(_rates(provider, model, blocks)):
            one, other = pairs[0]
            raise OutlayError(
                f"rate book: {provider}/{model}: two rates for {one.class_} at {one.service_tier}: "
                f"{one.source} from {one.valid_from or 'the beginning'}, "
                f"and {other.source} from {other.valid_from or 'the beginning'}"
            )
        return blocks

    def _listed(self, provider: str, model: str) -> list[Block]:
        blocks = model_blocks(provider, model)
        name = bare(provider, model)
        if provider != "aws" or name is None:
            return blocks
        profile, vendor_model = _profile(name)
        if profile not in _AWS_PRICED and not vendor_model.startswith(_AWS_ONE_PRICE):
            return []
        if profile is None:
            # A Bedrock log may give the profile as the region instead of as a prefix of the model.
            for through in PROFILES:
                if through in _AWS_PRICED or vendor_model.startswith(_AWS_ONE_PRICE):
                    found = model_blocks(provider, f"{through}.{name}")
                    blocks += [replace(b, region=through) for b in found if b.region == ""]
        return blocks

    def region_key(self, provider: str, model: str, region: str | None) -> str | None:
        """The region of the rates that a logged region means; None where no rate can cover it."""
        key = (region or "").strip().lower()
        if provider == "aws":
            profile, vendor_model = _profile(bare(provider, self.contract.meaning(provider, model)) or "")
            if key in ("", profile) or (
                _AWS_REGION.fullmatch(key)
                and (profile is not None or key in _AWS_PRICED or vendor_model.startswith(_AWS_ONE_PRICE))
            ):
                return ""
            if profile is not None:
                return None
        elif key in STANDARD_REGIONS:
            return ""
        known = {b.region for b in self.blocks.get((provider, model), ())}
        if key in known:
            return key
        return min((group for group in known if in_region(group, key)), default=None)

    def identity(self, provider: str, model: str, at: date | None = None) -> Identity | None:
        """As `identify`, with the contract's deployment names followed."""
        return identify(provider, self.contract.meaning(provider, model, at), at)

    def canonical(self, provider: str, model: str, at: date | None = None) -> str:
        """As `canonical`, with the contract's deployment names followed."""
        return canonical(provider, self.contract.meaning(provider, model, at), at)

    def names(self, provider: str, model: str, at: date | None = None) -> frozenset[str]:
        """What a contract may call a model as logged: itself, its canonical name, what a deployment's name means."""
        meant = self.contract.meaning(provider, model, at)
        called = (
            name for m in (model, meant) for name in (m, bare(provider, m), canonical(provider, m).partition("/")[2])
        )
        return frozenset(filter(None, called))

    @cached_property
    def rates(self) -> tuple[Rate, ...]:
        return tuple(r for (provider, model), blocks in self.blocks.items() for r in _rates(provider, model, blocks))

    @cached_property
    def version(self) -> str:
        """Content hash of what the rates come from: price package, overlay, contract and the exchange rates it uses."""
        parts = "\0".join((GENAI, list_hash(), overlay_text(), self.contract.version))
        return hashlib.sha256(parts.encode()).hexdigest()[:16]


def _profile(name: str) -> tuple[str | None, str]:
    """Bedrock's geographic profile and what follows it."""
    profile = next((p for p in PROFILES if name.startswith(f"{p}.")), None)
    return profile, name[len(profile) + 1 :] if profile else name


def show(provider: str | None, model: str, at: datetime, contract: Path | None = None) -> list[Rate]:
    """The rates in force for a model at an instant; of every provider that knows it if none is named."""
    providers = (
        [provider] if provider else [p.id for p in GENAI_PROVIDERS if p.model_match is None or identify(p.id, model)]
    )
    book = RateBook.for_models([(p, model) for p in providers], contract)
    rows = [r for r in book.rates if r.in_force(at)]
    return sorted(
        rows,
        key=lambda r: (
            r.provider,
            r.region,
            r.service_tier != "standard",
            r.service_tier,
            r.class_,
            r.band_over,
        ),
    )


def _rates(provider: str, model: str, blocks: Iterable[Block]) -> Iterable[Rate]:
    for block in blocks:
        for cls, price in block.contracted.items():
            listed = block.listed.get(cls)
            edges = [over for over, _ in price.bands] + [block.input_upto]
            for (over, each), upto in zip(price.bands, edges[1:], strict=True):
                if block.input_upto is not None and over >= block.input_upto:
                    break
                over = max(over, block.input_over)
                yield Rate(
                    provider, model, cls, block.tier, block.region, over,
                    min((u for u in (upto, block.input_upto) if u is not None), default=None),
                    block.window, block.valid_from, block.valid_to,
                    listed.at(over + 1) if listed else None, each, price.source, price.verified,
                    basis=price.basis, excess=price.excess and over >= 0,
                )  # fmt: skip


def overlaps(rates: Iterable[Rate]) -> list[tuple[Rate, Rate]]:
    """Pairs of rates that would both price one charge: same key, and validity, band and window meet.

    Also returned, paired with itself: a rate whose validity or band is empty.
    """
    found: list[tuple[Rate, Rate]] = []
    by_key: dict[tuple[str, ...], list[Rate]] = {}
    for rate in rates:
        if (rate.valid_from and rate.valid_to and rate.valid_to <= rate.valid_from) or (
            rate.band_upto is not None and rate.band_upto <= rate.band_over
        ):
            found.append((rate, rate))
        key = (rate.provider, rate.model, rate.class_, rate.service_tier, rate.region)
        by_key.setdefault(key, []).append(rate)
    for group in by_key.values():
        found += _meeting(sorted(group, key=lambda r: r.valid_from or date.min))
    return found


def _meeting(group: Sequence[Rate]) -> list[tuple[Rate, Rate]]:
    found: list[tuple[Rate, Rate]] = []
    for i, one in enumerate(group):
        for other in group[i + 1 :]:
            if one.valid_to is not None and (other.valid_from or date.min) >= one.valid_to:
                break
            bands = max(one.band_over, other.band_over) < min(one.band_upto or 1 << 62, other.band_upto or 1 << 62)
            hours = max(one.window.start, other.window.start) < min(one.window.end, other.window.end)
            days = max(one.window.first, other.window.first) <= min(one.window.last, other.window.last)
            if bands and hours and days:
                found.append((one, other))
    return found
