"""`outlay close`: freezes a published month into `closes/`, or accrues it before its invoice.

Refused (exit 1): a month that isn't over, has no bill, is open or red, was closed with other figures, or a folder of
closes that was changed. What a person may waive has an option: `--accrual`, `--accept-unexplained REASON`, `--amend`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import polars as pl

from pipelines.close.accrual import accrued, trued_up
from pipelines.close.bills import month_days
from pipelines.close.cells import ITEMS
from pipelines.close.figures import MARTS, figures, money, totals
from pipelines.close.records import FOLDER, Record, Records, read_records, write_record
from pipelines.exports.catalogue import EXPORTS
from pipelines.exports.tables import batches
from pipelines.exports.text import plain
from pipelines.exports.write import rows_of
from pipelines.routing.audit import git_identity, system_user
from pipelines.storage.published import Published, current
from pipelines.workspace.errors import OutlayError, UsageError
from pipelines.workspace.load import Loaded

#: exports whose rows of the month are hashed into the record
HASHED = (
    "daily_cost", "unattributed", "task_cost", "chargeback", "requests", "charges", "reconciliation",
    "reconciliation_daily", "unseen_spend", "shared_costs", "billed",
)  # fmt: skip
_VERSION = 1
#: Accounts that a refusal names.
NAMED = 5


@dataclass(frozen=True)
class Asked:
    """What the caller wants of a close."""

    month: str
    accrual: bool = False
    by: str | None = None
    accept_unexplained: str | None = None
    amend: bool = False


@dataclass(frozen=True)
class Done:
    document: dict[str, Any]
    text: str


def close_month(loaded: Loaded, asked: Asked) -> Done:
    """Check, freeze, write. Closing a month again with the same figures changes nothing."""
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", asked.month):
        raise UsageError(f"--month {asked.month!r}: expected a month such as 2026-10")
    published, records = current(loaded.root), read_records(loaded.root)
    records.refuse_broken()
    marts = _marts(published)
    found = figures(marts, asked.month)
    _refuse_running(published, asked.month)
    if not found["providers"]:
        raise OutlayError(f"{asked.month}: neither bills nor requests; nothing to close")
    earlier = records.latest(asked.accrual).get(asked.month)
    if asked.accrual and asked.month in records.latest():
        raise OutlayError(f"{asked.month} is closed: {FOLDER}/{records.latest()[asked.month].file}; nothing to accrue")
    if earlier is not None:
        kept = earlier.document["figures"]
        if kept == {name: found[name] for name in kept if name in found}:
            path = loaded.root / FOLDER / earlier.file
            return _done(path, earlier.document, "unchanged since", loaded.root)
        if not asked.amend:
            raise OutlayError(
                f"{asked.month} is closed with other figures ({FOLDER}/{earlier.file}): outlay export close_adjustments "
                "lists them, to be booked in the next month; --amend writes a further record instead"
            )
    if not asked.accrual:
        _refuse_unreconciled(marts["reconciliation"], asked)
    document = _document(loaded, published, marts, asked, found, records, earlier)
    path, written = write_record(loaded.root, records, document, asked.accrual)
    return _done(path, written, "written", loaded.root)


def _marts(published: Published) -> dict[str, pl.DataFrame]:
    wanted = (*MARTS, "input_files")
    with published.connect() as con:
        held = {row[0] for row in con.execute("select table_name from duckdb_tables()").fetchall()}
        if lacking := sorted(set(wanted) - held):
            raise OutlayError(
                f"the published set lacks {', '.join(lacking)}, as another version made it: outlay run --full"
            )
        return {name: con.sql(f"select * from {name}").pl() for name in wanted}


def _refuse_running(published: Published, month: str) -> None:
    as_of = published.meta["as_of"]
    _, last = month_days(month)
    if as_of is None or date.fromisoformat(as_of) < last:
        raise OutlayError(f"{month} isn't over: the ledger reaches to {as_of}, the month to {last}")


@dataclass(frozen=True)
class Obstacle:
    """What keeps a month from its close. `providers`: whose bill; `unexplained`: dollars without a name of each
    account (`provider` or `provider/account`) that is red, most first.
    """

    kind: Literal["no bill", "open", "red"]
    providers: tuple[str, ...]
    unexplained: tuple[tuple[str, Decimal], ...] = ()


def obstacles(reconciliation: pl.DataFrame, month: str) -> list[Obstacle]:
    """The gravest first. A provider that was never billed needs no bill; all together need one."""
    rows = reconciliation.filter(pl.col("period") == month).to_dicts()
    billed = set(reconciliation.filter(pl.col("billed_usd").is_not_null())["provider"])
    without = sorted({r["provider"] for r in rows if r["status"] == "no bill" and r["provider"] in billed})
    found = []
    if without or all(r["status"] == "no bill" for r in rows):
        found.append(Obstacle("no bill", tuple(without)))
    for kind in ("open", "red"):
        mine = [r for r in rows if r["status"] == kind]
        if mine:
            rest = [
                ("/".join(filter(None, (r["provider"], r["account"]))), r["amount_usd"])
                for r in mine
                if kind == "red" and r["item"] == "unexplained"
            ]
            rest.sort(key=lambda one: (-abs(one[1]), one[0]))
            found.append(Obstacle(kind, tuple(dict.fromkeys(r["provider"] for r in mine)), tuple(rest)))
    return found


def _refuse_unreconciled(reconciliation: pl.DataFrame, asked: Asked) -> None:
    for found in obstacles(reconciliation, asked.month):
        if found.kind == "no bill":
            who = ", ".join(found.providers) or "any provider"
            raise OutlayError(f"{asked.month} has no bill of {who}: add it under sources:, or --accrual until it comes")
        if asked.accept_unexplained:
            continue
        if found.kind == "open":
            who = ", ".join(found.providers)
            why = f"the bill of {who} is not complete: pages are missing, or calls follow its last billed day"
        else:
            named = [f"{account} (${amount:,.2f})" for account, amount in found.unexplained[:NAMED]]
            if len(found.unexplained) > NAMED:
                named.append(f"{len(found.unexplained) - NAMED} more (outlay export reconciliation)")
            why = f"what no item explains is above the threshold in the bill of {', '.join(named)}"
        raise OutlayError(f"{asked.month}: {why}; look at it, or --accept-unexplained REASON")


def _document(
    loaded: Loaded, published: Published, marts: Mapping[str, pl.DataFrame], asked: Asked, found: dict[str, Any],
    records: Records, earlier: Record | None,
) -> dict[str, Any]:  # fmt: skip
    closed = records.latest()
    document: dict[str, Any] = {
        "version": _VERSION, "kind": "accrual" if asked.accrual else "close", "month": asked.month,
        "workspace": loaded.config.name, "timezone": published.meta["timezone"], "as_of": published.meta["as_of"],
        "rate_book": published.meta["rate_book"], "figures": found,
        "totals": {name: money(amount) for name, amount in totals(found).items()},
        "closed_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "closed_by": {"name": asked.by or system_user(), "system_user": system_user(), "git": git_identity(loaded.root)},
        "accepted_unexplained": asked.accept_unexplained,
        "amends": earlier.file if earlier else None,
        "inputs": marts["input_files"].to_dicts(),
        "exports": _hashes(published, asked.month),
    }  # fmt: skip
    if asked.accrual:
        document["accrual"] = accrued(found, closed, asked.month)
    elif asked.month in records.latest(accrual=True):
        document["trued_up"] = trued_up(found, records.latest(accrual=True)[asked.month])
    return document


def _hashes(published: Published, month: str) -> dict[str, str]:
    """sha256 of the month's rows per export: canonical text, rows in their fixed order."""
    first, last = month_days(month)
    found = {}
    for name in HASHED:
        digest = hashlib.sha256("\x1f".join(EXPORTS[name].columns).encode())
        for batch in batches(published, name, first, last):
            for row in rows_of(batch):
                digest.update(b"\x1e" + "\x1f".join(plain(value) for value in row).encode())
        found[name] = digest.hexdigest()
    return found


