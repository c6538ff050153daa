"""Units that are drawn by the client: the same unit always falls alike, in its share, and the printed lines do just that."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from scipy.stats import chi2

from pipelines.routing.loop import route_apply, route_approve, route_plan, route_rollback
from pipelines.routing.policy import Canary, Leg, Match, Route
from pipelines.routing.policy_text import parse_policy
from pipelines.routing.targets import RENDERERS
from pipelines.routing.units import snippet
from tests.routing.lots import group_of, lot
from tests.routing.test_targets import BINDINGS, POLICY
from tests.routing.workspaces import NOW, advice, by_hand, go_live, live, switch, workspace

KEY = "contract_review/clause_extraction"


def route(percent: int | None, task_type: str = "clause_extraction") -> Route:
    canary = Canary(tier="light", percent=percent, up_to=100) if percent else None
    match = Match(workflow="contract_review", task_type=task_type)
    return Route(match=match, tier="frontier", canary=canary, fallback=("frontier",) if canary else (), split="unit")


UNITS = [f"doc-{number}" for number in range(20_000)]


def test_lots_are_spread_evenly_over_units():
    counts = Counter(lot("contract_review", unit) for unit in UNITS)
    statistic = sum((counts[part] - 200) ** 2 / 200 for part in range(100))
    assert statistic < chi2.ppf(0.999, 99)


@pytest.mark.parametrize("percent", [1, 5, 20, 50, 99])
def test_a_canary_gets_its_share_of_units(percent: int):
    served = sum(group_of(route(percent), unit) == f"{KEY}@canary" for unit in UNITS)
    expected, band = 200 * percent, 4 * (200 * percent * (100 - percent) / 100) ** 0.5
    assert abs(served - expected) <= band


def test_a_unit_never_leaves_a_canary_that_grows_and_its_tasks_fall_together():
    for unit in UNITS[:500]:
        chosen = [group_of(route(percent), unit).endswith("@canary") for percent in (5, 20, 50, 99)]
        assert chosen == sorted(chosen)
        assert chosen[1] == group_of(route(20, "risk_judgement"), unit).endswith("@canary")


def test_the_lot_of_a_unit_is_the_first_half_of_its_sha256_by_hundred():
    assert [lot("contract_review", unit) for unit in ("doc-1", "doc-2", "Zoë")] == [92, 33, 19]


def test_two_groups_stand_with_a_canary_and_without():
    stable, light = Leg("frontier", 1, 100), Leg("light", 1, 100)
    assert route(20).groups == {KEY: (stable,), f"{KEY}@canary": (light, Leg("frontier", 2, 100))}
    assert route(None).groups == {KEY: (stable,), f"{KEY}@canary": (stable,)}
    assert route(20).shares == {"frontier": 80, "light": 20}


@pytest.mark.parametrize("kind", ["litellm", "portkey", "envoy", "json"])
def test_the_printed_lines_choose_as_outlay_does(kind: str):
    space: dict = {}
    exec(snippet({KEY: 20}, 3, kind), space)
    for unit in UNITS[:300]:
        canary = group_of(route(20), unit).endswith("@canary")
        asked = ("contract_review", "clause_extraction", unit)
        wanted = {
            "litellm": ("model", f"route/{KEY}@canary" if canary else f"route/{KEY}"),
            "portkey": ("headers", {"x-portkey-metadata": json.dumps({"workflow": asked[0], "task_type": asked[1], **({"group": "canary"} if canary else {})})}),
            "envoy": ("headers", {"x-workflow": asked[0], "x-task-type": asked[1], **({"x-group": "canary"} if canary else {})}),
            "json": ("group", "canary" if canary else None),
        }[kind]  # fmt: skip
        assert space[wanted[0]](*asked) == wanted[1]
    assert not space["in_canary"]("contract_review", "risk_judgement", "doc-1")


@pytest.mark.parametrize("kind", sorted(RENDERERS))
def test_every_gateway_holds_both_groups(kind: str):
    text = POLICY.text.replace("    tier: frontier\n    canary", "    tier: frontier\n    split: unit\n    canary")
    file = parse_policy(text, "policy")
    rendered = RENDERERS[kind].render(file, BINDINGS[kind])
    assert RENDERERS[kind].lint(rendered, file.policy) == []
    assert RENDERERS[kind].parse(rendered)[f"{KEY}@canary"] == (Leg("light", 1, 100), Leg("frontier", 2, 100))
    assert RENDERERS[kind].parse(rendered)[KEY] == (Leg("frontier", 1, 100),)


def test_the_json_table_tells_a_client_the_percent():
    text = POLICY.text.replace("    tier: frontier\n    canary", "    tier: frontier\n    split: unit\n    canary")
    file = parse_policy(text, "policy")
    rendered = RENDERERS["json"].render(file, BINDINGS["json"])
    rows = [row for row in json.loads(rendered)["routes"] if "group" in row]
    assert [(row["group"], row["percent"]) for row in rows] == [("canary", 5)]
    wrong = rendered.replace('"percent": 5', '"percent": 6')
    assert RENDERERS["json"].lint(wrong, file.policy) == ["the routes differ from the policy's"]


def test_portkeys_specific_condition_stands_first_or_lint_says_so():
    text = POLICY.text.replace("    tier: frontier\n    canary", "    tier: frontier\n    split: unit\n    canary")
    file = parse_policy(text, "policy")
    rendered = RENDERERS["portkey"].render(file, BINDINGS["portkey"])
    document = json.loads(rendered)
    thens = [condition["then"] for condition in document["strategy"]["conditions"]]
    assert thens == ["route/claims/triage", f"route/{KEY}@canary", f"route/{KEY}"]
    document["strategy"]["conditions"].reverse()
    (said, *_) = RENDERERS["portkey"].lint(json.dumps(document), file.policy)
    assert said == f"route/{KEY}@canary: stands behind route/{KEY} and is never reached"


def test_the_readme_shows_the_lines_that_the_plan_prints():
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    assert f"```python\n{snippet({KEY: 5}, 3, 'litellm')}```" in readme


def split_by_unit(root, split: str | None = "unit"):
    workflows = {"contract_review": {"unit": "document", "owner": "legal-ops", **({"split": split} if split else {})}}
    return workspace(root, workflows=workflows)


def test_the_workspace_says_that_units_are_drawn(tmp_path):
    loaded = split_by_unit(tmp_path)
    said = route_plan(loaded, advice(), now=NOW, probe=False)
    assert 'PERCENT = {"contract_review/clause_extraction": 5}' in said.text
    assert list(said.document["clients"]) == ["litellm"]
    go_live(loaded)
    groups = RENDERERS["litellm"].parse((live(loaded) or b"").decode())
    assert list(groups) == [KEY, f"{KEY}@canary"]


def test_a_route_under_way_goes_over_to_units_by_a_change_of_its_own(tmp_path):
    go_live(split_by_unit(tmp_path, None))
    loaded = split_by_unit(tmp_path)
    (change,) = route_plan(loaded, advice(), now=NOW, probe=False).document["changes"]
    assert (change["kind"], change["reason"]) == ("split", "workflows.contract_review.split: unit")
    go_live(loaded)
    assert route_plan(loaded, advice(), now=NOW, probe=False).document["changes"] == []


def test_a_locked_route_keeps_how_it_is_drawn(tmp_path):
    loaded = split_by_unit(tmp_path)
    by_hand(loaded, extra="    locked: true\n")
    go_live(loaded)
    assert route_plan(loaded, advice(switch(decision="keep")), now=NOW, probe=False).document["changes"] == []


def test_a_rollback_to_before_the_groups_says_that_clients_will_be_refused(tmp_path):
    go_live(split_by_unit(tmp_path, None))
    loaded = split_by_unit(tmp_path)
    route_approve(loaded, advice(), by="finops-lead", now=NOW)
    route_apply(loaded, now=NOW)
    assert f"{KEY}@canary: gone with this version" in route_rollback(loaded, now=NOW).text
