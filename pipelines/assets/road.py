"""The assets, in the order of the road: each calls its stage of `pipelines.run` and says what came of it."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import dagster as dg
import duckdb
import polars as pl

from pipelines.assets.session import REPORTS, Session
from pipelines.ledger.checks import CHECKS
from pipelines.notify.notify import notify
from pipelines.publish.alerts_change import change_alerts
from pipelines.publish.report import report
from pipelines.rates.book import overlaps
from pipelines.rollout.telling import route_advance
from pipelines.run import (
    change_stage,
    check_stage,
    intake_stage,
    ledger_stage,
    outcomes_stage,
    publish_stage,
    rates_stage,
    refuse_broken,
    split_stage,
)
from pipelines.running import Run
from pipelines.storage.published import current

FIRST_PARTITION = "2024-01-01"


def assets(timezone: str, first_day: str | None = None) -> list[dg.AssetsDefinition]:
    """All assets, with daily partitions in the reporting zone."""
    days = dg.DailyPartitionsDefinition(start_date=first_day or FIRST_PARTITION, timezone=timezone, end_offset=1)

    @dg.asset(group_name="sources", description="Every distinct record as read, once, in the lake.")
    def records(session: Session) -> dg.MaterializeResult:
        intake_stage(session.run)
        intake = session.run.intake
        return dg.MaterializeResult(
            metadata={
                **intake.records(),
                "files_read": intake.files_read,
                "files_refused": intake.files_refused,
            }
        )

    @dg.asset(
        group_name="rates",
        deps=[records],
        description="The dated rates of every model seen.",
        check_specs=[dg.AssetCheckSpec("rates_do_not_overlap", asset="rate_book", blocking=True)],
    )
    def rate_book(session: Session) -> dg.MaterializeResult:
        rates_stage(session.run)
        book = session.run.book
        assert book is not None
        twice = overlaps(book.rates)
        return dg.MaterializeResult(
            metadata={"rates": len(book.rates), "version": book.version},
            check_results=[
                dg.AssetCheckResult(
                    check_name="rates_do_not_overlap", passed=not twice, metadata={"overlaps": len(twice)}
                )
            ],
        )

    # One step for both partitioned assets: which days a run touches is known only when the logs are read, so a run
    # names no partition; each day that was worked out anew is reported as its own materialization.
    @dg.multi_asset(
        name="ledger",
        specs=[
            dg.AssetSpec(
                "requests",
                group_name="ledger",
                deps=[rate_book],
                partitions_def=days,
                description="Requests with their dimensions, charges and allocations, exact.",
            ),
            dg.AssetSpec(
                "daily_cost",
                group_name="outcomes",
                deps=["requests"],
                partitions_def=days,
                description="Cost per outcome by day and workflow, lives and lifetime costs of units.",
            ),
        ],
        check_specs=[
            dg.AssetCheckSpec(name, asset="requests", blocking=True, description=rule) for name, rule in CHECKS.items()
        ],
        partitions_def=days,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def ledger(context: dg.AssetExecutionContext, session: Session) -> Iterator[Any]:
        ledger_stage(session.run)
        results = check_stage(session.run)
        for name, result in results.items():
            yield dg.AssetCheckResult(
                asset_key="requests",
                check_name=name,
                passed=result is None,
                metadata={"rows": str(result or "none")},
            )
        refuse_broken(results)
        yield dg.MaterializeResult(asset_key="requests", metadata=_ledger_metadata(session.run.con))
        outcomes_stage(session.run)
        for event in _days(session.run):
            context.log_event(event)
        yield dg.MaterializeResult(asset_key="daily_cost", metadata={"days": len(session.run.days)})

    @dg.asset(
        group_name="change",
        deps=["daily_cost"],
        description="What changed: alarms, the bridge from week to week, budgets.",
        check_specs=[
            dg.AssetCheckSpec("no_alarm_is_open", asset="changes", description="every shock and drift is acknowledged"),
            dg.AssetCheckSpec("budgets_hold", asset="changes", description="no budget of the month is used up"),
        ],
    )
    def changes(session: Session) -> dg.MaterializeResult:
        change_stage(session.run)
        changed = session.run.changed
        if session.run.unchanged:
            changed = _published(session.run)
        waiting = [row["subject"] for row in change_alerts(changed) if row["kind"] != "budget"]
        over = [r["subject"] for r in change_alerts(changed) if r["kind"] == "budget" and r["severity"] == "high"]
        return dg.MaterializeResult(
            metadata={name: len(frame) for name, frame in changed.items()},
            check_results=[
                dg.AssetCheckResult(
                    check_name=name, passed=not found, severity=dg.AssetCheckSeverity.WARN,
                    metadata={"about": ", ".join(dict.fromkeys(found)) or "none"},
                )
                for name, found in (("no_alarm_is_open", waiting), ("budgets_hold", over))
            ],
        )  # fmt: skip

    @dg.asset(
        group_name="split",
        deps=["daily_cost"],
        description="Which work can run on which cheaper model, with evidence.",
    )
    def recommendations(session: Session) -> dg.MaterializeResult:
        split_stage(session.run)
        made = session.run.split
        return dg.MaterializeResult(
            metadata={"recommendations": len(made.recommendations.recommendations) if made else 0}
        )

    @dg.asset(
        group_name="published",
        deps=[recommendations, changes],
        description="The complete set of marts that all readers read.",
    )
    def published_set(session: Session) -> dg.MaterializeResult:
        publish_stage(session.run)
        run = session.run
        REPORTS[session.workspace] = report(run)
        name = run.result.name if run.result else "unchanged"
        return dg.MaterializeResult(metadata={"set": name, "as_of": str(run.as_of), "days": len(run.days)})

    @dg.asset(
        group_name="routing",
        deps=[published_set],
        description="Canaries that hold every guard get their next share. Only in the scheduled job.",
    )
    def rollout(session: Session) -> dg.MaterializeResult:
        if not session.advance or not session.run.loaded.config.routing.targets:
            return dg.MaterializeResult(metadata={"moved": "not asked for"})
        told = route_advance(session.run.loaded).document
        REPORTS[session.workspace]["rollout"] = told
        return dg.MaterializeResult(
            metadata={
                "moved": ", ".join(change["route"] for change in told["moved"]) or "none",
                "held": told["held"] or "no",
                "recommended": "; ".join(told["recommended"]) or "none",
            }
        )

    @dg.asset(
        group_name="notify",
        deps=[published_set],
        description="Alerts that are new, sent to the webhooks and addresses of outlay.yaml. Never fails the job.",
    )
    def notified(session: Session) -> dg.MaterializeResult:
        if not session.notify:
            return dg.MaterializeResult(metadata={"sent": "not asked for"})
        told = notify(session.run.loaded).document()
        REPORTS[session.workspace]["notified"] = told
        return dg.MaterializeResult(metadata=told)

    return [records, rate_book, ledger, changes, recommendations, published_set, rollout, notified]


def _published(run: Run) -> dict[str, pl.DataFrame]:
    """What a run that ended early would have found again."""
    with current(run.loaded.root).connect() as con:
        return {name: con.sql(f"select * from {name}").pl() for name in ("drift", "budgets")}


def _plotted(usd: Decimal | None) -> float | None:
    """An amount for Dagster's plots; an unknown one is left out of them, and no 0."""
    return None if usd is None else float(usd)


