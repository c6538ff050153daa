"""From recommendations to the next policy: small steps, one a route, never a locked one.

A first switch is a canary of five percent behind which the old tier stands; the approved share is recorded
with it and no step passes it. Later steps come from the rollout, not from here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal
from typing import Any, Literal

from pipelines.routing.by_difficulty import in_the_way, key_of, others, parts
from pipelines.routing.change import Change
from pipelines.routing.fallbacks import kept_behind
from pipelines.routing.policy import FIRST_STEP, Canary, Evidence, Match, Policy, Route
from pipelines.routing.rendering import canonical_of, excluded, served_models
from pipelines.workspace.errors import UsageError
from pipelines.workspace.model import Workspace
from pipelines.workspace.words import NAME_PATTERN

EVIDENCE = (
    "grade", "reference_model", "items", "retention", "retention_low", "retention_high",
    "saving_share", "saving_low", "saving_high", "saving_usd_month",
)  # fmt: skip
WIDER_BY = 5  #: percentage points by which a recommendation must pass the approved share to be proposed anew


@dataclass(frozen=True)
class Proposal:
    routes: tuple[Route, ...]
    changes: tuple[Change, ...]
    notes: tuple[str, ...]


class _Kept(Exception):
    """Why a recommendation leaves its route as it is."""


def propose(
    base: Policy | None,
    recommendations: Mapping[str, Any],
    workspace: Workspace,
    now: datetime,
    only: Sequence[str] | None = None,
) -> Proposal:
    """The next policy's routes. Raises UsageError for an id in `only` that no possible change carries."""
    routes = {route.key: route for route in base.routes} if base else {}
    changes: list[Change] = []
    notes: list[str] = []
    if only is None:
        for key, route in routes.items():
            if route.canary and route.expires_at and route.expires_at <= now and not route.locked:
                routes[key] = ended = _without_canary(route, workspace)
                changes.append(Change(key, "expired", route.shares, ended.shares, reason="the canary's time is over"))
    for item in sorted(recommendations.get("recommendations", ()), key=lambda r: (r["workflow"], r["task_type"])):
        if item["decision"] != "switch" or (only is not None and item["id"] not in only):
            continue
        for part in parts(item):
            key = key_of(part)
            try:
                made, kind = _moved(routes, item, part, workspace)
            except _Kept as kept:
                notes.append(f"{key}: {kept}")
                continue
            before = routes[key].shares if key in routes else {made[key].tier: 100}
            if added := made.keys() - routes.keys() - {key}:
                rest = made[added.pop()]
                changes.append(Change(rest.key, "others", rest.shares, rest.shares, reason=rest.reason))
            routes |= made
            route = routes[key]
            evidence = route.evidence.model_dump(mode="json", exclude_none=True) if route.evidence else None
            approved = route.canary.approved if route.canary else None
            changes.append(Change(key, kind, before, route.shares, approved, item["id"], evidence, part.get("reason")))
    for key, route in routes.items():
        declared = _split(workspace, route.match.workflow)
        if only is None and declared not in (None, route.split) and not route.locked:
            routes[key] = drawn = route.model_copy(update={"split": declared})
            why = f"workflows.{route.match.workflow}.split: {declared}"
            changes.append(Change(key, "split", route.shares, drawn.shares, reason=why))
    if only is not None and (unknown := sorted(set(only) - {c.recommendation_id for c in changes})):
        known = sorted(
            item["id"] for item in recommendations.get("recommendations", ()) if item["decision"] == "switch"
        )
        raise UsageError(
            f"--only: no change to approve with id {unknown[0]!r}; recommended switches: "
            f"{', '.join(known) or 'none'}" + "".join(f"\n{note}" for note in notes)
        )
    return Proposal(tuple(routes[key] for key in sorted(routes)), tuple(changes), tuple(notes))


def _moved(
    routes: Mapping[str, Route], item: Mapping[str, Any], part: Mapping[str, Any], workspace: Workspace
) -> tuple[dict[str, Route], str]:
    """The routes that a recommendation, or its part for one stratum, makes, by key."""
    key = key_of(part)
    route, kind = _switched(routes.get(key), part, workspace)
    if reason := in_the_way(item, routes, route.tier):
        raise _Kept(reason)
    whole = key_of({**part, "stratum": None})
    return ({} if whole in {*routes, key} else {whole: others(part, route.tier, workspace)}) | {key: route}, kind


