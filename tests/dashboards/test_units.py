"""One unit's requests and charges: as a scan of everything has them, from few days and few parts of their files."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
import pytest
import streamlit as st

from dashboards import units
from pipelines.publish import formats, names
from pipelines.storage import generations
from pipelines.storage.published import Published, current
from tests.dashboards.reading import said
from tests.workspaces import as_before

WHOLE = ("requests", "charges")


def scanned(p: Published, workflow: str, unit_id: str) -> tuple[list[UUID], list[tuple[UUID, str, Any]]]:
    """Keys of a unit's requests in time order and (key, SKU, amount) of their charges, from every row of every file."""
    requests, charges = ([str(file) for file in p.segments(table)] for table in WHOLE)
    with duckdb.connect() as con:
        found = con.execute(
            "select request_key from read_parquet($files, union_by_name = true) where workflow = $workflow "
            "and (unit_id = $unit_id or list_contains(units, $unit_id)) order by time, request_key",
            {"files": requests, "workflow": workflow, "unit_id": unit_id},
        ).fetchall()
        keys = [key for (key,) in found]
        priced = con.execute(
            "select request_key, sku, amount_usd from read_parquet($files, union_by_name = true) "
            "where request_key in (select unnest($keys))",
            {"files": charges, "keys": keys},
        ).fetchall()
    return keys, sorted(priced, key=lambda row: (keys.index(row[0]), row[1]))


def opened(p: Published, workflow: str, unit_id: str, **asked: Any) -> tuple[list[UUID], list[tuple[UUID, str, Any]]]:
    st.cache_data.clear()
    calls, charges = units.requests_of(p, workflow, unit_id, asked.get("first"), asked.get("last"), asked.get("most"))
    return [c["request_key"] for c in calls], [(c["request_key"], c["sku"], c["amount_usd"]) for c in charges]


def some(p: Published) -> list[tuple[str, str]]:
    """Units that share requests, and of every workflow the dearest and one that has the most days."""
    found = set()
    with p.connect({"calls": (f"from read_parquet({[str(f) for f in p.segments('requests')]})", {})}) as con:
        for query in (
            "select workflow, unnest(units) from memory.calls where units is not null order by request_key limit 3",
            "select workflow, unit_id from dearest_units where place = 1",
            "select workflow, arg_max(unit_id, (days, unit_id)) from (select workflow, unit_id, count(distinct day) as days "
            "from memory.calls where unit_id is not null group by all) where workflow is not null group by workflow",
        ):
            found |= {(workflow, unit_id) for workflow, unit_id in con.execute(query).fetchall()}
    return sorted(found)


def test_a_unit_that_is_opened_has_the_requests_and_charges_that_a_scan_of_all_files_finds(published):
    chosen = some(published)
    assert len(chosen) > 7
    for workflow, unit_id in chosen:
        expected = scanned(published, workflow, unit_id)
        assert expected[0]
        assert expected[1]
        assert opened(published, workflow, unit_id) == expected


def test_no_day_is_read_after_the_one_with_the_last_request(published, monkeypatch):
    read: list[list[str]] = []
    named = units.segments.named

    def noted(files: Any) -> str:
        files = list(files)
        read.append([file.name[:10] for file in files])
        return named(files)

    monkeypatch.setattr(units.segments, "named", noted)
    workflow, unit_id = "internal_reporting", "rpt-261016-005"
    all_of_it = opened(published, workflow, unit_id)
    last = max(day for days in read for day in days)
    read.clear()
    assert opened(published, workflow, unit_id, first=date(2026, 10, 16), most=len(all_of_it[0])) == all_of_it
    *requests, charges = read
    assert [len(days) for days in requests] == [2**n for n in range(len(requests))]
    assert max(charges) <= max(max(days) for days in requests) < last
    read.clear()
    assert opened(published, workflow, unit_id, most=0) == ([], [])
    assert not any(read)


