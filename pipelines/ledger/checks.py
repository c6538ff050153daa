"""What must hold of the ledger before anything is published: each check answers the rows that break it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import duckdb

from pipelines.storage.models import sql


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


def broken(con: duckdb.DuckDBPyConnection, check: str) -> Broken | None:
    """None when the check holds on the touched days."""
    rows = con.execute(f"{sql(f'ledger/checks/{check}')} limit 5").fetchall()
    return Broken(CHECKS[check], rows) if rows else None


def all_broken(con: duckdb.DuckDBPyConnection, parts: Iterable[object]) -> dict[str, Broken | None]:
    """Every check; `parts` narrows `touched_days` as it is walked (see `storage.days`), for what holds day by day."""
    found: dict[str, Broken | None] = dict.fromkeys(CHECKS)
    for _ in parts:
        for check in CHECKS:
            if check not in _OVER_ALL_DAYS:
                found[check] = found[check] or broken(con, check)
    return found | {check: broken(con, check) for check in _OVER_ALL_DAYS}
