"""What must hold of the ledger before anything is published: each check answers the rows that break it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from pipelines.ledger.scope import WHOLE, Scope
from pipelines.storage.days import by_days
from pipelines.storage.models import filled


@dataclass(frozen=True)
class Broken:
    """A rule that does not hold, with the first rows that show it."""

    rule: str
    rows: list[tuple]

    def __str__(self) -> str:
        return f"{self.rule}: {len(self.rows)} or more rows, first {self.rows[0]}"


CHECKS = {
    "conservation": "allocations + unattributed = charges for every day, provider and model",
    "capacity_is_spread": "shares + idle part = what provisioned capacity costs on a day",
    "no_duplicate_charge": "one charge per request and SKU",
    "one_call_once": "no call counts twice",
}

#: compare with what was worked out for all touched days at once
_OVER_ALL_DAYS = ("capacity_is_spread",)


def broken(con: duckdb.DuckDBPyConnection, check: str, scope: Scope = WHOLE) -> Broken | None:
    """None when the check holds on the days of the scope, of late requests where it is theirs."""
    found = filled(f"ledger/checks/{check}", days=scope.days, **scope.tables("requests", "prices"))
    rows = con.execute(f"{found} limit 5").fetchall()
    return Broken(CHECKS[check], rows) if rows else None


def all_broken(con: duckdb.DuckDBPyConnection, scopes: Sequence[Scope]) -> dict[str, Broken | None]:
    """Every check, of what a run worked out; what holds day by day is looked at some days at a time."""
    found: dict[str, Broken | None] = dict.fromkeys(CHECKS)
    for scope in scopes:
        for _ in (None,) if scope.late else by_days(con, scope.days):  # late requests are few
            for check in CHECKS:
                if check not in _OVER_ALL_DAYS:
                    found[check] = found[check] or broken(con, check, scope)
    return found | {check: broken(con, check) for check in _OVER_ALL_DAYS}
