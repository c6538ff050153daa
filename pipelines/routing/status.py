"""What is live, what waits, and whether anybody changed it behind Outlay's back. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pipelines.routing import audit
from pipelines.routing.history import History, replay
from pipelines.routing.live import WORDS, LiveFile, inspect
from pipelines.routing.plan import policy_bytes
from pipelines.routing.policy import Policy, sha256
from pipelines.routing.policy_text import parse_policy
from pipelines.routing.rendering import Loaded
from pipelines.routing.targets import renderer
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
    return Status(
        {
            "policy_id": live.policy_id if live else None,
            "live_version": history.live_version,
            "live_policy_sha256": history.live_sha256,
            "approved_version": approved["version"] if approved else None,
            "approved_by": approved["by"] if approved else None,
            "policy_file": _policy_file(loaded, history),
            "interrupted": history.unfinished["event"] if history.unfinished else None,
            "audit": {"rows": len(rows), "broken": str(broken) if broken else None},
            "targets": [_target(loaded, history, target, live) for target in loaded.config.routing.targets],
            "routes": [_route(route) for route in live.routes] if live else [],
        }
    )


def live_policy(loaded: Loaded) -> Policy | None:
    """The policy that the last apply or rollback put in force; raises OutlayError for a broken audit file."""
    history = replay(audit.read(loaded.root))
    return parse_policy(history.live["policy_text"], "live policy").policy if history.live else None


def recorded_references(loaded: Loaded) -> dict[tuple[str, str], str]:
    """(workflow, task type) -> the model that a live route was measured against when it was approved."""
    policy = live_policy(loaded)
    return {
        (route.match.workflow, route.match.task_type): route.evidence.reference_model
        for route in (policy.routes if policy else ())
        if route.evidence is not None and route.evidence.reference_model is not None
    }


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


def _target(loaded: Loaded, history: History, target: Any, policy: Policy | None) -> dict[str, Any]:
    try:
        live = inspect(loaded, history, target)
    except OutlayError as error:
        return {
            "name": target.name,
            "kind": target.kind,
            "path": target.path,
            "state": "unreadable",
            "says": str(error),
            "applied_version": None,
            "header_version": None,
            "differences": [],
            "in_order": False,
        }
    differences = _differences(live, policy) if live.content is not None and policy is not None else []
    return {
        "name": target.name,
        "kind": target.kind,
        "path": target.path,
        "state": live.state,
        "says": WORDS[live.state],
        "applied_version": (history.live_version or None) if target.path in history.files else None,
        "header_version": live.header.version if live.header else None,
        "differences": differences,
        "in_order": live.state in ("in place", "absent", "empty") and not differences,
    }


def _differences(live: LiveFile, policy: Policy) -> list[str]:
    """What the live file does that the live policy does not say, route by route."""
    if live.state == "empty":
        return []
    try:
        found = renderer(live.target).parse(live.text)
    except ValueError as error:
        return [str(error)]
    wanted = {route.key: route.legs for route in policy.routes}
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
        "approved_share": route.canary.approved if route.canary else None,
        "fallback": list(route.fallback),
        "locked": route.locked,
        "reason": route.reason,
    }
