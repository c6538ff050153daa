"""The pure renderers: what each gateway's file says for one policy, and what lint finds in a broken one."""

from __future__ import annotations

import json
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from pipelines.routing.policy import Policy, sha256
from pipelines.routing.policy_text import parse_policy, write_policy
from pipelines.routing.targets import RENDERERS, json_table, litellm, portkey
from pipelines.routing.targets.header import read_header
from tests.routing.workspaces import MODELS

POLICY = parse_policy(
    """\
policy_id: acme
version: 4
created_at: 2026-11-20T06:00:00Z
created_by: outlay
tiers: {frontier: 3, standard: 2, light: 1}
default_tier: frontier
routes:
  - match: {workflow: claims, task_type: triage}
    tier: light
    fallback: [standard, frontier]
  - match: {workflow: contract_review, task_type: clause_extraction}
    tier: frontier
    canary: {tier: light, percent: 5, up_to: 100}
    fallback: [frontier]
""",
    "policy",
)
PORTKEY = {
    "frontier": {"provider": "openai", "api_key": "os.environ/OPENAI_API_KEY", "override_params": {"model": "gpt-5.4"}},
    "standard": {"provider": "anthropic", "api_key": "os.environ/ANTHROPIC_API_KEY", "override_params": {"model": "claude-sonnet-5"}},
    "light": {"provider": "openai", "api_key": "os.environ/OPENAI_API_KEY", "override_params": {"model": "gpt-5-mini"}},
}  # fmt: skip
ENVOY = {
    "frontier": {"name": "openai", "modelNameOverride": "gpt-5.4"},
    "standard": {"name": "anthropic", "modelNameOverride": "claude-sonnet-5", "namespace": "ai"},
    "light": {"name": "azure-east", "modelNameOverride": "gpt-5-mini", "provider": "openai"},
}
BINDINGS = {"litellm": MODELS, "json": MODELS, "portkey": PORTKEY, "envoy": ENVOY}


def read(text: str):
    return YAML(typ="safe", pure=True).load(text)


def entry(route: str, tier: str, order: int, weight: int, label: str | None = None) -> dict:
    parameters = {k: v for k, v in MODELS[tier].items() if k not in ("tags", "weight", "order")}
    return {
        "model_name": f"route/{route}",
        "litellm_params": {**parameters, "order": order, "weight": weight},
        "model_info": {"id": f"route/{route}#{label or tier}"},
    }


def test_litellm_gets_one_group_a_route_and_nothing_but_model_list():
    document = read(litellm.render(POLICY, MODELS))
    clause = "contract_review/clause_extraction"
    assert document == {
        "model_list": [
            entry("claims/triage", "light", 1, 100),
            entry("claims/triage", "standard", 2, 100, "standard@fallback"),
            entry("claims/triage", "frontier", 3, 100, "frontier@fallback"),
            entry(clause, "frontier", 1, 95),
            entry(clause, "light", 1, 5),
            entry(clause, "frontier", 2, 100, "frontier@fallback"),
        ]
    }


def test_litellm_reads_back_every_value_as_it_was_bound():
    yaml = pytest.importorskip("yaml")  # the reader that LiteLLM itself uses: YAML 1.1
    odd = {"model": "azure/no", "api_version": "2024-10-21", "a": "no", "b": "1:30", "c": 1e-7, "d": True, "e": None,
           "f": ["on", 2, {"y": "off"}], "g": "Zoë\u2028: #x", "h": "0777", "on": "1e3", "timeout": 2.5}  # fmt: skip
    text = litellm.render(POLICY, {**MODELS, "light": odd})
    params = yaml.safe_load(text)["model_list"][0]["litellm_params"]
    assert params == {**odd, "order": 1, "weight": 100}


@pytest.mark.parametrize("kind", sorted(RENDERERS))
def test_the_header_names_policy_version_and_the_hash_of_what_follows(kind: str):
    text = RENDERERS[kind].render(POLICY, BINDINGS[kind])
    header, body = read_header(text)
    assert header is not None
    assert (header.policy, header.version, header.policy_sha256) == ("acme", 4, POLICY.sha256)
    assert text.endswith(body)
    assert header.body_sha256 == sha256(body)
    assert text == RENDERERS[kind].render(POLICY, BINDINGS[kind])


