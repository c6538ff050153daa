"""Requests by the route that serves them, where a policy has routes of their own for recorded strata.

The rollout knows a route by workflow and task, and `extraction/easy` is the task of a route for one stratum. All of a
stratum's requests count there from the ledger's first day on, for those before the route are what it is compared with.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager

import duckdb
import polars as pl

from pipelines.rollout.timeline import Phase
from pipelines.storage.models import sql


@contextmanager
def by_route(con: duckdb.DuckDBPyConnection, line: Sequence[Phase]) -> Generator[None]:
    """Within, `requests` is a view in which the task type of a stratum with a route names the stratum too."""
    matches = sorted(
        {
            (route.match.workflow, route.match.task_type, str(route.match.stratum))
            for phase in line
            for route in (phase.policy.by_stratum if phase.policy else ())
        }
    )
    if not matches:
        yield
        return
    frame = pl.DataFrame(matches, schema=dict.fromkeys(("workflow", "task_type", "stratum"), pl.String()), orient="row")
    con.register("incoming_strata", frame.to_arrow())
    con.execute("create or replace temp table stratum_routes as select * from incoming_strata")
    con.unregister("incoming_strata")
    ledger = con.execute("select current_database()").fetchall()[0][0]
    con.execute(f'create or replace temp view all_requests as select * from "{ledger}".main.requests')
    con.execute(f"create or replace temp view requests as {sql('rollout/by_route')}")
    try:
        yield
    finally:
        con.execute("drop view temp.requests")
        con.execute("drop view temp.all_requests")
