"""A rollout from 5 to 100 %: what moves it on, what holds it, what takes it back; each state on days of known truth."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pipelines.rollout.advance import advance
from pipelines.rollout.marts import replayed
from pipelines.rollout.telling import route_advance, route_status
from pipelines.routing import audit
from pipelines.routing.loop import route_rollback
from pipelines.workspace.errors import NothingPublished, UsageError
from tests.rollout.world import FILE, KEY, World, moment, route

WORSE = {"frontier": 0.99, "light": 0.75}


def started(root: Path, canary: int = 5, up_to: int = 100, more: str = "", per_day: int = 100, **routing: Any) -> World:
    """One version with all on frontier and two days of it, then a canary."""
    world = World(root / "ws", per_day, **routing)
    world.policy(route("frontier"))
    world.live(2)
    world.policy(route(canary=canary, up_to=up_to, more=more))
    return world


def step(world: World, days: int = 9, hour: float = 5, **odd: Any) -> dict:
    """Days under what is live, a run, and an evaluation early the next morning."""
    world.live(days, **odd)
    world.run()
    return advance(world.loaded, now=world.now(hour)).document()


def live_shares(world: World) -> dict[str, int]:
    phase = replayed(world.loaded).line[-1]
    found = phase.route(KEY)
    return found.shares if found else {}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Eight days under a canary of 20 %, run: the next evaluation takes a step."""
    world = started(tmp_path_factory.mktemp("ready"), canary=20)
    world.live(8)
    world.run()
    return world


@pytest.fixture
def ready(template: World, tmp_path: Path) -> World:
    return template.copied(tmp_path / "ws")


def test_a_canary_that_holds_every_guard_goes_up_to_the_approved_share_and_never_further(tmp_path: Path) -> None:
    world = World(tmp_path / "ws", rollout={"days": 2})
    world.bench.config["workflows"]["review"]["quality"] = {"retention": 0.8}  # few units tell within so wide a margin
    world.bench.save()
    world.policy(route("frontier"))
    world.live(1)
    world.policy(route(canary=20, up_to=80))
    seen = []
    for days in (3, 3, 1):
        document = step(world, days, hour=0, quality={"frontier": 0.99, "light": 1.0})
        seen.append((live_shares(world).get("light"), document["routes"][0]["status"], len(document["moved"])))
    assert seen == [(50, "canary", 1), (80, "canary", 1), (80, "promoted", 0)]
    assert "light" in str(json.loads((world.bench.root / FILE).read_text()))
    rows = audit.read(world.loaded.root)
    assert [row["event"] for row in rows].count("advanced") == 2
    assert audit.verify(world.loaded.root) is None
    row = next(r for r in rows if r["event"] == "advanced")
    assert row["under"] == {KEY: {"row": 4, "by": "anna", "version": 2}}
    assert {g["answer"] for g in row["guards"][KEY]["guards"]} == {"holds"}
    again = advance(world.loaded, now=world.now(6)).document()
    assert (again["moved"], again["routes"][0]["move"]) == ([], "stand")
    [decision] = world.bench.export("decisions")
    assert (decision["status"], decision["finding"], decision["percent"]) == ("promoted", "saved", "80")


def test_a_dry_run_says_what_would_move_and_writes_nothing(ready: World) -> None:
    before = {p: p.read_bytes() for p in ready.bench.root.rglob("*") if p.is_file() and ".outlay" not in p.parts}
    told = route_advance(ready.loaded, dry_run=True, now=ready.now())
    assert f"{KEY}: would go from frontier 80 %, light 20 % to frontier 50 %, light 50 %" in told.text
    assert {p: p.read_bytes() for p in before} == before
    assert len(audit.read(ready.loaded.root)) == 6


def test_an_evaluation_right_after_a_step_takes_no_second_one(ready: World) -> None:
    assert advance(ready.loaded, now=ready.now()).document()["moved"]
    again = advance(ready.loaded, now=ready.now(6)).document()
    assert again["moved"] == []
    assert "0 of 7 full days at 50 %" in again["routes"][0]["reasons"]


def test_hand_edits_and_waiting_approvals_hold_everything(ready: World) -> None:
    live = ready.bench.root / FILE
    text = live.read_bytes()
    live.write_bytes(text + b"\n")
    assert "edited by hand" in (advance(ready.loaded, now=ready.now()).held or "")
    live.write_bytes(text)
    policy = ready.bench.root / "routing/policy.yaml"
    policy.write_text(policy.read_text() + "# mine\n")
    assert advance(ready.loaded, now=ready.now()).held == "routing/policy.yaml is edited and not approved"


def test_advances_at_the_same_time_take_one_step(ready: World) -> None:
    gate, errors = threading.Barrier(4), []

    def go() -> None:
        gate.wait()
        try:
            advance(ready.loaded, now=ready.now())
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=go) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert live_shares(ready) == {"frontier": 50, "light": 50}
    assert [r["event"] for r in audit.read(ready.loaded.root)].count("advanced") == 1


