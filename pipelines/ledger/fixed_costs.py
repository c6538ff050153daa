"""The stage after pricing: provisioned capacity and unmet commitments reach the ledger as shares and standing charges.

Only days that a run touches, and days that are new to the ledger, are worked out; the others keep what they have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa

from pipelines.ledger.capacity import bear, put_shares, put_standing
from pipelines.ledger.terms import Owed, Terms, ledger_days, settle_terms
from pipelines.rates.book import RateBook
from pipelines.sources.record import MONEY
from pipelines.storage.ledger import put_setting, setting
from pipelines.storage.models import filled, literal, sql

#: SKU and reason of what a commitment asked for and nobody used
SHORTFALL = ("commitment_shortfall", "unmet_commitment")
_RANGE = "commitments_range"
Spread = Callable[[Any, RateBook, dict[date, Terms], ZoneInfo], list[tuple]]


def bear_fixed_costs(con: Any, book: RateBook, zone: ZoneInfo, spread: Spread | None = None) -> None:
    """Follows `write_requests`. Days whose fixed costs changed are added to `touched_days`.

    `spread` tells the ledger what capacity served, and answers what stood idle; by default in this process.
    """
    spread = spread or spread_here
    con.execute(
        "create or replace temp table standing_before as select day, sum(amount_usd) as amount_usd from standing_charges "
        "group by day"
    )
    terms, changed = settle_terms(con, book.contract, zone)
    _touch(con, changed)
    touched = {row[0] for row in con.execute("select distinct day from touched_days").fetchall()}
    con.execute("delete from capacity_shares where day in (select day from touched_days)")
    con.execute(
        "delete from standing_charges where day in (select day from touched_days) and sku <> $sku",
        {"sku": SHORTFALL[0]},
    )
    standing = spread(con, book, {day: t for day, t in terms.items() if day in touched}, zone)
    put_standing(con, "standing_charges", standing)
    _judge_commitments(con, book, terms, touched)
    _tell_checks(con, terms)


def spread_here(
    con: duckdb.DuckDBPyConnection, book: RateBook, terms: dict[date, Terms], zone: ZoneInfo
) -> list[tuple]:
    """Shares and costs of the requests of the touched days; answers the idle rest as `Borne.standing`."""
    found = bear(con, book, terms, zone)
    if found.costs:
        put_shares(con, found)
        con.execute("insert into capacity_shares by name from served_shares")
        con.execute(
            "update requests set cost_usd = served_costs.cost_usd, cost_basis = 'computed' from served_costs "
            "where requests.request_key = served_costs.request_key and requests.day in (select day from touched_days)"
        )
    return found.standing


def restate_fixed_costs(con: duckdb.DuckDBPyConnection, cause: str, published_until: date | None, held: bool) -> None:
    """A restatement without a workflow for each published day whose standing charges changed.

    `held`: the ledger that a full rebuild replaces is attached under that name and holds what was published.
    """
    if (
        held
        and con.execute(
            "select 1 from duckdb_tables() where database_name = 'held' and table_name = 'standing_charges'"
        ).fetchone()
    ):
        con.execute(
            "create or replace temp table standing_before as select day, sum(amount_usd) as amount_usd "
            "from held.standing_charges group by day"
        )
    if published_until is not None:
        text = sql("ledger/standing_restatements").replace("$cause", literal(cause))
        con.execute(f"insert into restatements by name {text}", {"published_until": published_until})


def _judge_commitments(
    con: duckdb.DuckDBPyConnection, book: RateBook, terms: dict[date, Terms], touched: set[date]
) -> None:
    """Shortfalls of the periods that are over; one that moved re-opens the last day of its period."""
    span = ledger_days(con)
    seen = setting(con, _RANGE)
    known = {
        (row[0], row[4]): row
        for row in con.execute(
            "select day, provider, model, sku, name, reason, amount_usd from standing_charges where sku = $sku",
            {"sku": SHORTFALL[0]},
        ).fetchall()
    }
    wanted = {}
    for owed in over(terms, span):
        key = (owed.last, owed.name)
        if _as_before(seen, span, owed) and not any(owed.first <= day <= owed.last for day in touched):
            if key in known:
                wanted[key] = known[key]
        elif row := shortfall(owed, spent(con, book, owed)):
            wanted[key] = row
    moved = {key for key in {*known, *wanted} if known.get(key) != wanted.get(key)}
    for day, name in moved:
        con.execute(
            "delete from standing_charges where sku = $sku and day = $day and name = $name",
            {"sku": SHORTFALL[0], "day": day, "name": name},
        )
    put_standing(con, "standing_charges", [wanted[key] for key in sorted(moved) if key in wanted])
    _touch(con, {day for day, _ in moved})
    put_setting(con, _RANGE, " ".join(str(day) for day in span or ()))


def over(terms: dict[date, Terms], span: tuple[date, date] | None) -> list[Owed]:
    """The periods that are over, as the ledger holds a later day, and that it covers from their first day on.

    A period that began before the ledger is not judged: what was spent before nobody knows.
    """
    return [o for t in terms.values() for o in t.owed if span and span[0] <= o.first and o.last < span[1]]


def shortfall(owed: Owed, used: Decimal) -> tuple | None:
    """The standing charge of a commitment that was not used up; None where it was."""
    model = ", ".join(owed.models)
    missing = owed.amount_usd - used
    return (owed.last, owed.provider, model, SHORTFALL[0], owed.name, SHORTFALL[1], missing) if missing > 0 else None


def _as_before(seen: str | None, span: tuple[date, date] | None, owed: Owed) -> bool:
    """Whether an earlier run judged this period over the same first day of the ledger."""
    first, _, last = (seen or "").partition(" ")
    return span is not None and first == str(span[0]) and str(owed.last) < last


def spent(
    con: duckdb.DuckDBPyConnection, book: RateBook, owed: Owed, requests: str = "requests",
    standing: str = "standing_charges",
) -> Decimal:  # fmt: skip
    """What counts towards a commitment: all spend on its models in its period, capacity and its idle part included.

    Unpriced requests count nothing.
    """
    text = filled("ledger/committed_spend", requests=requests, standing=standing)
    rows = con.execute(text, {"provider": owed.provider, "first": owed.first, "last": owed.last})
    return sum((amount for model, amount in rows.fetchall() if covers(book, owed, model)), Decimal(0))


def covers(book: RateBook, owed: Owed, model: str) -> bool:
    """Whether a commitment is for a model as logged, or as the contract names it."""
    names = book.names(owed.provider, model, owed.last)
    return any(fnmatchcase(name, pattern) for name in names for pattern in owed.models)


def _tell_checks(con: duckdb.DuckDBPyConnection, terms: dict[date, Terms]) -> None:
    """`capacity_terms`: what the touched days' capacity costs, for the check that follows."""
    touched = {row[0] for row in con.execute("select distinct day from touched_days").fetchall()}
    rows = [(day, c.name, c.cost_usd) for day, t in terms.items() if day in touched for c in t.capacity]
    kinds = (pa.date32(), pa.string(), MONEY)
    columns = [pa.array([row[i] for row in rows], kind) for i, kind in enumerate(kinds)]
    con.register("incoming_terms", pa.Table.from_arrays(columns, names=["day", "name", "cost_usd"]))
    con.execute("create or replace temp table capacity_terms as from incoming_terms")
    con.unregister("incoming_terms")


def _touch(con: duckdb.DuckDBPyConnection, found: Iterable[date]) -> None:
    con.register("incoming_days", pa.table({"day": pa.array(sorted(found), pa.date32())}))
    con.execute("insert into touched_days select day from incoming_days except select day from touched_days")
    con.unregister("incoming_days")
