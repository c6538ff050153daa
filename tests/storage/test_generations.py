"""Costs of units in files of what changed: the same rows as worked out whole, few files, and nothing of what is gone."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from pipelines.exports.tables import batches
from pipelines.storage import generations
from pipelines.storage.ledger import open_ledger
from pipelines.storage.published import Published, current
from tests.workspaces import BASE, Bench, as_before, call, event

Units = dict[str, int]  #: unit -> requests
RUNS = 150


@pytest.fixture
def ledger(tmp_path: Path):
    con = open_ledger(tmp_path / "ledger.duckdb")
    con.execute("create table declared as select 'claims' as workflow")
    yield con
    con.close()


def touch(con: duckdb.DuckDBPyConnection, touched: Iterable[str], found: Units) -> int:
    """Work the touched units out anew, as a run does: those that are not found are no more. Answers their generation."""
    con.execute("create or replace temp table touched_units (workflow varchar, unit_id varchar)")
    con.executemany("insert into touched_units values ('claims', ?)", [[unit] for unit in touched])
    generation = generations.coming(con)
    con.execute("create or replace temp table fresh_units as from unit_costs limit 0")
    rows = [[unit, found[unit], generation] for unit in touched if unit in found]
    if rows:
        con.executemany(
            "insert into fresh_units (workflow, unit_id, status, requests, generation) values ('claims', ?, 'good', ?, ?)",
            rows,
        )
    generations.bury(con, generation)
    con.execute("delete from unit_costs where (workflow, unit_id) in (select (workflow, unit_id) from touched_units)")
    con.execute("insert into unit_costs from fresh_units")
    return generation


def files(con: duckdb.DuckDBPyConnection, home: Path) -> list[Path]:
    return [home / "segments/outcome_cost" / name for name in generations.in_force(con)]


def published(con: duckdb.DuckDBPyConnection, home: Path) -> list[tuple[str, int]]:
    """(unit, requests) of every row that the files hold in force, in their order by unit."""
    query = f"select unit_id, requests from ({generations.relation(files(con, home))}) order by unit_id, requests"
    return duckdb.execute(query).fetchall()


def rows_of(file: Path) -> int:
    return duckdb.execute(f"select count(*) from read_parquet('{file}')").fetchall()[0][0]


@pytest.mark.parametrize("seed", range(2))
def test_whatever_runs_touch_and_take_away_the_files_hold_what_the_ledger_holds(ledger, tmp_path, seed):
    dice = random.Random(seed)
    names = [f"u{n:03}" for n in range(300)]
    known: Units = {}
    least = 1
    for run in range(40):
        touched = sorted(dice.sample(names, dice.choice([1, 2, 5, 20, 60] if run else [250])))
        for unit in touched:
            known[unit] = run
            if dice.random() < 0.3:
                del known[unit]
        touch(ledger, touched, known)
        generations.write(ledger, tmp_path, f"run{run}")
        assert published(ledger, tmp_path) == sorted(known.items()), run
        for unit in dice.sample(names, 3):
            held = [str(file) for file in files(ledger, tmp_path)]
            found = duckdb.execute(generations.one_unit(str(held)), {"workflow": "claims", "unit_id": unit}).fetchall()
            assert [row[7] for row in found] == [known[name] for name in [unit] if name in known]
        in_force = ledger.execute("select count(*) from unit_costs").fetchall()[0][0]
        buried, units, back = ledger.execute(
            "select count(*), count(distinct unit_id), count(unit_costs.unit_id) from unit_tombstones "
            "left join unit_costs using (workflow, unit_id)"
        ).fetchall()[0]
        assert (units, back) == (buried, 0)
        assert len(files(ledger, tmp_path)) <= 1 + math.log(in_force + buried, 3)
        least = max(least, len(files(ledger, tmp_path)))
    assert least > 2


def test_a_run_writes_what_it_changed_and_nothing_else(ledger, tmp_path):
    units = {f"u{n:03}": 1 for n in range(100)}
    touch(ledger, units, units)
    generations.write(ledger, tmp_path, "first")
    [base] = files(ledger, tmp_path)
    touch(ledger, ["u007", "u008", "new"], {"u007": 2, "new": 1})
    generations.write(ledger, tmp_path, "second")
    [same, newer] = files(ledger, tmp_path)
    assert same == base
    assert duckdb.execute(f"select unit_id, requests, tombstone from read_parquet('{newer}')").fetchall() == [
        ("new", 1, False), ("u007", 2, False), ("u008", None, True),
    ]  # fmt: skip
    generations.write(ledger, tmp_path, "third")
    assert files(ledger, tmp_path) == [base, newer]


def test_rows_are_rewritten_once_a_level_and_not_once_a_run(ledger, tmp_path):
    """A run of one unit each: half as many rows as a file has come in newly before it is written again."""
    written = 0
    most = 0
    for n in range(RUNS):
        touch(ledger, [f"u{n:03}"], {f"u{n:03}": 1})
        before = set(files(ledger, tmp_path))
        generations.write(ledger, tmp_path, f"run{n}")
        written += sum(rows_of(file) for file in set(files(ledger, tmp_path)) - before)
        most = max(most, len(files(ledger, tmp_path)))
    assert most <= 1 + math.log(RUNS, 3)
    assert written < RUNS * 2 * math.log(RUNS, 1.5)


def test_a_run_that_touches_everything_writes_one_file_and_forgets_the_tombstones(ledger, tmp_path):
    units = {f"u{n:03}": 1 for n in range(100)}
    touch(ledger, units, units)
    generations.write(ledger, tmp_path, "first")
    touch(ledger, ["u001", "u002"], {"u001": 2})
    generations.write(ledger, tmp_path, "second")
    assert len(files(ledger, tmp_path)) == 2
    touch(ledger, units, {"u050": 3})
    generations.write(ledger, tmp_path, "third")
    [file] = files(ledger, tmp_path)
    assert (rows_of(file), published(ledger, tmp_path)) == (1, [("u050", 3)])
    assert ledger.execute("select count(*) from unit_tombstones").fetchall() == [(0,)]
    touch(ledger, ["u050"], {})
    generations.write(ledger, tmp_path, "fourth")
    assert (files(ledger, tmp_path), published(ledger, tmp_path)) == ([], [])


def test_what_a_run_worked_out_and_did_not_publish_lies_in_the_next_file(ledger, tmp_path):
    units = {f"u{n:03}": 1 for n in range(100)}
    touch(ledger, units, units)
    generations.write(ledger, tmp_path, "first")
    lost = touch(ledger, ["u001", "u002"], {"u001": 2})
    assert touch(ledger, ["u003"], {"u003": 2}) == lost
    generations.write(ledger, tmp_path, "second")
    units |= {"u001": 2, "u003": 2}
    del units["u002"]
    assert published(ledger, tmp_path) == sorted(units.items())


def test_files_merge_where_the_newer_ones_hold_half_as_many_rows():
    assert generations.merged_from([], 5) == 0
    assert generations.merged_from([100], 49) == 1
    assert generations.merged_from([100], 50) == 0
    assert generations.merged_from([1000, 100, 10], 4) == 3
    assert generations.merged_from([1000, 100, 10], 5) == 2
    assert generations.merged_from([1000, 100, 10], 40) == 1
    assert generations.merged_from([100, 30, 10], 10) == 0
    assert generations.merged_from([1000, 0, 100], 1) == 1  # all that the second held lies in newer ones


def world(bench: Bench, dice: random.Random, run: int) -> None:
    """More calls and outcomes, and corrections of earlier ones that name other units and other days."""
    calls, events = [], []
    for n in range(3 if run else 200):
        day, unit = 1 + n % 14 if not run else 14 + run, f"d{dice.randrange(150):03}"
        calls.append(call(f"r{run}-{n}", unit_id=unit, time=f"2026-09-{day:02}T10:00:00Z"))
        events.append(event(f"e{run}-{n}", unit_id=unit, time=f"2026-09-{day:02}T11:00:00Z"))
    for n in range(2 if run else 0):
        unit = f"moved{dice.randrange(4)}"
        calls.append(
            call(f"r0-{dice.randrange(14) * 14}", unit_id=unit, output_tokens=100 + run, time="2026-09-02T10:00:00Z")
        )
        events.append(event(f"e0-{dice.randrange(200)}", unit_id=unit, time=f"2026-10-{run:02}T11:0{n}:00Z"))
    bench.calls(*calls, file=f"{run}.jsonl")
    bench.outcomes(*events, file=f"{run}.jsonl")


def test_after_runs_that_correct_earlier_ones_everything_is_as_a_full_rebuild_has_it(bench: Bench):
    dice = random.Random(11)
    files = []
    for run in range(4):
        world(bench, dice, run)
        if run == 2:
            bench.config["workflows"]["review"]["value"]["per_outcome_usd"] = "3.00"
            bench.save()
        bench.run()
        files.append(len(bench.published.unit_files() or []))
    assert files == [1, 2, 1, 2]
    early = {"first": date(2026, 9, 2), "last": date(2026, 9, 5)}
    units, ranking, marts = bench.export("outcome_cost"), bench.export("value_ranking", **early), bench.fingerprint()
    bench.run(full=True)
    assert len(bench.published.unit_files() or []) == 1
    assert bench.export("outcome_cost") == units
    assert bench.export("value_ranking", **early) == ranking
    assert bench.fingerprint() == marts


def many(bench: Bench) -> None:
    """Fifty documents and as many claims of one day."""
    bench.calls(
        *(call(f"r{n}", unit_id=f"d{n:02}", workflow=w) for n in range(100) for w in [("review", "claims")[n % 2]]),
        file="many.jsonl",
    )
    bench.outcomes(*(event(f"e{n}", unit_id=f"d{n:02}") for n in range(0, 100, 2)), file="many.jsonl")


def units_of(bench: Bench) -> set[str]:
    return {row["unit_id"] for row in bench.export("outcome_cost")}


def test_a_day_of_few_units_adds_a_file_of_these(bench: Bench):
    many(bench)
    bench.run()
    [base] = bench.published.unit_files() or []
    bench.calls(*(call(f"s{n}", unit_id=f"n{n}", time="2026-10-21T10:00:00Z") for n in range(2)), file="next.jsonl")
    bench.outcomes(event("late", unit_id="d01", workflow="claims", what="accepted"), file="next.jsonl")
    bench.run()
    [same, newest] = bench.published.unit_files() or []
    assert same == base
    assert duckdb.execute(f"select workflow, unit_id from read_parquet('{newest}')").fetchall() == [
        ("claims", "d01"), ("review", "n0"), ("review", "n1"),
    ]  # fmt: skip
    assert len(units_of(bench)) == 102


def test_a_unit_whose_only_event_or_call_is_another_units_now_is_no_more(bench: Bench):
    many(bench)
    bench.calls(call("alone", unit_id="left", time="2026-10-19T10:00:00Z"), file="alone.jsonl")
    bench.outcomes(event("alone", unit_id="gone", time="2026-10-19T11:00:00Z"), file="alone.jsonl")
    bench.run()
    assert {"left", "gone"} < units_of(bench)
    bench.calls(call("alone", unit_id="here", time="2026-10-19T10:00:00Z", output_tokens=101), file="again.jsonl")
    bench.outcomes(event("alone", unit_id="here", time="2026-10-19T12:00:00Z"), file="again.jsonl")
    bench.run()
    assert len(bench.published.unit_files() or []) == 2
    assert "here" in units_of(bench)
    assert not {"left", "gone"} & units_of(bench)
    bench.calls(call("back", unit_id="left", time="2026-10-18T10:00:00Z"), file="back.jsonl")
    bench.run()
    assert "left" in units_of(bench)
    assert "gone" not in units_of(bench)


def test_units_of_a_workflow_that_is_no_longer_declared_are_no_more(bench: Bench):
    many(bench)
    bench.run()
    del bench.config["workflows"]["claims"]
    bench.save()
    bench.run()
    assert {row["workflow"] for row in bench.export("outcome_cost")} == {"review"}
    bench.config["workflows"]["claims"] = BASE["workflows"]["claims"]
    bench.save()
    bench.run()
    assert len(units_of(bench)) == 100


def test_a_full_rebuild_without_a_file_forgets_its_units(bench: Bench):
    many(bench)
    bench.calls(call("more", unit_id="more", time="2026-10-21T10:00:00Z"), file="more.jsonl")
    bench.run()
    (bench.root / "logs/calls/more.jsonl").unlink()
    bench.run(full=True, accept_loss=True)
    assert "more" not in units_of(bench)
    assert len(units_of(bench)) == 100


def exported(p: Published) -> list[dict[str, list]]:
    """What is read from units: their export, also of a period, and the ranking of an earlier one."""
    days = (date(2026, 9, 1), date(2026, 10, 20))
    asked = (("outcome_cost",), ("outcome_cost", *days), ("value_ranking", *days))
    return [pa.Table.from_batches(batches(p, *one)).to_pydict() for one in asked]


def test_a_workspace_of_an_earlier_version_is_read_as_it_stands_and_written_anew_by_the_next_run(bench: Bench):
    many(bench)
    bench.run()
    before, old = exported(bench.published), bench.published
    as_before(old)
    with duckdb.connect(str(bench.root / ".outlay/ledger.duckdb")) as con:
        for statement in (
            "alter table unit_costs drop column generation", "drop table unit_generations",
            "drop table unit_tombstones",
                    ):  # fmt: skip
            con.execute(statement)
    assert exported(current(bench.root)) == before
    assert current(bench.root).unit_files() is None
    bench.calls(call("more", unit_id="more", time="2026-10-21T10:00:00Z"), file="more.jsonl")
    bench.run()
    [file] = bench.published.unit_files() or []
    assert rows_of(file) == 101
    assert len(units_of(bench)) == 101
    assert exported(Published(old.home, old.name)) == before


def test_the_file_of_a_run_that_failed_is_swept_by_the_next(bench: Bench, monkeypatch):
    many(bench)
    bench.run()
    before = bench.export("outcome_cost")
    bench.calls(call("more", unit_id="more", time="2026-10-21T10:00:00Z"), file="more.jsonl")

    def full_disk(*_):
        raise OSError(28, "No space left on device")

    folder = bench.root / ".outlay/segments/outcome_cost"
    monkeypatch.setattr("pipelines.publish.assemble.published.write_marts", full_disk)
    with pytest.raises(Exception, match="still served"):
        bench.run()
    monkeypatch.undo()
    [lost] = set(folder.iterdir()) - set(bench.published.unit_files() or [])
    assert bench.export("outcome_cost") == before
    bench.run()
    held = bench.published.unit_files() or []
    assert set(folder.iterdir()) == set(held)
    assert lost not in held
    assert len(units_of(bench)) == 101
