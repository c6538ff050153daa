"""The verbs `route plan | approve | apply | rollback | status`, as the command line and the dashboard call
them.

Each returns the JSON document and the same in words. Errors are OutlayError (status 1) and UsageError
(status 2); their texts hold no secret.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from pipelines.routing.apply import apply
from pipelines.routing.approval import approve, parse_only
from pipelines.routing.plan import Plan, plan, policy_bytes
from pipelines.routing.policy_text import check_against_workspace, parse_policy
from pipelines.routing.reload import Reloaded
from pipelines.routing.rendering import Loaded, canonical_of, check_bindings, served_models
from pipelines.routing.rollback import rollback
from pipelines.routing.status import status


@dataclass(frozen=True)
class Answer:
    document: dict[str, Any]
    text: str


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
    lines += [_change(change) for change in done.row["changes"]]
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
    head = {
        "applied": f"Version {done.version} is live in {', '.join(done.files)}.",
        "already applied": f"Version {done.version} is live already; nothing was changed.",
        "adopted": f"{', '.join(done.files)}: the new base of version {done.version}; nothing was written.",
    }[done.status]
    return Answer(done.document(), "\n".join([head, *_reloads(done.reloads), *done.notes]))


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
    head = (
        f"Rolled back from version {done.left_version} to {done.version}: "
        f"{', '.join(done.files) or 'no file differed'}."
        if done.status == "rolled back"
        else f"The interrupted version {done.left_version} was put back; version {done.version} is live."
    )
    return Answer(done.document(), "\n".join([head, *_reloads(done.reloads), *done.notes]))


def route_status(loaded: Loaded) -> Answer:
    state = status(loaded)
    document: dict[str, Any] = {**state.document, "in_order": state.in_order}
    live = document["live_version"]
    lines = [f"Live: version {live}" if live else "Live: no policy yet"]
    if document["approved_version"]:
        lines.append(f"Approved by {document['approved_by']}, not applied yet: version {document['approved_version']}")
    if document["policy_file"].startswith("edited"):
        lines.append("routing/policy.yaml: edited, not approved")
    if document["interrupted"]:
        lines.append("A change was interrupted: run outlay route apply (or rollback) again")
    if document["audit"]["broken"]:
        lines.append(document["audit"]["broken"])
    for target in document["targets"]:
        lines.append(f"{target['name']} ({target['path']}): {target['says']}")
        lines += [f"  {difference}" for difference in target["differences"]]
    lines += [f"{route['route']}: {_shares(route['declared'])}" for route in document["routes"]]
    return Answer(document, "\n".join(lines))


def plan_text(planned: Plan) -> str:
    if planned.file is None or planned.source == "nothing":
        return "\n".join(["Nothing to change.", *planned.notes])
    lines = [
        f"Plan {(planned.plan_id or '')[:12]}: policy version {planned.file.policy.version}, live version "
        f"{planned.live_version}."
    ]
    lines += [_change(change.document()) for change in planned.changes]
    lines += [f"Note: {note}" for note in planned.notes]
    for target in planned.targets:
        lines += ["", f"{target.rendered.target.name} ({target.rendered.target.path})"]
        asked = f", {target.probed.asked} requests as the policy says" if target.probed.asked else ""
        lines.append(f"{target.probed.status}{asked}")
        lines += [f"Not enforced here: {part}" for part in target.unenforced]
        lines.append(target.diff or "the file stays as it is")
    return "\n".join([*lines, "", "Nothing was written. Next: outlay route approve --by NAME"])


def _change(change: Mapping[str, Any]) -> str:
    if change["route"] == "*":
        return str(change["reason"])
    before, after = (_shares(change[side]) or "no route" for side in ("before", "after"))
    line = f"{change['route']}: {before} -> {after}"
    if change["approved_share"] is not None:
        line += f", at most {change['approved_share']} %"
    if change["recommendation_id"]:
        line += f" [{change['recommendation_id']}]"
    evidence = change.get("evidence") or {}
    share = _interval(evidence, "saving_share", "saving")
    dollars = f"${Decimal(evidence['saving_usd_month']):,.2f} a month" if "saving_usd_month" in evidence else ""
    if dollars or share:
        said = ", ".join(filter(None, [dollars, f"{share} of its cost" if share else ""]))
        line += f"\n  expected saving at the approved share: {said}"
    if retention := _interval(evidence, "retention", "retention"):
        line += f"\n  expected quality kept: {retention}"
    return line


def _interval(evidence: Mapping[str, Any], value: str, bounds: str) -> str:
    if value not in evidence:
        return ""
    low, high = evidence.get(f"{bounds}_low"), evidence.get(f"{bounds}_high")
    text = f"{float(evidence[value]):.1%}"
    return text if low is None or high is None else f"{text} ({float(low):.1%} to {float(high):.1%})"


def _shares(shares: Mapping[str, int]) -> str:
    return ", ".join(f"{tier} {percent} %" for tier, percent in shares.items())


def _reloads(reports: Sequence[Reloaded]) -> list[str]:
    return [line for report in reports for line in (f"{report.target}: {report.detail}", *report.smoke)]


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
        if target.reload is None:
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
    return warnings
