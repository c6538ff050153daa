"""What comes late to a day that is worked out: its own rows are added, the others stay, and no figure differs."""

from __future__ import annotations

import os
import random
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.ledger.scope import PIECES
from pipelines.storage.published import parquet
from tests.workspaces import Bench, call, event

DAY = date(2026, 10, 20)


def on_day(*held: dict[str, Any]) -> list[dict[str, Any]]:
    """Eight calls of one day, and these."""
    return [call(f"held{i}", unit_id=f"u{i % 3}", team="red", response_id=f"chat{i}") for i in range(8)] + [*held]


def files(bench: Bench, table: str = "requests") -> list[str]:
    return [path.name for path in bench.published.segments(table, DAY, DAY)]


def unit_days(bench: Bench) -> list[tuple]:
    """What the files of the days say of each unit together: spend, value, outcomes and events of those that have any."""
    columns = "day, workflow, unit_id, sum(spend_usd), coalesce(sum(value_usd), 0), sum(outcomes), sum(events)"
    found = f"select {columns} from {parquet(bench.published.segments('unit_days'))} group by day, workflow, unit_id order by all"
    return [row for row in duckdb.execute(found).fetchall() if row[3] is not None or any(row[4:])]


def same_as_rebuilt(bench: Bench) -> None:
    """All exports, and the requests that the pages read, are those of a run over everything."""
    fingerprint, of_units = bench.fingerprint(), unit_days(bench)
    tables = {name: bench.export(name) for name in ("requests", "charges", "daily_cost", "outcome_cost")}
    bench.run(full=True)
    assert bench.fingerprint() == fingerprint
    assert unit_days(bench) == of_units
    assert {name: bench.export(name) for name in tables} == tables
    assert len(files(bench)) == 1


@pytest.fixture
def worked_out(bench: Bench) -> Bench:
    """A published day of eight requests, and the day before it."""
    bench.config["tags"] = {"team": ["team"]}
    bench.save()
    bench.calls(*on_day(), call("before", time="2026-10-19T23:00:00Z"))
    bench.outcomes(event("e1", unit_id="u1"))
    bench.run()
    return bench


def test_a_late_request_lies_in_a_file_of_its_own_beside_the_day(worked_out: Bench):
    first = {table: files(worked_out, table) for table in ("requests", "charges")}
    worked_out.calls(call("late", unit_id="u1", team="blue", cost_usd="0.5", model="unknown-model"), file="b.jsonl")
    ran = worked_out.run()
    for table, [held] in first.items():
        assert held in files(worked_out, table)
        assert len(files(worked_out, table)) == 2
    assert next(stage["rows"] for stage in ran["stages"] if stage["name"] == "price") == 1
    assert [r["request_id"] for r in worked_out.export("requests")] == [
        "before", *(f"held{i}" for i in range(8)), "late",
    ]  # fmt: skip
    same_as_rebuilt(worked_out)


def test_a_corrected_event_leaves_its_day_which_keeps_its_file(worked_out: Bench):
    before = files(worked_out, "unit_days")
    worked_out.outcomes(event("e1", time="2026-10-21T18:00:00Z", unit_id="u1"), file="b.jsonl")
    worked_out.outcomes(event("e2", "failed", time="2026-10-20T18:00:00Z", unit_id="u2"), file="c.jsonl")
    worked_out.run()
    assert set(before) < set(files(worked_out, "unit_days"))
    told = {(str(day), unit): (outcomes, events) for day, _, unit, _, _, outcomes, events in unit_days(worked_out)}
    assert told[str(DAY), "u1"] == (0, 0)
    assert (told["2026-10-21", "u1"], told[str(DAY), "u2"]) == ((1, 1), (0, 1))
    same_as_rebuilt(worked_out)


