"""The ranking of the last 28 days is told by whole lives of units; it has to be what their days add up to."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from pipelines.outcomes.period import PERIOD_DAYS
from tests.workspaces import Bench, call, event

AS_OF = datetime(2026, 11, 20, 12, tzinfo=UTC)


def life(chance: random.Random, unit: str) -> tuple[list[dict], list[dict]]:
    """Calls and events of one unit: within the period, before it, or over its first day; some without a price."""
    start = AS_OF - timedelta(days=chance.choice((0, 1, 5, 26, 27, 28, 29, 33, 45)), hours=chance.randrange(9))
    model = chance.choice(("gpt-5.4", "gpt-5.4", "gpt-house"))
    calls, events = [], []
    for n in range(chance.randrange(4)):
        at = min(start + timedelta(days=chance.choice((0, 0, 1, 3)), minutes=n), AS_OF)
        calls.append(call(f"{unit}-{n}", time=at.isoformat(), unit_id=unit, model=model, input_tokens=chance.randrange(9_000)))  # fmt: skip
    for n, what in enumerate(chance.choice(((), ("completed",), ("failed",), ("completed", "rejected", "accepted")))):
        at = min(start + timedelta(days=chance.choice((0, 1, 2)) + n), AS_OF)
        events.append(event(f"{unit}-e{n}", what, time=at.isoformat(), unit_id=unit))
    return calls, events


def rankings(bench: Bench) -> tuple[list[dict], list[dict]]:
    """The published one, and the one of the same days from the published days of units."""
    last = date.fromisoformat(bench.published.meta["as_of"])
    period = {"first": last - timedelta(days=PERIOD_DAYS - 1), "last": last}
    return bench.export("value_ranking"), bench.export("value_ranking", **period)


@pytest.mark.parametrize("seed", range(6))
def test_whole_lives_say_what_their_days_add_up_to(seed: int, tmp_path: Path):
    chance, bench = random.Random(seed), Bench(tmp_path)
    lives = [life(chance, f"u{n}") for n in range(60)]
    bench.calls(call("last", time=AS_OF.isoformat(), unit_id="last"), *(c for calls, _ in lives for c in calls))
    bench.outcomes(*(e for _, events in lives for e in events))
    bench.run()
    told, added = rankings(bench)
    assert told == added
    assert told[0]["rank"] == "1"
    # late calls and events of old and new units
    for n in range(0, 60, 7):
        calls, events = life(chance, f"u{n}")
        bench.calls(*(c | {"request_id": f"late-{c['request_id']}"} for c in calls), file=f"late-{n}.jsonl")
        bench.outcomes(*(e | {"event_id": f"late-{e['event_id']}"} for e in events), file=f"late-{n}.jsonl")
    bench.run()
    told, added = rankings(bench)
    assert told == added


def test_a_ledger_that_does_not_know_when_its_units_lived_reads_their_days(tmp_path: Path):
    chance, bench = random.Random(9), Bench(tmp_path)
    lives = [life(chance, f"u{n}") for n in range(40)]
    bench.calls(call("last", time=AS_OF.isoformat(), unit_id="last"), *(c for calls, _ in lives for c in calls))
    bench.outcomes(*(e for _, events in lives for e in events))
    bench.run()
    before, _ = rankings(bench)
    with duckdb.connect(str(tmp_path / ".outlay" / "ledger.duckdb")) as con:
        con.execute("update unit_costs set lived_from = null, lived_to = null, named_attempts = null")
    bench.calls(call("more", time=AS_OF.isoformat(), unit_id="more"), file="more.jsonl")
    bench.run()
    told, added = rankings(bench)
    assert told == added != before
    fingerprint = bench.fingerprint()
    bench.run(full=True)
    assert bench.fingerprint() == fingerprint
