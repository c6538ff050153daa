"""What a plan would meet: keys that could not call what is new, and how long its rollout takes at present volume."""

from __future__ import annotations

from typing import Any

from pipelines.routing.gateway_keys import lacking
from pipelines.routing.history import History
from pipelines.routing.policy import Policy, PolicyFile
from pipelines.routing.policy_text import parse_policy
from pipelines.routing.rendering import Loaded, Rendered
from pipelines.routing.smoke import denied_before
from pipelines.routing.units import drawn, snippet
from pipelines.routing.volume import forecast, volumes
from pipelines.workspace.errors import UsageError


def who_lacks(item: Rendered, file: PolicyFile, history: History) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(findings, notes): who could not call what is new, as the running gateway says."""
    live = parse_policy(history.live["policy_text"], "live policy").policy.groups if history.live else {}
    new = [group for group in file.policy.groups if group not in live]
    try:
        denied, notes = denied_before(item.target, new)
        listed, more = ([], []) if notes else lacking(item.target, list(file.policy.groups))
    except UsageError as error:  # a key that this shell doesn't hold: apply would refuse, a dry run only says so
        return (), (str(error),)
    return (*denied, *listed), (*notes, *more)


def rollout_of(loaded: Loaded, file: PolicyFile) -> tuple[tuple[dict[str, Any], ...], dict[str, str]]:
    """What each step takes at present volume, and the client's lines where units are, or should be, drawn."""
    found = volumes(loaded.root, {route.key for route in file.policy.by_stratum})
    canaries = [route for route in file.policy.routes if route.canary is not None and route.key in found]
    rollout = tuple(forecast(route, found[route.key]) for route in canaries)
    percent = drawn(file.policy) | {
        route.key: route.canary.percent for route in canaries if route.canary and found[route.key].several_calls
    }
    return rollout, _snippets(loaded, percent, file.policy)


def clients_of(loaded: Loaded, live: Policy) -> dict[str, str]:
    """Kind of gateway -> the lines that draw units as the live policy says, or tell strata; none where neither is."""
    return _snippets(loaded, drawn(live), live)


def _snippets(loaded: Loaded, percent: dict[str, int], policy: Policy) -> dict[str, str]:
    kinds = dict.fromkeys(target.kind for target in loaded.config.routing.targets)
    strata = [route.key for route in policy.by_stratum]
    return {kind: snippet(percent, policy.version, kind, strata) for kind in kinds} if percent or strata else {}
