"""Where the declared capability, the traffic and the evidence disagree about the tier that a task type
needs.

A workspace may declare which capability a task type needs and which tier serves that capability. Against
it stand the tier that most of the spend goes to today, and the tier that the evidence supports. Every
disagreement is a finding that a strict check can fail on; none of them changes a recommendation.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from pipelines.split.cases import WorkflowCase
from pipelines.split.recommendation import Recommendation
from pipelines.workspace.model import Workspace
from pipelines.workspace.work import Tier

Kind = Literal["undeclared", "served_above", "served_below", "proven_below"]


class Disagreement(BaseModel):
    """One finding on one (workflow, task type). Tiers by name; None where there is none."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    workflow: str
    task_type: str
    kind: Kind
    capability: str | None
    declared_tier: str | None
    served_tier: str | None
    proven_tier: str | None
    text: str


def disagreements(
    config: Workspace, cases: list[WorkflowCase], recommendations: tuple[Recommendation, ...]
) -> list[Disagreement]:
    """By workflow, task type and kind.

    `undeclared`: a task type with traffic whose tier nobody declared. `served_above`: a dearer tier
    serves it than the declared capability needs. `served_below`: a lower one. `proven_below`: the
    evidence lets most of it run below the declared tier, so the declaration asks for more than the work
    needs.
    """
    tiers = {tier.name: tier for tier in config.tiers}
    by_task = {(one.workflow, one.task_type): one for one in recommendations}
    found: list[Disagreement] = []
    for case in cases:
        declared = config.workflows[case.workflow].tasks
        for task in case.tasks:
            capability = declared.get(task.task_type)
            needs = tiers.get(config.capabilities.get(capability, "")) if capability else None
            now = case.candidates.get(task.reference)
            serves = tiers.get(now.tier) if now else None
            proven = _proven(by_task.get((case.workflow, task.task_type)), tiers)
            for kind, text in _findings(task.task_type, capability, needs, serves, proven):
                found.append(
                    Disagreement(
                        workflow=case.workflow,
                        task_type=task.task_type,
                        kind=kind,
                        capability=capability,
                        declared_tier=needs.name if needs else None,
                        served_tier=serves.name if serves else None,
                        proven_tier=proven.name if proven else None,
                        text=text,
                    )
                )
    return found


def _proven(one: Recommendation | None, tiers: dict[str, Tier]) -> Tier | None:
    """The tier of the model that takes most of a switch; None where nothing is proven."""
    if one is None or one.decision != "switch":
        return None
    most = max(one.routes, key=lambda route: (route.share, route.model_key != one.reference_key))
    return tiers.get(most.tier or "")


def _findings(
    task: str, capability: str | None, needs: Tier | None, serves: Tier | None, proven: Tier | None
) -> list[tuple[Kind, str]]:
    if needs is None:
        what = f"its capability {capability!r} has no tier" if capability else "no capability is declared for it"
        return [("undeclared", f"{task}: {what}, so nobody has said which tier it needs.")]
    found: list[tuple[Kind, str]] = []
    if serves is not None and serves.rank > needs.rank:
        found.append(("served_above", f"{task} is declared as {capability} ({needs.name}) and runs on {serves.name}."))
    if serves is not None and serves.rank < needs.rank:
        found.append(
            (
                "served_below",
                f"{task} is declared as {capability} ({needs.name}) and runs on {serves.name} only.",
            )
        )
    if proven is not None and proven.rank < needs.rank:
        found.append(
            (
                "proven_below",
                f"{task} is declared as {capability} ({needs.name}); most of it is proven on {proven.name}.",
            )
        )
    return found
