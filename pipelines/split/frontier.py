"""The cost-quality curve of each workflow: what every promise would save, from none to all that may move.

Points: `today` (nothing moves), one `target` for each promised retention, the `recommended` one, and
`cheapest` (in every task type the candidate that saves most, at full share, whatever it loses). Figures
of a target are decided just as a recommendation is, so the slider shows what `outlay recommend` would say
at that promise.
"""

from __future__ import annotations

import polars as pl

from pipelines.split.cases import WorkflowCase
from pipelines.split.looks import looks
from pipelines.split.recommendation import WorkflowPromise
from pipelines.split.workflow import at_full_share, taken

TARGETS = (1.0, 0.99, 0.98, 0.97, 0.96, 0.95, 0.94, 0.93, 0.92, 0.91, 0.90, 0.85, 0.80)
FIGURES = ("retention", "retention_low", "retention_high", "saving_share", "saving_low", "saving_high")
SCHEMA = {"workflow": pl.String(), "point": pl.String()} | dict.fromkeys(("target", *FIGURES), pl.Float64())


def frontier(cases: list[WorkflowCase], targets: tuple[float, ...] = TARGETS) -> pl.DataFrame:
    """Grain: (workflow, point, target). A floor above a target is lowered to it, or the floor would hide
    the curve.
    """
    rows = []
    for case in cases:
        still = WorkflowPromise(
            workflow=case.workflow, retention=1, retention_low=1, retention_high=1,
            saving_share=0, saving_low=0, saving_high=0,
        )  # fmt: skip
        rows.append(_row(still, "today", None))
        ways = looks(case)
        for target in targets:
            quality = case.quality.model_copy(update={"retention": target, "floor": min(case.quality.floor, target)})
            rows.append(_row(taken(ways, quality).promise, "target", target))
        rows.append(_row(taken(ways).promise, "recommended", case.quality.retention))
        rows.append(_row(at_full_share(ways[0]), "cheapest", None))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _row(promise: WorkflowPromise, point: str, target: float | None) -> dict:
    figures = {name: getattr(promise, name) for name in FIGURES}
    return {"workflow": promise.workflow, "point": point, "target": target, **figures}
