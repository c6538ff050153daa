"""Whatever happens to a workspace, in whatever order: what is published is what an independent ledger says of its files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings

from tests.ledger.test_against_the_reference import differences, said
from tests.reference.stateful import LivingWorkspace, bridge_faults

FULL = bool(os.environ.get("OUTLAY_FULL"))


def compared(root: Path) -> dict[str, Any]:
    found: dict[str, Any] = {**differences(root)}
    if faults := bridge_faults(said(root, "bridge"), said(root, "bridge_detail"), said(root, "daily_cost")):
        found["bridge"] = faults
    return found


LivingWorkspace.compare = staticmethod(compared)
#: a failure is made smaller (minutes of runs) only where there is time
PHASES = (Phase.reuse, Phase.generate, Phase.shrink) if FULL else (Phase.generate,)
LivingWorkspace.TestCase.settings = settings(
    max_examples=150 if FULL else 6, stateful_step_count=40 if FULL else 14, deadline=None, derandomize=not FULL,
    suppress_health_check=list(HealthCheck), phases=PHASES, report_multiple_bugs=False,
)  # fmt: skip
TestLivingWorkspace = pytest.mark.slow(LivingWorkspace.TestCase)
