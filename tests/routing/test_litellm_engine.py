"""The rendered include file in LiteLLM's own router: what the policy says is what happens. No upstream is
called.
"""

from __future__ import annotations

import os
import warnings
from collections import Counter

import pytest
from ruamel.yaml import YAML

from pipelines.routing.loop import route_apply, route_approve, route_plan
from pipelines.routing.plan import plan
from pipelines.workspace.errors import UsageError
from tests.routing.workspaces import (
    FILE,
    MODELS,
    NOW,
    advice,
    by_hand,
    go_live,
    routed,
    switch,
    target,
    workspace,
)

pytestmark = [
    pytest.mark.gateway,
    # pydantic's remark on LiteLLM's own types, when LiteLLM builds their schemas
    pytest.mark.filterwarnings("ignore:Item '.*' on TypedDict class:UserWarning"),
]

CLAUSE = "route/contract_review/clause_extraction"
FAILS = "litellm.InternalServerError"


@pytest.fixture(scope="module")
def litellm():
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of LiteLLM's own import
        engine = pytest.importorskip("litellm")
    engine.suppress_debug_info = True
    return engine


def router(engine, root, failing=()):
    """LiteLLM's router over the live file as it stands, each upstream answering with its own id."""
    entries = YAML(typ="safe", pure=True).load((root / FILE).read_text())["model_list"]
    for entry in entries:
        name = entry["model_info"]["id"]
        entry["litellm_params"]["mock_response"] = FAILS if name.rpartition("#")[2] in failing else name
        entry["litellm_params"]["api_key"] = "none"
    return engine.Router(model_list=entries, num_retries=0, disable_cooldowns=True)


def ask(route_, model, times=1):
    served = Counter()
    for _ in range(times):
        answer = route_.completion(model=model, messages=[{"role": "user", "content": "read this clause"}])
        served[answer.choices[0].message.content.rpartition("#")[2]] += 1
    return served


def test_a_canary_gets_its_share_and_the_old_tier_the_rest(litellm, tmp_path):
    loaded = workspace(tmp_path)
    by_hand(loaded)  # 80 frontier, 20 standard
    go_live(loaded)
    served = ask(router(litellm, tmp_path), "route/contract_review/risk_judgement", 400)
    assert set(served) == {"frontier", "standard"}
    assert 48 <= served["standard"] <= 112  # 400 draws at 20 %: four standard deviations to either side


def test_the_first_step_of_a_switch_sends_one_request_in_twenty(litellm, tmp_path):
    loaded = workspace(tmp_path)
    go_live(loaded)
    served = ask(router(litellm, tmp_path), CLAUSE, 400)
    assert set(served) == {"frontier", "light"}
    assert 3 <= served["light"] <= 37


def test_each_task_reaches_the_tier_that_the_policy_names_for_it(litellm, tmp_path):
    loaded = workspace(tmp_path)
    by_hand(
        loaded,
        routes=routed("contract_review", "clause_extraction", "light", "frontier")
        + routed("contract_review", "risk_judgement", "frontier")
        + routed("claims", "triage", "standard", "light", "frontier"),
    )
    go_live(loaded)
    route_ = router(litellm, tmp_path)
    assert ask(route_, CLAUSE, 20) == {"light": 20}
    assert ask(route_, "route/contract_review/risk_judgement", 20) == {"frontier": 20}
    assert ask(route_, "route/claims/triage", 20) == {"standard": 20}


def test_a_failing_canary_costs_no_request(litellm, tmp_path):
    loaded = workspace(tmp_path)
    by_hand(loaded)
    go_live(loaded)
    served = ask(router(litellm, tmp_path, failing={"standard"}), "route/contract_review/risk_judgement", 200)
    assert set(served) == {"frontier", "light@fallback"}
    assert 17 <= served["light@fallback"] <= 63


def test_when_both_fail_the_old_tier_is_tried_again_and_then_the_next(litellm, tmp_path):
    loaded = workspace(tmp_path)
    go_live(loaded)
    assert ask(router(litellm, tmp_path, failing={"frontier", "light"}), CLAUSE, 10) == {"frontier@fallback": 10}


def test_fallbacks_are_tried_in_their_order(litellm, tmp_path):
    loaded = workspace(tmp_path)
    by_hand(
        loaded,
        routes=routed("claims", "triage", "light", "standard", "frontier"),
    )
    go_live(loaded)
    one = router(litellm, tmp_path, failing={"light"})
    two = router(litellm, tmp_path, failing={"light", "standard@fallback"})
    assert ask(one, "route/claims/triage", 5) == {"standard@fallback": 5}
    assert ask(two, "route/claims/triage", 5) == {"frontier@fallback": 5}


def test_a_name_without_a_route_reaches_no_tier(litellm, tmp_path):
    loaded = workspace(tmp_path)
    go_live(loaded)
    with pytest.raises(litellm.BadRequestError):
        ask(router(litellm, tmp_path), "route/contract_review/unknown")


def test_the_plan_probes_each_route_in_the_engine(litellm, tmp_path):
    loaded = workspace(tmp_path)
    document = route_plan(loaded, advice(switch(), switch("claims", "triage")), now=NOW).document
    (probed,) = [t["probe"] for t in document["targets"]]
    assert probed == {"status": "probed", "asked": 4, "problems": [], "notes": []}


def test_the_probe_refuses_a_provider_that_the_engine_does_not_know(litellm, tmp_path):
    loaded = workspace(tmp_path, target(models={**MODELS, "frontier": {"model": "opnai/gpt-5.4"}}))
    with pytest.raises(UsageError, match=r"routing.targets.proxy: .*LLM Provider NOT provided"):
        plan(loaded, advice(), NOW)


def test_the_probe_names_a_parameter_that_the_engine_does_not_know(litellm, tmp_path):
    loaded = workspace(tmp_path, target(models={**MODELS, "light": {**MODELS["light"], "tempreature": 0}}))
    assert "proxy: models.light.tempreature: not a parameter that LiteLLM knows; it goes to the provider as it is" in (
        plan(loaded, advice(), NOW).notes
    )


def test_without_the_engine_the_plan_says_so_and_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name, package=None: None)
    loaded = workspace(tmp_path)
    answer = route_plan(loaded, advice(), now=NOW)
    assert "not probed: litellm is not installed" in answer.text
    route_approve(loaded, advice(), by="finops-lead", now=NOW)
    route_apply(loaded, now=NOW)
