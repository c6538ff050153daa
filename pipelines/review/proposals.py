"""Decisions that the numbers ask for: each with an owner, its dollars a month and its command. Most dollars first.

What an amount is stands beside it: a switch saves, an experiment saves if it holds, an alarm's change is at stake, a budget
is exceeded, and money moved from the bottom of the ranking to the top brings declared value.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from pipelines.outcomes.period import PERIOD_DAYS
from pipelines.outcomes.ratios import rounded
from pipelines.publish import formats
from pipelines.publish.names import human, model, task_within, within
from pipelines.review.changes import budget_name, budget_said, endangered
from pipelines.review.document import Proposal
from pipelines.review.facts import Facts
from pipelines.review.four_numbers import Alarm, Drift
from pipelines.review.numbers import alarm_said
from pipelines.review.steps import experiment_step, switch_step
from pipelines.routing.history import replay
from pipelines.routing.policy_text import parse_policy
from pipelines.split.traffic import MONTH_DAYS
from pipelines.workspace.decisions import Decision

MOST = 7
#: what moves first from the bottom of the ranking: little, because nobody knows what the next dollar returns at the top
MOVED = Fraction(1, 10)


def proposals(f: Facts, drift: Drift) -> tuple[tuple[Proposal, ...], int]:
    """At most seven, and how many were left out."""
    found = [*_switches(f), *_experiments(f), *_alarms(f, drift), *_budgets(f), *_move(f)]
    order = ("switch", "alarm", "experiment", "budget", "reallocate")
    found.sort(key=lambda p: (p.usd_month is None, -(p.usd_month or 0), order.index(p.kind), p.title))
    return tuple(found[:MOST]), max(0, len(found) - MOST)


def _switches(f: Facts) -> Iterator[Proposal]:
    live = under_way(f.audit)
    for item in f.recommendations:
        if item["decision"] != "switch" or item["id"] in live:
            continue
        step, saved = switch_step(f, item), _decimal(item["saving_usd_month"])
        low, high = _saving_interval(item, saved)
        why = (
            f"{formats.plural(item['items'], 'pair')}, grade {item['grade']}: keeps {formats.share(item['retention'])} of the quality "
            f"(90 %: {formats.interval(item['retention_low'], item['retention_high'])}) and saves {formats.share(item['saving_share'])} "
            f"of its cost."
        )
        to = formats.listing(f"{model(r['model'])} {formats.share(r['share'])}" for r in item["routes"])
        yield Proposal(
            kind="switch", workflow=item["workflow"], title=f"Switch {task_within(item['workflow'], item['task_type'])} to {to}",
            why=why, owner=f.owner(item["workflow"]), usd_month=saved, usd_month_low=low, usd_month_high=high,
            dollars="saved", edit=None, command=step.command, takes=step.takes,
        )  # fmt: skip


def under_way(rows: Sequence[Mapping[str, Any]]) -> set[str]:
    """Ids of recommendations that the live policy rolls out already, or that wait approved."""
    history = replay(rows)
    found: set[str] = set()
    for approval in (history.live, history.approved):
        if approval is not None:
            policy = parse_policy(approval["policy_text"], f"policy version {approval['version']}").policy
            found |= {route.evidence.recommendation_id for route in policy.routes if route.evidence}
    return found


def _saving_interval(item: Mapping[str, Any], saved: Decimal | None) -> tuple[Decimal | None, Decimal | None]:
    """The interval of the saving's share, in dollars of the same traffic."""
    share, low, high = (item[name] for name in ("saving_share", "saving_low", "saving_high"))
    if saved is None or not share or low is None or high is None:
        return None, None
    whole = Fraction(saved) / Fraction(repr(share))
    return rounded(whole * Fraction(repr(low))), rounded(whole * Fraction(repr(high)))


def _experiments(f: Facts) -> Iterator[Proposal]:
    for item in f.recommendations:
        wanted = item["experiment"]
        if item["decision"] != "experiment" or not wanted:
            continue
        step, saved = experiment_step(f, item), _decimal(item["saving_usd_month"])
        low, high = _saving_interval(item, saved)
        dollars = "saved if it holds"
        if saved is None and wanted.get("payback_days") and wanted["cost_usd"]:
            # what is published says after how many days the replays are paid back: at least this a month
            saved = rounded(Fraction(Decimal(wanted["cost_usd"])) * MONTH_DAYS / wanted["payback_days"])
            dollars = "or more, saved if it holds"
        name = task_within(item["workflow"], item["task_type"])
        cost = f.money(_decimal(wanted["cost_usd"])) if wanted["cost_usd"] else "an unknown amount"
        pays = f", paid back in {formats.plural(wanted['payback_days'], 'day')}" if wanted.get("payback_days") else ""
        yield Proposal(
            kind="experiment", workflow=item["workflow"], title=f"Evaluate {model(item['candidate_model'])} on {name}",
            why=f"{formats.plural(item['items'], 'pair') if item['items'] else 'No pair'} so far; {formats.count(wanted['pairs'])} more settle it for {cost} of replays{pays}.",
            owner=f.owner(item["workflow"]), usd_month=saved, usd_month_low=low, usd_month_high=high, dollars=dollars,
            edit=None, command=step.command, takes=step.takes,
        )  # fmt: skip


