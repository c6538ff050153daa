"""Which days a folder's name says: the layouts that gateways, Firehose and Hive tables write logs in."""

from __future__ import annotations

import calendar
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

_DAY = re.compile(r"(?:(?:dt|date|day|ds)=)?(\d{4}-\d{2}-\d{2})")
_COMPACT_DAY = re.compile(r"(?:dt|date|day|ds)=(\d{4})(\d{2})(\d{2})")
_HIVE = re.compile(r"(?:(y|year)|(m|month)|(d|day))=(\d{1,4})")
_YEAR, _MONTH, _DAY_OF_MONTH = re.compile(r"20\d\d"), re.compile(r"0[1-9]|1[0-2]"), re.compile(r"0[1-9]|[12]\d|3[01]")


@dataclass(frozen=True, slots=True)
class Period:
    """Days from `first` to `last`, both included."""

    first: date
    last: date


def said(folders: Sequence[str], names: Sequence[str]) -> list[Period | None]:
    """The period that each of the folders `names`, side by side below `folders`, says it holds.

    Read are `2026-11-22`, `dt=2026-11-22` (also `date`, `day`, `ds`; also `dt=20261122`), `year=2026/month=11/day=22`
    (also `y`, `m`, `d`) and `2026/11/22`. A bare number says little, so a month says one only directly below a year,
    a day only directly below such a month, and only where all folders beside it do; a bare year alone says none.
    """
    bare = _bare(folders, names)
    return [_named(folders, name) or each for name, each in zip(names, bare, strict=True)]


def _named(folders: Sequence[str], name: str) -> Period | None:
    whole = _DAY.fullmatch(name)
    if whole:
        return _day(*map(int, whole.group(1).split("-")))
    compact = _COMPACT_DAY.fullmatch(name)
    if compact:
        return _day(*map(int, compact.groups()))
    parts: list[int] = []
    for folder in (*folders, name):
        hive = _HIVE.fullmatch(folder)
        if hive and hive.group(len(parts) + 1 if len(parts) < 3 else 1):
            parts.append(int(hive.group(4)))
        elif parts:
            return None
    return _period(parts)


def _bare(folders: Sequence[str], names: Sequence[str]) -> list[Period | None]:
    nothing: list[Period | None] = [None] * len(names)
    if folders and _YEAR.fullmatch(folders[-1]) and all(map(_MONTH.fullmatch, names)):
        return [_period([int(folders[-1]), int(name)]) for name in names]
    if (
        len(folders) > 1
        and _YEAR.fullmatch(folders[-2])
        and _MONTH.fullmatch(folders[-1])
        and all(map(_DAY_OF_MONTH.fullmatch, names))
    ):
        return [_period([int(folders[-2]), int(folders[-1]), int(name)]) for name in names]
    return nothing


def _period(parts: list[int]) -> Period | None:
    """A year, a month or a day as the days it holds; None for what no calendar knows."""
    if not parts or not 2000 <= parts[0] <= 2099 or (len(parts) > 1 and not 1 <= parts[1] <= 12):
        return None
    if len(parts) == 1:
        return Period(date(parts[0], 1, 1), date(parts[0], 12, 31))
    if len(parts) == 2:
        return Period(date(*parts, 1), date(*parts, calendar.monthrange(*parts)[1]))
    return _day(*parts[:3])


def _day(year: int, month: int, day: int) -> Period | None:
    try:
        found = date(year, month, day)
    except ValueError:
        return None
    return Period(found, found)
