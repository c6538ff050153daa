"""Parts of a model that are read several times, worked out once."""

from __future__ import annotations

import duckdb
import pytest

from pipelines.engine.dialect import parsed
from pipelines.engine.repeated import written_once

THRICE = "select n from a union all select n + 1 as n from a union all select n + 2 as n from a"
BODIES = {
    "read thrice": (f"with a as (select n from big) {THRICE}", 1),
    "read twice": ("with a as (select n from big) select n from a union all select n + 1 as n from a", 0),
    "of a small table": (f"with a as (select n from small) {THRICE}", 0),
    "read by parts that are read": (
        "with a as (select n from big), b as (select n from a) "
        "select n from b union all select n + 1 as n from b union all select n + 2 as n from a",
        1,
    ),
    "its reader is written": (f"with b as (select n from big), a as (select n + 1 as n from b) {THRICE}", 1),
    "inside a part": (f"with outside as (with a as (select n from big) {THRICE}) select n from outside", 1),
    "hidden by an inner one of its name": (
        f"with a as (select n from big) select n from a union all select n from (with a as (select 9 as n) {THRICE}) as i",
        0,
    ),
    "that names a part around it": (
        f"with w as (select n from big), v as (with a as (select n from w) {THRICE}) select n from v union all select n from w",
        0,
    ),
}


@pytest.mark.parametrize("name", BODIES)
def test_the_rows_stay_the_same(name: str):
    text, parts = BODIES[name]
    con = duckdb.connect()
    con.execute("create table big as select range as n from range(3); create table small as from big")
    made: list[str] = []

    def write(part) -> str:
        made.append(f"part_{len(made)}")
        con.execute(f"create table {made[-1]} as {part.sql('duckdb')}")
        return made[-1]

    tree = parsed(text)
    before = tree.sql()
    found = written_once(tree, {"big"}, write)
    assert tree.sql() == before
    assert len(made) == parts
    assert sorted(con.execute(found.sql("duckdb")).fetchall()) == sorted(con.execute(text).fetchall())
