"""LiteLLM proxy: an include file with one model group per route, named `route/<workflow>/<task_type>`
(`…/<stratum>` where a route is for one recorded difficulty, and `…@canary` where units are drawn).

Within a group, entries of one `order` share the requests by `weight`; a higher order is tried when the
lower one failed. The file holds `model_list` and nothing else: LiteLLM merges an include shallowly, and any
other key would replace the user's whole section. `model_info.id` comes back as response header
`x-litellm-model-id` and tells who served a request.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Mapping
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.representer import RoundTripRepresenter
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from pipelines.routing.credentials import find_credentials
from pipelines.routing.policy import Leg, Policy, PolicyFile
from pipelines.routing.targets.binding import binding_sha256, plain
from pipelines.routing.targets.header import header_of, read_header, with_comment_header

GROUP = "route/"
OURS = ("order", "weight", "tags")  #: set here or not at all: a tag filter would turn cost tags into refusals

YAML_1_1_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})


def render(file: PolicyFile, models: Mapping[str, Mapping[str, Any]]) -> str:
    body = yaml_text({"model_list": model_list(file.policy, models)})
    used = {tier: models[tier] for tier in file.policy.used_tiers}
    return with_comment_header(header_of(file, binding_sha256(used), body), body)


def model_list(policy: Policy, models: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    entries = []
    for name, legs in policy.groups.items():
        group = f"{GROUP}{name}"
        for leg in legs:
            parameters = {key: value for key, value in plain(models[leg.tier]).items() if key not in OURS}
            entries.append(
                {
                    "model_name": group,
                    "litellm_params": {**parameters, "order": leg.order, "weight": leg.weight},
                    "model_info": {"id": f"{group}#{leg.label}"},
                }
            )
    return entries


class _Representer(RoundTripRepresenter):
    """Writes what LiteLLM's YAML 1.1 reader takes for the same value."""

    def float_of_yaml_1_1(self, value: float) -> Any:
        text = repr(value)
        if "e" in text and "." not in text:
            text = text.replace("e", ".0e")  # 1e-07 would be read as text
        return self.represent_scalar("tag:yaml.org,2002:float", text)


_Representer.add_representer(float, _Representer.float_of_yaml_1_1)


def yaml_text(document: dict[str, Any]) -> str:
    """YAML that a 1.1 reader and a 1.2 reader take for the same values."""
    yaml = YAML()
    yaml.Representer = _Representer
    yaml.width = 1_000_000
    yaml.indent(mapping=2, sequence=4, offset=2)
    out = io.StringIO()
    yaml.dump(_quoted(document), out)
    return out.getvalue()


def _quoted(value: Any) -> Any:
    # LiteLLM reads YAML 1.1, where a plain `no` or `1:30` is no text: every text is quoted.
    if isinstance(value, dict):
        return {_key(key): _quoted(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_quoted(item) for item in value]
    return DoubleQuotedScalarString(value) if isinstance(value, str) else value


def _key(key: str) -> str:
    plain_word = key.isidentifier() and key.lower() not in YAML_1_1_WORDS
    return key if plain_word else DoubleQuotedScalarString(key)


def _document(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(read_header(text)[1])


def parse(text: str) -> dict[str, tuple[Leg, ...]]:
    """What the file's groups say, in file order; raises ValueError if it is no such file."""
    try:
        entries = _document(text)["model_list"]
        routes: dict[str, tuple[Leg, ...]] = {}
        for entry in entries:
            key = entry["model_name"].removeprefix(GROUP)
            tier = entry["model_info"]["id"].rpartition("#")[2].removesuffix("@fallback")
            params = entry["litellm_params"]
            routes[key] = (*routes.get(key, ()), Leg(tier, params.get("order", 1), params.get("weight", 1)))
    except (YAMLError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a LiteLLM include file of Outlay's: {type(error).__name__}") from None
    return routes


def lint(text: str, policy: Policy) -> list[str]:
    try:
        document = _document(text)
    except YAMLError:
        return ["not readable as YAML"]
    if not isinstance(document, dict) or list(document) != ["model_list"]:
        return ["expected model_list and no other key: an include replaces the user's whole section of that name"]
    problems = [f"{hit.where}: a literal secret, expected os.environ/NAME" for hit in find_credentials(document)]
    weights: Counter[tuple[str, int]] = Counter()
    ids: Counter[str] = Counter()
    for at, entry in enumerate(document["model_list"]):
        where = f"model_list[{at}]"
        if set(entry) != {"model_name", "litellm_params", "model_info"} or set(entry["model_info"]) != {"id"}:
            problems.append(f"{where}: expected the keys model_name, litellm_params and model_info.id")
            continue
        group, params, name = entry["model_name"], entry["litellm_params"], entry["model_info"]["id"]
        order, weight = params.get("order"), params.get("weight")
        ids[name] += 1
        legs = policy.groups.get(group.removeprefix(GROUP))
        if legs is None:
            problems.append(f"{where}: {group}: no such route in the policy")
        elif name not in {f"{group}#{leg.label}" for leg in legs}:
            problems.append(f"{where}: {name}: the policy sends no request of this route there")
        if not isinstance(params.get("model"), str) or not params["model"]:
            problems.append(f"{where}: {name}: litellm_params.model is missing")
        if type(order) is not int or order < 1 or type(weight) is not int or not 1 <= weight <= 100:
            problems.append(
                f"{where}: {name}: expected order from 1 and weight from 1 to 100, found {order} and {weight}"
            )
            continue
        weights[group, order] += weight
    problems += [f"{name}: id given {count} times" for name, count in ids.items() if count > 1]
    problems += [
        f"{group}: weights of order {order} sum to {total}, expected 100"
        for (group, order), total in weights.items()
        if total != 100
    ]
    if not problems and parse(text) != policy.groups:
        problems.append("the routes differ from the policy's")
    return problems


def bound_model(parameters: Mapping[str, Any]) -> str | None:
    model = parameters.get("model")
    return model if isinstance(model, str) and "/" in model else None


def unenforced(policy: Policy) -> list[str]:
    strata = [
        f"strata: LiteLLM serves the name that is asked for; the client asks for {GROUP}{route.key} where that holds"
        for route in policy.by_stratum
    ]
    return [
        *strata,
        f"default_tier {policy.default_tier}: a name without a route is refused by LiteLLM (HTTP 400), not sent there",
        "fallback_on: LiteLLM falls over on every error of the upstream, HTTP 400 too",
    ]
