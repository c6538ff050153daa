"""What the pages ask of the marts about change: alarms, the bridge from week to week, budgets, lives of units."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from dashboards.queries import Rows, ask, per, root
from pipelines.storage.published import Published
from pipelines.workspace.decisions import Decision, read_decisions

ALL = "*"  #: all workflows together
_FACTOR_ORDER = "array_position(['price', 'model_mix', 'tokens', 'attempts', 'outcome_mix'], factor)"


def alarms(p: Published) -> Rows:
    """One row an alarm ever raised, the open ones first, then the latest."""
    return ask(p, "select * from drift order by status <> 'open', detected_day desc, workflow, kind")


def course(p: Published, workflow: str) -> Rows:
    """One row a day of a workflow: its cost per outcome, and the range that its noise allowed."""
    return ask(p, "select * from drift_days where workflow = $workflow order by day", workflow=workflow)


def settled(alarm: Mapping[str, Any]) -> Decision | None:
    """What was decided about an alarm since the set was published. Raises UsageError for a file that can't be read."""
    found = [
        d for d in read_decisions(root())
        if d.workflow == alarm["workflow"] and d.task_type is None and d.kind in ("acknowledge", "rebase")
        and (d.alarm, d.detected_day) == (alarm["kind"], alarm["detected_day"])
    ]  # fmt: skip
    return found[-1] if found else None


def bridged(p: Published) -> Rows:
    """One row a (workflow, week) with a bridge, the latest week first: the two costs and their difference."""
    return ask(
        p,
        "select workflow, week, first_day, bool_or(provisional) as provisional, any_value(before_usd) as before_usd, "
        "any_value(after_usd) as after_usd from bridge group by workflow, week, first_day "
        "order by first_day desc, workflow <> '*', workflow",
    )


def bridge(p: Published, workflow: str, week: str) -> Rows:
    """The five factors of one step, in the order of the road from a token to an outcome."""
    return ask(
        p, f"select * from bridge where workflow = $workflow and week = $week order by {_FACTOR_ORDER}",
        workflow=workflow, week=week,
    )  # fmt: skip


def contributors(p: Published, workflow: str, week: str) -> Rows:
    """Who moved the factors of one step, the largest part first."""
    return ask(
        p,
        "select factor, contributor, effect_usd, of_workflow, task_type, model, token_class from bridge_detail "
        f"where workflow = $workflow and week = $week order by abs(effect_usd) desc, {_FACTOR_ORDER}, contributor",
        workflow=workflow, week=week,
    )  # fmt: skip


def weekly(p: Published, week: str) -> dict[str, Any] | None:
    """All workflows of one ISO week like for like; None where nothing was spent in it."""
    found = ask(p, "select * from weekly_index where workflow = '*' and week = $week", week=week)
    return found[0] if found else None


def restated(p: Published, first: Any, last: Any) -> Rows:
    """Published figures of days of a period that later data or a changed file moved, the latest first."""
    return ask(
        p, "select * from restatements where day between $first and $last order by published_at desc, day desc, workflow",
        first=first, last=last,
    )  # fmt: skip


def budgets(p: Published, *, present: bool = False) -> Rows:
    """One row a (budget, month), the latest month first, with the shares of the plan that are used and forecast.

    Only of the latest month if `present`.
    """
    rows = ask(
        p,
        f"from budgets {'where month = (select max(month) from budgets) ' if present else ''}order by month desc, case scope when 'workflow' then 0 when 'total' then 2 else 1 end, scope, value",
    )
    return [
        {
            **row, "used": None if row["budget_usd"] is None else per(row["spend_to_date_usd"], row["budget_usd"]),
            "heads_for": None if row["budget_usd"] is None else per(row["forecast_usd"], row["budget_usd"]),
        }
        for row in rows
    ]  # fmt: skip


def budget_days(p: Published, scope: str, value: str, month: str) -> Rows:
    """One row a day of a budget's month: spent up to as-of, forecast from there."""
    return ask(
        p, "select * from budget_days where scope = $scope and value = $value and month = $month order by day",
        scope=scope, value=value, month=month,
    )  # fmt: skip


def adherence(p: Published, first: date, last: date) -> Rows:
    """One row a (day, route, version, tier) of a period."""
    return ask(p, "select * from adherence where day between $first and $last", first=first, last=last)


def lives(p: Published, workflow: str) -> Rows:
    """One row a day of a workflow: seven-day figures, failure load, and what the units good that day cost in all."""
    return ask(p, "select * from outcome_days where workflow = $workflow order by day", workflow=workflow)


def open_units(p: Published, workflow: str) -> Rows:
    """One row an age: units that cost something and aren't done."""
    return ask(
        p, "select * from work_in_progress where workflow = $workflow order by oldest_day desc, age", workflow=workflow
    )


def frontier(p: Published) -> Rows:
    """One row a point of a workflow's cost-quality curve."""
    return ask(p, "select * from frontier order by workflow, point, target desc")


def disagreements(p: Published) -> Rows:
    """One row where declared capability, traffic and evidence disagree."""
    return ask(p, "select * from capability order by workflow, task_type, kind")


def profile(p: Published) -> Rows:
    """One row a (workflow, tier, model, tagged, kind inferred from the shape of the requests) of 28 days."""
    return ask(p, "select * from workload_profile order by spend_usd desc, workflow, model, inferred_kind")
