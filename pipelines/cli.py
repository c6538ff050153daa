"""The command `outlay`: its verbs, one call each. Exit status 0 done, 1 failed (nothing changed), 2 wrong usage."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from datetime import date, datetime
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.workspace.errors import NothingPublished, OutlayError, UsageError

app = typer.Typer(
    name="outlay",
    help="What each document, workflow and decision cost, what it was worth, and which work runs on a dearer model than it needs.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
route = typer.Typer(
    help="The routing loop: plan, approve, apply, roll back, status.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
rates = typer.Typer(help="The rates in force, each with its source.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(route, name="route")
app.add_typer(rates, name="rates")

_ASKED: dict[str, Any] = {"workspace": None, "json": False}
Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], metavar="DAY")]


@app.callback()
def _options(
    workspace: Annotated[
        Path | None,
        typer.Option(help="Workspace folder (default: $OUTLAY_WORKSPACE, else the current folder)."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    _ASKED.update(workspace=workspace, json=as_json)


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


def _root() -> Path:
    from pipelines.workspace.load import find_root

    return find_root(_ASKED["workspace"])


def _loaded():
    from pipelines.workspace.load import load_workspace

    return load_workspace(_root())


def _verb(function: Callable[..., Any]) -> Callable[..., Any]:
    """Errors as one plain message on stderr (and as JSON where asked), with the exit status they carry."""

    @wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        try:
            function(*args, **kwargs)
        except OutlayError as error:
            if _ASKED["json"]:
                _print_json({"error": str(error)})
            print(f"outlay: {error}", file=sys.stderr)
            raise typer.Exit(error.exit_code) from error
        except BrokenPipeError:
            # whoever read our output has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from None
        except KeyboardInterrupt:
            print("outlay: interrupted, nothing was changed", file=sys.stderr)
            raise typer.Exit(1) from None
        except OSError as error:
            print(f"outlay: {error}", file=sys.stderr)
            raise typer.Exit(1) from error

    return wrapped


def _print_json(document: Any) -> None:
    sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")
    sys.stdout.flush()


def _answer(document: Any, text: str) -> None:
    """One JSON document on stdout where asked, else people's text."""
    if _ASKED["json"]:
        _print_json(document)
    elif text:
        print(text)


def _day(value: datetime | None) -> date | None:
    return value.date() if value else None


@app.command()
@_verb
def demo(
    directory: Annotated[Path, typer.Option("--dir", help="Where to put the sample workspace.")] = Path("outlay-demo"),
    no_dashboard: Annotated[bool, typer.Option("--no-dashboard", help="Only run it.")] = False,
    port: Annotated[int, typer.Option(help="Port of the dashboard.")] = 8501,
) -> None:
    """Copy the sample logs, run them, print the headline table, serve the dashboard."""
    from pipelines.console import demo as sample
    from pipelines.workspace.load import load_workspace

    root = sample.copy(directory)
    _ASKED["workspace"] = root
    document = _run(load_workspace(root))
    from pipelines.console.headline import headline
    from pipelines.storage.published import current

    _answer({**document, "workspace": str(root)}, "" if _ASKED["json"] else headline(current(root)))
    if not no_dashboard:
        _serve(root, port)


@app.command()
@_verb
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
        _answer(
            {"workspace": str(file.parent), "file": str(file), "found": findings.document()},
            f"{summary(findings)}\n{file}\nRead it through, then: outlay --workspace {directory} check",
        )
        return
    file = start(directory)
    _answer(
        {"workspace": str(file.parent), "file": str(file)},
        f"{file}\nPut logs where it says, then: outlay --workspace {directory} run",
    )


@app.command()
@_verb
def check() -> None:
    """Validate the workspace file, the sources, the rates and the routing targets; write nothing."""
    from pipelines.console.checks import check_text, check_workspace

    document = check_workspace(_loaded())
    _answer(document, check_text(document))
    if not document["ok"]:
        raise typer.Exit(2)


