"""What the marts of all days are summed from: a few rows for each day of the ledger, worked out anew for touched days.

A run so reads the requests of the days that it touches and no other.
"""

from __future__ import annotations

import duckdb

from pipelines.ledger.scope import Scope, in_passes, keep
from pipelines.storage.days import by_days, days_to_redo
from pipelines.storage.models import filled, sql

#: raised where a table means something else than before: all days are worked out anew
METHOD = "2"
#: tables of the ledger, and models of their rows for the days of `cells_touched`: what came late adds rows to sums, but
#: says nothing of a day's quantiles
SUMS, QUANTILES = ("request_cells", "dimension_cells", "kind_cells"), ("task_cells",)


def work_out(con: duckdb.DuckDBPyConnection) -> None:
    """Bring the tables up to the ledger. Follows pricing and allocation of the run's `touched_days`."""
    anew = days_to_redo(con, "day_cells", METHOD, "cells_touched", (*SUMS, *QUANTILES))
    for scope in in_passes(con, "cells_touched", anew=anew):
        tables = scope.tables("requests", "request_dimensions")
        for table in SUMS:
            keep(con, scope, table, filled(f"publish/{table}", **tables))
    for _ in by_days(con, "cells_touched"):
        for table in QUANTILES:
            keep(con, Scope("cells_touched"), table, sql(f"publish/{table}"))
