"""What waits for somebody: recommendations, alarms, budgets and alerts, each with its owner and the page that settles it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from dashboards import formats, history, names, shell
from dashboards.queries import Rows
from pipelines.storage.published import Published
from pipelines.workspace.model import Workspace

ALERT_PAGES = {"adherence": shell.SPLIT, "route_health": shell.SPLIT}
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
    """Switches first (most saved first), open alarms, budgets at risk, experiments, alerts of high and medium severity."""
    found = p.recommendations["recommendations"]
    switches = sorted((r for r in found if r["decision"] == "switch"), key=_saving, reverse=True)
    experiments = [r for r in found if r["decision"] == "experiment"]
    settled_elsewhere = ("drift", "shock", "budget")
    open_alerts = [a for a in alerts if a["severity"] in ("high", "medium") and a["kind"] not in settled_elsewhere]
    present = history.budgets(p, present=True)
    return [
        *(_recommended(r, workspace) for r in switches),
        *(_alarm(a, workspace) for a in history.alarms(p) if a["status"] == "open"),
        *(_budget(b, workspace) for b in present if b["status"] in ("over", "at risk")),
        *(_recommended(r, workspace) for r in experiments),
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


def _whole(item: Mapping[str, Any]) -> str:
    """The routes; of one model that takes everything only its name."""
    alone = item["routes"][0] if len(item["routes"]) == 1 else None
    return names.model(alone["model"]) if alone else routes(item)


def _recommended(item: Mapping[str, Any], workspace: Workspace) -> Decision:
    task = names.task_within(item["workflow"], item["task_type"])
    owner = _owner(item["workflow"], workspace)
    filters = {"task": names.task(item["workflow"], item["task_type"])}
    if item["decision"] == "switch":
        dollars = f", {formats.money(month(item))} a month" if month(item) is not None else ""
        why = (
            f"{formats.plural(item['items'], 'pair')}, grade {item['grade']}: keeps {formats.share(item['retention'])} of the quality and saves "
            f"{formats.share(item['saving_share'])} of its cost{dollars}."
        )
        return Decision(f"Switch {task} to {_whole(item)}", why, owner, shell.SPLIT, "Read and approve", filters)
    wanted = item["experiment"] or {}
    cost = f", {formats.money(formats.currency()(Decimal(wanted['cost_usd'])))}" if wanted.get("cost_usd") else ""
    why = (
        f"Not enough evidence to decide. {formats.plural(wanted['pairs'], 'more pair')} would settle it: "
        f"{formats.plural(wanted['days'], 'day')} of present traffic{cost}."
        if wanted.get("pairs")
        else item["reason"]
    )
    return Decision(f"Run an experiment on {task}", why, owner, shell.SPLIT, "See what it takes", filters)


def _owner(name: str, workspace: Workspace) -> str:
    workflow = workspace.workflows.get(name)
    return (workflow.owner if workflow else None) or "no owner declared"


def _alarm(alarm: Mapping[str, Any], workspace: Workspace) -> Decision:
    workflow = alarm["workflow"]
    monthly = (
        f", {formats.money(abs(alarm['month_usd']))} a month at present outcomes"
        if alarm["month_usd"] is not None
        else ""
    )
    return Decision(
        f"{names.human(workflow)} costs {formats.share(abs(alarm['change']))} {'more' if alarm['change'] > 0 else 'less'} per outcome "
        f"since {formats.day(alarm['since_day'], year=False)}",
        f"{formats.unit_cost(alarm['before_usd'])} became {formats.unit_cost(alarm['after_usd'])}{monthly}. Find the cause, or accept it.",
        _owner(workflow, workspace),
        shell.CHANGES,
        "See and acknowledge",
        {"workflow": names.human(workflow)},
    )


def _budget(budget: Mapping[str, Any], workspace: Workspace) -> Decision:
    name = names.budget(budget["scope"], budget["value"])
    ends = f"{formats.money(budget['forecast_usd'])} against {formats.money(budget['budget_usd'])}"
    title = {
        "over": f"{name} has used up its {names.month(budget['month'])} budget",
        "at risk": f"{name} heads for more than its {names.month(budget['month'])} budget",
    }[budget["status"]]
    if budget["budget_usd"] is None:
        title = f"{name} costs more per outcome than planned"
        ends = f"{formats.unit_cost(budget['cost_per_outcome_usd'])} against {formats.unit_cost(budget['per_outcome_budget_usd'])} an outcome"
    happens = "used up" if budget["status"] == "over" else "runs out"
    day = f"; {happens} on {formats.day(budget['run_out_day'], year=False)}" if budget["run_out_day"] else ""
    owner = _owner(budget["value"], workspace) if budget["scope"] == "workflow" else name
    return Decision(title, f"{ends}{day}.", owner, shell.BUDGETS, "See the forecast", {"budget": name})


def _alert(kind: str, rows: Rows) -> Decision:
    """All open alerts of one kind: what they are about, on how many days, and the latest in its own words if it is alone."""
    about = formats.listing(
        f"{row['subject']}" + (f" on {formats.plural(row['days'], 'day')}" if row["days"] > 1 else "")
        for row in rows[:4]
    ) + (f" and {len(rows) - 4} more" if len(rows) > 4 else "")
    return Decision(
        names.alert(kind),
        names.dated(f"{about}: {rows[0]['detail']}.") if len(rows) == 1 else f"{about}.",
        f"{names.SEVERITIES.get(rows[0]['severity'], rows[0]['severity'])} severity",
        ALERT_PAGES.get(kind, shell.HEALTH),
        ALERT_STEPS.get(kind, "See the data"),
    )
