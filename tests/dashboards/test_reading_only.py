"""The dashboard reads the published set and nothing else, whatever an address says and whatever runs meanwhile."""

from concurrent.futures import ThreadPoolExecutor

import duckdb
import pytest

from dashboards import queries, segments, units
from pipelines.run import run_workspace
from pipelines.running import Asked
from pipelines.storage.published import Published, current
from pipelines.workspace.load import load_workspace
from tests.dashboards.reading import said, title


@pytest.mark.parametrize(
    "statement",
    [
        "copy daily_cost to '{tmp}/out.csv'",
        "attach '{tmp}/other.duckdb'",
        "select * from read_text('/etc/hostname')",
        "select * from read_csv('{tmp}/x.csv')",
        "select * from '{tmp}/x.parquet'",
        "set enable_external_access = true",
        "set lock_configuration = false",
        "set memory_limit = '1GB'",
        "install httpfs",
        "load httpfs",
        "export database '{tmp}/all'",
        "create table daily_cost (x int)",
        "delete from daily_cost",
        "drop table daily_cost",
    ],
)
def test_the_connection_can_neither_write_nor_leave(statement, published, tmp_path):
    with published.connect() as con, pytest.raises(duckdb.Error):
        con.execute(statement.replace("{tmp}", str(tmp_path)))
    assert list(tmp_path.iterdir()) == []


def test_a_preloaded_segment_does_not_open_the_door_again(published, tmp_path):
    file = published.segments("requests")[0]
    with published.connect({"calls": (f"select * from read_parquet('{file}')", {})}) as con:
        assert con.execute("select count(*) from memory.calls").fetchall()[0][0] > 0
        with pytest.raises(duckdb.Error):
            con.execute(f"select * from read_parquet('{file}')")
        with pytest.raises(duckdb.Error):
            con.execute(f"copy memory.calls to '{tmp_path}/x.csv'")


@pytest.mark.parametrize(
    "statement",
    [
        "select * from read_text('/etc/hostname')", "select * from read_text('{home}/published/current')",
        "select * from read_parquet('{home}/segments/*/*.parquet')", "copy (select 1) to '{home}/segments/outcome_cost/x.parquet'",
        "attach '{home}/segments/other.duckdb'", "set enable_external_access = true", "set allowed_paths = ['/etc/hostname']",
    ],
)  # fmt: skip
def test_a_connection_that_has_the_files_of_units_reaches_no_others(statement, published):
    with published.connect(units=True) as con:
        assert con.execute("select count(*) from outcome_cost").fetchall()[0][0] > 0
        with pytest.raises(duckdb.Error):
            con.execute(statement.replace("{home}", str(published.home)))


@pytest.mark.parametrize(
    "statement",
    [
        "select * from read_text('/etc/hostname')",
        "select * from read_text('{home}/published/current')",
        "select * from read_text('segments://../published/current')",
        "select * from read_text('segments://requests/../../published/current')",
        "select * from read_parquet('segments://requests/*.parquet')",
        "attach '{home}/segments/other.duckdb'",
        "attach 'segments://requests/other.duckdb'",
        "copy (select 1) to '{home}/segments/x.csv'",
        "copy (select 1) to '{home}/segments/requests/x.parquet'",
        "copy (select 1) to 'segments://requests/x.parquet'",
        "copy (select 1) to '{file}' (format parquet)",
        "copy (select 1) to '{file}' (format parquet, use_tmp_file false)",
        "copy (select 1) to 'segments://requests' (format parquet, per_thread_output)",
        "export database 'segments://requests'",
        "set allowed_directories = ['/']",
        "set disabled_filesystems = ''",
    ],
)
def test_the_connection_to_the_requests_reads_nothing_else_and_writes_nothing(statement, published):
    folder = published.home / "segments"
    before = {file: (file.stat().st_size, file.stat().st_mtime_ns) for file in folder.rglob("*")}
    with segments.reading(str(published.home)) as con:
        file = segments.named(published.segments("requests")[:1]).strip("[']")
        assert con.execute(f"select count(*) from read_parquet('{file}')").fetchall()[0][0] > 0
        with pytest.raises((duckdb.Error, OSError)):
            con.execute(statement.replace("{home}", str(published.home)).replace("{file}", file))
    assert {file: (file.stat().st_size, file.stat().st_mtime_ns) for file in folder.rglob("*")} == before


@pytest.mark.parametrize(
    "text", ["' OR 1=1 --", "'; drop table outcome_cost; --", "%", "*", "\x00", "rpt-261016-005' --"]
)
def test_a_filter_is_a_value_and_never_a_query(text, published):
    assert units.unit(published, "internal_reporting", text) is None
    assert (units.dearest(published, text), units.unit_summary(published, text)) == ([], None)
    assert units.requests_of(published, "internal_reporting", text, None, None) == ([], [])


def test_a_page_that_stays_open_shows_the_new_set_after_a_run(show, copy):
    at = show(copy, "value")
    before = current(copy).name
    finding = title(at)
    declared = (copy / "outlay.yaml").read_text()
    (copy / "outlay.yaml").write_text(declared.replace('minutes_saved: "1.5"', 'minutes_saved: "15"'))
    run_workspace(load_workspace(copy), Asked())
    assert current(copy).name != before
    at.run()
    assert not at.exception
    assert title(at) != finding
    assert title(at) == current(copy).meta["finding"]


def test_a_page_starts_over_when_its_set_was_swept_meanwhile(show, copy, monkeypatch):
    at = show(copy, "cost")
    fresh = current(copy)
    gone = Published(fresh.home, "20200101T000000000000-1")
    gone.__dict__["meta"] = fresh.meta
    answers = iter([gone])
    monkeypatch.setattr(queries, "published", lambda: next(answers, fresh))
    at.run()
    assert not at.exception
    assert title(at).startswith("One report costs")


def test_many_readers_at_once_see_one_set(published):
    def read(_: int) -> tuple[int, ...]:
        with published.connect(units=True) as con:
            return tuple(
                con.execute(f"select count(*) from {table}").fetchall()[0][0]
                for table in ("daily_cost", "outcome_cost")
            )

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(read, range(64)))) == 1


def test_old_figures_say_their_age(show, copy):
    file = current(copy).folder / "set.json"
    text = file.read_text()
    stamp = current(copy).meta["published_at"]
    file.write_text(text.replace(stamp, "2026-11-10T06:00:00+00:00"))
    at = show(copy)
    assert "days old. outlay run brings them up to date." in said(at).replace("`", "")
