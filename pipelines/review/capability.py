"""The first question: which tasks need the dearest capability, declared and proven?

What a task type is declared to need stands in outlay.yaml, what it runs on in the requests, what is proven in the
paired evaluations: a switch proves that a lower tier is enough; a kept model of grade A whose cheaper candidate stays
below the promise even at the upper end of its interval proves the need.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pipelines.outcomes.ratios import quotient
from pipelines.publish import formats
from pipelines.publish.names import model, task_within, within
from pipelines.review.document import Question, Task
from pipelines.review.facts import Facts
from pipelines.review.steps import Step, experiment_step, switch_step
from pipelines.workspace.model import Workspace

QUESTION = "Which tasks need the dearest capability?"


@dataclass(frozen=True)
class DearTask:
    """Spend of one task type on models of a higher tier than its declared capability needs."""

    workflow: str
    task_type: str
    needed: str
    tier: str
    dear_usd: Decimal


@dataclass(frozen=True)
class Dear:
    spend_usd: Decimal  #: of all task types, on models of any tier or none
    tasks: tuple[DearTask, ...]  #: most dollars first
    undeclared_usd: Decimal  #: spend that can't be judged: no declared capability, or a model of no tier

    @property
    def dear_usd(self) -> Decimal:
        return sum((t.dear_usd for t in self.tasks), Decimal(0))

    @property
    def share(self) -> Decimal | None:
        return quotient(self.dear_usd, self.spend_usd)


def dear(task_spend: Iterable[Mapping[str, Any]], workspace: Workspace) -> Dear:
    """Where the tier of the model is above the tier that the declared capability of the task type needs."""
    ranks = {tier.name: tier.rank for tier in workspace.tiers}
    total, unjudged = Decimal(0), Decimal(0)
    tasks: dict[tuple[str, str, str, str], Decimal] = {}
    for row in task_spend:
        spend = row["spend_usd"] or Decimal(0)
        total += spend
        needed = needed_tier(workspace, row)
        if needed is None or row["tier"] not in ranks:
            unjudged += spend
        elif ranks[row["tier"]] > ranks[needed] and spend > 0:
            key = (row["workflow"], row["task_type"], needed, row["tier"])
            tasks[key] = tasks.get(key, Decimal(0)) + spend
    found = [DearTask(*key, spend) for key, spend in tasks.items()]
    return Dear(total, tuple(sorted(found, key=lambda t: (-t.dear_usd, t.workflow, t.task_type))), unjudged)


def needed_tier(workspace: Workspace, row: Mapping[str, Any]) -> str | None:
    """The tier of the capability that outlay.yaml declares for a row's workflow and task type."""
    workflow = workspace.workflows.get(row["workflow"] or "")
    capability = workflow.tasks.get(row["task_type"] or "") if workflow else None
    return workspace.capabilities.get(capability) if capability else None


def tasks(f: Facts) -> tuple[Task, ...]:
    """Every task type with requests in the 28 days, most spend first."""
    served: dict[tuple[str, str], dict[str | None, Decimal]] = {}
    priced: set[tuple[str, str]] = set()
    for row in f.task_days:
        if row["day"] >= f.period_first and row["task_type"]:
            tiers = served.setdefault((row["workflow"], row["task_type"]), {})
            tiers[row["tier"]] = tiers.get(row["tier"], Decimal(0)) + (row["spend_usd"] or 0)
            if row["spend_usd"] is not None:
                priced.add((row["workflow"], row["task_type"]))
    advice = {(r["workflow"], r["task_type"]): r for r in f.recommendations}
    made = []
    for (workflow, name), tiers in served.items():
        declared = f.config.workflows[workflow].tasks.get(name)
        tier = max(tiers.items(), key=lambda one: (one[1], one[0] or ""))[0]
        proven, evidence = _proven(f, workflow, tier, advice.get((workflow, name)))
        made.append(
            Task(
                workflow=workflow, task_type=name, capability=declared,
                declared_tier=f.config.capabilities.get(declared) if declared else None, served_tier=tier,
                proven=proven, evidence=evidence, spend_usd=sum(tiers.values(), Decimal(0)) if (workflow, name) in priced else None,
                finding=next((d["text"] for d in f.disagreements if (d["workflow"], d["task_type"]) == (workflow, name)), None),
            )
        )  # fmt: skip
    return tuple(sorted(made, key=lambda t: (-(t.spend_usd or 0), t.workflow, t.task_type)))


