"""Which week a review is about, and up to which day it looks.

A review is held when its week has settled: the default is the last whole ISO week (Monday to Sunday, in the reporting
zone) of which no workflow's day is provisional any more. What isn't a matter of one week (alarms, ranking, budgets,
adherence) is told as it was known on `seen_to`: as-of for the latest week, and for an earlier one the Sunday on which it
would have been the latest. All of it is a replay of the present set, never a memory of an earlier one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from pipelines.counted import plural
from pipelines.workspace.errors import OutlayError, UsageError

DAY = timedelta(days=1)


@dataclass(frozen=True, order=True)
class Week:
    """An ISO week, Monday to Sunday."""

    first: date

    @property
    def last(self) -> date:
        return self.first + timedelta(days=6)

    @property
    def before(self) -> Week:
        return Week(self.first - timedelta(days=7))

    @property
    def name(self) -> str:
        return f"week {self.first.isocalendar().week}"

    @property
    def iso(self) -> str:
        """`2026-W46`."""
        return f"{self.first:%G-W%V}"


@dataclass(frozen=True)
class Chosen:
    """The week of a review, and why it is this one."""

    week: Week
    seen_to: date
    provisional: bool  #: outcomes of its last days may still arrive
    latest: bool  #: no later week has settled
    why: str


def last_whole_week(as_of: date) -> Week:
    """The latest ISO week that ends on or before as-of."""
    return Week(as_of - timedelta(days=(as_of.weekday() + 1) % 7 + 6))


def parse_week(text: str) -> Week:
    """`2026-W46`. Raises UsageError for anything else, and for a week that the year doesn't have."""
    if re.fullmatch(r"\d{4}-W\d{2}", text):
        try:
            return Week(date.fromisocalendar(int(text[:4]), int(text[6:]), 1))
        except ValueError:
            pass
    raise UsageError(f"--week {text!r}: expected an ISO week such as 2026-W46")


def choose(asked: str | None, weeks: Iterable[Week], as_of: date, maturity_days: int) -> Chosen:
    """The week to review. `weeks`: those that the set holds; `maturity_days`: the longest of any workflow.

    Raises UsageError for a week that the set doesn't hold or that isn't over, OutlayError where no week is over.
    """
    whole = sorted(week for week in weeks if week.last <= as_of)
    if asked is not None and parse_week(asked) not in whole:
        known = f"published are {whole[0].iso} to {whole[-1].iso}" if whole else "no whole week is published yet"
        open_ = parse_week(asked).first <= as_of < parse_week(asked).last
        state = f"is not over on {as_of}" if open_ else "is not in the published set"
        raise UsageError(f"--week {asked}: {state}; {known}")
    if not whole:
        raise OutlayError(
            f"no whole week from Monday to Sunday is published yet (as of {as_of}): outlay run with more days"
        )
    settled = as_of - timedelta(days=maturity_days)
    mature = [week for week in whole if week.last <= settled]
    latest = mature[-1] if mature else whole[-1]
    week = parse_week(asked) if asked is not None else latest
    reach = timedelta(days=-(-maturity_days // 7) * 7)
    seen_to = as_of if week >= latest else min(as_of, week.last + reach)
    return Chosen(week, seen_to, week.last > settled, week >= latest, _why(asked, week, mature, as_of, maturity_days))


def _why(asked: str | None, week: Week, mature: list[Week], as_of: date, maturity_days: int) -> str:
    days = plural(maturity_days, "day")
    if asked is not None:
        return "asked for; its last days are provisional" if week not in mature else "asked for"
    if not mature:
        return f"no week is older than the {days} that outcomes may take: its last days are provisional"
    return f"the last whole week whose outcomes have had their {days} to arrive by {as_of}"
