"""What aggregated sources say, as rows of the ledger: their keys, their pull and the text two figures are compared by.

- bucket: what a later pull replaces as a whole (a report's period, an invoice, a FOCUS billing period);
- empty bucket: one that a pull covers without a row: it replaces what earlier pulls said of it too;
- pull: one fetch of a report. Files whose names differ only in a page or part number, or ending, are one pull;
- row_key: what makes two rows the same row, hashed (provider reports name users and keys in it).
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import pyarrow as pa

from pipelines.sources.bills import Aggregated, BilledAmount, EmptyBucket, MeteredBucket, OutcomeCount, bucket_of
from pipelines.sources.quarantine import SECRET
from pipelines.sources.record import INSTANT, MONEY, QUANTITIES

_PLACES = Decimal("1e-12")
_LARGEST = Decimal(10) ** 24
_PART = re.compile(r"[-_.]?(?:page|part)[-_.]?(\d+)")
_ENDING = re.compile(r"(\.(jsonl?|csv|parquet|gz|zst))+$")
_ORIGIN = [
    ("source", pa.string()), ("kind", pa.string()), ("file", pa.string()), ("place", pa.int64()),
    ("pull", pa.string()), ("bucket", pa.string()), ("row_key", pa.string()), ("canonical", pa.string()),
    ("day", pa.date32()),
]  # fmt: skip
_PERIOD = [("period_start", INSTANT), ("period_end", INSTANT), ("provider", pa.string()), ("account", pa.string())]
#: ledger table -> its columns but `wins`
SCHEMAS: dict[str, pa.Schema] = {
    "outcome_counts": pa.schema([
        *_ORIGIN, ("workflow", pa.string()), ("completed", pa.int64()), ("failed", pa.int64()),
        ("rejected", pa.int64()), ("value_usd", MONEY),
    ]),
    "billed_amounts": pa.schema([
        *_ORIGIN, *_PERIOD, ("model", pa.string()), ("item", pa.string()), ("category", pa.string()),
        ("amount_usd", MONEY), ("effective_usd", MONEY), ("quantity", pa.decimal128(38, 12)),
        ("quantity_unit", pa.string()), ("flags", pa.list_(pa.string())), ("api_key", pa.string()),
    ]),
    "metered_buckets": pa.schema([
        *_ORIGIN, *_PERIOD, ("model", pa.string()), ("service_tier", pa.string()), ("requests", pa.int64()),
        ("input_uncached", pa.int64()), ("cache_read", pa.int64()), ("cache_write", pa.int64()),
        ("cache_write_long", pa.int64()), ("output_tokens", pa.int64()), ("extras", QUANTITIES),
        ("recorded_usd", MONEY), ("flags", pa.list_(pa.string())),
    ]),
}  # fmt: skip


def pull_of(file: str) -> tuple[str, str]:
    """The pull that a file belongs to, and which part of it the file is."""
    numbers = _PART.findall(file)
    return _ENDING.sub("", _PART.sub("", file)), "/".join(numbers)


class Rows:
    """Rows of one file, per ledger table."""

    def __init__(self, source: str, kind: str, file: str, below: str | None = None) -> None:
        """`below`: the file's path below its source's fixed folders. Pulls go by it: moving them all changes nothing."""
        self._kind = kind
        self._pull, self._part = pull_of(below or file)
        self._origin = {"source": source, "kind": kind, "file": file, "pull": self._pull}
        self._seen: Counter[str] = Counter()
        self._place = 0
        self._rows: dict[str, list[dict[str, Any]]] = {table: [] for table in SCHEMAS}
        self.empty: list[tuple[str, str, str, str, date]] = []  #: rows of `empty_buckets`

    def add(self, found: Aggregated, wanted: Callable[[date], bool]) -> bool:
        """Keep a row if its day is wanted; all rows of a file have their place in it. Answers whether it was a record."""
        if isinstance(found, EmptyBucket):
            if wanted(found.day):
                origin = self._origin
                self.empty.append((origin["source"], origin["file"], self._pull, found.bucket, found.day))
            return False
        self._place += 1
        if isinstance(found, OutcomeCount):
            table, row = "outcome_counts", _count(found)
        elif isinstance(found, BilledAmount):
            table, row = "billed_amounts", _billed(found)
        else:
            table, row = "metered_buckets", _metered(found)
        if self._kind == "focus":
            # equal rows are legal: the second one of a file is another charge, not the first again
            self._seen[row["row_key"]] += 1
            row["row_key"] = f"{row['row_key']}|{self._part}|{self._seen[row['row_key']]}"
        if not wanted(row["day"]):
            return False
        self._rows[table].append(self._origin | row | {"place": self._place})
        return True

    def tables(self) -> Iterator[tuple[str, pa.Table]]:
        for table, rows in self._rows.items():
            if rows:
                yield table, pa.Table.from_pylist(rows, schema=SCHEMAS[table])


def _count(found: OutcomeCount) -> dict[str, Any]:
    key = f"{found.workflow}|{found.day}"
    figures = (found.completed, found.failed, found.rejected, _text(found.value_usd))
    return {
        "bucket": key, "row_key": key, "canonical": _canonical(*figures), "day": found.day,
        "workflow": found.workflow, "completed": found.completed, "failed": found.failed,
        "rejected": found.rejected, "value_usd": found.value_usd,
    }  # fmt: skip


def _billed(found: BilledAmount) -> dict[str, Any]:
    quantity = found.quantity
    if quantity is not None:
        quantity = quantity.quantize(_PLACES, ROUND_HALF_EVEN) if abs(quantity) < _LARGEST else None
    figures = (_text(found.amount_usd), _text(found.effective_usd), _text(quantity), found.unit, found.category)
    return {
        **_period(found), "canonical": _canonical(*figures), "item": found.item, "category": found.category,
        "amount_usd": found.amount_usd, "effective_usd": found.effective_usd, "quantity": quantity,
        "quantity_unit": found.unit, "api_key": _masked(found.dimensions.get("api_key_id")),
    }  # fmt: skip


def _metered(found: MeteredBucket) -> dict[str, Any]:
    extras = sorted(found.extras.items())
    tokens = {
        "requests": found.requests, "input_uncached": found.input_uncached, "cache_read": found.cache_read,
        "cache_write": found.cache_write, "cache_write_long": found.cache_write_long, "output_tokens": found.output,
    }  # fmt: skip
    return {
        **_period(found), **tokens, "extras": extras, "recorded_usd": found.recorded_usd,
        "service_tier": found.service_tier,
        "canonical": _canonical(*tokens.values(), extras, _text(found.recorded_usd)),
    }  # fmt: skip


def _masked(name: str | None) -> str | None:
    """A name as it is, but for secrets: gateways write the API key where the account belongs."""
    return f"masked-{_hash(name)[:8]}" if name and SECRET.search(name) else name


def _period(found: BilledAmount | MeteredBucket) -> dict[str, Any]:
    """`day` is the UTC day on which the period begins: providers meter and bill UTC days."""
    named = found.dimensions
    account = found.account if isinstance(found, BilledAmount) else named.get("project_id") or named.get("workspace_id")
    account = _masked(account)
    kind = found.key.split("|", 1)[0]
    bucket = (isinstance(found, BilledAmount) and found.bucket) or bucket_of(kind, found.start, found.end)
    return {
        "bucket": bucket, "row_key": _hash(found.key), "day": found.start.date(), "period_start": found.start,
        "period_end": found.end, "provider": found.provider, "account": account, "model": found.model,
        "flags": list(found.flags),
    }  # fmt: skip


def _canonical(*figures: Any) -> str:
    return _hash(repr(figures))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else format(amount.quantize(_PLACES, ROUND_HALF_EVEN), "f")
