"""Outlay's own request log: strict types, exact amounts, tags from every other field."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipelines.sources.record import Quarantined, RequestRecord
from tests.sources.reading import CALL, one, read_lines, reasons, requests


def read_call(folder: Path, **changes: Any) -> Any:
    return one("requests", folder, {k: v for k, v in (CALL | changes).items() if v is not ...})


def test_totals_come_in_and_disjoint_parts_go_out(tmp_path: Path) -> None:
    record = read_call(
        tmp_path,
        input_tokens=1000,
        cache_read_tokens=600,
        cache_write_tokens=100,
        cache_write_long_tokens=50,
        output_tokens=80,
        reasoning_tokens=30,
        service_tier="flex",
        region="eu",
        latency_ms=12.5,
        response_id="resp_1",
        status="ok",
        workflow="w",
        task_type="t",
        unit_id="u",
        attempt_id="a",
        stratum="hard",
    )
    assert record == RequestRecord(
        record_key="r1",
        request_id="r1",
        response_id="resp_1",
        time=datetime(2026, 11, 20, 12, tzinfo=UTC),
        provider="openai",
        model="gpt-5-mini",
        input_uncached=250,
        cache_read=600,
        cache_write=100,
        cache_write_long=50,
        output_nonreasoning=50,
        output_reasoning=30,
        service_tier="flex",
        region="eu",
        latency_ms=12,
        tags={"workflow": "w", "task_type": "t", "unit_id": "u", "attempt_id": "a", "stratum": "hard"},
        canonical=record.canonical,
    )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"input_tokens": "12"}, "input_tokens: expected a whole number from 0 to 10^12"),
        ({"input_tokens": True}, "input_tokens: expected a whole number from 0 to 10^12"),
        ({"output_tokens": 1.5}, "output_tokens: expected a whole number from 0 to 10^12"),
        ({"output_tokens": -1}, "output_tokens: expected a whole number from 0 to 10^12"),
        ({"input_tokens": 1e30}, "input_tokens: expected a whole number from 0 to 10^12"),
        ({"input_tokens": 10**12 + 1}, "input_tokens: expected a whole number from 0 to 10^12"),
        ({"input_tokens": ...}, "input_tokens: expected a whole number from 0 to 10^12"),
        ({"input_tokens": None}, "input_tokens: expected a whole number from 0 to 10^12"),
        ({"cache_read_tokens": 101}, "cache tokens exceed input_tokens"),
        ({"cache_read_tokens": 60, "cache_write_long_tokens": 41}, "cache tokens exceed input_tokens"),
        ({"reasoning_tokens": 11}, "reasoning_tokens exceed output_tokens"),
        ({"service_tier": "turbo"}, "service_tier: expected standard, batch, flex or priority"),
        ({"service_tier": "Batch"}, "service_tier: expected standard, batch, flex or priority"),
        ({"service_tier": 1}, "service_tier: expected standard, batch, flex or priority"),
        ({"status": "failed"}, "status: expected ok or error"),
        ({"request_id": ...}, "request_id: expected a text that is not empty"),
        ({"request_id": ""}, "request_id: expected a text that is not empty"),
        ({"request_id": 7}, "request_id: expected a text that is not empty"),
        ({"model": None}, "model: expected a text that is not empty"),
        ({"provider": ...}, "provider: expected a text that is not empty"),
        ({"workflow": 7}, "workflow: expected a text that is not empty"),
        ({"unit_id": ["u"]}, "unit_id: expected a text that is not empty"),
        ({"region": 3}, "region: expected a text"),
        ({"latency_ms": "12"}, "latency_ms: expected milliseconds, a number of at least 0"),
        ({"latency_ms": -1}, "latency_ms: expected milliseconds, a number of at least 0"),
        ({"cost_usd": "NaN"}, "cost_usd: expected a decimal number"),
        ({"cost_usd": "1,50"}, "cost_usd: expected a decimal number"),
        ({"cost_usd": True}, "cost_usd: expected a decimal number"),
        ({"cost_usd": -0.01}, "cost_usd: expected an amount of at least 0"),
        ({"cost_usd": 10**9}, "cost_usd: expected an amount below 10^9"),
        ({"time": "2026-11-20T12:00:00"}, "time: expected an RFC 3339 time with a zone"),
        ({"time": "2026-11-20"}, "time: expected an RFC 3339 time with a zone"),
        ({"time": 1795176000}, "time: expected an RFC 3339 time with a zone"),
        ({"time": "2026-13-20T12:00:00Z"}, "time: expected an RFC 3339 time with a zone"),
        ({"time": "2026-W47-5T12:00:00Z"}, "time: expected an RFC 3339 time with a zone"),
        ({"time": "0001-01-01T00:00:00+14:00"}, "time: expected an RFC 3339 time with a zone"),
        ({"time": ...}, "time: expected an RFC 3339 time with a zone"),
        ({"time": "2026-11-22T12:00:01Z"}, "time: more than 24 h in the future"),
        ({"units": {"unit_id": "u"}}, "units: expected a list of {unit_id, weight}"),
        ({"units": ["u"]}, "units: expected a list of {unit_id, weight}"),
        ({"units": [{"weight": 1}]}, "units.unit_id: expected a text that is not empty"),
        (
            {"units": [{"unit_id": "u", "weight": 0}]},
            "units.weight: expected a number above 0, at most 10^12",
        ),
        (
            {"units": [{"unit_id": "u", "weight": -1}]},
            "units.weight: expected a number above 0, at most 10^12",
        ),
        ({"units": [{"unit_id": "u", "weight": "1"}]}, "units.weight: expected a number above 0"),
    ],
)
def test_what_is_not_as_declared_is_quarantined_with_its_reason(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    verdict = read_call(tmp_path, **changes)
    assert isinstance(verdict, Quarantined)
    assert verdict.reason == reason


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2026-11-20T12:00:00+02:00", datetime(2026, 11, 20, 10, tzinfo=UTC)),
        ("2026-11-20t12:00:00z", datetime(2026, 11, 20, 12, tzinfo=UTC)),
        ("2026-11-20T12:00:00.123456789Z", datetime(2026, 11, 20, 12, 0, 0, 123456, tzinfo=UTC)),
        ("2026-11-20T23:59:60Z", datetime(2026, 11, 21, tzinfo=UTC)),
        ("2026-11-22T12:00:00Z", datetime(2026, 11, 22, 12, tzinfo=UTC)),
    ],
)
def test_times_are_read_with_their_zone(tmp_path: Path, written: str, expected: datetime) -> None:
    assert read_call(tmp_path, time=written).time == expected


@pytest.mark.parametrize("spelling", ["1000", "1000.0", "1e3", "10.00e2"])
def test_a_whole_number_is_a_count_however_it_is_spelled(tmp_path: Path, spelling: str) -> None:
    line = json.dumps(CALL | {"input_tokens": 0}).replace('"input_tokens": 0', '"input_tokens": %s')
    record = one("requests", tmp_path, line % spelling)
    assert record.input_uncached == 1000
    assert record.canonical == one("requests", tmp_path, line % "1000").canonical


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("123456789.123456789012", "123456789.123456789012"),
        ('"123456789.123456789012"', "123456789.123456789012"),
        ("0.1", "0.100000000000"),
        ("1e-3", "0.001000000000"),
        ("0.0000000000005", "0.000000000000"),
        ("0.0000000000015", "0.000000000002"),
        ("0.30000000000000004", "0.300000000000"),
        ("1e-999", "0.000000000000"),
        ("0", "0.000000000000"),
    ],
)
def test_costs_are_read_from_the_text_and_rounded_half_even(tmp_path: Path, written: str, expected: str) -> None:
    line = (
        '{"request_id":"r","time":"2026-11-20T12:00:00Z","provider":"p","model":"m","input_tokens":1,'
        f'"output_tokens":1,"cost_usd":{written}}}'
    )
    record = one("requests", tmp_path, line)
    assert record.recorded_usd == Decimal(expected)
    assert record.recorded_is_estimate is False


def test_an_error_needs_no_tokens_and_keeps_those_it_has(tmp_path: Path) -> None:
    bare = read_call(tmp_path, status="error", input_tokens=..., output_tokens=...)
    charged = read_call(tmp_path, status="error", input_tokens=7, output_tokens=...)
    assert (bare.status, bare.input_uncached, bare.output_nonreasoning) == ("error", 0, 0)
    assert (charged.status, charged.input_uncached, charged.output_nonreasoning) == ("error", 7, 0)


def test_units_have_decimal_weights_and_a_unit_named_twice_adds_up(tmp_path: Path) -> None:
    units = [{"unit_id": "b", "weight": 0.1}, {"unit_id": "a"}, {"unit_id": "b", "weight": 0.2}]
    assert read_call(tmp_path, units=units).units == (("a", Decimal(1)), ("b", Decimal("0.3")))


def test_every_other_short_scalar_is_a_tag_and_content_and_secrets_are_dropped(tmp_path: Path) -> None:
    record = read_call(
        tmp_path,
        documentId="d-1",
        **{"X-Team": "legal"},
        retries=2,
        share=0.50,
        cached=False,
        user_id="u-7",
        prompt_version="v3",
        note="n" * 256,
        long="n" * 257,
        nested={"a": 1},
        listed=["a"],
        empty="",
        nothing=None,
        prompt="canary",
        messages="canary",
        completion="canary",
        text="canary",
        api_key="canary",
        monkey="canary",
        client_secret="canary",
        password="canary",
        cookie="canary",
        Authorization="canary",
        headers="canary",
        response="canary",
        content="canary",
        input="canary",
        output="canary",
    )
    assert record.tags == {
        "documentId": "d-1",
        "document_id": "d-1",
        "X-Team": "legal",
        "x_team": "legal",
        "retries": "2",
        "share": "0.5",
        "cached": "false",
        "user_id": "u-7",
        "prompt_version": "v3",
        "note": "n" * 256,
    }
    assert "canary" not in record.canonical
    assert "n" * 257 not in record.canonical


def test_a_raw_key_wins_over_the_short_form_of_another(tmp_path: Path) -> None:
    record = read_call(tmp_path, documentId="camel", document_id="raw")
    assert record.tags == {"documentId": "camel", "document_id": "raw"}


def test_a_region_without_a_price_of_its_own_is_none(tmp_path: Path) -> None:
    assert [read_call(tmp_path, region=name).region for name in ("global", "standard", None, "", "eu")] == [
        None
    ] * 4 + ["eu"]


def test_provider_names_meet_on_one_id_and_unknown_ones_stay(tmp_path: Path) -> None:
    names = [
        "OpenAI",
        "vertex_ai",
        "gemini",
        "gcp.vertex_ai",
        "bedrock",
        "azure_openai",
        "az.ai.openai",
        "xai",
        "Acme-LLM",
    ]
    found = [read_call(tmp_path, provider=name).provider for name in names]
    assert found == ["openai", "google", "google", "google", "aws", "azure", "azure", "x-ai", "Acme-LLM"]


def test_one_bad_line_costs_only_itself(tmp_path: Path) -> None:
    results = read_lines("requests", tmp_path, [CALL, "{", "[]", "", '"x"', CALL | {"request_id": "r2"}])
    assert [r.request_id for r in requests(results)] == ["r1", "r2"]
    assert reasons(results) == [
        (2, "invalid JSON"),
        (3, "expected a JSON object"),
        (5, "expected a JSON object"),
    ]
    assert [line for line, _ in results] == [1, 2, 3, 5, 6]
