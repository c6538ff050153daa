"""Public data that tests read where the machine has it: the folder `shared/data` beside the repo, never part of it."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "shared" / "data"


def folder(name: str) -> Path:
    """One data set. Skips the test that asks where it isn't there."""
    found = ROOT / name
    if not found.is_dir():
        pytest.skip(f"public data {name} is not on this machine (expected in {ROOT.parent.name}/{ROOT.name})")
    return found
