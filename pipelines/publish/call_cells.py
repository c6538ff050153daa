"""How many calls units make: cells by day where a unit lives on one day, its calls where it lives on several.

A run so reads the requests of the days on which units changed, not those of all the days that the marts cover.
"""

from __future__ import annotations

import duckdb

from pipelines.ledger.scope import Scope, keep
from pipelines.storage.days import by_days, days_to_redo
from pipelines.storage.models import sql

#: raised where a table means something else than before: all days are worked out anew
METHOD = "1"


def work_out(con: duckdb.DuckDBPyConnection) -> None:
    """Bring `call_cells` and `calls_apart` up to the ledger. Follows `unit_costs`.

    `cost_days` holds every day of a unit that got a request or an event: where a unit begins to live on a second day, the
    first is made anew as well.
    """
    days_to_redo(con, "call_cells", METHOD, "calls_touched", ("call_cells", "calls_apart"), touched="cost_days")
    for _ in by_days(con, "calls_touched"):
        con.execute(f"create or replace temp table unit_task_calls as {sql('publish/unit_task_calls')}")
        whole = Scope("calls_touched")
        keep(con, whole, "call_cells", sql("publish/call_cells"))
        keep(con, whole, "calls_apart", "select * exclude (apart) from unit_task_calls where apart")
    con.execute("drop table unit_task_calls")