def test_requests_and_charges_lie_in_the_order_of_units_and_shared_ones_after_them(published):
    for table, columns in (("requests", "unit_id, units_from"), ("charges", "unit_id")):
        for file in published.segments(table):
            found = duckdb.execute(f"select {columns} from read_parquet('{file}') order by file_row_number").fetchall()
            placed = [tuple((value is None, value or "") for value in row) for row in found]
            assert placed == sorted(placed), file.name


def test_parts_of_a_file_in_which_a_unit_cannot_lie_are_passed_over(tmp_path):
    """One part in eight is read for a unit, and none that holds shared requests of others."""
    file = tmp_path / "segments" / "requests" / "2026-11-01-run.parquet"
    file.parent.mkdir(parents=True)
    made = (
        "select format('a-long-name-for-a-claim-{:06d}', n // 4) as unit_id, null::varchar as units_from, null::varchar as units_to, "
        "null::varchar[] as units, 'claims' as workflow, n as place from range(16384) as r(n) union all "
        "select null, u, v, [u, v], 'claims', n from (select n, format('a-long-name-for-a-claim-{:06d}', n) as u, "
        "format('a-long-name-for-a-claim-{:06d}', n + 1) as v from range(4096) as r(n)) order by unit_id, units_from, place"
    )
    duckdb.execute(f"copy ({made}) to '{file}' (format parquet, row_group_size 2048)")
    with units.segments.reading(str(tmp_path)) as con:
        named = units.segments.named([file])
        asked = {"workflow": "claims", "unit_id": "a-long-name-for-a-claim-000700"}
        query = units._CALLS.format(files=named, near=units._NEAR)
        assert len(con.execute(query, asked).fetchall()) == 6
        plan = con.execute(f"explain analyze {query}", asked).fetchall()[0][1]
        assert plan.count("Row Groups Scanned: 1 / 10") == 2, plan


def in_files(p: Published, tmp_path: Path, *files: str) -> Published:
    """A set whose units lie in these files, oldest first: queries for `n`, their generation and whether they are tombstones."""
    folder = tmp_path / "segments" / "outcome_cost"
    folder.mkdir(parents=True)
    named = [f"{place:09}-run.parquet" for place in range(len(files))]
    for name, rows in zip(named, files, strict=True):
        columns = [
            f"null::{kind} as {column}" for column, kind in generations.COLUMNS.items() if column not in ("workflow", "unit_id", "requests")
        ]  # fmt: skip
        duckdb.execute(
            f"copy (select 'claims' as workflow, format('a-long-name-for-a-claim-{{:06d}}', n) as unit_id, "
            f"generation as requests, {', '.join(columns)}, generation, tombstone from ({rows}) order by n) "
            f"to '{folder / name}' (format parquet, row_group_size 2048)"
        )
    made = Published(tmp_path, "made")
    made.__dict__["meta"] = {**p.meta, "generations": {"outcome_cost": named}}
    return made


def test_a_unit_is_what_the_newest_file_says_of_it(published, tmp_path, monkeypatch):
    made = in_files(
        published, tmp_path,
        "select n, 1::bigint as generation, false as tombstone from range(100) as r(n)",
        "select n, 4::bigint as generation, n = 7 as tombstone from range(5, 9) as r(n)",
        "select 8 as n, 5::bigint as generation, false as tombstone",
    )  # fmt: skip
    monkeypatch.setattr(units, "Published", lambda *_: made)
    st.cache_data.clear()

    def found(n: int) -> int | None:
        row = units.unit(made, "claims", f"a-long-name-for-a-claim-{n:06}")
        return row["requests"] if row else None

    assert [found(n) for n in (4, 5, 6, 7, 8, 9, 100)] == [1, 4, 4, None, 5, 1, None]
    assert units.unit(made, "other", "a-long-name-for-a-claim-000004") is None


