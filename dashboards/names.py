"""The one home for names: workflows, models, reasons and kinds as people say them. Titles of columns are in columns.py."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from dashboards import formats
from pipelines.exports.focus_skus import SERVICES
from pipelines.publish.names import human as human
from pipelines.publish.names import missing_rates as missing_rates
from pipelines.publish.names import model as model
from pipelines.publish.names import task as task
from pipelines.publish.names import task_within as task_within
from pipelines.publish.names import within as within

_ISO_DAY = re.compile(r"(?<![\w:-])\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])(?![\w-])")
_ISO_MONTH = re.compile(r"(?<![\w:-])\d{4}-(?:0[1-9]|1[0-2])(?![\w-])")
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
    "route_health": "A routed model fails or is slow",
    "budget": "Budget at risk",
    "drift": "Cost per outcome drifts",
    "shock": "Cost per outcome jumped",
}
SEVERITIES = {"high": "High", "medium": "Medium", "low": "Low"}
ALARMS = {"drift": "Lasting change", "shock": "Single day"}
STATUSES = {
    "open": "Open", "closed": "Closed: back in its range", "acknowledged": "Acknowledged",
    "canary": "On its way", "hold": "On hold", "promoted": "At the approved share", "rolled_back": "Rolled back",
    "expired": "Expired", "superseded": "Followed by another change",
    "over": "Over budget", "at risk": "Forecast above budget", "on track": "On track", "held": "Within budget",
    "unpriced": "Spend has no price",
}  # fmt: skip
FACTORS = {
    "price": ("Price", "what the same tokens of the same models cost"),
    "model_mix": ("Model mix", "which models did the same work"),
    "tokens": ("Tokens", "how many tokens one try took"),
    "attempts": ("Attempts", "how many tries one outcome took"),
    "outcome_mix": ("Outcome mix", "which workflows the outcomes came from"),
}
GUARDS = {
    "quality": "Quality", "cost": "Cost per good outcome", "errors": "Errors", "latency": "Latency", "share": "Share of requests",
}  # fmt: skip
RESIDUALS = {
    "not metered": ("Never logged", "billed, and in no log"),
    "not billed": ("Logged, not billed", "in the logs, and on no bill"),
    "tools": ("Tools", "web search, code execution and the like"),
    "rate difference": ("Other price", "the same tokens at another price or tier"),
    "day cut": ("Day cut", "the bill's UTC days against ours"),
    "credits and discounts": ("Credits and discounts", "taken off by the provider"),
    "tax": ("Tax", "on top of what was used"),
    "correction": ("Correction", "of another month, billed in this one"),
    "unpriced": ("No rate", "billed calls of models without a rate"),
    "recorded twice": ("Recorded twice", "two logs hold the same calls"),
    "rounding": ("Rounding", "within the last digit of the bill"),
    "unexplained": ("Without a name", "what nothing explains"),
    "no bill": ("No bill", "metered for providers without a bill"),
}
CLOSE_STATUSES = {
    "reconciled": "Reconciled", "open": "Bill not complete", "red": "Above the threshold", "no bill": "No bill",
}  # fmt: skip
METHODS = {"rule": "Rule in outlay.yaml", "assign": "Assign rule", "unattributed": "Nothing maps it"}
DRIVERS = {
    "requests": "Requests",
    "tokens": "Tokens",
    "spend": "Spend",
    "outcomes": "Outcomes",
    "equal": "In equal parts",
}
DECISIONS = {"switch": "Switch", "keep": "Keep", "experiment": "Experiment"}


def reason(name: str | None) -> str:
    return REASONS.get(name or "", human(name))


def alert(kind: str | None) -> str:
    return ALERTS.get(kind or "", human(kind))


def severity(name: str | None) -> str:
    return SEVERITIES.get(name or "", human(name))


def guard(name: str) -> str:
    return GUARDS.get(name, human(name))


def alarm(kind: str | None) -> str:
    return ALARMS.get(kind or "", human(kind))


def status(name: str | None) -> str:
    return STATUSES.get(name or "", human(name))


def factor(name: str | None) -> str:
    return FACTORS[name][0] if name in FACTORS else human(name)


def residual(item: str) -> tuple[str, str]:
    """A difference between bill and meter as people say it, and what it is."""
    return RESIDUALS.get(item, (human(item), ""))


def provider(name: str | None) -> str:
    """`openai` -> `OpenAI`; one that nobody named stays as the logs name it."""
    return SERVICES[name][0] if name in SERVICES else name or formats.UNKNOWN


def close_status(name: str | None) -> str:
    return CLOSE_STATUSES.get(name or "", human(name))


def driver(name: str | None) -> str:
    return DRIVERS.get(name or "", human(name))


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


def dated(words: str) -> str:
    """A text of the last run with its days as they are written on screens: `2026-10-27` -> `27 Oct 2026`; ids keep theirs.

    A month too: `2026-11` -> `November 2026`.
    """
    days = _ISO_DAY.sub(lambda found: formats.day(date.fromisoformat(found[0])), words)
    return _ISO_MONTH.sub(lambda found: month(found[0]), days)


def month(value: str | None) -> str:
    """`2026-11` -> `November 2026`."""
    return formats.UNKNOWN if not value else f"{date.fromisoformat(f'{value}-01'):%B %Y}"