@pytest.mark.parametrize("kind", sorted(RENDERERS))
def test_what_is_rendered_is_clean_and_parses_back_to_the_policy(kind: str):
    text = RENDERERS[kind].render(POLICY, BINDINGS[kind])
    assert RENDERERS[kind].lint(text, POLICY.policy) == []
    assert RENDERERS[kind].parse(text) == POLICY.policy.groups


@pytest.mark.parametrize("kind", sorted(RENDERERS))
def test_a_changed_parameter_changes_the_bindings_hash(kind: str):
    before, _ = read_header(RENDERERS[kind].render(POLICY, BINDINGS[kind]))
    dearer = {**BINDINGS[kind], "light": {**BINDINGS[kind]["light"], "timeout": 20}}
    after, _ = read_header(RENDERERS[kind].render(POLICY, dearer))
    assert before is not None
    assert after is not None
    assert before.binding_sha256 != after.binding_sha256


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("weight: 95", "weight: 90", "route/contract_review/clause_extraction: weights of order 1 sum to 95, expected 100"),
        ("weight: 5\n", "weight: 0\n", "model_list[4]: route/contract_review/clause_extraction#light: expected order from 1 and weight from 1 to 100, found 1 and 0"),
        ("weight: 5\n", "wieght: 5\n", "model_list[4]: route/contract_review/clause_extraction#light: expected order from 1 and weight from 1 to 100, found 1 and None"),
        ("clause_extraction#light", "clause_extraction#frontier", "route/contract_review/clause_extraction#frontier: id given 2 times"),
        ("claims/triage#light", "claims/triage#tiny", "model_list[0]: route/claims/triage#tiny: the policy sends no request of this route there"),
        ('model_name: "route/claims/triage"', 'model_name: "route/claims/gone"', "model_list[0]: route/claims/gone: no such route in the policy"),
        ("model_list:", "router_settings: {}\nmodel_list:", "expected model_list and no other key: an include replaces the user's whole section of that name"),
        ("os.environ/ANTHROPIC_API_KEY", "sk-ant-0123456789abcdef", "model_list[1].litellm_params.api_key: a literal secret, expected os.environ/NAME"),
        ("    model_info:", "    model_inf:", "model_list[0]: expected the keys model_name, litellm_params and model_info.id"),
    ],
)  # fmt: skip
def test_lint_finds_what_litellms_own_check_lets_through(old: str, new: str, complaint: str):
    text = litellm.render(POLICY, MODELS)
    assert old in text
    broken = text.replace(old, new, 1) if "model_info" in old or "claims" in old else text.replace(old, new)
    assert complaint in litellm.lint(broken, POLICY.policy)


def test_portkey_picks_a_target_by_metadata_and_falls_back_within_it():
    document = json.loads(portkey.render(POLICY, PORTKEY))
    assert list(document) == ["outlay", "strategy", "targets"]
    assert document["strategy"]["default"] == "default"
    assert document["strategy"]["conditions"][1] == {
        "query": {
            "$and": [
                {"metadata.workflow": {"$eq": "contract_review"}},
                {"metadata.task_type": {"$eq": "clause_extraction"}},
            ]
        },
        "then": "route/contract_review/clause_extraction",
    }
    clause = "route/contract_review/clause_extraction"
    assert document["targets"][1] == {
        "name": clause,
        "strategy": {"mode": "fallback", "on_status_codes": [408, 429, 500, 502, 503, 504]},
        "targets": [
            {
                "name": f"{clause}#split",
                "strategy": {"mode": "loadbalance"},
                "targets": [
                    {"name": f"{clause}#frontier", **PORTKEY["frontier"], "weight": 95},
                    {"name": f"{clause}#light", **PORTKEY["light"], "weight": 5},
                ],
            },
            {"name": f"{clause}#frontier@fallback", **PORTKEY["frontier"]},
        ],
    }
    assert document["targets"][-1] == {**PORTKEY["frontier"], "name": "default"}


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('"then": "route/claims/triage"', '"then": "route/claims/gone"', "condition leads to route/claims/gone, which is no target"),
        ('"default": "default"', '"default": "none"', "condition leads to none, which is no target"),
        ('"weight": 95', '"weight": 90', "route/contract_review/clause_extraction: weights sum to 95, expected 100"),
        ('"conditions"', '"conditionz"', "not a Portkey config of Outlay's"),
        ('"weight": 95', '"weight": 75', "route/contract_review/clause_extraction: weights sum to 80, expected 100"),
        ("os.environ/ANTHROPIC_API_KEY", "sk-ant-0123456789abcdef", "targets[0].targets[1].api_key: a literal secret, expected os.environ/NAME"),
        ('\n "strategy"', '\n "retry": {},\n "strategy"', "expected strategy {mode, conditions, default} and targets, no other key"),
    ],
)  # fmt: skip
def test_lint_finds_what_portkey_only_reports_when_a_request_hits_it(old: str, new: str, complaint: str):
    text = portkey.render(POLICY, PORTKEY)
    assert old in text
    assert portkey.lint(text.replace(old, new, 1), POLICY.policy) == [complaint]


