"""One run as a Dagster resource: all assets of a job share its lock, its ledger and its transaction."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import PrivateAttr

from pipelines.intake.progress import Progress
from pipelines.running import Asked, Run, open_run
from pipelines.workspace.load import load_workspace


class Session(dg.ConfigurableResource):
    """Opens the workspace's ledger for one job run; nothing stays unless the last asset published."""

    workspace: str
    first: str | None = None
    last: str | None = None
    full: bool = False
    accept_loss: bool = False
    keep_missing: bool = False
    notify: bool = False
    advance: bool = False  #: canaries move on after the run; with the schedule, never with a plain run
    _run: Run = PrivateAttr()

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Generator[Session]:
        asked = Asked(_day(self.first), _day(self.last), self.full, self.accept_loss, self.keep_missing)
        tags = context.run.tags if context.run else {}
        start = tags.get("dagster/asset_partition_range_start") or tags.get("dagster/partition")
        end = tags.get("dagster/asset_partition_range_end") or tags.get("dagster/partition")
        if start and end:
            asked = Asked(_day(start), _day(end), self.full, self.accept_loss, self.keep_missing)
        with open_run(load_workspace(Path(self.workspace)), asked, PROGRESS.get(self.workspace)) as run:
            self._run = run
            yield self

    @property
    def run(self) -> Run:
        return self._run


#: progress of a run that was started in this process, by workspace
PROGRESS: dict[str, Progress] = {}
#: what a run that was started in this process reports, by workspace
REPORTS: dict[str, dict[str, Any]] = {}


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
