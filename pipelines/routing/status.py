"""What is live, what waits, and whether anybody changed it behind Outlay's back. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pipelines.routing import audit
from pipelines.routing.history import History, replay
from pipelines.routing.live import FREE, WORDS, LiveFile, inspect
from pipelines.routing.outlook import clients_of
from pipelines.routing.plan import policy_bytes
from pipelines.routing.policy import Policy, sha256
from pipelines.routing.policy_text import parse_policy
from pipelines.routing.rendering import Loaded
from pipelines.routing.targets import renderer
from pipelines.workspace.decisions import read_decisions
from pipelines.workspace.errors import OutlayError


@dataclass(frozen=True)
class Status:
    document: dict[str, Any]

    @property
    def in_order(self) -> bool:
        """Nothing was edited, nothing is half done, and the audit chain holds."""
        d = self.document
        return d["audit"]["broken"] is None and not d["interrupted"] and all(t["in_order"] for t in d["targets"])


def status(loaded: Loaded) -> Status:
    rows, broken = audit.examine(loaded.root)
    history = replay(rows)
    live = parse_policy(history.live["policy_text"], "live policy").policy if history.live else None
    approved = history.approved
    modes = {t.path: t.mode for t in loaded.config.routing.targets if history.live_version and t.path in history.files}
    return Status(
        {
            "policy_id": live.policy_id if live else None,
            "live_version": history.live_version,
            "live_policy_sha256": history.live_sha256,
            "live_in": [path for path, mode in modes.items() if mode != "print"],
            "printed_for": [path for path, mode in modes.items() if mode == "print"],
            "approved_version": approved["version"] if approved else None,
            "approved_by": approved["by"] if approved else None,
            "policy_file": _policy_file(loaded, history),
            "pending": _pending(history),
            "interrupted": history.unfinished["event"] if history.unfinished else None,
            "audit": {"rows": len(rows), "broken": str(broken) if broken else None},
            "targets": [_target(loaded, history, target, live) for target in loaded.config.routing.targets],
            "routes": [_route(route) for route in live.routes] if live else [],
            "clients": clients_of(loaded, live) if live else {},
        }
    )


def live_policy(loaded: Loaded) -> Policy | None:
    """The policy that the last apply or rollback put in force; raises OutlayError for a broken audit file."""
    history = replay(audit.read(loaded.root))
    return parse_policy(history.live["policy_text"], "live policy").policy if history.live else None


def recorded_references(loaded: Loaded) -> dict[tuple[str, str], str]:
    """(workflow, task type) -> the model that a live route was measured against when it was approved.

    One that somebody gave up since (`outlay acknowledge WORKFLOW/TASK_TYPE`) is not among them, until another
    recommendation is approved for the route.
    """
    policy = live_policy(loaded)
    given_up = {
        (d.workflow, d.task_type): d.holds_from
        for d in read_decisions(loaded.root)
        if d.kind == "rebase" and d.task_type is not None
    }
    held: dict[tuple[str, str], str] = {}
    for route in policy.routes if policy else ():
        key = (route.match.workflow, route.match.task_type)
        reference = route.evidence.reference_model if route.evidence is not None else None
        if reference is not None and (key not in given_up or given_up[key] < _recorded_at(loaded, route)):
            held[key] = reference
    return held


def _recorded_at(loaded: Loaded, route: Any) -> datetime:
    """When a policy was first approved that held this route with this evidence."""
    for row in audit.read(loaded.root):
        if row["event"] != "approved":
            continue
        policy = parse_policy(row["policy_text"], f"approved policy {row['version']}").policy
        for other in policy.routes:
            if other.key == route.key and other.evidence is not None:
                same = (other.evidence.recommendation_id, other.evidence.reference_model)
                if same == (route.evidence.recommendation_id, route.evidence.reference_model):
                    return datetime.fromisoformat(row["at"])
    return datetime.max.replace(tzinfo=UTC)


def _policy_file(loaded: Loaded, history: History) -> str:
    content = policy_bytes(loaded)
    if content is None:
        return "absent"
    digest = sha256(content)
    if digest == history.live_sha256:
        return "live"
    if history.approved is not None and digest == history.approved["policy_sha256"]:
        return "approved, not applied"
    return "edited, not approved"


def _pending(history: History) -> dict[str, Any] | None:
    """Mode git: the change that waits for its merge."""
    if history.pending is None:
        return None
    row = history.pending
    commits = [{**commit} for commit in row["commits"]]
    said = ", ".join(f"{c['branch']} ({c['commit'][:12]}) into {c['target_branch']}" for c in commits)
    what = "version" if row["change"] == "apply" else "back to version"
    return {
        "change": row["change"], "version": row["version"], "commits": commits, "says": f"{what} {row['version']}, {said}"
    }  # fmt: skip


def _target(loaded: Loaded, history: History, target: Any, policy: Policy | None) -> dict[str, Any]:
    try:
        live = inspect(loaded, history, target)
    except OutlayError as error:
        return {
            "name": target.name,
            "kind": target.kind,
            "path": target.path,
            "mode": target.mode,
            "state": "unreadable",
            "says": str(error),
            "applied_version": None,
            "header_version": None,
            "differences": [],
            "in_order": False,
        }
    compared = live.content is not None and policy is not None and live.state != "merged"
    differences = _differences(live, policy) if compared and policy else []
    return {
        "name": target.name,
        "kind": target.kind,
        "path": target.path,
        "mode": target.mode,
        "state": live.state,
        "says": WORDS[live.state],
        "applied_version": (history.live_version or None) if target.path in history.files else None,
        "header_version": live.header.version if live.header else None,
        "differences": differences,
        "in_order": live.state in FREE and not differences,
    }


def _differences(live: LiveFile, policy: Policy) -> list[str]:
    """What the live file does that the live policy does not say, route by route."""
    if live.state == "empty":
        return []
    try:
        found = renderer(live.target).parse(live.text)
    except ValueError as error:
        return [str(error)]
    wanted = policy.groups
    said = []
    for key in sorted(found.keys() | wanted.keys()):
        if found.get(key) != wanted.get(key):
            said.append(f"{key}: the file says {_legs(found.get(key))}, the policy {_legs(wanted.get(key))}")
    return said


def _legs(legs: Any) -> str:
    return ", ".join(f"{leg.label} {leg.weight}" for leg in legs) if legs else "nothing"


def _route(route: Any) -> dict[str, Any]:
    return {
        "route": route.key,
        "declared": route.shares,
        "split": route.split,
        "approved_share": route.canary.approved if route.canary else None,
        "fallback": list(route.fallback),
        "locked": route.locked,
        "reason": route.reason,
    }
