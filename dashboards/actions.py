"""What the dashboard can change, through the very functions that the command line calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from pipelines.change.acknowledge import acknowledge
from pipelines.routing import loop
from pipelines.routing.loop import Answer
from pipelines.workspace.load import Loaded

SIGNED_IN, DECLARED = "signed in", "declared"


def signed_in() -> str | None:
    """The e-mail of who is logged in; None without login, where the approver's name is a declaration."""
    return str(st.user["email"]) if st.user.get("is_logged_in") else None


def plan(
    loaded: Loaded, recommendations: Mapping[str, Any], only: Sequence[str] | None = None, *, probe: bool = False
) -> Answer:
    return loop.route_plan(loaded, recommendations, only=only, probe=probe)


def approve_and_apply(
    loaded: Loaded, recommendations: Mapping[str, Any], *, by: str, only: Sequence[str] | None, seen: str
) -> str:
    """`outlay route approve` of the plan that was seen, then `outlay route apply`; says what was done. Raises OutlayError."""
    mail = signed_in()
    approved = loop.route_approve(
        loaded, recommendations, by=mail or by, only=only, seen=seen, identity=SIGNED_IN if mail else DECLARED
    ).document
    applied = loop.route_apply(loaded, recommendations)
    return f"Version {approved['version']} approved by {approved['by']} (audit row {approved['audit_row']}).\n{applied.text}"


def apply(loaded: Loaded, recommendations: Mapping[str, Any]) -> Answer:
    """`outlay route apply` of what is approved already."""
    return loop.route_apply(loaded, recommendations)


def status(loaded: Loaded) -> Answer:
    return loop.route_status(loaded)


def accept_alarm(loaded: Loaded, alarm: str, *, by: str, reason: str, rebase: bool) -> str:
    """`outlay acknowledge` of one open alarm; says what was recorded. Raises OutlayError."""
    return acknowledge(loaded, alarm, signed_in() or by, reason, rebase).text