def test_a_late_request_that_units_share_is_split_and_no_other_unit_is_looked_at(worked_out: Bench):
    late = call("late", units=[{"unit_id": "u1", "weight": 2}, {"unit_id": "new"}], output_tokens=101)
    late.pop("unit_id")
    worked_out.calls(late, file="b.jsonl")
    worked_out.run()
    assert len(files(worked_out)) == 2
    same_as_rebuilt(worked_out)


def test_a_late_request_leaves_a_restatement_of_its_day(worked_out: Bench):
    worked_out.calls(call("after", time="2026-10-21T10:00:00Z"), file="b.jsonl")
    worked_out.run()
    worked_out.calls(call("late"), file="c.jsonl")
    worked_out.run()
    assert len(files(worked_out)) == 2
    [told] = [row for row in worked_out.export("restatements") if row["day"] == str(DAY)]
    assert told["workflow"] == "review"
    assert (Decimal(told["before_usd"]), Decimal(told["after_usd"])) == (Decimal("0.032"), Decimal("0.036"))


@pytest.mark.parametrize(
    ("late", "why"),
    [
        (call("held3", unit_id="u0", output_tokens=900), "a greater payload replaces a held request"),
        (call("late", time="2026-10-20T12:00:00Z", response_id="chat2"), "it shares its answer with a held request"),
    ],
)
def test_a_late_request_that_concerns_others_has_its_day_worked_out_anew(
    worked_out: Bench, late: dict[str, Any], why: str
):
    worked_out.config["sources"].append({"name": "copies", "kind": "requests", "path": "logs/copies/*.jsonl"})
    worked_out.save()
    worked_out.run()
    worked_out.lines("logs/copies/a.jsonl" if "shares" in why else "logs/calls/b.jsonl", [late])
    worked_out.run()
    assert len(files(worked_out)) == 1, why
    same_as_rebuilt(worked_out)


def test_a_day_on_provisioned_capacity_is_worked_out_anew(worked_out: Bench):
    worked_out.config["rates"] = {"contract": "rates.yaml"}
    worked_out.save()
    (worked_out.root / "rates.yaml").write_text(
        'provisioned: [{name: ptu, provider: openai, model: gpt-5.4, cost_usd: "100", period: day}]\n'
    )
    worked_out.run(full=True)
    worked_out.calls(call("late", unit_id="u1"), file="b.jsonl")
    worked_out.run()
    assert len(files(worked_out)) == 1
    same_as_rebuilt(worked_out)


def test_days_stay_on_the_capacity_that_served_them_when_the_contract_ends(worked_out: Bench):
    worked_out.config["rates"] = {"contract": "rates.yaml"}
    worked_out.save()
    contract = worked_out.root / "rates.yaml"
    contract.write_text('provisioned: [{name: ptu, provider: openai, model: gpt-5.4, cost_usd: "100", period: day}]\n')
    worked_out.run(full=True)
    contract.write_text("provisioned: []\n")
    worked_out.calls(call("late", unit_id="u1"), file="b.jsonl")
    worked_out.run()
    assert len(files(worked_out)) == 1
    spend = [row for row in worked_out.export("charges") if row["charge_day"] == str(DAY)]
    assert {row["rate_source"] for row in spend} == {"contract: provisioned ptu"}


def test_many_late_requests_have_the_day_worked_out_anew(worked_out: Bench):
    worked_out.calls(*(call(f"late{i}", unit_id="u2") for i in range(4)), file="b.jsonl")
    worked_out.run()
    assert len(files(worked_out)) == 1


def test_a_day_in_many_pieces_becomes_one_again(worked_out: Bench):
    worked_out.calls(*(call(f"more{i}") for i in range(60)), file="more.jsonl")
    worked_out.run()
    pieces = []
    for step in range(PIECES):
        worked_out.calls(call(f"late{step}"), file=f"late{step}.jsonl")
        worked_out.run()
        pieces.append(len(files(worked_out)))
    assert pieces == [*range(2, PIECES + 1), 1]


