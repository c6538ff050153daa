"""Traces that are a sample of the calls: what the records say is acted on, what only figures suggest is alerted."""

from __future__ import annotations

import json
import os
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from pipelines.sources.record import RequestRecord
from pipelines.sources.sampling import probability
from tests.intake.test_partial_logs import DAY, USAGE, usage
from tests.sources.reading import one, read_lines
from tests.workspaces import BASE, Bench, call

CALLS = {"name": "calls", "kind": "requests", "path": "logs/calls/*.jsonl"}
TRACES = {"name": "traces", "kind": "otlp", "path": "logs/otlp/*.jsonl", "priority": 9}


def span(
    number: int, *, day: int = 20, state: str | None = None, resource: dict[str, Any] | None = None,
    calls: bool = True, trace: int | None = None, **attributes: Any,
) -> dict[str, Any]:  # fmt: skip
    """One export request with one span: a call of 1,000 + 100 tokens on gpt-5.4, or a span that is none."""
    own = {
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-5.4",
        "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 100, "gen_ai.response.id": f"resp-{number}",
        "workflow": "review", "unit_id": f"d{number}",
    }  # fmt: skip

    def pairs(values: dict[str, Any]) -> list[dict[str, Any]]:
        kinds = {int: "intValue", float: "doubleValue", str: "stringValue"}
        return [{"key": k, "value": {kinds[type(v)]: str(v) if type(v) is int else v}} for k, v in values.items()]

    start = (DAY + (day - 20) * 86400 + 36000 + number) * 10**9
    one = {
        "traceId": f"{number if trace is None else trace:032x}".replace("0" * 32, "f" * 32), "spanId": f"{number + 1:016x}",
        "name": "x", "startTimeUnixNano": str(start), "endTimeUnixNano": str(start + 10**9),
        "attributes": pairs({**(own if calls else {}), **attributes}), "status": {},
    }  # fmt: skip
    if state is not None:
        one["traceState"] = state
    return {"resourceSpans": [{"resource": {"attributes": pairs(resource or {})}, "scopeSpans": [{"spans": [one]}]}]}


def gateway(number: int, **fields: Any) -> dict[str, Any]:
    plain = {k: v for k, v in call(f"g{number}").items() if k not in ("workflow", "unit_id")}
    return {**plain, "response_id": f"resp-{number}", **fields}


def bench_of(root, **traces: Any) -> Bench:
    return Bench(root, {"sources": [CALLS, {**TRACES, **traces}, *BASE["sources"][1:]]})


def sampling_alerts(document: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(a["subject"], a["severity"], a["detail"]) for a in document["alerts"] if a["kind"] == "sampling"]


# What a record says


@pytest.mark.parametrize(
    ("state", "kept"),
    [
        ("ot=th:c", "0.25"), ("ot=th:8", "0.5"), ("ot=th:e666666666666", "0.1"), ("ot=th:0", None),
        ("vendor=x, ot=rv:abcd;th:8", "0.5"), ("ot=p:3;r:5", "0.125"), ("ot=p:0", None), ("ot=p:63", None),
        ("ot=th:xyz", None), ("ot=th:123456789abcdef", None), ("other=th:8", None), ("", None), ("ot", None), (None, None),
        ("ot=th:ffffffffffffff", "0.000001"), ("ot=th:00000000000001", "0.999999"),
    ],
)  # fmt: skip
def test_a_tracestate_says_with_which_probability_the_trace_was_kept(state, kept):
    assert probability({}, state) == kept


@pytest.mark.parametrize(
    ("attributes", "kept"),
    [
        ({"sampling.probability": Decimal("0.1")}, "0.1"), ({"sampling.probability": "0.25"}, "0.25"),
        ({"sampling.probability": 1}, None), ({"sampling.probability": 0}, None), ({"sampling.probability": "high"}, None),
        ({"sampling.probability": True}, None), ({"_dd.rule_psr": Decimal("0.5")}, "0.5"),
        ({"sampler.type": "probabilistic", "sampler.param": Decimal("0.2")}, "0.2"),
        ({"sampler.type": "const", "sampler.param": 1}, None), ({"sampler.type": "ratelimiting", "sampler.param": Decimal("0.2")}, None),
        ({"SampleRate": 16000}, None), ({"sample_rate": Decimal("0.5")}, None), ({"sampling.probability": "NaN"}, None),
    ],
)  # fmt: skip
def test_attributes_count_only_where_their_name_says_probability(attributes, kept):
    assert probability(attributes) == kept


def test_the_least_of_several_statements_counts():
    assert probability({"sampling.ratio": Decimal("0.5")}, "ot=th:c") == "0.25"


