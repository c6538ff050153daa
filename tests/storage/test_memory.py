"""What a run may hold in memory, and that a run goes through with little of it."""

from __future__ import annotations

import duckdb
import pytest

from pipelines.outcomes.build import by_units
from pipelines.storage.days import by_days
from pipelines.storage.ledger import MEMORY_LIMIT, hold, memory
from pipelines.workspace.errors import UsageError
from tests.workspaces import Bench, call, event


@pytest.mark.parametrize(
    ("asked", "found"), [("1GB", 10**9), ("512 MB", 512 * 10**6), ("1.5GiB", 3 << 29), ("2000000", 2_000_000)]
)
def test_the_limit_is_a_size(monkeypatch: pytest.MonkeyPatch, asked: str, found: int):
    monkeypatch.setenv(MEMORY_LIMIT, asked)
    assert memory() == found


def test_half_the_limit_is_half_of_a_share_of_the_machine(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(MEMORY_LIMIT, "50%")
    half = memory()
    monkeypatch.setenv(MEMORY_LIMIT, "100%")
    assert memory() // 2 == half


@pytest.mark.parametrize("asked", ["much", "1 XB", "-1GB", "GB"])
def test_what_is_no_size_is_refused_with_what_to_write(monkeypatch: pytest.MonkeyPatch, asked: str):
    monkeypatch.setenv(MEMORY_LIMIT, asked)
    with pytest.raises(UsageError, match=r"OUTLAY_MEMORY_LIMIT: found .* expected a size such as 4GB"):
        memory()


def test_little_memory_means_one_thread(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(MEMORY_LIMIT, "1GB")
    with duckdb.connect() as con:
        hold(con)
        settings = con.execute("select current_setting('threads'), current_setting('memory_limit')").fetchone()
    assert settings == (1, "667.5 MiB")


def test_touched_days_come_some_at_a_time_and_all_of_them_again():
    with duckdb.connect() as con:
        con.execute("create table touched_days (day date); create table records (day date, wins boolean)")
        con.execute("insert into touched_days select date '2026-10-01' + cast(i as integer) from range(4) as t(i)")
        con.execute("insert into touched_days values (date '2026-10-02')")
        con.execute(
            "insert into records select date '2026-10-01' + cast(i as integer), i <> 3 "
            "from range(4) as t(i), range(3 * i) as u(j)"
        )
        parts = [
            [str(day)[-2:] for (day,) in con.execute("select day from touched_days order by day").fetchall()]
            for _ in by_days(con, at_once=4)
        ]
        assert parts == [["01", "02"], ["03"], ["04"]]
        assert con.execute("select count(*), count(distinct day) from touched_days").fetchone() == (4, 4)
        assert len(list(by_days(con, at_once=100))) == 1


def test_few_days_at_a_time_give_the_same_figures(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    bench.calls(*(call(f"r{i}", time=f"2026-10-{1 + i % 9:02}T10:00:00Z", unit_id=f"u{i % 5}") for i in range(40)))
    bench.outcomes(*(event(f"e{i}", unit_id=f"u{i}") for i in range(5)))
    bench.run()
    whole = bench.fingerprint()
    monkeypatch.setattr("pipelines.storage.days.AT_ONCE", 7)
    ran = bench.run(full=True)
    assert bench.fingerprint() == whole
    assert [(stage["name"], stage["rows"]) for stage in ran["stages"] if stage["name"] in ("attribute", "price")] == [
        ("attribute", 40), ("price", 40),
    ]  # fmt: skip


def test_touched_units_come_some_at_a_time_each_once_and_all_of_them_again():
    with duckdb.connect() as con:
        con.execute(
            "create temp table touched_units as select 'claims' as workflow, concat('u', i) as unit_id from range(50) as t(i)"
        )
        parts = [con.execute("select unit_id from touched_units").fetchall() for _ in by_units(con, 15)]
        assert len(parts) == 4
        assert sorted(unit for part in parts for (unit,) in part) == sorted(f"u{i}" for i in range(50))
        assert con.execute("select count(*), count(distinct unit_id) from touched_units").fetchone() == (50, 50)
        assert len(list(by_units(con, 50))) == 1


def test_few_units_at_a_time_give_the_same_figures(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    bench.calls(*(call(f"r{i}", time=f"2026-10-{1 + i % 9:02}T10:00:00Z", unit_id=f"u{i % 11}") for i in range(40)))
    bench.outcomes(
        *(event(f"e{i}", unit_id=f"u{i}") for i in range(9)),
        *(event(f"x{i}", "rejected", unit_id=f"u{i}", time="2026-10-12T10:00:00Z") for i in range(3)),
    )
    bench.run()
    whole = bench.fingerprint()
    monkeypatch.setattr("pipelines.outcomes.build.AT_ONCE", 2)
    bench.run(full=True)
    assert bench.fingerprint() == whole
