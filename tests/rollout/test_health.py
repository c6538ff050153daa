"""A routed model that fails or is slow shows in the logs; so does what each tier takes; days of known truth."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from pipelines.rollout.health import _failing, _state, ailing
from pipelines.rollout.telling import route_status
from tests.rollout.world import FIRST, KEY, World, route

ALIKE = {"frontier": 1.0, "light": 1.0}


@pytest.fixture
def world(tmp_path: Path) -> World:
    """All on light since the first day, and five days of it: 1.0 to 1.2 s, nothing fails."""
    found = World(tmp_path / "ws", per_day=60)
    found.policy(route("light") + "    fallback: [frontier]\n")
    found.live(5, ALIKE)
    return found


def states(world: World) -> list[tuple[str, str, str]]:
    return [(r["day"][-2:], r["tier"], r["state"]) for r in world.bench.export("route_health")]


def alerts(document: dict) -> list[dict]:
    return [a for a in document["alerts"] if a["kind"] == "route_health"]


def test_a_model_that_answers_as_usual_raises_nothing(world: World) -> None:
    document = world.run()
    assert states(world) == [(f"{n:02d}", "light", "fine") for n in range(1, 6)]
    assert alerts(document) == []
    last = world.bench.export("route_health")[-1]
    assert (last["requests"], last["errors"], last["declared_share"]) == ("60", "0", "1.000000000000")
    assert last["compared_with"] == "its own days"
    assert 1100 <= int(last["usual_p95_ms"]) <= 1200
    assert int(last["limit_ms"]) == round(int(last["usual_p95_ms"]) * 1.25)


def test_a_failing_model_is_one_high_alert_with_the_first_of_its_days(world: World) -> None:
    world.live(2, ALIKE, errors=0.4)
    [alert] = alerts(world.run())
    assert (alert["day"], alert["subject"], alert["severity"]) == ("2026-09-06", f"{KEY} on light", "high")
    rows = [r for r in world.bench.export("route_health") if r["state"] == "failing"]
    assert [r["day"] for r in rows] == ["2026-09-06", "2026-09-07"]
    share = f"{100 * Decimal(rows[-1]['errors']) / 60:.1f} %"
    assert (
        alert["detail"]
        == f"failing: {share} of 60 requests failed, usually 0.0 %, 2 days in a row: outlay route status"
    )
    told = route_status(world.loaded, now=world.now())
    [entry] = told.document["rollout"]
    assert [(row["tier"], row["state"], row["days"]) for row in entry["health"]] == [("light", "failing", 2)]
    assert f"  light is failing: {share} of 60 requests failed" in told.text
    world.live(1, ALIKE)
    assert alerts(world.run()) == []


def test_a_slow_model_is_a_medium_alert_that_says_what_the_other_tiers_take(world: World) -> None:
    world.live(1, ALIKE, served={"light": 0.5, "frontier": 0.5})
    world.live(1, ALIKE, latency={"light": 4000})
    [alert] = alerts(world.run())
    assert (alert["day"], alert["subject"], alert["severity"]) == ("2026-09-07", f"{KEY} on light", "medium")
    assert alert["detail"].startswith("slow: 100.0 % of 60 answers took longer than 1.5 s, p95 4.2 s, usually 1.2 s")
    assert "; p95 of the other tiers: frontier 1.2 s: outlay route status" in alert["detail"]
    told = route_status(world.loaded, now=world.now())
    assert "  p95 latency over 28 days: frontier 1.2 s, light 4.1 s" in told.text


def test_a_bad_week_does_not_become_the_yardstick(world: World) -> None:
    """Ten good days before: a slow week is slow on its seventh day as on its first."""
    world.live(5, ALIKE)
    world.live(7, ALIKE, latency={"light": 4000})
    world.run()
    assert [s for _, _, s in states(world)] == ["fine"] * 10 + ["slow"] * 7


def test_a_tier_that_fails_from_its_first_day_on_never_makes_that_usual(world: World) -> None:
    world.live(1, ALIKE, served={"frontier": 1.0})
    world.policy(route("frontier", canary=50))
    world.live(6, ALIKE, errors=0.3)
    world.run()
    rows = [r for r in world.bench.export("route_health") if r["day"] >= "2026-09-07"]
    assert {r["state"] for r in rows if r["tier"] == "frontier"} == {"fine"}
    assert [r["state"] for r in rows if r["tier"] == "light"] == ["failing"] * 6


def test_a_workflow_s_own_limit_decides_where_it_has_one(world: World) -> None:
    world.bench.config["workflows"]["review"]["limits"] = {"latency_p95_ms": 1050}
    world.bench.save()
    world.run()
    assert {s for _, _, s in states(world)} == {"slow"}
    assert {r["limit_ms"] for r in world.bench.export("route_health")} == {"1050"}


def test_a_new_tier_without_days_of_its_own_is_compared_with_the_others(world: World) -> None:
    world.live(1, ALIKE, served={"light": 0.5, "frontier": 0.5}, latency={"frontier": 4000})
    world.run()
    row = world.bench.export("route_health")[-2]
    assert (row["tier"], row["state"], row["compared_with"]) == ("frontier", "slow", "other tiers")
    assert (row["declared_share"], row["falls_back"]) == ("0.000000000000", "true")
    assert [a["severity"] for a in alerts(world.run())] == ["low"]


def test_the_latency_of_every_tier_is_told_per_task_without_a_policy_too(tmp_path: Path) -> None:
    world = World(tmp_path / "ws", per_day=40)
    world.live(2, ALIKE, served={"light": 0.5, "frontier": 0.5}, latency={"frontier": 3000})
    world.run()
    assert world.bench.export("route_health") == []
    found = {r["tier"]: r for r in world.bench.export("tier_latency")}
    assert sum(int(r["requests"]) for r in found.values()) == 80
    assert 3000 <= int(found["frontier"]["latency_p50_ms"]) <= int(found["frontier"]["latency_p95_ms"]) <= 3200
    assert 1000 <= int(found["light"]["latency_p95_ms"]) <= 1200


def test_before_the_policy_the_days_are_a_yardstick_and_no_rows(tmp_path: Path) -> None:
    world = World(tmp_path / "ws", per_day=40)
    world.live(4, ALIKE, served={"light": 1.0})
    world.policy(route("light"))
    world.live(1, ALIKE, errors=0.5)
    world.run()
    assert states(world) == [("05", "light", "failing")]
    assert world.bench.export("route_health")[0]["usual_error_rate"] == "0.000000000000"


def test_chance_alone_says_failing_or_slow_on_one_day_in_a_thousand_at_most() -> None:
    """40,000 days of 5 to 200 requests at the usual error rate plus the margin, and 5 % over the limit."""
    rng = np.random.default_rng(29)
    days, margin = 40_000, 0.02
    counts = rng.integers(5, 201, days)
    said = {"failing": 0, "slow": 0, "fine": 0}
    cache: dict[tuple, str] = {}
    for n, errors, slow in zip(counts, rng.binomial(counts, 0.03), rng.binomial(counts, 0.05), strict=True):
        key = (int(n), int(errors), int(slow))
        if key not in cache:
            row = {
                "requests": key[0],
                "errors": key[1],
                "usual_error_rate": Decimal("0.01"),
                "slow": key[2],
                "timed": key[0],
            }
            cache[key] = _state({**row, "failing": _failing(row, margin)})
        said[cache[key]] += 1
    assert said["failing"] <= 0.0015 * days
    assert said["slow"] <= 0.0015 * days


def test_a_total_failure_of_few_requests_is_told_and_a_handful_is_not_judged() -> None:
    usual = Decimal(str(float(Fraction(1, 100))))
    row = {"requests": 6, "errors": 6, "usual_error_rate": usual, "slow": 0, "timed": 0}
    assert _failing(row, 0.02)
    few = {**row, "requests": 4, "errors": 4}
    assert (_failing(few, 0.02), _state({**few, "failing": False})) == (False, "too few")


def test_what_ended_before_yesterday_ails_no_more() -> None:
    day = {"workflow": "w", "task_type": "t", "tier": "light"}
    rows = [{**day, "day": FIRST + timedelta(days=n), "state": s} for n, s in enumerate(("slow", "failing", "too few"))]
    [found] = ailing(rows)
    assert (found["since"], found["days"], found["state"]) == (FIRST, 2, "failing")
    gone = [*rows, {**day, "tier": "frontier", "day": FIRST + timedelta(days=5), "state": "fine"}]
    assert ailing(gone) == []
