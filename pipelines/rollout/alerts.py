"""Alerts of kind `adherence`: traffic that does not follow the policy, files changed by hand, canaries that do harm.

Only whole, mature days are judged. The day of an alert stays the same while it lasts: the first of the days in a row
outside the band; the day since which a policy is live.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import polars as pl

LARGE = Decimal("0.1")  #: a share that is off by this much is no accident


def adherence_alerts(changed: Mapping[str, pl.DataFrame]) -> list[dict[str, Any]]:
    """Grain: one (kind, subject, day); `size` is dollars."""
    return [*_shares(changed["adherence"]), *_files(changed["routing_findings"]), *_harm(changed["decisions"])]


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


def _percent(share: Decimal) -> str:
    return f"{100 * share:.1f} %"
