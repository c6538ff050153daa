"""What a rollout does next, state by state, on cells of known truth: no run, no file, no clock of this machine."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from pipelines.rollout.cells import Cells
from pipelines.rollout.trials import Trial
from pipelines.rollout.verdict import Verdict, verdict
from pipelines.workspace.model import Workspace
from tests.rollout.world import moment
from tests.rollout.worlds import FIRST, steady, together, trial

FRESH = {("review", "request"): moment(date(2030, 1, 1)), ("review", "outcome"): moment(date(2030, 1, 1))}


def workspace(**rollout: Any) -> Workspace:
    return Workspace.model_validate(
        {
            "name": "Test company", "sources": [{"name": "calls", "kind": "requests", "path": "logs/*.jsonl"}],
            "workflows": {"review": {"unit": "document", "maturity_days": 1}}, "routing": {"rollout": rollout},
        }
    )  # fmt: skip


def told(
    of: Trial, cells: Cells, days: int, newest: dict | None = None, now: datetime | None = None, **rollout: Any
) -> Verdict:
    """Early on the morning after so many days."""
    as_of = FIRST + timedelta(days=days - 1)
    now = now or moment(as_of + timedelta(days=1), 5)
    return verdict(of, cells, workspace(**rollout), as_of, now=now, newest=newest or FRESH)


def answers(found: Verdict) -> dict[str, str]:
    return {guard.name: guard.answer for guard in found.judged.guards}


@pytest.mark.parametrize(
    ("percent", "more", "to"),
    [
        (5, {}, 20), (20, {}, 50), (50, {}, 100), (20, {"up_to": 40}, 40), (5, {"up_to": 12}, 12),
        (50, {"hold_back": 5}, 95), (50, {"up_to": 80, "hold_back": 5}, 80),
    ],
)  # fmt: skip
def test_a_share_grows_by_its_steps_and_never_past_what_was_approved(percent: int, more: dict, to: int) -> None:
    of = trial(percent, **more)
    found = told(of, steady(of, 9, per_day=400), 9)
    assert set(answers(found).values()) == {"holds"}
    assert (found.move, found.to, found.status) == ("advance", to, "canary")


@pytest.mark.parametrize(("percent", "more"), [(40, {"up_to": 40}), (95, {"hold_back": 5}), (100, {})])
def test_at_the_approved_share_it_stands(percent: int, more: dict) -> None:
    of = trial(percent, **more)
    found = told(of, steady(of, 9, before=9), 9)
    assert (found.move, found.to, found.status) == ("stand", None, "promoted")


def test_too_few_full_days_hold_it() -> None:
    of = trial(20)
    found = told(of, steady(of, 6, per_day=300), 6)
    assert (found.move, found.full_days, found.may_move_on) == ("hold", 6, date(2026, 9, 8))
    assert found.reasons == ("6 of 7 full days at 20 %",)


def test_a_day_that_the_share_began_in_the_middle_of_is_not_a_full_one() -> None:
    of = trial(20)
    of = replace(of, steps=(replace(of.steps[0], since=moment(FIRST, 8)),))
    found = told(of, steady(of, 7, per_day=300), 7)
    assert (found.full_days, found.move, found.may_move_on) == (6, "hold", date(2026, 9, 9))


def test_too_few_outcomes_hold_it() -> None:
    of = trial(5)
    found = told(of, steady(of, 9, per_day=60), 9)
    assert found.move == "hold"
    assert found.judged.settled_at_share == 24
    assert found.reasons[0] == "24 of 30 settled units that the canary alone worked on"


def test_stale_records_hold_it_and_take_nothing_back() -> None:
    of = trial(50)
    cells = steady(of, 9, quality=(0.99, 0.7))
    assert told(of, cells, 9).move == "roll back"
    old = {
        ("claims", "request"): moment(FIRST + timedelta(days=8), 20),
        ("review", "outcome"): moment(date(2030, 1, 1)),
    }
    found = told(of, cells, 9, old, now=moment(FIRST + timedelta(days=10), 9))
    assert (found.move, found.reasons) == ("hold", ("fresh data: the newest request is 37 hours old, 36 are allowed",))
    found = told(of, cells, 9, {("review", "request"): moment(date(2030, 1, 1))})
    assert (found.move, found.reasons) == ("hold", ("fresh data: no outcome of review was ever seen",))


def test_a_guard_that_fails_holds_at_once_and_goes_back_after_three_days_in_a_row() -> None:
    of = trial(50)
    bad: dict[str, Any] = {"quality": (0.99, 0.5), "per_day": 100}
    assert [told(of, steady(of, n, **bad), n).failed_days for n in (1, 2, 3, 4)] == [0, 1, 2, 3]
    two, three = (told(of, steady(of, n, **bad), n) for n in (3, 4))
    assert (two.move, two.status) == ("hold", "hold")
    assert (three.move, three.reasons[0]) == ("roll back", "guards failed on 3 evaluated days in a row")
    assert three.reasons[1].startswith("quality: ")
    assert told(of, steady(of, 4, **bad), 4, failure_limit=99).move == "hold"


def test_days_without_a_canary_request_are_no_failing_evaluations() -> None:
    of = trial(50)
    cells = together(steady(of, 1, quality=(0.99, 0.2)), steady(of, 6, share=0.0, first=1))
    found = told(of, cells, 7)
    assert answers(found)["quality"] == "fails"
    assert (found.failed_days, found.move) == (1, "hold")


def test_a_drop_after_all_was_moved_is_told_against_the_time_before() -> None:
    of = trial(100)
    found = told(of, steady(of, 7, quality=(0.99, 0.7), before=9), 7)
    assert (found.status, found.move) == ("promoted", "roll back")
    assert "(before the switch)" in found.judged.guards[0].said


@pytest.mark.parametrize(
    ("odd", "guard", "answer", "move"),
    [
        ({"usd": ("0.0005", "0.004")}, "cost", "fails", "roll back"),
        ({"errors": 0.2}, "errors", "fails", "roll back"),
        ({"slow": 0.3}, "latency", "fails", "roll back"),
        ({"share": 0.8}, "share", "fails", "roll back"),
        ({"share": 0.2}, "share", "waits", "hold"),
        ({"quality": (0.99, 0.7)}, "quality", "fails", "roll back"),
    ],
)  # fmt: skip
def test_each_guard_alone_stops_it(odd: dict, guard: str, answer: str, move: str) -> None:
    of = trial(50)
    found = told(of, steady(of, 8, **odd), 8)
    assert {name: said for name, said in answers(found).items() if said != "holds"} == {guard: answer}
    assert found.move == move


def test_a_canary_whose_time_is_over_expires_and_a_locked_one_never_moves() -> None:
    of = trial(20, expires_at=moment(FIRST + timedelta(days=5)))
    assert told(of, steady(of, 4), 4).move == "hold"
    assert told(of, steady(of, 5), 5).move == "expire"
    pinned = trial(20, locked=True, owner="legal")
    found = told(pinned, steady(pinned, 9, quality=(0.99, 0.5)), 9)
    assert (found.move, found.reasons) == ("hold", ("locked by legal: no reason given",))
