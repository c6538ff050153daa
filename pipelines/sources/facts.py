"""Kinds `outcomes`, `outcome-counts`, `evaluations`: what happened to units, how good an answer was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from pipelines.sources import canonical
from pipelines.sources.bills import OutcomeCount
from pipelines.sources.context import Context
from pipelines.sources.formats import Format
from pipelines.sources.ids import provider_id
from pipelines.sources.record import Evaluation, OutcomeEvent
from pipelines.sources.tables import Cells
from pipelines.sources.values import (
    Reject,
    amount,
    count,
    decimal,
    milliseconds,
    optional_text,
    rfc3339,
    share,
    text,
)

EVENTS = ("completed", "failed", "accepted", "rejected")
SIGNALS = ("human", "label", "judge", "schema")
OUTCOME_FIELDS = (
    "event_id", "time", "workflow", "unit_id", "event", "attempt_id", "value_usd", "quality", "signal",
    "parent_workflow", "parent_unit_id",
)  # fmt: skip
_COUNT_FIELDS = ("workflow", "completed", "failed", "rejected", "value_usd")
_EVALUATION_FIELDS = (
    "workflow", "task_type", "item_id", "provider", "model", "quality", "time", "signal", "input_tokens",
    "output_tokens", "cost_usd", "latency_ms", "stratum",
)  # fmt: skip


def parse_outcome(record: Any, context: Context) -> tuple[OutcomeEvent]:
    """One event of one unit."""
    get = _fields(record)
    event = get("event")
    if event not in EVENTS:
        raise Reject("event: expected completed, failed, accepted or rejected")
    value, quality = get("value_usd"), get("quality")
    return (
        OutcomeEvent(
            event_id=text(get("event_id"), "event_id"),
            time=rfc3339(get("time"), "time", context),
            workflow=text(get("workflow"), "workflow"),
            unit_id=text(get("unit_id"), "unit_id"),
            event=event,
            attempt_id=optional_text(get("attempt_id"), "attempt_id"),
            value_usd=None if value is None else amount(value, "value_usd"),
            quality=None if quality is None else share(_number(record, "quality"), "quality"),
            signal=_signal(get("signal")),
            parent_workflow=optional_text(get("parent_workflow"), "parent_workflow"),
            parent_unit_id=optional_text(get("parent_unit_id"), "parent_unit_id"),
            canonical=_canonical(record, OUTCOME_FIELDS),
        ),
    )


def parse_evaluation(record: Any, context: Context) -> tuple[Evaluation]:
    """One mark. Tokens may be left out only where the sender states a cost."""
    get = _fields(record)
    cost = get("cost_usd")
    if cost is None and (get("input_tokens") is None or get("output_tokens") is None):
        raise Reject("expected input_tokens and output_tokens, or cost_usd")
    return (
        Evaluation(
            workflow=text(get("workflow"), "workflow"),
            task_type=text(get("task_type"), "task_type"),
            item_id=text(get("item_id"), "item_id"),
            provider=provider_id(text(get("provider"), "provider")),
            model=text(get("model"), "model"),
            quality=share(_number(record, "quality"), "quality"),
            time=rfc3339(get("time"), "time", context),
            signal=_signal(get("signal")),
            input_tokens=_count(record, "input_tokens"),
            output_tokens=_count(record, "output_tokens"),
            cost_usd=None if cost is None else amount(cost, "cost_usd"),
            latency_ms=milliseconds(_number(record, "latency_ms"), "latency_ms"),
            stratum=optional_text(get("stratum"), "stratum"),
            canonical=_canonical(record, _EVALUATION_FIELDS),
        ),
    )


def parse_count(record: Any, context: Context) -> tuple[OutcomeCount]:
    """Outcomes of one workflow and day."""
    get = _fields(record)
    try:
        day = date.fromisoformat(text(get("day"), "day"))
    except ValueError:
        raise Reject("day: expected YYYY-MM-DD") from None
    if day > context.latest.date():
        raise Reject("day: more than 24 h in the future")
    value = get("value_usd")
    parsed = OutcomeCount(
        day=day,
        workflow=text(get("workflow"), "workflow"),
        completed=_count(record, "completed"),
        failed=_count(record, "failed"),
        rejected=_count(record, "rejected"),
        value_usd=None if value is None else amount(value, "value_usd"),
    )
    # the figures themselves: a count is the same one in a sheet, where it is text, and with a point
    said = {name: getattr(parsed, name) for name in _COUNT_FIELDS if get(name) is not None}
    return (replace(parsed, canonical=canonical.text({**said, "day": day.isoformat()})),)


def _fields(record: Any) -> Callable[[str], Any]:
    if type(record) is not dict and type(record) is not Cells:
        raise Reject("expected an object")
    return record.get


def _number(record: dict[str, Any], name: str) -> Decimal | None:
    """A number, which JSON must spell as one; a CSV cell can only be text."""
    value = record.get(name)
    if type(value) is str and type(record) is dict:
        raise Reject(f"{name}: expected a number")
    return None if value is None else decimal(value, name)


def _count(record: dict[str, Any], name: str) -> int:
    value = record.get(name)
    if value is None:
        return 0
    return count(decimal(value.strip(), name) if type(record) is Cells else value, name)


def _signal(value: Any) -> str | None:
    if value is None or value == "":
        return None
    if value not in SIGNALS:
        raise Reject("signal: expected human, label, judge or schema")
    return value


def _canonical(record: dict[str, Any], names: tuple[str, ...]) -> str:
    return canonical.text({name: record[name] for name in names if record.get(name) is not None})


FORMATS = (
    Format(
        kind="outcomes",
        shapes=("json", "csv", "parquet"),
        tokens="none",
        key="event_id",
        time="time, RFC 3339 with zone",
        tags="none",
        parse=parse_outcome,
    ),
    Format(
        kind="evaluations",
        shapes=("json", "csv", "parquet"),
        tokens="totals: input_tokens, output_tokens",
        key="workflow, task_type, item_id, provider, model; the latest time wins",
        time="time, RFC 3339 with zone",
        tags="none",
        recorded="exact",
        parse=parse_evaluation,
    ),
)
COUNTS = Format(
    kind="outcome-counts",
    shapes=("json", "csv", "parquet"),
    tokens="none",
    key="day, workflow",
    time="day, YYYY-MM-DD, in the reporting zone",
    tags="none",
    parse=parse_count,
)
