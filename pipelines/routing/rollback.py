"""Back to an earlier version: every target its former bytes, header included, and policy.yaml that
version's text.

Where there was no file before, it is removed. Only the audit rows are new.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pipelines.routing import audit
from pipelines.routing.apply import changed_routes, failure
from pipelines.routing.elsewhere import back_on_branches, commit_way_back, printed_again, withdraw
from pipelines.routing.exchange import NotPutBackError, Swap, backup_path, exchange
from pipelines.routing.files import locked, read_bytes, resolve
from pipelines.routing.history import History, replay
from pipelines.routing.merging import Committed
from pipelines.routing.plan import policy_bytes, policy_path
from pipelines.routing.policy import CANARY_GROUP, Route, sha256
from pipelines.routing.policy_text import parse_policy
from pipelines.routing.recovery import bytes_of, settle
from pipelines.routing.reload import Reloaded
from pipelines.routing.rendering import Loaded, check_bindings
from pipelines.routing.smoke import smoke
from pipelines.workspace.errors import OutlayError, UsageError


@dataclass(frozen=True)
class RolledBack:
    """`status`: rolled back | put back (an interrupted change was undone, and no version left) | pending merge
    (mode git: the way back waits on a branch) | withdrawn (a change that was never merged was given up).
    """

    status: str
    left_version: int
    version: int
    files: tuple[str, ...]
    reloads: tuple[Reloaded, ...] = ()
    notes: tuple[str, ...] = ()
    printed: Mapping[str, str] = field(default_factory=dict)  #: mode print: target -> the text to put in place
    commits: tuple[Committed, ...] = ()

    def document(self) -> dict[str, Any]:
        return {
            "status": self.status,
            "left_version": self.left_version,
            "version": self.version,
            "files": list(self.files),
            "reloads": [report.document() for report in self.reloads],
            "notes": list(self.notes),
            "printed": dict(self.printed),
            "commits": [
                {"branch": c.branch, "target_branch": c.target_branch, "commit": c.commit} for c in self.commits
            ],
        }


def rollback(
    loaded: Loaded,
    *,
    now: datetime,
    to: int | None = None,
    overwrite: bool = False,
    by: str | None = None,
    reason: str | None = None,
    effective_at: datetime | None = None,
) -> RolledBack:
    """Restores version `to` (default: the one before; 0 = before Outlay wrote anything).

    Raises OutlayError when nothing is live, a live file was edited since (unless `overwrite`), a backup is
    gone, or a write or reload failed (everything is then as before); UsageError for a version that was
    never live before.
    """
    check_bindings(loaded)
    with locked(loaded.root):
        interrupted = replay(audit.read(loaded.root)).unfinished
        notes = settle(loaded, now, keep_edits=overwrite)
        history = replay(audit.read(loaded.root))
        if interrupted is not None and interrupted["event"] == "apply_started" and to in (None, history.live_version):
            names = tuple(file["path"] for file in interrupted["files"])
            return RolledBack("put back", interrupted["version"], history.live_version, names, notes=tuple(notes))
        live = history.live_version
        if history.pending is not None and history.pending["change"] == "apply" and to in (None, live):
            names = withdraw(loaded, history, history.pending, now, by, reason, notes)
            return RolledBack("withdrawn", history.pending["version"], live, names, notes=tuple(notes))
        if live == 0:
            raise OutlayError("nothing to roll back: no version of the policy is live")
        to = live - 1 if to is None else to
        if not 0 <= to < live:
            raise UsageError(f"--to: found {to}, expected a version before the live one, 0 to {live - 1}")
        if history.pending is not None and history.pending["change"] == "rollback":
            to = history.pending["version"]
        facts: dict[str, Any] = {
            "by": by,
            "reason": reason,
            "version": to,
            "left_version": live,
            "policy_sha256": sha256(history.text_of(to) or "") if history.text_of(to) else None,
            "left_policy_sha256": history.live_sha256,
        }
        printed, printed_files = printed_again(loaded, history, to)
        unmerged, merged_files, merged = back_on_branches(loaded, history, to, overwrite)
        if unmerged:
            commits = commit_way_back(loaded, history, unmerged, facts, merged_files, now)
            notes.append(
                "after the merge: git pull, then outlay route rollback records it; until then nothing is changed"
            )
            names = tuple(item.place.target.path for item in unmerged)
            return RolledBack("pending merge", live, to, names, notes=tuple(notes), commits=commits)
        swaps = [*_targets(loaded, history, to, overwrite), *_policy(loaded, history, to, notes)]
        routes = _routes(history, to)
        notes += _lost_groups(history, to)
        if effective_at is None and merged and not any(swap.kind == "target" for swap in swaps):
            effective_at = max(place.arrived for place in merged)
        facts["files"] = [*(swap.document() for swap in swaps), *merged_files, *printed_files]
        audit.append(loaded.root, "rollback_started", now=now, effective_at=effective_at, **facts)
        try:
            tried = [place.target for place in merged]
            reports = exchange(loaded.root, swaps, lambda target: smoke(target, routes), tried)
        except NotPutBackError:
            raise
        except BaseException as error:
            audit.append(loaded.root, "rollback_failed", now=now, version=to, result=failure(error))
            raise
        audit.append(
            loaded.root, "rolled_back", now=now, effective_at=effective_at, **facts,
            reloads=[report.document() for report in reports], result="rolled back",
        )  # fmt: skip
        names = (*(s.name for s in swaps), *(file["path"] for file in (*merged_files, *printed_files)))
        return RolledBack("rolled back", live, to, names, tuple(reports), tuple(notes), printed)


def _lost_groups(history: History, to: int) -> list[str]:
    """Groups that clients may still ask for and that the earlier version does not have."""
    now, then = history.text_of(history.live_version), history.text_of(to)
    had = parse_policy(now, "live policy").policy.groups if now else {}
    has = parse_policy(then, f"policy version {to}").policy.groups if then else {}
    lost = sorted(group for group in had.keys() - has.keys() if group.endswith(CANARY_GROUP))
    return [
        f"{group}: gone with this version; clients that still ask for it are refused, set their percent to 0"
        for group in lost
    ]


def _targets(loaded: Loaded, history: History, to: int, overwrite: bool) -> list[Swap]:
    bound = {target.path: target for target in loaded.config.routing.targets}
    swaps = []
    for name, digest in history.state_at(to).items():
        if (bound[name].mode if name in bound else history.modes.get(name, "file")) != "file":
            continue
        path = resolve(loaded.root, name, f"routing file {name}")
        now = read_bytes(path)
        if (sha256(now) if now is not None else None) != history.files[name] and not overwrite:
            raise OutlayError(
                f"{name}: edited since Outlay wrote version {history.live_version}; nothing was changed. "
                "--overwrite rolls back all the same and keeps the edited file as a backup"
            )
        former = (
            now if now is not None and sha256(now) == digest else bytes_of(path, digest, backup_path(path, to).name)
        )
        if former != now:
            swaps.append(Swap(name, "target", path, now, former, history.live_version, bound.get(name)))
    return swaps


def _policy(loaded: Loaded, history: History, to: int, notes: list[str]) -> Sequence[Swap]:
    text = history.text_of(to)
    now, path = policy_bytes(loaded), policy_path(loaded)
    after = text.encode() if text is not None else None
    if now == after:
        return ()
    if now is not None and sha256(now) != history.live_sha256:
        notes.append(
            f"{path.name} held changes that were never applied; they are kept in "
            f"{path.name}.v{history.live_version}.bak"
        )
    return (Swap(loaded.config.routing.policy, "policy", path, now, after, history.live_version),)


def _routes(history: History, to: int) -> list[Route]:
    text, live = history.text_of(to), history.text_of(history.live_version)
    if text is None:
        return []
    before = parse_policy(live, "live policy").policy if live else None
    return changed_routes(before, parse_policy(text, f"policy version {to}").policy)
