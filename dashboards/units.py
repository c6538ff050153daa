"""What the pages ask about single units: how their costs spread, the dearest, and one unit's requests with their charges.

Requests and charges are the big tables, a Parquet file a day. One connection reads them, which can open nothing else; of
the days that are asked for, charges are read only where the unit has a request.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import streamlit as st

from dashboards import queries
from dashboards.queries import Rows, ask, in_currency
from pipelines.storage.models import literal
from pipelines.storage.published import Published

A_SMALL_DAY = 50_000  #: requests; their file is read in some hundredths of a second
MOST_IDS = 500  #: requests whose ids are told one by one, so that a file's parts without any are passed over

_OWN = """
select * from read_parquet([{files}]) where unit_id = $unit_id and workflow = $workflow"""
#: a call that serves several units names them apart; most calls don't, and are told by that column alone
_SHARED = """
select * from read_parquet([{files}]) where request_key in (
    select request_key from read_parquet([{files}]) where units is not null and list_contains(units, $unit_id)
) and workflow = $workflow and unit_id is distinct from $unit_id"""
_SERVES = """
select count(*) as calls from read_parquet([{files}]) where units is not null and list_contains(units, $unit_id)"""
#: as the export has them; files are sorted by source, provider and request id, so ids pass parts of them over
_CHARGES = """
select request_id, charge_day, provider, model, sku, quantity, unit_price_usd, amount_usd, rate_source, source, request_key
from read_parquet([{files}]) where request_id in ({ids}) and request_key in (select unnest($keys))"""


def unit_summary(p: Published, workflow: str) -> dict[str, Any] | None:
    """How many units of a workflow have a cost, and how it spreads; None where none has."""
    found = ask(p, "select * from unit_summary where workflow = $workflow", workflow=workflow)
    return found[0] if found else None


def unit_spread(p: Published, workflow: str) -> Rows:
    """One row a step of cost that units of a workflow fall into."""
    return ask(p, "select * from unit_spread where workflow = $workflow order by step", workflow=workflow)


def dearest(p: Published, workflow: str) -> Rows:
    """The dearest units of a workflow, dearest first."""
    return ask(
        p,
        "select unit_id, status, attempts, requests, spend_usd, value_usd, first_request, outcome_day from dearest_units "
        "where workflow = $workflow order by place",
        workflow=workflow,
    )


def unit(p: Published, workflow: str, unit_id: str) -> dict[str, Any] | None:
    """One unit; None where the workflow has none of this name."""
    found = ask(
        p, "select * from outcome_cost where workflow = $workflow and unit_id = $unit_id",
        workflow=workflow, unit_id=unit_id,
    )  # fmt: skip
    return found[0] if found else None


def opens_by_itself(p: Published, day: date) -> bool:
    """Whether a day's file of requests is small enough to be read for a unit that nobody asked for."""
    found = ask(p, "select coalesce(sum(requests), 0) as requests from daily_spend where day = $day", day=day)
    return found[0]["requests"] <= A_SMALL_DAY


def requests_of(p: Published, workflow: str, unit_id: str, first: date | None, last: date | None) -> tuple[Rows, Rows]:
    """A unit's requests from `first` to `last` in time order, and the charges that priced them."""
    return _requests_of(str(p.home), p.name, workflow, unit_id, first, last)


@st.cache_data(max_entries=64, show_spinner=False)
def _requests_of(
    home: str, name: str, workflow: str, unit_id: str, first: date | None, last: date | None
) -> tuple[Rows, Rows]:
    p = Published(Path(home), name)
    files = _files(p, "requests", first, last)
    if not files:
        return [], []
    asked = {"workflow": workflow, "unit_id": unit_id}
    with _segments(home).cursor() as con:
        calls = queries._rows(con, _OWN.format(files=files), asked)
        [shared] = queries._rows(con, _SERVES.format(files=files), {"unit_id": unit_id})
        if shared["calls"]:
            calls += queries._rows(con, _SHARED.format(files=files), asked)
        calls.sort(key=lambda row: (row["time"], row["request_key"]))
        priced = _charges(con, p, calls)
    when = {row["request_key"]: (row["time"], row["attempt_id"]) for row in calls}
    found = [{**row, "latency_s": row["latency_ms"], "shared_by": len(row["units"] or [unit_id])} for row in calls]
    charges: Rows = [
        {"time": at, "attempt_id": attempt, **row} for row in priced for at, attempt in [when[row["request_key"]]]
    ]
    charges.sort(key=lambda row: (row["time"], row["request_key"], row["sku"]))
    return in_currency(p, found), in_currency(p, charges)


def _charges(con: duckdb.DuckDBPyConnection, p: Published, calls: Rows) -> Rows:
    days = sorted({row["day"] for row in calls})
    files = ", ".join(_files(p, "charges", day, day) for day in days)
    if not files:
        return []
    keys = [row["request_key"] for row in calls]
    ids = [row["request_id"] for row in calls]
    if len(ids) > MOST_IDS:
        return queries._rows(con, _CHARGES.format(files=files, ids="select unnest($ids)"), {"keys": keys, "ids": ids})
    named = {f"id{n}": name for n, name in enumerate(ids)}
    listed = ", ".join(f"${name}" for name in named)
    return queries._rows(con, _CHARGES.format(files=files, ids=listed), {"keys": keys, **named})


@st.cache_resource(max_entries=2, show_spinner=False)
def _segments(home: str) -> duckdb.DuckDBPyConnection:
    """A connection that reads the segments of a workspace and no other file, setting or database."""
    con = duckdb.connect(
        ":memory:", config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
    )
    con.execute("set timezone = 'UTC'")
    con.execute(f"set allowed_directories = [{literal(str(Path(home) / 'segments'))}]")
    con.execute("set enable_external_access = false")
    con.execute("set lock_configuration = true")
    return con


def _files(p: Published, table: str, first: date | None, last: date | None) -> str:
    return ", ".join(literal(str(file)) for file in p.segments(table, first, last))
