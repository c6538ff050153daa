"""Who served a call: every spelling of a provider's name brought to genai-prices' provider id."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

#: Spelling in logs (lower case) -> provider id. What is not here is kept as it was written.
PROVIDERS: dict[str, str] = {
    "ai21": "ai21",
    "anthropic": "anthropic",
    "anthropic_text": "anthropic",
    "aws": "aws",
    "aws.bedrock": "aws",
    "aws_bedrock": "aws",
    "az.ai.inference": "azure",
    "az.ai.openai": "azure",
    "azure": "azure",
    "azure.ai.inference": "azure",
    "azure.ai.openai": "azure",
    "azure_ai": "azure",
    "azure_openai": "azure",
    "azure_text": "azure",
    "azureopenai": "azure",
    "bedrock": "aws",
    "bedrock_converse": "aws",
    "amazon": "aws",
    "amazon_bedrock": "aws",
    "cerebras": "cerebras",
    "claude": "anthropic",
    "cohere": "cohere",
    "cohere_chat": "cohere",
    "databricks": "databricks",
    "deepseek": "deepseek",
    "fireworks": "fireworks",
    "fireworks_ai": "fireworks",
    "gcp.gemini": "google",
    "gcp.vertex.agent": "google",
    "gcp.gen_ai": "google",
    "gcp.vertex_ai": "google",
    "gemini": "google",
    "google": "google",
    "google_genai": "google",
    "google_generative_ai": "google",
    "google_vertexai": "google",
    "groq": "groq",
    "meta_llama": "meta",
    "mistral": "mistral",
    "mistral_ai": "mistral",
    "mistralai": "mistral",
    "moonshot": "moonshotai",
    "moonshotai": "moonshotai",
    "novita": "novita",
    "openai": "openai",
    "openai.responses": "openai",
    "openai_chat": "openai",
    "openrouter": "openrouter",
    "perplexity": "perplexity",
    "text-completion-openai": "openai",
    "together": "together",
    "together_ai": "together",
    "togetherai": "together",
    "vertex": "google",
    "vertex_ai": "google",
    "vertex_ai_beta": "google",
    "vertexai": "google",
    "voyage": "voyageai",
    "voyageai": "voyageai",
    "x-ai": "x-ai",
    "x_ai": "x-ai",
    "xai": "x-ai",
    "zai": "zai",
}
#: Model families by how their ids begin, for logs that name no provider. Not a price list: only who made it.
_FAMILIES: tuple[tuple[str, str], ...] = (
    (
        r"gpt-|chatgpt|o[1345](-|$)|text-embedding-|davinci|babbage|whisper|tts-|dall-e|omni-moderation|codex-",
        "openai",
    ),
    (r"claude", "anthropic"),
    (r"gemini|gemma|text-bison|chat-bison|imagen|veo", "google"),
    (r"(us|eu|apac|jp|au|global|us-gov)\.[a-z0-9]+\.|amazon\.|anthropic\.|meta\.|arn:aws", "aws"),
    (r"mistral|mixtral|codestral|ministral|magistral|pixtral|devstral", "mistral"),
    (r"grok", "x-ai"),
    (r"deepseek", "deepseek"),
    (r"command|embed-|rerank", "cohere"),
    (r"sonar", "perplexity"),
    (r"voyage", "voyageai"),
    (r"kimi|moonshot", "moonshotai"),
)
_MATCHERS = tuple((re.compile(pattern), provider) for pattern, provider in _FAMILIES)
_PROFILE = re.compile(r"(us-gov|us|eu|apac|jp|au|ca|global)\.[a-z0-9]+\.")
_ARN = re.compile(r"arn:aws[a-z-]*:bedrock:([a-z0-9-]*):[^:]*:[^/]+/(.*)")


@lru_cache(maxsize=4096)
def provider_id(name: str) -> str:
    """genai-prices' id of a provider; an unknown one is kept as it is."""
    return PROVIDERS.get(name.strip().lower(), name)


def answered_by(beside: Mapping[str, Any]) -> str | None:
    """Who answered, where the fields beside a recorded body say it: `provider`, else the `host` (and `path`) asked."""
    named = beside.get("provider")
    if type(named) is str and named:
        return provider_id(named)
    host, path = beside.get("host"), beside.get("path")
    if type(host) is not str or not host:
        return None
    return _provider_of_url(host if "://" in host else f"https://{host}{path if type(path) is str else ''}")


@lru_cache(maxsize=1024)
def _provider_of_url(url: str) -> str | None:
    """By the API addresses that genai-prices lists."""
    from genai_prices.data import providers

    return next((listed.id for listed in providers if re.match(listed.api_pattern, url)), None)


@lru_cache(maxsize=4096)
def provider_of_model(model: str) -> str:
    """Who serves a model whose log names no provider; `unknown` where its id does not say."""
    name = model.lower()
    prefix, slash, _ = name.partition("/")
    if slash and prefix in PROVIDERS:
        return PROVIDERS[prefix]
    for matcher, provider in _MATCHERS:
        if matcher.match(name):
            return provider
    return "unknown"


@lru_cache(maxsize=4096)
def bedrock_region(model: str, region: str | None) -> str | None:
    """What a Bedrock price depends on: the profile's prefix, else the deployment's region; global is None."""
    arn = _ARN.match(model)
    name = arn.group(2) if arn else model.rpartition("/")[2]
    profile = _PROFILE.match(name)
    if profile:
        return None if profile.group(1) == "global" else profile.group(1)
    return (arn.group(1) if arn else None) or region
