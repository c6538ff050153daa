"""A person's yes to one plan: recorded with the very bytes it covers, and void as soon as they would
differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipelines.routing import audit
from pipelines.routing.files import locked, read_bytes, replace_bytes
from pipelines.routing.plan import Plan, plan, policy_path
from pipelines.routing.policy import PolicyFile
from pipelines.routing.rendering import Loaded, target_document
from pipelines.workspace.errors import OutlayError, UsageError
from pipelines.workspace.gateway import Approver


@dataclass(frozen=True)
class Approval:
    plan: Plan
    by: str
    row: Mapping[str, Any]  #: the audit row


def approve(
    loaded: Loaded,
    by: str,
    only: Sequence[str] | None = None,
    *,
    recommendations: Mapping[str, Any],
    now: datetime,
    seen: str | None = None,
    effective_at: datetime | None = None,
    identity: str = "declared",
) -> Approval:
    """Recomputes the plan, writes routing/policy.yaml and one audit row.

    `seen` is the plan id that the approver looked at: another one is refused. `identity` tells where `by`
    comes from (`declared`, or `signed in` for a dashboard's login). Raises OutlayError when NAME may not
    approve, when there is nothing to approve or the plan differs from the one seen; UsageError for an
    invalid policy or binding.
    """
    approver = approver_named(loaded, by)
    with locked(loaded.root):
        planned = plan(loaded, recommendations, now, only=only, probed=False)
        if planned.file is None or not planned.needs_approval:
            raise OutlayError(
                "nothing to approve: " + (planned.notes[-1] if planned.notes else "the plan changes nothing")
            )
        if seen is not None and seen != planned.plan_id:
            raise OutlayError("the plan has changed since you looked at it: outlay route plan, then approve again")
        _not_the_author(approver, by, planned.file)
        path = policy_path(loaded)
        content = planned.file.text.encode()
        # The file first: a crash before the row leaves an unapproved file, which the next approve covers.
        if read_bytes(path) != content:
            replace_bytes(path, content)
        row = audit.append(
            loaded.root,
            "approved",
            now=now,
            effective_at=effective_at,
            by=approver.name,
            by_as_given=by,
            identity=identity,
            policy_id=planned.file.policy.policy_id,
            version=planned.file.policy.version,
            policy_sha256=planned.file.sha256,
            parent_sha256=planned.file.policy.parent_sha256,
            plan_id=planned.plan_id,
            source=planned.source,
            recommendation_ids=list(planned.recommendation_ids),
            changes=[_brief(change.document()) for change in planned.changes],
            targets=[target_document(target.rendered) for target in planned.targets],
            policy_text=planned.file.text,
        )
    return Approval(planned, by, row)


def approver_named(loaded: Loaded, by: str) -> Approver:
    """By name or e-mail; raises OutlayError for who is none."""
    wanted = by.strip().casefold()
    for approver in loaded.config.routing.approvers:
        if wanted and wanted in {approver.name.casefold(), (approver.email or approver.name).casefold()}:
            return approver
    known = ", ".join(approver.name for approver in loaded.config.routing.approvers) or "none"
    raise OutlayError(f"{by!r} may not approve; routing.approvers of outlay.yaml names: {known}")


def _not_the_author(approver: Approver, by: str, file: PolicyFile) -> None:
    author = file.policy.created_by.strip().casefold()
    if author in {name.casefold() for name in (approver.name, approver.email, by.strip()) if name}:
        raise OutlayError(f"{by!r} wrote this policy (created_by); someone else must approve it")


def _brief(change: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in change.items() if key != "evidence"}


def parse_only(only: Sequence[str] | None) -> list[str] | None:
    """`--only ID,ID` or given several times; an empty one is a mistake, not "nothing"."""
    if not only:
        return None
    ids = [part.strip() for item in only for part in item.split(",") if part.strip()]
    if not ids:
        raise UsageError("--only: expected at least one recommendation id")
    return list(dict.fromkeys(ids))
