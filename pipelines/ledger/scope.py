"""Which requests are worked out together: all of the touched days, or what came late to days that are worked out already.

A late request that concerns no other one (`sql/ledger/late_days`) is attributed, priced, allocated and published by
itself; the requests that its day holds stay as they are. Sums that add up get further rows for it, others are made anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import duckdb

from pipelines.ledger.terms import Terms
from pipelines.rates.contract import Contract
from pipelines.storage.days import by_days, called_near
from pipelines.storage.models import filled, literal

#: Files that hold a day of a table before they are written as one again.
PIECES = 8
#: a condition on `day`: all of its requests are worked out, not late ones alone
WORKED_OUT_WHOLE = "day in (select day from touched_days) and day not in (select day from late_days)"


@dataclass(frozen=True)
class Scope:
    """Requests of the days that the temp table `days` lists: all of them, or those that the run `late` added."""

    days: str = "touched_days"
    late: str | None = None

    def table(self, name: str) -> str:
        """Where `requests`, their `records`, `prices` or `request_dimensions` are read from: late ones lie by themselves."""
        return f"late_{name}" if self.late else name

    def tables(self, *names: str) -> dict[str, str]:
        """As `table`, by name: what fills the places of a model."""
        return {name: self.table(name) for name in names}

    @property
    def records(self) -> str:
        """A condition on `records`: those that count."""
        only = f" and run_id = {literal(self.late)}" if self.late else ""
        return f"wins and day in (select day from {self.days}){only}"

    def rows(self, table: str) -> str:
        """A condition on a table with `request_key` and `day`."""
        only = f" and {came_late(table)}" if self.late else ""
        return f"{table}.day in (select day from {self.days}){only}"


WHOLE = Scope()


def came_late(table: str) -> str:
    """A condition on a table with `request_key`: what the run added to `late_days`."""
    return f"{table}.request_key in (select request_key from late_keys)"


def part_late(con: duckdb.DuckDBPyConnection, run_id: str, contract: Contract) -> list[Scope]:
    """What a run works out: days with fresh requests join `touched_days`, but for those of `late_days`.

    Fixed costs are spread over all requests of a day: where a contract has or had any, no day is in `late_days`.
    """
    fixed = contract.provisioned or contract.commitments or con.execute(
        "select 1 from contract_days where terms <> $none limit 1", {"none": Terms().dump()}
    ).fetchall()  # fmt: skip
    found = filled("ledger/late_days", run=literal(run_id), pieces=str(PIECES))
    con.execute(f"create or replace temp table late_days as {found}{' limit 0' if fixed else ''}")
    con.execute("insert into touched_days select day from fresh_days where day not in (select day from late_days)")
    late = Scope("late_days", run_id)
    con.execute(f"create or replace temp table late_keys as select request_key from records where {late.records}")
    con.execute("create or replace temp table whole_days as select distinct day from touched_days")
    return [Scope("whole_days"), late] if con.execute("select 1 from late_days limit 1").fetchall() else [WHOLE]


def touch_late(con: duckdb.DuckDBPyConnection) -> None:
    """`late_days` join `touched_days` once their late requests are worked out, which are gathered for the sums over them."""
    con.execute("insert into touched_days select day from late_days")
    on_day = "day in (select day from late_days)"
    near = {"prices": called_near(con, "late_days"), "requests": on_day, "request_dimensions": on_day}
    for table, where in (near | {"records": f"wins and {on_day}"}).items():
        wanted = f"{where} and {came_late(table)}"
        if isinstance(con, duckdb.DuckDBPyConnection):
            # found by their keys and fetched by their places: no other row's columns are read
            wanted = f"rowid in (select rowid from {table} where {wanted})"
        con.execute(f"create or replace temp table late_{table} as select * from {table} where {wanted}")


def in_passes(con: Any, table: str, *, anew: bool) -> Iterator[Scope]:
    """`table` holds some of its days at a time, and all of them again at the end: those to work out whole, then those to
    which the rows of late requests are added. `anew`: none of its days is kept, all are worked out whole.
    """
    if anew:
        for _ in by_days(con, table):
            yield Scope(table)
        return
    con.execute(f"create or replace temp table every_day as from {table}")
    con.execute(f"delete from {table} where day in (select day from late_days)")
    if con.execute(f"select 1 from {table} limit 1").fetchall():
        for _ in by_days(con, table):
            yield Scope(table)
    con.execute(
        f"create or replace temp table {table} as select day from every_day where day in (select day from late_days)"
    )
    if con.execute(f"select 1 from {table} limit 1").fetchall():
        yield Scope(table, con.execute("select run_id from late_records limit 1").fetchall()[0][0])
    con.execute(f"create or replace temp table {table} as from every_day")


def keep(con: Any, scope: Scope, table: str, rows: str) -> None:
    """Put the rows of a query into a table that is kept by day: in the place of what it holds of the scope's days, or
    beside it where they are those of late requests.
    """
    if not scope.late:
        con.execute(f"delete from {table} where day in (select day from {scope.days})")
    con.execute(f"insert into {table} by name {rows}")
