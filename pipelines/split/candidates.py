"""Which models may serve a workflow's task types: tiers, the workflow's limits, and what the gateways bind.

Everything meets on the canonical model name. Names of the workspace file are brought to it by the
function that the caller passes (the rate book's aliases), or else by what the frames themselves show
(name as logged → canonical).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from pipelines.routing.targets import renderer
from pipelines.workspace.model import Workspace
from pipelines.workspace.work import Workflow

Placed = Callable[[str, Sequence[str]], bool]  #: a model of the workspace file, the regions it may be served in


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model of a tier. `blocked` says why it can't be recommended, None where it can."""

    key: str
    listed: str  # as the workspace file writes it
    tier: str
    rank: int
    blocked: str | None


def canonical_names(logged: Mapping[str, str], canonical: Callable[[str], str] | None) -> Callable[[str], str]:
    """`logged`: name as logged → canonical name."""
    if canonical is not None:
        return canonical
    return lambda model: logged.get(model, model)


def bound_models(config: Workspace, name: Callable[[str], str]) -> frozenset[str] | None:
    """Canonical models that some routing target binds to a tier; None without targets (then every one
    counts).

    A target whose parameters name no model binds all models of the tier.
    """
    if not config.routing.targets:
        return None
    bound: set[str] = set()
    for target in config.routing.targets:
        for tier, parameters in target.models.items():
            model = renderer(target).bound_model(parameters)
            if model is not None:
                bound.add(name(model))
            else:
                bound.update(name(m) for t in config.tiers if t.name == tier for m in t.models)
    return frozenset(bound)


def candidates_of(
    config: Workspace,
    workflow: Workflow,
    name: Callable[[str], str],
    placed: Placed | None = None,
) -> dict[str, Candidate]:
    """Canonical name → candidate, every model that a tier lists."""
    bound = bound_models(config, name)
    result: dict[str, Candidate] = {}
    for tier in config.tiers:
        for listed in tier.models:
            key = name(listed)
            blocked = _limit(workflow, {listed, key}) or _elsewhere(workflow, listed, placed)
            if blocked is None and bound is not None and key not in bound:
                blocked = "not routable"
            result.setdefault(key, Candidate(key, listed, tier.name, tier.rank, blocked))
    return result


def _elsewhere(workflow: Workflow, listed: str, placed: Placed | None) -> str | None:
    """`models: {regions}`: a model that no rate places there may not serve."""
    allowed = workflow.models.regions
    if not allowed or (placed is not None and placed(listed, allowed)):
        return None
    return f"no rate says that it is served in {' or '.join(allowed)}"


def _limit(workflow: Workflow, names: set[str]) -> str | None:
    """`models: {allow, deny}`: shell patterns on provider/model, on the name as written or the canonical
    one.
    """
    limits = workflow.models
    if any(fnmatchcase(n, pattern) for n in names for pattern in limits.deny):
        return "denied by the workflow's models"
    if limits.allow and not any(fnmatchcase(n, pattern) for n in names for pattern in limits.allow):
        return "not among the workflow's allowed models"
    return None
