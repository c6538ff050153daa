"""What the close keeps of each day of the ledger: spend, token cells and suspected doubles, worked out anew for touched days.

A month's marts are sums over these tables, so that a run reads the requests of the days that it touches and no other.
"""

from __future__ import annotations

import duckdb

from pipelines.close.overlaps import overlapping_sources
from pipelines.ledger.scope import in_passes, keep
from pipelines.storage.days import by_days, called_near, days_to_redo
from pipelines.storage.models import filled

#: raised where a table means something else than before: all days are worked out anew
METHOD = "3"
#: table of the ledger -> model of its rows for the days of `close_touched`
TABLES = {"close_spend": "spend_cells", "close_cells": "token_cells"}


def work_out(con: duckdb.DuckDBPyConnection) -> None:
    """Bring the tables up to the ledger. Follows pricing and allocation of the run's `touched_days`."""
    anew = days_to_redo(con, "close", METHOD, "close_touched", (*TABLES, "overlapping_sources"))
    for scope in in_passes(con, "close_touched", anew=anew):
        near = called_near(con, "close_touched")
        tables = scope.tables("requests", "prices", "request_dimensions")
        for table, model in TABLES.items():
            keep(con, scope, table, filled(f"close/{model}", near=near, **tables))
    for _ in by_days(con, "close_touched"):
        overlapping_sources(con)