def _switched(route: Route | None, item: Mapping[str, Any], workspace: Workspace) -> tuple[Route, str]:
    names = (item["workflow"], item["task_type"], *([item["stratum"]] if item.get("stratum") else []))
    if not all(re.fullmatch(NAME_PATTERN, name) for name in names):
        raise _Kept("a name from a log that no routing file may hold; use letters, digits, `.`, `_` and `-`")
    if route is not None and route.locked:
        raise _Kept(f"locked by {route.owner or 'a person'}: {route.reason or 'no reason given'}")
    stable = route.tier if route else _tier(item["reference_model"], workspace)
    shares: dict[str, Decimal] = {}
    models: dict[str, str] = {}
    for step in item["routes"]:
        tier = _tier(step["model"], workspace)
        shares[tier] = shares.get(tier, Decimal(0)) + Decimal(str(step["share"]))
        models[tier] = step["model"]
    ranks = {tier.name: tier.rank for tier in workspace.tiers}
    others = sorted((t for t in shares if t != stable), key=lambda t: (-shares[t], -ranks[t]))
    if not others:
        raise _Kept(f"stays on tier {stable}; within a tier, change what outlay.yaml binds it to")
    tier = others[0]
    if ranks[tier] > ranks[stable]:
        raise _Kept(
            f"the evidence supports less than is live on tier {stable}: outlay route rollback, or edit the policy"
        )
    approved = int((shares[tier] * 100).to_integral_value(ROUND_FLOOR))
    if approved < 1:
        raise _Kept("the recommended share is less than one percent")
    _check_routable(item, stable, tier, models[tier], workspace, first=route is None)
    evidence = Evidence.model_validate(
        {
            "recommendation_id": item["id"],
            "model": models[tier],
            **{k: item[k] for k in EVIDENCE if item.get(k) is not None},
        }
    )
    step = min(FIRST_STEP, approved)
    reason = f"{approved} % of the requests may run on {models[tier]}; first step {step} %"
    if route is None or route.canary is None:
        kept = tuple(t for t in (route.fallback if route else ()) if t != tier)
        fresh = Route(
            match=Match(workflow=names[0], task_type=names[1], stratum=item.get("stratum")),
            tier=stable,
            canary=Canary(
                tier=tier, percent=step, up_to=approved, hold_back=workspace.routing.rollout.hold_back or None
            ),
            fallback=kept if stable in kept else (stable, *kept),
            owner=route.owner
            if route
            else (workspace.workflows[names[0]].owner if names[0] in workspace.workflows else None),
            reason=reason,
            evidence=evidence,
            split=_split(workspace, names[0]) or (route.split if route else "request"),
        )
        return fresh, "canary"
    return _regraded(route, route.canary, tier, approved, evidence)


def _split(workspace: Workspace, workflow: str) -> Literal["request", "unit"] | None:
    declared = workspace.workflows.get(workflow)
    return declared.split if declared else None


def _regraded(route: Route, canary: Canary, tier: str, approved: int, evidence: Evidence) -> tuple[Route, str]:
    """A rollout that is under way: only its approved share may change, and its percent only downwards."""
    if canary.tier != tier:
        raise _Kept(f"a canary on tier {canary.tier} is under way; roll it back or let it end before {tier} is tried")
    if approved < canary.percent:
        smaller = Canary(tier=tier, percent=approved, up_to=approved)
        return route.model_copy(update={"canary": smaller, "evidence": evidence}), "smaller share"
    if approved >= min(100, canary.approved + WIDER_BY) and approved > canary.approved:
        wider = canary.model_copy(update={"up_to": approved})
        return route.model_copy(update={"canary": wider, "evidence": evidence}), "approved share"
    raise _Kept(f"{canary.percent} % of at most {canary.approved} % already run on tier {tier}")


def _check_routable(
    item: Mapping[str, Any], stable: str, tier: str, model: str, workspace: Workspace, *, first: bool
) -> None:
    for needed in (stable, tier):
        for target in workspace.routing.targets:
            if needed not in target.models:
                raise _Kept(f"not routable: target {target.name} has no parameters for tier {needed}")
        for name, served in served_models(workspace, needed).items():
            if served and (reason := excluded(workspace, item["workflow"], served)):
                raise _Kept(f"not routable: tier {needed} at target {name} is {served}: {reason}")
    if reason := _served_otherwise(tier, model, workspace):
        raise _Kept(f"not routable: {reason}, the evidence is about {model}")
    if first and (reason := _served_otherwise(stable, item["reference_model"], workspace)):
        # The first route would move all of the task's requests to a model that nobody has measured there.
        raise _Kept(f"not routable: {reason}, and the task runs on {item['reference_model']} today")


def _served_otherwise(tier: str, model: str, workspace: Workspace) -> str | None:
    """Which target serves the tier by another listed model than `model`; an unlisted name is trusted."""
    listed = {canonical_of(name) for t in workspace.tiers for name in t.models}
    for target, served in served_models(workspace, tier).items():
        if served and canonical_of(served) in listed and canonical_of(served) != canonical_of(model):
            return f"target {target} serves {served} as tier {tier}"
    return None


def _tier(model: str, workspace: Workspace) -> str:
    wanted = canonical_of(model)
    for tier in workspace.tiers:
        if wanted in {canonical_of(name) for name in tier.models}:
            return tier.name
    raise _Kept(f"no tier of outlay.yaml lists {model}")


def no_longer_recommended(
    policy: Policy,
    ids: Sequence[str],
    recommendations: Mapping[str, Any],
    workspace: Workspace,
) -> str | None:
    """Which approved change a newer set of recommendations would not make any more, None if all still stand.

    Another figure or a share that moved a little changes no rendered byte of a first step and voids nothing.
    """
    found = {key_of(part): part for item in recommendations.get("recommendations", ()) for part in parts(item)}
    for route in policy.routes:
        if route.canary is None or route.evidence is None or route.evidence.recommendation_id not in ids:
            continue
        item = found.get(route.key, {"decision": "gone", "routes": []})
        share = Decimal(0)
        for step in item["routes"]:
            try:
                if _tier(step["model"], workspace) == route.canary.tier:
                    share += Decimal(str(step["share"]))
            except _Kept:
                continue
        if item["decision"] != "switch" or share * 100 < route.canary.percent:
            found_share = f"{share * 100:.0f} % on tier {route.canary.tier}"
            return f"{route.key}: the recommendation is now {item['decision']}, {found_share}"
    return None


def _without_canary(route: Route, workspace: Workspace) -> Route:
    fallback = kept_behind(route, route.tier, route.fallback, workspace)
    return route.model_copy(update={"canary": None, "fallback": fallback, "expires_at": None})