def test_spans_and_langfuse_generations_carry_what_their_trace_says(tmp_path):
    lines = [span(1, state="ot=th:c"), span(2, resource={"sampling.probability": 0.1}), span(3)]
    found = [p for _, p in read_lines("otlp", tmp_path, lines) if isinstance(p, RequestRecord)]
    assert [record.flags for record in found] == [("sampled:0.25",), ("sampled:0.1",), ()]
    generation = {
        "id": "o1", "project_id": "p", "type": "GENERATION", "start_time": "2026-11-20 12:00:00", "model": "gpt-5.4",
        "usage_details": {"input": 1, "output": 1, "total": 2},
        "metadata": {"attributes": {"sampling.probability": "0.1"}},
    }  # fmt: skip
    assert one("langfuse", tmp_path, generation).flags == ("sampled:0.1",)


# What is done about it


def test_a_source_that_says_it_is_a_sample_lends_tags_and_counts_no_spend(tmp_path):
    bench = bench_of(tmp_path)
    bench.calls(gateway(1), gateway(2))
    bench.lines("logs/otlp/a.jsonl", [span(1, state="ot=th:c"), span(7, state="ot=th:8"), span(8)])
    document = bench.run()
    assert [(r["request_id"], r["source"], r["workflow"], r["unit_id"]) for r in bench.export("requests")] == [
        ("g1", "calls", "review", "d1"), ("g2", "calls", "", ""),
    ]  # fmt: skip
    assert document["spend_usd"] == "0.008000000000"
    assert sampling_alerts(document) == [
        (
            "traces", "high",
            "2 of its 3 calls say that 25 % to 50 % of the traffic was kept, so the source lends its tags and counts no spend: "
            "2 calls, which no other source reports, are in no number. If it holds every call all the same, write "
            "sampling: 1 under the source traces in outlay.yaml",
        )
    ]  # fmt: skip


@pytest.mark.parametrize("declared", [1, 0.5])
def test_what_the_workspace_declares_stands_against_what_the_records_say(tmp_path, declared):
    bench = bench_of(tmp_path, sampling=declared)
    bench.lines("logs/otlp/a.jsonl", [span(1, state="ot=th:c")])
    document = bench.run()
    assert document["requests"] == (1 if declared == 1 else 0)
    assert sampling_alerts(document) == []


def test_the_first_record_that_says_so_takes_the_earlier_days_out_whatever_the_order_of_runs(tmp_path):
    pieces = {
        "whole": ("logs/otlp/a.jsonl", [span(1, day=18), span(2, day=19)]),
        "sampled": ("logs/otlp/b.jsonl", [span(3, state="ot=th:c")]),
        "gateway": ("logs/calls/a.jsonl", [gateway(1, time="2026-10-18T10:00:01Z"), gateway(9)]),
    }
    prints = []
    orders = list(permutations(pieces)) if os.environ.get("OUTLAY_FULL") else [list(pieces)[::-1]]
    for number, order in enumerate(orders):
        bench = bench_of(tmp_path / str(number))
        for piece in order:
            bench.lines(*pieces[piece])
            document = bench.run()
        assert [(r["request_id"], r["workflow"]) for r in bench.export("requests")] == [("g1", "review"), ("g9", "")]
        assert document["records"]["read"] == len(pieces[order[-1]][1])
        prints.append(bench.fingerprint())
    one = bench_of(tmp_path / "one")
    for piece in pieces.values():
        one.lines(*piece)
    one.run()
    assert all(each == one.fingerprint() for each in prints)
    one.run(full=True)
    assert one.fingerprint() == prints[0]


def test_days_that_were_published_with_the_sample_are_restated(tmp_path):
    bench = bench_of(tmp_path)
    bench.lines("logs/otlp/a.jsonl", [span(1, day=18)])
    assert bench.run()["requests"] == 1
    bench.lines("logs/otlp/b.jsonl", [span(3, state="ot=th:c")])
    assert bench.run()["requests"] == 0
    assert [(r["day"], r["before_usd"], r["after_usd"]) for r in bench.export("restatements")] == [
        ("2026-10-18", "0.004000000000", "")
    ]


@pytest.mark.parametrize("first", ["root", "call"])
def test_the_root_of_a_trace_may_be_the_one_that_says_so(tmp_path, first):
    root = span(90, calls=False, trace=5, **{"sampler.type": "probabilistic", "sampler.param": 0.1})
    bench = bench_of(tmp_path)
    pieces = {"root": ("logs/otlp/a.jsonl", [root]), "call": ("logs/otlp/b.jsonl", [span(1, trace=5)])}
    for name in (first, *(n for n in pieces if n != first)):
        bench.lines(*pieces[name])
        document = bench.run()
    assert document["requests"] == 0
    assert sampling_alerts(document)[0][2].startswith("1 of its 1 calls say that 10 % of the traffic was kept")


# What only figures suggest


