"""The daily job: the same assets for the schedule, Dagster's UI and `outlay run`, always in one process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dagster as dg

from pipelines.assets.road import assets
from pipelines.assets.session import PROGRESS, REPORTS, Session
from pipelines.assets.weekly import REVIEW, WEEKLY, WEEKLY_AT, weekly_review
from pipelines.intake.progress import Progress
from pipelines.running import Asked
from pipelines.storage.published import current
from pipelines.workspace.errors import OutlayError
from pipelines.workspace.load import Loaded

JOB = "daily"
DAGSTER_YAML = "telemetry: {enabled: false}\nnux: {enabled: false}\nconcurrency: {runs: {max_concurrent_runs: 1}}\n"
DAILY_AT = "15 5 * * *"  #: when providers have closed their day, in the reporting zone


def build(root: Path, timezone: str = "UTC", first_day: str | None = None) -> dg.Definitions:
    """Assets, checks, the daily and the weekly job and their schedules for one workspace."""
    made = [*assets(timezone, first_day), weekly_review(str(root))]
    reviewed = dg.AssetSelection.assets(REVIEW)
    job = dg.define_asset_job(
        JOB,
        selection=dg.AssetSelection.all() - reviewed,
        executor_def=dg.in_process_executor,
        description="Ingest what is new, refresh the days that it touches, publish.",
    )
    schedule = dg.ScheduleDefinition(
        name="every_morning", job=job, cron_schedule=DAILY_AT, execution_timezone=timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )  # fmt: skip
    weekly = dg.define_asset_job(
        WEEKLY, selection=reviewed, executor_def=dg.in_process_executor, description="The review of the last settled week.",
    )  # fmt: skip
    on_mondays = dg.ScheduleDefinition(
        name="every_monday", job=weekly, cron_schedule=WEEKLY_AT, execution_timezone=timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )  # fmt: skip
    return dg.Definitions(
        assets=made, jobs=[job, weekly], schedules=[schedule, on_mondays], resources={"session": Session(workspace=str(root), notify=True, advance=True)},
        executor=dg.in_process_executor,
    )  # fmt: skip


def dagster_home(home: Path) -> Path:
    """The workspace's own Dagster home, made if it is not there."""
    folder = home / "dagster"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "dagster.yaml"
    if not file.exists():
        file.write_text(DAGSTER_YAML, "utf-8")
    return folder


def first_day(root: Path) -> str | None:
    """The first day that is published, None before the first run."""
    try:
        return current(root).meta["first_day"]
    except OutlayError:
        return None


def run_in_process(
    loaded: Loaded, asked: Asked, progress: Progress | None = None, notify: bool = False
) -> dict[str, Any]:
    """Run the daily job here and now; answers the document of `outlay run --json`.

    Alerts go out where `notify` asks for it or the workspace says `notify: {every_run: true}`; with the schedule always.

    Raises OutlayError with the stage's own message; then nothing was published.
    """
    root = str(loaded.root)
    config = {
        "workspace": root, "first": asked.first and asked.first.isoformat(),
        "last": asked.last and asked.last.isoformat(), "full": asked.full, "accept_loss": asked.accept_loss,
        "keep_missing": asked.keep_missing, "notify": notify or loaded.config.notify.every_run, "advance": False,
    }  # fmt: skip
    definitions = build(loaded.root, loaded.config.reporting.timezone, first_day(loaded.root))
    job = definitions.resolve_job_def(JOB)
    if progress:
        PROGRESS[root] = progress
    try:
        with dg.DagsterInstance.from_config(str(dagster_home(loaded.home))) as instance:
            job.execute_in_process(
                instance=instance,
                run_config={
                    "resources": {"session": {"config": {k: v for k, v in config.items() if v is not None}}},
                    "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
                },
            )
        return REPORTS.pop(root)
    except Exception as error:
        raise _plain(error) from error
    finally:
        PROGRESS.pop(root, None)


def _plain(error: BaseException) -> OutlayError:
    """The stage's own error, whatever Dagster wrapped around it; what wraps may point back at what it wraps."""
    met: set[int] = set()
    seen: BaseException | None = error
    while seen is not None and id(seen) not in met:
        if isinstance(seen, OutlayError):
            return seen
        met.add(id(seen))
        seen = seen.__cause__ or seen.__context__
    return OutlayError(f"{type(error).__name__}: {error}")
