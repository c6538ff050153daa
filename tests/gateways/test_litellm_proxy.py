"""The real LiteLLM proxy, driven by the real verbs: plan, approve, apply with reload and smoke requests, roll back.

The proxy runs under gunicorn, so that SIGHUP takes a new file over without a pause; a provider of our own stands behind
it, and the official client before it. It has no database: its virtual keys come from `team_keys.py`.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from ruamel.yaml import YAML

from pipelines.routing.loop import route_apply, route_approve, route_plan, route_rollback, route_status
from pipelines.routing.units import snippet
from pipelines.workspace.errors import OutlayError, UsageError
from pipelines.workspace.load import Loaded, load_workspace
from tests.gateways.programs import litellm_proxy
from tests.gateways.servers import REPO, Upstream, free_port, running, wait_for
from tests.routing.workspaces import by_hand, everything

pytestmark = [pytest.mark.gateway, pytest.mark.slow]

FILE = "gateway/outlay_routes.yaml"
CLAUSE, RISK, TRIAGE = "contract_review/clause_extraction", "contract_review/risk_judgement", "claims/triage"
KEYS = {"PROBE_KEY": "key-of-everything", "ADMIN_KEY": "key-of-the-admin"}
MODEL = {"frontier": "large-model", "standard": "middle-model", "light": "small-model"}


def route(key: str, tier: str, canary: str = "", fallback: str = "", split: str = "request") -> str:
    workflow, _, task_type = key.partition("/")
    text = f"  - match: {{workflow: {workflow}, task_type: {task_type}}}\n    tier: {tier}\n    split: {split}\n"
    return text + (f"    canary: {{{canary}}}\n" if canary else "") + f"    fallback: [{fallback}]\n"


BASE = (
    route(CLAUSE, "frontier", "tier: light, percent: 20", "standard")
    + route(RISK, "frontier")
    + route(TRIAGE, "light", fallback="standard, frontier")
)


class Site:
    """A company with a LiteLLM proxy that Outlay routes for."""

    def __init__(self, root: Path, url: str, provider: Upstream, master: int) -> None:
        self.root, self.url, self.provider, self.master = root, url, provider, master

    @property
    def loaded(self) -> Loaded:
        return load_workspace(self.root)

    @property
    def live(self) -> bytes:
        return (self.root / FILE).read_bytes()

    @property
    def version(self) -> int:
        return route_status(self.loaded).document["live_version"]

    def outlay(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """One call of the program, as a person makes it."""
        return subprocess.run(
            [sys.executable, "-m", "pipelines.cli", "--workspace", str(self.root), *arguments], cwd=REPO,
            capture_output=True, text=True, timeout=120,
        )  # fmt: skip

    def edited(self, routes: str) -> None:
        by_hand(self.loaded, self.version + 1, routes)

    def approved(self, routes: str) -> None:
        self.edited(routes)
        route_approve(self.loaded, {}, by="finops-lead")

    def go_live(self, routes: str) -> dict[str, Any]:
        self.approved(routes)
        document = route_apply(self.loaded).document
        self.one_worker()
        return document

    def roll_back(self) -> None:
        route_rollback(self.loaded)
        self.one_worker()

    def one_worker(self, seconds: float = 60) -> None:
        """Wait until the worker that a reload replaces has ended: it still answers for a moment, by the old file."""
        until = time.monotonic() + seconds
        while len(Path(f"/proc/{self.master}/task/{self.master}/children").read_text().split()) != 1:
            assert time.monotonic() < until, f"two workers are still there after {seconds} s"
            time.sleep(0.05)

    def client(self, key: str = "key-of-everything") -> openai.OpenAI:
        return openai.OpenAI(base_url=f"{self.url}/v1", api_key=key, max_retries=0, timeout=60)

    def ask(self, model: str, times: int = 1) -> Counter[tuple[str, str]]:
        """(the entry that the proxy says it used, the model that the provider says it is) -> how often."""
        served: Counter[tuple[str, str]] = Counter()
        with self.client() as client:
            for _ in range(times):
                raw = client.chat.completions.with_raw_response.create(
                    model=model, messages=[{"role": "user", "content": "read this clause"}], max_tokens=7
                )
                content = json.loads(raw.text)["choices"][0]["message"]["content"]
                served[raw.headers["x-litellm-model-id"].rpartition("/")[2], content.removeprefix("from ")] += 1
        return served


@pytest.fixture(scope="module")
def site(provider: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    program = litellm_proxy()
    root, port = tmp_path_factory.mktemp("site"), free_port()
    gateway, log = root / "gateway", root / "proxy.log"
    gateway.mkdir()
    shutil.copy(Path(__file__).with_name("team_keys.py"), gateway)
    (root / FILE).write_text("model_list: []\n")
    house = {"model": "openai/large-model", "api_base": f"{provider.url}/v1", "api_key": "os.environ/PROVIDER_KEY"}
    own = {
        "include": ["outlay_routes.yaml"],
        "model_list": [
            {"model_name": "house-model", "litellm_params": house, "model_info": {"access_groups": ["production"]}}
        ],
        "litellm_settings": {"enable_post_custom_auth_checks": True},
        "router_settings": {"num_retries": 0, "disable_cooldowns": True},
        "general_settings": {
            "master_key": "key-of-the-admin", "custom_auth": "team_keys.user_api_key_auth",
            "custom_auth_run_common_checks": True,
        },
    }  # fmt: skip
    (gateway / "config.yaml").write_text(json.dumps(own))
    environment = {
        "HOME": str(root), "LITELLM_LOCAL_MODEL_COST_MAP": "True", "PROVIDER_KEY": "provider-key",
        "LITELLM_MODE": "PRODUCTION", "NO_PROXY": "127.0.0.1",
    }  # fmt: skip
    options = (
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--telemetry",
        "False",
        "--run_gunicorn",
        "--num_workers",
        "1",
    )
    command = [str(program), "--config", "config.yaml", *options]
    with running(command, gateway, environment, log) as process:
        target = {
            "name": "proxy", "kind": "litellm", "path": FILE,
            "models": {tier: {**house, "model": f"openai/{model}"} for tier, model in MODEL.items()},
            "reload": {"command": ["kill", "-HUP", str(process.pid)], "timeout_s": 10},
            "probe": {
                "url": f"http://127.0.0.1:{port}", "key": "os.environ/PROBE_KEY", "admin_key": "os.environ/ADMIN_KEY"
            },
        }  # fmt: skip
        document = {
            "name": "Acme", "sources": [{"name": "calls", "kind": "requests", "path": "logs/*.jsonl"}],
            "workflows": {"contract_review": {"unit": "document"}, "claims": {"unit": "decision"}},
            "tiers": [
                {"name": "frontier", "rank": 3, "models": ["openai/gpt-5.4"]},
                {"name": "standard", "rank": 2, "models": ["anthropic/claude-sonnet-5"]},
                {"name": "light", "rank": 1, "models": ["openai/gpt-5-mini"]},
            ],
            "routing": {"approvers": ["finops-lead"], "targets": [target]},
        }  # fmt: skip
        with open(root / "outlay.yaml", "w") as file:
            YAML(typ="safe", pure=True).dump(document, file)
        wait_for(f"http://127.0.0.1:{port}/health/readiness", process, log, 150)
        started = Site(root, f"http://127.0.0.1:{port}", provider, process.pid)
        with pytest.MonkeyPatch.context() as patch:
            for name, key in KEYS.items():
                patch.setenv(name, key)
            assert len(started.go_live(BASE)["reloads"][0]["smoke"]) == 3
            yield started


@pytest.fixture(autouse=True)
def _healthy(site: Site) -> None:
    site.provider.behave()


def test_of_400_requests_a_canary_gets_its_share_and_every_one_carries_the_bound_key(site):
    served = site.ask(f"route/{CLAUSE}", 400)
    assert set(served) == {("clause_extraction#frontier", "large-model"), ("clause_extraction#light", "small-model")}
    assert 48 <= served["clause_extraction#light", "small-model"] <= 112  # 400 draws at 20 %: four sigma to either side
    seen = site.provider.seen
    assert Counter(request["model"] for request in seen) == {
        "large-model": served["clause_extraction#frontier", "large-model"],
        "small-model": served["clause_extraction#light", "small-model"],
    }
    assert {(request["authorization"], request["max_tokens"]) for request in seen} == {("Bearer provider-key", 7)}


def test_each_task_of_a_workflow_reaches_its_own_tier(site):
    assert site.ask(f"route/{RISK}", 20) == {("risk_judgement#frontier", "large-model"): 20}
    assert site.ask(f"route/{TRIAGE}", 20) == {("triage#light", "small-model"): 20}
    assert set(site.ask("house-model", 5).values()) == {5}


def test_when_the_provider_fails_the_next_tier_answers(site):
    site.provider.behave(small_model=500)
    assert site.ask(f"route/{TRIAGE}", 5) == {("triage#standard@fallback", "middle-model"): 5}
    site.provider.behave(small_model=503, middle_model=429)
    assert site.ask(f"route/{TRIAGE}", 5) == {("triage#frontier@fallback", "large-model"): 5}
    site.provider.behave(small_model=500, large_model=500)
    assert site.ask(f"route/{CLAUSE}", 5) == {("clause_extraction#standard@fallback", "middle-model"): 5}


def test_a_name_without_a_route_is_refused(site):
    with pytest.raises(openai.BadRequestError, match="Invalid model name"):
        site.ask("route/contract_review/unknown")


def refused_soon(site: Site, model: str, seconds: float = 60) -> None:
    """The proxy knows no such name any more, once the worker that did has ended."""
    until = time.monotonic() + seconds
    while True:
        try:
            site.ask(model)
        except openai.BadRequestError:
            return
        except (openai.InternalServerError, openai.APIConnectionError):
            pass
        assert time.monotonic() < until, f"{model} is still answered for after {seconds} s"
        time.sleep(0.2)


class Traffic:
    """Requests without a pause while something else happens, from two kinds of client.

    One connects anew for each request, the other is the official client as it comes and keeps its connection. A worker
    that ends closes what it has accepted and not yet read: no gateway can prevent that, nothing was begun, and both
    clients send such a request again, at most once. An answer that says error, or a broken one, is a failure for both.
    """

    def __init__(self, site: Site, model: str) -> None:
        self.model = model
        self.answers: list[str] = []
        self.failures: list[str] = []
        self.sent_again = 0
        self._stop = threading.Event()
        anew = httpx.Client(limits=httpx.Limits(max_keepalive_connections=0))
        url, key = f"{site.url}/v1", "key-of-everything"
        clients = (
            openai.OpenAI(base_url=url, api_key=key, timeout=60, max_retries=0, http_client=anew),
            openai.OpenAI(base_url=url, api_key=key, timeout=60, max_retries=0),
        )
        self._threads = [threading.Thread(target=self._send, args=(client,)) for client in clients]

    def __enter__(self) -> Traffic:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def settles_on(self, tier: str, answers: int = 20, seconds: float = 60) -> None:
        """Wait until so many answers in a row came from a tier: a worker that ends may still answer for a moment."""
        until = time.monotonic() + seconds
        begun = len(self.answers)
        while {tier} != set(self.answers[begun:][-answers:]) or len(self.answers) < begun + answers:
            assert time.monotonic() < until, f"{seconds} s, and not yet {tier} alone: {self.answers[-answers:]}"
            time.sleep(0.05)

    def _send(self, client: openai.OpenAI) -> None:
        with client:
            while not self._stop.is_set():
                try:
                    self._ask(client)
                except (openai.APIStatusError, openai.APITimeoutError) as error:
                    self.failures.append(repr(error))
                except openai.APIConnectionError:
                    self.sent_again += 1
                    try:
                        self._ask(client)
                    except openai.OpenAIError as error:
                        self.failures.append(repr(error))
                time.sleep(0.03)

    def _ask(self, client: openai.OpenAI) -> None:
        raw = client.chat.completions.with_raw_response.create(
            model=self.model, messages=[{"role": "user", "content": "go on"}]
        )
        self.answers.append(raw.headers["x-litellm-model-id"].rpartition("#")[2])


def test_a_change_and_its_way_back_go_live_without_a_failed_request(site):
    before, version = site.live, site.version
    with Traffic(site, f"route/{RISK}") as traffic:
        traffic.settles_on("frontier")
        changed = BASE.replace(route(RISK, "frontier"), route(RISK, "standard", fallback="frontier"))
        site.edited(changed + route("claims/letter", "light"))
        approved = site.outlay("route", "approve", "--by", "finops-lead")
        assert approved.returncode == 0, approved.stderr
        done = site.outlay("route", "apply", "--json")
        assert done.returncode == 0, done.stderr
        said = json.loads(done.stdout)
        traffic.settles_on("standard")
        back = site.outlay("route", "rollback")
        assert back.returncode == 0, back.stderr
        traffic.settles_on("frontier")
    assert traffic.failures == []
    assert traffic.sent_again <= 4  # a worker ended twice, in the way of at most one request of each client
    assert said["status"] == "applied"
    assert said["reloads"][0]["smoke"] == [
        "contract_review/risk_judgement: served by standard",
        "claims/letter: served by light",
    ]
    assert set(traffic.answers) == {"frontier", "standard"}
    assert (site.live, site.version) == (before, version)


def test_a_broken_policy_never_reaches_the_file(site):
    before = site.live
    for routes, complaint in (
        (route(CLAUSE, "enormous"), "unknown tier 'enormous'"),
        (route(CLAUSE, "frontier", "tier: light, percent: 120"), "canary.percent"),
        (route(CLAUSE, "frontier") * 2, "named twice"),
        ("  - match: [\n", "not readable as YAML"),
    ):
        site.edited(routes)
        with pytest.raises(UsageError, match=complaint):
            route_approve(site.loaded, {}, by="finops-lead")
        with pytest.raises(OutlayError, match="edited since"):
            route_apply(site.loaded)
        assert site.live == before
    assert site.outlay("route", "plan").returncode == 2
    (site.root / "routing/policy.yaml").unlink()
    assert site.ask(f"route/{RISK}") == {("risk_judgement#frontier", "large-model"): 1}


def test_a_smoke_request_that_fails_puts_the_former_bytes_back_and_the_proxy_with_them(site):
    before, version = site.live, site.version
    site.provider.behave(small_model=500)  # the new route's only tier
    site.approved(BASE + route("claims/letter", "light"))
    with Traffic(site, f"route/{RISK}") as traffic, pytest.raises(OutlayError) as failed:
        route_apply(site.loaded)
    assert "route/claims/letter: the gateway answered HTTP 500" in str(failed.value)
    assert "put back as before: " in str(failed.value)
    assert (site.live, site.version) == (before, version)
    assert traffic.failures == []
    refused_soon(site, "route/claims/letter")
    status = route_status(site.loaded).document
    assert (status["in_order"], status["live_version"], status["approved_version"]) == (True, version, version + 1)
    (site.root / "routing/policy.yaml").unlink()


def test_a_key_that_may_not_call_a_route_is_found_before_anything_is_written(site, monkeypatch):
    site.approved(BASE + route("claims/letter", "light"))
    before = everything(site.root / "gateway")
    for key, complaint in (
        (
            "key-of-one-model",
            r"route/claims/letter: the probe's key may not call it, .* add `route/\*` \(or this name\)",
        ),
        ("key-of-a-group", r"route/claims/letter: the probe's key may not call it"),
        ("no-key-at-all", r"the gateway refused the probe's key itself \(HTTP 4"),
    ):
        monkeypatch.setenv("PROBE_KEY", key)
        with pytest.raises(OutlayError, match=complaint):
            route_apply(site.loaded)
        assert everything(site.root / "gateway") == before
    monkeypatch.setenv("PROBE_KEY", "key-of-routes")
    assert route_apply(site.loaded).document["reloads"][0]["smoke"] == ["claims/letter: served by light"]
    site.roll_back()


def test_the_plan_says_who_lacks_a_route_and_what_a_proxy_without_a_database_cannot_tell(site, monkeypatch):
    site.edited(BASE + route("claims/letter", "light"))
    monkeypatch.setenv("PROBE_KEY", "key-of-one-model")
    planned = route_plan(site.loaded, {})
    (found,) = [target["keys"] for target in planned.document["targets"]]
    names = ", ".join(f"route/{key}" for key in (CLAUSE, RISK, TRIAGE, "claims/letter"))
    assert found[0].startswith("route/claims/letter: the probe's key may not call it")
    assert found[1:] == [
        f"access group production: lacks {names}; keys that get their models from it alone are refused"
    ]
    assert f"Key: {found[0]}" in planned.text
    notes = planned.document["notes"]
    assert "proxy: keys can't be listed: the proxy has no database" in notes
    assert "proxy: teams can't be listed: the proxy has no database" in notes
    monkeypatch.delenv("PROBE_KEY")
    assert any("PROBE_KEY is not set" in note for note in route_plan(site.loaded, {}).document["notes"])
    assert "key-of" not in planned.text
    (site.root / "routing/policy.yaml").unlink()


def test_units_that_the_client_draws_are_never_mixed(site):
    drawn = route(CLAUSE, "frontier", "tier: light, percent: 20", "standard", split="unit")
    site.go_live(drawn)
    space: dict[str, Any] = {}
    exec(snippet({CLAUSE: 20}, site.version, "litellm"), space)
    in_canary = 0
    for unit in (f"doc-{number}" for number in range(60)):
        served = site.ask(space["model"]("contract_review", "clause_extraction", unit), 2)
        assert len(served) == 1
        in_canary += next(iter(served))[0] == "clause_extraction@canary#light"
    assert 1 <= in_canary <= 24  # 60 units at 20 %: four sigma to either side
    site.roll_back()
    assert set(site.ask(f"route/{TRIAGE}", 3)) == {("triage#light", "small-model")}


def test_a_gateway_that_is_down_is_said_and_stops_no_plan(site, tmp_path):
    loaded = load_workspace(site.root)
    (target,) = loaded.config.routing.targets
    assert target.probe is not None
    gone = target.probe.model_copy(update={"url": f"http://127.0.0.1:{free_port()}"})
    routing = loaded.config.routing.model_copy(update={"targets": (target.model_copy(update={"probe": gone}),)})
    elsewhere = Loaded(root=tmp_path, config=loaded.config.model_copy(update={"routing": routing}))
    by_hand(elsewhere, 1, BASE)
    notes = route_plan(elsewhere, {}).document["notes"]
    assert any("does not answer, so no key was tried" in note for note in notes)