def _proven(f: Facts, workflow: str, tier: str | None, advice: Mapping[str, Any] | None) -> tuple[str, str]:
    if advice is None:
        return "not proven", "no evaluation"
    if tier is not None and tier == min(f.config.tiers, key=lambda one: one.rank).name and advice["decision"] == "keep":
        return f"{tier} serves it", "the lowest tier"
    pairs = formats.plural(advice["items"], "pair")
    if advice["decision"] == "switch":
        most = max(advice["routes"], key=lambda route: (route["share"], route["model"]))
        cheap = f.config.tier_of(most["model"]) or _tier(f, most["model"]) or model(most["model"])
        kept = formats.share(advice["retention"])
        return f"{cheap} is enough", f"{pairs}: {model(most['model'])} keeps {kept} of the quality"
    quality = f.config.workflows[workflow].quality
    if quality.protected:
        return "not proven", "protected: its models are never changed"
    high = advice["retention_high"]
    if (
        advice["decision"] == "keep"
        and advice["grade"] == "A"
        and high is not None
        and high < quality.retention
        and tier
    ):
        return f"needs {tier}", f"{pairs}: {model(advice['candidate_model'])} keeps at most {formats.share(high)}"
    if advice["experiment"] and advice["experiment"]["pairs"]:
        return (
            "not proven",
            f"{pairs if advice['items'] else 'no pair'}, {formats.count(advice['experiment']['pairs'])} more would settle it",
        )
    return "not proven", pairs if advice["items"] else "no pair of evaluations"


def _tier(f: Facts, name: str) -> str | None:
    """The tier of a dated model name: the one that lists the name it begins with."""
    return next((t.name for t in f.config.tiers for listed in t.models if name.startswith(f"{listed}-")), None)


def question(f: Facts, known: tuple[Task, ...]) -> Question:
    """Red where declaration, traffic and evidence disagree, or where nothing is declared to compare with."""
    top = max(f.config.tiers, key=lambda tier: tier.rank, default=None)
    if top is None or not known:
        return Question(
            key="capability", question=QUESTION, state="red",
            finding="No request names a task type." if top else "outlay.yaml declares no tiers, so nothing can be compared.",
            step="declare tiers, capabilities and each workflow's tasks in outlay.yaml" if not top else "tag requests with task_type",
            command="outlay check", takes="an hour",
        )  # fmt: skip
    said = _needs(top.name, known)
    by_spend = {(t.workflow, t.task_type): t.spend_usd or Decimal(0) for t in known}
    found = sorted(
        (d for d in f.disagreements if (d["workflow"], d["task_type"]) in by_spend),
        key=lambda d: (-by_spend[d["workflow"], d["task_type"]], d["workflow"], d["task_type"], d["kind"]),
    )
    if not found:
        return Question(
            key="capability", question=QUESTION, state="green",
            finding=f"{said} Declaration, traffic and evidence agree on every task type.", step=None, command=None, takes=None,
        )  # fmt: skip
    advice = {(r["workflow"], r["task_type"]): r for r in f.recommendations}
    first = min(found, key=lambda d: _urgency(advice.get((d["workflow"], d["task_type"]))))
    step = _step(f, first, advice.get((first["workflow"], first["task_type"])))
    dollars = sum((by_spend[key] for key in {(d["workflow"], d["task_type"]) for d in found}), Decimal(0))
    where = formats.listing(
        f"{task_within(d['workflow'], d['task_type'])} {_disagrees(d)}, {f.money(by_spend[d['workflow'], d['task_type']])}"
        for d in found[:3]
    )
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    return Question(
        key="capability", question=QUESTION, state="red",
        finding=f"{said} Not as declared or proven, {f.money(dollars)} in 28 days: {where}{more}.",
        step=step.text, command=step.command, takes=step.takes,
    )  # fmt: skip


def _needs(top: str, known: tuple[Task, ...]) -> str:
    declared = [t for t in known if t.declared_tier == top]
    proven = [within(t.task_type) for t in declared if t.proven == f"needs {top}"]
    open_ = [within(t.task_type) for t in declared if t.proven == "not proven"]
    if not declared:
        return f"No task type in use is declared to need {top}."
    said = f"Declared to need {top}: {formats.listing(within(t.task_type) for t in declared)}."
    said += f" Proven to: {formats.listing(proven)}." if proven else " Proven to: none."
    return said + (f" Not proven: {formats.listing(open_)}." if open_ else "")


def _disagrees(found: Mapping[str, Any]) -> str:
    return {
        "undeclared": "is declared by nobody",
        "served_above": f"runs on {found['served_tier']}, declared {found['declared_tier']}",
        "served_below": f"runs on {found['served_tier']} only, declared {found['declared_tier']}",
        "proven_below": f"is proven on {found['proven_tier']}, declared {found['declared_tier']}",
    }[found["kind"]]


def _urgency(advice: Mapping[str, Any] | None) -> int:
    """What evidence already settles comes first."""
    return {"switch": 0, "experiment": 1}.get(advice["decision"] if advice else "", 2)


def _step(f: Facts, found: Mapping[str, Any], advice: Mapping[str, Any] | None) -> Step:
    where = f"workflows.{found['workflow']}.tasks.{found['task_type']}"
    if found["kind"] == "undeclared":
        return Step(f"say in outlay.yaml which capability it needs ({where})", "outlay check", "minutes")
    if advice and advice["decision"] == "switch":
        return switch_step(f, advice)
    if advice and advice["decision"] == "experiment" and found["kind"] == "served_above":
        return experiment_step(f, advice)
    return Step(f"declare in outlay.yaml what the evidence and the traffic say ({where})", "outlay check", "minutes")