def _done(path: Path, document: dict[str, Any], said: str, root: Path) -> Done:
    sums = document["totals"]
    name = path.relative_to(root)
    lines = [
        f"{document['month']} {document['kind']}: billed ${_short(sums['billed_usd'])}, metered "
        f"${_short(sums['metered_usd'])}, never logged ${_short(sums['unseen_usd'])}"
    ]
    for one in document["figures"]["providers"]:
        named = sorted(one["items"].items(), key=lambda item: ITEMS.index(item[0]))
        items = ", ".join(f"{item} {_short(amount)}" for item, amount in named) or "no difference"
        account = f"/{one['account']}" if one["account"] else ""
        billed = f"${_short(one['billed_usd'])}" if one["billed_usd"] else "nothing"
        lines.append(f"  {one['provider']}{account}: billed {billed}, {one['status']}: {items}")
    if "accrual" in document:
        lines.append(f"  accrued ${_short(document['accrual']['total_usd'])}")
    if "trued_up" in document:
        lines.append(
            f"  trued up by ${_short(document['trued_up']['difference_usd'])} against {document['trued_up']['accrual']}"
        )
    lines.append(f"{name} ({said})")
    return Done({"file": str(name), "record": document}, "\n".join(lines))


def _short(amount: str) -> str:
    return f"{Decimal(amount):,.2f}"
