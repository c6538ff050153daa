"""Is the split holding? Requests against the policy that the audit says was in force."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal as D

import pytest

from pipelines.publish import formats
from pipelines.rollout.telling import route_status
from pipelines.routing import audit
from tests.review.towns import CHEAP, DEAR, flow, fortnight, put_in_force, reviewed, said, town
from tests.workspaces import Bench

#: one call of `fortnight`: 1,000 + 100 tokens
CHEAP_CALL, DEAR_CALL = D("0.00045"), D("0.004")


@pytest.fixture
def routed(tmp_path) -> Bench:
    return town(tmp_path, {"review": flow()})


def test_traffic_on_the_declared_tier_holds_and_leaks_nothing(routed: Bench):
    fortnight(routed, "review", CHEAP)
    put_in_force(routed, {"light": 100}, date(2026, 10, 10))
    split = reviewed(routed).numbers.split
    assert (split.state, split.held, split.leak_usd, split.requests, split.policy_version) == ("green", 1, 0, 21, 1)
    assert (split.first_day, split.last_day) == (date(2026, 10, 12), date(2026, 10, 18))
    assert split.finding.endswith("leak $0.00. Every route holds.")


def test_a_quarter_on_the_dear_tier_is_red_and_costs_the_difference(routed: Bench):
    fortnight(routed, "review", CHEAP, each=3)
    fortnight(routed, "review", DEAR, each=1)
    put_in_force(routed, {"light": 100}, date(2026, 10, 1))
    split = reviewed(routed).numbers.split
    assert (split.state, split.held, split.requests) == ("red", D("0.75"), 28)
    assert split.leak_usd == 7 * (DEAR_CALL - CHEAP_CALL)
    [route] = split.routes
    assert (route.declared, route.observed, route.holds) == (
        {"light": 1}, {"frontier": D("0.25"), "light": D("0.75")}, False,
    )  # fmt: skip
    assert "75 % of 28 requests of routed task types ran where policy version 1 says" in said(split.finding)


def test_where_the_declared_tier_answered_nothing_the_rate_book_says_the_leak(routed: Bench):
    fortnight(routed, "review", DEAR)
    put_in_force(routed, {"light": 100}, date(2026, 10, 1))
    split = reviewed(routed).numbers.split
    assert (split.held, split.leak_usd) == (0, 21 * (DEAR_CALL - CHEAP_CALL))


def test_only_the_time_under_a_policy_is_judged_and_a_rollback_ends_it(routed: Bench):
    fortnight(routed, "review", DEAR)
    put_in_force(routed, {"light": 100}, date(2026, 10, 17))
    assert reviewed(routed).numbers.split.requests == 6
    audit.append(
        routed.root,
        "rolled_back",
        now=datetime(2026, 10, 18, tzinfo=UTC),
        version=0,
        files=[],
        by="ops",
        policy_sha256=None,
    )
    r = reviewed(routed)
    assert (r.numbers.split.requests, r.numbers.split.state) == (3, "red")
    assert [(c.kind, c.verdict) for c in r.checked] == [("rolled back", "holds"), ("applied", "undone")]
    assert r.checked[1].finding.endswith(f"Rolled back on {formats.day(date(2026, 10, 18))}.")


def test_a_canary_within_what_chance_explains_holds_and_a_missing_one_does_not(routed: Bench):
    fortnight(routed, "review", DEAR, each=8)
    fortnight(routed, "review", CHEAP, each=1)
    put_in_force(routed, {"frontier": 90, "light": 10}, date(2026, 10, 1))
    split = reviewed(routed).numbers.split
    assert (split.state, split.routes[0].observed) == (
        "green", {"frontier": D("0.888888888889"), "light": D("0.111111111111")},
    )  # fmt: skip
    assert (split.held, split.leak_usd) == (D("0.988888888889"), 0), "more of it on the cheaper tier leaks nothing"
    put_in_force(routed, {"frontier": 40, "light": 60}, date(2026, 10, 2))
    assert reviewed(routed).numbers.split.state == "red"


def test_a_policy_from_after_the_data_is_said_and_judges_nothing(routed: Bench):
    fortnight(routed, "review", CHEAP)
    put_in_force(routed, {"light": 100}, date(2026, 10, 30))
    r = reviewed(routed)
    assert (r.numbers.split.state, r.numbers.split.requests) == ("none", 0)
    assert (
        r.numbers.split.finding
        == f"The policy applied holds from {formats.day(date(2026, 10, 30))}; the data ends before that."
    )
    [checked] = r.checked
    assert (checked.verdict, checked.promised_usd_month) == ("not distinguishable yet", D("12.00"))
    assert checked.finding.startswith("No request shows a move to another tier so far.")


def test_a_switch_is_checked_against_its_promise_once_the_data_tells(tmp_path):
    bench = town(tmp_path, {"review": flow()})
    fortnight(bench, "review", DEAR, days=7, each=8)
    fortnight(bench, "review", CHEAP, days=21, each=8, since=7)
    put_in_force(bench, {"light": 100}, date(2026, 10, 12), saving="0.85")
    [checked] = reviewed(bench).checked
    [row] = bench.export("decisions")
    assert [str(checked.realised_usd_month), str(checked.realised_low_usd_month)] == [
        row["realised_usd_month"],
        row["low"],
    ]
    # 8 a day x 30 days x (0.004 - 0.00045)
    assert checked.realised_usd_month is not None
    assert abs(checked.realised_usd_month - D("0.852")) < D("0.001")
    assert (checked.verdict, checked.share_before, checked.share_since) == ("realised", 0, 1)
    assert said(checked.finding).startswith(
        "Promised $0.85 a month; light answered 100 % of requests since, 0 % before; realised $0.85 a month"
    )


def test_the_review_the_export_and_the_status_tell_the_same_number(tmp_path):
    """Share and leak come from one mart, whoever asks."""
    bench = town(tmp_path, {"review": flow()})
    fortnight(bench, "review", CHEAP, each=6)
    fortnight(bench, "review", DEAR, each=2)
    put_in_force(bench, {"light": 100}, date(2026, 10, 12))
    split = reviewed(bench).numbers.split
    rows = bench.export("adherence")
    assert split.leak_usd == sum(D(row["leak_usd"]) for row in rows)
    on_policy = sum(int(row["requests"]) for row in rows if row["tier"] == "light")
    assert split.held == D(on_policy) / sum(int(row["requests"]) for row in rows)
    told = route_status(bench.loaded, now=datetime(2026, 10, 19, tzinfo=UTC)).document
    assert D(told["rollout"][0]["leak_usd"]) == split.leak_usd
