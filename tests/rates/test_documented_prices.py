"""Prices that vendors document, counted by hand: (provider, model, day, tier, region, quantities, dollars, source).

Quantities are chosen so that the dollars follow from the published price per million by mental arithmetic.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from pipelines.rates.book import RateBook
from pipelines.rates.cards import price
from tests.rates.conftest import load
from tests.rates.test_documented_cases import DOCUMENTED as EARLIER

OPENAI = "https://developers.openai.com/api/docs/pricing"
TIERS = "https://openai.com/api-priority-processing/"
FLEX = "https://developers.openai.com/api/docs/guides/flex-processing"
RESIDENCY = "https://developers.openai.com/api/docs/guides/data-residency"
CLAUDE = "https://platform.claude.com/docs/en/about-claude/pricing"
CLAUDE_BATCH = "https://platform.claude.com/docs/en/build-with-claude/batch-processing"
GEMINI = "https://ai.google.dev/gemini-api/docs/pricing"
GEMINI_BATCH = "https://developers.googleblog.com/scale-your-ai-workloads-batch-mode-gemini-api"
VERTEX = "https://cloud.google.com/vertex-ai/generative-ai/pricing"
AWS = "https://aws.amazon.com/bedrock/pricing/"
AZURE = "https://azure.microsoft.com/en-us/pricing/details/azure-openai/"
MISTRAL = "https://mistral.ai/pricing"
DEEPSEEK = "https://api-docs.deepseek.com/quick_start/pricing"
GROQ = "https://groq.com/pricing"
XAI = "https://docs.x.ai/docs/models"
PERPLEXITY = "https://docs.perplexity.ai/getting-started/pricing"
COHERE = "https://cohere.com/pricing"

NOV = "2026-11-15"
S, B, F, P = "standard", "batch", "flex", "priority"
K, M = 1_000, 1_000_000
G = None  #: global or standard region


def q(
    i: int = 0, o: int = 0, *, read: int = 0, write: int = 0, long: int = 0, think: int = 0, **extras: int
) -> dict[str, Any]:
    """Uncached input, output, and what else was used."""
    return {
        "input_uncached": i, "output_nonreasoning": o, "cache_read": read, "cache_write": write,
        "cache_write_long": long, "output_reasoning": think, "extras": extras,
    }  # fmt: skip


DOCUMENTED: list[tuple[Any, ...]] = [
    # OpenAI: input, cached input, output, reasoning as output
    ("openai", "gpt-4o-mini", NOV, S, G, q(M, 100 * K), "0.21", OPENAI),
    ("openai", "gpt-4.1", NOV, S, G, q(100 * K, 10 * K, read=100 * K), "0.33", OPENAI),
    ("openai", "gpt-4.1-mini", NOV, S, G, q(M, M), "2", OPENAI),
    ("openai", "gpt-4.1-nano", NOV, S, G, q(M, M), "0.5", OPENAI),
    ("openai", "o1", NOV, S, G, q(10 * K, K, think=2 * K), "0.33", OPENAI),
    ("openai", "o3", "2025-06-10", S, G, q(10 * K, K), "0.028", OPENAI),
    ("openai", "gpt-5-nano", NOV, S, G, q(100 * K, 10 * K), "0.009", OPENAI),
    ("openai", "gpt-4-turbo", NOV, S, G, q(10 * K, K), "0.13", OPENAI),
    ("openai", "gpt-4", "2024-07-01", S, G, q(10 * K, K), "0.36", OPENAI),
    ("openai", "gpt-3.5-turbo", "2024-07-01", S, G, q(M, M), "2", OPENAI),
    ("openai", "gpt-5.5", NOV, S, G, q(300 * K, K), "3.045", OPENAI),
    ("openai", "gpt-5.6-sol", "2026-08-20", S, G, q(10 * K, K), "0.08", OPENAI),
    ("openai", "gpt-5.6-sol", "2026-08-21", S, G, q(10 * K, K), "0.06", OPENAI),
    ("openai", "gpt-5.6-sol", "2026-08-21", S, G, q(write=100 * K), "0.5", OPENAI),
    # OpenAI: tiers, before and after genai-prices lists them
    ("openai", "gpt-4o-mini", "2025-01-15", B, G, q(M, M), "0.375", OPENAI),
    ("openai", "gpt-4.1", "2025-05-01", B, G, q(M, M), "5", OPENAI),
    ("openai", "gpt-5-mini", NOV, B, G, q(10 * K, K, read=10 * K), "0.002375", OPENAI),
    ("openai", "text-embedding-3-large", "2025-05-01", B, G, q(M), "0.065", OPENAI),
    ("openai", "o3", "2025-05-01", F, G, q(10 * K, K), "0.07", FLEX),
    ("openai", "o4-mini", "2025-05-01", F, G, q(10 * K, K), "0.0077", FLEX),
    ("openai", "o3", "2025-09-01", P, G, q(M, M), "17.5", TIERS),
    ("openai", "o4-mini", "2025-09-01", P, G, q(M, M), "10", TIERS),
    (
        "openai",
        "gpt-4.1",
        "2025-09-01",
        P,
        G,
        q(M, M, read=M) | {"input_uncached": 100 * K, "cache_read": 20 * K},
        "14.3675",
        TIERS,
    ),
    ("openai", "gpt-4o", "2025-09-01", P, G, q(M, M), "21.25", TIERS),
    ("openai", "gpt-4o-mini", "2025-09-01", P, G, q(M, M), "1.25", TIERS),
    ("openai", "gpt-5.2", "2026-04-01", P, G, q(100 * K, 10 * K), "0.63", TIERS),
    ("openai", "gpt-5.4-mini", "2026-04-01", P, G, q(M // 10, M // 10), "1.05", TIERS),
    ("openai", "gpt-5.5", "2026-06-01", P, G, q(10 * K, K), "0.2", TIERS),
    # OpenAI: data residency, audio, images, fees per use
    ("openai", "gpt-5.4", NOV, S, "eu", q(10 * K, K), "0.044", RESIDENCY),
    ("openai", "gpt-5.4", NOV, B, "us", q(10 * K, K), "0.022", RESIDENCY),
    ("openai", "gpt-5", NOV, S, "eu", q(10 * K, K), "0.0225", RESIDENCY),
    ("openai", "gpt-4o", NOV, S, G, q(10 * K, web_search=2), "0.045", OPENAI),
    ("openai", "gpt-4.1", NOV, S, G, q(file_search=4), "0.01", OPENAI),
    ("openai", "gpt-realtime", NOV, S, G, q(input_audio=10 * K, output_audio=10 * K), "0.96", OPENAI),
    ("openai", "whisper-1", NOV, S, G, q(audio_seconds=600), "0.06", OPENAI),
    ("openai", "ft:gpt-4.1-mini-2025-04-14:acme::x1", "2026-05-01", S, G, q(M, M), "4", OPENAI),
    # Anthropic: cache reads 0.1, 5-minute writes 1.25, 1-hour writes 2 times input; batch half of all
    ("anthropic", "claude-sonnet-4-6", NOV, S, G, q(M, 100 * K) | {"input_uncached": 100 * K}, "1.8", CLAUDE),
    (
        "anthropic",
        "claude-haiku-4-5",
        NOV,
        S,
        G,
        q(100 * K, 10 * K, read=50 * K, write=10 * K, long=10 * K),
        "0.1875",
        CLAUDE,
    ),
    ("anthropic", "claude-opus-4-5", NOV, S, G, q(100 * K, 10 * K), "0.75", CLAUDE),
    ("anthropic", "claude-opus-4-1", "2026-01-15", S, G, q(100 * K, 10 * K), "2.25", CLAUDE),
    ("anthropic", "claude-3-haiku-20240307", "2024-09-01", S, G, q(100 * K, 100 * K), "0.15", CLAUDE),
    ("anthropic", "claude-3-opus-20240229", "2024-09-01", S, G, q(10 * K, K), "0.225", CLAUDE),
    ("anthropic", "claude-opus-5-5", NOV, S, G, q(100 * K, 10 * K), "0.6", CLAUDE),
    ("anthropic", "claude-haiku-5-5", NOV, S, G, q(100 * K, 10 * K), "0.015", CLAUDE),
    ("anthropic", "claude-haiku-5-5", NOV, S, G, q(100_001), "0.0500005", CLAUDE),
    ("anthropic", "claude-opus-4-8", NOV, B, G, q(100 * K, 10 * K), "0.375", CLAUDE_BATCH),
    (
        "anthropic",
        "claude-3-5-sonnet-20241022",
        "2024-11-01",
        B,
        G,
        q(100 * K, 10 * K, read=100 * K),
        "0.24",
        CLAUDE_BATCH,
    ),
    ("anthropic", "claude-sonnet-4-6", NOV, S, "us", q(100 * K, 10 * K), "0.495", CLAUDE),
    ("anthropic", "claude-sonnet-4-6", NOV, S, G, q(web_search=3), "0.03", CLAUDE),
    # Google: Gemini API and Vertex AI
    ("google", "gemini-2.5-flash", NOV, S, G, q(M, M), "2.8", GEMINI),
    ("google", "gemini-2.5-flash", NOV, S, G, q(input_audio=100 * K), "0.1", GEMINI),
    ("google", "gemini-2.5-flash-lite", NOV, S, G, q(M, M), "0.5", GEMINI),
    ("google", "gemini-2.5-pro", NOV, S, G, q(200 * K, 10 * K), "0.35", GEMINI),
    ("google", "gemini-2.5-pro", NOV, S, G, q(300 * K, 10 * K), "0.9", GEMINI),
    ("google", "gemini-2.5-pro", "2025-08-01", B, G, q(100 * K, 10 * K), "0.1125", GEMINI_BATCH),
    ("google", "gemini-2.5-flash", "2025-08-01", B, G, q(M, M), "1.4", GEMINI_BATCH),
    ("google", "gemini-embedding-001", "2025-10-01", B, G, q(M), "0.075", GEMINI),
    ("google", "gemini-2.5-flash", "2026-05-01", F, G, q(100 * K, 10 * K), "0.0275", GEMINI),
    ("google", "gemini-2.5-pro", "2026-11-21", P, G, q(100 * K, 10 * K), "0.405", GEMINI),
    ("google", "gemini-3.1-pro-preview", "2026-05-01", P, G, q(100 * K, 10 * K), "0.576", GEMINI),
    ("google", "gemini-2.0-flash-001", "2025-05-01", S, G, q(M, M), "0.5", GEMINI),
    ("google", "claude-haiku-4-5@20251001", NOV, S, "europe-west1", q(100 * K, 10 * K), "0.165", VERTEX),
    ("google", "claude-sonnet-4-5@20250929", NOV, B, G, q(100 * K, 10 * K), "0.225", VERTEX),
    # Bedrock: profiles, batch, flex, priority
    ("aws", "global.anthropic.claude-haiku-4-5-20251001-v1:0", NOV, S, G, q(100 * K, 10 * K), "0.15", AWS),
    ("aws", "us.anthropic.claude-haiku-4-5-20251001-v1:0", NOV, B, G, q(100 * K, 10 * K), "0.0825", AWS),
    ("aws", "amazon.nova-pro-v1:0", NOV, S, "us-east-1", q(M, M), "4", AWS),
    ("aws", "amazon.nova-pro-v1:0", NOV, F, "us-east-1", q(M, M), "2", AWS),
    ("aws", "amazon.nova-pro-v1:0", NOV, P, "us-east-1", q(M, M), "7", AWS),
    ("aws", "meta.llama3-3-70b-instruct-v1:0", "2025-06-15", B, "us-east-1", q(M, M), "0.72", AWS),
    ("aws", "openai.gpt-oss-120b-1:0", NOV, F, "us-east-1", q(M, M), "0.375", AWS),
    # Azure OpenAI: Global, Data Zone, batch, priority
    ("azure", "gpt-4o", NOV, S, G, q(M, M), "12.5", AZURE),
    ("azure", "gpt-4o", NOV, S, "eu", q(M, M), "13.75", AZURE),
    ("azure", "gpt-4o-mini", NOV, S, "us", q(read=M), "0.083", AZURE),
    ("azure", "gpt-4.1", "2025-06-01", B, G, q(M, M), "5", AZURE),
    ("azure", "gpt-5", NOV, B, "eu", q(M, M), "6.1875", AZURE),
    ("azure", "gpt-4.1", NOV, P, G, q(100 * K, 10 * K), "0.49", AZURE),
    ("azure", "gpt-5.1", "2026-03-15", P, G, q(100 * K, 10 * K), "0.45", AZURE),
    ("azure", "gpt-35-turbo-0613", "2024-12-01", S, G, q(M, M), "3.5", AZURE),
    # Mistral, Groq, xAI, Perplexity, Cohere
    ("mistral", "mistral-large-latest", "2025-12-01", S, G, q(M, M), "8", MISTRAL),
    ("mistral", "mistral-large-latest", "2025-12-02", S, G, q(M, M), "2", MISTRAL),
    ("mistral", "mistral-large-2402", "2025-03-01", S, G, q(M, M), "16", MISTRAL),
    ("mistral", "codestral-latest", NOV, S, G, q(M, M), "1.2", MISTRAL),
    ("mistral", "mistral-ocr-2512", NOV, S, G, q(input_document_pages=1000), "2", MISTRAL),
    ("groq", "llama-3.3-70b-versatile", NOV, S, G, q(M, M), "1.38", GROQ),
    ("x-ai", "grok-beta", "2024-11-15", S, G, q(M, M), "20", XAI),
    ("perplexity", "sonar-deep-research", NOV, S, G, q(0, K, think=2 * K), "0.014", PERPLEXITY),
    ("cohere", "command-r-plus-08-2024", NOV, S, G, q(M, M), "12.5", COHERE),
]

INSTANTS = [
    # DeepSeek: changes inside a day, off-peak and peak hours
    ("deepseek-chat", "2025-02-08T15:59:59Z", "0.42"),  # 0.14 + 0.28
    ("deepseek-chat", "2025-02-08T16:00:00Z", "1.37"),  # 0.27 + 1.10
    ("deepseek-chat", "2025-02-26T16:29:59Z", "1.37"),
    ("deepseek-chat", "2025-02-26T16:30:00Z", "0.685"),  # half
    ("deepseek-reasoner", "2025-03-03T16:29:59Z", "2.74"),  # 0.55 + 2.19
    ("deepseek-reasoner", "2025-03-03T16:30:00Z", "0.685"),  # a quarter of both
    ("deepseek-chat", "2025-09-05T00:10:00Z", "0.685"),
    ("deepseek-chat", "2025-09-05T15:59:59Z", "1.37"),
    ("deepseek-chat", "2025-09-05T16:00:00Z", "2.24"),  # 0.56 + 1.68
    ("deepseek-chat", "2025-09-05T16:45:00Z", "2.24"),  # no off-peak any more
    ("deepseek-chat", "2025-09-29T12:00:00Z", "0.7"),  # 0.28 + 0.42
    ("deepseek-v4-flash", "2026-08-16T15:59:59Z", "0.42"),
    ("deepseek-v4-flash", "2026-08-16T16:00:00Z", "0.88"),  # off-peak
    ("deepseek-v4-flash", "2026-08-17T01:00:00Z", "1.76"),  # peak
    ("deepseek-v4-pro", "2026-08-16T16:00:00Z", "2.64"),
    ("deepseek-v4-flash", "2026-09-10T03:59:59Z", "1.76"),  # V4 Flash, peak
    ("deepseek-v4-flash", "2026-09-10T04:00:00Z", "0.75"),  # V4.1 Flash, off-peak
    ("deepseek-v4-flash", "2026-09-10T06:00:00Z", "1.5"),
    ("deepseek-v4-flash", "2026-09-12T06:00:00Z", "0.75"),  # a Saturday
    ("deepseek-v4-pro", "2026-11-10T09:59:59Z", "5.28"),
]


@pytest.fixture(scope="module")
def made() -> Iterator[dict[str, Decimal | None]]:
    """What every case costs, priced at once."""
    with duckdb.connect(config={"threads": 1}) as con:
        asked = [
            {"request_key": str(i), "provider": c[0], "model": c[1], "time": f"{c[2]}T12:00:00Z", "service_tier": c[3],
             "region": c[4], **c[5]}
            for i, c in enumerate(DOCUMENTED)
        ]  # fmt: skip
        asked += [
            {"request_key": f"{model} {instant}", "provider": "deepseek", "model": model, "time": instant, **q(M, M)}
            for model, instant, _ in INSTANTS
        ]
        load(con, asked)
        price(con, RateBook())
        yield dict(con.execute("select request_key, cost_usd from priced").fetchall())


@pytest.mark.parametrize("i", range(len(DOCUMENTED)), ids=lambda i: " ".join(map(str, DOCUMENTED[i][:4])))
def test_a_request_costs_what_its_vendor_documents(made, i):
    usd, source = DOCUMENTED[i][6:]
    assert source.startswith("https://")
    assert made[str(i)] == Decimal(usd)


@pytest.mark.parametrize(("model", "instant", "usd"), INSTANTS)
def test_a_price_changes_at_the_instant_that_deepseek_names(made, model, instant, usd):
    """A million tokens in and a million out: https://api-docs.deepseek.com/quick_start/pricing of the day."""
    assert made[f"{model} {instant}"] == Decimal(usd)


def test_the_documented_cases_are_many_and_of_every_kind():
    cases = {(c[0], c[1], c[2], c[3], str(c[4]), str(c[5])) for c in DOCUMENTED}
    assert len(cases) + len(INSTANTS) + len(EARLIER) >= 60
    assert {c[3] for c in DOCUMENTED} == {S, B, F, P}
    assert {c[0] for c in DOCUMENTED} | {"deepseek"} == {
        "openai", "anthropic", "google", "aws", "azure", "mistral", "groq", "x-ai", "perplexity", "cohere", "deepseek",
    }  # fmt: skip
    used = {name for c in DOCUMENTED for name, n in (c[5] | c[5]["extras"]).items() if n and name != "extras"}
    assert used >= {
        "input_uncached", "cache_read", "cache_write", "cache_write_long", "output_nonreasoning", "output_reasoning",
        "input_audio", "output_audio", "audio_seconds", "web_search", "file_search", "input_document_pages",
    }  # fmt: skip
