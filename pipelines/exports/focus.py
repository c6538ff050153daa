"""`outlay export focus`: the ledger as a FOCUS Cost and Usage dataset, a day at a time, so that memory holds one day.

A charge period is a day of the reporting zone, a billing period its calendar month there, both written as instants in
UTC with an exclusive end: 23 or 25 hours where the clock changes. Charges without a price are left out and counted
(`unpriced_requests`); for the rest, Σ BilledCost is the ledger's spend to the last unit.

A month that was closed keeps the total that it was closed with: what came later is taken out of it by an Adjustment and
booked in the first open month by a Correction of the same charge period, so that no sum over charge periods changes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.exports.focus_columns import LATEST, schema
from pipelines.exports.focus_prices import cells
from pipelines.exports.focus_rows import Day, day_rows, row_id
from pipelines.exports.focus_skus import service
from pipelines.rates.provisioned import day_start
from pipelines.storage.models import filled
from pipelines.storage.published import Published, parquet


def focus_batches(
    published: Published, first: date | None = None, last: date | None = None, version: str = LATEST
) -> Iterator[pa.RecordBatch]:
    """One batch a day, in order, and an empty one where there is no charge."""
    zone, shape = ZoneInfo(published.meta["timezone"]), schema(version)
    outcomes, declared, corrected = _marts(published)
    charges, requests = (published.segments_by_day(t, first, last) for t in ("charges", "requests"))
    days = sorted({*charges, *(d for d in corrected if (not first or first <= d) and (not last or d <= last))})
    with duckdb.connect(":memory:") as con:
        con.execute("set timezone = 'UTC'")
        for day in days:
            shared = Day(periods(day, day, zone), published.meta["name"], outcomes.get(day, {}), declared)
            rows = day_rows(cells(_charged(con, charges[day], requests.get(day, []))), shared) if day in charges else []
            rows += [
                row for one in corrected.get(day, ()) for row in _corrections(one, day, zone, published.meta["name"])
            ]
            yield pa.RecordBatch.from_pylist([_shown(row) for row in rows], schema=shape)
    if not days:
        yield pa.RecordBatch.from_pylist([], schema=shape)


def unpriced_requests(published: Published, first: date | None = None, last: date | None = None) -> int:
    """How many requests of the period have no price, and so are no rows."""
    files = published.segments("requests", first, last)
    if not files:
        return 0
    query = f"select count(*) from {parquet(files)} where cost_basis = 'unpriced'"
    with duckdb.connect(":memory:") as con:
        return con.execute(query).fetchall()[0][0]


def periods(day: date, billed: date, zone: ZoneInfo) -> dict[str, str]:
    """The four period columns of a charge of `day` that the month of `billed` bears, and the day itself."""
    month = billed.replace(day=1)
    return {
        "ChargePeriodStart": _instant(day, zone), "ChargePeriodEnd": _instant(day + timedelta(days=1), zone),
        "BillingPeriodStart": _instant(month, zone), "BillingPeriodEnd": _instant(_after(month), zone),
        "x_ReportingDay": day.isoformat(),
    }  # fmt: skip


def _after(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)


def _instant(day: date, zone: ZoneInfo) -> str:
    return day_start(day, zone).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _charged(con: duckdb.DuckDBPyConnection, charges: list[Path], requests: list[Path]) -> list[dict[str, Any]]:
    held = set(pq.read_schema(requests[0]).names) if requests else set()
    model = filled(
        "exports/focus_day",
        charges=parquet(charges),
        requests=parquet(requests) if requests else _NO_REQUESTS,
        # segments that an older version wrote lack these
        account="account" if "account" in held else "cast(null as varchar)",
        region="region" if "region" in held else "cast(null as varchar)",
    )
    return con.sql(model).to_arrow_table().to_pylist()


_NO_REQUESTS = (
    "(select null::varchar as request_key, null::varchar as service_tier, null::varchar as workflow, "
    "null::varchar as task_type, null::varchar as reason, null::varchar[] as units where false)"
)


def _marts(published: Published) -> tuple[dict[date, dict[str, Any]], dict[str, str], dict[date, list[Any]]]:
    """Outcomes by (day, workflow); units of workflows; differences of closed months, by the month's last day."""
    outcomes: dict[date, dict[str, Any]] = defaultdict(dict)
    corrected: dict[date, list[Any]] = defaultdict(list)
    with published.connect() as con:
        for day, workflow, count, cost in con.execute(
            "select day, workflow, outcomes, cost_per_outcome_usd from daily_cost"
        ).fetchall():
            outcomes[day][workflow] = {"outcomes": count, "cost_per_outcome_usd": cost}
        declared = dict(con.execute("select workflow, unit from workflows").fetchall())
        if con.execute("select 1 from duckdb_tables() where table_name = 'close_adjustments'").fetchall():
            late = con.sql(
                "select * from close_adjustments where item = 'spend' and difference_usd <> 0 "
                "order by closed_month, provider nulls first, workflow nulls first, rowid"
            )
            for one in late.to_arrow_table().to_pylist():
                closed = date.fromisoformat(f"{one['closed_month']}-01")
                corrected[_after(closed) - timedelta(days=1)].append(one)
    return outcomes, declared, corrected


def _corrections(one: Mapping[str, Any], day: date, zone: ZoneInfo, workspace: str) -> Iterator[dict[str, Any]]:
    """Two rows of the provider and account that sum to 0: out of the closed month, into the month that books it."""
    later = date.fromisoformat(f"{one['found_in']}-01")
    difference: Decimal = one["difference_usd"]
    said = f"late changes of {one['closed_month']}, booked in {one['found_in']}"
    account = one.get("account")
    whose = service(one["provider"]) if one["provider"] else _unknown(workspace)
    whose |= {"SubAccountId": account, "SubAccountName": account, "SubAccountType": account and "Project"}
    for billed, amount, kind in ((day, -difference, None), (later, difference, "Correction")):
        row = {
            **periods(day, billed, zone), **whose, "ServiceCategory": "AI and Machine Learning",
            "ServiceSubcategory": "Generative AI", "BillingAccountName": workspace, "BillingCurrency": "USD",
            "PricingCurrency": "USD", "ChargeCategory": "Adjustment", "ChargeClass": kind, "ChargeFrequency": "One-Time",
            "ChargeDescription": f"{'Correction' if kind else 'Out of the closed month'}: {said}", "BilledCost": amount,
            "EffectiveCost": amount, "ContractedCost": amount, "ListCost": amount, "x_Workflow": one["workflow"],
            "x_CostBasis": "close",
        }  # fmt: skip
        yield row | {"x_RowId": row_id(row)}


def _unknown(workspace: str) -> dict[str, Any]:
    """Whose charge it is where the record of the closed month kept workflows and no providers."""
    named = ("BillingAccountId", "InvoiceIssuerName", "ServiceProviderName", "ProviderName", "PublisherName")
    return dict.fromkeys(named, workspace) | {"BillingAccountType": "Workspace", "ServiceName": "Outlay month close"}


def _shown(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Every Decimal in the scale of its column, exactly."""
    return {name: _scaled(value) if isinstance(value, Decimal) else value for name, value in row.items()}


def _scaled(value: Decimal) -> Decimal:
    """Without zeros at the end, which a fixed scale would have no room for; 0 stays 0."""
    return value.normalize() if value else Decimal(0)
