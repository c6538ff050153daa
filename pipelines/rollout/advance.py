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
from pipelines.rollout.published import seen
from pipelines.rollout.timeline import at
from pipelines.rollout.verdict import Verdict
from pipelines.routing import audit
from pipelines.routing.apply import Applied, apply
from pipelines.routing.change import Change, next_policy
from pipelines.routing.files import locked, replace_bytes
from pipelines.routing.history import History, replay
from pipelines.routing.live import FREE, WORDS, inspect
from pipelines.routing.plan import policy_bytes, policy_path
from pipelines.routing.policy import Canary, PolicyFile, Route, sha256
from pipelines.routing.policy_text import parse_policy, write_policy
from pipelines.routing.rendering import Loaded, render_targets, target_document
from pipelines.routing.rollback import RolledBack, rollback
from pipelines.workspace.errors import OutlayError, UsageError
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


def advance(loaded: Workspace, *, now: datetime, dry_run: bool = False, revert: str | None = None) -> Advanced:
    """One evaluation of every live canary. `revert` takes one route back by hand, whatever its guards say.

    Raises OutlayError when the audit is broken, nothing is published, or the change could not be applied (everything
    is then as before); UsageError for a route to revert that has no canary.
    """
    rows = audit.read(loaded.root)
    told, history = replayed(loaded), replay(rows)
    found = seen(loaded, told, now)
    live = tuple(verdict for verdict in found.verdicts if verdict.trial.ended is None)
    held = _held(loaded, history, told, now)
    if held is None and _waits(loaded, history) and not dry_run:
        return Advanced(live, done=apply(loaded, now=now), notes=("an advance that was interrupted is finished",))
    if held is not None:
        return Advanced(live, held=held, dry_run=dry_run)
    wanted = _forced(live, revert) if revert else live
    moves, back_to, recommended = _moves(loaded, history, wanted, auto=bool(revert))
    made = Advanced(live, None, tuple(moves.values()), back_to, recommended, dry_run=dry_run)
    if dry_run or not (moves or back_to is not None):
        return made
    if back_to is not None:
        reasons = "; ".join(reason for verdict in wanted if verdict.move == "roll back" for reason in verdict.reasons)
        taken = rollback(loaded, now=now, to=back_to, by=BY, reason=reasons or None)
        return Advanced(live, None, made.moves, back_to, recommended, taken)
    done = _write(loaded, history, rows, moves, wanted, found.as_of, now)
    if done is None:
        return Advanced(live, held="another routing change was made meanwhile; the next evaluation sees it")
    return Advanced(live, None, made.moves, None, recommended, done)


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


def _forced(verdicts: Sequence[Verdict], key: str) -> tuple[Verdict, ...]:
    from dataclasses import replace

    for verdict in verdicts:
        if verdict.trial.key == key:
            return (replace(verdict, move="roll back", reasons=("asked for",)),)
    known = ", ".join(verdict.trial.key for verdict in verdicts) or "none"
    raise UsageError(f"--revert: no route {key!r} has been moved to another tier; expected one of: {known}")


def _moves(
    loaded: Workspace, history: History, verdicts: Sequence[Verdict], *, auto: bool
) -> tuple[dict[str, Change], int | None, tuple[str, ...]]:
    """(route -> change, version whose bytes come back, what is recommended). Going back comes before going on."""
    auto = auto or loaded.config.routing.rollback == "auto"
    changes: dict[str, Change] = {}
    recommended = []
    for verdict in verdicts:
        if verdict.move != "roll back":
            continue
        to = way_back(history, verdict)
        if not auto:
            recommended.append(f"{verdict.trial.key}: {command(history, verdict)}")
        elif to is not None:
            old = {verdict.trial.old or "": 100}
            change = Change(
                verdict.trial.key, "rolled back", verdict.trial.route.shares, old, reason="; ".join(verdict.reasons)
            )
            return {verdict.trial.key: change}, to, tuple(recommended)
        else:
            changes[verdict.trial.key] = _change(verdict, "rolled back")
    for verdict in verdicts:
        if verdict.move == "expire":
            changes[verdict.trial.key] = _change(verdict, "expired")
        elif verdict.move == "advance" and not changes.get(verdict.trial.key):
            changes[verdict.trial.key] = _change(verdict, "promoted" if verdict.to == verdict.trial.target else "step")
    return changes, None, tuple(recommended)


