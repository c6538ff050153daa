"""decisions.jsonl: one schema, checked line by line."""

from __future__ import annotations

import json

import pytest

from pipelines.console.checks import check_workspace
from pipelines.workspace.decisions import read_decisions
from pipelines.workspace.errors import UsageError
from tests.workspaces import Bench

GOOD = {
    "at": "2026-11-09T08:00:00Z", "by": "finops-lead", "kind": "acknowledge", "workflow": "review", "alarm": "drift",
    "detected_day": "2026-11-03", "reason": "longer contracts since the merger",
}  # fmt: skip


def test_a_decision_is_read_back_with_the_time_from_which_it_holds(bench: Bench):
    later = {**GOOD, "at": "2026-11-10T08:00:00Z", "kind": "rebase", "effective_at": "2026-11-01T00:00:00Z"}
    bench.lines("decisions.jsonl", [GOOD, later])
    first, second = read_decisions(bench.root)
    assert (first.kind, first.alarm, first.holds_from.isoformat()) == (
        "acknowledge",
        "drift",
        "2026-11-09T08:00:00+00:00",
    )
    assert second.holds_from.isoformat() == "2026-11-01T00:00:00+00:00"
    assert check_workspace(bench.loaded)["errors"] == []


def test_a_workspace_without_decisions_has_none(bench: Bench):
    assert read_decisions(bench.root) == []


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('{"at": ', "line 2: not valid JSON"),
        (json.dumps({**GOOD, "mood": "good"}), "line 2:\n  mood: unknown key"),
        (json.dumps({**GOOD, "at": "2026-11-09T08:00:00"}), "line 2:\n  at: Input should have timezone info"),
        (json.dumps({**GOOD, "workflow": None}), "acknowledge needs a workflow"),
        (json.dumps({**GOOD, "kind": "accept"}), "accept needs a recommendation_id"),
        (json.dumps({**GOOD, "at": "2026-11-08T08:00:00Z"}), "line 2: older than the line before it"),
    ],
)
def test_a_line_that_is_no_decision_is_refused_with_its_number(bench: Bench, line, says):
    bench.lines("decisions.jsonl", [GOOD, line])
    with pytest.raises(UsageError, match=says.replace("(", r"\(")):
        read_decisions(bench.root)
    assert any(says in error for error in check_workspace(bench.loaded)["errors"])
