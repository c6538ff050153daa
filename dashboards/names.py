"""The one home for names: workflows, models, reasons and kinds as people say them. Titles of columns are in columns.py."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from dashboards import formats
from pipelines.publish.names import human as human
from pipelines.publish.names import model as model
from pipelines.publish.names import task as task
from pipelines.publish.names import within as within

REASONS = {
    "no_workflow": "No workflow named",
    "undeclared_workflow": "Workflow not declared",
    "no_unit": "No unit named",
    "idle_capacity": "Provisioned capacity stood idle",
    "unmet_commitment": "Committed spend not used",
}
ALERTS = {
    "cost_mismatch": "Recorded cost differs from the rate book",
    "unpriced": "Model without a rate",
    "undeclared_workflow": "Workflow not declared",
    "schema_drift": "Records lost a field they need",
    "sampling": "Logs hold a part of the calls",
    "source_overlap": "Two sources see the same calls",
    "reconciliation": "Bill and meter disagree",
    "adherence": "Traffic leaves the approved split",
    "budget": "Budget at risk",
    "drift": "Cost per outcome drifts",
    "shock": "Cost per outcome jumped",
}
SEVERITIES = {"high": "High", "medium": "Medium", "low": "Low"}
ALARMS = {"drift": "Lasting change", "shock": "Single day"}
STATUSES = {
    "open": "Open", "closed": "Closed: back in its range", "acknowledged": "Acknowledged",
    "over": "Over budget", "at risk": "Forecast above budget", "on track": "On track",
}  # fmt: skip
FACTORS = {
    "price": ("Price", "what the same tokens of the same models cost"),
    "model_mix": ("Model mix", "which models did the same work"),
    "tokens": ("Tokens", "how many tokens one try took"),
    "attempts": ("Attempts", "how many tries one outcome took"),
    "outcome_mix": ("Outcome mix", "which workflows the outcomes came from"),
}
DECISIONS = {"switch": "Switch", "keep": "Keep", "experiment": "Experiment"}


def reason(name: str | None) -> str:
    return REASONS.get(name or "", human(name))


def alert(kind: str | None) -> str:
    return ALERTS.get(kind or "", human(kind))


def alarm(kind: str | None) -> str:
    return ALARMS.get(kind or "", human(kind))


def status(name: str | None) -> str:
    return STATUSES.get(name or "", human(name))


def factor(name: str | None) -> str:
    return FACTORS[name][0] if name in FACTORS else human(name)


def budget(scope: str, value: str) -> str:
    """What a budget is for: `Claims decision`, `Team legal-ops`, `All spend`."""
    return "All spend" if scope == "total" else human(value) if scope == "workflow" else f"{human(scope)} {value}"


def contributor(row: Mapping[str, Any], workflow: str) -> tuple[str, str]:
    """Who moved a factor of a workflow's bridge, and what of it: `Contract review, clause extraction`, `gpt-5.4, input`.

    The workflow is left out where the bridge is its own and a task type or model says more.
    """
    who = [row["of_workflow"]] if workflow == "*" or not (row["task_type"] or row["model"]) else []
    who += [row["task_type"]] if row["task_type"] else []
    what = [model(row["model"])] if row["model"] else []
    what += [within(row["token_class"])] if row["token_class"] else []
    if not who:
        return ", ".join(what), ""
    return ", ".join([human(who[0]), *(within(name) for name in who[1:])]), ", ".join(what)


def month(value: str | None) -> str:
    """`2026-11` -> `November 2026`."""
    return formats.UNKNOWN if not value else f"{date.fromisoformat(f'{value}-01'):%B %Y}"
