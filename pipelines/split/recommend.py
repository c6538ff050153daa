"""Recommendations for every workflow: evidence, portfolio and experiments put together.

`recommend` is a pure function: equal inputs give equal outputs, no clock, no randomness, row order
irrelevant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date

import polars as pl

from pipelines.split.cases import WorkflowCase, workflow_cases
from pipelines.split.decide import decide
from pipelines.split.difficulty import Difficulty
from pipelines.split.recommendation import Recommendations
from pipelines.workspace.model import Workspace


def recommend(
    config: Workspace,
    evaluations: pl.DataFrame,
    traffic: pl.DataFrame,
    whatif: pl.DataFrame,
    as_of: date,
    canonical: Callable[[str], str] | None = None,
    recorded: Mapping[tuple[str, str], str] | None = None,
    difficulty: Difficulty | None = None,
) -> Recommendations:
    """One recommendation per (workflow, task type) with requests in the 28 days to `as_of`.

    `evaluations`: (workflow, task_type, item_id, model) marks; `traffic`: (workflow, task_type, model_key);
    `whatif`: the same traffic's cost on a candidate. `canonical` brings a name of the workspace file to the
    rate book's; without it, names meet as the frames show them. `recorded`: the reference that was recorded
    with a route Outlay made, by (workflow, task type); it stays the reference until someone re-bases.
    `difficulty`: the traffic by recorded stratum, where a split by difficulty may be advised.

    `saving_usd_month` is what the traffic's own days would have cost less, scaled to 30 days; null where a
    cost isn't known.
    """
    cases = workflow_cases(config, evaluations, traffic, whatif, as_of, canonical, recorded, difficulty=difficulty)
    return recommended(cases, as_of)


def recommended(cases: list[WorkflowCase], as_of: date) -> Recommendations:
    """What each workflow's case decides, in the order of the cases."""
    decided = [decide(case) for case in cases]
    return Recommendations(
        as_of=as_of,
        workflows=tuple(promise for promise, _ in decided),
        recommendations=tuple(one for _, made in decided for one in made),
    )
