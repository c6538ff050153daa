"""Alerts of kind `adherence`: traffic that does not follow the policy, files changed by hand, canaries that do harm; of
kind `route_health`: a routed model that fails or is slow.

For adherence only whole, mature days are judged. The day of an alert stays the same while it lasts: the first of the days in a row
outside the band; the day since which a policy is live.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import polars as pl

from pipelines.rollout.health import ailing

LARGE = Decimal("0.1")  #: a share that is off by this much is no accident


def adherence_alerts(changed: Mapping[str, pl.DataFrame]) -> list[dict[str, Any]]:
    """Grain: one (kind, subject, day); `size` is dollars."""
    return [
        *_shares(changed["adherence"]), *_files(changed["routing_findings"]), *_harm(changed["decisions"]),
        *_health(changed["route_health"], changed["tier_latency"]),
    ]  # fmt: skip


def _shares(adherence: pl.DataFrame) -> Iterator[dict[str, Any]]:
    judged = adherence.filter(pl.col("full_day") & ~pl.col("provisional"))
    for (workflow, task_type), rows in judged.group_by("workflow", "task_type", maintain_order=True):
        days: dict[Any, list[dict[str, Any]]] = {}
        for row in rows.to_dicts():
            days.setdefault(row["day"], []).append(row)
        streak = []
        for day in sorted(days, reverse=True):
            if days[day][0]["policy_version"] != days[max(days)][0]["policy_version"]:
                break
            if all(row["in_band"] for row in days[day]):
                break
            streak.append(day)
        if not streak:
            continue
        last = max((r for r in days[streak[0]] if not r["in_band"]), key=lambda r: abs(_gap(r)))
        leaks = [row["leak_usd"] for day in streak for row in days[day]]
        leak = sum((usd for usd in leaks if usd is not None), Decimal(0))
        unknown = ", in part unknown" if None in leaks else ""
        large = abs(_gap(last)) >= LARGE
        yield {
            "day": streak[-1], "kind": "adherence", "subject": f"{workflow}/{task_type}",
            "severity": "high" if large and leak > 0 else "medium" if large or leak > 0 else "low", "size": leak,
            "detail": f"{_percent(last['observed_share'])} of {last['route_requests']} requests ran on {last['tier']}, "
            f"policy version {last['policy_version']} says {_percent(last['declared_share'])} (band "
            f"{_percent(last['low'])} to {_percent(last['high'])}), {len(streak)} days in a row; leak "
            f"${leak:,.2f}{unknown}: outlay route status",
        }  # fmt: skip


def _gap(row: dict[str, Any]) -> Decimal:
    return row["observed_share"] - row["declared_share"]


def _files(findings: pl.DataFrame) -> Iterator[dict[str, Any]]:
    for (subject,), rows in findings.group_by("subject", maintain_order=True):
        yield {
            "day": rows["day"][0], "kind": "adherence", "subject": subject, "severity": "high", "size": Decimal(0),
            "detail": "; ".join(rows["detail"].to_list()) + ": outlay route status",
        }  # fmt: skip


def _harm(decisions: pl.DataFrame) -> Iterator[dict[str, Any]]:
    for row in decisions.filter(pl.col("advice") == "roll back").to_dicts():
        yield {
            "day": row["first_day"], "kind": "adherence", "subject": f"{row['workflow']}/{row['task_type']} roll back",
            "severity": "high", "size": row["promised_usd_month"] or Decimal(0),
            "detail": f"{row['percent']} % on {row['to_tier']} should be taken back: {row['advice_reason']}",
        }  # fmt: skip


def _health(health: pl.DataFrame, latency: pl.DataFrame) -> Iterator[dict[str, Any]]:
    """High where the tier that most requests go to fails; a slow one, or a canary's, is less."""
    speeds = latency.to_dicts()
    for row in ailing(health.to_dicts()):
        share = row["declared_share"]
        degree = (row["state"] == "failing") + (share >= Decimal("0.5")) if share else 0
        own = [r for r in speeds if (r["workflow"], r["task_type"]) == (row["workflow"], row["task_type"])]
        yield {
            "day": row["since"], "kind": "route_health",
            "subject": f"{row['workflow']}/{row['task_type']} on {row['tier']}",
            "severity": ("low", "medium", "high")[degree], "size": Decimal(row["errors"] or row["slow"] or 0),
            "detail": f"{health_said(row)}{_others(row, own)}: outlay route status",
        }  # fmt: skip


def health_said(row: Mapping[str, Any]) -> str:
    """`failing: 42.0 % of 120 requests failed, usually 0.4 %, 3 days in a row`."""
    days = f", {row['days']} days in a row" if row["days"] > 1 else ""
    if row["state"] == "failing":
        usual = "" if row["usual_error_rate"] is None else f", usually {_percent(row['usual_error_rate'])}"
        return f"failing: {_percent(row['error_rate'])} of {row['requests']} requests failed{usual}{days}"
    return (
        f"slow: {_percent(Decimal(row['slow']) / row['timed'])} of {row['timed']} answers took longer than "
        f"{row['limit_ms'] / 1000:,.1f} s, p95 {row['latency_p95_ms'] / 1000:,.1f} s, usually "
        f"{(row['usual_p95_ms'] or row['limit_ms']) / 1000:,.1f} s{days}"
    )


def _others(row: Mapping[str, Any], speeds: list[dict[str, Any]]) -> str:
    """What else answers this task, and how fast: where to turn to."""
    said = [
        f"{r['tier']} {r['latency_p95_ms'] / 1000:,.1f} s"
        for r in speeds
        if r["tier"] != row["tier"] and r["latency_p95_ms"] is not None
    ]
    return f"; p95 of the other tiers: {', '.join(said)}" if said else ""


def _percent(share: Decimal | float) -> str:
    return f"{100 * Decimal(share):.1f} %"
