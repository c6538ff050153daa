"""What all report pages share: buckets with results, periods, dimensions that may be null, dollars."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from pipelines.sources.bills import EmptyBucket, bucket_of
from pipelines.sources.context import Context
from pipelines.sources.values import Reject, decimal, epoch, mapping, rfc3339, text

_PLACES = Decimal("1e-12")


def rows(page: Any) -> Iterator[tuple[dict[str, Any], dict[str, Any], tuple[str, ...]]]:
    """Bucket, result and flags of every result of a page; empty buckets are no error."""
    page = mapping(page, "page")
    buckets = page.get("data")
    if type(buckets) is not list:
        raise Reject("data: expected a list of buckets")
    flags = ("incomplete",) if page.get("has_more") is True else ()
    for bucket in buckets:
        bucket = mapping(bucket, "bucket")
        results = bucket.get("results")
        if type(results) is not list:
            raise Reject("results: expected a list")
        for row in results:
            yield bucket, mapping(row, "results"), flags


def empty(page: Any, kind: str, period: Callable[[dict[str, Any]], tuple[datetime, datetime]]) -> Iterator[EmptyBucket]:
    """Buckets of a page without a result: the report covers them. `kind`: of the rows that they would have."""
    for bucket in page["data"]:
        if not bucket["results"]:
            start, end = period(bucket)
            yield EmptyBucket(bucket_of(kind, start, end), start.date())


def dimensions(row: dict[str, Any], names: tuple[str, ...]) -> dict[str, str | None]:
    """Null stays null: it means "all" or is a value of its own."""
    return {name: None if (found := row.get(name)) is None else str(found) for name in names}


def key(kind: str, start: datetime, end: datetime, named: dict[str, str | None]) -> str:
    """What makes two rows the same row; a null is told apart from any text."""
    parts = [
        kind,
        start.isoformat(),
        end.isoformat(),
        *("\\N" if value is None else value for value in named.values()),
    ]
    return "|".join(parts)


def seconds(bucket: dict[str, Any], context: Context) -> tuple[datetime, datetime]:
    """Start and end of a bucket that counts Unix seconds."""
    return _period(bucket, "start_time", "end_time", lambda value, name: epoch(value, name, 1, _unbounded(context)))


def instants(bucket: dict[str, Any], context: Context) -> tuple[datetime, datetime]:
    """Start and end of a bucket that writes RFC 3339."""
    return _period(bucket, "starting_at", "ending_at", lambda value, name: rfc3339(value, name, _unbounded(context)))


def _period(bucket: dict[str, Any], first: str, last: str, read: Any) -> tuple[datetime, datetime]:
    start, end = read(bucket.get(first), first), read(bucket.get(last), last)
    if end <= start:
        raise Reject(f"{last}: expected a time after {first}")
    return start, end


def _unbounded(context: Context) -> Context:
    """Buckets end ahead of the clock: a day's tomorrow, a month's at its end."""
    return context.until(context.latest + timedelta(days=32))


def day(value: Any, context: Context) -> tuple[datetime, datetime]:
    """Start and end of a UTC day."""
    try:
        found = date.fromisoformat(text(value, "date"))
    except ValueError:
        raise Reject("date: expected YYYY-MM-DD") from None
    start = datetime(found.year, found.month, found.day, tzinfo=UTC)
    if start > context.latest:
        raise Reject("date: more than 24 h in the future")
    return start, start + timedelta(days=1)


def dollars(value: Any, currency: Any, *, cents: bool = False) -> Decimal:
    """A signed amount in dollars, from dollars or cents, rounded half-even to 12 places."""
    if not isinstance(currency, str) or currency.lower() != "usd":
        raise Reject("currency: expected usd")
    amount = decimal(value, "amount")
    if not amount.is_finite() or abs(amount) >= Decimal(10) ** 12:
        raise Reject("amount: expected an amount below 10^12")
    return (amount.scaleb(-2) if cents else amount).quantize(_PLACES, ROUND_HALF_EVEN)
