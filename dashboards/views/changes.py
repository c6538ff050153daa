"""Changes: which workflow left its usual range, who has looked at it, and what moved from one week to the next."""

from datetime import date, timedelta

import streamlit as st

from dashboards import bridge, formats, history, names, queries, settle, shell
from dashboards.charts.course import course
from dashboards.charts.template import show
from dashboards.tables import table
from dashboards.week import Week

p = shell.shown()
loaded = queries.workspace()
alarms = history.alarms(p)
states = {row["workflow"]: row for row in queries.watched(p)}
steps = history.bridged(p)
waiting = [a for a in alarms if a["status"] == "open"]
units = {row["workflow"]: row["unit"] for row in queries.totals(p)}


def unit_of(workflow: str) -> str:
    declared = loaded.config.workflows.get(workflow)
    return units.get(workflow) or (declared.unit if declared else "outcome")


def summary() -> str:
    watched = [s for s in states.values() if s["minimum_detectable"] is not None]
    if waiting:
        rising = sum(a["change"] > 0 for a in waiting)
        worst = max(waiting, key=lambda a: abs(a["change"]))
        more = f"; {formats.plural(len(waiting), 'alarm')} open, {rising} of them a rise" if len(waiting) > 1 else ""
        return (
            f"{names.human(worst['workflow'])} costs {formats.share(abs(worst['change']))} {'more' if worst['change'] > 0 else 'less'} "
            f"per {unit_of(worst['workflow'])} since {formats.day(worst['since_day'], year=False)}: "
            f"{formats.unit_cost(worst['after_usd'])} instead of {formats.unit_cost(worst['before_usd'])}{more}."
        )
    if watched:
        closed = (
            f" {formats.plural(len(alarms), 'earlier alarm')} {'is' if len(alarms) == 1 else 'are'} settled."
            if alarms
            else ""
        )
        return f"No alarm is open over {formats.plural(len(watched), 'watched workflow')}.{closed}"
    return "No workflow has the 28 mature days with outcomes yet that a usual range needs."


days = [date.fromisoformat(p.meta[end]) for end in ("first_day", "last_day")]
shell.heading(p, "Changes", summary(), *days)

if not states:
    shell.empty(
        "No workflow is declared yet. Declare workflows and a source of outcomes in outlay.yaml.",
        "outlay check\noutlay run",
    )
    st.stop()

settle.said()


def state_said(row: dict) -> str:
    own = [a for a in waiting if a["workflow"] == row["workflow"]]
    if own:
        return f"{formats.plural(len(own), 'open alarm')}"
    return "in its range" if row["minimum_detectable"] is not None else row["state"]


def known(row: dict, worst: dict | None) -> str:
    """How a workflow's figure is known."""
    least = row["minimum_detectable"]
    return (
        (
            f"The largest of its open alarms: {formats.unit_cost(worst['after_usd'])} per outcome instead of {formats.unit_cost(worst['before_usd'])}, "
            f"found on {formats.day(worst['detected_day'], year=False)}. "
            if worst
            else ""
        )
        + "Cost per outcome of mature days against a frozen baseline. "
        + (
            f"A change of {formats.share(least)} is found within a week in four cases of five. "
            if least is not None
            else "It is not watched yet. "
        )
        + "Export: drift."
    )


with st.grid(4, min_column_width=150, gap="small"):
    for row in states.values():
        own = [a for a in waiting if a["workflow"] == row["workflow"]]
        worst = max(own, key=lambda a: abs(a["change"]), default=None)
        shell.metric(
            names.human(row["workflow"]),
            formats.change(worst["change"])
            if worst
            else "0 alarms"
            if row["minimum_detectable"] is not None
            else formats.UNKNOWN,
            state_said(row),
            delta_color="off" if worst is None else "red" if worst["change"] > 0 else "green",
            delta_arrow="off" if worst is None else "up" if worst["change"] > 0 else "down",
            border=True,
            height="stretch",
            help=known(row, worst),
        )

order = sorted(states, key=lambda w: (all(a["workflow"] != w for a in waiting), w))
workflow = st.segmented_control(
    "Workflow", order, format_func=names.human, default=order[0], required=True, key="workflow", bind="query-params",
    label_visibility="collapsed",
)  # fmt: skip
state, own_days = states[workflow], history.course(p, workflow)
own_alarms = [a for a in alarms if a["workflow"] == workflow]
unit = unit_of(workflow)


def course_said() -> str:
    if state["minimum_detectable"] is None:
        return (
            f"Not watched yet: {state['state']}. An alarm needs a baseline of 28 mature days with 5 outcomes or more."
        )
    return (
        f"Usual is {formats.unit_cost(state['level_usd'])} a {unit}, over {formats.plural(state['baseline_days'], 'day')} "
        f"({formats.period(state['baseline_first_day'], state['baseline_last_day'])}). At "
        f"{formats.count(round(state['outcomes_a_day']))} {unit}s a day, a rise of {formats.share(state['minimum_detectable'])} or more is found "
        "within a week in four cases of five; a smaller one takes longer."
    )


