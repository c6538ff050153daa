"""Whole units instead of single requests: who is in a canary's group, and the lines that a client needs for it.

A gateway draws a lot for each request, so a unit of several calls mixes tiers, and an outcome that both tiers worked
on says nothing about either: of units with three calls, one in 8,000 is served by a canary of 5 % alone. Where a
route says `split: unit`, the client draws instead, once a unit, and asks for one of two groups. The lot is a hash of
the workflow and the unit's id: the same unit is always in the same group, one that a canary serves at 5 % is still
there at 20 %, and the tasks of one unit fall together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pipelines.routing.policy import Policy


def drawn(policy: Policy) -> dict[str, int]:
    """Route -> percent of its units that a canary serves; only of routes whose units are drawn."""
    return {route.key: route.canary.percent if route.canary else 0 for route in policy.routes if route.split == "unit"}


_DRAW = '''\
import hashlib{more}

#: percent of units in the second group, as of policy version {version}; it changes with each step of the rollout
PERCENT = {percent}


def in_canary(workflow: str, task_type: str, unit_id: str) -> bool:
    """All calls of one unit get the same answer, and keep it while the share grows."""
    lot = int.from_bytes(hashlib.sha256(f"{{workflow}}/{{unit_id}}".encode()).digest()[:8], "big") % 100
    return lot < PERCENT.get(f"{{workflow}}/{{task_type}}", 0)
'''

_ASK = {
    "litellm": '''\


def model(workflow: str, task_type: str, unit_id: str) -> str:
    """What to pass as `model`."""
    group = "@canary" if in_canary(workflow, task_type, unit_id) else ""
    return f"route/{workflow}/{task_type}{group}"
''',
    "portkey": '''\


def headers(workflow: str, task_type: str, unit_id: str) -> dict[str, str]:
    """What to send beside `x-portkey-config`."""
    metadata = {"workflow": workflow, "task_type": task_type}
    if in_canary(workflow, task_type, unit_id):
        metadata["group"] = "canary"
    return {"x-portkey-metadata": json.dumps(metadata)}
''',
    "envoy": '''\


def headers(workflow: str, task_type: str, unit_id: str) -> dict[str, str]:
    """What to send with each request."""
    group = {"x-group": "canary"} if in_canary(workflow, task_type, unit_id) else {}
    return {"x-workflow": workflow, "x-task-type": task_type, **group}
''',
    "json": '''\


def group(workflow: str, task_type: str, unit_id: str) -> str | None:
    """Which row of the table: the one with this `group` (none for the plain one)."""
    return "canary" if in_canary(workflow, task_type, unit_id) else None
''',
}

_ROUTE = '''\
#: routes of their own by recorded difficulty; requests of other strata are served as their task type is
BY_STRATUM = {{{strata}}}


def route(workflow: str, task_type: str, stratum: str | None = None) -> str:
    """Which route serves a request, told before the call."""
    own = f"{{workflow}}/{{task_type}}/{{stratum}}"
    return own if own in BY_STRATUM else f"{{workflow}}/{{task_type}}"
'''

_ASK_BY_STRATUM = {
    "litellm": '''\


def model(workflow: str, task_type: str, unit_id: str, stratum: str | None = None) -> str:
    """What to pass as `model`."""
    asked = route(workflow, task_type, stratum)
    group = "@canary" if in_canary(workflow, asked.partition("/")[2], unit_id) else ""
    return f"route/{asked}{group}"
''',
    "portkey": '''\


def headers(workflow: str, task_type: str, unit_id: str, stratum: str | None = None) -> dict[str, str]:
    """What to send beside `x-portkey-config`."""
    names = route(workflow, task_type, stratum).split("/")
    metadata = dict(zip(("workflow", "task_type", "stratum"), names, strict=False))
    if in_canary(workflow, "/".join(names[1:]), unit_id):
        metadata["group"] = "canary"
    return {"x-portkey-metadata": json.dumps(metadata)}
''',
    "envoy": '''\


def headers(workflow: str, task_type: str, unit_id: str, stratum: str | None = None) -> dict[str, str]:
    """What to send with each request."""
    names = route(workflow, task_type, stratum).split("/")
    group = {"x-group": "canary"} if in_canary(workflow, "/".join(names[1:]), unit_id) else {}
    return {**dict(zip(("x-workflow", "x-task-type", "x-stratum"), names, strict=False)), **group}
''',
    "json": '''\


def row(workflow: str, task_type: str, unit_id: str, stratum: str | None = None) -> dict[str, str]:
    """Which row of the table: the one with these keys and no other of them."""
    names = route(workflow, task_type, stratum).split("/")
    group = {"group": "canary"} if in_canary(workflow, "/".join(names[1:]), unit_id) else {}
    return {**dict(zip(("workflow", "task_type", "stratum"), names, strict=False)), **group}
''',
}


def snippet(percent: dict[str, int], version: int, kind: str, strata: Sequence[str] = ()) -> str:
    """The client's lines in Python for one kind of gateway, complete and runnable.

    `strata`: the routes by recorded difficulty, which only the client can tell.
    """
    more = "\nimport json" if kind == "portkey" else ""
    draw = _DRAW.format(more=more, version=version, percent=_literal(percent.items()))
    if not strata:
        return draw + _ASK[kind]
    listed = ", ".join(f'"{key}"' for key in strata)
    return f"{draw}\n\n{_ROUTE.format(strata=listed)}{_ASK_BY_STRATUM[kind]}"


def _literal(items: Iterable[tuple[str, int]]) -> str:
    return "{" + ", ".join(f'"{key}": {percent}' for key, percent in items) + "}"
