"""Secrets are found wherever they stand, and never shown."""

from __future__ import annotations

import pytest

from pipelines.routing.credentials import find_credentials, mask

#: What looks like a secret, and the part of it that must be shown to nobody.
SECRETS = {
    "sk-ant-api03-abcdefghijklmnop": "abcdefgh",
    "AKIAIOSFODNN7EXAMPLE": "IOSFODNN7",
    "AIzaSyA1234567890abcdefghijklmno": "1234567890",
    "ghp_abcdefghijklmnopqrstuvwxyz0123456789": "abcdefgh",
    "Bearer abcdef1234567890": "abcdef",
    "https://user:hunter22@gateway.acme.example/v1": "hunter22",
    "https://gateway.acme.example/v1?api-key=abcdef123": "abcdef",
    "-----BEGIN RSA PRIVATE KEY-----": "PRIVATE",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abc": "eyJzdWIi",
}


@pytest.mark.parametrize(("secret", "part"), SECRETS.items())
def test_a_text_that_looks_like_a_secret_is_found_under_any_name_and_masked(secret: str, part: str):
    found = find_credentials({"models": {"light": {"extra": [{"note": secret}]}}})
    assert [hit.where for hit in found] == ["models.light.extra[0].note"]
    masked = mask(f"before {secret} after")
    assert part not in masked
    assert masked.startswith("before ")
    assert masked.endswith(" after")


@pytest.mark.parametrize(
    "name",
    [
        "api_key",
        "apiKey",
        "aws_secret_access_key",
        "aws_access_key_id",
        "password",
        "Authorization",
        "x-api-key",
        "client_secret",
        "azure_ad_token",
        "vertex_credentials",
    ],
)
def test_a_secrets_name_allows_only_a_reference_to_the_environment(name: str):
    assert [hit.where for hit in find_credentials({name: "plain words"})] == [name]
    assert find_credentials({name: "os.environ/THE_KEY"}) == []
    assert find_credentials({name: ""}) == []
    assert find_credentials({name: "os.environ/THE_KEY and more"}) != []


def test_ordinary_parameters_are_no_secrets():
    ordinary = {
        "model": "openai/ft:gpt-5-mini:acme::9f8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c",
        "api_base": "https://acme-eu-prod-2.openai.azure.com/openai/deployments/extraction",
        "max_tokens": 400,
        "input_cost_per_token": 0.000001,
        "litellm_credential_name": "azure-eu",
        "prompt_cache_key": "contracts",
        "arn": "arn:aws:bedrock:eu-central-1:123456789012:application-inference-profile/a1b2c3d4e5f6",
    }
    assert find_credentials(ordinary) == []


def test_masking_keeps_the_keys_and_hashes_of_a_diff_readable():
    text = (
        '+      api_key: "os.environ/OPENAI_API_KEY"\n-      api_key: hand made words\n'
        f"-  {{model: x, password: abc, order: 1}}\n # policy_sha256={'a1' * 32} version=3\n"
    )
    assert mask(text) == (
        '+      api_key: "os.environ/OPENAI_API_KEY"\n-      api_key: ***\n'
        f"-  {{model: x, password: ***, order: 1}}\n # policy_sha256={'a1' * 32} version=3\n"
    )


def test_a_known_secret_of_several_lines_is_masked_line_by_line():
    secret = "first line\nsecond line"
    assert mask("key: |\n  first line\n  second line\n", [secret]) == "key: ***\n  ***\n  ***\n"