def test_the_json_table_lists_legs_and_the_parameters_of_each_tier_used():
    document = json.loads(json_table.render(POLICY, MODELS))
    assert document["routes"][1] == {
        "workflow": "contract_review",
        "task_type": "clause_extraction",
        "legs": [
            {"tier": "frontier", "order": 1, "weight": 95},
            {"tier": "light", "order": 1, "weight": 5},
            {"tier": "frontier", "order": 2, "weight": 100},
        ],
    }
    assert document["tiers"] == {tier: MODELS[tier] for tier in ("frontier", "standard", "light")}
    assert document["default_tier"] == "frontier"


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('"weight": 95', '"weight": 94', "contract_review/clause_extraction: weights of order 1 sum to 99, expected 100"),
        ('"task_type": "clause_extraction"', '"task_type": "other"', "the routes differ from the policy's"),
        ('"tier": "standard"', '"tier": "medium"', "claims/triage: tier medium has no parameters"),
        ('"routes"', '"routs"', "not a route table of Outlay's"),
        ('\n "fallback_on"', '\n "falback_on": [],\n "fallback_on"', "unknown keys: falback_on"),
    ],
)  # fmt: skip
def test_lint_of_the_json_table(old: str, new: str, complaint: str):
    text = json_table.render(POLICY, MODELS)
    assert old in text
    assert json_table.lint(text.replace(old, new, 1), POLICY.policy) == [complaint]


names = st.text(alphabet=string.ascii_letters + string.digits + "._-", min_size=1, max_size=63)


@st.composite
def routes(draw: st.DrawFn) -> dict:
    tiers = draw(st.permutations(["frontier", "standard", "light"]))
    fallbacks = draw(st.integers(0, 2))
    route = {
        "match": {"workflow": draw(names), "task_type": draw(names)},
        "tier": tiers[0],
        "fallback": tiers[1 : 1 + fallbacks],
        "split": draw(st.sampled_from(["request", "unit"])),
    }
    if draw(st.booleans()):
        route |= {
            "canary": {"tier": tiers[2], "percent": draw(st.integers(1, 99))},
            "fallback": draw(st.sampled_from([[], [tiers[0]], [tiers[1], tiers[0]]])),
        }
    return route


@pytest.mark.parametrize("task_type", ["PK", "SK_of_the_house_rules"])
def test_a_task_whose_name_begins_like_a_key_is_no_secret(task_type: str):
    route = {"match": {"workflow": "claims", "task_type": task_type}, "tier": "frontier", "fallback": []}
    file = write_policy(Policy.model_validate(POLICY.policy.model_dump() | {"routes": [route]}))
    for kind, module in RENDERERS.items():
        assert module.lint(module.render(file, BINDINGS[kind]), file.policy) == []


@settings(max_examples=60, deadline=None)
@given(st.lists(routes(), max_size=6, unique_by=lambda r: (r["match"]["workflow"], r["match"]["task_type"])))
def test_any_policy_survives_every_gateways_file(drawn: list[dict]):
    yaml = pytest.importorskip("yaml")
    document = POLICY.policy.model_dump() | {"routes": drawn}
    file = write_policy(Policy.model_validate(document))
    assert parse_policy(file.text, "p").policy == file.policy
    for kind, module in RENDERERS.items():
        text = module.render(file, BINDINGS[kind])
        assert module.lint(text, file.policy) == []
        assert module.parse(text) == file.policy.groups
        assert list(yaml.safe_load_all(text)) == list(YAML(typ="safe", pure=True).load_all(text))


def test_each_gateway_says_which_model_a_tiers_parameters_call():
    assert litellm.bound_model(MODELS["light"]) == "openai/gpt-5-mini"
    assert portkey.bound_model(PORTKEY["light"]) == "openai/gpt-5-mini"
    assert json_table.bound_model({"provider": "openai", "model": "gpt-5-mini"}) == "openai/gpt-5-mini"
    assert litellm.bound_model({"model": "gpt-5-mini"}) is None
