"""The dry run: which policy comes next, what each target's file would say, and how that differs from what
is live.

Writes nothing. The same workspace, audit file and recommendations give the same plan, byte for byte.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pipelines.routing import audit
from pipelines.routing.change import Change, compare, next_policy
from pipelines.routing.credentials import masked_diff
from pipelines.routing.fallbacks import resilience, unprotected
from pipelines.routing.files import read_bytes, resolve
from pipelines.routing.history import History, replay
from pipelines.routing.live import FREE, WORDS, LiveFile, inspect
from pipelines.routing.outlook import rollout_of, who_lacks
from pipelines.routing.policy import PolicyFile, sha256
from pipelines.routing.policy_text import (
    check_against_workspace,
    check_succession,
    parse_policy,
    with_parent,
    write_policy,
)
from pipelines.routing.probing import Probed, probe
from pipelines.routing.proposal import propose
from pipelines.routing.rendering import (
    Loaded,
    Rendered,
    check_bindings,
    render_targets,
    target_document,
)
from pipelines.routing.targets import renderer
from pipelines.workspace.errors import UsageError

Source = Literal["recommendations", "edited", "parameters", "approved", "nothing"]


@dataclass(frozen=True)
class TargetPlan:
    rendered: Rendered
    live: LiveFile
    diff: str  #: unified, secrets masked
    probed: Probed
    unenforced: tuple[str, ...]
    keys: tuple[str, ...] = ()  #: virtual keys, teams and access groups that may not call what is new


@dataclass(frozen=True)
class Plan:
    """`source` says where the next policy comes from; `file` is its very text, None if there is nothing at
    all.
    """

    source: Source
    file: PolicyFile | None
    live_version: int
    changes: tuple[Change, ...]
    notes: tuple[str, ...]
    targets: tuple[TargetPlan, ...]
    policy_diff: str
    recommendation_ids: tuple[str, ...] = ()  #: whose changes go live with this policy, waiting ones included
    rollout: tuple[Mapping[str, Any], ...] = ()  #: how long each step takes, a route with a canary each
    clients: Mapping[str, str] = field(default_factory=dict)  #: kind of gateway -> the lines that draw units

    @property
    def needs_approval(self) -> bool:
        return self.source in ("recommendations", "edited", "parameters")

    @property
    def plan_id(self) -> str | None:
        """Names the bytes that an approval of this plan covers."""
        if self.file is None:
            return None
        return sha256(
            json.dumps([self.file.sha256, *([t.rendered.target.path, t.rendered.file_sha256] for t in self.targets)])
        )

    def document(self) -> dict[str, Any]:
        policy = self.file.policy if self.file else None
        return {
            "plan_id": self.plan_id,
            "source": self.source,
            "needs_approval": self.needs_approval,
            "policy_id": policy.policy_id if policy else None,
            "version": policy.version if policy else None,
            "live_version": self.live_version,
            "policy_sha256": self.file.sha256 if self.file else None,
            "parent_sha256": policy.parent_sha256 if policy else None,
            "recommendation_ids": list(self.recommendation_ids),
            "changes": [change.document() for change in self.changes],
            "notes": list(self.notes),
            "policy_diff": self.policy_diff,
            "targets": [
                {
                    **target_document(plan.rendered),
                    "live": plan.live.state,
                    "diff": plan.diff,
                    "probe": plan.probed.document(),
                    "unenforced": list(plan.unenforced),
                    "keys": list(plan.keys),
                }
                for plan in self.targets
            ],
            "rollout": [dict(steps) for steps in self.rollout],
            "clients": dict(self.clients),
            "resilience": resilience(policy) if policy else [],
        }


def plan(
    loaded: Loaded,
    recommendations: Mapping[str, Any],
    now: datetime,
    *,
    only: Sequence[str] | None = None,
    probed: bool = True,
) -> Plan:
    """The next policy and its rendering. Raises UsageError for an invalid policy or binding, OutlayError
    for a policy whose parent is no longer live, or a broken audit file.
    """
    check_bindings(loaded)
    history = replay(audit.read(loaded.root))
    source, file, changes, notes = _next(loaded, history, recommendations, now, only)
    rendered = render_targets(loaded, file) if file else ()
    if not loaded.config.routing.targets:
        notes = (*notes, "outlay.yaml names no routing.targets: there is no file to apply this to")
    targets = []
    for item in rendered:
        live = inspect(loaded, history, item.target)
        if live.state not in FREE:
            notes = (
                *notes,
                f"{item.target.path}: {WORDS[live.state]}; apply will refuse without --adopt or --overwrite",
            )
        tried = probe(item, file.policy) if probed and file else Probed("not probed: not asked for")
        if tried.problems:
            raise UsageError(f"outlay.yaml: routing.targets.{item.target.name}: " + "\n".join(tried.problems))
        notes = (*notes, *(f"{item.target.name}: {note}" for note in tried.notes))
        unenforced = tuple(renderer(item.target).unenforced(file.policy)) if file else ()
        findings, said = who_lacks(item, file, history) if probed and file else ((), ())
        notes = (*notes, *(f"{item.target.name}: {note}" for note in said))
        diff = masked_diff(_live_text(live, history), item.text, item.target.path)
        targets.append(TargetPlan(item, live, diff, tried, unenforced, findings))
    before = history.live["policy_text"] if history.live else ""
    policy_diff = masked_diff(before, file.text, loaded.config.routing.policy) if file else ""
    live_policy = parse_policy(before, "live policy").policy if before else None
    against_live = (*compare(live_policy, file.policy), *changes) if file else changes
    ids = tuple(sorted({change.recommendation_id for change in against_live if change.recommendation_id}))
    notes = (*notes, *unprotected(file.policy)) if file else notes
    rollout, clients = rollout_of(loaded, file) if file else ((), {})
    return Plan(
        source, file, history.live_version, changes, notes, tuple(targets), policy_diff, ids, rollout, clients
    )  # fmt: skip


def _live_text(live: LiveFile, history: History) -> str:
    """What the plan is compared with; of a printed file, what was printed last, if it can be made again."""
    if live.target.mode != "print" or history.live is None or live.target.path not in history.files:
        return live.text
    again = renderer(live.target).render(parse_policy(history.live["policy_text"], "live policy"), live.target.models)
    return again if sha256(again) == history.files[live.target.path] else ""


def policy_bytes(loaded: Loaded) -> bytes | None:
    return read_bytes(policy_path(loaded))


def policy_path(loaded: Loaded) -> Path:
    return resolve(loaded.root, loaded.config.routing.policy, "outlay.yaml: routing.policy")


def _next(
    loaded: Loaded,
    history: History,
    recommendations: Mapping[str, Any],
    now: datetime,
    only: Sequence[str] | None,
) -> tuple[Source, PolicyFile | None, tuple[Change, ...], tuple[str, ...]]:
    name = loaded.config.routing.policy
    content = policy_bytes(loaded)
    live = (history.live_version, history.live_sha256)
    live_file = parse_policy(history.live["policy_text"], f"{name} (live)") if history.live else None
    approved = history.approved["policy_sha256"] if history.approved else None
    digest = sha256(content) if content is not None else None
    if content is not None and digest not in (history.live_sha256, approved):
        if only is not None:
            raise UsageError(f"--only: {name} was edited by hand, and the plan covers that file as a whole")
        edited = parse_policy(content, name)
        check_against_workspace(edited.policy, loaded.config, name)
        check_succession(edited.policy, *live, name)
        edited = with_parent(edited, history.live_sha256, name)
        notes = (f"{name} was edited by hand: the plan covers that file, not the recommendations",)
        return "edited", edited, compare(live_file.policy if live_file else None, edited.policy), notes
    waiting = parse_policy(content, name) if content is not None and digest == approved else None
    base = waiting or live_file
    if base is not None:
        check_against_workspace(base.policy, loaded.config, name)
    proposal = propose(base.policy if base else None, recommendations, loaded.config, now, only)

    def written(routes: Any) -> PolicyFile:
        policy = next_policy(base.policy if base else None, routes, loaded.config, recommendations, live, now)
        return write_policy(policy)

    if proposal.changes:
        return "recommendations", written(proposal.routes), proposal.changes, proposal.notes
    if waiting is not None and history.approved is not None:
        who, version = history.approved["by"], waiting.policy.version
        note = f"version {version} is approved by {who} and not applied: outlay route apply"
        changes = compare(live_file.policy if live_file else None, waiting.policy)
        if _as_approved(loaded, waiting, history.approved["targets"]):
            return "approved", waiting, changes, (*proposal.notes, note)
        return "parameters", waiting, changes, (*proposal.notes, _PARAMETERS)
    if live_file is None:
        return "nothing", None, (), proposal.notes
    if not _as_applied(loaded, live_file, history):
        change = Change("*", "parameters", {}, {}, reason=_PARAMETERS)
        return "parameters", written(live_file.policy.routes), (change,), (*proposal.notes, _PARAMETERS)
    return "nothing", live_file, (), proposal.notes


_PARAMETERS = "the targets' parameters in outlay.yaml changed since: the files must be approved and rendered again"


def _as_approved(loaded: Loaded, file: PolicyFile, targets: Sequence[Mapping[str, Any]]) -> bool:
    now = {r.target.path: r.file_sha256 for r in render_targets(loaded, file)}
    return now == {target["path"]: target["file_sha256"] for target in targets}


def _as_applied(loaded: Loaded, file: PolicyFile, history: History) -> bool:
    now = render_targets(loaded, file)
    return all(history.bodies.get(rendered.target.path) == rendered.body_sha256 for rendered in now)
