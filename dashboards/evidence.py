"""A recommendation in plain words: what it says, what it rests on, and how sure it is."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from dashboards import formats, names
from dashboards.decisions import month, routes
from dashboards.queries import Rows
from dashboards.week import needed_tier
from pipelines.workspace.model import Workspace

Item = Mapping[str, Any]
CONFIDENCE = Decimal("0.9")
_ORDER = {"switch": 0, "experiment": 1, "keep": 2}
_AS_NAMED = ("Today", "Proposed")  #: facts that begin with a model's name
_STRATUM_FIGURES = (
    "items", "quality_reference", "retention", "retention_low", "retention_high", "saving_share", "saving_low", "saving_high",
)  # fmt: skip
GRADES = {
    "A": "A: the same items answered by both models and marked, or a randomised share. Only this grade switches.",
    "B": "B: live traffic with comparable difficulty. It can ask for a canary.",
    "C": "C: no comparison that would hold. It can only ask for an experiment.",
}


def key(item: Item) -> str:
    return f"{item['workflow']}/{item['task_type']}"


def rows(document: Mapping[str, Any]) -> Rows:
    """One row a task type as the table shows it: switches first, dearest saving first."""
    found = [
        {
            **{k: v for k, v in item.items() if k not in ("routes", "experiment")},
            "today": item["reference_model"],
            "proposed": routes(item) if item["decision"] == "switch" else "–",
            "retention_said": with_interval(item, "retention", "retention"),
            "saving_said": with_interval(item, "saving_share", "saving"),
            "saving": item["saving_share"],
            "saving_usd_month": month(item),
        }
        for item in document["recommendations"]
    ]
    return sorted(
        found,
        key=lambda r: (
            _ORDER.get(r["decision"], 3),
            -(r["saving_usd_month"] or 0),
            -(r["saving"] or 0),
            r["workflow"],
            r["task_type"],
        ),
    )


def strata(item: Item) -> Rows:
    """One row a recorded stratum, most traffic first: what of it moves and what that keeps and saves. Empty where strata make
    no difference, or the set is older than they are.
    """
    return [
        {
            "stratum": part["stratum"],
            "requests_share": part["requests_share"],
            "moved_share": sum(r["share"] for r in part["routes"] if r["model"] != item["reference_model"]),
            "stratum_served": routes(part),
            "decision": part["decision"],
            "retention_said": with_interval(part, "retention", "retention") + _if_moved(part, "retention"),
            "saving_said": with_interval(part, "saving_share", "saving") + _if_moved(part, "saving_share"),
            **{key: part[key] for key in _STRATUM_FIGURES},
            "saving_usd_month": month(part) if part["decision"] == "switch" else None,
            "reason": part["reason"],
        }
        for part in sorted(item.get("strata") or (), key=lambda part: (-part["requests_share"], part["stratum"]))
    ]


def _if_moved(part: Item, figure: str) -> str:
    """What stays is told by the best candidate's figures, and must not be read as what happens."""
    return " if moved" if part["decision"] != "switch" and part[figure] is not None else ""


def with_interval(item: Item, value: str, bounds: str) -> str:
    """`89 % (88.7–88.9 %)`."""
    if item[value] is None:
        return formats.UNKNOWN
    return f"{formats.share(item[value])} ({formats.interval(item[f'{bounds}_low'], item[f'{bounds}_high'])})"


def headline(item: Item) -> str:
    task = names.human(item["task_type"])
    if item["decision"] == "switch":
        return f"{task}: switch to {routes(item)}"
    if item["decision"] == "experiment":
        return f"{task}: experiment, and keep {names.model(item['reference_model'])} meanwhile"
    return f"{task}: keep {names.model(item['reference_model'])}"


def facts(item: Item, workspace: Workspace, traffic: Rows) -> dict[str, str]:
    """What the recommendation rests on, by name. `traffic` is the last 28 days by task type and model."""
    own = [row for row in traffic if (row["workflow"], row["task_type"]) == (item["workflow"], item["task_type"])]
    spend = sum((row["spend_usd"] or Decimal(0) for row in own), Decimal(0))
    said = {
        "Today": f"{item['reference_model']}: {formats.money(spend)} and {formats.plural(sum(r['requests'] for r in own), 'request')} in 28 days",
    }
    needed = needed_tier(workspace, item)
    served = workspace.tier_of(item["reference_model"])
    if needed:
        said["Declared need"] = f"the {needed} tier" + (f"; today's model is {served}" if served else "")
    if item["decision"] == "switch":
        said["Proposed"] = routes(item)
    if item["quality_reference"] is not None:
        said["Quality today"] = (
            f"{formats.share(item['quality_reference'])} of items marked good, over {formats.plural(item['items'], 'pair')}"
        )
    if item["retention"] is not None:
        what = "the proposed mix keeps" if item["decision"] == "switch" else "the best candidate would keep"
        said["Quality kept"] = (
            f"{what} {formats.share(item['retention'])} of it; with {formats.share(CONFIDENCE)} confidence {formats.interval(item['retention_low'], item['retention_high'])}"
        )
    if item["saving_share"] is not None:
        dollars = f", {formats.money(month(item))} a month at today's traffic" if month(item) is not None else ""
        said["Saving"] = (
            f"{formats.share(item['saving_share'])} of this task type's cost "
            f"({formats.interval(item['saving_low'], item['saving_high'])}){dollars}"
        )
    said["Confidence"] = GRADES.get(item["grade"], item["grade"])
    workflow = workspace.workflows.get(item["workflow"])
    if workflow:
        said["The promise"] = (
            f"{names.within(item['workflow'])} keeps at least {formats.share(workflow.quality.retention)} of today's quality, and every task type "
            f"at least {formats.share(workflow.quality.floor)}"
        )
    if wanted := item["experiment"]:
        cost = f", {formats.money(formats.currency()(Decimal(wanted['cost_usd'])))}" if wanted.get("cost_usd") else ""
        said["What would settle it"] = (
            f"{formats.plural(wanted['pairs'], 'more pair')}: {formats.plural(wanted['days'], 'day')} of present traffic{cost}"
        )
    return {name: f"{words[:1].upper()}{words[1:]}" if name not in _AS_NAMED else words for name, words in said.items()}
