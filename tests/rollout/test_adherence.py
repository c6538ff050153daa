"""Does traffic run where the policy says: shares, bands, leaks, and which policy governs which moment."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from pipelines.rollout.adherence import band
from pipelines.rollout.telling import route_status
from pipelines.routing.loop import route_apply, route_approve, route_rollback
from tests.rollout.world import FILE, FIRST, KEY, World, moment, route
from tests.workspaces import call


def rows(world: World, day: int | None = None) -> list[tuple]:
    return [
        (
            r["day"][-2:],
            int(r["policy_version"]),
            r["tier"],
            Decimal(r["declared_share"]),
            int(r["requests"]),
            r["in_band"],
        )
        for r in world.bench.export("adherence")
        if day is None or r["day"].endswith(f"{day:02d}")
    ]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "ws", per_day=100)


def test_without_a_policy_there_is_nothing_to_adhere_to(world: World) -> None:
    world.live(2)
    world.run()
    assert world.bench.export("adherence") == []
    assert world.bench.export("decisions") == []


def test_declared_and_observed_shares_stand_side_by_side_on_the_days_of_the_policy(world: World) -> None:
    world.live(1)
    world.policy(route(canary=20))
    world.live(1)
    world.run()
    found = world.bench.export("adherence")
    assert [(r["day"], r["workflow"], r["task_type"], r["tier"]) for r in found] == [
        ("2026-09-02", "review", "extraction", "frontier"), ("2026-09-02", "review", "extraction", "light"),
    ]  # fmt: skip
    assert [r["declared_share"] for r in found] == ["0.800000000000", "0.200000000000"]
    assert sum(int(r["requests"]) for r in found) == 100 == int(found[0]["route_requests"])
    assert [Decimal(r["observed_share"]) * 100 for r in found] == [Decimal(r["requests"]) for r in found]
    assert [(r["in_band"], r["leak_usd"], r["full_day"]) for r in found] == [("true", "0.000000000000", "true")] * 2


def test_a_policy_governs_from_its_effective_moment_not_from_the_day(world: World) -> None:
    world.policy(route("frontier"))
    world.policy(route("light"), at=moment(FIRST, 12))
    world.bench.calls(
        call("a", time=moment(FIRST, 11.9).isoformat()), call("b", time=moment(FIRST, 12).isoformat(), model="gpt-5-mini")
    )  # fmt: skip
    world.run()
    assert [(v, tier, n) for _, v, tier, _, n, _ in rows(world)] == [(1, "frontier", 1), (2, "light", 1)]
    assert {r["full_day"] for r in world.bench.export("adherence")} == {"false"}


def test_a_rolled_back_version_governs_no_further_moment(world: World) -> None:
    world.policy(route("frontier"))
    world.live(1)
    world.policy(route("light"))
    world.live(1, served={"light": 1.0})
    route_rollback(world.loaded, now=moment(world.today))
    world.live(1, served={"frontier": 1.0})
    world.run()
    assert [(day, v, tier, n) for day, v, tier, _, n, _ in rows(world)] == [
        ("01", 1, "frontier", 100), ("02", 2, "light", 100), ("03", 1, "frontier", 100),
    ]  # fmt: skip


def test_a_leak_is_what_dear_traffic_cost_above_the_declared_tier(world: World) -> None:
    """Tasks declared light: 40 of 100 requests on gpt-5.4 (1,000 + 100 tokens: $0.004), the rest on gpt-5-mini ($0.00045)."""
    world.policy(route("light"))
    world.bench.calls(
        *(
            call(f"r{n}", time=moment(FIRST, 3).isoformat(), unit_id=f"d{n}", model="gpt-5.4" if n < 40 else "gpt-5-mini")
            for n in range(100)
        )
    )  # fmt: skip
    world.run()
    found = {r["tier"]: r for r in world.bench.export("adherence")}
    assert Decimal(found["frontier"]["leak_usd"]) == 40 * (Decimal("0.004") - Decimal("0.00045"))
    assert (found["frontier"]["in_band"], found["light"]["leak_usd"]) == ("false", "0.000000000000")


def test_where_the_declared_tier_answered_nothing_the_leak_is_told_by_what_it_would_have_cost(world: World) -> None:
    world.policy(route("light"))
    world.bench.calls(*(call(f"r{n}", time=moment(FIRST, 3).isoformat(), unit_id=f"d{n}") for n in range(10)))
    world.run()
    found = {r["tier"]: r for r in world.bench.export("adherence")}
    assert (found["light"]["requests"], found["light"]["observed_share"]) == ("0", "0.000000000000")
    assert Decimal(found["frontier"]["leak_usd"]) == 10 * (Decimal("0.004") - Decimal("0.00045"))


def test_dear_traffic_on_a_cheap_task_is_one_alert_that_keeps_its_day(world: World) -> None:
    world.policy(route("light"))
    world.live(1)
    world.live(3, served={"frontier": 0.5, "light": 0.5})
    world.live(1, served={"light": 1.0}, per_day=5)  # provisional: not judged yet
    found = [a for a in world.run()["alerts"] if a["kind"] == "adherence"]
    assert [(a["day"], a["subject"], a["severity"]) for a in found] == [("2026-09-02", KEY, "high")]
    assert "3 days in a row" in found[0]["detail"]
    world.live(2)
    assert [a for a in world.run()["alerts"] if a["kind"] == "adherence"] == []


def test_a_hand_edited_live_file_is_found_in_words_and_in_what_it_says(world: World) -> None:
    world.policy(route(canary=20))
    world.live(2)
    world.run()
    path = world.bench.root / FILE
    text = path.read_text()
    path.write_text(text.replace("80", "70").replace("20", "30") if '"weight": 80' in text else text + "\n")
    document = world.run()
    [alert] = [a for a in document["alerts"] if a["kind"] == "adherence" and a["subject"] == FILE]
    assert "edited by hand" in alert["detail"]
    assert "frontier 70, light 30" in alert["detail"]
    assert "frontier 80, light 20" in alert["detail"]
    told = route_status(world.loaded, now=world.now())
    assert told.document["in_order"] is False
    path.write_text(text)
    assert [a for a in world.run()["alerts"] if a["kind"] == "adherence"] == []


def test_the_band_holds_nearly_every_day_and_tells_real_deviations() -> None:
    low, high = band(Fraction(5, 100), 1000, fallback=False)
    assert low < Fraction(3, 100)
    assert Fraction(7, 100) < high < Fraction(9, 100)
    assert band(Fraction(0), 1000, fallback=False)[1] <= Fraction(15, 1000)
    assert band(Fraction(1), 1000, fallback=False)[1] == 1


def test_status_shows_declared_and_observed_shares_and_the_leak(world: World) -> None:
    world.policy(route("light"))
    world.live(2, served={"frontier": 0.5, "light": 0.5})
    world.run()
    told = route_status(world.loaded, now=world.now())
    [entry] = told.document["rollout"]
    assert (entry["route"], entry["shares"], entry["observed_day"]) == (KEY, {"light": 100}, "2026-09-02")
    assert Decimal(entry["leak_usd"]) > 0
    assert f"{KEY}: declared light 100 %" in told.text
    assert "outside the band" in told.text


def test_an_apply_after_a_run_is_taken_in_by_the_next_run_even_without_new_logs(world: World) -> None:
    world.live(3)
    world.run()
    assert world.bench.export("adherence") == []
    when = moment(FIRST + timedelta(days=1))
    world.policy(route(canary=20), at=when)
    world.run()
    assert {r["day"] for r in world.bench.export("adherence")} == {"2026-09-02", "2026-09-03"}
    before = world.bench.fingerprint()
    world.run()
    assert world.bench.fingerprint() == before


def test_what_waits_for_an_apply_is_listed_as_approved(world: World) -> None:
    world.live(2)
    path = world.bench.root / "routing" / "policy.yaml"
    path.parent.mkdir()
    path.write_text(
        "schema_version: 1\npolicy_id: test\nversion: 1\ncreated_at: 2026-09-01T00:00:00Z\ncreated_by: bob\n"
        "tiers: {frontier: 2, light: 1}\ndefault_tier: frontier\nroutes:\n" + route(canary=5)
    )
    route_approve(world.loaded, {}, by="anna", now=world.now())
    world.run()
    [row] = world.bench.export("decisions")
    assert (row["status"], row["task_type"], row["advice_reason"]) == ("approved", "extraction", "outlay route apply")
    route_apply(world.loaded, now=world.now())
    world.run()
    assert [r["status"] for r in world.bench.export("decisions")] == ["canary"]
