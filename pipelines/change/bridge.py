"""The bridge from week to week: why cost per outcome moved, by factor and by name, to the last unit.

For every pair of consecutive ISO weeks in which a workflow had outcomes and known spend, the change of its cost per
outcome is split over price, model mix, tokens, attempts and outcome mix by exact Shapley values (`bridge_terms`) of the
terms in `bridge_weeks`. Effects are rounded to 12 places by largest remainder, so that they sum to the difference of the
two exported costs; the contributors of a factor sum to the factor. Workflow `*` is all workflows together: all spend
over all outcomes, with the outcome mix between them.

Only weeks with a touched day are worked out; the others stay in the ledger as they are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from pipelines.change.bridge_prices import AbsentPrices
from pipelines.change.bridge_terms import Pair, apportion, shapley, summed
from pipelines.change.bridge_weeks import FACTORS, PICO, Absent, Cell, Week, alone, among, factors
from pipelines.ledger.capacity import skus
from pipelines.ledger.scope import in_passes, keep
from pipelines.outcomes.ratios import rounded
from pipelines.rates.book import RateBook
from pipelines.storage.days import called_near, days_to_redo
from pipelines.storage.models import filled, sql
from pipelines.workspace.load import Loaded

ALL = "*"
#: changes when the method does, so that every week is worked out anew
METHOD = "1"
#: tables of the ledger that hold what was worked out
KEPT = ("bridge_cells", "bridge_calls", "bridge_attempts", "bridge_effects", "bridge_contributions")
MONEY = pl.Decimal(38, 12)
WEEK = timedelta(days=7)
EFFECTS: dict[str, Any] = {
    "workflow": pl.String(), "monday": pl.Date(), "factor": pl.String(), "effect_usd": MONEY,
    "before_usd": MONEY, "after_usd": MONEY,
}  # fmt: skip
CONTRIBUTIONS: dict[str, Any] = {
    "workflow": pl.String(), "monday": pl.Date(), "factor": pl.String(), "of_workflow": pl.String(),
    "task_type": pl.String(), "model": pl.String(), "token_class": pl.String(), "effect_usd": MONEY,
}  # fmt: skip
#: which parts of (workflow, task type, model, token class) name a contributor of each factor
NAMED: dict[str, tuple[int, ...]] = {
    "price": (0, 2, 3), "model_mix": (0, 1, 2), "tokens": (0, 1, 2, 3), "attempts": (0, 1), "outcome_mix": (0,),
}  # fmt: skip
Name = tuple[str, str, str, str]  #: (workflow, task type, model, token class), '' for what a factor doesn't tell apart
Term = tuple[str, Cell, tuple[Pair, ...]]


def bridge_marts(con: duckdb.DuckDBPyConnection, loaded: Loaded, as_of: date) -> dict[str, pl.DataFrame]:
    """`bridge`, grain: one row per (workflow, week, factor), zeros too; `bridge_detail`, grain: one row per (workflow,
    week, factor, contributor) whose effect isn't 0."""
    work_out(con, loaded)
    place = {factor: place for place, factor in enumerate(FACTORS)}
    effects = _named(con.sql(sql("change/bridge"), params={"as_of": as_of}).pl())
    return {
        "bridge": effects.sort("workflow", "week", pl.col("factor").replace_strict(place, return_dtype=pl.Int64)),
        "bridge_detail": _named(con.sql(sql("change/bridge_detail")).pl()),
    }


