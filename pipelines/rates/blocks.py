"""A model's prices in blocks: what all its classes cost in one tier and region over a time.

Grain of a block: (service tier, region, time-of-day window, validity); inside it one price per class, in
bands of total input. Prices are USD per single unit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fnmatch import fnmatchcase
from itertools import pairwise

DAY = 86400
#: Spellings of "no particular region".
STANDARD_REGIONS = frozenset({"", "global", "default", "standard", "not_available"})
#: Regions of one price are one block; between its names and shell patterns stands this.
REGION_SEPARATOR = ", "


@dataclass(frozen=True, slots=True)
class Window:
    """Part of the week in UTC: seconds of the day, and ISO weekdays with both ends."""

    start: int = 0
    end: int = DAY
    first: int = 1
    last: int = 7


@dataclass(frozen=True, slots=True)
class Price:
    """USD per unit; `bands` are (more than so many input tokens, price), ascending, the first from -1."""

    bands: tuple[tuple[int, Decimal], ...]
    source: str
    verified: date | None = None  #: the day on which it was last compared with what `source` says
    basis: str = "list"  #: how well it is known: list, page, table or derived (see the overlay)
    excess: bool = False  #: a band prices only the input tokens above its threshold

    def times(self, factor: Decimal, source: str, verified: date | None, basis: str) -> Price:
        """The price times a factor; what is derived stays derived."""
        if self.basis == "derived" or basis == "derived":
            verified, basis = None, "derived"
        bands = tuple((over, price * factor) for over, price in self.bands)
        return Price(bands, source, verified, basis, self.excess)

    def at(self, input_tokens: int) -> Decimal | None:
        """The price for a request of so much input; none below the first band."""
        return next((price for over, price in reversed(self.bands) if input_tokens > over), None)

    def above(self, over: int, price: Price | None) -> Price:
        """This price for requests of more input than `over`, and `price` below."""
        below = tuple(band for band in price.bands if band[0] < over) if price else ()
        return replace(self, bands=(*below, (over, self.bands[0][1])))


Prices = Mapping[str, Price]


@dataclass(frozen=True, slots=True)
class Block:
    tier: str
    region: str  #: "" = standard or global, else names and shell patterns
    window: Window
    valid_from: date | None
    valid_to: date | None
    listed: Prices
    contracted: Prices
    input_upto: int | None = None  #: it prices no longer requests
    input_over: int = -1  #: it prices no shorter requests


def in_region(group: str, region: str) -> bool:
    """Whether a logged region is one of a block's."""
    return any(fnmatchcase(region, pattern) for pattern in group.split(REGION_SEPARATOR))


def merged(blocks: Iterable[Block]) -> list[Block]:
    """Blocks that follow one another and say the same, as one."""
    found: list[Block] = []
    open_: dict[tuple[object, ...], int] = {}
    for block in sorted(blocks, key=lambda b: b.valid_from or date.min):
        key = (block.tier, block.region, block.window)
        last = open_.get(key)
        if last is not None and found[last] == replace(
            block, valid_from=found[last].valid_from, valid_to=block.valid_from
        ):
            found[last] = replace(found[last], valid_to=block.valid_to)
        else:
            open_[key] = len(found)
            found.append(block)
    return found


def spans(days: set[date]) -> Iterator[tuple[date | None, date | None]]:
    """The stretches between the days, open at both ends."""
    yield from pairwise([None, *sorted(days), None])
