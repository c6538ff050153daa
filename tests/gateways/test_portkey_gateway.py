"""The rendered config in the real Portkey gateway, with a provider of our own behind it and the official client."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from pipelines.routing.policy_text import parse_policy
from pipelines.routing.targets import RENDERERS
from pipelines.routing.units import snippet
from tests.gateways.programs import portkey_gateway
from tests.gateways.servers import Upstream, free_port, running, wait_for
from tests.routing.lots import group_of

pytestmark = [pytest.mark.gateway, pytest.mark.slow]

CLAUSE = ("contract_review", "clause_extraction")
POLICY = """\
policy_id: acme
version: 1
created_at: 2026-11-20T06:00:00Z
created_by: platform-lead
tiers: {frontier: 3, standard: 2, light: 1}
default_tier: frontier
routes:
  - match: {workflow: contract_review, task_type: clause_extraction}
    tier: frontier
    canary: {tier: light, percent: 20}
    fallback: [standard]
  - match: {workflow: claims, task_type: triage}
    tier: light
    fallback: [standard]
  - match: {workflow: claims, task_type: letter}
    tier: frontier
    split: unit
    canary: {tier: light, percent: 20}
    fallback: [standard]
"""


class Portkey:
    """The gateway with one rendered config, as an application uses it."""

    def __init__(self, url: str, config: dict[str, Any]) -> None:
        self.config = config
        self.client = openai.OpenAI(base_url=f"{url}/v1", api_key="ours", max_retries=0)

    def ask(self, workflow: str, task_type: str, headers: dict[str, str] | None = None) -> tuple[str, str]:
        """(the model that answered, the name of the leaf that Portkey says it used)."""
        metadata = {"x-portkey-metadata": json.dumps({"workflow": workflow, "task_type": task_type})}
        raw = self.client.chat.completions.with_raw_response.create(
            model="whatever",
            messages=[{"role": "user", "content": "read this clause"}],
            extra_headers={"x-portkey-config": json.dumps(self.config), **(headers or metadata)},
        )
        return json.loads(raw.text)["model"], self.leaf(raw.headers["x-portkey-last-used-option-index"])

    def leaf(self, index: str) -> str:
        place: Any = self.config
        for number in re.findall(r"targets\[(\d+)\]", index):
            place = place["targets"][int(number)]
        return place["name"]


@pytest.fixture(scope="module")
def gateway(provider: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portkey]:
    if shutil.which("node") is None:
        pytest.skip("no node: apt-get install nodejs npm")  # in CI a skip is a failure, see tests/conftest.py
    folder = portkey_gateway()
    port, log = free_port(), tmp_path_factory.mktemp("portkey") / "portkey.log"
    command = ["node", "build/start-server.js", f"--port={port}", "--headless"]
    models = {
        tier: {"provider": "openai", "api_key": "os.environ/KEY", "custom_host": f"{provider.url}/v1", "override_params": {"model": model}}
        for tier, model in (("frontier", "large-model"), ("standard", "middle-model"), ("light", "small-model"))
    }  # fmt: skip
    text = RENDERERS["portkey"].render(parse_policy(POLICY, "policy"), models)
    # what an application does that loads the file: its own key in place of the name, our header left out
    config = json.loads(text.replace("os.environ/KEY", "provider-key"))
    del config["outlay"]
    with running(command, folder, {"HOME": str(log.parent), "NODE_ENV": "production"}, log) as process:
        wait_for(f"http://127.0.0.1:{port}/", process, log, 60)
        yield Portkey(f"http://127.0.0.1:{port}", config)


@pytest.fixture(autouse=True)
def _healthy(provider: Upstream) -> None:
    provider.behave()


def test_each_task_reaches_its_tier_and_a_canary_gets_its_share(gateway, provider):
    served = Counter(gateway.ask(*CLAUSE) for _ in range(400))
    assert set(served) == {
        ("large-model", "route/contract_review/clause_extraction#frontier"),
        ("small-model", "route/contract_review/clause_extraction#light"),
    }
    assert 48 <= served["small-model", "route/contract_review/clause_extraction#light"] <= 112  # four sigma at 20 %
    assert {gateway.ask("claims", "triage") for _ in range(20)} == {("small-model", "route/claims/triage#light")}
    assert (
        Counter(seen["model"] for seen in provider.seen)["large-model"]
        == served["large-model", "route/contract_review/clause_extraction#frontier"]
    )
    assert {seen["authorization"] for seen in provider.seen} == {"Bearer provider-key"}


def test_what_has_no_route_goes_to_the_default_tier(gateway):
    assert gateway.ask("contract_review", "unknown") == ("large-model", "default")
    assert gateway.ask("other", "clause_extraction") == ("large-model", "default")


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_failing_tier_falls_back(gateway, provider, status):
    provider.behave(small_model=status, large_model=status)
    served = {gateway.ask(*CLAUSE) for _ in range(10)}
    assert served == {("middle-model", "route/contract_review/clause_extraction#standard@fallback")}


def test_a_callers_mistake_does_not_fall_back(gateway, provider):
    provider.behave(small_model=400)
    with pytest.raises(openai.BadRequestError):
        gateway.ask("claims", "triage")
    assert [seen["model"] for seen in provider.seen] == ["small-model"]


def test_units_that_the_client_draws_are_never_mixed(gateway):
    policy = parse_policy(POLICY, "policy").policy
    route = policy.route("claims/letter")
    assert route is not None
    space: dict[str, Any] = {}
    exec(snippet({"claims/letter": 20}, 1, "portkey"), space)
    in_canary = 0
    for unit in (f"claim-{number}" for number in range(100)):
        served = {gateway.ask("claims", "letter", space["headers"]("claims", "letter", unit)) for _ in range(2)}
        canary = group_of(route, unit).endswith("@canary")
        in_canary += canary
        name = "route/claims/letter@canary#light" if canary else "route/claims/letter#frontier"
        assert served == {("small-model" if canary else "large-model", name)}
    assert 4 <= in_canary <= 36  # 100 units at 20 %: four standard deviations to either side


def test_a_bad_mode_is_refused_by_the_gateway_itself(gateway):
    broken = Portkey(
        str(gateway.client.base_url).removesuffix("/v1/"), {**gateway.config, "strategy": {"mode": "conditionol"}}
    )
    with pytest.raises(openai.BadRequestError):
        broken.ask(*CLAUSE)
