"""Tries of a week, from units whose requests lie in one week or in several, against a count by hand."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.workspaces import Bench, call, event

FIRST = date(2026, 10, 8)
Row = dict[str, Any]


def told(calls: list[Row], failures: list[Row]) -> Counter[tuple[date, str]]:
    """Per (Monday, workflow): a unit's distinct attempt ids; without any, one and one more per failed event."""
    named: dict[tuple[date, str, str], set[str]] = defaultdict(set)
    for row in calls:
        for unit in [u["unit_id"] for u in row["units"]] if "units" in row else [row["unit_id"]]:
            named[week(row), row["workflow"], unit] |= {row["attempt_id"]} if "attempt_id" in row else set()
    failed = Counter((week(row), row["workflow"], row["unit_id"]) for row in failures)
    found: Counter[tuple[date, str]] = Counter()
    for key, ids in named.items():
        found[key[:2]] += len(ids) or 1 + failed[key]
    return found


def week(row: Row) -> date:
    day = date.fromisoformat(row["time"][:10])
    return day - timedelta(days=day.weekday())


def written(bench: Bench) -> Counter[tuple[date, str]]:
    with duckdb.connect(str(bench.root / ".outlay" / "ledger.duckdb"), read_only=True) as con:
        rows = con.execute("select week, workflow, attempts from bridge_attempts").fetchall()
    return Counter({(monday, workflow): attempts for monday, workflow, attempts in rows})


@pytest.mark.parametrize("seed", range(4))
def test_tries_of_a_week_are_counted_unit_by_unit(seed: int, tmp_path: Path):
    chance, bench = random.Random(seed), Bench(tmp_path)
    calls: list[Row] = []
    failures: list[Row] = []
    for step in range(3):  # the second and the third run add to units of the first
        fresh, failed = [], []
        for n in range(90):
            at = f"{FIRST + timedelta(days=chance.randrange(14))}T12:{chance.randrange(60):02}:00Z"
            workflow, unit = chance.choice(("review", "claims")), f"u{chance.randrange(40)}"
            if chance.random() < 0.1:
                failed.append(event(f"f{step}-{n}", "failed", time=at, unit_id=unit, workflow=workflow))
                continue
            row = call(f"c{step}-{n}", time=at, workflow=workflow, unit_id=unit)
            if chance.random() < 0.1:
                del row["unit_id"]
                row["units"] = [{"unit_id": unit}, {"unit_id": f"other{chance.randrange(5)}"}]
            if int(unit[1:]) % 3 and chance.random() < 0.7:
                row["attempt_id"] = chance.choice("12")
            fresh.append(row)
        calls, failures = calls + fresh, failures + failed
        bench.calls(*fresh, file=f"{step}.jsonl")
        bench.outcomes(*failed, file=f"{step}.jsonl")
        bench.run()
        assert written(bench) == told(calls, failures)
