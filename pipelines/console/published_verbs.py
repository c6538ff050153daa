"""The verbs that tell what is published."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from pipelines.console.verb import answer, day, verb, workspace


@verb
def export(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Which table; 'outlay export list' names them.")],
    kind: Annotated[str | None, typer.Option("--format", help="csv (default), parquet or xlsx.")] = None,
    out: Annotated[str, typer.Option(help="File, or - for stdout.")] = "-",
    first: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], metavar="DAY")] = None,
    last: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], metavar="DAY")] = None,
    focus_version: Annotated[
        str | None, typer.Option(metavar="VERSION", help="Of focus: 1.4 (default) or 1.2.")
    ] = None,
) -> None:
    """Write one table as CSV, Parquet or XLSX, or the budget-pack."""
    from pipelines.console.exported import export_verb

    export_verb(name, kind, out, day(first), day(last), focus_version)


@verb
def review(
    week: Annotated[
        str | None, typer.Option(metavar="WEEK", help="Such as 2026-W46; default: the last that settled.")
    ] = None,
    kind: Annotated[str, typer.Option("--format", help="md, html or json.")] = "md",
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Default: stdout.")] = None,
) -> None:
    """The weekly review: four numbers, three questions, decisions."""
    from pipelines.console.reviews import review_week

    review_week(week, kind, out)


@verb
def recommend() -> None:
    """The capability-split recommendations of the last run."""
    from pipelines.console.headline import recommend_text
    from pipelines.storage.published import current

    loaded = workspace()
    published = current(loaded.root)
    answer(published.recommendations, recommend_text(published, loaded.config.tiers))


@verb
def estimate(
    task: Annotated[
        list[str],
        typer.Option(
            "--task",
            metavar="NAME:KEY=VALUE,…",
            help="input, output, cached, calls, capability; or like=WORKFLOW/TASK.",
        ),
    ],
    outcomes: Annotated[int, typer.Option(min=1, help="Outcomes a month.")] = 1000,
) -> None:
    """What a planned workflow would cost on each tier, before its first call."""
    from pipelines.console.estimates import estimate_text
    from pipelines.split.estimate import estimate as forecast
    from pipelines.split.estimate import planned_task, start_of
    from pipelines.storage.published import current
    from pipelines.workspace.errors import NothingPublished

    loaded = workspace()
    try:
        published = current(loaded.root)
    except NothingPublished:
        published = None
    tasks = [planned_task(text, published) for text in task]
    document = forecast(loaded, tasks, outcomes, start_of(published))
    answer(document, estimate_text(document))


@verb
def quarantine() -> None:
    """What was refused: source, file, line, reason, and the start of it with secrets and texts masked."""
    from pipelines.storage.published import current

    with current(workspace().root).connect() as con:
        rows = con.sql("select source, file, line, reason, excerpt from quarantine order by all").pl().to_dicts()
    text = "\n".join(f"{r['file']}:{r['line'] or '-'}  {r['reason']}  {r['excerpt']}" for r in rows)
    answer({"quarantine": rows}, text or "nothing was refused")


@verb
def fingerprint() -> None:
    """A content hash of every published table."""
    from pipelines.exports.fingerprint import fingerprint as hashes
    from pipelines.storage.published import current

    document = hashes(current(workspace().root))
    answer(document, "\n".join(f"{name:<16} {value}" for name, value in document.items()))
