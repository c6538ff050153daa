"""The marts `budgets` and `budget_days`: what is planned for a month, what is spent, what it will come to, and when it
runs out; and the same day by day, as it adds up.

A budget's spend is all spend that carries the workflow or the dimension's value, whether a unit bears it or not
(`unattributed_usd` says how much of it none does); the total is all spend. A month has one budget: the entry in force on
its last day. The cost per outcome is that of the month's mature days, and belongs to workflows alone: units of different
workflows don't add up.

Status: `over` when more is spent than planned; `at risk` when the forecast is more than planned; else `on track`. A past
month is judged by what was spent. Without a monthly amount it is the status of the cost per outcome. Where all requests of a
day have no price, what is known counts and a note says so; where nothing is known there is no status.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import duckdb
import polars as pl

from pipelines.change.forecast import LEAST_DAYS, Ahead, ahead
from pipelines.change.series import Day, cost_per_outcome, read_series
from pipelines.counted import plural
from pipelines.outcomes.ratios import rounded
from pipelines.storage.models import filled, sql
from pipelines.workspace.load import Loaded
from pipelines.workspace.model import Workspace
from pipelines.workspace.work import Budget, ScopedBudget

MONEY = pl.Decimal(38, 12)
BUDGETS: dict[str, Any] = {
    "workflow": pl.String(), "month": pl.String(), "budget_usd": MONEY, "spend_to_date_usd": MONEY,
    "forecast_usd": MONEY, "forecast_low_usd": MONEY, "forecast_high_usd": MONEY, "status": pl.String(),
    "scope": pl.String(), "value": pl.String(), "run_out_day": pl.Date(), "unattributed_usd": MONEY,
    "per_outcome_budget_usd": MONEY, "cost_per_outcome_usd": MONEY, "per_outcome_status": pl.String(),
    "final": pl.Boolean(), "note": pl.String(),
}  # fmt: skip
BUDGET_DAYS: dict[str, Any] = {
    "scope": pl.String(), "value": pl.String(), "month": pl.String(), "day": pl.Date(), "day_usd": MONEY,
    "spent_usd": MONEY, "forecast_usd": MONEY, "forecast_low_usd": MONEY, "forecast_high_usd": MONEY,
}  # fmt: skip
Entry = Budget | ScopedBudget


@dataclass(frozen=True)
class Subject:
    """What a budget is for: `workflow` and its name, a dimension and its value, or `total` and `*`."""

    scope: str
    value: str
    entries: tuple[Entry, ...]

    def in_force(self, day: date) -> Entry | None:
        """The entry with the latest `from` that has come; of two of one day the later in the file."""
        come = [e for e in self.entries if e.from_ is None or e.from_ <= day]
        return max(enumerate(come), key=lambda one: (one[1].from_ or date.min, one[0]))[1] if come else None


@dataclass(frozen=True)
class Spent:
    """Dollars of one day."""

    spend_usd: Decimal | None  #: None: nothing of it has a price
    unattributed_usd: Decimal | None  #: the same


def subjects(config: Workspace) -> list[Subject]:
    """Workflows first, then dimensions, then the total."""
    found = [Subject("workflow", name, w.budget) for name, w in sorted(config.workflows.items()) if w.budget]
    scoped: dict[tuple[str, str], list[Entry]] = {}
    for entry in config.budgets:
        scoped.setdefault((entry.dimension, entry.value or "*"), []).append(entry)
    order = sorted(scoped, key=lambda key: (key[0] == "total", key))
    return found + [Subject(*key, tuple(scoped[key])) for key in order]


def budget_marts(con: duckdb.DuckDBPyConnection, loaded: Loaded, as_of: date) -> dict[str, pl.DataFrame]:
    """`budgets`, grain: one (scope, value, month) from the first month with spend or a budget's `from` to as-of's month;
    `budget_days`, grain: one day of each of those months, spent up to as-of and forecast from there.
    """
    named = subjects(loaded.config)
    rows: list[dict[str, Any]] = []
    days: list[dict[str, Any]] = []
    if named:
        con.execute("create or replace temp table budget_subjects (scope varchar, value varchar)")
        con.executemany("insert into budget_subjects values ($1, $2)", [[s.scope, s.value] for s in named])
        spent: dict[tuple[str, str], dict[date, Spent]] = {}
        query = filled("change/budget_spend", daily_spend=sql("publish/daily_spend"))
        for scope, value, day, *amounts in con.execute(query, {"as_of": as_of}).fetchall():
            spent.setdefault((scope, value), {})[day] = Spent(*amounts)
        series = read_series(con, as_of)
        for subject in named:
            own = spent.get((subject.scope, subject.value), {})
            outcomes = series.get(subject.value, []) if subject.scope == "workflow" else []
            for row in rows_of(subject, own, outcomes, as_of):
                rows.append(row)
                days += days_of(row, own, as_of)
    return {
        "budgets": pl.DataFrame(rows, schema=BUDGETS, orient="row"),
        "budget_days": pl.DataFrame(days, schema=BUDGET_DAYS, orient="row"),
    }


def days_of(row: Mapping[str, Any], spent: Mapping[date, Spent], as_of: date) -> Iterator[dict[str, Any]]:
    """The days of one row of `budgets`. The interval of a day ahead is that of the sum up to it; as-of's day starts both."""
    first = date.fromisoformat(f"{row['month']}-01")
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    named = {name: row[name] for name in ("scope", "value", "month")}
    so_far: list[Decimal | None] = []
    day = first
    while day <= min(last, as_of):
        so_far.append(spent[day].spend_usd if day in spent else Decimal(0))
        yield dict.fromkeys(BUDGET_DAYS) | named | {"day": day, "day_usd": so_far[-1], "spent_usd": _known(so_far)}
        day += timedelta(days=1)
    total = _known(so_far) or Decimal(0)
    history = _history(spent, as_of) if day <= last and row["forecast_usd"] is not None else []
    ahead_of: list[date] = []
    while day <= last:
        ahead_of.append(day)
        coming = ahead(history, ahead_of)
        if coming is None:
            return
        said: dict[str, Any] = {"day": day, "forecast_usd": total + rounded(coming.total)}
        if coming.low is not None and coming.high is not None:
            said |= {
                "forecast_low_usd": total + rounded(coming.low),
                "forecast_high_usd": total + rounded(coming.high),
            }
        yield dict.fromkeys(BUDGET_DAYS) | named | said
        day += timedelta(days=1)


