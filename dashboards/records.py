"""What Data health asks of the marts: what was read and refused, what has no rate, how much the logs cover."""

from __future__ import annotations

from datetime import date

from dashboards.queries import Rows, ask
from pipelines.storage.published import Published

REFUSED_SHOWN = 200  #: refused records on the page; the export has all


def sources(p: Published) -> Rows:
    return ask(p, "select * from sources_health order by source")


def quarantine(p: Published) -> Rows:
    """The first refused records; the export has all."""
    return ask(p, f"select * from quarantine order by source, file, line limit {REFUSED_SHOWN}")


def refusals(p: Published) -> Rows:
    """One row a (source, reason): how often, most first."""
    return ask(
        p, "select source, reason, count(*) as times from quarantine group by all order by times desc, source, reason"
    )


def unpriced(p: Published) -> Rows:
    return ask(p, "select * from unpriced_models order by cost_basis desc, requests desc, provider, model")


def restatements(p: Published) -> Rows:
    return ask(p, "select * from restatements order by published_at desc, day desc, workflow limit 200")


def assign_rules(p: Published) -> Rows:
    return ask(p, "select * from assign_rules order by rule")


def coverage(p: Published, first: date, last: date) -> Rows:
    """Days of the usage reports, what is covered least first."""
    return ask(
        p, "select * from coverage where day between $first and $last order by share nulls last, day desc, provider, model",
        first=first, last=last,
    )  # fmt: skip