def _named(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(pl.col("first_day").dt.strftime("%G-W%V").alias("week"))


def work_out(con: duckdb.DuckDBPyConnection, loaded: Loaded) -> None:
    """Bring `bridge_effects` and `bridge_contributions` up to the ledger: every week that has a touched day."""
    version = f"{METHOD} {RateBook.for_models((), _contract(loaded)).version}"
    touched = "(select day from touched_days union select day from cost_days) as touched"
    anew = days_to_redo(con, "bridge", version, "bridge_days", KEPT, every="daily_cost", touched=touched)
    con.execute(
        "create or replace temp table bridge_weeks as select distinct cast(date_trunc('week', day) as date) as week "
        "from bridge_days"
    )
    if not anew:  # a week changes with its outcomes as well, the cells of a day with its requests alone
        con.execute(
            "delete from bridge_days where not exists (from touched_days where touched_days.day = bridge_days.day)"
        )
    con.execute(f"create or replace temp table bridge_apart as {sql('change/bridge_apart')}")
    for scope in in_passes(con, "bridge_days", anew=anew):
        near = called_near(con, "bridge_days")
        tables = scope.tables("requests", "prices")
        charged = skus(
            "requests.day in (select day from bridge_days) "
            "and requests.request_key in (select request_key from bridge_apart)",
            near,
            **tables,
        )
        for table in ("bridge_cells", "bridge_calls"):
            keep(con, scope, table, filled(f"change/{table}", skus=charged, near=near, **tables))
    con.execute("delete from bridge_attempts where week in (select week from bridge_weeks)")
    con.execute(f"insert into bridge_attempts by name {filled('change/bridge_attempts', near=_near(con))}")
    mondays = [row[0] for row in con.execute("select week from bridge_weeks order by week").fetchall()]
    later = sorted({monday + step for monday in mondays for step in (timedelta(0), WEEK)})
    _weeks(con, "bridge_weeks_written", later)
    for table in ("bridge_effects", "bridge_contributions"):
        con.execute(f"delete from {table} where monday in (select week from bridge_weeks_written)")
    _weeks(con, "bridge_weeks_read", sorted({*later, *(monday - WEEK for monday in later)}))
    effects, contributions = pairs(weeks(con), later, AbsentPrices(con, loaded))
    for table, rows, schema in (
        ("bridge_effects", effects, EFFECTS), ("bridge_contributions", contributions, CONTRIBUTIONS),
    ):  # fmt: skip
        if rows:
            con.register("worked_out", pl.DataFrame(rows, schema=schema, orient="row").to_arrow())
            con.execute(f"insert into {table} by name from worked_out")
            con.unregister("worked_out")


def _near(con: duckdb.DuckDBPyConnection) -> str:
    """A condition on the requests of `bridge_weeks`, so that no other day's are read."""
    first, last = con.execute("select min(week), max(week) from bridge_weeks").fetchall()[0]
    return f"requests.day between date '{first}' and date '{last + timedelta(days=6)}'" if first else "false"


def _weeks(con: duckdb.DuckDBPyConnection, table: str, mondays: Sequence[date]) -> None:
    con.execute(f"create or replace temp table {table} (week date)")
    if mondays:
        con.executemany(f"insert into {table} values (?)", [(monday,) for monday in mondays])


def _contract(loaded: Loaded) -> Path | None:
    contract = loaded.config.rates.contract
    return loaded.path(contract) if contract else None


def weeks(con: duckdb.DuckDBPyConnection) -> dict[tuple[date, str], Week]:
    """The weeks of `bridge_weeks_read`, by (Monday, workflow)."""
    found: dict[tuple[date, str], Week] = {}
    totals = con.sql(f"from ({sql('change/weekly_cost')}) where week in (from bridge_weeks_read)").pl()
    for row in totals.with_columns(pl.col("spend_usd").to_physical()).iter_rows(named=True):
        found[row["week"], row["workflow"]] = Week(
            row["workflow"], row["week"], outcomes=row["outcomes"], spend=row["spend_usd"]
        )
    for week, workflow, attempts in con.execute(
        "from bridge_attempts where week in (from bridge_weeks_read)"
    ).fetchall():
        if (week, workflow) in found:
            found[week, workflow].attempts = attempts
    for week, workflow, task, model, calls in con.execute(sql("change/week_calls")).fetchall():
        found[week, workflow].calls[task, model] = calls
    cells = con.sql(sql("change/week_cells")).pl()
    cells = cells.with_columns(pl.col("amount_usd").to_physical(), pl.col("quantity").to_physical())
    for week, workflow, task, model, token_class, quantity, amount in cells.iter_rows():
        found[week, workflow].cells[task, model, token_class] = (quantity, amount)
    return found


def pairs(
    found: dict[tuple[date, str], Week], mondays: Iterable[date], absent: Absent
) -> tuple[list[tuple], list[tuple]]:
    """Rows of `bridge_effects` and `bridge_contributions` for the weeks that begin on `mondays`."""
    by_week: dict[date, dict[str, Week]] = defaultdict(dict)
    for (monday, workflow), week in found.items():
        by_week[monday][workflow] = week
    effects: list[tuple] = []
    contributions: list[tuple] = []
    for monday in mondays:
        before, after = by_week.get(monday - WEEK, {}), by_week.get(monday, {})
        if not before or not after:
            continue
        for name in sorted({*before, *after}):
            old, new = before.get(name), after.get(name)
            if old is None or new is None or old.cost is None or new.cost is None:
                continue
            mix, attempts = alone(old, new)
            terms = [(name, cell, values) for cell, values in factors(old, new, absent, mix, attempts)]
            _record(name, monday, terms, old.cost, new.cost, effects, contributions)
        costs = blended(before.values()), blended(after.values())
        if costs[0] is None or costs[1] is None:
            continue
        together = [term for name in sorted({*before, *after}) for term in _among(name, monday, before, after, absent)]
        _record(ALL, monday, together, costs[0], costs[1], effects, contributions)
    return effects, contributions


def blended(weeks: Iterable[Week]) -> Fraction | None:
    """All spend over all outcomes; None where there is no outcome or no known spend."""
    listed = list(weeks)
    spend = [week.spend for week in listed if week.spend is not None]
    outcomes = sum(week.outcomes for week in listed)
    return Fraction(sum(spend), PICO * outcomes) if spend and outcomes > 0 else None


def _among(
    name: str, monday: date, before: dict[str, Week], after: dict[str, Week], absent: Absent
) -> Iterable[Term]:  # fmt: skip
    old, new = before.get(name, Week(name, monday - WEEK)), after.get(name, Week(name, monday))
    totals = [sum(week.outcomes for week in side.values()) for side in (before, after)]
    mix, attempts = among(old, new, *totals)
    return ((name, cell, values) for cell, values in factors(old, new, absent, mix, attempts))


def _record(
    workflow: str, monday: date, terms: Iterable[Term], before: Fraction, after: Fraction,
    effects: list[tuple], contributions: list[tuple],
) -> None:  # fmt: skip
    parts: dict[tuple[str, str], list[tuple[Name, int, int]]] = defaultdict(list)
    for of, cell, values in terms:
        numerators, denominator = shapley(values)
        full = (of, *cell)
        for factor, numerator in zip(FACTORS, numerators, strict=True):
            if numerator:
                bearer, task, model, token_class = (full[place] if place in NAMED[factor] else "" for place in range(4))
                parts[factor, of].append(((bearer, task, model, token_class), numerator, denominator))
    exact: dict[str, dict[Name, Fraction]] = {factor: {} for factor in FACTORS}
    sums = dict.fromkeys(FACTORS, Fraction(0))
    for (factor, _), listed in sorted(parts.items()):
        totals, common = summed(listed)
        sums[factor] += Fraction(sum(totals.values()), common)
        exact[factor] |= {name: Fraction(total, common) for name, total in sorted(totals.items())}
    said = rounded(before), rounded(after)
    change = int((said[1] - said[0]).scaleb(12))
    for factor, effect in apportion(sums, change, PICO).items():
        effects.append((workflow, monday, factor, Decimal(effect).scaleb(-12), *said))
        for name, part in apportion(exact[factor], effect, PICO).items() if exact[factor] else ():
            if part:
                contributions.append(
                    (workflow, monday, factor, *(text or None for text in name), Decimal(part).scaleb(-12))
                )