def way_back(history: History, verdict: Verdict) -> int | None:
    """The version from before the canary, if its bytes take back this route alone and leave the route its old tier."""
    trial, to = verdict.trial, verdict.trial.before_version
    text, live = history.text_of(to), history.text_of(history.live_version)
    if text is None or live is None or not 0 < to < history.live_version:
        return None
    before = {route.key: route.groups for route in parse_policy(text, f"policy version {to}").policy.routes}
    now = {route.key: route.groups for route in parse_policy(live, "live policy").policy.routes}
    others = {key for key in before.keys() | now.keys() if before.get(key) != now.get(key)}
    was = parse_policy(text, f"policy version {to}").policy.route(trial.key)
    return to if others <= {trial.key} and was is not None and was.shares == {trial.old: 100} else None


def command(history: History, verdict: Verdict) -> str:
    """What a person types to take a route back."""
    to = way_back(history, verdict)
    return (
        f"outlay route rollback --to {to}" if to is not None else f"outlay route advance --revert {verdict.trial.key}"
    )


def _change(verdict: Verdict, kind: str) -> Change:
    trial = verdict.trial
    after = moved(trial.route, verdict)
    evidence = trial.route.evidence
    return Change(
        trial.key, kind, trial.route.shares, after.shares, trial.route.canary.approved if trial.route.canary else None,
        evidence.recommendation_id if evidence else None, reason="; ".join(verdict.reasons) or f"every guard holds at {trial.step.percent} %",
    )  # fmt: skip


def moved(route: Route, verdict: Verdict) -> Route:
    """The route after its move: a larger share, all of it, or back on its old tier."""
    trial, canary = verdict.trial, route.canary
    old = trial.old or route.tier
    if verdict.move == "advance" and canary is not None and verdict.to is not None and verdict.to < 100:
        bigger = Canary(tier=canary.tier, percent=verdict.to, up_to=canary.up_to, hold_back=canary.hold_back)
        return route.model_copy(update={"canary": bigger})
    tier = trial.new if verdict.move == "advance" else old
    other = old if verdict.move == "advance" else None
    fallback = tuple(dict.fromkeys(t for t in ((other,) if other else ()) + route.fallback if t != tier))
    return route.model_copy(update={"tier": tier, "canary": None, "fallback": fallback, "expires_at": None})


def _write(
    loaded: Workspace, history: History, rows: Sequence[Mapping[str, Any]], moves: Mapping[str, Change],
    verdicts: Sequence[Verdict], as_of: date, now: datetime,
) -> Applied | None:  # fmt: skip
    """The next version, recorded and applied; None if somebody else changed something since it was decided."""
    assert history.live is not None
    base = parse_policy(history.live["policy_text"], "live policy").policy
    by_key = {verdict.trial.key: verdict for verdict in verdicts}
    routes = tuple(moved(route, by_key[route.key]) if route.key in moves else route for route in base.routes)
    live = (history.live_version, history.live_sha256)
    file = write_policy(next_policy(base, routes, loaded.config, {"as_of": as_of.isoformat()}, live, now))
    with locked(loaded.root):
        if audit.read(loaded.root) != list(rows):
            return None
        _record(loaded, history, file, moves, by_key, now)
    try:
        return apply(loaded, now=now)
    except OutlayError:
        with locked(loaded.root):  # the step is not taken: what was decided is decided anew next time
            if (policy_bytes(loaded) or b"") == file.text.encode():
                replace_bytes(policy_path(loaded), history.live["policy_text"].encode())
        raise


def _record(
    loaded: Loaded, history: History, file: PolicyFile, moves: Mapping[str, Change], verdicts: Mapping[str, Verdict],
    now: datetime,
) -> None:  # fmt: skip
    rendered = render_targets(loaded, file)
    replace_bytes(policy_path(loaded), file.text.encode())
    live = history.live or {}
    under = {key: verdicts[key].trial.approval for key in moves}
    audit.append(
        loaded.root, "advanced", now=now, by=BY, source="advance", policy_id=file.policy.policy_id,
        version=file.policy.version, policy_sha256=file.sha256, parent_sha256=file.policy.parent_sha256, plan_id=None,
        recommendation_ids=list(live.get("recommendation_ids", [])),
        under={key: {"row": row["row"], "by": row["by"], "version": row["version"]} for key, row in under.items()},
        changes=[change.document() for change in moves.values()],
        guards={key: verdicts[key].document() for key in moves},
        targets=[target_document(item) for item in rendered], policy_text=file.text,
    )  # fmt: skip
