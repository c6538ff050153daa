"""`route advance`: the canaries that have earned it get their next share; the harmful and the expired go back.

All that moves goes into one new policy version, within what a person approved, through the same protocol as every
apply: rendered, compared with the live files, swapped, reloaded, tried, or put back. What was decided is a row
`advanced` in the audit, with the guards as they stood. It decides on the published marts and the clock, so it belongs
into the scheduled job, behind the run that published them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from pipelines.rollout.marts import Replay, replayed
from pipelines.rollout.moves import forced, moved, moves_of
from pipelines.rollout.published import seen
from pipelines.rollout.timeline import at
from pipelines.rollout.verdict import Verdict
from pipelines.routing import audit
from pipelines.routing.apply import Applied, apply
from pipelines.routing.change import Change, next_policy
from pipelines.routing.files import locked, replace_bytes
from pipelines.routing.history import History, replay
from pipelines.routing.live import FREE, WORDS, inspect
from pipelines.routing.merged import record_merge
from pipelines.routing.plan import policy_bytes, policy_path
from pipelines.routing.policy import PolicyFile, sha256
from pipelines.routing.policy_text import parse_policy, write_policy
from pipelines.routing.rendering import Loaded, render_targets, target_document
from pipelines.routing.rollback import RolledBack, rollback
from pipelines.workspace.errors import OutlayError
from pipelines.workspace.load import Loaded as Workspace

BY = "outlay"


@dataclass(frozen=True)
class Advanced:
    """`held`: why nothing may move at all. `done`: what was written; None for a dry run or where nothing moved."""

    verdicts: tuple[Verdict, ...]
    held: str | None = None
    moves: tuple[Change, ...] = ()
    back_to: int | None = None  #: the version whose bytes come back
    recommended: tuple[str, ...] = ()
    done: Applied | RolledBack | None = None
    dry_run: bool = False
    notes: tuple[str, ...] = field(default=())

    def document(self) -> dict[str, Any]:
        return {
            "dry_run": self.dry_run, "held": self.held, "moved": [change.document() for change in self.moves],
            "back_to": self.back_to, "recommended": list(self.recommended),
            "routes": [verdict.document() for verdict in self.verdicts],
            "done": self.done.document() if self.done else None, "notes": list(self.notes),
        }  # fmt: skip


def advance(
    loaded: Workspace, *, now: datetime, dry_run: bool = False, revert: str | None = None, by: str | None = None,
    reason: str | None = None,
) -> Advanced:  # fmt: skip
    """One evaluation of every live canary. `revert` takes one route back by hand, whatever its guards say; `by` and
    `reason` are recorded with it.

    Raises OutlayError when the audit is broken, nothing is published, or the change could not be applied (everything
    is then as before); UsageError for a route to revert that has no canary.
    """
    rows = audit.read(loaded.root)
    told, history = replayed(loaded), replay(rows)
    found = seen(loaded, told, now)
    live = tuple(verdict for verdict in found.verdicts if verdict.trial.ended is None)
    if not dry_run and (taken := record_merge(loaded, history, now)):
        return Advanced(live, done=taken, notes=("a merge was found and is recorded; the next evaluation goes on",))
    held = _held(loaded, history, told, now)
    if held is None and _waits(loaded, history):
        waited = _waiting(loaded, history, live, now, dry_run=dry_run)
        if waited is not None:
            return waited
    if held is not None:
        return Advanced(live, held=held, dry_run=dry_run)
    wanted = forced(live, revert, by, reason) if revert else live
    moves, back_to, recommended = moves_of(loaded, history, wanted, auto=bool(revert))
    made = Advanced(live, None, tuple(moves.values()), back_to, recommended, dry_run=dry_run)
    if dry_run or not (moves or back_to is not None):
        return made
    if back_to is not None:
        reasons = "; ".join(reason for verdict in wanted if verdict.move == "roll back" for reason in verdict.reasons)
        taken = rollback(loaded, now=now, to=back_to, by=by or BY, reason=reasons or None)
        return Advanced(live, None, made.moves, back_to, recommended, taken)
    done = _write(loaded, history, rows, moves, wanted, found.as_of, now, by or BY)
    if done is None:
        return Advanced(live, held="another routing change was made meanwhile; the next evaluation sees it")
    return Advanced(live, None, made.moves, None, recommended, done)


def _waiting(
    loaded: Workspace, history: History, live: tuple[Verdict, ...], now: datetime, *, dry_run: bool
) -> Advanced | None:
    """A step that was decided and is not live: a crash left it, or its merge is to come. None: it is given up.

    It goes on unless a guard fails by now: then it is not what the records say any more.
    """
    assert history.approved is not None
    version, pending = history.approved["version"], history.pending is not None
    harmed = [verdict for verdict in live if verdict.move == "roll back"]
    if harmed and pending:
        reason = "; ".join(f"{verdict.trial.key}: {reason}" for verdict in harmed for reason in verdict.reasons)
        if loaded.config.routing.rollback == "auto" and not dry_run:
            return Advanced(live, done=rollback(loaded, now=now, by=BY, reason=reason))
        said = f"version {version} waits for its merge and a guard fails by now: do not merge it"
        return Advanced(
            live,
            held=said,
            recommended=(f"outlay route rollback gives version {version} up: {reason}",),
            dry_run=dry_run,
        )
    if dry_run:
        what = (
            "waits for its merge" if pending else "was decided and interrupted: the next outlay route advance ends it"
        )
        return Advanced(live, held=f"version {version} {what}", dry_run=True)
    if harmed:
        with locked(loaded.root):
            replace_bytes(policy_path(loaded), (history.live or {})["policy_text"].encode())
        return None
    notes = () if pending else ("an advance that was interrupted is finished",)
    return Advanced(live, done=apply(loaded, now=now), notes=notes)


def _held(loaded: Workspace, history: History, told: Replay, now: datetime) -> str | None:
    """What stands in the way of any move."""
    if history.live is None:
        return "no policy is live"
    if not loaded.config.routing.targets:
        return "outlay.yaml names no routing.targets"
    if history.unfinished is not None:
        return "a change was interrupted: outlay route apply (or rollback) puts it back first"
    if history.pending is not None and history.pending["change"] == "rollback":
        return "a rollback waits for its merge"
    if history.approved is not None and not _waits(loaded, history):
        waiting = policy_bytes(loaded)
        if waiting is not None and sha256(waiting) == history.approved["policy_sha256"]:
            return f"version {history.approved['version']} is approved by {history.approved['by']} and not applied"
    content = policy_bytes(loaded)
    known = {history.live_sha256, history.approved["policy_sha256"] if history.approved else None}
    if content is None or sha256(content) not in known:
        return f"{loaded.config.routing.policy} is edited and not approved"
    governing = at(told.line, now)
    if governing is None or governing.version != history.live_version:
        return f"version {history.live_version} is not in force yet"
    for target in loaded.config.routing.targets:
        state = inspect(loaded, history, target).state
        if state not in FREE:
            return f"{target.path}: {WORDS[state]}"
    return None


def _waits(loaded: Workspace, history: History) -> bool:
    """An advance that a crash, or a merge that is still to come, left unapplied."""
    approved, content = history.approved, policy_bytes(loaded)
    if approved is None or approved["event"] != "advanced" or content is None:
        return False
    return sha256(content) == approved["policy_sha256"]


def _write(
    loaded: Workspace, history: History, rows: Sequence[Mapping[str, Any]], moves: Mapping[str, Change],
    verdicts: Sequence[Verdict], as_of: date, now: datetime, by: str,
) -> Applied | None:  # fmt: skip
    """The next version, recorded and applied; None if somebody else changed something since it was decided."""
    assert history.live is not None
    base = parse_policy(history.live["policy_text"], "live policy").policy
    by_key = {verdict.trial.key: verdict for verdict in verdicts}
    routes = tuple(moved(r, by_key[r.key], loaded) if r.key in moves else r for r in base.routes)
    live = (history.live_version, history.live_sha256)
    file = write_policy(next_policy(base, routes, loaded.config, {"as_of": as_of.isoformat()}, live, now))
    with locked(loaded.root):
        if audit.read(loaded.root) != list(rows):
            return None
        _record(loaded, history, file, moves, by_key, now, by)
    try:
        return apply(loaded, now=now)
    except OutlayError:
        with locked(loaded.root):  # the step is not taken: what was decided is decided anew next time
            if (policy_bytes(loaded) or b"") == file.text.encode():
                replace_bytes(policy_path(loaded), history.live["policy_text"].encode())
        raise


def _record(
    loaded: Loaded, history: History, file: PolicyFile, moves: Mapping[str, Change], verdicts: Mapping[str, Verdict],
    now: datetime, by: str,
) -> None:  # fmt: skip
    rendered = render_targets(loaded, file)
    replace_bytes(policy_path(loaded), file.text.encode())
    live = history.live or {}
    under = {key: verdicts[key].trial.approval for key in moves}
    audit.append(
        loaded.root, "advanced", now=now, by=by, source="advance", policy_id=file.policy.policy_id,
        version=file.policy.version, policy_sha256=file.sha256, parent_sha256=file.policy.parent_sha256, plan_id=None,
        recommendation_ids=list(live.get("recommendation_ids", [])),
        under={key: {"row": row["row"], "by": row["by"], "version": row["version"]} for key, row in under.items()},
        changes=[change.document() for change in moves.values()],
        guards={key: verdicts[key].document() for key in moves},
        targets=[target_document(item) for item in rendered], policy_text=file.text,
    )  # fmt: skip
