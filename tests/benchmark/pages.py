"""What a page asks of DuckDB: milliseconds of all its queries together, over a published set of a large company.

`python -m tests.benchmark.pages [--requests 20000000] [--times 15]`. The sample company is run once; its marts are given
nine more companies' workflows, its unit-grain mart as many units as so many requests have (seeded), and the day on which
the dearest unit began as many requests and charges as one of four weeks of days has, in the order in which they are published. Then every page is drawn again and
again with nothing kept, and the time in DuckDB (connecting, executing, fetching) is added up per drawing. The marts of
days hold the same rows at any number of requests, so this measures what grows. Aim: p95 of 50 ms for every query; the
slowest one of a page is named with the page.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import duckdb
import streamlit as st
from streamlit.testing.v1 import AppTest

from dashboards import queries
from pipelines.publish.segments import GROUP
from pipelines.publish.unit_marts import spread
from pipelines.run import run_workspace
from pipelines.running import Asked
from pipelines.storage.generations import GROUP as UNITS_GROUP
from pipelines.storage.generations import relation
from pipelines.storage.lake import PACKED
from pipelines.storage.models import literal
from pipelines.storage.published import Published, current
from pipelines.workspace.load import load_workspace

REPO = Path(__file__).parents[2]
QUICK, FULL = 1_000_000, 20_000_000
COMPANIES = 10
CALLS_PER_UNIT, DAYS, REFUSED_SHARE = 4, 28, 1000
AIM_MS = 50


def build(root: Path, requests: int) -> None:
    """A published workspace of so many requests."""
    shutil.copytree(REPO / "sample_logs", root)
    run_workspace(load_workspace(root), Asked())
    p = current(root)
    con = duckdb.connect(str(p.folder / "marts.duckdb"))
    con.execute("set timezone = 'UTC'")
    _more_workflows(con)
    _more_units(p, con, requests // CALLS_PER_UNIT)
    _more_refused(con, requests // REFUSED_SHARE)
    _a_full_day(p, con, requests // DAYS)
    con.close()
    _declare(root)


def _more_workflows(con: duckdb.DuckDBPyConnection) -> None:
    """Every row that belongs to a workflow, again for the other companies' workflows."""
    found = con.execute(
        "select table_name from duckdb_columns() where column_name = 'workflow' and table_name not in ('unit_summary', 'unit_spread', "
        "'dearest_units')"
    ).fetchall()  # fmt: skip
    for (table,) in found:
        con.execute(
            f"insert into {table} select {table}.* replace (workflow || '_' || n as workflow) from {table}, range(1, {COMPANIES}) as more(n) "
            "where workflow <> '*'"
        )
    con.execute("update drift set alarm = workflow || ':' || kind || ':' || detected_day")


