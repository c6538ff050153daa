"""Asking a running LiteLLM proxy who serves a route, with an ordinary key: after a reload, and before a change.

Only LiteLLM says who served (`x-litellm-model-id`). A request for a route that is there costs one output token; for one
that isn't, nothing: a key that may not call it is refused all the same, which is what `denied_before` looks for.
"""

from __future__ import annotations

import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from pipelines.routing.credentials import mask
from pipelines.routing.policy import Route
from pipelines.routing.targets.litellm import GROUP
from pipelines.workspace.errors import OutlayError, UsageError
from pipelines.workspace.gateway import Probe, Target

ANSWER_S = 30.0  #: seconds that one request may take
READY_S = 60.0  #: seconds that a gateway without a reload timeout has to come back
AGAIN_S = 0.25


@dataclass(frozen=True)
class Said:
    """A gateway's answer: `served` = the id of the entry that answered, or an HTTP status and what it says."""

    served: str = ""
    status: int = 200
    kind: str = ""
    message: str = ""

    @property
    def refused_key(self) -> bool:
        """The key may not call this model; its models, or those of its team, don't name it."""
        named = self.kind.endswith("_model_access_denied") or "not allowed to access model" in self.message
        return self.status in (401, 403) and named

    @property
    def unknown_route(self) -> bool:
        return self.status in (400, 404) and "invalid model name" in self.message.lower()

    def why(self, group: str) -> str:
        if self.refused_key:
            return not_allowed(group)
        if self.status in (401, 403):
            return f"{group}: the gateway refused the probe's key itself (HTTP {self.status})"
        return f"{group}: the gateway answered HTTP {self.status}"


def not_allowed(group: str) -> str:
    return (
        f"{group}: the probe's key may not call it, so other keys with a list of models may not either; add "
        f"`{GROUP}*` (or this name) to the `models` of the key, of its team, or of its access group"
    )


def key_from(target: Target, name: str, environ: Mapping[str, str] = os.environ) -> str | None:
    """The key `probe.<name>`; raises UsageError if the environment does not hold it."""
    reference = getattr(target.probe, name) if target.probe is not None else None
    if reference is None:
        return None
    variable = reference.removeprefix("os.environ/")
    if not environ.get(variable):
        raise UsageError(
            f"outlay.yaml: routing.targets.{target.name}.probe.{name}: environment variable {variable} is not set"
        )
    return environ[variable]


def probe_key(target: Target, environ: Mapping[str, str] = os.environ) -> str | None:
    """The key that requests carry; raises UsageError before anything is written if it is not set."""
    return key_from(target, "key", environ)


def smoke(target: Target, routes: Sequence[Route]) -> tuple[str, ...]:
    """Asks the live gateway once per group of a changed route; one line for each.

    A reload may take a moment to reach all workers, so a wrong answer is asked again until the reload's time is over.
    Raises OutlayError if then a tier answers that the policy does not name, or the key is refused.
    """
    if target.probe is None or target.kind != "litellm" or not routes:
        return ()
    key = probe_key(target)
    wait = float(target.reload.timeout_s) if target.reload else READY_S if target.mode == "git" else 0.0
    _wait_until_ready(target, target.probe)
    until = time.monotonic() + wait
    lines = []
    for route in routes:
        for group, legs in route.groups.items():
            allowed = {f"{GROUP}{group}#{leg.label}" for leg in legs}
            said = _ask_until(target.probe, f"{GROUP}{group}", key, allowed, until)
            if said.unknown_route and target.mode == "file" and target.reload is None:
                lines.append(f"{group}: not there yet, for nothing told the gateway to reload")
                continue
            if said.status != 200:
                raise OutlayError(f"{target.name}: {said.why(f'{GROUP}{group}')}")
            if said.served not in allowed:
                raise OutlayError(
                    f"{target.name}: {group} was answered by {said.served!r}, expected one of {sorted(allowed)}"
                )
            lines.append(f"{group}: served by {said.served.rpartition('#')[2]}")
    return tuple(lines)


def denied_before(target: Target, groups: Iterable[str]) -> tuple[list[str], list[str]]:
    """(findings, notes): which groups that are not there yet the probe's key could not call.

    Asked of the gateway as it runs now; a gateway that doesn't answer is a note, not a finding.
    """
    if target.probe is None or target.kind != "litellm":
        return [], []
    key = probe_key(target)
    findings: list[str] = []
    for group in groups:
        try:
            said = _ask(target.probe, f"{GROUP}{group}", key)
        except OutlayError:
            return findings, [f"the gateway at {mask(target.probe.url)} does not answer, so no key was tried"]
        if said.status in (401, 403):
            findings.append(said.why(f"{GROUP}{group}"))
            if not said.refused_key:
                break
    return findings, []


def _ask_until(probe: Probe, model: str, key: str | None, allowed: set[str], until: float) -> Said:
    while True:
        try:
            said = _ask(probe, model, key)
        except OutlayError:
            if time.monotonic() >= until:
                raise
            said = Said(status=503)
        if said.served in allowed or said.status in (401, 403) or time.monotonic() >= until:
            return said
        time.sleep(AGAIN_S)


def _wait_until_ready(target: Target, probe: Probe) -> None:
    wait = float(target.reload.timeout_s) if target.reload else READY_S
    until = time.monotonic() + wait
    while True:
        try:
            with fetch(probe.url, "health/readiness", None, timeout=5.0) as answer:
                if answer.status == 200:
                    return
        except (OSError, urllib.error.URLError):
            pass
        if time.monotonic() >= until:
            raise OutlayError(f"{target.name}: the gateway at {mask(probe.url)} was not ready within {wait:.0f} s")
        time.sleep(AGAIN_S)


def _ask(probe: Probe, model: str, key: str | None) -> Said:
    body = {"model": model, "messages": [{"role": "user", "content": "ping"}], "max_tokens": 1}
    try:
        with fetch(probe.url, "v1/chat/completions", key, body) as answer:
            return Said(served=answer.headers.get("x-litellm-model-id") or "")
    except urllib.error.HTTPError as error:
        with error:
            kind, message = _error(error.read(64 * 1024))
            return Said(status=error.code, kind=kind, message=message)
    except (OSError, urllib.error.URLError) as error:
        raise OutlayError(f"{model}: the gateway did not answer ({type(error).__name__})") from None


def _error(content: bytes) -> tuple[str, str]:
    try:
        error = json.loads(content)["error"]
        return str(error.get("type") or ""), str(error.get("message") or "")
    except (ValueError, KeyError, TypeError, AttributeError):
        return "", ""


def fetch(url: str, path: str, key: str | None, body: Any = None, timeout: float = ANSWER_S) -> Any:
    """One request to the gateway; raises OSError and its kin, UsageError for an address that is no http(s)."""
    if urlsplit(url).scheme not in ("http", "https"):
        raise UsageError("outlay.yaml: routing.targets: probe.url: expected an http or https address")
    request = urllib.request.Request(
        f"{url.rstrip('/')}/{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"content-type": "application/json", **({"authorization": f"Bearer {key}"} if key else {})},
    )
    local = urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")
    opener = urllib.request.build_opener(*([urllib.request.ProxyHandler({})] if local else []))
    return opener.open(request, timeout=timeout)
