"""Days written out in what Spark is sent."""

from __future__ import annotations

from datetime import date

import duckdb
import pytest

from pipelines.engine.days import days_named, with_days
from pipelines.engine.dialect import listed, parsed, to_spark

LARGE = {"requests", "records"}


@pytest.fixture
def small() -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    con.execute(
        "create table touched_days as select date '2026-11-02' as day union all select date '2026-11-01' as day"
    )
    con.execute("create table no_days (day date)")
    return con


@pytest.mark.parametrize(
    ("text", "written"),
    [
        (
            "select * from requests where requests.day in (select day from touched_days)",
            "requests.day IN (CAST('2026-11-01' AS DATE), CAST('2026-11-02' AS DATE))",
        ),
        ("select * from requests where day not in (select day from no_days)", "WHERE NOT FALSE"),
        ("select * from requests where day in (select day from records)", "day IN (SELECT day FROM records)"),
        (
            "with touched_days as (select day from records) select * from requests where day in (select day from touched_days)",
            "day IN (SELECT day FROM touched_days)",
        ),
        (
            "select * from requests where day in (select day from touched_days where day > date '2026-11-01')",
            "day IN (SELECT day FROM touched_days WHERE",
        ),
    ],
)
def test_days_of_a_small_table_are_written_out(small: duckdb.DuckDBPyConnection, text: str, written: str):
    tree = parsed(text)
    before = tree.sql()
    assert written in to_spark(with_days(tree, small, LARGE))
    assert tree.sql() == before


def test_a_condition_on_days_names_them(small: duckdb.DuckDBPyConnection):
    def named(condition: str, column: str = "day") -> list[date] | None:
        where = parsed(f"delete from requests where {condition}").args["where"].this
        return days_named(where, column, small, LARGE)

    both = [date(2026, 11, 1), date(2026, 11, 2)]
    assert named("day in (select day from touched_days)") == both
    assert named("day in (select day from no_days)") == []
    assert named("day in (select day from touched_days) and workflow = 'a'") is None
    assert named("day in (select day from records)") is None
    assert named("called_on in (select day from touched_days)") is None
    assert named("called_on in (select day from touched_days)", "called_on") == both


def test_what_a_condition_lists_becomes_columns():
    def read(condition: str) -> tuple[list[str], str] | None:
        found = listed(parsed(f"delete from requests where {condition}").args["where"].this)
        return found and (found[0], found[1].sql())

    assert read("(a, b) in (select (x, y) from t)") == (["a", "b"], "SELECT x, y FROM t")
    assert read("a in (select x from t where z)") == (["a"], "SELECT x FROM t WHERE z")
    assert read("a = 1") is None
    assert read("a in (1, 2)") is None
