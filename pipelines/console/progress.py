"""How far a run is, by files and bytes, on stderr alone: a bar on a terminal, elsewhere a line now and then.

stdout stays for the answer, so that `--json` gives one document whatever is shown here. A run that is soon done says
nothing to a log file or a scheduler.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

from pipelines.intake.progress import Progress, Reading

#: Seconds until the first line where stderr is no terminal, and between lines.
LONG, EVERY = 10.0, 30.0


@contextmanager
def progress_bar() -> Generator[Progress]:
    """Whom a run tells how far it is."""
    if not sys.stderr.isatty():
        yield lines(time.monotonic)
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("reading"),
        BarColumn(bar_width=30),
        DownloadColumn(),
        TextColumn("{task.fields[files]} files"),
        TimeElapsedColumn(),
        TextColumn("{task.description}", markup=False),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None, files="0")

        def report(at: Reading) -> None:
            bar.update(
                task, description=_short(at.file), completed=at.bytes, total=at.of_bytes or None,
                files=f"{at.files:,}/{at.of_files:,}",
            )  # fmt: skip

        yield report


def lines(clock: Callable[[], float]) -> Progress:
    """Plain lines on stderr for runs that take long."""
    due = clock() + LONG

    def report(at: Reading) -> None:
        nonlocal due
        if clock() >= due and at.files < at.of_files:
            due = clock() + EVERY
            print(
                f"outlay: reading, {at.files:,} of {at.of_files:,} files, {_size(at.bytes)} of {_size(at.of_bytes)}",
                file=sys.stderr, flush=True,
            )  # fmt: skip

    return report


def _short(name: str) -> str:
    return name if len(name) <= 48 else "…" + name[-47:]


def _size(size: int) -> str:
    for unit, bytes_of in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= bytes_of:
            return f"{size / bytes_of:.1f} {unit}"
    return f"{size} B"
