"""Days of the ledger: which ones a run works out anew, and some of them at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Any

import duckdb

from pipelines.storage.ledger import put_setting, setting

#: Requests of days that are worked out together: what their joins hold in memory does not grow with a run.
AT_ONCE = 1_000_000


def days_to_redo(
    con: duckdb.DuckDBPyConnection, name: str, version: str, table: str, kept: Iterable[str], *,
    every: str = "requests", touched: str = "touched_days",
) -> bool:  # fmt: skip
    """Temp table `table`: the days for which what the ledger keeps under `name`, in the tables `kept`, is worked out anew.

    Those of `touched`; those of `every` where it was kept by another version, or never: `kept` is then emptied, and the
    answer true.
    """
    anew = setting(con, name) != version
    for one in kept if anew else ():
        con.execute(f"delete from {one}")
    con.execute(
        f"create or replace temp table {table} as select distinct day from {every if anew else touched} "
        "where day is not null"
    )
    put_setting(con, name, version)
    return anew


def by_days(con: Any, table: str = "touched_days", at_once: int | None = None) -> Iterator[None]:
    """`table` holds some of its days at a time, one at least, and all of them again at the end.

    Its engine spills as it likes where that is not DuckDB, and gets all of them at once.
    """
    if not isinstance(con, duckdb.DuckDBPyConnection):
        yield
        return
    days = con.execute(
        f"select day, count(records.day) from (select distinct day from {table}) as touched "
        "left join (select day from records where wins) as records using (day) group by day order by day"
    ).fetchall()
    at_once = at_once or AT_ONCE
    if sum(requests for _, requests in days) <= at_once:
        yield
        return
    parts: list[list[date]] = []
    held = 0
    for day, requests in days:
        if not parts or held + requests > at_once:
            parts.append([])
            held = 0
        parts[-1].append(day)
        held += requests
    for part in parts:
        _only(con, table, part)
        yield
    _only(con, table, [day for day, _ in days])


def called_near(con: Any, table: str = "touched_days") -> str:
    """A condition on `called_on` that the prices of all requests of those days meet: no other day's are read.

    A UTC day begins up to a day before or after the reporting zone's.
    """
    first, last = con.execute(f"select min(day), max(day) from {table}").fetchall()[0]
    return "called_on is null" if first is None else called_between(first, last)


def called_between(first: date, last: date) -> str:
    """As `called_near`, of the days from `first` to `last`."""
    return f"called_on between date '{first - timedelta(days=1)}' and date '{last + timedelta(days=1)}'"


def _only(con: duckdb.DuckDBPyConnection, table: str, days: list[date]) -> None:
    con.execute(f"delete from {table}")
    con.execute(f"insert into {table} select unnest($days)", {"days": days})
