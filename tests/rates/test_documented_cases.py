"""Single requests whose price the provider documents, counted by hand from the response bodies."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from tests.public_data import folder


def tokens(response: dict[str, Any]) -> dict[str, int]:
    """Disjoint counts, by the rule of each provider's usage block."""
    if meta := response.get("usageMetadata"):  # Gemini: cached inside prompt, thoughts outside candidates
        cached = meta.get("cachedContentTokenCount", 0)
        return {
            "input_uncached": meta["promptTokenCount"] - cached,
            "cache_read": cached,
            "output_nonreasoning": meta["candidatesTokenCount"],
            "output_reasoning": meta.get("thoughtsTokenCount", 0),
        }
    usage = response["usage"]
    if "inputTokens" in usage:  # Bedrock Converse: disjoint
        return {"input_uncached": usage["inputTokens"], "output_nonreasoning": usage["outputTokens"]}
    if "cache_read_input_tokens" in usage:  # Anthropic: disjoint
        return {
            "input_uncached": usage["input_tokens"],
            "cache_read": usage["cache_read_input_tokens"],
            "cache_write": usage["cache_creation"]["ephemeral_5m_input_tokens"],
            "cache_write_long": usage["cache_creation"]["ephemeral_1h_input_tokens"],
            "output_nonreasoning": usage["output_tokens"],
        }
    cached = usage.get("prompt_tokens_details", {}).get("cached_tokens", 0)
    reasoning = usage.get("completion_tokens_details", {}).get("reasoning_tokens", 0)
    return {
        "input_uncached": usage["prompt_tokens"] - cached,
        "cache_read": cached,
        "output_nonreasoning": usage.get("completion_tokens", 0) - reasoning,
        "output_reasoning": reasoning,
    }


def tier(case: dict[str, Any]) -> str:
    if case["batch"]:
        return "batch"
    named = case["response"].get("service_tier", "standard")
    return "standard" if named == "default" else named


#: Documented prices of the day: (provider, model, time, tier, tokens, dollars, where it is documented).
OPENAI = "https://developers.openai.com/api/docs/pricing"
CLAUDE = "https://platform.claude.com/docs/en/about-claude/pricing"
GEMINI = "https://ai.google.dev/gemini-api/docs/pricing"
IN, READ, OUT, THOUGHT = "input_uncached", "cache_read", "output_nonreasoning", "output_reasoning"
NOV = "2026-11-15T12:00:00Z"
DOCUMENTED = [
    ("openai", "gpt-4o", NOV, "standard", {IN: 10_000, OUT: 1_000}, "0.035", OPENAI),
    ("openai", "gpt-5", NOV, "standard", {IN: 10_000, OUT: 1_000, THOUGHT: 3_000}, "0.0525", OPENAI),
    ("openai", "gpt-5", NOV, "priority", {IN: 10_000, OUT: 1_000}, "0.045", OPENAI),
    ("openai", "gpt-5", NOV, "batch", {IN: 2_000, READ: 8_000, OUT: 1_000}, "0.00675", OPENAI),
    ("openai", "gpt-5.4", NOV, "flex", {IN: 300_000, OUT: 2_000}, "0.7725", OPENAI),
    (
        "anthropic",
        "claude-sonnet-4-5-20250929",
        "2025-10-15T12:00:00Z",
        "standard",
        {IN: 250_000, OUT: 2_000},
        "1.545",
        CLAUDE,
    ),
    (
        "anthropic",
        "claude-sonnet-4-6",
        "2026-04-01T12:00:00Z",
        "standard",
        {IN: 250_000, OUT: 2_000},
        "0.78",
        CLAUDE,
    ),
    (
        "anthropic",
        "claude-3-5-sonnet-20241022",
        "2025-05-01T12:00:00Z",
        "standard",
        {IN: 10_000, OUT: 1_000},
        "0.045",
        CLAUDE,
    ),
    ("anthropic", "claude-sonnet-4-5-20250929", NOV, "batch", {IN: 10_000, OUT: 1_000}, "0.0225", CLAUDE),
    ("openai", "o3", "2025-06-01T12:00:00Z", "standard", {IN: 10_000, OUT: 1_000}, "0.14", OPENAI),
    (
        "google",
        "gemini-2.5-pro",
        NOV,
        "standard",
        {IN: 150_000, READ: 100_000, OUT: 1_000, THOUGHT: 3_000},
        "0.46",
        GEMINI,
    ),
    (
        "deepseek",
        "deepseek-v4-flash",
        "2026-11-10T12:00:00Z",
        "standard",
        {IN: 4_000, READ: 6_000, OUT: 1_000},
        "0.001218",
        "https://api-docs.deepseek.com/quick_start/pricing",
    ),
    (
        "aws",
        "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        NOV,
        "standard",
        {IN: 10_000, OUT: 1_000},
        "0.0495",
        "https://aws.amazon.com/bedrock/pricing/",
    ),
    ("openai", "text-embedding-3-small", NOV, "standard", {IN: 100_000}, "0.002", OPENAI),
    ("openai", "gpt-4o", "2026-05-01T12:00:00Z", "batch", {IN: 10_000, OUT: 1_000}, "0.0175", OPENAI),
    (
        "mistral",
        "mistral-large-latest",
        "2026-03-01T12:00:00Z",
        "standard",
        {IN: 10_000, OUT: 1_000},
        "0.0065",
        "https://docs.mistral.ai/models/mistral-large-3-25-12",
    ),
]


@pytest.mark.parametrize("case", DOCUMENTED, ids=lambda c: f"{c[1]} {c[3]} {c[2][:10]}")
def test_a_request_costs_what_its_provider_documents(cost, case):
    provider, model, time, tier_, counts, usd, source = case
    assert source.startswith("https://")
    assert cost(provider=provider, model=model, time=time, service_tier=tier_, **counts) == Decimal(usd)


def test_every_documented_case_is_priced_to_the_last_digit(priced):
    # one JSON document a line: case, provider, model, time, batch, response, documented_usd
    lines = (folder("pricing_cases") / "cases.jsonl").read_text("utf-8").splitlines()
    cases = [json.loads(line) for line in lines]
    made = priced(
        *(
            {
                "request_key": case["case"],
                "provider": case["provider"],
                "model": case["model"],
                "time": case["time"],
                "service_tier": tier(case),
                **tokens(case["response"]),
            }
            for case in cases
        )
    )
    assert {c["case"]: made[c["case"]]["cost_usd"] for c in cases} == {
        c["case"]: Decimal(c["documented_usd"]) for c in cases
    }
    assert {row["cost_basis"] for row in made.values()} == {"computed"}
