"""The first, second and fourth number: cost per outcome like for like, drift, the bottom of the ranking."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from pipelines.change.bridge import ALL
from pipelines.change.bridge_weeks import FACTORS
from pipelines.publish import formats
from pipelines.publish.currency import Shown
from pipelines.publish.names import human, model, within
from pipelines.review.facts import Facts, Row
from pipelines.review.four_numbers import Alarm, Bottom, Contributor, Cost, Drift, Factor, Watched, WorkflowCost
from pipelines.review.weeks import Week

FACTOR_NAMES = {
    "price": "price", "model_mix": "model mix", "tokens": "tokens", "attempts": "attempts", "outcome_mix": "outcome mix",
}  # fmt: skip
NAMED = 3  #: contributors of each factor
MOVERS = 3


def cost(f: Facts) -> Cost:
    """Number 1. Red where the same outcomes cost more than the noise of every watched workflow would let pass: an index
    above 1 by more than the smallest detectable change, or any rise beside an open alarm about one."""
    now = {r["workflow"]: r for r in f.index if r["first_day"] == f.week.first}
    whole = now.get(ALL, {})
    index = whole.get("index")
    bridge = factors(f, ALL)
    movers = sorted(
        (c for factor in bridge for c in factor.contributors), key=lambda c: (-abs(c.effect_usd), c.name)
    )[:MOVERS]  # fmt: skip
    lasting = any(a["open"] and a["change"] > 0 for a in f.alarms)
    state = "none" if index is None else "red" if index > 1 and (lasting or index - 1 > _noise(f)) else "green"
    return Cost(
        state=state, finding=_cost_said(f, whole, bridge, movers), index=index,
        like_for_like_before_usd=whole.get("like_for_like_before_usd"), like_for_like_usd=whole.get("like_for_like_usd"),
        blended_before_usd=whole.get("before_usd"), blended_usd=whole.get("cost_per_outcome_usd"),
        outcomes=whole.get("outcomes", 0), spend_usd=whole.get("spend_usd"),
        left_out=tuple((whole.get("left_out") or "").split(", ")) if whole.get("left_out") else (),
        workflows=tuple(
            WorkflowCost(
                workflow=name, unit=f.unit(name), outcomes=row["outcomes"], spend_usd=row["spend_usd"],
                before_usd=row["before_usd"], after_usd=row["cost_per_outcome_usd"], index=row["index"],
            )
            for name, row in sorted(now.items()) if name != ALL
        ),
        bridge=bridge, movers=tuple(movers),
    )  # fmt: skip


def _noise(f: Facts) -> Decimal:
    """The smallest change that any watched workflow would notice; without one, 10 %."""
    known = [s["minimum_detectable"] for s in f.states if s["minimum_detectable"] is not None]
    return min(known, default=Decimal("0.1"))


def _cost_said(f: Facts, whole: Row, bridge: tuple[Factor, ...], movers: list[Contributor]) -> str:
    if whole.get("index") is None:
        spent = f.money(whole.get("spend_usd"))
        return f"No workflow had outcomes in both weeks, so there is nothing to compare; {spent} were spent on units."
    change = whole["index"] - 1
    moved = formats.change(change)
    said = (
        "The same outcomes cost what they did last week"
        if moved.startswith("0")
        else f"The same outcomes cost {formats.share(abs(change))} {'more' if change > 0 else 'less'} than last week"
    )
    said += (
        f": {f.per(whole['like_for_like_usd'])} an outcome after {f.per(whole['like_for_like_before_usd'])}, at last week's mix. "
        f"Blended, an outcome cost {f.per(whole['cost_per_outcome_usd'])} after {f.per(whole['before_usd'])}."
    )
    if movers:
        largest = max(bridge, key=lambda factor: abs(factor.effect_usd))
        said += (
            f" The largest factor is {FACTOR_NAMES[largest.factor]} ({signed(f, largest.effect_usd)}), "
            f"the largest single contributor {movers[0].name} ({signed(f, movers[0].effect_usd)})."
        )
    if whole.get("left_out"):
        names = formats.listing(within(name) for name in whole["left_out"].split(", "))
        said += f" Not comparable, with outcomes in one week only: {names}."
    return said


def signed(f: Facts, usd: Decimal) -> str:
    """`+$0.0301`: an effect on the cost of one outcome."""
    return signed_text(f.currency, usd)


def signed_text(currency: Shown, usd: Decimal) -> str:
    """The same with the currency given; smaller than a hundredth of a cent is 0."""
    shown = currency(usd) or Decimal(0)
    if abs(shown) < Decimal("0.00005"):
        return formats.unit_cost(Decimal(0))
    return ("+" if shown > 0 else "") + formats.unit_cost(shown)


def factors(f: Facts, workflow: str) -> tuple[Factor, ...]:
    """The bridge of one workflow (or all, `*`) into the week; empty where there is nothing to compare."""
    effects = {r["factor"]: r["effect_usd"] for r in f.bridge if r["workflow"] == workflow}
    rows = [r for r in f.contributors if (r["workflow"], r["first_day"]) == (workflow, f.week.first)]
    return tuple(
        Factor(
            factor=factor, effect_usd=effects[factor],
            contributors=tuple(contributors([r for r in rows if r["factor"] == factor])[:NAMED]),
        )
        for factor in FACTORS if factor in effects
    )  # fmt: skip


def contributors(rows: list[dict[str, Any]]) -> list[Contributor]:
    """Who made an effect, by (workflow, task type, model): token classes of one model belong together. Largest first."""
    sums: dict[tuple[str | None, str], Decimal] = {}
    for row in rows:
        key = (row["of_workflow"], contributor_name(row))
        sums[key] = sums.get(key, Decimal(0)) + row["effect_usd"]
    made = [Contributor(name=name, workflow=workflow, effect_usd=usd) for (workflow, name), usd in sums.items()]
    return sorted(made, key=lambda c: (-abs(c.effect_usd), c.name))


def contributor_name(row: Row) -> str:
    """`claims decision, coverage reasoning on gpt-5.4`."""
    said = within(row["of_workflow"] or row["workflow"])
    if row["task_type"]:
        said += f", {within(row['task_type'])}"
    return f"{said} on {model(row['model'])}" if row["model"] else said


def drift(f: Facts) -> Drift:
    """Number 2. Red where an alarm about a rise is open."""
    alarms = tuple(
        Alarm(
            alarm=a["alarm"], workflow=a["workflow"], kind=a["kind"], detected_day=a["detected_day"],
            since_day=a["since_day"], before_usd=a["before_usd"], after_usd=a["after_usd"], change=a["change"],
            month_usd=a["month_usd"], open=a["open"],
            status="open" if a["open"] else a["status"], new=a["detected_day"] >= f.week.first, cause=cause(f, a),
        )
        for a in f.alarms if a["open"] or a["detected_day"] >= f.week.first
    )  # fmt: skip
    open_ = [a for a in alarms if a.open]
    watched = tuple(
        Watched(workflow=s["workflow"], state=s["state"], minimum_detectable=s["minimum_detectable"]) for s in f.states
    )
    known = [w for w in watched if w.minimum_detectable is not None]
    state = "red" if any(a.change > 0 for a in open_) else "green" if known else "none"
    floor = formats.listing(f"{within(w.workflow)} from {formats.share(w.minimum_detectable)}" for w in known)
    return Drift(
        state=state, finding=_drift_said(f, open_, known, watched), open=len(open_), alarms=alarms, watched=watched,
        detectable=f"A lasting change is found within a week in four cases of five: {floor}." if known else None,
    )  # fmt: skip


def _drift_said(f: Facts, open_: list[Alarm], known: list[Watched], watched: tuple[Watched, ...]) -> str:
    if not known:
        return (
            "No workflow is watched yet: a baseline takes 28 mature days with five outcomes or more."
            if watched
            else "No workflow is declared, so none is watched."
        )
    if not open_:
        return f"No alarm is open in {formats.plural(len(known), 'watched workflow')}."
    top = open_[0]
    more = f", the largest of {formats.plural(len(open_), 'open alarm')}" if len(open_) > 1 else ""
    return (
        f"{human(top.workflow)}: {alarm_said(f, top)}{more}. It comes to {f.money(abs(top.month_usd))} a month "
        f"{'more' if top.change > 0 else 'less'}."
    )


def alarm_said(f: Facts, a: Alarm) -> str:
    """`cost per decision rose by 51 % since 27 Oct 2026, from $0.4807 to $0.7268`."""
    when = f"since {formats.day(a.since_day)}" if a.kind == "drift" else f"on {formats.day(a.detected_day)}"
    return (
        f"cost per {f.unit(a.workflow)} {'rose' if a.change > 0 else 'fell'} by {formats.share(abs(a.change))} {when}, "
        f"from {f.per(a.before_usd)} to {f.per(a.after_usd)}"
    )


def cause(f: Facts, alarm: Row) -> str | None:
    """The largest contributor in the direction of the alarm, of the workflow's own change into the week in which it began,
    or of the next one where that says more."""
    begins = alarm["since_day"]
    mondays = [Week(begins - timedelta(days=begins.weekday()))]
    found = [
        c
        for week in mondays
        for c in contributors([
            r for r in f.contributors
            if (r["workflow"], r["first_day"]) == (alarm["workflow"], week.first) and r["factor"] != "outcome_mix"
        ])
        if (c.effect_usd > 0) == (alarm["change"] > 0)
    ]  # fmt: skip
    if not found:
        return None
    name = found[0].name.removeprefix(f"{within(alarm['workflow'])}, ")
    return f"{name} ({signed(f, found[0].effect_usd)} an outcome in {mondays[0].name})"


def bottom(f: Facts) -> Bottom:
    """Number 4. Red where the last place returns less than a dollar for a dollar, over its whole interval."""
    ranked = [r for r in f.ranking if r["rank"] is not None]
    period = {"first_day": f.period_first, "last_day": f.chosen.seen_to}
    if len(ranked) < 2:
        return Bottom(
            state="none", workflow=None, spend_share=None, spend_usd=None, value_per_usd=None, low=None, high=None,
            share_of_scenarios_last=None, **period,
            finding="Fewer than two workflows have a declared value and five outcomes, so there is no ranking.",
        )  # fmt: skip
    last = ranked[-1]
    held = next((s["share_of_scenarios_last"] for s in f.sensitivity if s["workflow"] == last["workflow"]), None)
    said = (
        f"{human(last['workflow'])} took {formats.share(last['spend_share'])} of spend ({f.money(last['spend_usd'])}) and returned "
        f"{formats.money(last['value_per_usd'])} per dollar (90 %: {formats.money(last['low'])} to {formats.money(last['high'])}), "
        f"the least of {formats.plural(len(ranked), 'workflow')}."
    )
    if held is not None:
        said += f" It stays last in {formats.share(held)} of scenarios in which each declared value may be off by half."
    return Bottom(
        state="red" if last["high"] is not None and last["high"] < 1 else "green", finding=said, workflow=last["workflow"],
        spend_share=last["spend_share"], spend_usd=last["spend_usd"], value_per_usd=last["value_per_usd"],
        low=last["low"], high=last["high"], share_of_scenarios_last=held, **period,
    )  # fmt: skip
