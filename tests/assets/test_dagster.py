"""Dagster's view: the definitions load, the job runs in process, checks stand before publishing."""

from __future__ import annotations

import dagster as dg
import pytest

from pipelines.assets.job import DAILY_AT, JOB, _plain, build, dagster_home, run_in_process
from pipelines.assets.weekly import WEEKLY, WEEKLY_AT
from pipelines.ledger.checks import CHECKS
from pipelines.running import Asked
from pipelines.workspace.errors import OutlayError
from tests.change.watched import days, watched
from tests.notify.servers import webhook_server
from tests.workspaces import Bench, call, event


@pytest.fixture
def filled(bench: Bench) -> Bench:
    bench.calls(*(call(f"r{d}", unit_id=f"d{d}", time=f"2026-10-{d}T10:00:00Z") for d in range(10, 14)))
    bench.outcomes(*(event(f"e{d}", unit_id=f"d{d}", time=f"2026-10-{d}T11:00:00Z") for d in range(10, 14)))
    return bench


def test_the_definitions_of_a_workspace_load_with_the_road_as_groups(filled: Bench, monkeypatch):
    monkeypatch.setenv("OUTLAY_WORKSPACE", str(filled.root))
    from pipelines.definitions import defs

    made = defs()
    dg.Definitions.validate_loadable(made)
    graph = made.resolve_asset_graph()
    groups = {key.to_user_string(): graph.get(key).group_name for key in graph.get_all_asset_keys()}
    assert groups == {
        "records": "sources", "rate_book": "rates", "requests": "ledger", "daily_cost": "outcomes",
        "changes": "change", "recommendations": "split", "published_set": "published", "rollout": "routing", "notified": "notify",
        "weekly_review": "review",
    }  # fmt: skip
    checks = {key.name: graph.get(key).blocking for key in graph.asset_check_keys}
    tell = dict.fromkeys(["no_alarm_is_open", "budgets_hold"], False)
    assert checks == dict.fromkeys([*CHECKS, "rates_do_not_overlap"], True) | tell
    schedules = {}
    for schedule in made.schedules or []:
        assert isinstance(schedule, dg.ScheduleDefinition)
        schedules[schedule.job_name] = (schedule.cron_schedule, schedule.execution_timezone)
    assert schedules == {JOB: (DAILY_AT, "UTC"), WEEKLY: (WEEKLY_AT, "UTC")}


def test_the_job_runs_in_process_and_reports_days_that_can_be_plotted(filled: Bench):
    document = run_in_process(filled.loaded, Asked())
    assert (document["requests"], document["days"][0]) == (4, "2026-10-10")
    with dg.DagsterInstance.from_config(str(dagster_home(filled.loaded.home))) as instance:
        events = instance.fetch_materializations(dg.AssetKey("daily_cost"), limit=20).records
    plotted = {}
    for one in events:
        assert one.asset_materialization is not None
        if one.partition_key:
            plotted[one.partition_key] = one.asset_materialization.metadata["spend_usd"].value
    assert plotted == {f"2026-10-{d}": 0.004 for d in range(10, 14)}


def test_open_alarms_and_used_up_budgets_are_told_by_checks_that_block_nothing(tmp_path):
    bench = watched(tmp_path, mailing={"budget": {"monthly_usd": "50"}})
    days(bench, ["0.10"] * 60 + ["0.13"] * 8)
    job = build(bench.root).resolve_job_def(JOB)
    with dg.DagsterInstance.from_config(str(dagster_home(bench.loaded.home))) as instance:
        result = job.execute_in_process(instance=instance)
    assert result.success
    told = {
        e.check_name: (e.passed, e.severity, e.metadata["about"].value)
        for e in result.get_asset_check_evaluations()
        if e.asset_key == dg.AssetKey("changes")
    }
    warn = dg.AssetCheckSeverity.WARN
    assert told == {
        "no_alarm_is_open": (False, warn, "mailing"), "budgets_hold": (False, warn, "mailing"),
    }  # fmt: skip
    assert bench.published.meta["as_of"] == "2026-08-07"


def test_the_scheduled_job_tells_and_a_plain_run_does_not(filled: Bench, monkeypatch):
    filled.config["notify"] = {
        "webhooks": [{"name": "ops", "url": "os.environ/OUTLAY_TEST_HOOK"}],
        "min_severity": "low",
    }
    filled.save()
    filled.calls(call("r98", model="gpt-nobody-prices-9"), file="b.jsonl")
    with webhook_server() as inbox:
        monkeypatch.setenv("OUTLAY_TEST_HOOK", inbox.url)
        run_in_process(filled.loaded, Asked())
        assert inbox.taken == []
        job = build(filled.root).resolve_job_def(JOB)
        with dg.DagsterInstance.from_config(str(dagster_home(filled.loaded.home))) as instance:
            assert job.execute_in_process(instance=instance).success
        assert len(inbox.taken) == 1


def test_one_run_backfills_a_range_of_days(filled: Bench):
    job = build(filled.root).resolve_job_def(JOB)
    days = {"dagster/asset_partition_range_start": "2026-10-11", "dagster/asset_partition_range_end": "2026-10-12"}
    with dg.DagsterInstance.from_config(str(dagster_home(filled.loaded.home))) as instance:
        result = job.execute_in_process(tags=days, instance=instance)
    assert result.success
    assert [r["day"] for r in filled.export("daily_cost")] == ["2026-10-11", "2026-10-12"]


def test_a_check_that_fails_keeps_everything_from_being_published(filled: Bench, monkeypatch):
    filled.run()
    before = filled.fingerprint()
    filled.calls(call("r99", time="2026-10-12T10:00:00Z"), file="b.jsonl")
    from pipelines.ledger import build as ledger

    allocate = ledger.allocate

    def lossy(con, *scope):
        allocate(con, *scope)
        con.execute(
            "update allocations set cost_usd = cost_usd - 0.000000000001 where request_key in (select request_key from requests where request_id = 'r99')"
        )

    monkeypatch.setattr(ledger, "allocate", lossy)
    with pytest.raises(OutlayError, match=r"check conservation does not hold.*2026, 10, 12"):
        run_in_process(filled.loaded, Asked())
    assert filled.fingerprint() == before
    monkeypatch.undo()
    assert run_in_process(filled.loaded, Asked())["requests"] == 5


def test_errors_that_point_at_each_other_still_end_in_one_message():
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first
    assert str(_plain(first)) == "ValueError: first"


def test_the_weekly_job_writes_the_review_and_nothing_else_and_the_daily_one_leaves_it(filled: Bench):
    filled.calls(call("r20", unit_id="d20", time="2026-10-20T10:00:00Z"), file="b.jsonl")
    run_in_process(filled.loaded, Asked())
    assert not (filled.root / "reviews").exists()
    job = build(filled.root).resolve_job_def(WEEKLY)
    with dg.DagsterInstance.from_config(str(dagster_home(filled.loaded.home))) as instance:
        assert job.execute_in_process(instance=instance).success
        [event] = instance.fetch_materializations(dg.AssetKey("weekly_review"), limit=5).records
    names = [f"2026-W42.{kind}" for kind in ("html", "json", "md")]
    assert sorted(path.name for path in (filled.root / "reviews").iterdir()) == names
    assert event.asset_materialization is not None
    assert {key: value.value for key, value in event.asset_materialization.metadata.items() if "/" in key} == {
        f"reviews/{name}": "written" for name in names
    }  # fmt: skip
    assert filled.published.meta["run_id"]
