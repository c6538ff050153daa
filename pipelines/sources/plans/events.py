"""Kind `outcomes`, many lines at a time: the columns of `OutcomeEvent` straight from JSON text, in one query.

What the query is not certain to read as `facts.parse_outcome` would, it leaves to the lean reader of single lines
(`outcomes`): further fields, escapes, numbers spelt in unusual ways. The model is `sql/sources/outcomes.sql`.
"""

from __future__ import annotations

from pipelines.sources.facts import EVENTS, OUTCOME_FIELDS, SIGNALS
from pipelines.sources.plans.written import QUOTE, instant, money, raw, short_enough, spelt
from pipelines.storage.models import filled, literal

_NUMBERS = ("value_usd", "quality")
_TEXTS = tuple(name for name in OUTCOME_FIELDS if name not in _NUMBERS)
_REQUIRED = ("event_id", "time", "workflow", "unit_id", "event")


def query(*, lines: str, latest: str) -> str:
    """SQL over the table of a piece with the columns of `OUTCOME_SCHEMA` from `line` on; `latest` is a credible time's
    limit.
    """
    shape = ",".join(f'"{name}":"{"JSON" if name in _NUMBERS else "VARCHAR"}"' for name in OUTCOME_FIELDS)
    present = [f"cast({name} is not null as integer)" for name in OUTCOME_FIELDS]
    as_text = [f"cast({name} is not null as integer)" for name in _TEXTS]
    as_text.append(f"cast(coalesce(starts_with(value_usd, {QUOTE}), false) as integer)")
    sure = [
        f"members = {' + '.join(present)}",
        f"strings = {' + '.join(as_text)}",
        *(f"{name} <> ''" for name in _REQUIRED),
        f"event in ({', '.join(map(literal, EVENTS))})",
        f"coalesce(signal, '') in ({', '.join(map(literal, ('', *SIGNALS)))})",
        short_enough(_TEXTS),
    ]
    return filled(
        "sources/outcomes",
        shape=literal("{" + shape + "}"),
        lines=lines,
        columns=", ".join(f"cast(found.{name} as varchar) as {name}" for name in OUTCOME_FIELDS),
        texts_are_sure=" and ".join(sure),
        value=raw("value_usd", "value_usd"),
        quality=raw("quality", "quality"),
        instant=instant("time"),
        value_usd=money("amount"),
        share=money("quality"),
        canonical=_canonical(),
        latest=latest,
    )


def _canonical() -> str:
    members = []
    for name in sorted(OUTCOME_FIELDS):
        head = literal(f',"{name}":')
        value = f"({spelt(name)})" if name in _NUMBERS else f"{QUOTE} || {name} || {QUOTE}"
        members.append(f"{head} || {value}")  # null, so that it is left out, where nothing is said
    return f"concat('{{', substring(concat({', '.join(members)}), 2), '}}')"
