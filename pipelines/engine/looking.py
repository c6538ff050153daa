"""The ledger of the last Spark run, to look at: what its tables hold, and nothing that is written meanwhile stays."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import ExitStack, closing, contextmanager
from datetime import date
from pathlib import Path
from uuid import uuid4
from zoneinfo import ZoneInfo

from pipelines.engine import capacity
from pipelines.engine.folders import connect
from pipelines.engine.ledger import SparkLedger
from pipelines.ledger.terms import Terms
from pipelines.rates.book import RateBook
from pipelines.storage.ledger import one_engine, open_ledger
from pipelines.workspace.errors import OutlayError
from pipelines.workspace.load import Loaded


@contextmanager
def looking(loaded: Loaded, file: Path) -> Generator[SparkLedger]:
    """All tables of the ledger. Raises OutlayError where another engine filled it, or a build that kept none of them."""
    with closing(open_ledger(file)) as small, ExitStack() as stack:
        one_engine(small, loaded.config.engine.kind)
        small.execute("begin transaction")
        stack.callback(small.execute, "rollback")
        ledger = connect(loaded, small, f"looking-{uuid4().hex}")
        stack.callback(ledger.spark.stop)
        stack.callback(ledger.held.undo)
        stack.callback(ledger.work.remove)
        if not ledger.held.parts.get("requests"):
            raise OutlayError("the ledger holds no requests yet that can be looked at: outlay run")
        ledger.go_on()
        yield ledger


def serve_now(ledger: SparkLedger, book: RateBook, terms: Mapping[date, Terms], zone: ZoneInfo) -> list[tuple]:
    """`served_costs`: what capacity serves of `prices_now` and `extras_now`. Answers what stands idle."""
    return capacity.serve_days(ledger, book, terms, zone, "prices_now", "extras_now")
