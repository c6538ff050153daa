"""Real logs that people published: trace exports of ten frameworks, and a year of one program's calls."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipelines.sources.record import Quarantined
from tests.public_data import folder
from tests.sources.reading import read_file, requests
from tests.workspaces import Bench

NO_WORKFLOWS: dict[str, Any] = {"workflows": {}, "tiers": []}


def walk(value: Any) -> Iterator[dict[str, Any]]:
    """Every object of a document, however deep."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from walk(item)


def generations(path: Path, *, silent: bool = False) -> list[dict[str, Any]]:
    """With usage, or `silent` ones; each once, as a trace may hold its observations beside them too."""
    document = json.loads(path.read_text("utf-8"), parse_float=Decimal)
    found = {o["id"]: o for o in walk(document) if o.get("type") == "GENERATION"}
    return [o for o in found.values() if bool(o["usageDetails"]) is not silent]


def total(spent: Iterable[dict[str, int]], *names: str) -> int:
    return sum(usage.get(name, 0) for usage in spent for name in names)


def test_of_a_trace_the_generations_are_summed_and_nothing_else() -> None:
    files = sorted(folder("langfuse_traces").glob("*.json"))
    assert len(files) == 10
    for path in files:
        calls = requests(read_file("langfuse", path))
        expected = generations(path)
        usage = [o["usageDetails"] for o in expected]
        assert len(calls) == len(expected), path.name
        assert sum(c.input_uncached + c.cache_read + c.cache_write for c in calls) == total(usage, "input"), path.name
        assert sum(c.output_nonreasoning + c.output_reasoning for c in calls) == total(usage, "output"), path.name
        assert sum(c.recorded_usd or 0 for c in calls) == sum(o["totalCost"] or 0 for o in expected), path.name
        assert Counter(c.model for c in calls) == Counter(o["model"] for o in expected), path.name


def test_a_generation_that_reports_no_usage_is_refused_not_counted_as_free() -> None:
    path = next(folder("langfuse_traces").glob("beeai*.json"))
    refused = [p.reason for _, p in read_file("langfuse", path) if isinstance(p, Quarantined)]
    assert refused == ["no usage"] * len(generations(path, silent=True))
    assert len(refused) == 2


def test_trace_exports_run_through_a_workspace(tmp_path: Path) -> None:
    source = {"name": "traces", "kind": "langfuse", "path": "logs/*.json"}
    bench = Bench(tmp_path, {"sources": [source], **NO_WORKFLOWS})
    expected = []
    for path in sorted(folder("langfuse_traces").glob("*.json")):
        bench.lines(f"logs/{path.name}", [path.read_text("utf-8")])
        expected += generations(path)
    document = bench.run()
    rows = bench.export("requests")
    usage = [o["usageDetails"] for o in expected]
    assert document["requests"] == len(rows) == len(expected)
    assert document["records"]["quarantined"] == 2
    assert sum(int(row["input_tokens"]) for row in rows) == total(usage, "input")
    assert sum(int(row["output_tokens"]) for row in rows) == total(usage, "output")
    assert {row["cost_basis"] for row in rows} == {"computed"}
    assert document["unpriced_requests"] == 0


# aider's sample analytics, August to December 2024: costs as the client recorded them.

#: How aider names who serves a model, before the slash; a bare name is its maker's.
SERVED_BY = {"gemini": "google", "ollama": "ollama", "ollama_chat": "ollama", "bedrock": "aws"}
MAKERS = {"claude": "anthropic", "gpt": "openai", "o1": "openai"}


def aider() -> list[dict[str, Any]]:
    path = folder("aider_usage_2024") / "message_send.jsonl"
    return [json.loads(row, parse_float=Decimal) for row in path.read_text("utf-8").splitlines()]


