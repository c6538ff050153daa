"""Outlay's own request log, outcomes and evaluations, and the result files of Anthropic's batch interface."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from tests.company.records import Call, Event, Mark, digest
from tests.company.story import SERVED_NAME


def line(body: dict[str, Any]) -> str:
    """One JSON object as one line, in the order in which it was built."""
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False)


def rfc3339(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def request(call: Call) -> dict[str, Any]:
    """A call in Outlay's own request log: cache inside input, reasoning inside output."""
    body: dict[str, Any] = {"request_id": f"req-{digest(call.key, size=9)}", "time": rfc3339(call.time)}
    if call.status == "ok" and call.provider in ("openai", "anthropic"):
        body["response_id"] = call.response_id
    body |= {"provider": call.provider, "model": call.model}
    if call.status == "error":
        body |= {"status": "error", "error_code": 429}
    else:
        body |= {"input_tokens": call.total_input, "output_tokens": call.output}
    for name, count in (
        ("cache_read_tokens", call.read),
        ("cache_write_tokens", call.write),
        ("cache_write_long_tokens", call.write_long),
        ("reasoning_tokens", call.reasoning),
    ):
        if count:
            body[name] = count
    body["latency_ms"] = call.latency_ms
    if call.recorded is not None:
        body["cost_usd"] = f"{call.recorded.normalize():f}"
    for name, value in (
        ("workflow", call.workflow),
        ("task_type", call.task),
        ("attempt_id", call.attempt),
        ("stratum", call.stratum),
    ):
        if value:
            body[name] = value
    if call.units:
        body["units"] = [{"unit_id": unit, "weight": int(weight)} for unit, weight in call.units]
    elif call.unit:
        body["unit_id"] = call.unit
    return body | {"team": call.team}


def request_lines(call: Call) -> list[str]:
    """Usually one line; two where a writer sent a record again, or sent a first count before the stream had
    ended."""
    body = request(call)
    if "written_twice" in call.marks:
        return [line(body), line(dict(reversed(body.items())))]
    if "two_payloads" in call.marks:
        early = body | {"output_tokens": body["output_tokens"] // 2, "reasoning_tokens": 0}
        early.pop("cost_usd", None)
        return [line(early), line(body)]
    return [line(body)]


def broken_lines() -> list[str]:
    """A line that a full disk cut off, and one whose writer made text of its counts."""
    cut = line(
        {
            "request_id": "req-cut-off",
            "time": "2026-10-08T11:02:17.090Z",
            "provider": "openai",
            "model": "gpt-5-mini",
        }
    )
    typed = {
        "request_id": "req-as-text",
        "time": "2026-10-08T11:02:18.200Z",
        "provider": "openai",
        "model": "gpt-5-mini",
        "input_tokens": "6120",
        "output_tokens": "310",
        "workflow": "claims_decision",
    }
    return [cut[:71], line(typed)]


def outcome(event: Event) -> str:
    body: dict[str, Any] = {
        "event_id": event.event_id,
        "time": rfc3339(event.time),
        "workflow": event.workflow,
        "unit_id": event.unit,
        "event": event.event,
        "attempt_id": event.attempt,
    }
    if event.value is not None:
        body["value_usd"] = str(event.value)
    if event.signal:
        body["signal"] = event.signal
    return line(body)


def evaluation(mark: Mark) -> str:
    provider, model = mark.model.split("/", 1)
    body: dict[str, Any] = {
        "workflow": mark.workflow,
        "task_type": mark.task,
        "item_id": mark.item,
        "provider": provider,
        "model": model,
        "quality": mark.quality,
        "time": rfc3339(mark.time),
        "signal": mark.signal,
        "input_tokens": mark.input_tokens,
        "output_tokens": mark.output_tokens,
        "latency_ms": mark.latency_ms,
    }
    if mark.cost is not None:
        body["cost_usd"] = f"{mark.cost.normalize():f}"
    return line(body)


def batch_result(call: Call) -> str:
    """A line of a batch result file, with time and tags beside the body."""
    body: dict[str, Any] = {
        "custom_id": f"{call.unit}|{digest(call.key, size=4)}",
        "time": rfc3339(call.time),
        "workflow": call.workflow,
        "task_type": call.task,
        "unit_id": call.unit,
        "attempt_id": call.attempt,
        "team": call.team,
    }
    if call.status == "error":
        error = {"type": "overloaded_error", "message": "Overloaded"}
        body["result"] = {"type": "errored", "error": {"type": "error", "error": error}}
        return line(body)
    usage = {
        "input_tokens": call.uncached,
        "cache_creation_input_tokens": call.write + call.write_long,
        "cache_read_input_tokens": call.read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": call.write,
            "ephemeral_1h_input_tokens": call.write_long,
        },
        "output_tokens": call.output,
        "output_tokens_details": {"thinking_tokens": call.reasoning},
        "service_tier": "batch",
    }
    message = {
        "id": call.response_id,
        "type": "message",
        "role": "assistant",
        "model": SERVED_NAME.get(call.model, call.model),
        "content": [],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": usage,
    }
    return line(body | {"result": {"type": "succeeded", "message": message}})
