"""Kinds of work inferred from shapes alone."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import duckdb
import pytest

from pipelines.split.profile import lighter_spend, usual_tier, workload_profile
from pipelines.storage.models import filled
from tests.split.worlds import workspace

DAY = date(2026, 11, 20)


def profile_of(*rows: tuple, config=None):
    """Rows: workflow, tier, task type, input, output, reasoning, cost."""
    with duckdb.connect() as con:
        con.execute(
            "create table requests (workflow varchar, tier varchar, task_type varchar, input_tokens bigint, "
            "output_tokens bigint, output_reasoning bigint, cost_usd decimal(28, 12), provider varchar default 'maker', "
            "model varchar default 'm', status varchar default 'ok', day date default date '2026-11-20')"
        )
        for row in rows:
            con.execute(
                "insert into requests by position (workflow, tier, task_type, input_tokens, output_tokens, "
                "output_reasoning, cost_usd) values (?, ?, ?, ?, ?, ?, ?)",
                row,
            )
        con.execute("insert into requests values ('w', 'light', 't', 1, 1, 0, 9, 'maker', 'm', 'error', '2026-11-20')")
        con.execute("insert into requests values ('w', 'light', 't', 1, 1, 0, 9, 'maker', 'm', 'ok', '2026-10-23')")
        con.execute("create table cells_touched as select distinct day from requests")
        con.execute(f"create table kind_cells as {filled('publish/kind_cells', requests='requests')}")
        return workload_profile(con, config or workspace(), DAY)


@pytest.mark.parametrize(
    ("tokens", "kind"),
    [
        ((900, 4, 0), "classification"),
        ((6000, 300, 0), "extraction"),
        ((6000, 1500, 0), "summarization"),
        ((200, 1200, 0), "generation"),
        ((500, 1200, 700), "reasoning"),
        ((500, 60, 40), "reasoning"),
        ((64000, 4000, 1100), "summarization"),
        ((6000, 900, 330), "extraction"),
        ((0, 0, 0), "classification"),
    ],
)
def test_the_kind_follows_from_the_shape(tokens, kind):
    assert profile_of(("w", "frontier", None, *tokens, Decimal(1)))["inferred_kind"].to_list() == [kind]


def test_the_profile_says_which_spend_of_a_dear_tier_looks_like_light_work():
    made = profile_of(
        ("w", "frontier", None, 6000, 300, 0, Decimal(60)),
        ("w", "frontier", None, 6000, 200, 0, Decimal(10)),
        ("w", "frontier", "judging", 500, 2000, 1500, Decimal(30)),
        (None, "light", None, 900, 4, 0, None),
        (None, None, None, 900, 4, 0, Decimal(5)),
    )
    shown = made.select("workflow", "tier", "tagged", "inferred_kind", "requests", "spend_usd", "looks_lighter").rows()
    assert shown == [
        (None, None, False, "classification", 1, Decimal(5), None),
        (None, "light", False, "classification", 1, Decimal(0), False),
        ("w", "frontier", False, "extraction", 2, Decimal(70), True),
        ("w", "frontier", True, "reasoning", 1, Decimal(30), False),
    ]
    assert lighter_spend(made, "frontier") == (Decimal(70), Decimal(100))
    assert lighter_spend(made, "light") == (Decimal(0), Decimal(0))


def test_a_declared_capability_says_which_tier_a_kind_needs():
    config = workspace().model_copy(update={"capabilities": {"extraction": "frontier"}})
    assert [usual_tier(config, kind) for kind in ("extraction", "classification", "reasoning")] == [
        "frontier", "light", "frontier",
    ]  # fmt: skip
    made = profile_of(("w", "frontier", None, 6000, 300, 0, Decimal(60)), config=config)
    assert made["looks_lighter"].to_list() == [False]
