"""The product against an independent ledger in exact fractions, row by row, on generated companies and on the sample."""

from __future__ import annotations

import csv
import io
import os
import random
import shutil
from decimal import Decimal
from pathlib import Path

import pytest

from pipelines.exports.write import write
from pipelines.run import run_workspace
from pipelines.running import Asked
from pipelines.storage.published import current
from pipelines.workspace.load import load_workspace
from tests.reference.tables import exports
from tests.reference.worlds import PLACES, Spec, make

TABLES = ("daily_cost", "outcome_cost", "requests", "charges", "unattributed")
WORLDS = 1000 if os.environ.get("OUTLAY_FULL") else 24


def said(root: Path, table: str) -> list[dict[str, str]]:
    out = io.BytesIO()
    write(current(root), table, "csv", out)
    rows = list(csv.DictReader(io.StringIO(out.getvalue().decode())))
    for row in rows:
        if table == "charges":
            for name, price in row.items():
                if name.endswith("unit_price_usd"):
                    row[name] = format(Decimal(price).normalize(), "f") if price else ""
            row["rate_source"] = row["rate_source"] if row["rate_source"] == "recorded" else ""
    return sorted(rows, key=lambda row: tuple(row.values()))


def differences(root: Path) -> dict[str, tuple[list, list]]:
    """Rows that only one of the two has, by table."""
    expected = exports(root)
    found = {}
    for table in TABLES:
        theirs = expected[table]
        known = list(theirs[0]) if theirs else []  # further columns than the definitions name are not compared
        ours = [{k: row[k] for k in known or row} for row in said(root, table)]
        ours.sort(key=lambda row: tuple(row.values()))
        if ours != theirs:
            keys = [tuple(r.items()) for r in ours], [tuple(r.items()) for r in theirs]
            found[table] = (
                [dict(r) for r in keys[0] if r not in keys[1]][:3],
                [dict(r) for r in keys[1] if r not in keys[0]][:3],
            )
    return found


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_generated_companies_agree_to_the_last_unit(tmp_path, part):
    for seed in range(part, WORLDS, 4):
        dice = random.Random(seed)
        root = tmp_path / f"world{seed}"
        make(
            root,
            Spec(
                seed=seed,
                calls=dice.randrange(41),
                events=dice.randrange(36),
                place=dice.randrange(len(PLACES)),
                contract=dice.random() < 0.5,
            ),
        )
        run_workspace(load_workspace(root), Asked())
        assert differences(root) == {}, f"seed {seed}"
        shutil.rmtree(root)


@pytest.mark.slow
def test_the_sample_company_agrees_to_the_last_unit(sample):
    assert differences(sample) == {}
