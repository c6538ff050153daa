"""The login of a workspace in the words of Streamlit, with the secrets that the environment holds."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipelines.workspace.access import LOOPBACK, Login
from pipelines.workspace.errors import OutlayError, UsageError
from pipelines.workspace.load import load_workspace
from pipelines.workspace.model import Workspace

SHORTEST = 32  #: characters of the cookie's secret: with fewer somebody could make a cookie of their own


def secrets(root: Path) -> dict[str, Any] | None:
    """What Streamlit calls secrets: None without a login, and where no workspace file says (the pages say what is wrong)."""
    try:
        login = load_workspace(root).config.access.login
    except UsageError:
        return None
    return None if login is None else {"auth": settings(login, os.environ)}


def settings(login: Login, environment: Mapping[str, str]) -> dict[str, str]:
    """Streamlit's `[auth]`. Raises UsageError naming what is missing, never what it holds."""
    found = {
        key: _value(getattr(login, key), f"access.login.{key}", environment)
        for key in ("client_secret", "cookie_secret")
    }
    if len(found["cookie_secret"]) < SHORTEST:
        raise UsageError(
            f"access.login.cookie_secret: {_name(login.cookie_secret)} holds {len(found['cookie_secret'])} characters, expected "
            f'{SHORTEST} or more: python -c "import secrets; print(secrets.token_urlsafe(48))"'
        )
    return {
        "redirect_uri": f"{login.url}/oauth2callback",
        "server_metadata_url": login.metadata_url,
        "client_id": login.client_id,
        **found,
    }


def ready(config: Workspace, host: str, environment: Mapping[str, str]) -> None:
    """Whether a server may listen on `host`. Raises UsageError: without a login only on this machine; with one, all it needs."""
    login = config.access.login
    if login is None:
        if host not in LOOPBACK:
            raise UsageError(
                f"--host {host}: without a login the dashboard binds 127.0.0.1 only; declare access.login in outlay.yaml, "
                "or leave --host out"
            )
        return
    settings(login, environment)
    if importlib.util.find_spec("authlib") is None:
        raise OutlayError("access.login needs a library that isn't installed: pip install 'outlay[auth]'")


def _value(reference: str, key: str, environment: Mapping[str, str]) -> str:
    if not (found := environment.get(_name(reference), "").strip()):
        raise UsageError(f"{key}: the environment variable {_name(reference)} is not set, expected the secret in it")
    return found


def _name(reference: str) -> str:
    return reference.removeprefix("os.environ/")
