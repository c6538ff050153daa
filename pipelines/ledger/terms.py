"""What the contract fixes for each day: decided once, when the ledger first reaches the day, and kept until `run --full`.

A changed contract so governs new days alone; a late record on an old day is served by what that day already paid.
Days are those of the ledger, from its first request to as-of; in another reporting zone they are other days and are
decided anew.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa

from pipelines.rates.agreements import Commitment, day_before
from pipelines.rates.contract import Contract
from pipelines.rates.provisioned import day_cost, days


@dataclass(frozen=True, slots=True)
class Capacity:
    """Provisioned throughput on one day, and what it costs that day in dollars."""

    name: str
    provider: str
    model: str
    region: str | None
    cost_usd: Decimal


@dataclass(frozen=True, slots=True)
class Owed:
    """A commitment whose period ends with a day: the dollars that must have been spent since its first day."""

    name: str
    provider: str
    models: tuple[str, ...]
    first: date
    last: date
    amount_usd: Decimal


@dataclass(frozen=True, slots=True)
class Terms:
    """The fixed costs of one day."""

    capacity: tuple[Capacity, ...] = ()
    owed: tuple[Owed, ...] = ()

    def dump(self) -> str:
        return json.dumps(asdict(self), default=str, sort_keys=True)

    @classmethod
    def read(cls, text: str) -> Terms:
        raw = json.loads(text)
        return cls(tuple(_held(c) for c in raw["capacity"]), tuple(_owed(o) for o in raw["owed"]))


def _held(raw: dict) -> Capacity:
    return Capacity(raw["name"], raw["provider"], raw["model"], raw["region"], Decimal(raw["cost_usd"]))


def _owed(raw: dict) -> Owed:
    first, last = (date.fromisoformat(raw[end]) for end in ("first", "last"))
    return Owed(raw["name"], raw["provider"], tuple(raw["models"]), first, last, Decimal(raw["amount_usd"]))


def decide(contract: Contract, wanted: Iterable[date], zone: ZoneInfo) -> dict[date, Terms]:
    """What the contract fixes for some days.

    Raises UsageError where an amount's currency has no exchange rate for a day.
    """
    every = list(wanted)
    ends = _ends(contract, max(every)) if every else {}
    return {day: Terms(_capacity(contract, day, zone), tuple(ends.get(day, ()))) for day in every}


def _capacity(contract: Contract, day: date, zone: ZoneInfo) -> tuple[Capacity, ...]:
    return tuple(
        Capacity(p.name, p.provider, p.model, p.region, day_cost(p, day, zone, contract.fx))
        for p in sorted(contract.provisioned, key=lambda p: p.name)
        if p.holds(day)
    )


def _ends(contract: Contract, last: date) -> dict[date, list[Owed]]:
    found: dict[date, list[Owed]] = {}
    for commitment in sorted(contract.commitments, key=lambda c: c.name):
        for start, end in commitment.periods(last + timedelta(days=1)):
            if day_before(end) <= last:
                found.setdefault(day_before(end), []).append(owed(contract, commitment, start, end))
    return found


def owed(contract: Contract, commitment: Commitment, start: date, end: date, at: date | None = None) -> Owed:
    """The commitment's period from `start` until the day before `end`, in dollars of its last day, or of `at`."""
    last = day_before(end)
    amount = commitment.committed
    if commitment.currency != "USD":
        amount = contract.fx.dollars(amount, commitment.currency, at or last)
    return Owed(commitment.name, commitment.provider, commitment.models, start, last, amount)


def ledger_days(con: duckdb.DuckDBPyConnection) -> tuple[date, date] | None:
    """The first day that holds a request and the last that holds a request or an outcome; None without a request."""
    first, last = con.execute(
        "select (select min(day) from requests), max(day) from (select max(day) as day from requests union all "
        "select max(day) from outcome_events union all select max(day) from outcome_counts where wins)"
    ).fetchall()[0]
    return None if first is None else (first, last)


def kept_terms(con: duckdb.DuckDBPyConnection, zone: str) -> dict[date, Terms]:
    """The decided days of this zone, in order."""
    rows = con.execute(
        "select day, terms from contract_days where zone = $zone order by day", {"zone": zone}
    ).fetchall()
    read = {text: Terms.read(text) for text in {text for _, text in rows}}
    return {day: read[text] for day, text in rows}


def settle_terms(
    con: duckdb.DuckDBPyConnection, contract: Contract, zone: ZoneInfo
) -> tuple[dict[date, Terms], set[date]]:
    """Decide the days that are new to the ledger and forget those that left it.

    Answers the terms of every day of the ledger, and the days whose fixed costs came or went.
    """
    kept = kept_terms(con, zone.key)
    span = ledger_days(con)
    wanted = list(days(*span)) if span else []
    fresh = decide(contract, (day for day in wanted if day not in kept), zone)
    gone = set(kept) - set(wanted)
    con.execute("create or replace temp table settled_days (day date)")
    _put(con, "settled_days", pa.table({"day": pa.array(sorted({*gone, *fresh}), pa.date32())}))
    con.execute("delete from contract_days where zone <> $zone or day in (from settled_days)", {"zone": zone.key})
    table = {
        "day": pa.array(list(fresh), pa.date32()),
        "zone": pa.array([zone.key] * len(fresh), pa.string()),
        "terms": pa.array([terms.dump() for terms in fresh.values()], pa.string()),
    }
    _put(con, "contract_days", pa.table(table))
    changed = {day for day in gone if kept[day] != Terms()} | {day for day, terms in fresh.items() if terms.capacity}
    return {day: terms for day, terms in (kept | fresh).items() if day not in gone}, changed


def _put(con: duckdb.DuckDBPyConnection, table: str, rows: pa.Table) -> None:
    con.register("incoming_days", rows)
    con.execute(f"insert into {table} by name from incoming_days")
    con.unregister("incoming_days")
