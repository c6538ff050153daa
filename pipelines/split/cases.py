"""All that is known about each workflow, gathered from the frames once, for whoever decides from it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from pipelines.split.candidates import Candidate, Placed, bound_models, candidates_of, canonical_names
from pipelines.split.difficulty import Difficulty, in_the_live_mix, strata_traffic, stratum_rows, told_apart
from pipelines.split.evidence import (
    KEY,
    best_signal,
    logged_names,
    marks,
    moments,
    paired,
    without_uncalibrated_judges,
)
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
    #: task type → stratum that a split may name → its part of the traffic, and of the evidence
    strata: Mapping[str, Mapping[str, TaskTraffic]] = field(default_factory=dict)
    by_stratum: Mapping[str, Mapping[str, Mapping[str, Standing]]] = field(default_factory=dict)
    looks: int = 1  #: ways to cut the task types that the data may choose among; the error is divided by them

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
    placed: Placed | None = None,
    difficulty: Difficulty | None = None,
    unplaced: Collection[tuple[str, str, str]] = (),
) -> list[WorkflowCase]:
    """By workflow name: declared workflows with tagged requests in the traffic. Arguments as in
    `recommend`; `placed`: whether a rate says that a model of the workspace file is served in one of these regions;
    `unplaced`: (workflow, task type, model) that no rate prices where the requests run.
    """
    tasks = [t for t in task_traffic(traffic, whatif, recorded or {}, unplaced) if t.workflow in config.workflows]
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
    joined = paired(counted, references)
    pooled = best_signal(moments(joined, [*KEY, "model_key", "rank"]))
    strata = strata_traffic(difficulty, tasks)
    cells = stratum_rows(joined, pooled) if strata else {}
    by_task = {(t.workflow, t.task_type): t for t in tasks}
    standings: dict[tuple[str, str], dict[str, Standing]] = {}
    by_stratum: dict[tuple[str, str], dict[str, dict[str, Standing]]] = {}
    for row in pooled.iter_rows(named=True):
        key, candidate = (row["workflow"], row["task_type"]), row["model_key"]
        mine = cells.get((*key, candidate), {})
        live = strata.get(key, {})
        standings.setdefault(key, {})[candidate] = in_the_live_mix(row, mine, by_task.get(key), live)
        for stratum, cell in mine.items():
            by_stratum.setdefault(key, {}).setdefault(stratum, {})[candidate] = standing(cell)
    live = stratified(counted, references)
    judged = set(marked.join(counted, on=KEY, how="anti").select(KEY).unique().iter_rows())

    cases = []
    for workflow in sorted({t.workflow for t in tasks}):
        settings = config.workflows[workflow]
        candidates = candidates_of(config, settings, name, placed)
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
            strata={t.task_type: told_apart(t, strata.get((workflow, t.task_type), {})) for t in mine},
            by_stratum={t.task_type: by_stratum.get((workflow, t.task_type), {}) for t in mine},
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
