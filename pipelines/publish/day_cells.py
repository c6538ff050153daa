"""What the marts of all days are summed from: a few rows for each day of the ledger, worked out anew for touched days.

A run so reads the requests of the days that it touches and no other.
"""

from __future__ import annotations

import duckdb

from pipelines.storage.days import by_days, days_to_redo
from pipelines.storage.models import sql

#: raised where a table means something else than before: all days are worked out anew
METHOD = "1"
#: table of the ledger, and model of its rows for the days of `cells_touched`
TABLES = ("request_cells", "dimension_cells", "task_cells")


def work_out(con: duckdb.DuckDBPyConnection) -> None:
    """Bring the tables up to the ledger. Follows pricing and allocation of the run's `touched_days`."""
    days_to_redo(con, "day_cells", METHOD, "cells_touched", TABLES)
    for _ in by_days(con, "cells_touched"):
        for table in TABLES:
            con.execute(f"delete from {table} where day in (select day from cells_touched)")
            con.execute(f"insert into {table} by name {sql(f'publish/{table}')}")
