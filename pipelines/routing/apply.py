"""The approved policy goes live: checked, compared with what stands there, swapped, reloaded, tried, or put
back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipelines.routing import audit
from pipelines.routing.exchange import NotPutBackError, Swap, exchange
from pipelines.routing.files import locked
from pipelines.routing.history import History, replay
from pipelines.routing.live import FREE, WORDS, LiveFile, inspect
from pipelines.routing.plan import masked_diff, policy_bytes
from pipelines.routing.policy import Policy, PolicyFile, Route, sha256
from pipelines.routing.policy_text import check_against_workspace, check_succession, parse_policy
from pipelines.routing.proposal import no_longer_recommended
from pipelines.routing.recovery import settle
from pipelines.routing.reload import Reloaded, probe_key, smoke
from pipelines.routing.rendering import (
    Loaded,
    Rendered,
    check_bindings,
    render_targets,
)
from pipelines.workspace.errors import OutlayError, UsageError

DIFF_LINES = 60


@dataclass(frozen=True)
class Applied:
    """`status`: applied | already applied | adopted."""

    status: str
    version: int
    policy_sha256: str | None
    files: tuple[str, ...]
    reloads: tuple[Reloaded, ...] = ()
    notes: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        return {
            "status": self.status,
            "version": self.version,
            "policy_sha256": self.policy_sha256,
            "files": list(self.files),
            "reloads": [report.document() for report in self.reloads],
            "notes": list(self.notes),
        }


def apply(
    loaded: Loaded,
    *,
    now: datetime,
    recommendations: Mapping[str, Any] | None = None,
    adopt: bool = False,
    overwrite: bool = False,
    effective_at: datetime | None = None,
) -> Applied:
    """Writes what was approved to every target, or nothing. One at a time; applying twice changes nothing.

    Raises OutlayError when nothing is approved, the approval no longer covers the bytes, a live file was
    edited, or a write, reload or smoke request failed (everything is then as before); UsageError for an
    invalid binding.
    """
    if adopt and overwrite:
        raise UsageError("--adopt and --overwrite exclude each other: keep the hand-edited file, or replace it")
    check_bindings(loaded)
    with locked(loaded.root):
        notes = settle(loaded, now, keep_edits=adopt or overwrite)
        history = replay(audit.read(loaded.root))
        lives = {t.path: inspect(loaded, history, t) for t in loaded.config.routing.targets}
        held = [live for live in lives.values() if live.state not in FREE]
        if adopt and held:
            files = [{"path": live.target.path, "sha256": live.sha256, "found": live.state} for live in held]
            audit.append(
                loaded.root,
                "adopted",
                now=now,
                effective_at=effective_at,
                version=history.live_version,
                files=files,
            )
            history = replay(audit.read(loaded.root))
            notes += [f"{live.target.path}: taken as the new base ({WORDS[live.state]})" for live in held]
            adopted, held = held, []
            if history.approved is None:
                names = tuple(live.target.path for live in adopted)
                return Applied("adopted", history.live_version, history.live_sha256, names, notes=tuple(notes))
        file, rendered = _covered(loaded, history)
        if history.approved is not None and recommendations is not None:
            _still_wanted(loaded, history, file, recommendations)
        if held and not overwrite:
            raise OutlayError(_refusal(held, rendered))
        chosen = [
            item
            for item in rendered
            if history.approved is not None or item.target.path in {h.target.path for h in held}
        ]
        if not chosen:
            return Applied("already applied", history.live_version, history.live_sha256, (), notes=tuple(notes))
        for item in chosen:
            probe_key(item.target)
        swaps = [
            Swap(
                r.target.path,
                "target",
                r.path,
                lives[r.target.path].content,
                r.content,
                history.live_version,
                r.target,
            )
            for r in chosen
        ]
        return _go_live(loaded, history, file, chosen, swaps, now, effective_at, notes)


def _covered(loaded: Loaded, history: History) -> tuple[PolicyFile, tuple[Rendered, ...]]:
    """The approved policy and its rendering, if both still are what was approved."""
    name = loaded.config.routing.policy
    approval = history.approved or history.live
    if approval is None:
        raise OutlayError("nothing is approved: outlay route plan, then outlay route approve --by NAME")
    if not loaded.config.routing.targets:
        raise OutlayError("outlay.yaml names no routing.targets: there is no file to write")
    content = policy_bytes(loaded)
    if content is None or sha256(content) != approval["policy_sha256"]:
        raise OutlayError(
            f"{name} is not what {approval['by']} approved as version {approval['version']}: it was edited "
            "since, which "
            "voids the approval; outlay route plan, then outlay route approve"
        )
    file = parse_policy(content, name)
    check_against_workspace(file.policy, loaded.config, name)
    if history.approved is not None:
        check_succession(file.policy, history.live_version, history.live_sha256, name)
    rendered = render_targets(loaded, file)
    approved = {target["path"]: target["file_sha256"] for target in approval["targets"]}
    if {item.target.path: item.file_sha256 for item in rendered} != approved:
        raise OutlayError(
            "the targets in outlay.yaml changed since the approval, and other bytes would be written than "
            "were "
            "approved; outlay route plan, then outlay route approve"
        )
    return file, rendered


def _still_wanted(
    loaded: Loaded,
    history: History,
    file: PolicyFile,
    recommendations: Mapping[str, Any],
) -> None:
    approval = history.approved
    if approval is None or approval["source"] == "edited":
        return
    reason = no_longer_recommended(file.policy, approval["recommendation_ids"], recommendations, loaded.config)
    if reason:
        raise OutlayError(
            f"the approval is void, newer evidence changes the plan: {reason}; outlay route plan, then approve"
        )


def _refusal(held: Sequence[LiveFile], rendered: Sequence[Rendered]) -> str:
    texts = {item.target.path: item.text for item in rendered}
    parts = []
    for live in held:
        name = live.target.path
        diff = masked_diff(live.text, texts.get(name, ""), name).splitlines()
        parts.append(f"{name}: {WORDS[live.state]}; nothing was changed\n" + "\n".join(diff[:DIFF_LINES]))
    return "\n".join(parts) + "\n--adopt takes the file as the new base, --overwrite replaces it"


def changed_routes(before: Policy | None, after: Policy) -> list[Route]:
    old = {route.key: route.legs for route in before.routes} if before else {}
    return [route for route in after.routes if old.get(route.key) != route.legs]


def _go_live(
    loaded: Loaded,
    history: History,
    file: PolicyFile,
    chosen: Sequence[Rendered],
    swaps: Sequence[Swap],
    now: datetime,
    effective_at: datetime | None,
    notes: list[str],
) -> Applied:
    live = parse_policy(history.live["policy_text"], "live policy").policy if history.live else None
    routes = changed_routes(live, file.policy)
    bodies = {item.target.path: item.body_sha256 for item in chosen}
    approval = history.approved or history.live or {}
    facts: dict[str, Any] = {
        "policy_id": file.policy.policy_id,
        "version": file.policy.version,
        "policy_sha256": file.sha256,
        "parent_sha256": file.policy.parent_sha256,
        "approved_by": approval.get("by"),
        "plan_id": approval.get("plan_id"),
        "recommendation_ids": approval.get("recommendation_ids", []),
        "files": [{**swap.document(), "body_sha256": bodies[swap.name]} for swap in swaps],
    }
    diffs = [
        masked_diff((swap.before or b"").decode("utf-8", "replace"), item.text, swap.name)
        for swap, item in zip(swaps, chosen, strict=True)
    ]
    audit.append(loaded.root, "apply_started", now=now, effective_at=effective_at, **facts)
    try:
        reports = exchange(loaded.root, swaps, lambda target: smoke(target, routes))
    except NotPutBackError:
        raise
    except BaseException as error:
        audit.append(loaded.root, "apply_failed", now=now, version=file.policy.version, result=failure(error))
        raise
    audit.append(
        loaded.root, "applied", now=now, effective_at=effective_at, **facts,
        reloads=[report.document() for report in reports], diff="\n".join(diffs), result="applied",
    )  # fmt: skip
    return Applied(
        "applied",
        file.policy.version,
        file.sha256,
        tuple(swap.name for swap in swaps),
        tuple(reports),
        tuple(notes),
    )


def failure(error: BaseException) -> str:
    said = str(error).partition("\n")[0] if isinstance(error, OutlayError) else type(error).__name__
    return f"put back: {said}"
