"""Logs without tags: dated rules by every key that logs give, first match wins, and a count of what each caught."""

from __future__ import annotations

import json
from typing import Any

from pipelines.console.checks import check_text, check_workspace
from pipelines.console.headline import run_text
from tests.console.test_cli import outlay
from tests.sources.reading import EXAMPLES
from tests.workspaces import Bench, call

DAY = "2026-11-20"


def example(name: str, number: int = 0) -> dict[str, Any]:
    return json.loads((EXAMPLES / name).read_text().splitlines()[number])


def payload(**metadata: Any) -> dict[str, Any]:
    """A LiteLLM payload as its callback writes it, with what a key, a team or a project adds."""
    record = example("04-litellm-standard-logging-payload.jsonl")
    group = metadata.pop("model_group", None)
    named = ("spend_logs_metadata", "requester_metadata", "user_api_key_alias", "user_api_key_team_alias")
    kept = {k: v for k, v in record["metadata"].items() if k not in named}
    return {
        **record,
        "request_tags": [],
        "metadata": {**kept, **metadata},
        "model_group": group or record["model_group"],
    }


def span(resource: dict[str, str], **attributes: str) -> dict[str, Any]:
    usage: dict[str, Any] = {
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-5.4",
        "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 100,
    }  # fmt: skip

    def pairs(values: dict[str, Any]) -> list[dict[str, Any]]:
        return [
            {"key": k, "value": {"intValue": str(v)} if isinstance(v, int) else {"stringValue": v}}
            for k, v in values.items()
        ]

    one = {"traceId": "a" * 32, "spanId": "b" * 16, "name": "chat", "startTimeUnixNano": "1792490400000000000",
           "endTimeUnixNano": "1792490401000000000", "attributes": pairs({**usage, **attributes}), "status": {}}  # fmt: skip
    return {
        "resourceSpans": [{"resource": {"attributes": pairs(resource)}, "scopeSpans": [{"scope": {}, "spans": [one]}]}]
    }


def batch(**fields: Any) -> dict[str, Any]:
    body = {"id": "resp_9", "object": "response", "model": "gpt-5.4", "status": "completed",
            "usage": {"input_tokens": 1000, "output_tokens": 100, "total_tokens": 1100}}  # fmt: skip
    return {"time": f"{DAY}T10:00:00Z", **fields, **body}


APIM = example("06-azure-apim-gateway-llm-log.jsonl")
BARE = {k: v for k, v in call("r1").items() if k not in ("workflow", "task_type")}
CASES = {
    "source": ("litellm", payload(), {"source": "sourc?"}),
    "key_alias": ("litellm", payload(user_api_key_alias="legal-prod-7"), {"key_alias": "legal-*"}),
    "team": ("litellm", payload(user_api_key_team_alias="Legal Ops"), {"team": "Legal ?ps"}),
    "project": ("openai", batch(project="proj_reports"), {"project": "proj_reports"}),
    "project_id": ("openai", batch(project_id="proj_reports"), {"project": "proj_*"}),
    "deployment": ("azure-apim", APIM, {"deployment": "*"}),
    "service": ("otlp", span({"service.name": "contract-api"}), {"service.name": "contract-*"}),
    "service_name": ("otlp", span({"service.name": "contract-api"}), {"service_name": "contract-*"}),
    "model": ("requests", BARE, {"model": "gpt-5*"}),
    "provider": ("requests", BARE, {"provider": "openai", "service_tier": "standard"}),
    "model_group": ("litellm", payload(model_group="legal-large"), {"model_group": "legal-*"}),
    "group": ("litellm", payload(model_group="legal-large"), {"group": "legal-large"}),
    "any_tag": ("requests", {**BARE, "queue": "inbox_7"}, {"queue": "inbox_*"}),
}


