"""A progress bar on stderr, by files; silent where stderr is no terminal or JSON was asked for."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager

from pipelines.intake.intake import Progress


@contextmanager
def progress_bar(quiet: bool) -> Generator[Progress | None]:
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("reading"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)

        def report(file: str, done: int, total: int) -> None:
            bar.update(task, description=file, completed=done, total=total)

        yield report
