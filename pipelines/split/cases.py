"""All that is known about each workflow, gathered from the frames once, for whoever decides from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from pipelines.split.candidates import Candidate, bound_models, candidates_of, canonical_names
from pipelines.split.evidence import KEY, logged_names, marks, pairs, without_uncalibrated_judges
from pipelines.split.live import Stratified, stratified
from pipelines.split.recommendation import Route
from pipelines.split.standing import Standing, standing
from pipelines.split.traffic import TaskTraffic, task_traffic
from pipelines.workspace.model import Workspace
from pipelines.workspace.work import Limits, Quality, Weights


@dataclass(frozen=True, slots=True)
class WorkflowCase:
    """One workflow. `standings`: task type → candidate's canonical name → standing."""

    config: Workspace
    workflow: str
    quality: Quality
    tasks: list[TaskTraffic]
    candidates: dict[str, Candidate]
    standings: dict[str, dict[str, Standing]]
    live: dict[tuple[str, str], Stratified]
    only_judged: set[str]
    names: dict[str, str]  # canonical → as logged
    bound: frozenset[str] | None  # canonical models that a gateway serves; None without routing targets

    def routable(self, key: str) -> bool:
        """Whether a gateway can serve this model. A switch starts with both models, so both must be."""
        return self.bound is None or key in self.bound

    @property
    def weights(self) -> Weights:
        return self.config.workflows[self.workflow].weights

    @property
    def limits(self) -> Limits:
        return self.config.workflows[self.workflow].limits

    @property
    def protected(self) -> bool:
        return self.quality.protected

    def called(self, key: str) -> str:
        return self.names.get(key, key)

    def route(self, key: str, percent: int) -> Route:
        candidate = self.candidates.get(key)
        tier = candidate.tier if candidate else None
        return Route(model=self.called(key), share=percent / 100, model_key=key, tier=tier)


def workflow_cases(
    config: Workspace,
    evaluations: pl.DataFrame,
    traffic: pl.DataFrame,
    whatif: pl.DataFrame,
    as_of: date,
    canonical: Callable[[str], str] | None = None,
    recorded: Mapping[tuple[str, str], str] | None = None,
    regions: Callable[[str], frozenset[str]] | None = None,
) -> list[WorkflowCase]:
    """By workflow name: declared workflows with tagged requests in the traffic. Arguments as in
    `recommend`; `regions`: where a rate says that a model of the workspace file is served.
    """
    tasks = [t for t in task_traffic(traffic, whatif, recorded or {}) if t.workflow in config.workflows]
    names = _names(evaluations, traffic)
    logged = {model: key for key, model in names.items()}
    for frame in (traffic, evaluations):
        logged.update(sorted(frame.select("model", "model_key").unique().drop_nulls().iter_rows()))
    name = canonical_names(logged, canonical)
    references = pl.DataFrame(
        [(t.workflow, t.task_type, t.reference) for t in tasks],
        schema={"workflow": pl.String, "task_type": pl.String, "reference_key": pl.String},
        orient="row",
    )
    marked = marks(evaluations, as_of, config.reporting.zone)
    counted = without_uncalibrated_judges(marked)
    standings: dict[tuple[str, str], dict[str, Standing]] = {}
    for row in pairs(counted, references).iter_rows(named=True):
        standings.setdefault((row["workflow"], row["task_type"]), {})[row["model_key"]] = standing(row)
    live = stratified(counted, references)
    judged = set(marked.join(counted, on=KEY, how="anti").select(KEY).unique().iter_rows())

    cases = []
    for workflow in sorted({t.workflow for t in tasks}):
        settings = config.workflows[workflow]
        candidates = candidates_of(config, settings, name, regions)
        mine = [t for t in tasks if t.workflow == workflow]
        case = WorkflowCase(
            config=config,
            workflow=workflow,
            quality=settings.quality,
            tasks=mine,
            candidates=candidates,
            standings={t.task_type: standings.get((workflow, t.task_type), {}) for t in mine},
            live={key[1:]: value for key, value in live.items() if key[0] == workflow},
            only_judged={task for w, task in judged if w == workflow},
            names={**{c.key: c.listed for c in candidates.values()}, **names},
            bound=bound_models(config, name),
        )
        cases.append(case)
    return cases


def _names(evaluations: pl.DataFrame, traffic: pl.DataFrame) -> dict[str, str]:
    """Canonical → as logged: the name of live requests before that of evaluations."""
    names = logged_names(evaluations.select("model", "model_key"))
    served = traffic.sort("model_key", "requests", "model", descending=[False, True, False]).unique(
        "model_key", keep="first", maintain_order=True
    )
    names.update(dict(served.select("model_key", "model").iter_rows()))
    return names