def test_one_part_of_a_file_is_read_for_one_unit(published, tmp_path):
    made = in_files(
        published, tmp_path,
        "select n, 1::bigint as generation, false as tombstone from range(16384) as r(n)",
        "select n, 2::bigint as generation, false as tombstone from range(0, 16384, 4) as r(n)",
    )  # fmt: skip
    with units.segments.reading(str(tmp_path)) as con:
        query = generations.one_unit(units.segments.named(made.unit_files() or []))
        asked = {"workflow": "claims", "unit_id": "a-long-name-for-a-claim-000701"}
        assert len(con.execute(query, asked).fetchall()) == 1
        plan = con.execute(f"explain analyze {query}", asked).fetchall()[0][1]
        assert "Row Groups Scanned: 2 / 10" in plan, plan


def test_the_pages_find_units_of_a_set_that_has_them_as_a_mart(copy, show):
    p = current(copy)
    with p.connect(units=True) as con:
        chosen = con.execute(
            "select workflow, min(unit_id), max(unit_id) from outcome_cost group by workflow"
        ).fetchall()
    wanted = {(w, unit): units.unit(p, w, unit) for w, *ids in chosen for unit in ids}
    assert len(wanted) > 6
    assert None not in wanted.values()
    as_before(p)
    st.cache_data.clear()
    older = current(copy)
    assert older.unit_files() is None
    assert {(w, unit): units.unit(older, w, unit) for w, unit in wanted} == wanted
    workflow, unit_id = min(wanted)
    row = wanted[workflow, unit_id]
    assert row
    at = show(copy, "cost", workflow=names.human(workflow), unit=unit_id)
    assert not at.exception
    assert f"{unit_id}: {formats.unit_cost(row['spend_usd'])}" in said(at)


@pytest.mark.parametrize("older", ["every", "some"])
def test_files_of_an_older_version_are_read_whole_and_give_the_same(copy, older):
    p = current(copy)
    expected = {unit: opened(p, *unit) for unit in some(p)}
    for table, left_out in (("requests", "units_from, units_to"), ("charges", "unit_id")):
        for file in p.segments(table)[:: 1 if older == "every" else 2]:
            fresh = file.with_suffix(".fresh")
            kept = f"select * exclude ({left_out}) from read_parquet('{file}') order by source, provider, request_id"
            duckdb.execute(f"copy ({kept}) to '{fresh}' (format parquet)")
            fresh.replace(file)
    for unit, found in expected.items():
        assert opened(p, *unit) == found
        assert scanned(p, *unit) == found


def test_more_ids_than_are_told_one_by_one_are_found_all_the_same(published, monkeypatch):
    workflow, unit_id = some(published)[0]
    expected = scanned(published, workflow, unit_id)
    monkeypatch.setattr(units, "MOST_IDS", 0)
    assert opened(published, workflow, unit_id) == expected


def test_readers_at_the_same_time_find_each_its_own(published):
    chosen = 4 * some(published)
    expected = {unit: scanned(published, *unit) for unit in set(chosen)}
    st.cache_data.clear()
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda unit: units.requests_of(published, *unit, None, None), chosen))
    for unit, (calls, charges) in zip(chosen, found, strict=True):
        assert [c["request_key"] for c in calls] == expected[unit][0]
        assert [(c["request_key"], c["sku"], c["amount_usd"]) for c in charges] == expected[unit][1]


@pytest.mark.parametrize("name", ["", "requests", "requests/../../outlay.yaml", "unit_days/x.parquet", "requests/*.parquet", "/etc/hostname"])  # fmt: skip
def test_the_file_system_of_segments_knows_nothing_but_segments(name, tmp_path: Path):
    (tmp_path / "outlay.yaml").write_text("name: x")
    held = units.segments.Segments(tmp_path / "segments")
    assert not held.exists(f"segments://{name}")
    for verb in (held.open, held.glob, held.info):
        with pytest.raises(FileNotFoundError):
            verb(f"segments://{name}")


@pytest.mark.parametrize("mode", ["wb", "ab", "r+b", "xb", "w"])
def test_the_file_system_of_segments_opens_nothing_to_write(mode, tmp_path: Path):
    with pytest.raises(PermissionError):
        units.segments.Segments(tmp_path).open("segments://requests/a.parquet", mode)
