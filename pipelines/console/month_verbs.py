"""The verbs of those who answer for a month: bills pulled, months closed, alarms accepted."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.console.verb import answer, verb, workspace


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
