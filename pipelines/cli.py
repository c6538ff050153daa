"""The command `outlay`: its verbs, one call each. Exit status 0 done, 1 failed (nothing changed), 2 wrong usage."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.console.evaluate_verbs import evaluate
from pipelines.console.month_verbs import acknowledge, close, fetch
from pipelines.console.published_verbs import estimate, export, fingerprint, quarantine, recommend, review
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
        from pipelines.workspace.summary import summary

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


for _later in (export, review, recommend, fetch, close, estimate, acknowledge, quarantine, fingerprint):
    app.command()(_later)


if __name__ == "__main__":
    main()
