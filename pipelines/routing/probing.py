"""A rendered file tried in the gateway's own engine, with upstreams that answer from memory: nothing is
called.

Each route is asked twice: as it is, and with its first order failing. Every answer must come from a tier
that the policy names for it. Without the engine installed the answer is "not probed".
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.routing.credentials import mask
from pipelines.routing.policy import Policy
from pipelines.routing.rendering import Rendered
from pipelines.routing.targets.litellm import GROUP, model_list

UPSTREAM_FAILS = "litellm.InternalServerError"


@dataclass(frozen=True)
class Probed:
    """`asked` requests went through the engine; `problems` is empty if each was answered as the policy
    says.
    """

    status: str
    asked: int = 0
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        return {
            "status": self.status,
            "asked": self.asked,
            "problems": list(self.problems),
            "notes": list(self.notes),
        }


def probe(rendered: Rendered, policy: Policy) -> Probed:
    if rendered.target.kind != "litellm":
        return Probed(f"not probed: no {rendered.target.kind} engine runs inside Outlay")
    if importlib.util.find_spec("litellm") is None:
        return Probed("not probed: litellm is not installed (pip install 'outlay[litellm]')")
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # its price list from the package, not the network
    logger = logging.getLogger("LiteLLM Router")
    level = logger.level
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a foreign package's import
        try:
            engine = importlib.import_module("litellm")
        except Exception as error:
            return Probed(f"not probed: litellm can't be imported ({type(error).__name__})")
        logger.setLevel(logging.CRITICAL)
        engine.suppress_debug_info = True
        try:
            return _ask(engine, policy, rendered.target.models)
        finally:
            logger.setLevel(level)


def _ask(engine: Any, policy: Policy, models: Mapping[str, Mapping[str, Any]]) -> Probed:
    asked, problems = 0, []
    for failing in (False, True):
        try:
            router = engine.Router(model_list=_mocked(policy, models, failing), num_retries=0, disable_cooldowns=True)
        except Exception as error:
            return Probed("probed", asked, (f"refused by the engine: {_first_line(error)}",))
        for group, legs in policy.groups.items():
            allowed = {leg.label for leg in legs if (leg.order > 1) == failing}
            if not allowed:
                continue
            asked += 1
            try:
                answer = router.completion(model=f"{GROUP}{group}", messages=[{"role": "user", "content": "probe"}])
                served = answer.choices[0].message.content.rpartition("#")[2]
            except Exception as error:
                problems.append(f"{group}: {_first_line(error)}")
                continue
            if served not in allowed:
                problems.append(f"{group}: answered by {served}, expected one of {sorted(allowed)}")
    return Probed("probed", asked, tuple(problems), _unknown_parameters(models))


def _mocked(policy: Policy, models: Mapping[str, Mapping[str, Any]], failing: bool) -> list[dict[str, Any]]:
    """The rendered entries with keys and addresses taken out and an answer put in that names who gave it."""
    entries = model_list(policy, models)
    for entry in entries:
        params, name = entry["litellm_params"], entry["model_info"]["id"]
        entry["litellm_params"] = {
            "model": params.get("model"),
            "order": params["order"],
            "weight": params["weight"],
            "api_key": "none",
            "api_base": "http://127.0.0.1:9/v1",
            "mock_response": UPSTREAM_FAILS if failing and params["order"] == 1 else name,
        }
    return entries


def _unknown_parameters(models: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    try:
        known = {
            *importlib.import_module("litellm.types.router").LiteLLM_Params.model_fields,
            *importlib.import_module("litellm.types.utils").all_litellm_params,
            *importlib.import_module("litellm.constants").OPENAI_CHAT_COMPLETION_PARAMS,
            "extra_body",
        }
    except (ImportError, AttributeError):
        return ()
    return tuple(
        f"models.{tier}.{key}: not a parameter that LiteLLM knows; it goes to the provider as it is"
        for tier, parameters in models.items()
        for key in parameters
        if key not in known
    )


def _first_line(error: Exception) -> str:
    return mask(str(error).partition("\n")[0])[:200]