def converted(row: dict[str, Any], number: int) -> dict[str, Any]:
    """One event as a line of `requests`.

    `cost` is the call's, `total_cost` a running total of the session and no cost of anything. A cost of 0 beside
    tokens is what the client writes when it knows no price: not a free call, so it is left out. Two lines of one
    second and user are two calls, hence the number in the id.
    """
    served, slash, model = (row["main_model"] or "unknown").partition("/")
    if not slash:
        served, model = MAKERS.get(served.split("-")[0], "unknown"), served
    line = {
        "request_id": f"{number}-{row['time']}",
        "time": datetime.fromtimestamp(row["time"], UTC).isoformat(),
        "provider": SERVED_BY.get(served, served),
        "model": model,
        "status": "ok" if row["event"] == "message_send" else "error",
        "input_tokens": row["prompt_tokens"] or 0,
        "output_tokens": row["completion_tokens"] or 0,
        "workflow": "coding",
        "task_type": row["edit_format"],
        "user": row["user_id"],
    }
    if row["cost"]:
        line["cost_usd"] = str(row["cost"])
    return line


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> tuple[Bench, dict[str, Any], list[dict[str, Any]]]:
    rows = aider()
    bench = Bench(tmp_path_factory.mktemp("aider"), NO_WORKFLOWS)
    bench.calls(*(converted(row, number) for number, row in enumerate(rows)))
    return bench, bench.run(), rows


def test_every_event_of_the_year_is_one_request(year) -> None:
    _, document, rows = year
    assert len(rows) == 1861
    assert document["records"] == {"read": 1861, "stored": 1861, "duplicate": 0, "superseded": 0, "quarantined": 0}
    assert document["requests"] == 1861


def test_tokens_of_the_year_are_the_logs_own_sums(year) -> None:
    bench, _, rows = year
    exported = bench.export("requests")
    for ours, theirs in (("input_tokens", "prompt_tokens"), ("output_tokens", "completion_tokens")):
        assert sum(int(row[ours]) for row in exported) == sum(row[theirs] or 0 for row in rows)
    assert (
        sum(row["status"] == "error" for row in exported) == sum(row["event"] != "message_send" for row in rows) == 28
    )


def test_recorded_costs_are_kept_to_the_last_digit_and_running_totals_are_no_costs(year) -> None:
    bench, _, rows = year
    recorded = sum(Decimal(row["recorded_usd"]) for row in bench.export("requests") if row["recorded_usd"])
    assert recorded == sum(round(Decimal(row["cost"] or 0), 12) for row in rows)
    assert sum(row["total_cost"] or 0 for row in rows) > 5 * recorded


def test_a_zero_beside_tokens_is_an_unknown_price_not_a_free_call(year) -> None:
    bench, document, rows = year
    exported = {row["request_id"]: row for row in bench.export("requests")}
    silent = [
        exported[f"{number}-{row['time']}"]
        for number, row in enumerate(rows)
        if row["cost"] == 0 and row["total_tokens"]
    ]
    assert len(silent) == 115
    assert not {row["cost_basis"] for row in silent} - {"computed", "unpriced"}
    unpriced = [row for row in exported.values() if row["cost_basis"] == "unpriced"]
    assert document["unpriced_requests"] == len(unpriced) > 0
    assert all(row["cost_usd"] == "" for row in unpriced)
    redacted = [row for row in exported.values() if row["model"] == "REDACTED"]
    assert {row["cost_basis"] for row in redacted} == {"recorded", "unpriced"}
    assert len(redacted) == sum(str(row["main_model"]).endswith("REDACTED") for row in rows)


def test_the_spend_of_the_year_is_the_sum_of_what_each_request_costs(year) -> None:
    bench, document, _ = year
    exported = bench.export("requests")
    spend = sum(Decimal(row["cost_usd"]) for row in exported if row["cost_usd"])
    assert Decimal(document["spend_usd"]) == spend == Decimal(document["unattributed_usd"])
    by_basis = Counter(row["cost_basis"] for row in exported)
    assert sum(by_basis.values()) == 1861
    taken = sum(Decimal(row["cost_usd"]) for row in exported if row["cost_basis"] == "recorded")
    assert taken == sum(Decimal(row["recorded_usd"]) for row in exported if row["cost_basis"] == "recorded")


def test_a_sonnet_call_costs_what_its_list_price_said_at_the_time(year) -> None:
    bench, _, rows = year
    exported = {row["request_id"]: row for row in bench.export("requests")}
    for number, row in enumerate(rows):
        if row["main_model"] == "claude-3-5-sonnet-20241022":
            own = exported[f"{number}-{row['time']}"]
            asked, answered = Decimal(row["prompt_tokens"]), Decimal(row["completion_tokens"])
            assert Decimal(own["cost_usd"]) == (3 * asked + 15 * answered) / 1_000_000
            assert own["cost_basis"] == "computed"
