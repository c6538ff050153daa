"""Which routes move, and how: a larger share, all of it, or back on the old tier, byte for byte where that is possible."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pipelines.rollout.verdict import Verdict
from pipelines.routing.change import Change
from pipelines.routing.fallbacks import kept_behind
from pipelines.routing.history import History
from pipelines.routing.policy import Canary, Route
from pipelines.routing.policy_text import parse_policy
from pipelines.workspace.errors import UsageError
from pipelines.workspace.load import Loaded as Workspace


def forced(verdicts: Sequence[Verdict], key: str, by: str | None, reason: str | None) -> tuple[Verdict, ...]:
    """One route that a person takes back. Raises UsageError for one that was never moved."""
    said = ": ".join(filter(None, (f"asked for by {by}" if by else "asked for", reason)))
    for verdict in verdicts:
        if verdict.trial.key == key:
            return (replace(verdict, move="roll back", reasons=(said,)),)
    known = ", ".join(verdict.trial.key for verdict in verdicts) or "none"
    raise UsageError(f"--revert: no route {key!r} has been moved to another tier; expected one of: {known}")


def moves_of(
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
            changes[verdict.trial.key] = _change(loaded, verdict, "rolled back")
    for verdict in verdicts:
        if verdict.move == "expire":
            changes[verdict.trial.key] = _change(loaded, verdict, "expired")
        elif verdict.move == "advance" and not changes.get(verdict.trial.key):
            kind = "promoted" if verdict.to == verdict.trial.target else "step"
            changes[verdict.trial.key] = _change(loaded, verdict, kind)
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


def _change(loaded: Workspace, verdict: Verdict, kind: str) -> Change:
    trial = verdict.trial
    after = moved(trial.route, verdict, loaded)
    evidence = trial.route.evidence
    return Change(
        trial.key, kind, trial.route.shares, after.shares, trial.route.canary.approved if trial.route.canary else None,
        evidence.recommendation_id if evidence else None, reason="; ".join(verdict.reasons) or f"every guard holds at {trial.step.percent} %",
    )  # fmt: skip


def moved(route: Route, verdict: Verdict, loaded: Workspace) -> Route:
    """The route after its move: a larger share, all of it, or back on its old tier; a tier stands behind it after all."""
    trial, canary = verdict.trial, route.canary
    old = trial.old or route.tier
    if verdict.move == "advance" and canary is not None and verdict.to is not None and verdict.to < 100:
        bigger = Canary(tier=canary.tier, percent=verdict.to, up_to=canary.up_to, hold_back=canary.hold_back)
        return route.model_copy(update={"canary": bigger})
    tier = trial.new if verdict.move == "advance" else old
    first = (old,) if verdict.move == "advance" else ()
    fallback = kept_behind(route, tier, first + route.fallback, loaded.config)
    return route.model_copy(update={"tier": tier, "canary": None, "fallback": fallback, "expires_at": None})
