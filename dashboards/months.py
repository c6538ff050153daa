"""What the page of the month close asks: residuals, unseen and shared costs, chargeback, closed months."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from dashboards.queries import Rows, ask, in_currency, root
from pipelines.close.closing import Obstacle, obstacles
from pipelines.close.records import Record, Records, read_records
from pipelines.storage.published import Published

ALL = "All providers"
UNEXPLAINED, NO_BILL = "unexplained", "no bill"
_OF = "($provider = $all or provider = $provider)"


def months(p: Published) -> list[str]:
    """Every month with a bill or with spend, the latest first."""
    rows = ask(p, "select period from reconciliation union select month from chargeback order by period desc")
    return [row["period"] for row in rows]


def due(p: Published, found: list[str], records: Records) -> str:
    """The month that a reader comes for: the last one that is over, has a bill, and is not closed; else the latest."""
    states = ask(p, "select period, bool_or(status <> 'no bill') as billed from reconciliation group by period")
    billed = {row["period"] for row in states if row["billed"]}
    over = [m for m in found if ends(m)[1].isoformat() <= p.meta["as_of"]]
    closed = records.latest()
    waiting = [m for m in over if m in billed and m not in closed]
    return next(iter(waiting or [m for m in over if m in billed] or over or found))


def ends(month: str) -> tuple[date, date]:
    """First and last day."""
    first = date.fromisoformat(f"{month}-01")
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def providers(p: Published, month: str) -> list[str]:
    """Providers with a bill or with spend in the month."""
    rows = ask(p, "select distinct provider from reconciliation where period = $month order by 1", month=month)
    return [row["provider"] for row in rows]


def fetched(providers: Iterable[str]) -> list[str]:
    """Kinds of the cost reports that `outlay fetch` knows of these providers."""
    of = {"openai": "openai-costs", "anthropic": "anthropic-cost"}
    return [of[name] for name in sorted(providers, reverse=True) if name in of]


def residuals(p: Published, month: str, provider: str) -> Rows:
    """The rows of `reconciliation`: one a (provider, account, item)."""
    return ask(
        p, f"select * from reconciliation where period = $month and {_OF} order by provider, account nulls first, rowid",
        month=month, provider=provider, all=ALL,
    )  # fmt: skip


def daily_residuals(p: Published, month: str, provider: str) -> Rows:
    """The rows of `reconciliation_daily` of one month."""
    return ask(
        p, f"select * from reconciliation_daily where period like $month || '%' and {_OF} "
        "order by period, provider, account nulls first, rowid",
        month=month, provider=provider, all=ALL,
    )  # fmt: skip


@dataclass(frozen=True)
class Sums:
    """What the rows of a reconciliation add up to. `without_bill`: metered for providers that have no bill."""

    billed: Decimal
    metered: Decimal
    without_bill: Decimal
    items: dict[str, Decimal]
    statuses: frozenset[str]

    @property
    def unexplained(self) -> Decimal:
        return self.items.get(UNEXPLAINED, Decimal(0))

    @property
    def has_bill(self) -> bool:
        return bool(self.statuses - {NO_BILL})

    @property
    def steps(self) -> list[tuple[str, Decimal]]:
        """From billed to metered: (item, what it takes off or adds)."""
        found = [(item, -amount) for item, amount in self.items.items() if amount]
        return [*found, (NO_BILL, self.without_bill)] if self.without_bill else found


def sums(rows: Iterable[Mapping[str, Any]]) -> Sums:
    """Billed and metered count once a (provider, account), items every time."""
    seen: set[tuple[str, str | None]] = set()
    billed = metered = without = Decimal(0)
    items: dict[str, Decimal] = {}
    statuses = set()
    for row in rows:
        key = row["provider"], row["account"]
        statuses.add(row["status"])
        if key not in seen:
            seen.add(key)
            billed += row["billed_usd"] or 0
            metered += row["metered_usd"]
            without += row["metered_usd"] if row["billed_usd"] is None else 0
        if row["item"]:
            items[row["item"]] = items.get(row["item"], Decimal(0)) + row["amount_usd"]
    return Sums(billed, metered, without, items, frozenset(statuses))


def by_provider(rows: Rows) -> Rows:
    """One row a (provider, account): billed, metered, what lies between, and what of that has no name."""
    found: dict[tuple[str, str | None], dict[str, Any]] = {}
    for row in rows:
        one = found.setdefault(
            (row["provider"], row["account"]),
            {name: row[name] for name in ("provider", "account", "billed_usd", "metered_usd")}
            | {
                "difference_usd": None if row["billed_usd"] is None else row["billed_usd"] - row["metered_usd"],
                "unexplained_usd": None if row["billed_usd"] is None else Decimal(0),
                "status": row["status"], "source": row["source"], "note": row["note"],
            },
        )  # fmt: skip
        if row["item"] == UNEXPLAINED:
            one["unexplained_usd"] = row["amount_usd"]
    return list(found.values())


def hindrances(p: Published, month: str) -> list[Obstacle]:
    """What keeps the month from its close, the gravest first; in dollars, as `outlay close` judges."""
    with p.connect() as con:
        return obstacles(con.sql("select * from reconciliation").pl(), month)


def unseen(p: Published, month: str, provider: str) -> Rows:
    """One row a (provider, account, workflow, method) that was billed and never logged, most first."""
    return ask(
        p, f"select * from unseen_spend where month = $month and {_OF} order by amount_usd desc, provider, account",
        month=month, provider=provider, all=ALL,
    )  # fmt: skip


def total(rows: Rows) -> Decimal:
    return sum((row["amount_usd"] for row in rows), Decimal(0))


def shared(p: Published, month: str) -> Rows:
    """One row a (shared cost, workflow) of the month."""
    return ask(
        p, "select * from shared_costs where month = $month order by name, shared_usd desc, workflow", month=month
    )


def by_workflow(rows: Rows) -> Rows:
    """One row a workflow: direct, its parts of all shared costs, and both; most first."""
    found: dict[str | None, dict[str, Any]] = {}
    for row in rows:
        one = found.setdefault(
            row["workflow"],
            {"workflow": row["workflow"], "direct_usd": row["direct_usd"], "shared_usd": Decimal(0), "full_usd": row["full_usd"]},
        )  # fmt: skip
        one["shared_usd"] += row["shared_usd"]
    return sorted(found.values(), key=lambda one: (-one["full_usd"], one["workflow"] or ""))


def dimensions(p: Published) -> list[str]:
    """What spend can be charged back by."""
    rows = ask(p, "select distinct dimension from chargeback order by dimension <> 'team', dimension")
    return [row["dimension"] for row in rows]


def chargeback(p: Published, month: str, dimension: str) -> Rows:
    """One row a value of the dimension, most spend first."""
    return ask(
        p, "select * from chargeback where month = $month and dimension = $dimension "
        "order by value is null, spend_usd desc nulls last, value",
        month=month, dimension=dimension,
    )  # fmt: skip


def adjustments(p: Published, month: str | None = None) -> Rows:
    """What closed months would read otherwise today; of one month, or of all."""
    return ask(
        p, "select * from close_adjustments where $month = '' or closed_month = $month "
        "order by closed_month desc, provider nulls last, workflow nulls first, item",
        month=month or "",
    )  # fmt: skip


def problems(p: Published) -> Rows:
    """Records that were changed after they were written, as of the published run."""
    return ask(p, "select * from close_problems order by file")


def records() -> Records:
    """The records of the workspace, as they lie there now."""
    return read_records(root())


def frozen(p: Published, found: Records) -> Rows:
    """One row a record, the latest month first: who signed what."""
    ordered = sorted(found.records, key=lambda r: (r.month, r.document["number"]), reverse=True)
    return in_currency(p, [_frozen(record) for record in ordered])


def _frozen(record: Record) -> dict[str, Any]:
    document = record.document
    rest = sum((Decimal(one["items"].get(UNEXPLAINED) or 0) for one in document["figures"]["providers"]), Decimal(0))
    totals = {name: Decimal(amount) for name, amount in document["totals"].items()}
    return {
        "month": record.month, "kind": "Accrual" if record.accrual else "Close" if record.revision == 1 else "Amended close",
        "by": document["closed_by"]["name"], "signed_day": date.fromisoformat(document["closed_at"][:10]), **totals,
        "unexplained_usd": rest, "accepted": document.get("accepted_unexplained"), "rate_book": document["rate_book"],
        "file": record.file, "sha256": document["sha256"],
    }  # fmt: skip