def pages(*shares: tuple[int, int]) -> list[str]:
    """Usage pages of (day, tokens of input)."""
    return [usage((DAY + (day - 20) * 86400, 86400, tokens)) for day, tokens in shares]


def test_traces_that_stay_far_under_the_usage_report_are_alerted_and_still_counted(tmp_path):
    bench = Bench(tmp_path, {"sources": [CALLS, TRACES, USAGE]})
    bench.lines("logs/otlp/a.jsonl", [span(n, day=18 + n) for n in range(3)])
    for number, page in enumerate(pages((18, 10000), (19, 10000), (20, 10000))):
        bench.lines(f"usage/{number}.json", [page])
    document = bench.run()
    assert document["requests"] == 3
    assert sampling_alerts(document) == [
        (
            "traces", "medium",
            "on 3 days the logs hold 10 % of the tokens that openai reports, on none of them 95 %: the traces may be a "
            "sample. If it is one, write sampling: 0.1 under the source traces in outlay.yaml; nothing is left out before "
            "you do",
        )
    ]  # fmt: skip
    assert [(r["day"], r["provider"], r["model"], r["reported_tokens"], r["held_tokens"], r["share"])
            for r in bench.export("coverage")] == [
        (f"2026-10-{day}", "openai", "", "11000", "1100", "0.100000000000") for day in (18, 19, 20)
    ]  # fmt: skip


@pytest.mark.parametrize("why", ["two days", "one whole day", "a gateway beside"])
def test_weaker_figures_suggest_nothing(tmp_path, why):
    bench = Bench(tmp_path, {"sources": [CALLS, TRACES, USAGE]})
    days = (18, 19) if why == "two days" else (18, 19, 20)
    for day in days:
        bench.lines(f"logs/otlp/{day}.jsonl", [span(day, day=day)])
        if why == "a gateway beside":
            bench.calls(gateway(100 + day, time=f"2026-10-{day}T10:00:00Z"), file=f"{day}.jsonl")
    tokens = {day: 1000 if why == "one whole day" and day == 19 else 10000 for day in days}
    for number, page in enumerate(pages(*tokens.items())):
        bench.lines(f"usage/{number}.json", [page])
    assert sampling_alerts(bench.run()) == []


@pytest.mark.parametrize(("traced", "alerted"), [(30, True), (95, False)])
def test_traces_that_hold_some_of_a_gateways_calls_and_no_others_are_alerted(tmp_path, traced, alerted):
    bench = bench_of(tmp_path, priority=-1)
    bench.calls(*(gateway(n, time="2026-10-20T10:00:00Z") for n in range(1, 101)))
    bench.lines("logs/otlp/a.jsonl", [span(n) for n in range(1, traced + 1)])
    document = bench.run()
    assert document["requests"] == 100
    assert sampling_alerts(document) == ([
        (
            "traces", "low",
            "of 100 calls that calls reports for the same models and days in 28 days, 30 (30 %) are in these traces: a "
            "sample, or the traces of some of the programs. If it is one, write sampling: 0.3 under the source traces in "
            "outlay.yaml; nothing is left out before you do",
        )
    ] if alerted else [])  # fmt: skip


def test_coverage_tells_models_apart_where_the_report_does(tmp_path):
    bench = Bench(tmp_path, {"sources": [CALLS, USAGE]})
    bench.calls(
        call("r1"), call("r2", model="gpt-5-mini-2025-08-07"), call("r3", time="2026-10-22T10:00:00Z"),
    )  # fmt: skip
    page = json.loads(usage((DAY, 86400, 1000), (DAY + 86400, 86400, 50)))
    first, second = (bucket["results"] for bucket in page["data"])
    first[0]["model"] = "gpt-5.4-2026-03-05"
    first.append(
        {**first[0], "model": "gpt-5-mini", "input_tokens": 4000, "input_uncached_tokens": 3900, "output_tokens": 400}
    )
    second[0]["model"] = "gpt-5.4"
    bench.lines("usage/a.json", [json.dumps(page)])
    document = bench.run()
    assert [tuple(r.values()) for r in bench.export("coverage")] == [
        ("2026-10-20", "openai", "gpt-5-mini", "4400", "1100", "0.250000000000"),
        ("2026-10-20", "openai", "gpt-5.4", "1100", "1100", "1.000000000000"),
        ("2026-10-21", "openai", "gpt-5.4", "55", "0", "0.000000000000"),
    ]
    assert [(a["day"], a["detail"]) for a in document["alerts"] if a["kind"] == "reconciliation"] == [
        ("2026-10-20", "the logs hold 40 % of the tokens that openai reports for the day (2,200 of 5,500, of gpt-5-mini "
         "25 %): some calls are logged nowhere"),
        ("2026-10-21", "the logs hold 0 % of the tokens that openai reports for the day (0 of 55, of gpt-5.4 0 %): "
         "some calls are logged nowhere"),
    ]  # fmt: skip
