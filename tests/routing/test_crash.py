"""A process that dies in the middle of a change leaves a workspace that the next apply or rollback puts
right.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.routing import audit
from pipelines.routing.loop import route_apply, route_approve, route_plan, route_rollback, route_status
from pipelines.workspace.errors import OutlayError
from tests.routing.workspaces import (
    FILE,
    NOW,
    advice,
    by_hand,
    go_live,
    live,
    policy_bytes,
    rows,
    target,
    workspace,
)

OTHER = "gateway/second.yaml"
TARGETS = (target("first"), target("second", OTHER))
REPO = Path(__file__).parents[2]

#: Runs one verb and dies, as by a power cut, at the n-th thing that reaches the disk.
DIES = """
import os, sys
from pathlib import Path
from pipelines.routing.loop import route_apply, route_rollback
from tests.routing.workspaces import NOW, workspace
from tests.routing.test_crash import TARGETS

verb, point = sys.argv[2], int(sys.argv[3])
done, fsync = 0, os.fsync
def counted(handle):
    global done
    done += 1
    if done == point:
        os._exit(77)
    fsync(handle)
os.fsync = counted
loaded = workspace(Path(sys.argv[1]), *TARGETS)
{"apply": route_apply, "rollback": route_rollback}[verb](loaded, now=NOW)
print(done)
"""
POINTS = range(1, 40) if os.environ.get("OUTLAY_FULL") == "1" else (4, 9, 12)


def run(root: Path, verb: str, point: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", DIES, str(root), verb, str(point)],
        cwd=REPO,
        capture_output=True,
        text=True,
        timeout=60,
    )


def state(loaded):
    return {name: live(loaded, name) for name in (FILE, OTHER)}, policy_bytes(loaded)


def crash_the_reload(root: Path, version: str):
    """A workspace whose gateway reload kills the process that asked for it."""
    killer = f"grep -q '{version}' {FILE} || exit 0; kill -9 $PPID"
    return workspace(root, target(reload={"command": ["sh", "-c", killer], "timeout_s": 20}))


def apply_in_a_process(root: Path, version: str) -> int:
    code = (
        "import sys; from pathlib import Path; from pipelines.routing.loop import route_apply; "
        "from tests.routing.test_crash import crash_the_reload; from tests.routing.workspaces import NOW; "
        "route_apply(crash_the_reload(Path(sys.argv[1]), sys.argv[2]), now=NOW)"
    )
    return subprocess.run([sys.executable, "-c", code, str(root), version], cwd=REPO, timeout=60).returncode


def test_killed_between_write_and_reload_the_next_apply_completes(tmp_path):
    loaded = workspace(tmp_path)
    go_live(loaded)
    by_hand(loaded, 2)
    route_approve(loaded, advice(), by="finops-lead", now=NOW)
    assert apply_in_a_process(tmp_path, "version=2") == -signal.SIGKILL
    assert b"version=2" in (live(loaded) or b"")
    assert rows(loaded)[-1]["event"] == "apply_started"
    status = route_status(loaded)
    assert status.document["interrupted"] == "apply_started"
    assert status.document["targets"][0]["state"] == "interrupted"
    assert "left by an interrupted change" in route_plan(loaded, advice(), probe=False, now=NOW).text

    reloaded = workspace(tmp_path, target(reload={"command": ["sh", "-c", f"head -c 200 {FILE} >> log.txt"]}))
    said = route_apply(reloaded, now=NOW)
    assert "put back after an interrupted change" in said.text
    assert [row["event"] for row in rows(loaded)[-4:]] == [
        "apply_started",
        "apply_failed",
        "apply_started",
        "applied",
    ]
    assert b"version=2" in (live(loaded) or b"")
    assert (tmp_path / "log.txt").read_text().count("version=") == 2
    assert route_status(loaded).document["in_order"]


def test_killed_between_write_and_reload_a_rollback_puts_the_former_version_back(tmp_path):
    loaded = workspace(tmp_path)
    go_live(loaded)
    before = live(loaded)
    by_hand(loaded, 2)
    route_approve(loaded, advice(), by="finops-lead", now=NOW)
    assert apply_in_a_process(tmp_path, "version=2") == -signal.SIGKILL
    assert route_rollback(loaded, now=NOW).document["status"] == "put back"
    assert live(loaded) == before
    assert route_status(loaded).document["live_version"] == 1
    route_apply(loaded, now=NOW)
    assert b"version=2" in (live(loaded) or b"")


def test_killed_at_the_first_apply_leaves_a_file_that_a_rollback_removes(tmp_path):
    loaded = workspace(tmp_path)
    route_approve(loaded, advice(), by="finops-lead", now=NOW)
    assert apply_in_a_process(tmp_path, "version=1") == -signal.SIGKILL
    assert live(loaded) is not None
    route_rollback(loaded, now=NOW)
    assert live(loaded) is None


def test_a_file_edited_after_the_crash_waits_for_a_persons_word(tmp_path):
    loaded = workspace(tmp_path)
    go_live(loaded)
    by_hand(loaded, 2)
    route_approve(loaded, advice(), by="finops-lead", now=NOW)
    apply_in_a_process(tmp_path, "version=2")
    (tmp_path / FILE).write_text("model_list: [{model_name: mine}]\n")
    with pytest.raises(OutlayError, match=r"edited after a change was interrupted"):
        route_apply(loaded, now=NOW)
    assert live(loaded) == b"model_list: [{model_name: mine}]\n"
    route_apply(loaded, now=NOW, overwrite=True)
    assert b"version=2" in (live(loaded) or b"")


@pytest.mark.slow
@pytest.mark.parametrize("point", POINTS)
def test_wherever_an_apply_dies_the_next_one_ends_as_if_nothing_had_happened(tmp_path, point):
    loaded = workspace(tmp_path, *TARGETS)
    go_live(loaded)
    first = state(loaded)
    by_hand(loaded, 2)
    route_approve(loaded, advice(), by="finops-lead", now=NOW)
    ended = run(tmp_path, "apply", point)
    assert ended.returncode in (0, 77), ended.stderr
    now = state(loaded)[0]
    assert all(text is not None and text.endswith(b'"\n') for text in now.values())
    route_apply(loaded, now=NOW)
    assert all(b" version=2 " in (text or b"") for text in state(loaded)[0].values())
    assert route_status(loaded).document["in_order"]
    route_rollback(loaded, now=NOW)
    assert state(loaded) == first
    assert audit.verify(tmp_path) is None


@pytest.mark.slow
@pytest.mark.parametrize("point", POINTS)
def test_wherever_a_rollback_dies_the_next_one_restores_the_version(tmp_path, point):
    loaded = workspace(tmp_path, *TARGETS)
    go_live(loaded)
    first = state(loaded)
    by_hand(loaded, 2)
    go_live(loaded)
    ended = run(tmp_path, "rollback", point)
    assert ended.returncode in (0, 77), ended.stderr
    if route_status(loaded).document["live_version"] == 2:
        route_rollback(loaded, now=NOW)
    assert state(loaded) == first
    assert route_status(loaded).document["in_order"]
    assert audit.verify(tmp_path) is None


def test_the_points_of_death_reach_past_the_last_write(tmp_path):
    loaded = workspace(tmp_path, *TARGETS)
    route_approve(loaded, advice(), by="finops-lead", now=NOW)
    ended = run(tmp_path, "apply", 999)
    assert ended.returncode == 0
    assert 5 <= json.loads(ended.stdout) < 40
