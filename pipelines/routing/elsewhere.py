"""Targets whose files Outlay does not put in place itself: mode `git` (a branch waits to be merged) and mode `print`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pipelines.routing import audit
from pipelines.routing.files import replace_bytes, resolve
from pipelines.routing.history import History
from pipelines.routing.live import LiveFile, inspect
from pipelines.routing.merging import Committed, Place, Wanted, commit_changes, message_of, place_of
from pipelines.routing.plan import policy_bytes, policy_path
from pipelines.routing.policy import PolicyFile, content_sha256
from pipelines.routing.policy_text import parse_policy
from pipelines.routing.rendering import Loaded, Rendered
from pipelines.routing.targets import renderer
from pipelines.workspace.errors import OutlayError
from pipelines.workspace.gateway import Target


def row_of(target: Target, before: str | None, after: str | None) -> dict[str, Any]:
    """What the audit keeps of such a file: SHA-256 before and after, no backup."""
    return {
        "path": target.path, "kind": "target", "mode": target.mode, "target": target.name, "before_sha256": before,
        "after_sha256": after, "backup": None,
    }  # fmt: skip


def stood_before(history: History, path: str) -> str | None:
    """What the last change left there, or what the branch that waits was made from."""
    if path in history.files or history.pending is None:
        return history.files.get(path)
    return next((file["before_sha256"] for file in history.pending["files"] if file["path"] == path), None)


def commit_version(
    loaded: Loaded,
    history: History,
    file: PolicyFile,
    unmerged: Sequence[Rendered],
    lives: Mapping[str, LiveFile],
    facts: Mapping[str, Any],
    now: datetime,
) -> tuple[Committed, ...]:
    """The branch with an approved version, recorded once; everything else of the version waits with it."""
    policy = file.policy
    message = message_of(file, f"Routing policy {policy.policy_id}: version {policy.version}", history.approved or {})
    wanted = [Wanted(place_of(item.target, item.path), item.content) for item in unmerged]
    commits = commit_changes(wanted, f"routing/{policy.policy_id}-v{policy.version}", message, history.branches)
    files = [
        {**row_of(item.target, lives[item.target.path].sha256, item.file_sha256), "body_sha256": item.body_sha256}
        for item in unmerged
    ]
    _record(loaded, history, "apply", commits, files, facts, now)
    return commits


def commit_way_back(
    loaded: Loaded,
    history: History,
    unmerged: Sequence[Wanted],
    facts: Mapping[str, Any],
    files: Sequence[Mapping[str, Any]],
    now: datetime,
) -> tuple[Committed, ...]:
    """The branch that restores an earlier version's bytes, recorded once."""
    policy_id = (history.live or {}).get("policy_id", "outlay")
    to, left = facts["version"], facts["left_version"]
    lines = [f"Routing policy {policy_id}: back from version {left} to {to}", ""]
    lines += [f"{word}: {facts[key]}" for word, key in (("Asked-by", "by"), ("Reason", "reason")) if facts[key]]
    branch = f"routing/{policy_id}-v{to}-from-v{left}"
    commits = commit_changes(unmerged, branch, "\n".join([*lines, ""]), history.branches)
    waiting = {item.place.target.path for item in unmerged}
    rows = [dict(file) for file in files if file["path"] in waiting]
    _record(loaded, history, "rollback", commits, rows, {**facts, "policy_id": policy_id}, now)
    return commits


def _record(
    loaded: Loaded,
    history: History,
    change: str,
    commits: Sequence[Committed],
    files: Sequence[Mapping[str, Any]],
    facts: Mapping[str, Any],
    now: datetime,
) -> None:
    documents = [commit.document(loaded.root) for commit in commits]
    pending = history.pending
    if pending is None or (pending["commits"], pending["files"]) != (documents, list(files)):
        row: dict[str, Any] = {"change": change, **facts, "commits": documents, "files": list(files)}
        audit.append(loaded.root, "committed", now=now, **row)


def withdraw(
    loaded: Loaded,
    history: History,
    pending: Mapping[str, Any],
    now: datetime,
    by: str | None,
    reason: str | None,
    notes: list[str],
) -> tuple[str, ...]:
    """A change on a branch is given up before its merge: nothing was live, so there is nothing to restore.

    The branch stays: it may have been pushed. Raises OutlayError if it is merged already.
    """
    targets = {target.path: target for target in loaded.config.routing.targets}
    for file in pending["files"]:
        if file["path"] in targets and inspect(loaded, history, targets[file["path"]]).state == "merged":
            raise OutlayError(
                f"version {pending['version']} is merged already: outlay route apply records it, then outlay route rollback"
            )
    approved = history.approved
    if approved is not None and approved["event"] == "advanced" and history.live is not None:
        if content_sha256(policy_bytes(loaded)) == approved["policy_sha256"]:  # nobody but `route advance` wrote it
            replace_bytes(policy_path(loaded), history.live["policy_text"].encode())
        notes.append(
            "outlay route advance takes this step again while its guards hold; lock the route in the policy to stop it"
        )
    audit.append(
        loaded.root, "withdrawn", now=now, by=by, reason=reason, version=pending["version"],
        policy_sha256=pending["policy_sha256"], commits=pending["commits"],
    )  # fmt: skip
    notes += [f"branch {c['branch']} is left as it is: delete it, close its pull request" for c in pending["commits"]]
    return tuple(file["path"] for file in pending["files"])


def printed_again(loaded: Loaded, history: History, to: int) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """Mode print: target -> the text of the earlier version, and the rows that the audit keeps.

    Raises OutlayError where the bindings of outlay.yaml no longer make the text that was printed then.
    """
    printed: dict[str, str] = {}
    files: list[dict[str, Any]] = []
    text = history.text_of(to)
    for target in loaded.config.routing.targets:
        if target.mode != "print" or target.path not in history.files:
            continue
        digest = history.state_at(to)[target.path]
        if digest is not None:
            again = renderer(target).render(parse_policy(text or "", f"policy version {to}"), target.models)
            if content_sha256(again.encode()) != digest:
                raise OutlayError(
                    f"{target.path}: the parameters in outlay.yaml changed since version {to}, so its text can't be "
                    "printed again as it was; take it from where you put it"
                )
            printed[target.name] = again
        files.append(row_of(target, history.files[target.path], digest))
    return printed, files


def back_on_branches(
    loaded: Loaded, history: History, to: int, overwrite: bool
) -> tuple[list[Wanted], list[dict[str, Any]], list[Place]]:
    """Mode git: what a branch must still change, the rows that the audit keeps, and where it all is.

    Raises OutlayError where the target branch holds what Outlay did not put there (unless `overwrite`).
    """
    unmerged, files, places = [], [], []
    for target in loaded.config.routing.targets:
        if target.mode != "git" or target.path not in history.files:
            continue
        place = place_of(target, resolve(loaded.root, target.path, f"routing file {target.path}"))
        digest, now = history.state_at(to)[target.path], place.content
        files.append(row_of(target, history.files[target.path], digest))
        places.append(place)
        if content_sha256(now) == digest:
            continue
        if content_sha256(now) != history.files[target.path] and not overwrite:
            raise OutlayError(
                f"{target.path}: branch {place.branch} holds something else than Outlay's version "
                f"{history.live_version}; nothing was changed. --overwrite rolls back all the same"
            )
        after = None if digest is None else place.repository.former(place.tip, place.path, digest)
        unmerged.append(Wanted(place, after))
    return unmerged, files, places
