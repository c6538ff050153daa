"""The third question: what changed since the last review?"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from decimal import Decimal

from pipelines.publish import formats
from pipelines.publish.names import human, within
from pipelines.review.document import Change, Question
from pipelines.review.facts import Facts, Row
from pipelines.review.four_numbers import Alarm, Cost, Drift, WorkflowCost
from pipelines.review.numbers import alarm_said

QUESTION = "What changed since the last review?"
NOTICED = Decimal("0.05")  #: a workflow's change on the week that is worth a line
LEAST = 5  #: outcomes in a week that a change is told of


def changes(f: Facts, cost: Cost, drift: Drift) -> tuple[Change, ...]:
    """Cost by workflow, alarms, budgets, restated days; the open alarms first."""
    return (
        *(_alarm(f, a) for a in drift.alarms if a.open),
        *_over(drift),
        *(_moved(f, w) for w in sorted(cost.workflows, key=_size) if _worth_a_line(w)),
        *_budgets(f),
        *(
            Change(about="restated", what=f"{human(r['workflow'])}: late data or a changed workspace file restated {formats.plural(r['days'], 'day')}.", good=None)
            for r in f.restated
        ),
    )  # fmt: skip


def _size(w: WorkflowCost) -> tuple[Decimal, str]:
    return -abs((w.index or Decimal(1)) - 1), w.workflow


def _worth_a_line(w: WorkflowCost) -> bool:
    return w.index is not None and abs(w.index - 1) >= NOTICED and w.outcomes >= LEAST


def _moved(f: Facts, w: WorkflowCost) -> Change:
    assert w.index is not None
    noticed = next((s["minimum_detectable"] for s in f.states if s["workflow"] == w.workflow), None)
    change = w.index - 1
    within_noise = noticed is not None and abs(change) < noticed
    tail = f", within its noise ({formats.share(noticed)})" if within_noise else ""
    return Change(
        about="cost", what=f"{human(w.workflow)}: one {w.unit} cost {f.per(w.after_usd)} after {f.per(w.before_usd)} the week before "
        f"({formats.change(change)}){tail}.",
        good=None if within_noise else change < 0,
    )  # fmt: skip


def _alarm(f: Facts, a: Alarm) -> Change:
    return Change(
        about="alarm",
        what=f"{a.kind.capitalize()} in {within(a.workflow)}, open: {alarm_said(f, a)}.",
        good=a.change < 0,
    )


def _over(drift: Drift) -> Iterator[Change]:
    """Alarms of the week and since that are over, one line for those of a kind."""
    found: dict[tuple[str, str, str], list[Alarm]] = {}
    for a in drift.alarms:
        if not a.open:
            found.setdefault((a.workflow, a.kind, a.status), []).append(a)
    for (workflow, kind, status), alarms in sorted(found.items()):
        when = formats.listing(
            formats.day(a.detected_day, year=False) for a in sorted(alarms, key=lambda a: a.detected_day)
        )
        ended = "acknowledged" if status == "acknowledged" else "closed, as the next day was back in its band"
        yield Change(
            about="alarm over",
            what=f"{human(workflow)}: {formats.plural(len(alarms), kind)} ({when}), {ended}.",
            good=None,
        )


def endangered(f: Facts) -> list[Row]:
    """Budgets that are over or at risk, in money or per outcome."""
    return [r for r in f.budgets if r["status"] in ("over", "at risk") or r["per_outcome_status"] == "over"]


def budget_name(row: Row) -> str:
    if row["scope"] == "workflow":
        return human(row["workflow"])
    return "All spend" if row["scope"] == "total" else f"{human(row['scope'])} {row['value']}"


def budget_said(f: Facts, row: Row) -> str:
    """`$120.66 of $480.00 spent in 2026-11, forecast $502.17 (90 %: $340.70 to $782.12), used up on 29 Nov`."""
    said = []
    if row["budget_usd"] is not None and row["status"] in ("over", "at risk"):
        said.append(f"{f.money(row['spend_to_date_usd'])} of {f.money(row['budget_usd'])} spent in {row['month']}")
        if row["forecast_usd"] is not None and not row["final"]:
            reach = (
                ""
                if row["forecast_low_usd"] is None
                else f" (90 %: {f.money(row['forecast_low_usd'])} to {f.money(row['forecast_high_usd'])})"
            )
            said.append(f"forecast {f.money(row['forecast_usd'])}{reach}")
        if row["run_out_day"]:
            said.append(f"used up on {formats.day(row['run_out_day'])}")
    if row["per_outcome_status"] == "over":
        said.append(
            f"an outcome costs {f.per(row['cost_per_outcome_usd'])}, planned {f.per(row['per_outcome_budget_usd'])}"
        )
    return ", ".join(said)


def _budgets(f: Facts) -> Iterator[Change]:
    for row in endangered(f):
        yield Change(
            about="budget",
            what=f"{budget_name(row)}, budget {row['status'] or 'per outcome over'}: {budget_said(f, row)}.",
            good=False,
        )


def question(f: Facts, cost: Cost, drift: Drift, found: tuple[Change, ...]) -> Question:
    """Red where an alarm about a rise is open, a budget is over or at risk, or two weeks can't be compared."""
    rising = [a for a in drift.alarms if a.open and a.change > 0]
    budgets = endangered(f)
    if rising:
        top = rising[0]
        because = f" Largest contributor when it began: {top.cause}." if top.cause else ""
        also = f" {formats.plural(len(budgets), 'budget')} at risk or over." if budgets else ""
        return _red(
            f"{human(top.workflow)}: {alarm_said(f, top)}.{because}{also}",
            "take the cause out; or acknowledge it, with --rebase where the new level is right",
            f"outlay acknowledge {top.alarm} --by {shlex.quote(f.by)} --reason WHY",
            "minutes to acknowledge, plus the time that the cause takes",
        )  # fmt: skip
    if budgets:
        row = budgets[0]
        return _red(
            f"{budget_name(row)}: {budget_said(f, row)}.", "spend less, or plan more from a day on (budget: in outlay.yaml)",
            "outlay export budgets", "minutes to plan anew; to spend less, as long as the cause takes",
        )  # fmt: skip
    if cost.index is None:
        return _red(
            cost.finding,
            "send outcomes of two whole weeks",
            "outlay check",
            "two weeks and the days that outcomes take",
        )
    lines = [c.what for c in found if c.good is not None]
    told = f" {' '.join(lines[:2])}" if lines else ""
    return Question(
        key="change", question=QUESTION, state="green", step=None, command=None, takes=None,
        finding=f"No alarm about a rise is open, no budget is at risk; like for like {formats.change(cost.index - 1)}.{told}",
    )  # fmt: skip


def _red(finding: str, step: str, command: str, takes: str) -> Question:
    return Question(
        key="change", question=QUESTION, state="red", finding=finding, step=step, command=command, takes=takes
    )
