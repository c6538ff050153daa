"""What the split page asks of the marts about routes: shares by day, decisions, latency of tiers."""

from __future__ import annotations

from dashboards import formats, names
from dashboards.queries import Rows, ask
from pipelines.storage.published import Published


def followed(p: Published, workflow: str, task_type: str, tier: str) -> Rows:
    """One tier of one route by day: declared and observed share with its band."""
    return ask(
        p,
        "select * from adherence where workflow = $workflow and task_type = $task_type and tier = $tier order by day, since",
        workflow=workflow, task_type=task_type, tier=tier,
    )  # fmt: skip


def decisions(p: Published) -> Rows:
    """One row a decision: promised and realised a month, in the currency shown."""
    show = formats.currency()
    rows = ask(p, "select * from decisions order by approved_at, workflow, task_type")
    return [
        {
            "task_said": names.task(row["workflow"], row["task_type"]), "workflow": row["workflow"], "task_type": row["task_type"],
            "status": row["status"], "moved_said": f"{row['percent']} % on {row['to_tier']}",
            "promised_usd": row["promised_at_share_usd_month"], "realised_usd": row["realised_usd_month"],
            "low_usd": show(row["low"]), "high_usd": show(row["high"]), "outcomes": row["outcomes"],
            "finding": row["finding"], "approved_by": row["approved_by"], "first_day": row["first_day"],
            "recommendation_id": row["recommendation_id"],
        }
        for row in rows
    ]  # fmt: skip


def tier_latency(p: Published) -> Rows:
    """One row a (task type, tier) of 28 days."""
    return ask(p, "select * from tier_latency order by workflow, task_type, tier")
