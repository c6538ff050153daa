"""A generated company whose logs arrive in two parts: some files later, some grown, some lines a second time."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.reference.worlds import Spec, make


def in_halves(root: Path, later: Path, spec: Spec) -> None:
    """The workspace as it lies at first in `root`; what comes after goes to `later`, to be copied over it.

    Of every two files one comes later; the others lack their last lines at first. One file comes a second time under
    another name.
    """
    make(root, spec)
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
