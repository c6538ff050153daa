"""Kinds of work inferred from shapes alone."""

from __future__ import annotations

from decimal import Decimal

import polars as pl
import pytest

from pipelines.split.profile import INFERRED_KIND, lighter_share, workload_profile

SHAPES = {
    "workflow": pl.String, "tier": pl.String, "input_tokens": pl.Int64, "output_tokens": pl.Int64,
    "reasoning_tokens": pl.Int64, "requests": pl.Int64, "spend_usd": pl.Decimal(38, 12),
}  # fmt: skip


def shapes(*rows: tuple) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SHAPES, orient="row")


@pytest.mark.parametrize(
    ("tokens", "kind"),
    [
        ((900, 4, 0), "classification"),
        ((6000, 300, 0), "extraction"),
        ((6000, 1500, 0), "summarization"),
        ((200, 1200, 0), "generation"),
        ((500, 1200, 700), "reasoning"),
        ((500, 60, 40), "reasoning"),
        ((0, 0, 0), "classification"),
    ],
)
def test_the_kind_follows_from_the_shape(tokens, kind):
    frame = shapes(("w", "frontier", *tokens, 1, Decimal(1)))
    assert frame.select(INFERRED_KIND).item() == kind


def test_the_profile_says_which_share_of_a_dear_tier_looks_like_light_work():
    made = workload_profile(
        shapes(
            ("w", "frontier", 6000, 300, 0, 10, Decimal(60)),
            ("w", "frontier", 6000, 200, 0, 5, Decimal(10)),
            ("w", "frontier", 500, 2000, 1500, 2, Decimal(30)),
            ("w", "light", 900, 4, 0, 9, None),
        )
    )
    assert made.rows() == [
        ("w", "frontier", "extraction", 15, Decimal(70), 0.7),
        ("w", "frontier", "reasoning", 2, Decimal(30), 0.3),
        ("w", "light", "classification", 9, Decimal(0), None),
    ]
    assert lighter_share(made, "frontier", 2, {}) == 0.7
    assert lighter_share(made, "frontier", 2, {"extraction": 2}) == 0.0
    assert lighter_share(made, "light", 0, {}) is None
