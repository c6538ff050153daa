"""The policy document: what it may say, and how a mistake in it is named."""

from __future__ import annotations

import pytest

from pipelines.routing.policy import Leg, sha256
from pipelines.routing.policy_text import (
    check_against_workspace,
    check_succession,
    parse_policy,
    with_parent,
    write_policy,
)
from pipelines.workspace.errors import OutlayError, UsageError
from tests.routing.workspaces import by_hand, workspace

TEXT = """\
schema_version: 1
policy_id: acme
version: 3
created_at: 2026-11-20T06:00:00Z
created_by: platform-lead
tiers: {frontier: 3, standard: 2, light: 1}
default_tier: frontier
routes:
  - match: {workflow: Contract_Review.2, task_type: risk-judgement}
    tier: frontier
    canary: {tier: light, percent: 20, up_to: 60}
    fallback: [frontier, standard]
    evidence: {recommendation_id: r1, saving_usd_month: "412.50", retention: 0.991}
"""


def changed(old: str, new: str) -> str:
    assert old in TEXT
    return TEXT.replace(old, new)


def refused(text: str) -> str:
    with pytest.raises(UsageError) as error:
        parse_policy(text, "routing/policy.yaml")
    assert error.value.exit_code == 2
    return str(error.value)


def test_a_route_says_shares_that_sum_to_a_hundred_and_fallbacks_in_their_order():
    route = parse_policy(TEXT, "p").policy.routes[0]
    assert route.shares == {"frontier": 80, "light": 20}
    assert route.legs == (
        Leg("frontier", 1, 80),
        Leg("light", 1, 20),
        Leg("frontier", 2, 100),
        Leg("standard", 3, 100),
    )
    assert [leg.label for leg in route.legs] == [
        "frontier",
        "light",
        "frontier@fallback",
        "standard@fallback",
    ]


def test_a_written_policy_reads_back_as_the_same_policy():
    policy = parse_policy(TEXT, "p").policy
    file = write_policy(policy)
    assert parse_policy(file.text, "p").policy == policy
    assert file.sha256 == sha256(file.text.encode())


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("version: 3", "version: 3\nversion: 4", "p.yaml: line 4: key 'version' is given twice; keep one of them"),
        ("version: 3", "version: 0", "p.yaml: version: Input should be greater than or equal to 1, found 0"),
        ("percent: 20", "percent: 100", "p.yaml: routes[0].canary.percent: Input should be less than or equal to 99, found 100"),
        ("percent: 20", "percent: 0", "p.yaml: routes[0].canary.percent: Input should be greater than or equal to 1, found 0"),
        ("up_to: 60", "up_to: 10", "p.yaml: routes[0].canary: percent 20 is past the approved share up_to 10"),
        ("    fallback:", "    falback:", "p.yaml: routes[0].falback: unknown key; remove it or correct its spelling"),
        ("[frontier, standard]", "[light]", "p.yaml: routes[0]: Contract_Review.2/risk-judgement: the canary's tier 'light' must differ from tier and fallback"),
        ("[frontier, standard]", "[cheap]", "p.yaml: routes Contract_Review.2/risk-judgement: unknown tier 'cheap', expected one of ['frontier', 'light', 'standard']"),
        ("[frontier, standard]", "[standard, standard]", "p.yaml: routes[0]: Contract_Review.2/risk-judgement: a fallback tier is named twice"),
        ("default_tier: frontier", "default_tier: best", "p.yaml: default_tier: unknown tier 'best', expected one of ['frontier', 'light', 'standard']"),
        ("06:00:00Z", "06:00:00", "p.yaml: created_at: Input should have timezone info"),
        ("Contract_Review.2", "contract review", "p.yaml: routes[0].match.workflow: String should match pattern '^[A-Za-z0-9._-]{1,63}$', found 'contract review'"),
        ("Contract_Review.2", "w" * 64, "p.yaml: routes[0].match.workflow: String should match pattern '^[A-Za-z0-9._-]{1,63}$', found '" + "w" * 59),
        ("tiers: {", "tiers: [", "p.yaml: line 6: not readable as YAML; expected `key: value` lines"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_by_file_and_key(old: str, new: str, complaint: str):
    with pytest.raises(UsageError) as error:
        parse_policy(changed(old, new), "p.yaml")
    assert str(error.value).splitlines()[0] == complaint


def test_two_routes_for_one_task_are_refused():
    twice = TEXT + TEXT[TEXT.index("  - match") :]
    assert "routes: named twice: Contract_Review.2/risk-judgement" in refused(twice)


def test_without_a_canary_the_own_tier_is_no_fallback():
    text = changed("    canary: {tier: light, percent: 20, up_to: 60}\n", "")
    assert "fallback 'frontier' is the route's own tier" in refused(text)


def test_a_secret_in_a_policy_is_refused_and_not_shown():
    said = refused(changed("created_by: platform-lead", "created_by: sk-live-abcdef1234567890"))
    assert said == ("routing/policy.yaml: created_by: a secret stands here in clear; a policy holds none, remove it")


def test_a_file_in_another_encoding_is_refused_with_its_place():
    with pytest.raises(UsageError, match=r"byte 13 is not UTF-8"):
        parse_policy("created_by: Müller".encode("latin-1"), "p")


def test_tiers_must_be_the_workspaces_with_the_same_ranks(tmp_path):
    config = workspace(tmp_path).config
    check_against_workspace(parse_policy(TEXT, "p").policy, config, "p")
    with pytest.raises(UsageError, match=r"tiers.light: found rank 2, expected 1 as in outlay.yaml"):
        check_against_workspace(parse_policy(changed("light: 1", "light: 2"), "p").policy, config, "p")
    more = parse_policy(changed("light: 1", "light: 1, tiny: 0"), "p").policy
    with pytest.raises(UsageError, match=r"tiers.tiny: not a tier of outlay.yaml"):
        check_against_workspace(more, config, "p")


def test_the_version_is_the_live_one_plus_one_and_the_parent_the_live_policy():
    policy = parse_policy(changed("version: 3", f"version: 3\nparent_sha256: {'a' * 64}"), "p").policy
    check_succession(policy, 2, "a" * 64, "p")
    with pytest.raises(UsageError, match=r"version: found 3, expected 6"):
        check_succession(policy, 5, "a" * 64, "p")
    with pytest.raises(OutlayError, match=r"someone else applied") as error:
        check_succession(policy, 2, "b" * 64, "p")
    assert error.value.exit_code == 1


def test_filling_in_the_parent_changes_one_line_of_a_hand_written_file(tmp_path):
    text = by_hand(workspace(tmp_path), 2).read_text()
    filled = with_parent(parse_policy(text, "p"), "c" * 64, "p").text
    assert filled == text.replace("version: 2\n", f"version: 2\nparent_sha256: {'c' * 64}\n")
    null = text.replace("version: 2\n", "version: 2\nparent_sha256: null\n")
    assert with_parent(parse_policy(null, "p"), "c" * 64, "p").text == filled
