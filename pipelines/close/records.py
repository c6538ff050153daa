"""`closes/`: frozen months, one JSON file each, made to be kept in git beside the workspace file.

    closes/2026-10.json           the close of a month; `2026-10.2.json` amends it
    closes/2026-11.accrual.json   the accrual before its invoice came

Each record holds the SHA-256 of the record before and of itself, over its canonical JSON text: an edit, a removal or a
swap shows. Money is text. Nothing of it lies in `.outlay/`, so deleting that loses no close.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.routing.files import sync_folder
from pipelines.workspace.errors import OutlayError

FOLDER = "closes"
BEFORE_THE_FIRST = "0" * 64
_NAME = re.compile(r"^(?P<month>\d{4}-\d{2})(?P<accrual>\.accrual)?(?:\.(?P<revision>\d+))?\.json$")
PROBLEMS: dict[str, Any] = {"file": pl.String(), "month": pl.String(), "problem": pl.String()}


@dataclass(frozen=True)
class Record:
    """One file of the folder."""

    file: str
    month: str
    accrual: bool
    revision: int
    document: dict[str, Any]


@dataclass
class Records:
    """All records in the order in which they were written, and what does not fit."""

    records: list[Record] = field(default_factory=list)
    broken: list[tuple[str, str, str]] = field(default_factory=list)

    def latest(self, accrual: bool = False) -> dict[str, Record]:
        """Month -> its last revision."""
        found: dict[str, Record] = {}
        for record in sorted(self.records, key=lambda r: r.revision):
            if record.accrual == accrual:
                found[record.month] = record
        return dict(sorted(found.items()))

    def problems(self) -> pl.DataFrame:
        return pl.DataFrame(self.broken, schema=PROBLEMS, orient="row")

    def refuse_broken(self) -> None:
        if self.broken:
            file, _, problem = self.broken[0]
            raise OutlayError(f"{FOLDER}/{file}: {problem}; restore the folder from version control, then try again")


def text_of(document: dict[str, Any]) -> str:
    """The canonical text that is hashed and written."""
    return json.dumps(document, sort_keys=True, ensure_ascii=False, indent=1) + "\n"


def signed(document: dict[str, Any]) -> dict[str, Any]:
    bare = {key: value for key, value in document.items() if key != "sha256"}
    return bare | {"sha256": hashlib.sha256(text_of(bare).encode()).hexdigest()}


def read_records(root: Path) -> Records:
    """Every record of the workspace; what can't be read or does not fit the chain is listed, and not used."""
    found, folder = Records(), root / FOLDER
    read: list[tuple[int, Record]] = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        named = _NAME.match(path.name)
        if named is None:
            continue
        try:
            document = json.loads(path.read_text("utf-8"))
            number = document["number"]
            whole = signed(document)["sha256"] == document["sha256"] and isinstance(number, int)
            whole = whole and document["month"] == named["month"] and document["previous"] is not None
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            whole, document, number = False, {}, 0
        if not whole:
            found.broken.append((path.name, named["month"], "was changed after it was written"))
            continue
        record = Record(path.name, named["month"], bool(named["accrual"]), int(named["revision"] or 1), document)
        read.append((number, record))
    before, expected = BEFORE_THE_FIRST, 1
    for number, record in sorted(read, key=lambda one: (one[0], one[1].file)):
        if number != expected or record.document["previous"] != before:
            found.broken.append((record.file, record.month, "the record before it is missing or another one"))
        before, expected = record.document["sha256"], number + 1
        found.records.append(record)
    return found


def write_record(root: Path, records: Records, document: dict[str, Any], accrual: bool) -> tuple[Path, dict[str, Any]]:
    """Chain, sign and write a record under the next free name of its month. Raises OutlayError for a broken chain."""
    records.refuse_broken()
    month = document["month"]
    earlier = records.latest(accrual).get(month)
    revision = earlier.revision + 1 if earlier else 1
    last = records.records[-1] if records.records else None
    whole = signed(
        document
        | {
            "number": last.document["number"] + 1 if last else 1,
            "previous": last.document["sha256"] if last else BEFORE_THE_FIRST,
            "revision": revision,
        }
    )
    kind = ".accrual" if accrual else ""
    path = root / FOLDER / f"{month}{kind}{f'.{revision}' if revision > 1 else ''}.json"
    path.parent.mkdir(exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with open(fresh, "x", encoding="utf-8") as file:
            file.write(text_of(whole))
            file.flush()
            os.fsync(file.fileno())
        os.link(fresh, path)  # refuses where somebody else closed the month meanwhile
    except FileExistsError:
        raise OutlayError(f"{path.name} exists: the month was closed by somebody else at this moment") from None
    finally:
        fresh.unlink(missing_ok=True)
    sync_folder(path.parent)
    return path, whole


def records_hash(root: Path) -> str:
    """Of the folder as it lies there: another one re-opens what is published."""
    digest = hashlib.sha256()
    folder = root / FOLDER
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else ():
        digest.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