def test_an_advance_that_fails_leaves_files_and_policy_as_they_were(ready: World) -> None:
    before = [(ready.bench.root / name).read_bytes() for name in (FILE, "routing/policy.yaml")]
    once = ["sh", "-c", "test -e tried || { touch tried; false; }"]
    ready.bench.config["routing"]["targets"][0]["reload"] = {"command": once}
    ready.bench.save()
    with pytest.raises(Exception, match="put back as before"):
        advance(ready.loaded, now=ready.now())
    assert [(ready.bench.root / name).read_bytes() for name in (FILE, "routing/policy.yaml")] == before
    assert advance(ready.loaded, now=ready.now()).document()["moved"][0]["after"]["light"] == 50


def test_a_step_that_a_crash_left_unapplied_is_ended_by_the_next_evaluation(ready: World, monkeypatch: Any) -> None:
    class Killed(BaseException):
        pass

    def killed(*_: Any, **__: Any) -> None:
        raise Killed

    monkeypatch.setattr("pipelines.rollout.advance.apply", killed)
    with pytest.raises(Killed):
        advance(ready.loaded, now=ready.now())
    monkeypatch.undo()
    assert [r["event"] for r in audit.read(ready.loaded.root)][-1] == "advanced"
    assert live_shares(ready) == {"frontier": 80, "light": 20}
    assert "was decided and interrupted" in (advance(ready.loaded, now=ready.now(6), dry_run=True).held or "")
    done = advance(ready.loaded, now=ready.now(6)).document()
    assert (done["done"]["status"], done["notes"]) == ("applied", ["an advance that was interrupted is finished"])
    assert live_shares(ready) == {"frontier": 50, "light": 50}


def test_a_route_that_a_person_takes_back_says_who_and_why(ready: World) -> None:
    told = route_advance(ready.loaded, revert=KEY, by="anna", reason="complaints", now=ready.now())
    assert told.document["back_to"] == 1
    row = audit.read(ready.loaded.root)[-1]
    assert (row["event"], row["by"], row["reason"]) == ("rolled_back", "anna", "asked for by anna: complaints")
    assert live_shares(ready) == {"frontier": 100}


@pytest.mark.parametrize("mode", ["recommend", "auto"])
def test_a_quality_drop_after_a_switch_goes_back_byte_for_byte(tmp_path: Path, mode: str) -> None:
    world = World(tmp_path / "ws", rollback=mode)
    world.policy(route("frontier"))
    former, policy = (world.bench.root / FILE).read_bytes(), (world.bench.root / "routing/policy.yaml").read_bytes()
    world.live(2)
    world.policy(route(canary=50))
    document = step(world, 7, quality=WORSE)
    [told] = document["routes"]
    assert (told["move"], told["status"]) == ("roll back", "hold")
    assert told["failed_days"] >= 3
    assert any(reason.startswith("quality: ") for reason in told["reasons"])
    if mode == "recommend":
        assert document["recommended"] == [f"{KEY}: outlay route rollback --to 1"]
        assert document["done"] is None
        assert live_shares(world) == {"frontier": 50, "light": 50}
        assert "recommended: outlay route rollback --to 1" in route_status(world.loaded, now=world.now()).text
        [alert] = [a for a in world.run()["alerts"] if a["kind"] == "adherence" and a["subject"].endswith("roll back")]
        assert alert["severity"] == "high"
        route_rollback(world.loaded, to=1, now=world.now())
    assert (world.bench.root / FILE).read_bytes() == former
    assert (world.bench.root / "routing/policy.yaml").read_bytes() == policy
    world.live(1)
    world.run()
    [decision] = world.bench.export("decisions")
    assert (decision["status"], decision["quality_change"][:2]) == ("rolled_back", "-0")


def test_a_first_policy_that_moves_all_is_compared_with_what_served_before_it(tmp_path: Path) -> None:
    world = World(tmp_path / "ws")
    world.live(8, served={"frontier": 1.0})
    world.policy(route("light"))
    document = step(world, 7, quality=WORSE)
    [told] = document["routes"]
    assert (told["from_tier"], told["to_tier"], told["move"]) == ("frontier", "light", "roll back")
    assert document["recommended"] == [f"{KEY}: outlay route advance --revert {KEY}"]


def test_a_route_that_had_no_earlier_version_keeps_answering_when_it_is_taken_back(tmp_path: Path) -> None:
    """To the bytes before the first version would mean no route at all for clients that ask for it."""
    world = World(tmp_path / "ws", rollback="auto")
    world.live(2)
    world.policy(route(canary=50))
    document = step(world, 7, quality=WORSE)
    assert document["moved"][0]["after"] == {"frontier": 100} == live_shares(world)
    world.live(1)
    world.run()
    assert [d["status"] for d in world.bench.export("decisions")] == ["rolled_back"]


