"""The marts of the detectors: `drift` (every alarm ever raised), `drift_state` (one row a workflow), `drift_days`."""

from __future__ import annotations

import math
from datetime import date
from decimal import Decimal
from fractions import Fraction
from statistics import median
from typing import Any

import duckdb
import polars as pl

from pipelines.change.alarms import Course, Point, replay
from pipelines.change.detectors import FULL_BASELINE, SHOCK_LIMIT, SHORT_BASELINE
from pipelines.change.power import minimum_detectable
from pipelines.change.series import cost_per_outcome, read_series
from pipelines.outcomes.ratios import rounded
from pipelines.workspace.decisions import read_decisions
from pipelines.workspace.load import Loaded

MONEY = pl.Decimal(38, 12)
RATIO = pl.Decimal(38, 12)
DRIFT: dict[str, Any] = {
    "workflow": pl.String(), "detected_day": pl.Date(), "kind": pl.String(), "before_usd": MONEY, "after_usd": MONEY,
    "change": RATIO, "status": pl.String(), "minimum_detectable": RATIO, "alarm": pl.String(), "since_day": pl.Date(),
    "closed_day": pl.Date(), "acknowledged_by": pl.String(), "reason": pl.String(), "month_usd": MONEY,
}  # fmt: skip
STATE: dict[str, Any] = {
    "workflow": pl.String(), "state": pl.String(), "baseline_first_day": pl.Date(), "baseline_last_day": pl.Date(),
    "baseline_days": pl.Int64(), "level_usd": MONEY, "outcomes_a_day": RATIO, "noise": RATIO,
    "minimum_detectable": RATIO, "cusum_up": RATIO, "cusum_down": RATIO, "last_day": pl.Date(),
    "last_judged_day": pl.Date(), "open_alarms": pl.Int64(),
}  # fmt: skip
DAYS: dict[str, Any] = {
    "workflow": pl.String(), "day": pl.Date(), "phase": pl.String(), "outcomes": pl.Int64(), "spend_usd": MONEY,
    "cost_per_outcome_usd": MONEY, "expected_usd": MONEY, "low_usd": MONEY, "high_usd": MONEY, "z": RATIO,
    "cusum_up": RATIO, "cusum_down": RATIO, "in_band": pl.Boolean(),
}  # fmt: skip


def courses(con: duckdb.DuckDBPyConnection, loaded: Loaded, as_of: date) -> list[Course]:
    """The replay of every declared workflow, by name."""
    series, decisions = read_series(con, as_of), read_decisions(loaded.root)
    zone = loaded.config.reporting.zone
    return [replay(name, series.get(name, []), decisions, zone) for name in sorted(loaded.config.workflows)]


def drift_marts(con: duckdb.DuckDBPyConnection, loaded: Loaded, as_of: date) -> dict[str, pl.DataFrame]:
    """`drift`, `drift_state` and `drift_days`, of one replay."""
    found = courses(con, loaded, as_of)
    return {
        "drift": pl.DataFrame([row for course in found for row in alarm_rows(course)], schema=DRIFT, orient="row"),
        "drift_state": pl.DataFrame([state_row(course) for course in found], schema=STATE, orient="row"),
        "drift_days": pl.DataFrame(
            [day_row(course.workflow, point) for course in found for point in course.points], schema=DAYS, orient="row"
        ),
    }


def alarm_rows(course: Course) -> list[dict[str, Any]]:
    """Grain: one alarm, by day and kind."""
    return [
        {
            "workflow": alarm.workflow, "detected_day": alarm.detected_day, "kind": alarm.kind,
            "before_usd": rounded(alarm.before_usd), "after_usd": rounded(alarm.after_usd), "change": alarm.change,
            "status": alarm.status, "minimum_detectable": _ratio(alarm.minimum_detectable), "alarm": alarm.name,
            "since_day": alarm.since, "closed_day": alarm.closed_day, "acknowledged_by": alarm.acknowledged_by,
            "reason": alarm.reason, "month_usd": alarm.month_usd,
        }
        for alarm in sorted(course.alarms, key=lambda a: (a.detected_day, a.kind))
    ]  # fmt: skip


def state_row(course: Course) -> dict[str, Any]:
    """Grain: one workflow. Noise is that of an ordinary day's cost per outcome, as a share of it."""
    known = course.known
    judged = [point.day for point in course.points if point.day.judged]
    mature = [point.day.day for point in course.points if point.day.mature]
    row: dict[str, Any] = {
        "workflow": course.workflow, "state": _state(course), "cusum_up": _ratio(course.cusum.up),
        "cusum_down": _ratio(course.cusum.down), "last_day": mature[-1] if mature else None,
        "last_judged_day": judged[-1].day if judged else None,
        "open_alarms": sum(alarm.status == "open" for alarm in course.alarms),
    }  # fmt: skip
    if known is not None:
        row |= {
            "baseline_first_day": known.days[0].day, "baseline_last_day": known.days[-1].day,
            "baseline_days": len(known.days), "level_usd": rounded(known.level_usd),
            "outcomes_a_day": _ratio(float(median(day.outcomes for day in known.days))),
            "noise": _ratio(math.expm1(known.usual_noise)), "minimum_detectable": _ratio(minimum_detectable(known)),
        }  # fmt: skip
    return dict.fromkeys(STATE) | row


def _state(course: Course) -> str:
    if course.known is not None:
        return "watched" if len(course.known.days) == FULL_BASELINE else f"watched, {SHORT_BASELINE} days of baseline"
    if not any(point.day.outcomes > 0 for point in course.points):
        return "no outcomes reported"
    return f"{len(course.stretch)} of {SHORT_BASELINE} days of baseline"


def day_row(workflow: str, point: Point) -> dict[str, Any]:
    """Grain: one workflow's day with spend or outcomes, with the band that its number of outcomes allowed."""
    day, known = point.day, point.known
    cost = cost_per_outcome([day]) if day.spend_usd is not None else None
    row: dict[str, Any] = {
        "workflow": workflow, "day": day.day, "phase": point.phase, "outcomes": day.outcomes,
        "spend_usd": day.spend_usd, "cost_per_outcome_usd": None if cost is None else rounded(cost),
        "z": _ratio(point.z), "cusum_up": _ratio(point.cusum_up), "cusum_down": _ratio(point.cusum_down),
        "in_band": point.in_band,
    }  # fmt: skip
    if known is not None:
        reach = SHOCK_LIMIT * known.scale(day)
        # scaled from the exact level: a share is the only thing that passes through a float
        share = known.expected(day.day) - known.log_level
        row |= {
            name: rounded(known.level_usd * Fraction(f"{math.exp(share + off):.12f}"))
            for name, off in (("expected_usd", 0.0), ("low_usd", -reach), ("high_usd", reach))
        }
    return dict.fromkeys(DAYS) | row


def _ratio(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(f"{value:.12f}")
