"""What the dashboard can change, through the very functions that the command line calls.

Every function that changes something begins with `access.acting`: what a page shows is no guard.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from dashboards import access, queries
from pipelines.change.acknowledge import acknowledge
from pipelines.rollout import telling
from pipelines.routing import audit, loop
from pipelines.routing.answer import Answer
from pipelines.routing.approval import approver_named
from pipelines.routing.elsewhere import printed_again
from pipelines.routing.history import replay
from pipelines.storage.published import Published
from pipelines.workspace.load import Loaded

SIGNED_IN, DECLARED = "signed in", "declared"


def signed_in() -> str | None:
    """The e-mail of who is logged in; None without login, where the approver's name is a declaration. Raises Refused."""
    return access.visitor().email


def plan(
    loaded: Loaded, recommendations: Mapping[str, Any], only: Sequence[str] | None = None, *, probe: bool = False
) -> Answer:
    return loop.route_plan(loaded, recommendations, only=only, probe=probe)


def approve_and_apply(
    loaded: Loaded, recommendations: Mapping[str, Any], *, by: str, only: Sequence[str] | None, seen: str
) -> Answer:
    """`outlay route approve` of the plan that was seen, then `outlay route apply`; says what was done. Raises OutlayError."""
    name, proven = access.acting(loaded.config, by)
    approved = loop.route_approve(
        loaded, recommendations, by=name, only=only, seen=seen, identity=SIGNED_IN if proven else DECLARED
    ).document
    applied = loop.route_apply(loaded, recommendations)
    said = f"Version {approved['version']} approved by {approved['by']} (audit row {approved['audit_row']})."
    return replace(applied, text=f"{said}\n{applied.text}")


def apply(loaded: Loaded, recommendations: Mapping[str, Any]) -> Answer:
    """`outlay route apply` of what is approved already."""
    access.acting(loaded.config, None)
    return loop.route_apply(loaded, recommendations)


def rollout(loaded: Loaded, published: Published) -> Answer:
    """`outlay route status`, told from the set that the page shows."""
    return telling.route_status(loaded, published=published, marts=queries.marts(published))


def live_lines(told: Mapping[str, Any]) -> list[str]:
    """What is live and what waits, of a document of `rollout`."""
    return loop.status_lines(told)


def printed(loaded: Loaded) -> dict[str, str]:
    """Target -> the text of the policy in force, of targets in mode print. Raises OutlayError where it can't be made again."""
    history = replay(audit.read(loaded.root))
    return printed_again(loaded, history, history.live_version)[0] if history.live else {}


def roll_back(loaded: Loaded, *, by: str, reason: str, to: int | None = None, route: str | None = None) -> Answer:
    """`outlay route rollback --to`, or `outlay route advance --revert` of one route. Raises OutlayError for who is no
    approver, whatever the page showed.
    """
    name, _ = access.acting(loaded.config, by)
    who = approver_named(loaded, name).name
    if to is None and route is not None:
        return telling.route_advance(loaded, revert=route, by=who, reason=reason)
    return loop.route_rollback(loaded, to=to, by=who, reason=reason)


def accept_alarm(loaded: Loaded, alarm: str, *, by: str, reason: str, rebase: bool) -> str:
    """`outlay acknowledge` of one open alarm; says what was recorded. Raises OutlayError."""
    name, _ = access.acting(loaded.config, by)
    return acknowledge(loaded, alarm, name, reason, rebase).text
