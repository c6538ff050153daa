"""How many calls units make, worked out by the days that change: the figures are those of a run over everything."""

from __future__ import annotations

import random

import pytest

from tests.workspaces import Bench, call, event

COLUMNS = "workflow, task_type, stratum, calls, units, settled"


def calls_of_units(bench: Bench) -> list[tuple]:
    with bench.published.connect() as con:
        return con.execute(f"select {COLUMNS} from unit_calls order by all").fetchall()


def at(day: int, hour: int = 10) -> str:
    return f"2026-10-{day:02}T{hour:02}:00:00Z"


def test_a_unit_that_comes_to_a_second_day_is_one_unit_with_all_its_calls(bench: Bench):
    bench.calls(
        call("a1", time=at(20), unit_id="a"), call("b1", time=at(20), unit_id="b"), call("b2", time=at(20), unit_id="b")
    )
    bench.run()
    assert calls_of_units(bench) == [
        ("review", "extraction", "", 1, 1, 0), ("review", "extraction", "", 2, 1, 0),
        ("review", "extraction", None, 1, 1, 0), ("review", "extraction", None, 2, 1, 0),
    ]  # fmt: skip
    bench.calls(
        call("a2", time=at(21), unit_id="a"), call("a3", time=at(21), unit_id="a", stratum="hard"), file="b.jsonl"
    )
    bench.run()
    assert calls_of_units(bench) == [
        ("review", "extraction", "", 2, 2, 0), ("review", "extraction", "hard", 1, 1, 0),
        ("review", "extraction", None, 2, 1, 0), ("review", "extraction", None, 3, 1, 0),
    ]  # fmt: skip
    bench.outcomes(event("e", unit_id="a", time=at(23)))
    bench.run()
    assert calls_of_units(bench) == [
        ("review", "extraction", "", 2, 2, 1), ("review", "extraction", "hard", 1, 1, 1),
        ("review", "extraction", None, 2, 1, 0), ("review", "extraction", None, 3, 1, 1),
    ]  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
def test_whatever_comes_the_calls_of_units_are_those_of_a_run_over_everything(bench: Bench, seed: int):
    chance = random.Random(seed)
    for step in range(5):
        made = []
        for place in range(chance.randrange(1, 7)):
            one = call(
                f"s{step}-{place}", time=at(chance.randrange(1, 29)), unit_id=f"u{chance.randrange(5)}",
                stratum=chance.choice(("hard", "easy")), task_type=chance.choice(("summary", "check")),
            )  # fmt: skip
            if chance.random() < 0.3:
                one["units"] = [{"unit_id": "u0"}, {"unit_id": f"u{chance.randrange(1, 5)}"}]
                del one["unit_id"]
            made.append(one)
        bench.calls(*made, file=f"{step}.jsonl")
        said = chance.choice(("completed", "failed", "rejected"))
        told = event(f"e{step}", said, unit_id=f"u{chance.randrange(5)}", time=at(chance.randrange(1, 29), 20))
        bench.outcomes(told, file=f"{step}.jsonl")
        bench.run()
        found = calls_of_units(bench)
        bench.run(full=True)
        assert calls_of_units(bench) == found
