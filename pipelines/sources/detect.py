"""Which kind of source a file is, from its first records: for users who don't know, and for `outlay check`.

Reads at most `HEAD` unpacked bytes and `RECORDS` records. Nothing of a record leaves this module but the names of
kinds and the reasons written in `signatures`.
"""

from __future__ import annotations

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from pipelines.sources.context import Context, FileRef
from pipelines.sources.documents import Row, json_any, parse
from pipelines.sources.files import Place, Refused, open_bytes, plain_name, start_of_text
from pipelines.sources.record import Quarantined
from pipelines.sources.registry import AGGREGATED, FORMATS
from pipelines.sources.signatures import MARKS, signature_of
from pipelines.sources.tables import Cells, csv_rows, parquet_rows
from pipelines.sources.values import ODD, Reject

HEAD = 4 << 20
RECORDS = 20
#: From here on a file is said to look like a kind; below it is only a guess.
SURE = 0.5


@dataclass(frozen=True, slots=True)
class Detected:
    """One kind that a file looks like. `confidence` is the share of its first records that do, weighed."""

    kind: str
    confidence: float
    why: str


def detect(path: Place) -> list[Detected]:
    """The kinds that a file looks like, likeliest first; empty for what no format explains or can't be read."""
    try:
        rows, head, whole = _beginning(path)
    except Refused:
        return []
    scores: dict[str, float] = defaultdict(float)
    reasons: dict[str, str] = {}
    records = [value for value in rows if type(value) is not Quarantined]
    # a table's columns are those of all its rows: an empty cell is left out of its row
    columns = dict.fromkeys(name for record in records for name in record) if _table(path, records) else {}
    for record in records:
        record = {**columns, **record} if columns else record
        best: dict[str, float] = {}
        for kind, confidence, why in signature_of(record):
            reasons.setdefault(kind, why)
            best[kind] = max(best.get(kind, 0), confidence)
        for kind, confidence in best.items():
            scores[kind] += confidence / len(rows)
    if not scores and not whole:
        for kind, mark in MARKS:
            if mark in head:
                scores[kind], reasons[kind] = 0.7, f"{mark.decode()} in the beginning of a long document"
    ranked = sorted(scores.items(), key=lambda item: (-item[1], item[0]))
    return [Detected(kind, round(min(score, 1.0), 4), reasons[kind]) for kind, score in ranked]


def _table(path: Place, records: list[Any]) -> bool:
    named = plain_name(path.name).endswith(".parquet")
    return all(type(record) is Cells or (named and type(record) is dict) for record in records)


def looks_like(path: Place) -> Detected | None:
    """The kind that a file looks like, where that is more than a guess."""
    found = detect(path)
    return found[0] if found and found[0].confidence >= SURE else None


@dataclass(slots=True)
class Tried:
    """What the first records of a file give under one kind."""

    read: int = 0
    refused: Counter[str] = field(default_factory=Counter)  #: by reason, which never holds a value


def tried(kind: str, file: FileRef) -> Tried | None:
    """Reads the first records as `kind`. None where there are none to judge by."""
    form = FORMATS.get(kind) or AGGREGATED.get(kind)
    try:
        rows, _, _ = _beginning(file.path)
    except Refused as refusal:
        return Tried(refused=Counter({str(refusal): 1}))
    if form is None or not rows:
        return None
    result, context = Tried(), Context(file)
    for row in rows:
        try:
            found = [row] if type(row) is Quarantined else list(form.parse(row, context))
        except Reject as verdict:
            result.refused[str(verdict)] += 1
            continue
        except ODD:
            result.refused[f"not the shape of a {kind} record"] += 1
            continue
        for each in found:
            if type(each) is Quarantined:
                result.refused[each.reason] += 1
            else:
                result.read += 1
    return result


def _beginning(path: Place, count: int = RECORDS) -> tuple[list[Any], bytes, bool]:
    """First records, first bytes, and whether those bytes are the whole file."""
    if plain_name(path.name).endswith(".parquet"):
        return _taken(parquet_rows(path), count), b"", True
    with open_bytes(path) as stream:
        head = start_of_text(stream)
        while len(head) <= HEAD and (chunk := stream.read(HEAD)):
            head += chunk
    whole = len(head) <= HEAD
    head = head[:HEAD]
    opening = head.lstrip()[:1]
    if opening not in (b"{", b"["):
        return (
            (_taken(csv_rows(io.BytesIO(_to_line_end(head, whole))), count) if _has_header(head) else []),
            head,
            whole,
        )
    first = head.lstrip().partition(b"\n")[0]
    if not whole and (opening == b"[" or isinstance(parse(first), Quarantined)):
        return [], head, False  # a document that goes on: only marks can tell
    return _taken(json_any(io.BytesIO(_to_line_end(head, whole)), HEAD), count), head, whole


def _taken(rows: Iterator[Row], count: int) -> list[Any]:
    return [value for _, value in islice(rows, count)]


def _to_line_end(head: bytes, whole: bool) -> bytes:
    return head if whole else head[: head.rfind(b"\n") + 1] or head


def _has_header(head: bytes) -> bool:
    """Whether the first line is a row of at least two column names."""
    line = head.partition(b"\n")[0]
    try:
        cells = next(csv.reader([line.decode("utf-8").strip()], strict=True), [])
    except (UnicodeDecodeError, csv.Error):
        return False
    return len(cells) > 1 and all(cell and len(cell) <= 64 and cell.isprintable() for cell in cells)
