"""The exports: which columns, in which order, in which order of rows, and over which period."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import pyarrow as pa

from pipelines.outcomes.period import PERIOD_DAYS, ranked_period
from pipelines.storage.models import literal
from pipelines.storage.published import Published
from pipelines.workspace.errors import UsageError


@dataclass(frozen=True)
class Export:
    """One table as users get it. `period` is the SQL for a row's day, None where the table has no period."""

    name: str
    columns: tuple[str, ...]
    order: str
    period: str | None = None
    segment: bool = False


def _columns(text: str) -> tuple[str, ...]:
    return tuple(text.replace(",", " ").split())


EXPORTS: dict[str, Export] = {
    e.name: e
    for e in (
        Export(
            "daily_cost",
            _columns(
                "day, workflow, unit, outcomes, failed_units, requests, input_tokens, output_tokens, spend_usd, "
                "failure_spend_usd, cost_per_outcome_usd, provisional"
            ),
            "day, workflow", "day",
        ),
        Export(
            "outcome_cost",
            _columns(
                "workflow, unit, unit_id, status, first_request, outcome_day, attempts, requests, spend_usd, value_usd"
            ),
            "workflow, unit_id", "cast(first_request at time zone {zone} as date)",
        ),
        Export(
            "requests",
            _columns(
                "request_id, source, time, provider, model, service_tier, status, workflow, task_type, unit_id, "
                "input_tokens, cache_read_tokens, cache_write_tokens, cache_write_long_tokens, output_tokens, "
                "reasoning_tokens, cost_usd, cost_basis, recorded_usd, tier"
            ),
            "day, source, provider, request_id, request_key", "day", segment=True,
        ),
        Export(
            "charges",
            _columns(
                "request_id, charge_day, provider, model, sku, quantity, unit_price_usd, amount_usd, rate_source, source"
            ),
            "charge_day, source, provider, request_id, request_key, sku", "charge_day", segment=True,
        ),
        Export(
            "value_ranking",
            _columns(
                "rank, band, workflow, unit, outcomes, spend_usd, spend_share, value_usd, value_per_usd, low, high, "
                "break_even_value_usd, note"
            ),
            "rank nulls last, workflow", "day",
        ),
        Export(
            "unattributed", _columns("day, provider, model, reason, requests, spend_usd, workflow"),
            "day, provider, model, reason, workflow nulls first", "day",
        ),
        Export(
            "task_cost",
            _columns(
                "day, workflow, task_type, tier, provider, model, requests, input_tokens, output_tokens, spend_usd, "
                "latency_p50_ms, latency_p95_ms"
            ),
            "day, workflow, task_type nulls first, tier nulls first, provider, model", "day",
        ),
        Export(
            "recommendations",
            _columns(
                "id, workflow, task_type, decision, grade, reference_model, model, share, items, quality_reference, "
                "retention, retention_low, retention_high, saving_share, saving_low, saving_high, saving_usd_month, reason"
            ),
            "workflow, task_type, id, share desc, model",
        ),
        Export(
            "restatements", _columns("published_at, day, workflow, before_usd, after_usd, cause"),
            "published_at, day, workflow", "day",
        ),
        Export("alerts", _columns("day, kind, subject, severity, detail"), "rowid", "day"),
    )
}  # fmt: skip


def batches(
    published: Published, name: str, first: date | None = None, last: date | None = None
) -> Iterator[pa.RecordBatch]:
    """Rows of one export in their fixed order, a batch at a time; none where there are no rows.

    Raises UsageError for an unknown name or a period on a table that has none.
    """
    export = lookup(name)
    if (first or last) and export.period is None:
        raise UsageError(f"{name} has no period: --from and --to do not apply to it")
    if name == "value_ranking" and (first or last):
        yield from _ranking(published, first, last)
        return
    columns = ", ".join(export.columns)
    zone = literal(published.meta["timezone"])
    day = (export.period or "").format(zone=zone)
    limits = [f"{day} >= date '{first}'"] * bool(first) + [f"{day} <= date '{last}'"] * bool(last)
    where = f"where {' and '.join(limits)}" if limits else ""
    if not export.segment:
        with published.connect() as con:
            rows = con.sql(f"select {columns} from {name} {where} order by {export.order}")
            yield from rows.to_arrow_reader(50_000)
        return
    for file in published.segments(name, first, last):
        preload = {"segment": (f"from read_parquet({literal(str(file))})", {})}
        with published.connect(preload) as con:
            rows = con.sql(f"select {columns} from memory.segment order by {export.order}")
            yield from rows.to_arrow_reader(50_000)


def lookup(name: str) -> Export:
    """Raises UsageError listing the names that exist."""
    if name not in EXPORTS:
        raise UsageError(f"no export {name!r}; expected one of {', '.join(sorted(EXPORTS))}")
    return EXPORTS[name]


def _ranking(published: Published, first: date | None, last: date | None) -> Iterator[pa.RecordBatch]:
    if published.meta["as_of"] is None:
        return
    end = last or date.fromisoformat(published.meta["as_of"])
    start = first or end - timedelta(days=PERIOD_DAYS - 1)
    files = [literal(str(f)) for f in published.segments("unit_days", start, end)]
    if not files:
        return
    with published.connect({"unit_days": (f"from read_parquet([{', '.join(files)}])", {})}) as con:
        con.execute("create temp view unit_days as from memory.unit_days")
        ranked = ranked_period(con, start, end)[1]
    yield from ranked.to_arrow().select(list(EXPORTS["value_ranking"].columns)).to_batches()
