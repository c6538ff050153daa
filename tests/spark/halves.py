"""A generated company whose logs arrive in two parts: some files later, some grown, some lines a second time."""

from __future__ import annotations

import gzip
import json
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.reference.worlds import PLACES, Spec, make

LATE = (date(2026, 10, 20), date(2026, 10, 27))  #: days of the sample


def in_halves(root: Path, later: Path, spec: Spec) -> None:
    """The workspace as it lies at first in `root`; what comes after goes to `later`, to be copied over it.

    Of every two files one comes later; the others lack their last lines at first. One file comes a second time under
    another name. Two models were marked on the same items, some in a file of the first part and some in one of the second.
    """
    make(root, spec)
    _mark(root, f"{PLACES[spec.place][1]}Z")
    files = sorted(file for file in (root / "logs").rglob("*") if file.is_file())
    for number, file in enumerate(files):
        then = later / file.relative_to(root)
        then.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, then)
        if number % 2:
            file.unlink()
        elif file.suffix == ".jsonl":
            lines = file.read_bytes().splitlines(keepends=True)
            file.write_bytes(b"".join(lines[: len(lines) * 2 // 3]))
    again = next(file for file in files if file.parent.name == "calls")
    shutil.copyfile(later / again.relative_to(root), later / "logs" / "calls" / f"again-{again.name}")


def come_late(root: Path, late: Path, spec: Spec) -> date:
    """What comes when both parts are in, to be copied over them; the one day that it brings calls to. `root`: the second part.

    A new call, once and again, of a unit of its own that is accepted; more of the answer that the last call gave; and a
    correction of an outcome, which takes back what was accepted.
    """
    _, middle = PLACES[spec.place]
    noon = datetime.fromisoformat(middle).replace(tzinfo=UTC) + timedelta(days=4)
    call = {
        "time": noon.isoformat(),
        "provider": "openai",
        "model": "gpt-5-mini",
        "input_tokens": 1200,
        "workflow": "alpha",
    }
    new = call | {"request_id": "late", "output_tokens": 300, "unit_id": "u-late"}
    more = call | {"request_id": "last", "output_tokens": 900, "unit_id": "u-1"}
    _write(late / "logs" / "calls" / "late.jsonl", [new, more])
    _write(late / "logs" / "calls" / "late-again.jsonl", [new])
    told = {
        "event_id": "late",
        "time": noon.isoformat(),
        "workflow": "alpha",
        "unit_id": "u-late",
        "event": "completed",
    }
    events = [json.loads(line) for file in sorted((root / "logs" / "outcomes").iterdir()) for line in _text(file)]
    before = next(event for event in events if event.get("event") in ("accepted", "completed"))
    _write(late / "logs" / "outcomes" / "late.jsonl", [told, before | {"time": noon.isoformat(), "event": "rejected"}])
    return noon.date()


def come_late_to_the_sample(late: Path) -> None:
    """A new call on each of `LATE`, to be copied over the sample."""
    calls = [
        {"request_id": f"late-{day}", "time": f"{day}T12:00:00Z", "provider": "anthropic", "model": "claude-haiku-4-5",
         "input_tokens": 1200, "output_tokens": 40, "workflow": "contract_review", "task_type": "extraction",
         "unit_id": f"late-{day}"}
        for day in LATE
    ]  # fmt: skip
    _write(late / "logs" / "calls" / "late.jsonl", calls)


def _text(file: Path) -> list[bytes]:
    whole = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    return [line for line in whole.splitlines() if line.startswith(b"{") and line.endswith(b"}")]


def _write(file: Path, records: list[dict[str, Any]]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")


def _mark(root: Path, time: str) -> None:
    file = root / "outlay.yaml"
    source = '  - {name: evals, kind: evaluations, path: "logs/evals/*.jsonl"}\n'
    file.write_text(file.read_text("utf-8").replace("sources:\n", f"sources:\n{source}"), "utf-8")
    for part in range(2):
        marks = [
            {"workflow": "alpha", "task_type": "extraction", "item_id": f"{part}-{item}", "provider": "openai",
             "model": model, "quality": int(item % 9 > worse), "time": time, "signal": "label", "input_tokens": 900 + item,
             "output_tokens": 40}
            for item in range(30)
            for worse, model in enumerate(("gpt-5.4", "gpt-5-mini"))
        ]  # fmt: skip
        _write(root / "logs" / "evals" / f"{part}.jsonl", marks)
