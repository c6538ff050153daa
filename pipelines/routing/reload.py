"""Telling a gateway that its file changed, and asking it afterwards who serves the changed routes."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pipelines.routing.credentials import mask
from pipelines.routing.policy import Route
from pipelines.routing.targets.litellm import GROUP
from pipelines.workspace.errors import OutlayError, UsageError
from pipelines.workspace.model import Probe, Target

NOT_RELOADED = "nothing was reloaded: outlay.yaml gives this target no reload command"
ANSWER_S = 30.0  #: seconds that one smoke request may take
READY_S = 60.0  #: seconds that a gateway without a reload timeout has to come back


@dataclass(frozen=True)
class Reloaded:
    target: str
    reloaded: bool
    detail: str
    smoke: tuple[str, ...] = ()  #: one line a route that was asked

    def document(self) -> dict[str, Any]:
        return {
            "target": self.target,
            "reloaded": self.reloaded,
            "detail": self.detail,
            "smoke": list(self.smoke),
        }


def reload(root: Path, target: Target) -> Reloaded:
    """Runs the binding's command (no shell, in the workspace folder); raises OutlayError if it fails or
    hangs.
    """
    if target.reload is None:
        return Reloaded(target.name, False, NOT_RELOADED)
    command = target.reload.command
    started = time.monotonic()
    try:
        process = subprocess.Popen(
            command, cwd=root, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors="replace", start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        raise OutlayError(f"{target.name}: reload command {command[0]!r} can't be started ({error.strerror})") from None
    try:
        output, _ = process.communicate(timeout=target.reload.timeout_s)
    except BaseException as error:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # the group that this call started, children included
        process.communicate()
        if isinstance(error, subprocess.TimeoutExpired):
            raise OutlayError(f"{target.name}: reload command did not end within {target.reload.timeout_s} s") from None
        raise
    if process.returncode != 0:
        said = mask(output.strip(), _referenced_values(target))[-400:]
        raise OutlayError(
            f"{target.name}: reload command ended with status {process.returncode}: {said or 'no output'}"
        )
    return Reloaded(target.name, True, f"reloaded in {time.monotonic() - started:.1f} s")


def _referenced_values(target: Target) -> list[str]:
    """What the environment holds under the names that the binding refers to: never to be shown."""
    names = re.findall(r"os\.environ/([A-Za-z_][A-Za-z0-9_]*)", target.model_dump_json())
    return [os.environ[name] for name in names if os.environ.get(name)]


def probe_key(target: Target, environ: Mapping[str, str] = os.environ) -> str | None:
    """The key that smoke requests carry; raises UsageError before anything is written if it is not set."""
    if target.probe is None or target.probe.key is None:
        return None
    name = target.probe.key.removeprefix("os.environ/")
    if not environ.get(name):
        raise UsageError(
            f"outlay.yaml: routing.targets.{target.name}.probe.key: environment variable {name} is not set"
        )
    return environ[name]


def smoke(target: Target, routes: Sequence[Route]) -> tuple[str, ...]:
    """Asks the live gateway once per changed route; raises OutlayError if a tier answers that the policy
    does not name.

    Costs one output token a route. Only LiteLLM says who served (`x-litellm-model-id`).
    """
    if target.probe is None or target.kind != "litellm" or not routes:
        return ()
    if urlsplit(target.probe.url).scheme not in ("http", "https"):
        raise UsageError(f"outlay.yaml: routing.targets.{target.name}.probe.url: expected an http or https address")
    key = probe_key(target)
    _wait_until_ready(target, target.probe)
    lines = []
    for route in routes:
        allowed = {f"{GROUP}{route.key}#{leg.label}" for leg in route.legs}
        served = _ask(target.probe, f"{GROUP}{route.key}", key)
        if served not in allowed:
            raise OutlayError(
                f"{target.name}: {route.key} was answered by {served!r}, expected one of {sorted(allowed)}"
            )
        lines.append(f"{route.key}: served by {served.rpartition('#')[2]}")
    return tuple(lines)


def _wait_until_ready(target: Target, probe: Probe) -> None:
    wait = float(target.reload.timeout_s) if target.reload else READY_S
    until = time.monotonic() + wait
    while True:
        try:
            with _open(urllib.request.Request(f"{probe.url.rstrip('/')}/health/readiness"), 5.0) as answer:
                if answer.status == 200:
                    return
        except (OSError, urllib.error.URLError):
            pass
        if time.monotonic() >= until:
            raise OutlayError(f"{target.name}: the gateway at {mask(probe.url)} was not ready within {wait:.0f} s")
        time.sleep(0.2)


def _ask(probe: Probe, model: str, key: str | None) -> str:
    body = {"model": model, "messages": [{"role": "user", "content": "ping"}], "max_tokens": 1}
    request = urllib.request.Request(
        f"{probe.url.rstrip('/')}/v1/chat/completions",
        data=json.dumps(body).encode(),
        headers={"content-type": "application/json", **({"authorization": f"Bearer {key}"} if key else {})},
    )
    try:
        with _open(request, ANSWER_S) as answer:
            return answer.headers.get("x-litellm-model-id") or ""
    except urllib.error.HTTPError as error:
        with error:
            raise OutlayError(f"{model}: the gateway answered HTTP {error.code}") from None
    except (OSError, urllib.error.URLError) as error:
        raise OutlayError(f"{model}: the gateway did not answer ({type(error).__name__})") from None


def _open(request: urllib.request.Request, timeout: float) -> Any:
    local = urlsplit(request.full_url).hostname in ("127.0.0.1", "localhost", "::1")
    opener = urllib.request.build_opener(*([urllib.request.ProxyHandler({})] if local else []))
    return opener.open(request, timeout=timeout)
