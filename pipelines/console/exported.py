"""`outlay export`: one table to a file or to stdout, or the workbook for a budget review."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import Any

from pipelines.console.verb import ASKED, answer, print_json, workspace
from pipelines.workspace.errors import UsageError

PACK = "budget-pack"


def export_verb(
    name: str, kind: str | None, out: str, first: date | None, last: date | None, version: str | None
) -> None:
    """Raises UsageError for an unknown name, format or version, and for a period that ends before it begins."""
    from pipelines.exports.catalogue import EXPORTS, lookup
    from pipelines.storage.published import current

    if name == "list":
        answer({"exports": sorted(EXPORTS), "workbooks": [PACK]}, "\n".join((*sorted(EXPORTS), PACK)))
        return
    if first and last and first > last:
        raise UsageError(f"--from {first} is after --to {last}")
    if name == PACK:
        _pack(kind, out, first, last, version)
        return
    lookup(name, version)
    published = current(workspace().root)
    _write(published, name, kind or "csv", out, first, last, version)


def _write(
    published: Any, name: str, kind: str, out: str, first: date | None, last: date | None, version: str | None
) -> None:
    from pipelines.exports import write

    beside = _left_out(published, first, last) if name == "focus" else {}
    if out != "-":
        rows = write.write_file(published, name, kind, Path(out), first, last, version)
        answer({"export": name, "format": kind, "file": out, "rows": rows} | beside, f"{out}: {rows} rows")
    elif ASKED["json"]:
        print_json(write.document(published, name, first, last, version) | beside)
    else:
        write.write(published, name, kind, sys.stdout.buffer, first, last, version)
        sys.stdout.buffer.flush()


def _left_out(published: Any, first: date | None, last: date | None) -> dict[str, int]:
    """FOCUS has no word for an unknown cost: such requests are left out, counted and said."""
    from pipelines.exports.focus import unpriced_requests

    count = unpriced_requests(published, first, last)
    if count:
        print(f"focus: {count} requests without a price are left out", file=sys.stderr)
    return {"unpriced_requests": count}


def _pack(kind: str | None, out: str, first: date | None, last: date | None, version: str | None) -> None:
    if kind not in (None, "xlsx") or version:
        raise UsageError(f"{PACK} is a workbook: expected no --format but xlsx, and no --focus-version")
    if out == "-":
        raise UsageError(f"{PACK} is a workbook: name its file with --out FILE.xlsx")
    from pipelines.exports.budget_pack import write_pack
    from pipelines.storage.published import current

    published = current(workspace().root)
    sheets = write_pack(published, Path(out), first, last)
    answer({"export": PACK, "format": "xlsx", "file": out, "sheets": sheets}, f"{out}: {len(sheets)} sheets")
