"""Provider pages: metered buckets and billed amounts, as the expected table has them."""

import csv
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipelines.sources.bills import BilledAmount, MeteredBucket, OutcomeCount
from pipelines.sources.record import Quarantined
from pipelines.sources.registry import read_aggregated
from tests.sources.reading import EXAMPLES, file_ref

KINDS = {
    "01-openai-usage-completions.json": "openai-usage",
    "01-openai-usage-embeddings.json": "openai-usage",
    "02-anthropic-usage-report-messages.json": "anthropic-usage",
    "07-openrouter-activity.json": "openrouter-activity",
}
with (EXAMPLES / "expected-normalized.csv").open(newline="") as lines:
    EXPECTED = list(csv.DictReader(lines))


def parsed(kind: str, path: Path) -> list[Any]:
    return [found for _, found in read_aggregated(kind, file_ref(path))]


def number(text: str) -> int | None:
    return int(text) if text else None


@pytest.mark.parametrize(("file", "kind"), KINDS.items())
def test_buckets_are_read_row_by_row_as_expected(file: str, kind: str) -> None:
    found = [each for each in parsed(kind, EXAMPLES / file) if isinstance(each, MeteredBucket)]
    rows = [row for row in EXPECTED if row["file"] == file]
    assert [
        (
            bucket.model,
            bucket.requests,
            bucket.input_uncached,
            bucket.cache_read,
            bucket.cache_write,
            bucket.cache_write_long,
            bucket.output,
            bucket.recorded_usd,
            bucket.start.date().isoformat(),
        )
        for bucket in found
    ] == [
        (
            row["model"],
            number(row["requests"]),
            number(row["input_uncached"]),
            number(row["cache_read"]),
            number(row["cache_write_short"]) or 0,
            number(row["cache_write_long"]) or 0,
            number(row["output_total"]),
            Decimal(row["cost_usd_in_source"]) if row["cost_usd_in_source"] else None,
            row["when_utc"][:10],
        )
        for row in rows
    ]
    assert len({bucket.key for bucket in found}) == len(found)
    assert [dict(bucket.extras) for bucket in found if bucket.extras] == (
        [{"web_search": 10}] if kind == "anthropic-usage" else []
    )


@pytest.mark.parametrize(
    ("kind", "file", "rows", "total"),
    [
        ("openai-costs", "01-openai-costs.json", 7, "0.1757"),
        ("anthropic-cost", "02-anthropic-cost-report.json", 9, "39.0912"),  # the report says 3909.12 cents
        (
            "openrouter-activity",
            "07-openrouter-activity.json",
            2,
            "0.0141",
        ),  # 0.33351 is billed by the provider
    ],
)
def test_billed_amounts_sum_to_the_bill(kind: str, file: str, rows: int, total: str) -> None:
    found = [each for each in parsed(kind, EXAMPLES / file) if isinstance(each, BilledAmount)]
    assert len({amount.key for amount in found}) == rows
    assert sum(amount.amount_usd for amount in found) == Decimal(total)


def metered(path: Path) -> list[MeteredBucket]:
    return [found for found in parsed("openai-usage", path) if isinstance(found, MeteredBucket)]


def test_batch_usage_is_at_the_batch_tier_and_more_pages_are_flagged(tmp_path: Path) -> None:
    page = json.loads((EXAMPLES / "01-openai-usage-completions.json").read_text())
    assert [bucket.service_tier for bucket in metered(EXAMPLES / "01-openai-usage-completions.json")] == [
        "standard", "batch", "standard",
    ]  # fmt: skip
    path = tmp_path / "pages.json"
    path.write_text(json.dumps([page | {"has_more": more} for more in (True, False)], indent=1))
    assert [bucket.flags for bucket in metered(path)] == [("incomplete",)] * 3 + [()] * 3


def test_a_bad_bucket_is_quarantined_and_euros_are_no_dollars(tmp_path: Path) -> None:
    page = json.loads((EXAMPLES / "01-openai-costs.json").read_text())
    page["data"][0]["results"][0]["amount"]["currency"] = "eur"
    path = tmp_path / "costs.json"
    path.write_text(json.dumps(page))
    (refused,) = parsed("openai-costs", path)
    assert isinstance(refused, Quarantined)
    assert refused.reason == "currency: expected usd"


def test_outcome_counts_are_read_from_csv(tmp_path: Path) -> None:
    path = tmp_path / "counts.csv"
    path.write_text("day,workflow,completed,failed,rejected,value_usd\n2026-11-20,w,5,1,,12.5\n2026-13-01,w,5,1,0,\n")
    first, second = parsed("outcome-counts", path)
    assert isinstance(first, OutcomeCount)
    assert (first.day.isoformat(), first.workflow, first.completed, first.failed, first.rejected) == (
        "2026-11-20",
        "w",
        5,
        1,
        0,
    )
    assert first.value_usd == Decimal("12.5")
    assert second.reason == "day: expected YYYY-MM-DD"
