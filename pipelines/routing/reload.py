"""Telling a gateway that its file changed."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.routing.credentials import mask
from pipelines.workspace.errors import OutlayError
from pipelines.workspace.gateway import Target

NOT_RELOADED = "nothing was reloaded: outlay.yaml gives this target no reload command"


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
