"""The verbs `route plan | approve | apply | rollback | status`, as the command line and the dashboard call
them.

Each returns the JSON document and the same in words. Errors are OutlayError (status 1) and UsageError
(status 2); their texts hold no secret.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pipelines.routing.answer import Answer, answered
from pipelines.routing.apply import apply
from pipelines.routing.approval import approve, parse_only
from pipelines.routing.fallbacks import unprotected
from pipelines.routing.plan import plan, policy_bytes
from pipelines.routing.policy_text import check_against_workspace, parse_policy
from pipelines.routing.rendering import Loaded, canonical_of, check_bindings, served_models
from pipelines.routing.rollback import rollback
from pipelines.routing.status import status
from pipelines.routing.wording import change_text, plan_text, shares_text


def route_plan(
    loaded: Loaded,
    recommendations: Mapping[str, Any],
    *,
    only: Sequence[str] | None = None,
    probe: bool = True,
    now: datetime | None = None,
) -> Answer:
    planned = plan(loaded, recommendations, now or _now(), only=parse_only(only), probed=probe)
    return Answer(planned.document(), plan_text(planned))


def route_approve(
    loaded: Loaded,
    recommendations: Mapping[str, Any],
    *,
    by: str,
    only: Sequence[str] | None = None,
    seen: str | None = None,
    identity: str = "declared",
    effective_at: datetime | None = None,
    now: datetime | None = None,
) -> Answer:
    done = approve(
        loaded, by, parse_only(only), recommendations=recommendations, now=now or _now(), seen=seen,
        effective_at=effective_at, identity=identity,
    )  # fmt: skip
    document = {
        "version": done.row["version"],
        "policy_sha256": done.row["policy_sha256"],
        "plan_id": done.row["plan_id"],
        "by": done.row["by"],
        "recommendation_ids": done.row["recommendation_ids"],
        "effective_at": done.row["effective_at"],
        "audit_row": done.row["row"],
    }
    lines = [f"Version {document['version']} approved by {document['by']} (audit row {document['audit_row']})."]
    lines += [change_text(change) for change in done.row["changes"]]
    return Answer(document, "\n".join([*lines, "Next: outlay route apply"]))


def route_apply(
    loaded: Loaded,
    recommendations: Mapping[str, Any] | None = None,
    *,
    adopt: bool = False,
    overwrite: bool = False,
    effective_at: datetime | None = None,
    now: datetime | None = None,
) -> Answer:
    done = apply(
        loaded, now=now or _now(), recommendations=recommendations, adopt=adopt, overwrite=overwrite,
        effective_at=effective_at,
    )  # fmt: skip
    return answered(loaded, done, done.document())


def route_rollback(
    loaded: Loaded,
    *,
    to: int | None = None,
    overwrite: bool = False,
    by: str | None = None,
    reason: str | None = None,
    effective_at: datetime | None = None,
    now: datetime | None = None,
) -> Answer:
    done = rollback(
        loaded, now=now or _now(), to=to, overwrite=overwrite, by=by, reason=reason, effective_at=effective_at
    )
    return answered(loaded, done, done.document())


def route_status(loaded: Loaded) -> Answer:
    state = status(loaded)
    document: dict[str, Any] = {**state.document, "in_order": state.in_order}
    lines = status_lines(document) + [
        f"{route['route']}: {shares_text(route['declared'])}" for route in document["routes"]
    ]
    return Answer(document, "\n".join(lines))


def status_lines(document: Mapping[str, Any]) -> list[str]:
    """What is live, what waits, and what was changed by hand; the routes apart."""
    lines = [_live_line(document)]
    if document["approved_version"]:
        lines.append(f"Approved by {document['approved_by']}, not applied yet: version {document['approved_version']}")
    if document["policy_file"].startswith("edited"):
        lines.append("routing/policy.yaml: edited, not approved")
    if document["pending"]:
        lines.append(f"Waits for a merge: {document['pending']['says']}")
    if document["interrupted"]:
        lines.append("A change was interrupted: run outlay route apply (or rollback) again")
    if document["audit"]["broken"]:
        lines.append(document["audit"]["broken"])
    for target in document["targets"]:
        lines.append(f"{target['name']} ({target['path']}): {target['says']}")
        lines += [f"  {difference}" for difference in target["differences"]]
    return lines


def _live_line(document: Mapping[str, Any]) -> str:
    """What is live; of a printed text nobody knows."""
    version, printed = document["live_version"], document["printed_for"]
    if not version:
        return "Live: no policy yet"
    if printed and not document["live_in"]:
        return f"Printed: version {version}; what became of it, Outlay can't see"
    return f"Live: version {version}" + (f"; only printed for {', '.join(printed)}" if printed else "")


def _now() -> datetime:
    return datetime.now(UTC)


def check_targets(loaded: Loaded) -> list[str]:
    """For `outlay check`: raises UsageError for an invalid binding or policy file; returns what is worth a
    look.
    """
    check_bindings(loaded)
    config = loaded.config
    warnings = []
    for target in config.routing.targets:
        name = f"routing.targets.{target.name}"
        if unbound := [tier.name for tier in config.tiers if tier.name not in target.models]:
            warnings.append(f"{name}.models: no parameters for tier {', '.join(unbound)}, so nothing is routed there")
        if target.reload is None and target.mode == "file":
            warnings.append(f"{name}: no reload command, so the gateway must be told of a change by hand")
        for tier in config.tiers:
            served = served_models(config, tier.name).get(target.name)
            if served and canonical_of(served) not in {canonical_of(model) for model in tier.models}:
                warnings.append(f"{name}.models.{tier.name}: {served} is not among the models of tier {tier.name}")
    if config.routing.targets and not config.routing.approvers:
        warnings.append("routing.approvers: nobody may approve a routing change")
    content = policy_bytes(loaded)
    if content is not None:
        file = parse_policy(content, config.routing.policy)
        check_against_workspace(file.policy, config, config.routing.policy)
        warnings += [f"{config.routing.policy}: {note}" for note in unprotected(file.policy)]
    return warnings
