"""Declaration, traffic and evidence, and where they disagree."""

from __future__ import annotations

import polars as pl

from pipelines.split.capability import disagreements
from pipelines.split.cases import workflow_cases
from pipelines.split.recommend import recommend
from tests.split.worlds import AS_OF, CHEAP, DEAR, WHATIF, marks_of, none, traffic_of, workspace


def test_each_disagreement_names_the_tiers():
    config = workspace(tasks={"reading": "extraction", "judging": "reasoning", "sorting": "reasoning"})
    config = config.model_copy(update={"capabilities": {"extraction": "light", "reasoning": "frontier"}})
    evaluations = pl.concat(
        [marks_of("sorting", DEAR, [1.0] * 400, "1"), marks_of("sorting", CHEAP, [1.0] * 400, "0.1")]
    )
    served = {"reading": DEAR, "judging": CHEAP, "sorting": DEAR, "drafting": DEAR}
    traffic = pl.concat([traffic_of(task, model, 2800, "2800") for task, model in served.items()])
    inputs = (config, evaluations, traffic, none(WHATIF), AS_OF)
    found = disagreements(config, workflow_cases(*inputs), recommend(*inputs).recommendations)
    assert [(f.task_type, f.kind, f.declared_tier, f.served_tier, f.proven_tier) for f in found] == [
        ("drafting", "undeclared", None, "frontier", None),
        ("judging", "served_below", "frontier", "light", None),
        ("reading", "served_above", "light", "frontier", None),
        ("sorting", "proven_below", "frontier", "frontier", "light"),
    ]
    assert found[2].text == "reading is declared as extraction (light) and runs on frontier."
