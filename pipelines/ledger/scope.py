"""Which requests are worked out together: all of the touched days, or what came late to days that are worked out already.

A late request that concerns no other one (`sql/ledger/late_days`) is attributed, priced, allocated and published by
itself; the requests that its day holds stay as they are. Sums over the day are made anew in either case.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from pipelines.ledger.terms import Terms
from pipelines.rates.contract import Contract
from pipelines.storage.models import filled, literal

#: Files that hold a day's requests before they are written as one again.
PIECES = 8


@dataclass(frozen=True)
class Scope:
    """Requests of the days that the temp table `days` lists: all of them, or those that the run `late` added."""

    days: str = "touched_days"
    late: str | None = None

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
    return f"{table}.request_key in (select request_key from late_requests)"


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
    con.execute(
        f"create or replace temp table late_requests as select request_key, day from records where {late.records}"
    )
    return [WHOLE, late] if con.execute("select 1 from late_days limit 1").fetchall() else [WHOLE]


def touch_late(con: duckdb.DuckDBPyConnection) -> None:
    """Sums over `late_days` are made anew as well: they join `touched_days` once their late requests are worked out."""
    con.execute("insert into touched_days select day from late_days")
