"""Service tiers and regions in one spelling: what a price depends on, and nothing else."""

from __future__ import annotations

from typing import Any

from pipelines.sources.values import Reject

_STANDARD = frozenset({"", "default", "standard", "auto", "on_demand", "none"})
_NO_REGION = frozenset({"", "global", "standard", "default", "not_available", "none"})


def service_tier(value: Any) -> str:
    """`standard` for what providers call default or auto; any other tier by its own name, in lower case."""
    if value is None:
        return "standard"
    if type(value) is not str or len(value) > 64:
        raise Reject("service_tier: expected a short text")
    tier = value.lower()
    return "standard" if tier in _STANDARD else tier


def region(value: Any) -> str | None:
    """A region that has a price of its own, None for the standard or global one."""
    if value is None:
        return None
    if type(value) is not str or len(value) > 64:
        raise Reject("region: expected a short text")
    place = value.lower()
    return None if place in _NO_REGION else place
