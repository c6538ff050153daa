"""The bills that count: per (provider, month) one source is the authority, and no other is added to it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import duckdb

from pipelines.close.lines import Line, read_line
from pipelines.storage.models import sql

#: of equal priority, what was invoiced beats what an interface reports
KINDS = ("invoices", "focus", "openai-costs", "anthropic-cost", "openrouter-activity")


@dataclass(frozen=True)
class Bill:
    """What one source bills for one provider and month."""

    provider: str
    month: str
    source: str
    lines: tuple[Line, ...]
    decimals: int  #: the most decimals that a line of it uses
    others: tuple[tuple[str, int], ...] = ()  #: further sources of the same month, and what they bill; not added

    @property
    def amount(self) -> int:
        return sum(line.amount for line in self.lines)

    @property
    def by_day(self) -> bool:
        """Whether the lines for tokens say the day."""
        return all(line.last_day <= line.day for line in self.lines if line.use == "tokens")

    @property
    def names_models(self) -> bool:
        return any(line.model for line in self.lines)

    def window(self) -> tuple[date, date]:
        """The UTC days that it bills: the month, or what its lines say where they go beyond the month's end."""
        first, last = month_days(self.month)
        tokens = [line for line in self.lines if line.use == "tokens" and line.last_day > line.day]
        if any(line.last_day > last for line in tokens):
            return min(line.day for line in tokens), max(line.last_day for line in tokens)
        return first, last


def month_days(month: str) -> tuple[date, date]:
    """First and last day."""
    first = date.fromisoformat(f"{month}-01")
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def read_bills(
    con: duckdb.DuckDBPyConnection, canonical: Callable[[str, str], str], known: frozenset[str]
) -> dict[tuple[str, str], Bill]:
    """(provider, month) -> the bill that counts."""
    held: dict[tuple[str, str], dict[tuple, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for row in con.sql(sql("close/bill_lines")).pl().to_dicts():
        rank = (-row["priority"], KINDS.index(row["kind"]), row["source"])
        held[row["provider"], row["month"]][rank].append(row)
    return {key: _authority(key, sources, canonical, known) for key, sources in held.items()}


def _authority(
    key: tuple[str, str], sources: dict[tuple, list[dict[str, Any]]], canonical: Callable[[str, str], str],
    known: frozenset[str],
) -> Bill:  # fmt: skip
    first, *rest = sorted(sources)
    rows = sources[first]
    return Bill(
        *key, first[2], _resolved([read_line(row, canonical, known) for row in rows]),
        decimals=max(_decimals(row["amount_usd"]) for row in rows),
        others=tuple((rank[2], sum(int(r["amount_usd"].scaleb(12)) for r in sources[rank])) for rank in rest),
    )  # fmt: skip


def _resolved(lines: Iterable[Line]) -> tuple[Line, ...]:
    """Where no line names a model, lines of unknown wording are totals; else they are nothing that can be compared."""
    found = tuple(lines)
    if any(line.model for line in found):
        return tuple(
            _as(line, "other") if line.use == "tokens" and not line.model and not line.token_class else line
            for line in found
        )
    return found


def _as(line: Line, use: Any) -> Line:
    return Line(
        line.month, line.day, line.last_day, line.provider, line.account, use, line.amount, incomplete=line.incomplete,
        api_key=line.api_key,
    )  # fmt: skip


def _decimals(amount: Decimal) -> int:
    exponent = amount.normalize().as_tuple().exponent
    return min(12, max(0, -exponent)) if isinstance(exponent, int) else 12