def bench_of(root, records: dict[str, tuple[str, dict[str, Any]]], *rules: dict[str, Any]) -> Bench:
    """One source a record, named for it."""
    sources = [{"name": name, "kind": kind, "path": f"logs/{name}/*"} for name, (kind, _) in records.items()]
    bench = Bench(root, {"sources": sources, "assign": list(rules)})
    for name, (_, record) in records.items():
        bench.lines(f"logs/{name}/{DAY}.jsonl", [record])
    return bench


def apart(name: str, record: dict[str, Any]) -> dict[str, Any]:
    """The record as a call of its own: formats whose response ids meet across sources get another."""
    ids = {
        field: f"{record[field]}-{name}" for field in ("id", "litellm_call_id") if isinstance(record.get(field), str)
    }
    return {**record, **ids}


def test_every_key_matches_a_record_of_a_format_that_carries_it(tmp_path):
    records, rules = {}, []
    for name, (kind, record, match) in CASES.items():
        records[name] = (kind, apart(name, record))
        near = {"match": {**match, next(iter(match)): "no-such-*"}, "workflow": "claims"}
        rules += [near, {"match": {"source": name, **match}, "workflow": "review", "task_type": name}]
    bench = bench_of(tmp_path, records, *rules)
    bench.run()
    found = {r["source"]: (r["workflow"], r["task_type"]) for r in bench.export("requests")}
    assert found == {name: ("review", name) for name in CASES}
    assert [r["requests"] for r in bench.export("assign_rules")] == ["0", "1"] * len(CASES)


def test_a_group_that_outlay_routes_to_gives_both_names_unless_a_tag_says_otherwise(tmp_path):
    groups = {"whole": "route/review/extraction", "longer": "route/review/extraction/more", "half": "route/review"}
    records = {name: ("litellm", apart(name, payload(model_group=group))) for name, group in groups.items()}
    tagged = payload(model_group="route/review/extraction", spend_logs_metadata={"workflow": "claims"})
    records["tagged"] = ("litellm", apart("tagged", tagged))
    rule = {"match": {"model_group": "route/*", "source": "[wt]*"}, "workflow": "never"}
    also = [{**rule, "match": {**rule["match"], "source": name}} for name in ("whole", "tagged")]
    bench = bench_of(tmp_path, records, rule, *also)
    bench.run()
    assert {r["source"]: (r["workflow"], r["task_type"]) for r in bench.export("requests")} == {
        "whole": ("review", "extraction"), "longer": ("", ""), "half": ("", ""), "tagged": ("claims", "extraction"),
    }  # fmt: skip
    assert [r["requests"] for r in bench.export("assign_rules")] == ["0", "0", "0"]


def test_a_rule_matches_what_only_the_losing_report_of_the_call_carries(tmp_path):
    sources = [
        {"name": "calls", "kind": "requests", "path": "logs/calls/*.jsonl", "priority": 9},
        {"name": "traces", "kind": "otlp", "path": "logs/otlp/*.jsonl"},
    ]
    rules = [{"match": {"service.name": "contract-*", "source": "calls"}, "workflow": "review"}]
    bench = Bench(tmp_path, {"sources": sources, "assign": rules})
    bench.calls({**BARE, "response_id": "resp-1"})
    bench.lines("logs/otlp/a.jsonl", [span({"service.name": "contract-api"}, **{"gen_ai.response.id": "resp-1"})])
    bench.run()
    assert [(r["request_id"], r["workflow"]) for r in bench.export("requests")] == [("r1", "review")]


