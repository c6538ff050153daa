"""A generated company whose logs arrive in two parts: some files later, some grown, some lines a second time."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tests.reference.worlds import PLACES, Spec, make


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


def _mark(root: Path, time: str) -> None:
    file = root / "outlay.yaml"
    source = '  - {name: evals, kind: evaluations, path: "logs/evals/*.jsonl"}\n'
    file.write_text(file.read_text("utf-8").replace("sources:\n", f"sources:\n{source}"), "utf-8")
    (root / "logs" / "evals").mkdir(parents=True)
    for part in range(2):
        marks = [
            {"workflow": "alpha", "task_type": "extraction", "item_id": f"{part}-{item}", "provider": "openai",
             "model": model, "quality": int(item % 9 > worse), "time": time, "signal": "label", "input_tokens": 900 + item,
             "output_tokens": 40}
            for item in range(30)
            for worse, model in enumerate(("gpt-5.4", "gpt-5-mini"))
        ]  # fmt: skip
        text = "".join(json.dumps(mark) + "\n" for mark in marks)
        (root / "logs" / "evals" / f"{part}.jsonl").write_text(text, "utf-8")