@app.command()
@_verb
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
) -> None:
    """Ingest what is new, refresh the days that it touches, publish."""
    if first and last and first > last:
        raise UsageError(f"--from {first:%Y-%m-%d} is after --to {last:%Y-%m-%d}")
    if (accept_loss or keep_missing) and (not full or (accept_loss and keep_missing)):
        raise UsageError("--accept-loss and --keep-missing go with --full, one of them at a time")
    from pipelines.run import Asked

    asked = Asked(_day(first), _day(last), full, accept_loss, keep_missing)
    document = _run(_loaded(), asked)
    from pipelines.console.headline import run_text

    _answer(document, run_text(document))


def _run(loaded: Any, asked: Any = None) -> dict[str, Any]:
    from pipelines.console.progress import progress_bar
    from pipelines.run import Asked

    with progress_bar(quiet=_ASKED["json"]) as progress:
        from pipelines.assets.job import run_in_process

        return run_in_process(loaded, asked or Asked(), progress)


@app.command()
@_verb
def dashboard(port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 8501) -> None:
    """Serve the dashboard over what is published."""
    _serve(_loaded().root, port)


def _serve(root: Path, port: int) -> None:
    from pipelines.console.serve import serve_dashboard

    serve_dashboard(root, port)


@app.command()
@_verb
def dev(port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 3000) -> None:
    """Open Dagster's UI and daemon with the daily schedule."""
    from pipelines.console.serve import serve_dagster

    serve_dagster(_loaded(), port)


@app.command()
@_verb
def export(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Which table; 'outlay export list' names them.")],
    kind: Annotated[str, typer.Option("--format", help="csv, parquet or xlsx.")] = "csv",
    out: Annotated[str, typer.Option(help="File, or - for stdout.")] = "-",
    first: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], metavar="DAY")] = None,
    last: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], metavar="DAY")] = None,
) -> None:
    """Write one table as CSV, Parquet or XLSX."""
    from pipelines.exports import write
    from pipelines.exports.tables import EXPORTS, lookup
    from pipelines.storage.published import current

    if name == "list":
        _answer({"exports": sorted(EXPORTS)}, "\n".join(sorted(EXPORTS)))
        return
    lookup(name)
    published = current(_loaded().root)
    if out != "-":
        rows = write.write_file(published, name, kind, Path(out), _day(first), _day(last))
        _answer({"export": name, "format": kind, "file": out, "rows": rows}, f"{out}: {rows} rows")
    elif _ASKED["json"]:
        _print_json(write.document(published, name, _day(first), _day(last)))
    else:
        write.write(published, name, kind, sys.stdout.buffer, _day(first), _day(last))
        sys.stdout.buffer.flush()


@app.command()
@_verb
def recommend() -> None:
    """The capability-split recommendations of the last run."""
    from pipelines.console.headline import recommend_text
    from pipelines.storage.published import current

    document = current(_loaded().root).recommendations
    _answer(document, recommend_text(document))


@app.command()
@_verb
def quarantine() -> None:
    """What was refused: source, file, line, reason, and the start of it with secrets and texts masked."""
    from pipelines.storage.published import current

    with current(_loaded().root).connect() as con:
        rows = con.sql("select source, file, line, reason, excerpt from quarantine order by all").pl().to_dicts()
    text = "\n".join(f"{r['file']}:{r['line'] or '-'}  {r['reason']}  {r['excerpt']}" for r in rows)
    _answer({"quarantine": rows}, text or "nothing was refused")


@app.command()
@_verb
def fingerprint() -> None:
    """A content hash of every published table."""
    from pipelines.exports.fingerprint import fingerprint as hashes
    from pipelines.storage.published import current

    document = hashes(current(_loaded().root))
    _answer(document, "\n".join(f"{name:<16} {value}" for name, value in document.items()))


def _recommendations(loaded: Any) -> dict[str, Any]:
    """What is published; a policy written by hand needs none."""
    from pipelines.storage.published import current

    try:
        return current(loaded.root).recommendations
    except NothingPublished:
        if not loaded.path(loaded.config.routing.policy).exists():
            raise
        return {}