def _more_units(p: Published, con: duckdb.DuckDBPyConnection, units: int) -> None:
    """As many units as asked for, each like one of the sample's; the dearest keep their names and days."""
    [file] = p.unit_files() or []
    con.execute(f"create temp view outcome_cost as {relation([file])}")
    copies = -(-units // con.execute("select count(*) from outcome_cost").fetchall()[0][0])
    con.execute(
        f"""create table more as select * exclude (n) from (
            select outcome_cost.* replace (
                case when n % {COMPANIES} = 0 then workflow else workflow || '_' || n % {COMPANIES} end as workflow,
                case when n = 0 then unit_id else unit_id || '-' || n end as unit_id,
                case when n = 0 then spend_usd
                    else cast(spend_usd * (200 + hash(unit_id, n, 7) % 700) / 1000 as decimal(38, 12)) end as spend_usd
            ), n from outcome_cost, range({copies}) as more(n)
        )"""
    )
    fresh = file.with_suffix(".fresh")
    con.execute(
        f"copy (select *, 1::bigint as generation, false as tombstone from more order by workflow, unit_id) to {literal(str(fresh))} "
        f"({PACKED}, row_group_size {UNITS_GROUP})"
    )
    con.execute("drop view outcome_cost")
    made = spread(con, "from more")
    con.execute("drop table more")
    os.replace(fresh, file)
    for name, table in made.items():
        con.register("made", table)
        con.execute(f"create or replace table {name} as from made")
        con.unregister("made")


def _more_refused(con: duckdb.DuckDBPyConnection, refused: int) -> None:
    con.execute(
        f"insert into quarantine select quarantine.* replace (n as line) from quarantine, range({refused // 3}) as more(n)"
    )


def _a_full_day(p: Published, con: duckdb.DuckDBPyConnection, requests: int) -> None:
    """The segments of the day that the cost page opens first, with as many requests as a day has, and four charges each."""
    total = con.execute(
        "select workflow from workflow_totals order by spend_usd desc nulls last, workflow limit 1"
    ).fetchall()[0][0]
    row = con.execute(
        "select first_request from dearest_units where workflow = $total and place = 1", {"total": total}
    ).fetchall()
    day = row[0][0].date()
    con.execute("update daily_spend set requests = $requests where day = $day", {"requests": requests, "day": day})
    other = {
        "request_key": "case when n = 0 then request_key else cast(md5(request_key || '-' || n) as uuid) end as request_key",
        "unit_id": "case when n = 0 then unit_id else unit_id || '-' || n end as unit_id",
    }
    for table, changed, times in (("requests", [*other.values()], 1), ("charges", [*other.values()], 4)):
        [file] = p.segments(table, day, day)
        order = {
            "requests": "unit_id, units_from, units_to, request_id, request_key",
            "charges": "unit_id, request_id, request_key, sku",
        }[table]
        held = con.execute(f"select count(*) from read_parquet({literal(str(file))})").fetchall()[0][0]
        fresh = file.with_suffix(".fresh")
        duckdb.sql(
            f"copy (select * exclude (n) from (select day.* replace ({', '.join(changed)}), n from read_parquet({literal(str(file))}) as day, "
            f"range({-(-requests * times // held)}) as more(n)) order by {order}) to {literal(str(fresh))} ({PACKED}, row_group_size {GROUP})"
        )
        os.replace(fresh, file)


def _declare(root: Path) -> None:
    """The workspace file names the other companies' workflows as it does the first's."""
    file = root / "outlay.yaml"
    head, rest = file.read_text("utf-8").split("workflows:\n", 1)
    own, tail = rest.split("\n# What a month may cost", 1)
    named = own
    for n in range(1, COMPANIES):
        for name in ("contract_review", "internal_reporting", "customer_records", "claims_decision"):
            start = own.index(f"  {name}:\n")
            end = min((own.index(f"\n  {o}:\n", start) for o in ("internal_reporting", "customer_records", "claims_decision") if f"\n  {o}:\n" in own[start:]), default=len(own))  # fmt: skip
            named += "\n" + own[start:end].rstrip().replace(f"  {name}:", f"  {name}_{n}:", 1)
    file.write_text(f"{head}workflows:\n{named}\n# What a month may cost{tail}", "utf-8")


@dataclass
class Clock:
    """Milliseconds in DuckDB: of the wall, of all processors, and of the wall by query in the order of asking."""

    wall: float = 0.0
    cpu: float = 0.0
    queries: list[float] = field(default_factory=list)

    @contextmanager
    def running(self, *, query: bool) -> Generator[None]:
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            took = 1000 * (time.perf_counter() - wall)
            self.wall += took
            self.cpu += 1000 * (time.process_time() - cpu)
            if query:
                self.queries.append(took)

    def reset(self) -> None:
        self.wall = self.cpu = 0.0
        self.queries = []


@contextmanager
def timed(clock: Clock) -> Generator[None]:
    """Counts connecting and asking while it is open."""
    rows, connect = queries._rows, Published.connect

    def asked(*given: Any) -> Any:
        with clock.running(query=True):
            return rows(*given)

    def connected(*given: Any) -> Any:
        with clock.running(query=False):
            return connect(*given)

    queries._rows, Published.connect = asked, connected  # ty: ignore[invalid-assignment]
    try:
        yield
    finally:
        queries._rows, Published.connect = rows, connect


def measure(root: Path, times: int) -> dict[str, dict[str, float]]:
    """Per page: queries, the median and 95 % point of their milliseconds together, and the 95 % point of the slowest one;
    nothing kept but the connection.

    `cost, a unit` is the cost page with one unit opened: the one question that reads a file of requests.
    """
    os.environ["OUTLAY_WORKSPACE"] = str(root)
    found: dict[str, dict[str, float]] = {}
    clock = Clock()
    with timed(clock):
        for page in sorted(
            file.stem for file in (REPO / "dashboards" / "views").glob("*.py") if file.stem != "__init__"
        ):
            found[page] = _drawn(page, times, clock)
        [unit] = queries._rows(current(root).connect(), DEAREST, {})
        found["cost, a unit"] = _drawn("cost", times, clock, unit=unit["unit_id"])
    return found


DEAREST = """
select dearest_units.unit_id from dearest_units inner join workflow_totals using (workflow)
order by workflow_totals.spend_usd desc nulls last, workflow, place limit 1"""


def _drawn(page: str, times: int, clock: Clock, **filters: str) -> dict[str, float]:
    at = AppTest.from_file(REPO / "dashboards" / "app.py", default_timeout=600).run()
    at.switch_page(f"views/{page}.py")
    for name, value in filters.items():
        at.query_params[name] = value
    at.run()
    assert not at.exception, (page, at.exception)
    drawings: list[Clock] = []
    for _ in range(times):
        st.cache_data.clear()
        clock.reset()
        at.run()
        drawings.append(replace(clock))
    cuts = quantiles([drawing.wall for drawing in drawings], n=100, method="inclusive")
    # a page asks the same in the same order each time
    by_query = zip(*(drawing.queries for drawing in drawings), strict=True)
    return {
        "queries": len(drawings[0].queries), "p50_ms": cuts[49], "p95_ms": cuts[94],
        "slowest_query_p95_ms": max(quantiles(took, n=100, method="inclusive")[94] for took in by_query),
        "cpu_ms": median(drawing.cpu for drawing in drawings),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument(
        "--requests", type=int, default=QUICK, help=f"{QUICK:,} by default; {FULL:,} is the full measurement"
    )
    parser.add_argument("--times", type=int, default=15)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--keep", type=Path, help="build here, and use what is here already")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = (asked.keep or Path(folder)) / f"company-{asked.requests}"
        if not root.exists():
            build(root, asked.requests)
        found = measure(root, asked.times)
    if asked.json:
        print(json.dumps({"requests": asked.requests, "pages": found}))
        return
    print(f"{asked.requests:,} requests; milliseconds of DuckDB a page, aim {AIM_MS} at 95 % of every query")
    for page, row in found.items():
        print(
            f"{page:<14} {row['queries']:>3} queries  p50 {row['p50_ms']:>7.1f}  p95 {row['p95_ms']:>7.1f}  slowest query p95 {row['slowest_query_p95_ms']:>6.1f}  processors {row['cpu_ms']:>7.1f}"
        )


if __name__ == "__main__":
    main()
