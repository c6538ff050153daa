"""One canonical name for what logs spell in many ways, and a price only for what is really meant."""

from __future__ import annotations

from datetime import date

import pytest

from pipelines.rates.identity import canonical, identify


@pytest.mark.parametrize(
    ("provider", "logged", "name"),
    [
        ("openai", "gpt-5-mini-2025-08-07", "openai/gpt-5-mini"),
        ("openai", "gpt-5-mini", "openai/gpt-5-mini"),
        ("openai", "openai/gpt-5-mini", "openai/gpt-5-mini"),
        ("openai", "GPT-5-mini", "openai/gpt-5-mini"),
        ("openai", "gpt-5.6", "openai/gpt-5.6-sol"),
        ("openai", "gpt-5-codex", "openai/gpt-5-codex"),  # priced as gpt-5, but another model
        ("openai", "gpt-4o-2024-05-13", "openai/gpt-4o-2024-05-13"),  # priced apart from gpt-4o
        ("openai", "gpt-4o-2024-11-20", "openai/gpt-4o"),
        ("openai", "gpt-99-2027-01-01", "openai/gpt-99"),  # unknown, and canonical all the same
        ("azure", "gpt-35-turbo", "azure/gpt-3.5-turbo"),
        ("azure", "azure/gpt-5-1-2025-11-13", "azure/gpt-5.1"),
        ("anthropic", "claude-haiku-4-5-20251001", "anthropic/claude-haiku-4-5"),
        ("anthropic", "claude-3-5-sonnet-latest", "anthropic/claude-3-5-sonnet"),
        ("anthropic", "claude-3-5-haiku-20241022", "anthropic/claude-3-5-haiku"),
        ("anthropic", "claude-sonnet-4-20250514", "anthropic/claude-sonnet-4-0"),
        ("anthropic", "claude-4-5-haiku", "anthropic/claude-haiku-4-5"),
        ("google", "claude-haiku-4-5@20251001", "google/claude-haiku-4-5"),
        ("google", "publishers/google/models/gemini-2.5-flash", "google/gemini-2.5-flash"),
        ("google", "models/gemini-2.0-flash-001", "google/gemini-2.0-flash"),
        ("google", "vertex_ai/gemini-2.5-pro", "google/gemini-2.5-pro"),
        ("aws", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "aws/anthropic.claude-sonnet-4-5"),
        ("aws", "anthropic.claude-sonnet-4-5-20250929-v1:0", "aws/anthropic.claude-sonnet-4-5"),
        ("aws", "global.anthropic.claude-sonnet-5", "aws/anthropic.claude-sonnet-5"),
        ("aws", "arn:aws:bedrock:us-east-1:111122223333:inference-profile/us.anthropic.claude-sonnet-5",
         "aws/anthropic.claude-sonnet-5"),
        ("aws", "arn:aws:bedrock:eu-west-1::foundation-model/amazon.nova-lite-v1:0", "aws/amazon.nova-lite"),
        ("aws", "bedrock/us.amazon.nova-lite-v1:0", "aws/amazon.nova-lite"),
        ("aws", "arn:aws:bedrock:us-east-1:111122223333:application-inference-profile/a1b2c3d4e5f6",
         "aws/arn:aws:bedrock:us-east-1:111122223333:application-inference-profile/a1b2c3d4e5f6"),
        ("openrouter", "openai/gpt-5.4-mini", "openrouter/openai/gpt-5.4-mini"),
        ("some-gateway", "Anything-2026-01-01", "some-gateway/anything"),
    ],
)  # fmt: skip
def test_every_spelling_of_a_model_has_one_canonical_name(provider, logged, name):
    assert canonical(provider, logged) == name


@pytest.mark.parametrize(
    ("provider", "logged", "list_", "entry"),
    [
        ("openai", "gpt-5-codex", "openai", "gpt-5"),
        ("azure", "gpt-5-mini", "openai", "gpt-5-mini"),
        ("azure", "o4-mini-deep-research", "openai", "o4-mini-deep-research"),
        ("google", "gemini-1.5-flash-8b", "google", "gemini-flash-1.5-8b"),
        ("aws", "us.anthropic.claude-sonnet-5", "aws", "regional.anthropic.claude-sonnet-5-v1:0"),
        ("aws", "global.anthropic.claude-sonnet-5", "aws", "global.anthropic.claude-sonnet-5-v1:0"),
        ("openai", "gpt-5.2-20251211", "openai", "gpt-5.2"),
        ("openai", "ft:gpt-4o-mini-2024-07-18:acme::abc123", "openai", "ft:gpt-4o-mini"),
    ],
)
def test_the_entry_that_prices_a_name_is_the_one_it_means(provider, logged, list_, entry):
    found = identify(provider, logged)
    assert found is not None
    assert (found.rate_provider, found.rate_model, found.own) == (list_, entry, list_ == provider)


@pytest.mark.parametrize(
    ("provider", "logged"),
    [
        ("openai", "gpt-99"),
        ("openai", "gpt-4.5-preview-turbo"),  # an entry's pattern would take it
        ("anthropic", "claude-haiku-4-5-ultra"),
        ("google", "gemini-1.5-pro-mega"),
        ("aws", "amazon.nova-lite-plus-v1:0"),
        ("aws", "arn:aws:bedrock:us-east-1:111122223333:application-inference-profile/a1b2c3d4e5f6"),
        ("nobody", "gpt-4o"),
        ("openai", ""),
    ],
)
def test_a_name_that_is_only_like_a_known_one_has_no_identity(provider, logged):
    assert identify(provider, logged) is None


def test_an_alias_that_the_vendor_moved_is_followed_by_day():
    before = identify("mistral", "mistral-large-latest", date(2025, 12, 1))
    after = identify("mistral", "mistral-large-latest", date(2025, 12, 2))
    assert before is not None
    assert after is not None
    assert (before.canonical, after.canonical) == ("mistral/mistral-large-2411", "mistral/mistral-large-2512")
    latest = identify("mistral", "mistral-large-latest")
    assert latest is not None
    assert latest.rate_model == after.rate_model == "mistral-large-2512"
    assert canonical("mistral", "mistral-large-latest") == "mistral/mistral-large-latest"
