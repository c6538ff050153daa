"""LiteLLM's StandardLoggingPayload, trimmed to the fields that a reader of costs needs. Never a prompt or
an answer."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from tests.company.plain_logs import line
from tests.company.records import Call, digest
from tests.reference.prices import list_rate


def _uuid(*parts: object) -> str:
    return str(UUID(hex=digest(*parts, size=16), version=4))


def payload(call: Call) -> str:
    """One call as the gateway logged it; counts follow OpenAI's way for every provider."""
    failed, hit = call.status == "error", "cache_hit" in call.marks
    start = call.time.timestamp()
    end = round(start + call.latency_ms / 1000, 3)
    cost = 0.0 if failed or hit or call.recorded is None else float(call.recorded)
    body: dict[str, Any] = {
        "id": _response_id(call, start) if not failed else _uuid(call.key, "call"),
        "litellm_call_id": _uuid(call.key, "call"),
        "trace_id": _uuid(call.attempt or call.key, "trace"),
        "call_type": "acompletion",
        "cache_hit": True if hit else None,
        "status": "failure" if failed else "success",
        "custom_llm_provider": call.provider,
        "saved_cache_cost": float(call.recorded or 0) if hit else 0.0,
        "startTime": start,
        "endTime": end,
        "response_time": round(end - start, 3),
        "model": call.model,
        "model_group": call.route or call.model,
        "metadata": _metadata(call),
        "response_cost": cost,
        "prompt_tokens": call.total_input,
        "completion_tokens": call.output,
        "total_tokens": call.total_input + call.output,
        "request_tags": [],
        "end_user": None,
        "messages": "redacted-by-litellm",
        "response": "redacted-by-litellm",
        "model_map_information": {"model_map_key": call.model, "model_map_value": _prices(call)},
        "error_str": "litellm.RateLimitError: rate_limit_error" if failed else None,
    }
    if failed:
        body["error_information"] = {
            "error_code": "429",
            "error_class": "RateLimitError",
            "llm_provider": call.provider,
        }
    if call.task and "old_job" not in call.marks and "two_sources" not in call.marks:
        body["request_tags"] = [f"team:{call.team}", f"task_type:{call.task}"]
    return line(body)


def _response_id(call: Call, start: float) -> str:
    """LiteLLM keeps OpenAI's id and makes up its own for Anthropic."""
    made = call.response_id if call.provider == "openai" else f"chatcmpl-{_uuid(call.key, 'made')}"
    return f"{made}_cache_hit{start}" if "cache_hit" in call.marks else made


def _metadata(call: Call) -> dict[str, Any]:
    usage: dict[str, Any] = {
        "prompt_tokens": call.total_input,
        "completion_tokens": call.output,
        "total_tokens": call.total_input + call.output,
        "completion_tokens_details": {"reasoning_tokens": call.reasoning},
        "prompt_tokens_details": {"cached_tokens": call.read},
    }
    if call.write or call.write_long:
        usage["prompt_tokens_details"] = usage["prompt_tokens_details"] | {
            "cache_write_tokens": call.write + call.write_long,
            "cache_creation_tokens": call.write + call.write_long,
            "cache_creation_token_details": {
                "ephemeral_5m_input_tokens": call.write,
                "ephemeral_1h_input_tokens": call.write_long,
            },
        }
        usage |= {
            "cache_creation_input_tokens": call.write + call.write_long,
            "cache_read_input_tokens": call.read,
        }
    names = {"untagged": "sandbox", "old_job": "finance-nightly-v1", "two_sources": "contracts-prod"}
    alias = next((names[m] for m in names if m in call.marks), f"{call.team}-prod")
    logged: dict[str, Any] = {}
    if "old_job" in call.marks:  # it knows its report, and nothing of workflows
        logged = {"report_id": call.unit, "attempt_id": call.attempt}
    elif "two_sources" in call.marks:
        logged = {"workflow": call.workflow, "document_id": call.unit}
    elif call.workflow:
        logged = {
            "workflow": call.workflow,
            "task_type": call.task,
            "report_id": call.unit,
            "attempt_id": call.attempt,
            "team": call.team,
        }
        if call.workflow == "contract_review":
            logged["document_id"] = logged.pop("report_id")
    return {
        "user_api_key_alias": alias,
        "user_api_key_team_alias": call.team,
        "spend_logs_metadata": logged or None,
        "usage_object": usage if call.status == "ok" else None,
    }


def _prices(call: Call) -> dict[str, Any]:
    """The gateway's own price table for the model, as floats, the way it logs it."""
    names = {
        "input": "input_cost_per_token",
        "cache_read": "cache_read_input_token_cost",
        "output": "output_cost_per_token",
    }
    found: dict[str, Any] = {}
    for token_class, name in names.items():
        rate = list_rate(call.provider, call.model, token_class, "standard", call.time, 0)
        found[name] = None if rate is None else float(rate)
    return found | {"litellm_provider": call.provider, "mode": "chat"}
