"""Usage and cost reports as the providers' APIs page them: OpenAI, Anthropic, OpenRouter.

A file holds one page, a list of pages, or a page a line. A page that more pages follow flags its rows as
`incomplete`: whether the others were saved, no row can tell.

The last pull of a period replaces all of it: what an earlier one named and it doesn't is no longer billed. That holds
where it names nothing, too: OpenAI and Anthropic list empty buckets (of OpenAI's usage pages only those with a result say
which object they are of), and an OpenRouter document that names several days covers those between them. What no pull
can tell: whether a filter (project, workspace, key) hid the rest, and days before or after those that OpenRouter names.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipelines.sources.bills import BilledAmount, EmptyBucket, MeteredBucket
from pipelines.sources.context import Context
from pipelines.sources.formats import Format
from pipelines.sources.openrouter_activity import openrouter_activity
from pipelines.sources.report_pages import dimensions, dollars, empty, instants, key, rows, seconds
from pipelines.sources.tiers import service_tier
from pipelines.sources.values import Reject, count, count_or_zero, decimal, mapping, optional_text, text

MAX_PAGE = 64 * 2**20  #: bytes: providers send a page of a month as one line
_OPENAI_DIMENSIONS = ("project_id", "user_id", "api_key_id", "model", "batch", "service_tier", "api_source")
_COST_DIMENSIONS = ("project_id", "user_id", "api_key_id", "line_item", "api_source")
_ANTHROPIC_DIMENSIONS = (
    "api_key_id", "workspace_id", "model", "service_tier", "context_window", "inference_geo", "speed",
    "account_id", "service_account_id",
)  # fmt: skip
_ANTHROPIC_COST_DIMENSIONS = (
    "workspace_id", "description", "model", "token_type", "cost_type", "service_tier", "context_window",
    "inference_geo",
)  # fmt: skip


def openai_usage(page: Any, context: Context) -> Iterator[MeteredBucket | EmptyBucket]:
    """Buckets of the Usage API. Input is the inclusive total; cached and written parts are given too."""
    kinds: set[str] = set()
    for bucket, row, flags in rows(page):
        kind = text(row.get("object"), "object")
        kinds.add(kind)
        start, end = seconds(bucket, context)
        read = count_or_zero(row.get("input_cached_tokens"), "input_cached_tokens")
        long = count_or_zero(row.get("input_cache_write_12h_tokens"), "input_cache_write_12h_tokens")
        write = count_or_zero(row.get("input_cache_write_tokens"), "input_cache_write_tokens")
        total = count_or_zero(row.get("input_tokens"), "input_tokens")
        if read + write > total or long > write:
            raise Reject("cache tokens exceed input_tokens")
        uncached = row.get("input_uncached_tokens")
        if uncached is None and kind == "organization.usage.completions.result":
            flags = (*flags, "old_schema")
        elif uncached is not None and count(uncached, "input_uncached_tokens") != total - read - write:
            flags = (*flags, "token_mismatch")
        named = dimensions(row, _OPENAI_DIMENSIONS)
        yield MeteredBucket(
            key=key(kind, start, end, named),
            start=start,
            end=end,
            provider="openai",
            model=named["model"],
            requests=count_or_zero(row.get("num_model_requests"), "num_model_requests"),
            input_uncached=total - read - write,
            cache_read=read,
            cache_write=write - long,
            cache_write_long=long,
            output=count_or_zero(row.get("output_tokens"), "output_tokens"),
            service_tier="batch" if row.get("batch") is True else service_tier(row.get("service_tier")),
            dimensions=named,
            flags=flags,
        )
    for kind in sorted(kinds):
        yield from empty(page, kind, lambda bucket: seconds(bucket, context))


def openai_costs(page: Any, context: Context) -> Iterator[BilledAmount | EmptyBucket]:
    """Day buckets of the Costs API, in dollars, as number or text."""
    for bucket, row, flags in rows(page):
        money = mapping(row.get("amount"), "amount")
        start, end = seconds(bucket, context)
        named = dimensions(row, _COST_DIMENSIONS)
        quantity = row.get("quantity")
        yield BilledAmount(
            key=key(text(row.get("object"), "object"), start, end, named),
            start=start,
            end=end,
            provider="openai",
            account=named["project_id"],
            item=named["line_item"],
            amount_usd=dollars(money.get("value"), money.get("currency")),
            quantity=None if quantity is None else decimal(quantity, "quantity"),
            unit=optional_text(row.get("quantity_unit"), "quantity_unit"),
            model=_line_model(named["line_item"]),
            dimensions=named,
            flags=flags,
        )
    yield from empty(page, "organization.costs.result", lambda bucket: seconds(bucket, context))


def _line_model(item: str | None) -> str | None:
    """`gpt-5.4-2026-03-05 batch, input_tokens` names a model; other wordings name none."""
    name, comma, _ = (item or "").rpartition(", ")
    return name.removesuffix(" batch").strip() or None if comma else None


def anthropic_usage(page: Any, context: Context) -> Iterator[MeteredBucket | EmptyBucket]:
    """Buckets of the messages usage report. All token counts are disjoint; requests are not counted."""
    for bucket, row, flags in rows(page):
        start, end = instants(bucket, context)
        written = mapping(row.get("cache_creation"), "cache_creation")
        tools = mapping(row.get("server_tool_use"), "server_tool_use")
        searches = count_or_zero(tools.get("web_search_requests"), "web_search_requests")
        named = dimensions(row, _ANTHROPIC_DIMENSIONS)
        yield MeteredBucket(
            key=key("messages", start, end, named),
            start=start,
            end=end,
            provider="anthropic",
            model=named["model"],
            requests=None,
            input_uncached=count(row.get("uncached_input_tokens"), "uncached_input_tokens"),
            cache_read=count_or_zero(row.get("cache_read_input_tokens"), "cache_read_input_tokens"),
            cache_write=count_or_zero(written.get("ephemeral_5m_input_tokens"), "ephemeral_5m_input_tokens"),
            cache_write_long=count_or_zero(written.get("ephemeral_1h_input_tokens"), "ephemeral_1h_input_tokens"),
            output=count_or_zero(row.get("output_tokens"), "output_tokens"),
            extras={"web_search": searches} if searches else {},
            service_tier=service_tier(row.get("service_tier")),
            dimensions=named,
            flags=flags,
        )
    yield from empty(page, "messages", lambda bucket: instants(bucket, context))


def anthropic_cost(page: Any, context: Context) -> Iterator[BilledAmount | EmptyBucket]:
    """Day buckets of the cost report. Amounts are texts in **cents**, with fractions of a cent."""
    for bucket, row, flags in rows(page):
        start, end = instants(bucket, context)
        named = dimensions(row, _ANTHROPIC_COST_DIMENSIONS)
        yield BilledAmount(
            key=key("cost", start, end, named),
            start=start,
            end=end,
            provider="anthropic",
            account=named["workspace_id"],
            item=named["description"],
            amount_usd=dollars(row.get("amount"), row.get("currency"), cents=True),
            model=named["model"],
            dimensions=named,
            flags=flags,
        )
    yield from empty(page, "cost", lambda bucket: instants(bucket, context))


FORMATS = (
    Format(
        kind="openai-usage",
        shapes=("json",),
        line_limit=MAX_PAGE,
        tokens="input is the inclusive total; cached, written and uncached parts are given",
        key="object, period and all dimensions; the last pull wins",
        time="start_time, end_time, Unix seconds",
        tags="none: project, key and user ids",
        parse=openai_usage,
    ),
    Format(
        kind="openai-costs",
        shapes=("json",),
        line_limit=MAX_PAGE,
        tokens="none: quantities are not usage",
        key="period and all dimensions; the last pull wins",
        time="start_time, end_time, Unix seconds",
        tags="none",
        recorded="exact",
        parse=openai_costs,
    ),
    Format(
        kind="anthropic-usage",
        shapes=("json",),
        line_limit=MAX_PAGE,
        tokens="disjoint: uncached, read, written for 5 minutes, written for an hour",
        key="period and all dimensions, nulls included; the last pull wins",
        time="starting_at, ending_at, RFC 3339",
        tags="none: workspace and key ids",
        parse=anthropic_usage,
    ),
    Format(
        kind="anthropic-cost",
        shapes=("json",),
        line_limit=MAX_PAGE,
        tokens="none; amounts are cents",
        key="period and all dimensions, nulls included; the last pull wins",
        time="starting_at, ending_at, RFC 3339",
        tags="none",
        recorded="exact",
        parse=anthropic_cost,
    ),
    Format(
        kind="openrouter-activity",
        shapes=("json",),
        line_limit=MAX_PAGE,
        tokens="inclusive: cached inside the prompt, reasoning inside the completion",
        key="date, endpoint_id, model_permaslug, provider, workspace; the last pull of a day wins",
        time="date, UTC",
        tags="none",
        recorded="exact",
        parse=openrouter_activity,
    ),
)
