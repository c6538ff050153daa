"""The command `outlay`: its verbs, one call each. Exit status 0 done, 1 failed (nothing changed), 2 wrong usage."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.console.evaluate_verbs import evaluate
from pipelines.console.rates_verbs import rates
from pipelines.console.route_verbs import route
from pipelines.console.verb import ASKED, answer, day, verb, workspace
from pipelines.workspace.errors import UsageError

app = typer.Typer(
    name="outlay",
    help="What each document, workflow and decision cost, what it was worth, and which work runs on a dearer model than it needs.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(route, name="route")
app.add_typer(rates, name="rates")
app.add_typer(evaluate, name="evaluate")

Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], metavar="DAY")]


@app.callback()
def _options(
    workspace: Annotated[
        Path | None,
        typer.Option(help="Workspace folder (default: $OUTLAY_WORKSPACE, else the current folder)."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    ASKED.update(workspace=workspace, json=as_json)


def main() -> None:
    """Entry point: options stand before or after the verb."""
    sys.argv[1:] = _global_options_first(sys.argv[1:])
    app()


def _global_options_first(words: list[str]) -> list[str]:
    """Move `--json` and `--workspace DIR` to the front, wherever they stand before a `--`."""
    front: list[str] = []
    rest: list[str] = []
    queue = list(words)
    while queue:
        word = queue.pop(0)
        if word == "--":
            rest += [word, *queue]
            break
        if word == "--json" or word.startswith("--workspace="):
            front.append(word)
        elif word == "--workspace":
            front += [word, *queue[:1]]
            del queue[:1]
        else:
            rest.append(word)
    return front + rest


@app.command()
@verb
def demo(
    directory: Annotated[Path, typer.Option("--dir", help="Where to put the sample workspace.")] = Path("outlay-demo"),
    no_dashboard: Annotated[bool, typer.Option("--no-dashboard", help="Only run it.")] = False,
    port: Annotated[int, typer.Option(help="Port of the dashboard.")] = 8501,
) -> None:
    """Copy the sample logs, run them, print the headline table, serve the dashboard."""
    from pipelines.console import demo as sample
    from pipelines.workspace.load import load_workspace

    root = sample.copy(directory)
    ASKED["workspace"] = root
    loaded = load_workspace(root)
    document = _run(loaded)
    from pipelines.console.headline import headline
    from pipelines.storage.published import current

    answer({**document, "workspace": str(root)}, "" if ASKED["json"] else headline(current(root)))
    if not no_dashboard:
        _serve(loaded, port)


@app.command()
@verb
def init(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the new workspace.")],
    logs: Annotated[
        Path | None, typer.Option("--scan", metavar="PATH", help="Fill it in from the logs found in this folder.")
    ] = None,
) -> None:
    """Make a new workspace with a commented outlay.yaml."""
    from pipelines.workspace.start import start, start_from_scan

    if logs is not None:
        from pipelines.workspace.proposal import summary

        file, findings = start_from_scan(directory, logs)
        answer(
            {"workspace": str(file.parent), "file": str(file), "found": findings.document()},
            f"{summary(findings)}\n{file}\nRead it through, then: outlay --workspace {directory} check",
        )
        return
    file = start(directory)
    answer(
        {"workspace": str(file.parent), "file": str(file)},
        f"{file}\nPut logs where it says, then: outlay --workspace {directory} run",
    )


@app.command()
@verb
def check(
    strict: Annotated[
        bool, typer.Option("--strict", help="Fail too where declared capability, traffic and evidence disagree.")
    ] = False,
) -> None:
    """Validate the workspace file, the sources, the rates and the routing targets; write nothing."""
    from pipelines.console.checks import check_text, check_workspace

    document = check_workspace(workspace(), strict)
    answer(document, check_text(document))
    if not document["ok"]:
        raise typer.Exit(2)


@app.command()
@verb
def run(
    first: Annotated[
        datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], metavar="DAY", help="First reporting day."),
    ] = None,
    last: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], metavar="DAY", help="Last reporting day.")
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Rebuild everything from the inputs.")] = False,
    accept_loss: Annotated[bool, typer.Option(help="With --full: lose records whose inputs are gone.")] = False,
    keep_missing: Annotated[bool, typer.Option(help="With --full: keep records whose inputs are gone.")] = False,
    notify: Annotated[
        bool, typer.Option("--notify", help="Then send alerts that are new, as outlay.yaml says.")
    ] = False,
) -> None:
    """Ingest what is new, refresh the days that it touches, publish."""
    if first and last and first > last:
        raise UsageError(f"--from {first:%Y-%m-%d} is after --to {last:%Y-%m-%d}")
    if (accept_loss or keep_missing) and (not full or (accept_loss and keep_missing)):
        raise UsageError("--accept-loss and --keep-missing go with --full, one of them at a time")
    from pipelines.running import Asked

    asked = Asked(day(first), day(last), full, accept_loss, keep_missing)
    document = _run(workspace(), asked, notify)
    from pipelines.console.headline import run_text

    answer(document, run_text(document))


def _run(loaded: Any, asked: Any = None, notify: bool = False) -> dict[str, Any]:
    from pipelines.console.progress import progress_bar
    from pipelines.running import Asked

    with progress_bar() as progress:
        from pipelines.assets.job import run_in_process

        return run_in_process(loaded, asked or Asked(), progress, notify)


@app.command()
@verb
def dashboard(
    port: Annotated[int, typer.Option(help="Its port.")] = 8501,
    host: Annotated[
        str, typer.Option(help="Another address than this machine's own needs access.login in outlay.yaml.")
    ] = "127.0.0.1",
) -> None:
    """Serve the dashboard over what is published."""
    _serve(workspace(), port, host)


def _serve(loaded: Any, port: int, host: str = "127.0.0.1") -> None:
    from pipelines.console.serve import serve_dashboard

    serve_dashboard(loaded, port, host)


@app.command()
@verb
def dev(port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 3000) -> None:
    """Open Dagster's UI and daemon with the daily schedule."""
    from pipelines.console.serve import serve_dagster

    serve_dagster(workspace(), port)


