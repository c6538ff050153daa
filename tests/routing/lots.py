"""The lot that a client draws for a unit, written once more: what the client's lines are held to."""

from __future__ import annotations

import hashlib

from pipelines.routing.policy import CANARY_GROUP, Route


def lot(workflow: str, unit_id: str) -> int:
    """0 to 99, evenly spread over units."""
    return int.from_bytes(hashlib.sha256(f"{workflow}/{unit_id}".encode()).digest()[:8], "big") % 100


def group_of(route: Route, unit_id: str) -> str:
    """Which of the route's groups serves the unit: a key of `route.groups`."""
    percent = route.canary.percent if route.canary and route.split == "unit" else 0
    return f"{route.key}{CANARY_GROUP}" if lot(route.match.workflow, unit_id) < percent else route.key