def _settles(f: Facts, d: Decision, alarm: Alarm) -> bool:
    """Whether a decision is about an alarm; a new baseline accepts whatever is open."""
    if d.workflow != alarm.workflow or d.task_type is not None:
        return False
    if d.kind == "rebase":
        return d.holds_from_day(f.config.reporting.zone) >= alarm.detected_day
    return d.kind == "acknowledge" and (d.alarm, d.detected_day) == (alarm.kind, alarm.detected_day)


def _alarms(f: Facts, drift: Drift) -> Iterator[Proposal]:
    for alarm in drift.alarms:
        if not alarm.open or any(_settles(f, d, alarm) for d in f.decisions):
            continue  # decided already: the next run takes it up
        rose = alarm.change > 0
        because = f" Look first at {alarm.cause}." if alarm.cause else ""
        what = "Find the cause of the" if rose else "Confirm the"
        yield Proposal(
            kind="alarm", workflow=alarm.workflow, title=f"{what} {alarm.kind} in {within(alarm.workflow)}",
            why=f"{_upper(alarm_said(f, alarm))}.{because}", owner=f.owner(alarm.workflow),
            usd_month=abs(alarm.month_usd), usd_month_low=None, usd_month_high=None,
            dollars="more than before" if rose else "less than before",
            edit=None, command=f"outlay acknowledge {alarm.alarm} --by {shlex.quote(f.by)} --reason WHY"
            + ("" if rose else " --rebase"),
            takes="minutes, once the cause is known",
        )  # fmt: skip


def _budgets(f: Facts) -> Iterator[Proposal]:
    for row in endangered(f):
        excess = None
        expected = row["spend_to_date_usd"] if row["final"] else row["forecast_usd"] or row["spend_to_date_usd"]
        if None not in (row["budget_usd"], expected) and expected > row["budget_usd"]:
            excess = expected - row["budget_usd"]
        workflow = row["value"] if row["scope"] == "workflow" else None
        key = f"workflows.{workflow}.budget" if workflow else "budgets"
        yield Proposal(
            kind="budget", workflow=workflow, title=f"Settle the budget of {_lower(budget_name(row))}",
            why=f"{_upper(budget_said(f, row))}.", owner=f.owner(workflow), usd_month=excess,
            usd_month_low=_over(row, "forecast_low_usd"), usd_month_high=_over(row, "forecast_high_usd"),
            dollars=f"over budget in {row['month']}", edit=f"{key}, with from: a day", command="outlay check",
            takes="minutes",
        )  # fmt: skip


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _lower(name: str) -> str:
    return name[:1].lower() + name[1:]


def _over(row: Mapping[str, Any], bound: str) -> Decimal | None:
    if row["final"] or row["budget_usd"] is None or row[bound] is None:
        return None
    return max(row[bound] - row["budget_usd"], Decimal(0))


def _move(f: Facts) -> Iterator[Proposal]:
    """A tenth of the last place's spend to the first, where their intervals are apart and the last one returns less than
    a dollar over its whole interval. Expected: what the intervals' unfavourable ends leave."""
    ranked = [r for r in f.ranking if r["rank"] is not None]
    if len(ranked) < 2:
        return
    top, last = ranked[0], ranked[-1]
    if not (last["high"] < top["low"] and last["high"] < 1):
        return
    part = Fraction(last["spend_usd"]) * MONTH_DAYS / PERIOD_DAYS * MOVED
    gained = {
        "usd_month": part * (Fraction(top["value_per_usd"]) - Fraction(last["value_per_usd"])),
        "usd_month_low": part * (Fraction(top["low"]) - Fraction(last["high"])),
        "usd_month_high": part * (Fraction(top["high"]) - Fraction(last["low"])),
    }
    moved = f.money(rounded(part))
    yield Proposal(
        kind="reallocate", workflow=last["workflow"],
        title=f"Move {moved} a month from {within(last['workflow'])} to {within(top['workflow'])}",
        why=f"{human(last['workflow'])} returns {formats.money(last['value_per_usd'])} per dollar, {within(top['workflow'])} "
        f"{formats.money(top['value_per_usd'])}: a tenth of its spend, if {within(top['workflow'])} has more work at that return.",
        owner=f.owner(last["workflow"]), dollars="of declared value",
        **{name: rounded(value) for name, value in gained.items()},
        edit=f"workflows.{last['workflow']}.budget and workflows.{top['workflow']}.budget", command="outlay check",
        takes="minutes to plan; a month to see",
    )  # fmt: skip


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
