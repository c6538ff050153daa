"""From a policy and the workspace's bindings to the text of every target; all checked before anything is
written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Protocol

from pipelines.rates.identity import canonical
from pipelines.routing.audit import AUDIT_PATH
from pipelines.routing.credentials import find_credentials
from pipelines.routing.files import resolve
from pipelines.routing.policy import PolicyFile, sha256
from pipelines.routing.targets import renderer
from pipelines.routing.targets.binding import plain
from pipelines.routing.targets.header import read_header
from pipelines.sources.ids import provider_id
from pipelines.workspace.errors import UsageError
from pipelines.workspace.gateway import Target
from pipelines.workspace.model import Workspace


class Loaded(Protocol):
    """A loaded workspace: its folder and what its outlay.yaml says."""

    @property
    def root(self) -> Path: ...
    @property
    def config(self) -> Workspace: ...


@dataclass(frozen=True)
class Rendered:
    """One target's file as the policy wants it."""

    target: Target
    path: Path
    text: str

    @property
    def content(self) -> bytes:
        return self.text.encode()

    @property
    def file_sha256(self) -> str:
        return sha256(self.text)

    @property
    def body_sha256(self) -> str:
        return sha256(read_header(self.text)[1])


def canonical_of(name: str) -> str:
    """`provider/model` in a gateway's spelling -> the name that evidence, tiers and rates meet on."""
    provider, _, model = name.partition("/")
    return canonical(provider_id(provider), model)


def check_bindings(loaded: Loaded) -> None:
    """Every target can be rendered and written to, and no binding holds a secret; raises UsageError
    (OutlayError for a file that is a link or no regular file).
    """
    taken = {loaded.root / name: name for name in (loaded.config.routing.policy, AUDIT_PATH, "outlay.yaml")}
    for target in loaded.config.routing.targets:
        key = f"outlay.yaml: routing.targets.{target.name}"
        renderer(target)
        for found in find_credentials({"models": plain(target.models)}):
            raise UsageError(
                f"{key}.{found.where}: a secret stands here in clear; write os.environ/NAME and keep the secret in NAME"
            )
        outside = {
            "reload": list(target.reload.command) if target.reload else [],
            "probe": target.probe.url if target.probe else "",
        }
        for found in find_credentials(outside):
            raise UsageError(f"{key}.{found.where}: a secret stands here in clear; pass it through the environment")
        path = resolve(loaded.root, target.path, f"{key}.path")
        if path in taken or (loaded.root / ".outlay") in path.parents:
            raise UsageError(
                f"{key}.path: {target.path!r} belongs to {taken.get(path, '.outlay')}, name a file of its own"
            )
        taken[path] = target.name


def render_targets(loaded: Loaded, file: PolicyFile) -> tuple[Rendered, ...]:
    """The text of each target, linted. Raises UsageError naming the first thing that is wrong."""
    check_bindings(loaded)
    rendered = []
    for target in loaded.config.routing.targets:
        key = f"outlay.yaml: routing.targets.{target.name}"
        module = renderer(target)
        needed = dict.fromkeys(
            (*file.policy.used_tiers, *((file.policy.default_tier,) if target.kind in ("portkey", "json") else ()))
        )
        if missing := [tier for tier in needed if tier not in target.models]:
            raise UsageError(f"{key}.models: tier {missing[0]!r} is used by the policy and has no parameters; add it")
        text = module.render(file, target.models)
        if problems := module.lint(text, file.policy):
            raise UsageError(f"{key}: " + "\n".join(problems))
        rendered.append(Rendered(target, resolve(loaded.root, target.path, f"{key}.path"), text))
    check_limits(loaded.config, file)
    return tuple(rendered)


def check_limits(workspace: Workspace, file: PolicyFile) -> None:
    """No route sends a workflow to a model that its `models` limits exclude; raises UsageError."""
    for route in file.policy.routes:
        for target in workspace.routing.targets:
            for tier in route.used:
                model = renderer(target).bound_model(target.models[tier])
                if model and (reason := excluded(workspace, route.match.workflow, model)):
                    raise UsageError(
                        f"{workspace.routing.policy}: routes {route.key}: tier {tier!r} is {model}: {reason}"
                    )


def excluded(workspace: Workspace, workflow: str, model: str) -> str | None:
    """Why the workflow must not use the model, None if it may."""
    declared = workspace.workflows.get(workflow)
    if declared is None:
        return None
    names = {model, canonical_of(model)}
    limits = declared.models
    if hit := next((p for p in limits.deny for name in names if fnmatchcase(name, p)), None):
        return f"denied by workflows.{workflow}.models.deny {hit!r}"
    if limits.allow and not any(fnmatchcase(name, p) for p in limits.allow for name in names):
        return f"not among workflows.{workflow}.models.allow"
    return None


def served_models(workspace: Workspace, tier: str) -> Mapping[str, str | None]:
    """Target name -> `provider/model` that it calls for the tier (None: its parameters don't tell)."""
    return {
        target.name: renderer(target).bound_model(target.models[tier])
        for target in workspace.routing.targets
        if tier in target.models
    }


def target_document(rendered: Rendered) -> dict[str, Any]:
    return {
        "name": rendered.target.name,
        "kind": rendered.target.kind,
        "path": rendered.target.path,
        "file_sha256": rendered.file_sha256,
        "body_sha256": rendered.body_sha256,
    }