def rows_of(
    subject: Subject, spent: Mapping[date, Spent], outcomes: Sequence[Day], as_of: date
) -> Iterator[dict[str, Any]]:
    """One subject's months, in order. `outcomes`: the workflow's days, empty for other scopes."""
    if not spent:
        return
    month = min(spent).replace(day=1)
    while month <= as_of:
        after = (month + timedelta(days=31)).replace(day=1)
        entry = subject.in_force(after - timedelta(days=1))
        if entry is not None and (entry.monthly_usd is not None or getattr(entry, "per_outcome_usd", None) is not None):
            yield _row(subject, entry, spent, [d for d in outcomes if month <= d.day < after], as_of, month, after)
        month = after


def _known(amounts: Collection[Decimal | None]) -> Decimal | None:
    """The sum of what is known; None where something has no price and nothing else was spent."""
    known = sum((amount for amount in amounts if amount is not None), Decimal(0))
    return known if known or None not in amounts else None


def _row(
    subject: Subject, entry: Entry, spent: Mapping[date, Spent], outcomes: Sequence[Day], as_of: date, month: date,
    after: date,
) -> dict[str, Any]:  # fmt: skip
    days = {day: one for day, one in sorted(spent.items()) if month <= day < after}
    to_date = _known([one.spend_usd for one in days.values()])
    final = after <= as_of
    rest = [] if final else [as_of + timedelta(days=n) for n in range(1, (after - as_of).days)]
    coming = ahead(_history(spent, as_of), rest) if rest else Ahead((), Fraction(0), Fraction(0))
    row: dict[str, Any] = {
        "workflow": subject.value if subject.scope == "workflow" else "*", "month": f"{month:%Y-%m}",
        "budget_usd": entry.monthly_usd, "spend_to_date_usd": to_date, "scope": subject.scope, "value": subject.value,
        "unattributed_usd": _known([one.unattributed_usd for one in days.values()]), "final": final,
    }  # fmt: skip
    unpriced = sum(1 for one in days.values() if one.spend_usd is None)
    notes = [f"nothing used on {plural(unpriced, 'day')} has a price"] if unpriced else []
    if to_date is None:
        notes.append("neither spend nor forecast is known")
    elif coming is None:
        notes.append("no whole day of history: no forecast")
    else:
        row["forecast_usd"] = to_date + rounded(coming.total)
        if coming.low is not None and coming.high is not None:
            row["forecast_low_usd"] = to_date + rounded(coming.low)
            row["forecast_high_usd"] = to_date + rounded(coming.high)
        else:
            notes.append(f"less than {LEAST_DAYS} days of history: a plain mean, no interval")
    row["note"] = "; ".join(notes) or None
    if entry.monthly_usd is not None and to_date is not None:
        row["run_out_day"] = _run_out(days, coming, entry.monthly_usd)
    row |= _per_outcome(entry, outcomes)
    row["status"] = _status(entry.monthly_usd, to_date, row.get("forecast_usd"), row["per_outcome_status"])
    return dict.fromkeys(BUDGETS) | row


def _history(spent: Mapping[date, Spent], as_of: date) -> list[tuple[date, Decimal]]:
    """Whole days before as-of, those without spend too; as-of itself may not be over."""
    first = min(spent)
    days = [first + timedelta(days=n) for n in range((as_of - first).days)]
    return [(day, (spent[day].spend_usd if day in spent else None) or Decimal(0)) for day in days]


def _run_out(days: Mapping[date, Spent], coming: Ahead | None, budget: Decimal) -> date | None:
    """The first day that ends above the budget, spent or forecast; None where the month stays within it."""
    total = Fraction(0)
    planned = [(day, Fraction(one.spend_usd or 0)) for day, one in days.items()]
    for day, usd in [*planned, *(coming.days if coming else ())]:
        total += usd
        if total > budget:
            return day
    return None


def _per_outcome(entry: Entry, outcomes: Sequence[Day]) -> dict[str, Any]:
    planned = entry.per_outcome_usd if isinstance(entry, Budget) else None
    cost = cost_per_outcome([day for day in outcomes if day.mature])
    status = None
    if planned is not None and cost is not None:
        status = "over" if cost > planned else "on track"
    return {
        "per_outcome_budget_usd": planned, "cost_per_outcome_usd": None if cost is None else rounded(cost),
        "per_outcome_status": status,
    }  # fmt: skip


def _status(
    budget: Decimal | None, spent: Decimal | None, forecast: Decimal | None, per_outcome: str | None
) -> str | None:  # fmt: skip
    if budget is None:
        return per_outcome
    if spent is None:
        return None
    if spent > budget:
        return "over"
    return "at risk" if forecast is not None and forecast > budget else "on track"
