"""The sample company, run once, and its pages without a browser."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser
from streamlit.testing.v1 import AppTest

from pipelines.run import run_workspace
from pipelines.running import Asked
from pipelines.storage.published import Published, current
from pipelines.workspace.load import load_workspace
from tests.dashboards.browsing import chromium

REPO = Path(__file__).parents[2]
APP = REPO / "dashboards" / "app.py"
Open = Callable[..., AppTest]


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published workspace made from sample_logs. Read only: `copy` is for tests that write."""
    root = tmp_path_factory.mktemp("sample") / "workspace"
    shutil.copytree(REPO / "sample_logs", root)
    run_workspace(load_workspace(root), Asked())
    return root


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def copy(sample: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sample, tmp_path / "workspace"))


@pytest.fixture
def published(sample: Path) -> Published:
    return current(sample)


@pytest.fixture
def show(monkeypatch: pytest.MonkeyPatch) -> Open:
    """Open one page of a workspace, as its address would; `user` is what a login says."""

    def opened(root: Path, page: str = "this_week", user: dict[str, Any] | None = None, **filters: str) -> AppTest:
        monkeypatch.setenv("OUTLAY_WORKSPACE", str(root))
        at = AppTest.from_file(APP, default_timeout=60)
        if user is not None:
            at.user = user
        at.run()
        if page != "this_week":
            at.switch_page(f"views/{page}.py")
        for name, value in filters.items():
            at.query_params[name] = value
        return at.run()

    return opened
