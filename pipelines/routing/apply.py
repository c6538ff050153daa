"""The approved policy goes live: checked, compared with what stands there, swapped, reloaded, tried, or put
back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pipelines.routing import audit
from pipelines.routing.covered import check_still_wanted, covered
from pipelines.routing.credentials import masked_diff
from pipelines.routing.elsewhere import commit_version, row_of, stood_before
from pipelines.routing.exchange import NotPutBackError, Swap, exchange
from pipelines.routing.files import locked
from pipelines.routing.history import History, replay
from pipelines.routing.live import FREE, WORDS, LiveFile, inspect
from pipelines.routing.merging import Committed, place_of
from pipelines.routing.policy import Policy, PolicyFile, Route
from pipelines.routing.policy_text import parse_policy
from pipelines.routing.recovery import settle
from pipelines.routing.reload import Reloaded
from pipelines.routing.rendering import (
    Loaded,
    Rendered,
    check_bindings,
)
from pipelines.routing.smoke import denied_before, probe_key, smoke
from pipelines.workspace.errors import OutlayError, UsageError

DIFF_LINES = 60


@dataclass(frozen=True)
class Applied:
    """`status`: applied | printed (nothing but texts handed out) | already applied | adopted | pending merge."""

    status: str
    version: int
    policy_sha256: str | None
    files: tuple[str, ...]
    reloads: tuple[Reloaded, ...] = ()
    notes: tuple[str, ...] = ()
    printed: Mapping[str, str] = field(default_factory=dict)  #: mode print: target -> the text to put in place
    commits: tuple[Committed, ...] = ()  #: mode git: what waits to be merged

    def document(self) -> dict[str, Any]:
        return {
            "status": self.status,
            "version": self.version,
            "policy_sha256": self.policy_sha256,
            "files": list(self.files),
            "reloads": [report.document() for report in self.reloads],
            "notes": list(self.notes),
            "printed": dict(self.printed),
            "commits": [
                {"branch": c.branch, "target_branch": c.target_branch, "commit": c.commit} for c in self.commits
            ],
        }


def apply(
    loaded: Loaded,
    *,
    now: datetime,
    recommendations: Mapping[str, Any] | None = None,
    adopt: bool = False,
    overwrite: bool = False,
    effective_at: datetime | None = None,
) -> Applied:
    """Writes what was approved to every target, or nothing. One at a time; applying twice changes nothing.

    With a target in mode git the change first waits on a branch, for all targets; the next call after the merge
    writes the others and records the version as live.

    Raises OutlayError when nothing is approved, the approval no longer covers the bytes, a live file was
    edited, or a write, reload or smoke request failed (everything is then as before); UsageError for an
    invalid binding.
    """
    if adopt and overwrite:
        raise UsageError("--adopt and --overwrite exclude each other: keep the hand-edited file, or replace it")
    check_bindings(loaded)
    with locked(loaded.root):
        notes = settle(loaded, now, keep_edits=adopt or overwrite)
        history = replay(audit.read(loaded.root))
        if history.pending is not None and history.pending["change"] == "rollback":
            raise OutlayError("a rollback waits for its merge: outlay route rollback records it when it is merged")
        lives = {t.path: inspect(loaded, history, t) for t in loaded.config.routing.targets}
        held = [live for live in lives.values() if live.state not in FREE]
        if adopt and held:
            files = [{"path": live.target.path, "sha256": live.sha256, "found": live.state} for live in held]
            audit.append(
                loaded.root,
                "adopted",
                now=now,
                effective_at=effective_at,
                version=history.live_version,
                files=files,
            )
            history = replay(audit.read(loaded.root))
            notes += [f"{live.target.path}: taken as the new base ({WORDS[live.state]})" for live in held]
            adopted, held = held, []
            if history.approved is None:
                names = tuple(live.target.path for live in adopted)
                return Applied("adopted", history.live_version, history.live_sha256, names, notes=tuple(notes))
        file, rendered = covered(loaded, history)
        merged = history.pending is not None and all(
            lives[f["path"]].state == "merged" for f in history.pending["files"] if f["path"] in lives
        )
        if history.approved is not None and recommendations is not None and not merged:
            check_still_wanted(loaded, history, file, recommendations)
        if held and not overwrite:
            raise OutlayError(_refusal(held, rendered))
        chosen = [
            item
            for item in rendered
            if history.approved is not None or item.target.path in {h.target.path for h in held}
        ]
        printed = {item.target.name: item.text for item in rendered if item.target.mode == "print"}
        if not chosen:
            only_printed = bool(printed) and len(printed) == len(rendered)
            return Applied(
                "printed" if only_printed else "already applied",
                history.live_version,
                history.live_sha256,
                (),
                notes=tuple(notes),
                printed=printed,
            )
        _callable(history, file.policy, chosen)
        unmerged = [r for r in chosen if r.target.mode == "git" and lives[r.target.path].content != r.content]
        if unmerged:
            commits = commit_version(loaded, history, file, unmerged, lives, _facts(history, file), now)
            others = [t.path for t in loaded.config.routing.targets if t.mode != "git"]
            if others:
                notes.append(f"{', '.join(others)}: waits for the merge too, nothing was changed there")
            notes.append("after the merge: git pull, then outlay route apply records the version as live")
            names = tuple(item.target.path for item in unmerged)
            version = file.policy.version
            return Applied("pending merge", version, file.sha256, names, notes=tuple(notes), commits=commits)
        return _go_live(loaded, history, file, chosen, lives, now, effective_at, notes)


def _refusal(held: Sequence[LiveFile], rendered: Sequence[Rendered]) -> str:
    texts = {item.target.path: item.text for item in rendered}
    parts = []
    for live in held:
        name = live.target.path
        diff = masked_diff(live.text, texts.get(name, ""), name).splitlines()
        parts.append(f"{name}: {WORDS[live.state]}; nothing was changed\n" + "\n".join(diff[:DIFF_LINES]))
    return "\n".join(parts) + "\n--adopt takes the file as the new base, --overwrite replaces it"


def _callable(history: History, policy: Policy, chosen: Sequence[Rendered]) -> None:
    """Before anything is written: an ordinary key may call what is new. A gateway that is down is asked afterwards."""
    live = parse_policy(history.live["policy_text"], "live policy").policy.groups if history.live else {}
    new = [group for group in policy.groups if group not in live]
    for item in chosen:
        probe_key(item.target)
        findings, _ = denied_before(item.target, new)
        if findings:
            raise OutlayError(f"{item.target.name}: " + "\n".join(findings) + "\nnothing was changed")


def changed_routes(before: Policy | None, after: Policy) -> list[Route]:
    old = {route.key: route.groups for route in before.routes} if before else {}
    return [route for route in after.routes if old.get(route.key) != route.groups]


def _facts(history: History, file: PolicyFile) -> dict[str, Any]:
    approval = history.approved or history.live or {}
    return {
        "policy_id": file.policy.policy_id,
        "version": file.policy.version,
        "policy_sha256": file.sha256,
        "parent_sha256": file.policy.parent_sha256,
        "approved_by": approval.get("by"),
        "plan_id": approval.get("plan_id"),
        "recommendation_ids": approval.get("recommendation_ids", []),
    }


def _go_live(
    loaded: Loaded,
    history: History,
    file: PolicyFile,
    chosen: Sequence[Rendered],
    lives: Mapping[str, LiveFile],
    now: datetime,
    effective_at: datetime | None,
    notes: list[str],
) -> Applied:
    live = parse_policy(history.live["policy_text"], "live policy").policy if history.live else None
    routes = changed_routes(live, file.policy)
    swaps, files, merged = [], [], []
    for item in chosen:
        target, before = item.target, lives[item.target.path].content
        if target.mode == "file":
            swap = Swap(target.path, "target", item.path, before, item.content, history.live_version, target)
            swaps.append(swap)
            files.append({**swap.document(), "body_sha256": item.body_sha256})
            continue
        entry = row_of(target, stood_before(history, target.path), item.file_sha256)
        if target.mode == "git":
            place = place_of(target, item.path)
            merged.append(place)
            entry["commit"] = place.repository.arrived(place.tip, place.path)[0]
        files.append({**entry, "body_sha256": item.body_sha256})
    if effective_at is None and merged and not swaps:
        effective_at = max(place.arrived for place in merged)
    facts: dict[str, Any] = {**_facts(history, file), "files": files}
    diffs = [
        masked_diff(lives[item.target.path].text, item.text, item.target.path)
        for item in chosen
        if item.target.mode == "file"
    ]
    audit.append(loaded.root, "apply_started", now=now, effective_at=effective_at, **facts)
    try:
        reports = exchange(loaded.root, swaps, lambda target: smoke(target, routes), [place.target for place in merged])
    except NotPutBackError:
        raise
    except BaseException as error:
        audit.append(loaded.root, "apply_failed", now=now, version=file.policy.version, result=failure(error))
        raise
    audit.append(
        loaded.root, "applied", now=now, effective_at=effective_at, **facts,
        reloads=[report.document() for report in reports], diff="\n".join(diffs), result="applied",
    )  # fmt: skip
    return Applied(
        "printed" if all(item.target.mode == "print" for item in chosen) else "applied",
        file.policy.version,
        file.sha256,
        tuple(item.target.path for item in chosen),
        tuple(reports),
        tuple(notes),
        {item.target.name: item.text for item in chosen if item.target.mode == "print"},
    )


def failure(error: BaseException) -> str:
    said = str(error).partition("\n")[0] if isinstance(error, OutlayError) else type(error).__name__
    return f"put back: {said}"
