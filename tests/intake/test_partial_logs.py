"""Logs that hold a part of the calls don't look like a cheap month: coverage is compared, sampled sources lend tags."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.intake.test_once_and_only_once import counts
from tests.workspaces import BASE, Bench, call

DAY = 1792454400  # 2026-10-20 00:00 UTC
USAGE = {"name": "usage", "kind": "openai-usage", "path": "usage/*.json"}
TRACES = {"name": "traces", "kind": "requests", "path": "traces/*.jsonl", "priority": 9}


def usage(*buckets: tuple[int, int, int]) -> str:
    """A page of (start, seconds, input tokens), a tenth of which were cached; output a tenth on top."""
    data = [
        {"object": "bucket", "start_time": start, "end_time": start + seconds, "results": [{
            "object": "organization.usage.completions.result", "input_tokens": tokens,
            "input_cached_tokens": tokens // 10, "input_uncached_tokens": tokens - tokens // 10,
            "output_tokens": tokens // 10, "num_model_requests": 3,
        }]}
        for start, seconds, tokens in buckets
    ]  # fmt: skip
    return json.dumps({"object": "page", "data": data, "has_more": False})


def bench_of(root: Path, *sources: dict[str, Any]) -> Bench:
    return Bench(root, {"sources": [BASE["sources"][0], *sources]})


@pytest.mark.parametrize(("reported", "alerted"), [(2105, False), (2106, True), (2000, False), (1000, False)])
def test_a_day_of_which_the_logs_hold_less_than_95_percent_is_alerted(tmp_path, reported, alerted):
    bench = bench_of(tmp_path, USAGE)
    bench.calls(call("r1"), call("r2"))  # 2,200 tokens
    bench.lines("usage/a.json", [usage((DAY, 86400, reported))])
    alerts = bench.run()["alerts"]
    total = reported + reported // 10
    assert alerts == ([
        {
            "day": "2026-10-20", "kind": "reconciliation", "subject": "openai", "severity": "medium",
            "detail": f"the logs hold 94.9 % of the tokens that openai reports for the day (2,200 of {total:,}): "
            "some calls are logged nowhere",
        }
    ] if alerted else [])  # fmt: skip


def test_only_days_and_providers_that_both_report_are_compared(tmp_path):
    bench = bench_of(tmp_path, USAGE)
    bench.calls(
        call("r1"), call("r2", provider="anthropic", model="claude-sonnet-5"), call("r3", time="2026-10-22T10:00:00Z")
    )
    bench.lines("usage/a.json", [usage((DAY - 86400, 86400, 9000), (DAY, 86400, 4000))])
    assert [(a["day"], a["subject"], a["detail"].split(" of ")[0]) for a in bench.run()["alerts"]] == [
        ("2026-10-20", "openai", "the logs hold 25 %")
    ]


def test_hours_and_days_of_one_report_are_not_added_up(tmp_path):
    bench = bench_of(tmp_path, USAGE)
    bench.calls(call("r1"))
    bench.lines("usage/days.json", [usage((DAY, 86400, 1000))])
    bench.lines("usage/hours.json", [usage((DAY + 36000, 3600, 600), (DAY + 39600, 3600, 400))])
    assert bench.run()["alerts"] == []


@pytest.mark.parametrize("first", ["calls", "traces", None])
def test_a_sampled_source_lends_tags_and_makes_no_request(tmp_path, first):
    bench = bench_of(tmp_path, {**TRACES, "sampling": 0.1})
    plain = {k: v for k, v in call("g1", response_id="resp-1").items() if k not in ("workflow", "unit_id")}
    records = {
        "calls": ("logs/calls/a.jsonl", [plain]),
        "traces": ("traces/a.jsonl", [
            call("t1", response_id="resp-1", input_tokens=900, output_tokens=900),
            call("t2", response_id="resp-2"), call("t3"),
        ]),
    }  # fmt: skip
    for name in (first, *(n for n in records if n != first)) if first else records:
        bench.lines(*records[name])
        if first:
            bench.run()
    document = bench.run()
    if not first:
        assert document["records"] == counts(4, 1, superseded=3)
    assert (document["requests"], document["spend_usd"]) == (1, "0.004000000000")
    assert [(r["request_id"], r["source"], r["workflow"], r["unit_id"]) for r in bench.export("requests")] == [
        ("g1", "calls", "review", "d1")
    ]
    assert [(r["unit_id"], r["spend_usd"]) for r in bench.export("outcome_cost")] == [("d1", "0.004000000000")]


def test_declaring_a_sampling_later_takes_its_requests_out(tmp_path):
    bench = bench_of(tmp_path, TRACES)
    bench.lines("traces/a.jsonl", [call("t1"), call("t2")])
    bench.calls(call("r1"))
    assert bench.run()["requests"] == 3
    bench.config["sources"][1]["sampling"] = 0.5
    bench.save()
    document = bench.run()
    assert (document["requests"], document["spend_usd"]) == (1, "0.004000000000")
    assert [(r["day"], r["cause"]) for r in bench.export("restatements")] == [("2026-10-20", "workspace changed")]
    bench.config["sources"][1]["sampling"] = 1
    bench.save()
    assert bench.run()["requests"] == 3
