"""What the audit rows add up to: which policy is live, what is approved, and what each target file held when.

Pure: a replay of the rows in their order. Files are told apart by the path that the workspace names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

UNFINISHED = {"apply_started", "rollback_started"}
FINISHED = {"applied", "apply_failed", "rolled_back", "rollback_failed"}


@dataclass
class History:
    live_version: int = 0
    live_sha256: str | None = None  #: of the live policy's text
    approved: Mapping[str, Any] | None = None  #: the approval that waits to be applied
    live: Mapping[str, Any] | None = None  #: the approval of what is live
    unfinished: Mapping[str, Any] | None = None  #: a change that neither ended nor was put back
    pending: Mapping[str, Any] | None = None  #: mode git: a change whose branch waits to be merged
    branches: dict[str, str] = field(default_factory=dict)  #: branch -> the commit that Outlay last left there
    modes: dict[str, str] = field(default_factory=dict)  #: path -> file, git or print, as the last change had it
    files: dict[str, str | None] = field(default_factory=dict)  #: path -> SHA-256 that Outlay left there
    bodies: dict[str, str] = field(default_factory=dict)  #: path -> SHA-256 of the rendered body as last applied
    snapshots: dict[int, dict[str, str | None]] = field(default_factory=dict)  #: version -> path -> SHA-256
    before_outlay: dict[str, str | None] = field(default_factory=dict)  #: path -> SHA-256 found by the first change
    approvals: dict[int, Mapping[str, Any]] = field(default_factory=dict)  #: version -> approval of what was live

    def state_at(self, version: int) -> dict[str, str | None]:
        """SHA-256 of every file known now as it was while `version` was live (None = there was no file)."""
        snapshot = self.snapshots.get(version, {})
        return {path: snapshot.get(path, self.before_outlay[path]) for path in self.files}

    def text_of(self, version: int) -> str | None:
        approval = self.approvals.get(version)
        return approval["policy_text"] if approval else None


def replay(rows: Sequence[Mapping[str, Any]]) -> History:
    history = History()
    for row in rows:
        event = row["event"]
        if event in UNFINISHED:
            history.unfinished = row
        elif event in FINISHED:
            history.unfinished = None
        if event in ("approved", "advanced", "applied", "rolled_back", "withdrawn"):
            history.pending = None
        if event == "withdrawn" and history.approved is not None and history.approved["event"] == "advanced":
            history.approved = None
        if event == "committed":
            history.pending = row
            history.branches |= {entry["branch"]: entry["commit"] for entry in row["commits"]}
        if event in ("approved", "advanced"):
            history.approved = row
        elif event == "adopted":
            for file in row["files"]:
                _first_seen(history, file["path"], file["sha256"])
                history.files[file["path"]] = file["sha256"]
                history.snapshots.setdefault(history.live_version, {})[file["path"]] = file["sha256"]
        elif event == "applied":
            _applied(history, row)
        elif event == "rolled_back":
            _rolled_back(history, row)
    return history


def _first_seen(history: History, path: str, sha256: str | None) -> None:
    history.before_outlay.setdefault(path, sha256)
    history.files.setdefault(path, sha256)


def _applied(history: History, row: Mapping[str, Any]) -> None:
    for file in row["files"]:
        _first_seen(history, file["path"], file["before_sha256"])
        history.modes[file["path"]] = file.get("mode", "file")
        # What really stood there while the version before was live, hand edits included, is what comes back.
        history.snapshots.setdefault(history.live_version, dict(history.files))[file["path"]] = file["before_sha256"]
        history.files[file["path"]] = file["after_sha256"]
        history.bodies[file["path"]] = file["body_sha256"]
    if history.approved is not None and history.approved["policy_sha256"] == row["policy_sha256"]:
        history.live = history.approved
        history.approved = None
    history.live_version, history.live_sha256 = row["version"], row["policy_sha256"]
    if history.live is not None:
        history.approvals[row["version"]] = history.live
    history.snapshots[row["version"]] = dict(history.files)


def _rolled_back(history: History, row: Mapping[str, Any]) -> None:
    version = row["version"]
    for file in row["files"]:
        if file["kind"] == "target":
            history.files[file["path"]] = file["after_sha256"]
            history.bodies.pop(file["path"], None)
    history.approved = None
    history.live = history.approvals.get(version)
    history.live_version = version
    history.live_sha256 = history.live["policy_sha256"] if history.live else None
    if history.live is not None:
        history.bodies |= {target["path"]: target["body_sha256"] for target in history.live["targets"]}
    history.snapshots[version] = dict(history.files)