def _ledger_metadata(con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    rows, spend, unattributed, unpriced = con.execute(
        "select count(*), case when count(*) = 0 or count(cost_usd) > 0 then coalesce(sum(cost_usd), 0) end, "
        "case when count(reason) = 0 or count(case when reason is not null then cost_usd end) > 0 "
        "then coalesce(sum(case when reason is not null then cost_usd end), 0) end, "
        "count(*) filter (where cost_basis = 'unpriced') from requests where day in (select day from touched_days)"
    ).fetchall()[0]
    return {
        "rows": rows,
        "spend_usd": _plotted(spend),
        "unattributed_usd": _plotted(unattributed),
        "unpriced": unpriced,
    }


def _days(run: Run) -> Iterator[dg.AssetMaterialization]:
    """One event per day that was worked out anew, so that Dagster's plots follow the days."""
    rows: list[tuple[date, Decimal | None, int, int]] = run.con.execute(
        "select day, case when sum(requests) = 0 or count(case when requests > 0 then spend_usd end) > 0 "
        "then sum(spend_usd) end, cast(sum(outcomes) as bigint), cast(sum(requests) as bigint) from daily_cost "
        "where day in (select day from cost_days) group by day order by day"
    ).fetchall()
    for day, spend, outcomes, requests in rows:
        yield dg.AssetMaterialization(
            asset_key="daily_cost",
            partition=day.isoformat(),
            metadata={"spend_usd": _plotted(spend), "outcomes": outcomes, "requests": requests},
        )
