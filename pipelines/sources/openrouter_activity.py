"""Kind `openrouter-activity`: days of an endpoint, as OpenRouter's activity API lists them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from pipelines.sources.bills import BilledAmount, EmptyBucket, MeteredBucket, bucket_of
from pipelines.sources.context import Context
from pipelines.sources.report_pages import day, dimensions, dollars, key
from pipelines.sources.values import count, count_or_zero, mapping, text

ACTIVITY_DAYS = 30  #: that OpenRouter answers with at most


def openrouter_activity(page: Any, context: Context) -> Iterator[MeteredBucket | BilledAmount | EmptyBucket]:
    """Days of an endpoint: what was metered, and what OpenRouter charged (own keys are billed elsewhere).

    A later document replaces the days that it names. It names several only if none was asked for, and then all of the
    last thirty that had a call: a day between two of them had none. One of more days was put together by somebody.
    """
    data = mapping(page, "page").get("data")
    days: set[datetime] = set()
    for row in data if type(data) is list else [page]:
        row = mapping(row, "data")
        start, end = day(row.get("date"), context)
        named = dimensions(row, ("endpoint_id", "model_permaslug", "provider_name", "workspace_id"))
        charged = dollars(row.get("usage"), "usd")
        elsewhere = dollars(row.get("byok_usage_inference") or 0, "usd")
        prompt = count(row.get("prompt_tokens"), "prompt_tokens")
        cached = count_or_zero(row.get("cached_tokens"), "cached_tokens")
        same = key("activity", start, end, named)
        days.add(start)
        yield MeteredBucket(
            key=same,
            start=start,
            end=end,
            provider="openrouter",
            model=text(row.get("model"), "model"),
            requests=count_or_zero(row.get("requests"), "requests"),
            input_uncached=max(0, prompt - cached),
            cache_read=min(cached, prompt),
            output=count_or_zero(row.get("completion_tokens"), "completion_tokens"),
            recorded_usd=charged + elsewhere,
            dimensions=named,
            flags=("replayed_cache",) if cached > prompt else (),
        )
        yield BilledAmount(
            same,
            start,
            end,
            "openrouter",
            named["workspace_id"],
            "usage",
            charged,
            model=row["model"],
            dimensions=named,
        )
    if days and (span := (max(days) - min(days)).days) < ACTIVITY_DAYS:
        for start in (min(days) + timedelta(days=n) for n in range(span)):
            if start not in days:
                yield EmptyBucket(bucket_of("activity", start, start + timedelta(days=1)), start.date())
