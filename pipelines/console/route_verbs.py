"""The verbs `outlay route …`: each calls its function of `pipelines.routing.loop`, as the dashboard does."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Annotated, Any

import typer

from pipelines.console.verb import ASKED, answer, verb, workspace
from pipelines.workspace.errors import NothingPublished, UsageError

route = typer.Typer(
    help="The routing loop: plan, approve, apply, advance, roll back, status.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


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
@verb
def route_plan(
    only: Annotated[list[str] | None, typer.Option(metavar="ID", help="Only these recommendations.")] = None,
) -> None:
    """Render policy and targets, lint and probe them, show diff and expected effect; write nothing."""
    from pipelines.routing import loop

    loaded = workspace()
    done = loop.route_plan(loaded, _recommendations(loaded), only=only)
    answer(done.document, done.text)


@route.command("approve")
@verb
def route_approve(
    by: Annotated[str, typer.Option(metavar="NAME", help="One of the workspace's approvers.")],
    only: Annotated[list[str] | None, typer.Option(metavar="ID", help="Only these recommendations.")] = None,
    effective: Annotated[str | None, typer.Option(metavar="TIME", help="When it takes effect (default: now).")] = None,
) -> None:
    """Approve the plan as it stands: recorded with the bytes it covers, void as soon as they would differ."""
    from pipelines.routing import loop

    loaded = workspace()
    done = loop.route_approve(loaded, _recommendations(loaded), by=by, only=only, effective_at=_moment(effective))
    answer(done.document, done.text)


@route.command("apply")
@verb
def route_apply(
    adopt: Annotated[bool, typer.Option("--adopt", help="Take a hand-edited live file as the new base.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a hand-edited live file.")] = False,
    effective: Annotated[str | None, typer.Option(metavar="TIME", help="When it takes effect (default: now).")] = None,
) -> None:
    """Write the approved policy to every target: compared first, replaced at once, restored on failure."""
    from pipelines.routing import loop

    if adopt and overwrite:
        raise UsageError("--adopt and --overwrite exclude each other")
    loaded = workspace()
    done = loop.route_apply(
        loaded, _recommendations(loaded), adopt=adopt, overwrite=overwrite, effective_at=_moment(effective)
    )
    _answer(done)


@route.command("advance")
@verb
def route_advance(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would move; write nothing.")] = False,
    revert: Annotated[
        str | None, typer.Option(metavar="ROUTE", help="Take WORKFLOW/TASK_TYPE back to its old tier.")
    ] = None,
    by: Annotated[str | None, typer.Option(metavar="NAME", help="Who asks for --revert.")] = None,
    reason: Annotated[str | None, typer.Option(help="Why, with --revert.")] = None,
) -> None:
    """Give canaries that hold every guard their next share; part of the scheduled job, behind its run."""
    from pipelines.rollout.telling import route_advance

    if revert is None and (by or reason):
        raise UsageError("--by and --reason go with --revert: a step is decided by its guards, under its approval")
    _answer(route_advance(workspace(), dry_run=dry_run, revert=revert, by=by, reason=reason))


@route.command("rollback")
@verb
def route_rollback(
    to: Annotated[int | None, typer.Option(metavar="VERSION", help="Which version (default: the one before).")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a hand-edited live file.")] = False,
    by: Annotated[str | None, typer.Option(metavar="NAME", help="Who asks for it.")] = None,
    reason: Annotated[str | None, typer.Option(help="Why.")] = None,
) -> None:
    """Give every target and the policy the bytes of an earlier version."""
    from pipelines.routing import loop

    _answer(loop.route_rollback(workspace(), to=to, overwrite=overwrite, by=by, reason=reason))


@route.command("status")
@verb
def route_status() -> None:
    """What is live and what waits, hand edits, shares, leaks, guards and the next step, realised saving."""
    from pipelines.rollout.telling import route_status

    done = route_status(workspace())
    answer(done.document, done.text)


def _answer(done: Any) -> None:
    """A target in mode print gets stdout to itself, so that its text can be piped; what was done goes to stderr."""
    if done.output is None or ASKED["json"]:
        answer(done.document, done.text)
        return
    print(done.text, file=sys.stderr)
    sys.stdout.write(done.output)


def _moment(text: str | None) -> datetime | None:
    from pipelines.console.rates import moment

    return moment(text, "--effective") if text else None