def test_an_expired_canary_goes_back_to_its_old_tier(tmp_path: Path) -> None:
    world = World(tmp_path / "ws")
    world.policy(route("frontier"))
    world.live(1)
    world.policy(route(canary=20) + "    expires_at: 2026-09-04T00:00:00Z\n")
    document = step(world, 2)
    assert document["moved"][0]["kind"] == "expired"
    assert live_shares(world) == {"frontier": 100}
    world.live(1)
    world.run()
    assert [d["status"] for d in world.bench.export("decisions")] == ["expired"]


def test_two_routes_move_apart_and_one_goes_back_alone(tmp_path: Path) -> None:
    """The other route has changed since, so the version before would take it back too: only the one is reverted."""
    world = World(tmp_path / "ws", per_day=20)
    world.policy(route("frontier"))
    world.live(1)
    world.policy(route(canary=50))
    world.policy(route(canary=50), route("light", task="other"), at=moment(world.today, 1))
    world.live(1)
    world.run()
    done = advance(world.loaded, now=world.now(), revert=KEY).document()
    assert done["back_to"] is None
    assert live_shares(world) == {"frontier": 100}
    other = replayed(world.loaded).line[-1].route("review/other")
    assert other is not None
    assert other.shares == {"light": 100}
    with pytest.raises(UsageError, match="--revert"):
        advance(world.loaded, now=world.now(), revert="review/none")


def test_what_is_recommended_and_not_routed_stands_as_proposed(tmp_path: Path) -> None:
    world = World(tmp_path / "ws")
    with pytest.raises(NothingPublished):
        advance(world.loaded, now=world.now())
    world.live(1)
    world.bench.evals(
            *(
                {
                    "workflow": "review", "task_type": "extraction", "item_id": f"i{n}", "provider": "openai", "model": model,
                    "quality": 1.0 if n % 20 else 0.0, "time": "2026-09-01T09:00:00Z", "signal": "label",
                    "input_tokens": 1000, "output_tokens": 100,
                }
                for n in range(400) for model in ("gpt-5.4", "gpt-5-mini")
            )
        )  # fmt: skip
    world.run()
    [proposed] = route_status(world.loaded, now=world.now()).document["proposed"]
    assert (proposed["route"], proposed["status"], proposed["model"]) == (KEY, "proposed", "openai/gpt-5-mini")
    assert advance(world.loaded, now=world.now()).held == "no policy is live"


def test_status_says_step_guards_next_step_and_when(tmp_path: Path) -> None:
    world = started(tmp_path, canary=20)
    world.live(3)
    world.run()
    told = route_status(world.loaded, now=world.now())
    step = told.document["rollout"][0]["step"]
    assert (step["percent"], step["next_percent"], step["may_move_on"]) == (20, 50, "2026-09-10")
    assert {g["guard"] for g in step["guards"]} == {"quality", "cost", "errors", "latency", "share"}
    assert "next 50 %, not before 2026-09-10" in told.text
    assert "3 of 7 full days at 20 %" in told.text
    json.dumps(told.document)


def test_a_unit_of_several_calls_that_mixed_tiers_proves_nothing_and_is_counted(tmp_path: Path) -> None:
    world = World(tmp_path / "ws", per_day=0)
    world.policy(route("frontier"))
    world.live(1)
    world.policy(route(canary=50))
    world.today += timedelta(days=3)
    from tests.workspaces import call, event

    at = moment(world.today - timedelta(days=2), 9)
    pairs = {"a": ("gpt-5.4", "gpt-5.4"), "b": ("gpt-5-mini", "gpt-5-mini"), "c": ("gpt-5.4", "gpt-5-mini")}
    world.bench.calls(
        *(
            call(f"{unit}{n}", unit_id=unit, model=model, time=(at + timedelta(minutes=n)).isoformat())
            for unit, models in pairs.items() for n, model in enumerate(models)
        ),
        call("late", unit_id="b", model="gpt-5.4", time=(at + timedelta(hours=5)).isoformat()), file="x.jsonl",
    )  # fmt: skip
    world.bench.outcomes(
        *(event(f"e{u}", unit_id=u, time=(at + timedelta(hours=1)).isoformat()) for u in "ac"),
        event("f", "failed", unit_id="b", time=(at + timedelta(hours=1)).isoformat()),
        event("g", unit_id="b", time=(at + timedelta(hours=6)).isoformat()),
    )
    world.live(1, per_day=1, served={"frontier": 1.0})
    world.run()
    [told] = advance(world.loaded, now=world.now(), dry_run=True).document()["routes"]
    assert told["units"] == {"new": 1, "old": 1, "mixed": 1}