def _news(chance: random.Random, step: int, known: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Some calls of several days: new ones, copies, greater payloads under a held id, answers told twice."""
    found: list[dict[str, Any]] = []
    for place in range(chance.randrange(2, 9)):
        kind = chance.random()
        at = f"2026-10-{chance.choice((18, 19, 20, 21)):02}T{chance.randrange(24):02}:30:00Z"
        new = call(
            f"s{step}-{place}", time=at, unit_id=chance.choice(("d1", "d2", "d3", f"d{step}")),
            model=chance.choice(("gpt-5.4", "gpt-5-mini", "nobody-knows")), workflow=chance.choice(("review", "claims", "x")),
            output_tokens=chance.randrange(1, 500), team=chance.choice(("red", "blue")),
            response_id=chance.choice((f"chat{step}-{place}", f"chat{chance.randrange(4)}")),
        )  # fmt: skip
        if kind < 0.15 and known:
            new = {**chance.choice(known), "output_tokens": 900 + step}
        elif kind < 0.25 and known:
            new = chance.choice(known)
        elif kind < 0.4:
            new["units"] = [{"unit_id": "d1"}, {"unit_id": f"d{place}", "weight": 3}]
            del new["unit_id"]
        found.append(new)
    return found


@pytest.mark.parametrize("seed", range(40 if os.environ.get("OUTLAY_FULL") else 2))
def test_whatever_comes_late_the_figures_are_those_of_a_run_over_everything(tmp_path: Path, seed: int):
    chance = random.Random(seed)
    bench = Bench(
        tmp_path,
        {
            "reporting": {"timezone": ("UTC", "America/Los_Angeles")[seed % 2]},
            "tags": {"team": ["team"]},
            "sources": [
                {"name": "calls", "kind": "requests", "path": "logs/calls/*.jsonl"},
                {"name": "copies", "kind": "requests", "path": "logs/copies/*.jsonl", "priority": 1},
                {"name": "outcomes", "kind": "outcomes", "path": "logs/outcomes/*.jsonl"},
            ],
        },
    )
    known: list[dict[str, Any]] = [
        call(f"base{i}", time=f"2026-10-{18 + i % 4}T{i % 24:02}:00:00Z", unit_id=f"d{i % 9}") for i in range(80)
    ]
    bench.calls(*known, file="base.jsonl")
    bench.outcomes(event("e0"), file="base.jsonl")
    bench.run()
    several = {"requests": 0, "unit_days": 0}
    for step in range(5):
        news = _news(chance, step, known)
        known += news
        bench.lines(f"logs/{chance.choice(('calls', 'calls', 'copies'))}/{step}.jsonl", news)
        what = chance.choice(("completed", "failed", "accepted"))
        told = [event(f"e{step}", what, unit_id=f"d{step}", workflow="claims")]
        for unit in chance.sample(range(9), 2):  # of held units: a new one, or a correction that names another day
            at = f"2026-10-{chance.choice((18, 19, 20, 21))}T{chance.randrange(24):02}:40:{step:02}Z"
            which = chance.choice((f"r{step}", "r0", "r1"))
            what = chance.choice(("completed", "failed", "accepted", "rejected"))
            told.append(event(f"{which}-{unit}", what, time=at, unit_id=f"d{unit}"))
        bench.outcomes(*told, file=f"{step}.jsonl")
        bench.run()
        for table in several:
            files_of_days = bench.published.segments_by_day(table).values()
            several[table] = max(several[table], *(len(names) for names in files_of_days))
    fingerprint, of_units = bench.fingerprint(), unit_days(bench)
    charges, requests = bench.export("charges"), bench.export("requests")
    bench.run(full=True)
    assert bench.fingerprint() == fingerprint
    assert unit_days(bench) == of_units
    assert (bench.export("charges"), bench.export("requests")) == (charges, requests)
    assert min(several.values()) > 1, "no day was left in pieces: this world shows nothing"