shell.section(
    f"{names.human(workflow)} by day",
    course_said(),
    help="A day outside the usual range raises an alarm of a single day; days that add up to a lasting change raise one of drift. "
    "Only mature days with 5 outcomes or more are judged. Up and down both count. Export: drift.",
)
if own_days:
    spoken = formats.listing(
        f"{names.alarm(a['kind']).lower()} {formats.change(a['change'])} on {formats.day(a['detected_day'])}"
        for a in own_alarms
    )
    show(
        course(own_days, state, own_alarms, unit),
        f"Cost per {unit} of {names.human(workflow)} by day with its usual range; alarms: {spoken or 'none'}",
        key="course",
    )
    shell.note(
        "Dots are days: filled where judged, hollow where outcomes may still arrive or are fewer than five, large where outside the range. "
        "The range widens on days with few outcomes and follows the weekday."
    )
    with st.expander("The days as a table"):
        table(
            list(reversed(own_days)),
            ["day", "phase", "outcomes", "spend_usd", "cost_per_outcome_usd", "expected_usd", "low_usd", "high_usd"],
            key=f"course_{workflow}", alt=f"Days of {names.human(workflow)} and their usual range", download=f"drift_days-{workflow}",
        )  # fmt: skip
else:
    shell.say(f"{names.human(workflow)} has no day with spend or outcomes yet.")


shell.section(
    "Alarms",
    f"{formats.plural(len(alarms), 'alarm')} ever raised, {len(waiting)} open. An open one waits for a cause, or for somebody who accepts it."
    if alarms
    else None,
    help="Recomputed from the data at every run, with the decisions in decisions.jsonl. Export: drift.",
)
for one in waiting:
    settle.alarm(loaded, one, unit_of(one["workflow"]))
table(
    [{**a, "usual_cost_usd": a["before_usd"], "new_cost_usd": a["after_usd"]} for a in alarms],
    ["workflow", "kind=alarm_kind", "detected_day", "usual_cost_usd", "new_cost_usd", "change", "month_usd", "status=alarm_status", "closed_day",
     "acknowledged_by", "reason"],
    key="alarms", alt="Every alarm ever raised with its status", download="drift", empty="No alarm was ever raised.",
)  # fmt: skip

shell.section(
    "From week to week",
    None if steps else "It takes two weeks in a row with outcomes to compare.",
    help="The change of the cost per outcome, split over five factors by their Shapley values: exact, and in no order's favour. Exports: "
    "bridge, bridge_detail.",
)
if not steps:
    shell.empty("Read more days, then run again.", "outlay run")
    st.stop()


def of_name(name: str) -> str:
    return "All workflows" if name == history.ALL else names.human(name)


def week_said(name: str) -> str:
    monday = next(s["first_day"] for s in steps if s["week"] == name)
    return f"{Week(monday).before.name.capitalize()} → {Week(monday).name} ({formats.period(monday, monday + timedelta(days=6))})"


with st.container(horizontal=True, vertical_alignment="bottom"):
    week = st.selectbox(
        "The two weeks", list(dict.fromkeys(s["week"] for s in steps)), format_func=week_said, key="week", bind="query-params", width=340,
    )  # fmt: skip
    bearer = st.selectbox(
        "Of", list(dict.fromkeys(s["workflow"] for s in steps if s["week"] == week)), format_func=of_name, key="of", bind="query-params",
        width=240,
    )  # fmt: skip
step = next(s for s in steps if (s["workflow"], s["week"]) == (bearer, week))
factors = history.bridge(p, bearer, week)
shell.say(bridge.sentence(step, factors))
who = bridge.draw(p, step, factors)
with st.expander("The contributors as a table"):
    table(
        [{**row, "moved_usd": row["effect_usd"]} for row in who], ["contributor_said", "factor", "moved_usd"], key="contributors",
        alt="What each contributor moved", download=f"bridge_detail-{week}", empty="Nothing moved.",
    )  # fmt: skip

this = Week(step["first_day"])
restated = history.restated(p, this.before.first, this.last)
shell.subsection(
    "Restatements of these two weeks",
    help="Published figures that later data changed. Export: restatements.",
)
table(
    [{**row, "published_at": formats.clock(row["published_at"], p.meta["timezone"])} for row in restated],
    ["day", "workflow", "before_usd", "after_usd", "cause", "published_at"], key="restated", alt="Restated figures of these weeks",
    download=f"restatements-{week}", empty="None: no published figure of these days was changed by later data.",
)  # fmt: skip
