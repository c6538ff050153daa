"""Whether a run has anything to publish: what the last published set was made from, beside what there is now."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import wraps

from pipelines.close.records import records_hash
from pipelines.ledger import build as ledger
from pipelines.publish.currency import exchange_version
from pipelines.rollout.marts import routing_hash
from pipelines.running import Run
from pipelines.storage import published
from pipelines.storage.ledger import setting
from pipelines.storage.models import digest
from pipelines.workspace.decisions import decisions_hash
from pipelines.workspace.errors import OutlayError


def decided(run: Run) -> str:
    """A hash of what people decided beside the data: acknowledged drifts, closed months, routes on trial."""
    return decisions_hash(run.loaded.root) + records_hash(run.loaded.root) + routing_hash(run.loaded)


def idle(run: Run) -> bool:
    """Whether a run can end before it settles anything: it has read nothing, and all that it would work out is published."""
    if run.asked.last is not None or run.cause == "workspace changed":
        return False
    before = setting(run.con, "as_of")
    run.as_of = date.fromisoformat(before) if before not in (None, "None") else None
    run.decided = decided(run)
    book = ledger.rate_book(run.con, run.loaded)
    return setting(run.con, "rate_book") == book.version and nothing_new(run)


def config(run: Run) -> str:
    """The workspace file as far as figures can depend on it: not on where an engine works."""
    return run.loaded.config.model_dump_json(exclude={"engine"})


def published_until(run: Run) -> date | None:
    """The last day that was published before this run."""
    try:
        last = published.current(run.loaded.root).meta["as_of"]
    except OutlayError:
        return None
    return date.fromisoformat(last) if last else None


def nothing_new(run: Run) -> bool:
    """Whether no input, rate, decision or setting differs from what the published set was made from."""
    con = run.con
    name = setting(con, "published")
    return (
        not run.asked.full
        and name is not None
        and published.is_published(run.home, name)
        and not run.days
        and not run.intake.files_read
        and setting(con, "as_of") == str(run.as_of)
        and setting(con, "config") == config(run)
        and setting(con, "decisions") == run.decided
        and published.current(run.loaded.root).meta["rate_book"] == setting(con, "rate_book")
        and published.current(run.loaded.root).meta.get("models") == digest("publish")
        and setting(con, "exchange") == exchange_version(run.loaded)
        and not run.count(f"select count(*) from files where run_id = '{run.run_id}'")
    )


def with_news(stage: Callable[[Run], None]) -> Callable[[Run], None]:
    """A stage that is passed over where what is published stays."""

    @wraps(stage)
    def unless_unchanged(run: Run) -> None:
        if not run.unchanged:
            stage(run)

    return unless_unchanged
