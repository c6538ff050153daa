"""How long a rollout's steps take, told from the ledger: units, their calls, and the share that a canary has alone."""

from __future__ import annotations

import pytest

from pipelines.routing.loop import route_plan
from pipelines.routing.volume import STEP_OUTCOMES, Volume, steps_below, volumes
from tests.routing.workspaces import MODELS, NOW
from tests.workspaces import Bench, call, event


def test_at_five_percent_and_three_calls_one_unit_in_8000_is_the_canarys_alone():
    volume = Volume(28, {3: 8000})
    assert volume.pure(5, "request") == pytest.approx(1.0)
    assert volume.pure(5, "unit") == pytest.approx(400.0)


def test_a_step_takes_until_its_outcomes_are_there_and_a_week_at_least():
    volume = Volume(28, {1: 80, 2: 20})
    assert volume.units_per_week == 25
    assert volume.calls_per_unit == 1.2
    alone = 0.2 * 80 + 0.04 * 20  # in 28 days
    assert volume.weeks(20, "request") == pytest.approx(STEP_OUTCOMES * 4 / alone)
    assert volume.weeks(20, "unit") == pytest.approx(STEP_OUTCOMES * 4 / 20)
    assert Volume(28, {1: 10_000}).weeks(50, "request") == 1.0
    assert Volume(28, {}).weeks(50, "request") is None


def test_a_rollout_waits_only_below_its_approved_share():
    assert [steps_below(share) for share in (5, 20, 37, 100)] == [(), (5,), (5, 20), (5, 20, 50)]


@pytest.fixture
def published(tmp_path) -> Bench:
    """14 days: 28 documents of three calls each, 14 of one call, one still open; two other tasks on some."""
    bench = Bench(
        tmp_path / "ws",
        {
            "routing": {
                "approvers": ["finops-lead"],
                "targets": [
                    {
                        "name": "proxy", "kind": "litellm", "path": "gateway/routes.yaml",
                        "models": {"frontier": MODELS["frontier"], "light": MODELS["light"]},
                    }
                ],
            }
        },
    )  # fmt: skip
    calls, events = [], []
    for day in range(7, 21):
        for number, times in ((1, 3), (2, 3), (3, 1)):
            unit, time = f"d{day}-{number}", f"2026-10-{day:02}T10:00:00Z"
            calls += [call(f"{unit}-{n}", unit_id=unit, time=time) for n in range(times)]
            events.append(event(f"e-{unit}", unit_id=unit, time=time))
        calls.append(call(f"r{day}", unit_id=f"d{day}-1", time=time, task_type="judgement"))
    calls.append(call("open", unit_id="open", time="2026-10-20T10:00:00Z"))
    bench.calls(*calls)
    bench.outcomes(*events)
    bench.run()
    return bench


def test_calls_per_unit_are_read_from_what_is_published(published):
    assert volumes(published.root) == {
        "review/extraction": Volume(14, {1: 14, 3: 28}),
        "review/judgement": Volume(14, {1: 14}),
    }


def test_nothing_published_tells_nothing(tmp_path):
    assert volumes(tmp_path) == {}


def test_the_plan_says_how_long_each_step_takes_and_how_to_draw_units(published):
    (published.root / "routing").mkdir()
    (published.root / "routing/policy.yaml").write_text(
        "schema_version: 1\npolicy_id: test\nversion: 1\ncreated_at: 2026-10-20T06:00:00Z\ncreated_by: platform-lead\n"
        "tiers: {frontier: 2, light: 1}\ndefault_tier: frontier\nroutes:\n"
        "  - match: {workflow: review, task_type: extraction}\n    tier: frontier\n"
        "    canary: {tier: light, percent: 5, up_to: 60}\n    fallback: [frontier]\n"
    )
    planned = route_plan(published.loaded, {}, now=NOW, probe=False)
    (said,) = planned.document["rollout"]
    assert {key: said[key] for key in ("route", "split", "calls_per_unit", "units_per_week", "several_calls")} == {
        "route": "review/extraction", "split": "request", "calls_per_unit": 2.33, "units_per_week": 21.0,
        "several_calls": True,
    }  # fmt: skip
    # of 42 units in two weeks 0.05 * 14 + 0.05 ** 3 * 28 = 0.7035 are the canary's alone, or 2.1 if units are drawn
    assert said["steps"] == [
        {"percent": 5, "weeks": 85.3, "weeks_by_request": 85.3, "weeks_by_unit": 28.6},
        {"percent": 20, "weeks": 19.8, "weeks_by_request": 19.8, "weeks_by_unit": 7.1},
        {"percent": 50, "weeks": 5.7, "weeks_by_request": 5.7, "weeks_by_unit": 2.9},
    ]
    assert (
        "review/extraction: 2.33 calls per unit, 21 units a week; weeks for 30 outcomes of the canary alone at each "
        "step: 5 % 85.3, 20 % 19.8, 50 % 5.7\n"
        "  requests are drawn, so units mix tiers and prove nothing; with units drawn: 5 % 28.6, 20 % 7.1, 50 % 2.9 "
        "(workflows.review.split: unit in outlay.yaml, and the client's lines below)"
    ) in planned.text
    assert 'PERCENT = {"review/extraction": 5}' in planned.text