def test_what_each_rule_caught_is_counted_from_its_day_on_and_nothing_is_listed_too(tmp_path):
    rules = [
        {"match": {"queue": "a*"}, "workflow": "review", "from": "2026-10-21"},
        {"match": {"queue": "*"}, "workflow": "claims", "task_type": "triage"},
        {"match": {"queue": "a1"}, "workflow": "review"},
    ]
    bench = Bench(tmp_path, {"assign": rules})
    times = {"r1": "2026-10-20T10:00:00Z", "r2": "2026-10-21T10:00:00Z", "r3": "2026-10-23T10:00:00Z"}
    bench.calls(
        *({**BARE, "request_id": name, "queue": "a1", "time": time} for name, time in times.items()),
        {**BARE, "request_id": "r4", "queue": "b", "model": "no-such-model"}, call("tagged", queue="a1"),
    )  # fmt: skip
    document = bench.run()
    said = [
        {"rule": 1, "match": "queue: a*", "valid_from": "2026-10-21", "workflow": "review", "task_type": None,
         "requests": 2, "spend_usd": "0.008000000000", "first_day": "2026-10-21", "last_day": "2026-10-23"},
        {"rule": 2, "match": "queue: *", "valid_from": None, "workflow": "claims", "task_type": "triage",
         "requests": 2, "spend_usd": "0.004000000000", "first_day": "2026-10-20", "last_day": "2026-10-20"},
        {"rule": 3, "match": "queue: a1", "valid_from": None, "workflow": "review", "task_type": None,
         "requests": 0, "spend_usd": "0.000000000000", "first_day": None, "last_day": None},
    ]  # fmt: skip
    assert document["assign"] == said
    lines = [
        "assign 1  {queue: a*, from 2026-10-21} -> review: 2 requests, $0.01, 2026-10-21 to 2026-10-23",
        "assign 2  {queue: *} -> claims/triage: 2 requests, $0.00, 2026-10-20 to 2026-10-20",
        "assign 3  {queue: a1} -> review: caught nothing",
    ]
    assert [line for line in run_text(document).split("\n") if line.startswith("assign")] == lines
    checked = check_workspace(bench.loaded)
    assert checked["assign"] == said
    assert [line for line in check_text(checked).split("\n") if line.startswith("assign")] == lines
    assert bench.run()["assign"] == said  # nothing new: as published
    bench.config["assign"][0]["match"] = {"queue": "b*"}
    bench.save()
    assert [rule["requests"] for rule in check_workspace(bench.loaded)["assign"]] == [None, None, None]
    assert "assign 1  {queue: b*, from 2026-10-21} -> review: not applied yet: outlay run" in check_text(
        check_workspace(bench.loaded)
    )


def test_a_rule_that_can_catch_nothing_is_warned_of(tmp_path):
    rules = [
        {"match": {"user_id": "u-*"}, "workflow": "review"}, {"match": {"api_key": "sk-*"}, "workflow": "review"},
        {"match": {"queue": "a"}, "workflow": "elsewhere"}, {"match": {"source": "gatewy"}, "workflow": "review"},
        {"match": {"source": "call?"}, "workflow": "review"}, {"match": {"source": "[c]*"}, "workflow": "review"},
    ]  # fmt: skip
    bench = Bench(tmp_path, {"assign": rules})
    warned = [w for w in check_workspace(bench.loaded)["warnings"] if w.startswith("assign")]
    assert warned == [
        "assign rule 1 (user_id: u-*): user_id names users, and is kept only where tags: maps it",
        "assign rule 2 (api_key: sk-*): api_key is never kept (secret), so nothing matches",
        "assign rule 3 (queue: a): workflow elsewhere is not declared under workflows:",
        "assign rule 4 (source: gatewy): no source under sources: is called gatewy, so nothing new matches",
        "assign rule 6 (source: [c]*): no source under sources: is called [c]*, so nothing new matches",
    ]


def test_the_command_line_says_what_the_rules_caught(tmp_path):
    bench = Bench(tmp_path, {"assign": [{"match": {"queue": "*"}, "workflow": "review"}]})
    bench.calls({**BARE, "queue": "q"})
    ran = outlay("run", "--json", "--workspace", str(tmp_path))
    assert [(r["rule"], r["requests"]) for r in json.loads(ran.stdout)["assign"]] == [(1, 1)]
    checked = outlay("check", "--workspace", str(tmp_path))
    assert "assign 1  {queue: *} -> review: 1 request, $0.00, 2026-10-20 to 2026-10-20" in checked.stdout
