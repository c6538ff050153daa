"""The rows of the exports, in their fixed order, from a published set."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pyarrow as pa

from pipelines.exports import focus_columns
from pipelines.exports.catalogue import EXPORTS, lookup
from pipelines.exports.export import Export
from pipelines.exports.focus import focus_batches
from pipelines.outcomes.period import PERIOD_DAYS, published_period
from pipelines.storage.models import literal
from pipelines.storage.published import Published, parquet
from pipelines.workspace.errors import UsageError


def batches(
    published: Published, name: str, first: date | None = None, last: date | None = None, focus: str | None = None
) -> Iterator[pa.RecordBatch]:
    """Rows of one export in their fixed order, a batch at a time; none where there are no rows.

    `focus` is the version of that dataset. Raises UsageError at once, before a row is asked for: for an unknown name or
    version, or a period on a table that has none.
    """
    export = lookup(name, focus)
    if (first or last) and export.period is None:
        raise UsageError(f"{name} has no period: --from and --to do not apply to it")
    if export.months:
        _refuse_parts_of_months(published, name, first, last)
    return _batches(published, name, export, first, last, focus)


def _batches(
    published: Published, name: str, export: Export, first: date | None, last: date | None, focus: str | None
) -> Iterator[pa.RecordBatch]:
    if name == "value_ranking" and (first or last):
        yield from _ranking(published, first, last)
        return
    if name == "focus":
        yield from focus_batches(published, first, last, focus or focus_columns.LATEST)
        return
    columns = ", ".join(export.columns)
    zone = literal(published.meta["timezone"])
    day = (export.period or "").format(zone=zone)
    limits = [f"{day} >= date '{first}'"] * bool(first) + [f"{day} <= date '{last}'"] * bool(last)
    where = f"where {' and '.join(limits)}" if limits else ""
    if not export.segment:
        with published.connect(units=name == "outcome_cost") as con:
            rows = con.sql(f"select {columns} from {name} {where} order by {export.order}")
            yield from rows.to_arrow_reader(50_000)
        return
    for files in published.segments_by_day(name, first, last).values():
        preload = {"segment": (f"from {parquet(files)}", {})}
        with published.connect(preload) as con:
            rows = con.sql(f"select {columns} from memory.segment order by {export.order}")
            yield from rows.to_arrow_reader(50_000)


def _refuse_parts_of_months(published: Published, name: str, first: date | None, last: date | None) -> None:
    """A month's figures can't be cut: the period begins with a month and ends with one, or with what is published."""
    as_of = published.meta["as_of"]
    whole = last is None or (last + timedelta(days=1)).day == 1 or as_of is None or last.isoformat() >= as_of
    if (first and first.day != 1) or not whole:
        raise UsageError(
            f"{name} has one row set a month: expected --from on the first day of a month and --to on the last of one"
        )


def _ranking(published: Published, first: date | None, last: date | None) -> Iterator[pa.RecordBatch]:
    if published.meta["as_of"] is None:
        return
    end = last or date.fromisoformat(published.meta["as_of"])
    start = first or end - timedelta(days=PERIOD_DAYS - 1)
    found = published_period(published, start, end)
    if found:
        yield from found.ranking.to_arrow().select(list(EXPORTS["value_ranking"].columns)).to_batches()
