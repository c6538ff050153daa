"""How Spark's Java is set, by where its tasks run."""

from __future__ import annotations

import pytest

from pipelines.engine.session import works_here


@pytest.mark.parametrize(
    ("master", "here"),
    [
        ("local", True),
        ("local[*]", True),
        ("local[2, 3]", True),
        ("local-cluster[2,1,1024]", False),
        ("spark://head:7077", False),
        ("yarn", False),
        ("k8s://https://head:6443", False),
    ],
)
def test_a_driver_whose_process_runs_the_tasks_is_told_from_one_that_plans_only(master: str, here: bool):
    assert works_here(master) is here