@app.command()
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


@app.command()
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


@app.command()
@verb
def recommend() -> None:
    """The capability-split recommendations of the last run."""
    from pipelines.console.headline import recommend_text
    from pipelines.storage.published import current

    loaded = workspace()
    published = current(loaded.root)
    answer(published.recommendations, recommend_text(published, loaded.config.tiers))


@app.command()
@verb
def fetch(
    kind: Annotated[
        str, typer.Argument(metavar="KIND", help="openai-usage, openai-costs, anthropic-usage, anthropic-cost.")
    ],
    month: Annotated[str, typer.Option(metavar="MONTH", help="Such as 2026-10 (UTC).")],
    base_url: Annotated[str | None, typer.Option(help="Another address than the provider's own.")] = None,
) -> None:
    """Pull a provider's usage or cost report into bills/; the admin key comes from the environment."""
    from pipelines.console.fetched import fetched_text
    from pipelines.fetch.fetch import fetch as pull

    done = pull(workspace(), kind, month, base_url)
    document = {
        "kind": done.kind, "month": done.month, "folder": str(done.folder), "pages": done.pages, "rows": done.rows,
        "source": done.source,
    }  # fmt: skip
    answer(document, fetched_text(done))


@app.command()
@verb
def close(
    month: Annotated[str, typer.Option(metavar="MONTH", help="Such as 2026-10, in the reporting zone.")],
    accrual: Annotated[
        bool, typer.Option("--accrual", help="Before the invoice: metered and expected unseen spend.")
    ] = False,
    by: Annotated[str | None, typer.Option(metavar="NAME", help="Who signs it off (default: the system user).")] = None,
    accept_unexplained: Annotated[
        str | None, typer.Option(metavar="REASON", help="Close a month whose bill is red or not complete, and why.")
    ] = None,
    amend: Annotated[
        bool, typer.Option("--amend", help="A further record of a closed month with other figures.")
    ] = False,
) -> None:
    """Freeze a month, reconciled to its bills, into closes/."""
    from pipelines.close.closing import Asked, close_month

    done = close_month(workspace(), Asked(month, accrual, by, accept_unexplained, amend))
    answer(done.document, done.text)


@app.command()
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


@app.command()
@verb
def acknowledge(
    alarm: Annotated[str, typer.Argument(metavar="ALARM", help="As alerts name it: contract_review:drift:2026-11-03.")],
    by: Annotated[str, typer.Option(metavar="NAME", help="Who decides.")],
    reason: Annotated[str | None, typer.Option(help="Why, for those who read it later.")] = None,
    rebase: Annotated[bool, typer.Option("--rebase", help="Accept the new level: the baseline begins anew.")] = False,
) -> None:
    """Accept an alarm, reset a baseline, or give up a route's recorded reference (WORKFLOW/TASK_TYPE)."""
    from pipelines.change.acknowledge import acknowledge as record

    done = record(workspace(), alarm, by, reason, rebase)
    answer(done.document, done.text)


@app.command()
@verb
def quarantine() -> None:
    """What was refused: source, file, line, reason, and the start of it with secrets and texts masked."""
    from pipelines.storage.published import current

    with current(workspace().root).connect() as con:
        rows = con.sql("select source, file, line, reason, excerpt from quarantine order by all").pl().to_dicts()
    text = "\n".join(f"{r['file']}:{r['line'] or '-'}  {r['reason']}  {r['excerpt']}" for r in rows)
    answer({"quarantine": rows}, text or "nothing was refused")


@app.command()
@verb
def fingerprint() -> None:
    """A content hash of every published table."""
    from pipelines.exports.fingerprint import fingerprint as hashes
    from pipelines.storage.published import current

    document = hashes(current(workspace().root))
    answer(document, "\n".join(f"{name:<16} {value}" for name, value in document.items()))


if __name__ == "__main__":
    main()
