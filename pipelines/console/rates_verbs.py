"""The verbs `outlay rates …`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from pipelines.console.verb import ASKED, answer, verb, workspace
from pipelines.workspace.errors import UsageError

rates = typer.Typer(help="The rates in force, each with its source.", no_args_is_help=True, rich_markup_mode=None)


@rates.command("show")
@verb
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
        if ASKED["workspace"] or os.environ.get("OUTLAY_WORKSPACE"):
            raise
        root_contract = None  # outside a workspace: the list prices
    document = rates_document(model, provider, at, root_contract)
    answer(document, rates_text(document))


@rates.command("diff")
@verb
def rates_diff() -> None:
    """Which days and how much the present rates would move; nothing moves before run --full."""
    from pipelines.console.rate_changes import diff_text
    from pipelines.ledger.repricing import rates_diff as moves

    document = moves(workspace())
    answer(document, diff_text(document))


@rates.command("update")
@verb
def rates_update() -> None:
    """What the installed price list says that the published set's does not, and what that would move; offline."""
    from pipelines.console.rate_changes import update_document, update_text

    document = update_document(workspace())
    answer(document, update_text(document))


@rates.command("missing")
@verb
def rates_missing() -> None:
    """Rates that requests lack, ready to fill in and paste into rates.yaml."""
    from pipelines.console.rate_changes import missing_document, missing_text

    document = missing_document(workspace())
    answer(document, missing_text(document))


def _contract() -> Path | None:
    loaded = workspace()
    contract = loaded.config.rates.contract
    return loaded.path(contract) if contract else None
