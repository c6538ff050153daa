"""What waits for somebody: recommendations to act on and alerts, each with its owner and the page that settles it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from dashboards import formats, names, shell
from dashboards.queries import Rows
from pipelines.storage.published import Published
from pipelines.workspace.model import Workspace

ALERT_PAGES = {"drift": shell.COST, "shock": shell.COST, "adherence": shell.SPLIT}
ALERT_STEPS = {"unpriced": "Add the rate", "undeclared_workflow": "Declare it", "cost_mismatch": "Compare the rates"}


@dataclass(frozen=True)
class Decision:
    title: str
    why: str
    owner: str
    page: str
    step: str
    filters: Mapping[str, str] = field(default_factory=dict)


def due(p: Published, alerts: Rows, workspace: Workspace) -> list[Decision]:
    """Switches first (most saved first), then experiments, then alerts of high and medium severity."""
    found = p.recommendations["recommendations"]
    switches = sorted((r for r in found if r["decision"] == "switch"), key=_saving, reverse=True)
    experiments = [r for r in found if r["decision"] == "experiment"]
    open_alerts = [a for a in alerts if a["severity"] in ("high", "medium")]
    return [
        *(_recommended(r, workspace) for r in [*switches, *experiments]),
        *(
            _alert(kind, [a for a in open_alerts if a["kind"] == kind])
            for kind in dict.fromkeys(a["kind"] for a in open_alerts)
        ),
    ]


def month(item: Mapping[str, Any]) -> Decimal | None:
    """The saving a month, in the currency shown; the document holds it as text."""
    return formats.currency()(None if item["saving_usd_month"] is None else Decimal(item["saving_usd_month"]))


def _saving(item: Mapping[str, Any]) -> tuple[Decimal, float]:
    return month(item) or Decimal(0), item["saving_share"] or 0.0


def routes(item: Mapping[str, Any]) -> str:
    """`gpt-5-mini 25 %, claude-opus-5-5 75 %`."""
    return ", ".join(f"{names.model(r['model'])} {formats.share(r['share'])}" for r in item["routes"])


def _recommended(item: Mapping[str, Any], workspace: Workspace) -> Decision:
    task = f"{names.human(item['workflow'])}: {names.within(item['task_type'])}"
    workflow = workspace.workflows.get(item["workflow"])
    owner = (workflow.owner if workflow else None) or "no owner declared"
    filters = {"task": names.task(item["workflow"], item["task_type"])}
    if item["decision"] == "switch":
        dollars = f", {formats.money(month(item))} a month" if month(item) is not None else ""
        why = (
            f"{formats.plural(item['items'], 'pair')}, grade {item['grade']}: keeps {formats.share(item['retention'])} of the quality and saves "
            f"{formats.share(item['saving_share'])} of its cost{dollars}."
        )
        return Decision(f"Switch {task} to {routes(item)}", why, owner, shell.SPLIT, "Read and approve", filters)
    wanted = item["experiment"] or {}
    cost = f", {formats.money(formats.currency()(Decimal(wanted['cost_usd'])))}" if wanted.get("cost_usd") else ""
    why = (
        f"Not enough evidence to decide. {formats.plural(wanted['pairs'], 'more pair')} would settle it: "
        f"{formats.plural(wanted['days'], 'day')} of present traffic{cost}."
        if wanted.get("pairs")
        else item["reason"]
    )
    return Decision(f"Experiment on {task}", why, owner, shell.SPLIT, "See what it takes", filters)


def _alert(kind: str, rows: Rows) -> Decision:
    """All open alerts of one kind: what they are about, on how many days, and the latest in its own words if it is alone."""
    about = formats.listing(
        f"{row['subject']}" + (f" on {formats.plural(row['days'], 'day')}" if row["days"] > 1 else "")
        for row in rows[:4]
    ) + (f" and {len(rows) - 4} more" if len(rows) > 4 else "")
    return Decision(
        names.alert(kind),
        f"{about}: {rows[0]['detail']}" if len(rows) == 1 else f"{about}.",
        f"{names.SEVERITIES.get(rows[0]['severity'], rows[0]['severity'])} severity",
        ALERT_PAGES.get(kind, shell.HEALTH),
        ALERT_STEPS.get(kind, "See the data"),
    )
