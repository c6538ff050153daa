"""What the pages ask about single units: how their costs spread, the dearest, and one unit's requests with their charges.

Units, requests and charges are the big tables, Parquet files in the order of units: all but the parts in which a unit can
lie are passed over. Of the days that are asked for, charges are read only where the unit has a request, and no day
is read after the one with its last.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import streamlit as st

from dashboards import queries, segments
from dashboards.queries import Rows, ask, in_currency
from pipelines.storage import generations
from pipelines.storage.published import Published

MOST_IDS = 500  #: requests whose ids are told one by one, so that a file's parts without any are passed over

#: a call that serves several units names them; most calls don't, and lie apart from these
_CALLS = """
select * from read_parquet({files}) where unit_id = $unit_id and workflow = $workflow
union all by name
select * from read_parquet({files})
where units is not null and list_contains(units, $unit_id) and workflow = $workflow {near}"""
_NEAR = "and units_from <= $unit_id and units_to >= $unit_id"
#: as the export has them
_CHARGES = """
select request_id, charge_day, provider, model, sku, quantity, unit_price_usd, amount_usd, rate_source, source, request_key
from read_parquet({files}) where request_key in (select unnest($keys)) {near}"""

#: files of which an older version wrote some, without the columns that say where a unit lies
_OLDER = (duckdb.BinderException, duckdb.InvalidInputException)


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
    found = _unit(str(p.home), p.name, workflow, unit_id)
    return found[0] if found else None


@st.cache_data(max_entries=64, show_spinner=False)
def _unit(home: str, name: str, workflow: str, unit_id: str) -> Rows:
    p = Published(Path(home), name)
    asked = {"workflow": workflow, "unit_id": unit_id}
    files = p.unit_files()
    if files is None:
        return ask(p, "select * from outcome_cost where workflow = $workflow and unit_id = $unit_id", **asked)
    if not files:
        return []
    with segments.reading(home) as con:
        return in_currency(p, queries._rows(con, generations.one_unit(segments.named(files)), asked))


def requests_of(
    p: Published, workflow: str, unit_id: str, first: date | None, last: date | None, most: int | None = None
) -> tuple[Rows, Rows]:
    """A unit's requests from `first` to `last` in time order, and the charges that priced them.

    `most`: how many it has since `first`; with the last of them the reading ends.
    """
    return _requests_of(str(p.home), p.name, workflow, unit_id, first, last, most)


@st.cache_data(max_entries=64, show_spinner=False)
def _requests_of(
    home: str, name: str, workflow: str, unit_id: str, first: date | None, last: date | None, most: int | None
) -> tuple[Rows, Rows]:
    p = Published(Path(home), name)
    calls: Rows = []
    with segments.reading(home) as con:
        for files in _more_and_more(p.segments("requests", first, last)):
            if most is not None and len(calls) >= most:
                break
            calls += _calls(con, segments.named(files), {"workflow": workflow, "unit_id": unit_id})
        calls.sort(key=lambda row: (row["time"], row["request_key"]))
        priced = _charges(con, p, calls, unit_id)
    when = {row["request_key"]: (row["time"], row["attempt_id"]) for row in calls}
    found = [{**row, "latency_s": row["latency_ms"], "shared_by": len(row["units"] or [unit_id])} for row in calls]
    charges: Rows = [
        {"time": at, "attempt_id": attempt, **row} for row in priced for at, attempt in [when[row["request_key"]]]
    ]
    charges.sort(key=lambda row: (row["time"], row["request_key"], row["sku"]))
    return in_currency(p, found), in_currency(p, charges)


def _more_and_more(files: list[Path]) -> Iterator[list[Path]]:
    """The files in order: one, then twice as many each time, as most units are done soon."""
    many = 1
    while files:
        yield files[:many]
        files, many = files[many:], 2 * many


def _calls(con: duckdb.DuckDBPyConnection, files: str, asked: dict[str, Any]) -> Rows:
    try:
        return queries._rows(con, _CALLS.format(files=files, near=_NEAR), asked)
    except _OLDER:
        return queries._rows(con, _CALLS.format(files=f"{files}, union_by_name = true", near=""), asked)


def _charges(con: duckdb.DuckDBPyConnection, p: Published, calls: Rows, unit_id: str) -> Rows:
    days = sorted({row["day"] for row in calls})
    held = [file for day in days for file in p.segments("charges", day, day)]
    if not held:
        return []
    files = segments.named(held)
    own = [row for row in calls if row["unit_id"] is not None]
    shared = [row for row in calls if row["unit_id"] is None]
    try:
        return [
            *_priced(con, files, own, "and unit_id = $unit_id", {"unit_id": unit_id}),
            *_priced(con, files, shared, *_ids(shared, "and unit_id is null")),
        ]
    except _OLDER:
        return _priced(con, f"{files}, union_by_name = true", calls, *_ids(calls))


def _priced(con: duckdb.DuckDBPyConnection, files: str, calls: Rows, near: str, asked: dict[str, Any]) -> Rows:
    if not calls:
        return []
    keys = [row["request_key"] for row in calls]
    return queries._rows(con, _CHARGES.format(files=files, near=near), {"keys": keys, **asked})


def _ids(calls: Rows, where: str = "") -> tuple[str, dict[str, Any]]:
    ids = [row["request_id"] for row in calls]
    if len(ids) > MOST_IDS:
        return where, {}
    named = {f"id{n}": name for n, name in enumerate(ids)}
    return f"{where} and request_id in ({', '.join(f'${name}' for name in named)})", named
