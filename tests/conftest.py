"""Fixtures that several parts share."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import settings

from pipelines.run import run_workspace
from pipelines.running import Asked
from pipelines.storage.models import sql_root
from pipelines.workspace.load import load_workspace
from tests.workspaces import Bench

SAMPLE = sql_root().parent / "sample_logs"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """An empty workspace with two declared workflows."""
    return Bench(tmp_path / "ws")


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample company, run once; tests that write work on a copy of it."""
    root = tmp_path_factory.mktemp("sample") / "calder"
    shutil.copytree(SAMPLE, root)
    run_workspace(load_workspace(root), Asked())
    return root


#: CI draws the same examples each time, so that it judges the change and not the draw; elsewhere they are new each time
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """`-n`: a file's tests stay in one process, so that a gateway or a Spark that they share is started once."""
    if getattr(config.option, "dist", "no") == "load":
        config.option.dist = "loadfile"
        config.option.loadscopereorder = False


#: in CI a test of a real part may not skip: chromium, the gateway's engine, Spark and Java are installed there
_REAL = ("browser", "gateway", "spark")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with real parts first, Spark's before all: they take longest, and no process shall wait for one at the end."""
    place: dict[Path, int] = {}
    for item in items:
        marked = (at for at, name in enumerate(reversed(_REAL)) if item.get_closest_marker(name))
        place[item.path] = min(place.get(item.path, len(_REAL)), next(marked, len(_REAL)))
    items.sort(key=lambda item: place[item.path])


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item):
    outcome = yield
    report = outcome.get_result()
    if report.skipped and os.environ.get("CI") and any(item.get_closest_marker(name) for name in _REAL):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} skipped, but CI must run it: {report.longrepr}"