@route.command("plan")
@_verb
def route_plan(
    only: Annotated[list[str] | None, typer.Option(metavar="ID", help="Only these recommendations.")] = None,
) -> None:
    """Render policy and targets, lint and probe them, show diff and expected effect; write nothing."""
    from pipelines.routing import loop

    loaded = _loaded()
    done = loop.route_plan(loaded, _recommendations(loaded), only=only)
    _answer(done.document, done.text)


@route.command("approve")
@_verb
def route_approve(
    by: Annotated[str, typer.Option(metavar="NAME", help="One of the workspace's approvers.")],
    only: Annotated[list[str] | None, typer.Option(metavar="ID", help="Only these recommendations.")] = None,
    effective: Annotated[str | None, typer.Option(metavar="TIME", help="When it takes effect (default: now).")] = None,
) -> None:
    """Approve the plan as it stands: recorded with the bytes it covers, void as soon as they would differ."""
    from pipelines.routing import loop

    loaded = _loaded()
    done = loop.route_approve(loaded, _recommendations(loaded), by=by, only=only, effective_at=_moment(effective))
    _answer(done.document, done.text)


@route.command("apply")
@_verb
def route_apply(
    adopt: Annotated[bool, typer.Option("--adopt", help="Take a hand-edited live file as the new base.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a hand-edited live file.")] = False,
    effective: Annotated[str | None, typer.Option(metavar="TIME", help="When it takes effect (default: now).")] = None,
) -> None:
    """Write the approved policy to every target: compared first, replaced at once, restored on failure."""
    from pipelines.routing import loop

    if adopt and overwrite:
        raise UsageError("--adopt and --overwrite exclude each other")
    loaded = _loaded()
    done = loop.route_apply(
        loaded, _recommendations(loaded), adopt=adopt, overwrite=overwrite, effective_at=_moment(effective)
    )
    _answer(done.document, done.text)


@route.command("rollback")
@_verb
def route_rollback(
    to: Annotated[int | None, typer.Option(metavar="VERSION", help="Which version (default: the one before).")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a hand-edited live file.")] = False,
    by: Annotated[str | None, typer.Option(metavar="NAME", help="Who asks for it.")] = None,
    reason: Annotated[str | None, typer.Option(help="Why.")] = None,
) -> None:
    """Give every target and the policy the bytes of an earlier version."""
    from pipelines.routing import loop

    done = loop.route_rollback(_loaded(), to=to, overwrite=overwrite, by=by, reason=reason)
    _answer(done.document, done.text)


@route.command("status")
@_verb
def route_status() -> None:
    """What is live, what is approved and not applied, what was edited by hand."""
    from pipelines.routing import loop

    done = loop.route_status(_loaded())
    _answer(done.document, done.text)


def _moment(text: str | None) -> datetime | None:
    from pipelines.console.rates import moment

    return moment(text, "--effective") if text else None


@rates.command("show")
@_verb
def rates_show(
    model: Annotated[str, typer.Argument(metavar="MODEL")],
    provider: Annotated[
        str | None, typer.Option(help="Provider; default: every provider that knows the model.")
    ] = None,
    at: Annotated[str | None, typer.Option(metavar="TIME", help="RFC 3339 time or ISO day; default: now.")] = None,
) -> None:
    """Every token class of a model: price, source, validity."""
    from pipelines.console.rates import rates_document, rates_text

    try:
        root_contract = _contract()
    except UsageError:
        if _ASKED["workspace"] or os.environ.get("OUTLAY_WORKSPACE"):
            raise
        root_contract = None  # outside a workspace: the list prices
    document = rates_document(model, provider, at, root_contract)
    _answer(document, rates_text(document))


@rates.command("diff")
@_verb
def rates_diff() -> None:
    """Which days and how much the present rates would move; nothing moves before run --full."""
    from pipelines.console.rates import diff_text
    from pipelines.ledger.repricing import rates_diff as moves

    document = moves(_loaded())
    _answer(document, diff_text(document))


def _contract() -> Path | None:
    loaded = _loaded()
    contract = loaded.config.rates.contract
    return loaded.path(contract) if contract else None


if __name__ == "__main__":
    main()
