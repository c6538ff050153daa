"""This week: four numbers, three questions, what moved, the decisions that are due."""

from decimal import Decimal

import streamlit as st

from dashboards import bridge, formats, history, names, queries, shell
from dashboards.decisions import due
from dashboards.tables import table
from dashboards.week import Move, dear, drift, last_whole_week, like_for_like, moves

p = shell.shown()
week = last_whole_week(shell.as_of(p))
daily = queries.daily(p)
same = like_for_like(daily, week)
index = history.weekly(p, f"{week.first:%G-W%V}")
moved = moves(daily, week)
drifts = drift(queries.open_alarms(p), queries.watched(p))
config = queries.workspace().config
off = dear(queries.task_spend(p, week.first, week.last), config)
ranked = [row for row in queries.ranking(p) if row["rank"] is not None]
bottom = ranked[-1] if len(ranked) > 1 else None
first28, last28 = shell.ranked_period(p)


def unit_of(workflow: str) -> str:
    return next((row["unit"] for row in daily if row["workflow"] == workflow), "unit")


def summary() -> str:
    parts = []
    if same:
        word = "less" if same.change < 0 else "more"
        rounded = formats.share(abs(same.change))
        parts.append(
            f"The same outcomes cost {rounded} {word} than the week before"
            if round(abs(same.change) * 100)
            else "The same outcomes cost what they did the week before"
        )
    if moved and abs(moved[0].change) >= 0.01:
        rose = moved[0].change > 0
        parts.append(
            f"{names.within(moved[0].workflow)} costs {formats.share(abs(moved[0].change))} {'more' if rose else 'less'} than in the "
            "four weeks before"
        )
    if bottom:
        parts.append(f"{names.within(bottom['workflow'])} returns {formats.money(bottom['value_per_usd'])} per dollar")
    if not parts:
        spent = queries.spend(p, week.first, week.last)
        return f"{formats.money(spent['spend_usd'])} were spent this week; outcomes are needed to say on what."
    return f"{'; '.join(parts)}."


shell.heading(p, f"This week ({week.name})", summary(), week.first, week.last)

with st.grid(4, min_column_width=150, gap="small"):
    st.metric(
        "Like for like",
        formats.change(index["index"] - 1) if index and index["index"] else formats.UNKNOWN,
        f"{'-' if same.change < 0 else '+'}{formats.plain(formats.money(abs(same.now_usd - same.then_usd)))} a week"
        if same
        else None,
        delta_color="inverse",
        border=True,
        height="stretch",
        help=formats.plain(
            "Last week's outcomes at this week's cost per outcome, against what they cost last week: the mix of work is held still. "
            "Export: weekly_index."
        ),
    )
    largest = drifts.alarms[0] if drifts.alarms else None
    seen = formats.listing(
        f"{names.human(s['workflow'])} from {formats.share(s['minimum_detectable'])}" for s in drifts.watched
    )
    unseen = formats.listing(f"{names.human(s['workflow'])} ({s['state']})" for s in drifts.waiting)
    st.metric(
        "Drift",
        formats.plural(len(drifts.alarms), "open alarm") if drifts.watched else formats.UNKNOWN,
        formats.plain(f"{names.human(largest['workflow'])} {formats.change(largest['change'])}")
        if largest
        else formats.plain(
            f"{len(drifts.watched)} of {formats.plural(len(drifts.watched) + len(drifts.waiting), 'workflow')} watched"
        ),
        delta_color="red" if drifts.rising else "off",
        delta_arrow="off" if largest is None else "up" if largest["change"] > 0 else "down",
        border=True,
        height="stretch",
        help=formats.plain(
            "Days out of their band (shock) and lasting changes (drift) of the cost per outcome against a frozen baseline, on mature "
            "days; open until the next day is back or somebody acknowledges it (outlay acknowledge). "
            + (f"A change is found within a week in four cases of five: {seen}. " if seen else "")
            + (f"Not watched yet: {unseen}. " if unseen else "")
            + "Export: drift."
        ),
    )
    st.metric(
        "Above need",
        formats.share(off.share),
        formats.plain(f"{formats.money(off.dear_usd)} of {formats.money(off.spend_usd)}"),
        delta_color="red" if off.dear_usd else "green",
        delta_arrow="off",
        border=True,
        height="stretch",
        help=formats.plain(
            "Spend above need: the share of this week's spend on models of a higher tier than the task type is declared to need in outlay.yaml. "
            "It says what was declared, not what evidence shows: that is on Capability split. Export: task_cost."
        ),
    )
    st.metric(
        "Lowest return",
        formats.plain(formats.money(bottom["value_per_usd"])) if bottom else formats.UNKNOWN,
        f"{formats.share(bottom['spend_share'])} of spend" if bottom else None,
        delta_color="red" if bottom and bottom["value_per_usd"] < 1 else "off",
        delta_arrow="off",
        border=True,
        height="stretch",
        help=formats.plain(
            f"{names.human(bottom['workflow']) if bottom else 'No workflow'} is the last of the ranking over 28 days: declared value of its "
            "outcomes per dollar spent. Export: value_ranking."
        ),
    )


def question(words: str, good: bool | None, finding: str, page: str, step: str, **filters: str) -> None:
    with st.container(border=True, height="stretch"):
        if good is None:
            st.badge("Can't tell yet", color="gray")
        else:
            st.badge("✓ Holds" if good else "▲ Needs a decision", color="green" if good else "red")
        st.subheader(formats.plain(words), anchor=False)
        shell.say(finding)
        st.space("stretch")
        shell.link(page, step, **filters)


def judged(dearer: list[Move]) -> str:
    """What the detectors make of it; a plain comparison where no workflow has a baseline yet."""
    if drifts.rising:
        which = formats.listing(names.human(w) for w in drifts.rising)
        return f"An alarm is open for {which}: find the cause, or accept the new level on Changes."
    if drifts.watched:
        count = formats.plural(len(drifts.watched), "watched workflow")
        return f"No rise in {count} is beyond what its noise explains."
    rose = formats.listing(names.human(m.workflow) for m in dearer)
    return f"{rose or 'No workflow'} rose by 10 % or more; no workflow has a baseline yet that could judge it."


shell.section("Three questions")
with st.grid(3, min_column_width=260, gap="small"):
    if moved:
        top = moved[0]
        dearer = [m for m in moved if m.change >= Decimal("0.1")]
        on_week = "" if top.change_on_week is None else f" and {formats.change(top.change_on_week)} against last week"
        question(
            "Do outcomes cost what they did?",
            not drifts.rising if drifts.watched else not dearer,
            f"{names.human(top.workflow)} cost {formats.unit_cost(top.now_usd)} a {unit_of(top.workflow)} on the "
            f"{formats.plural(top.mature_days, 'mature day')} of {week.name}: {formats.change(top.change)} against the four weeks before "
            f"({formats.unit_cost(top.earlier_usd)}){on_week}. {judged(dearer)}",
            shell.CHANGES if top.workflow in drifts.rising else shell.COST,
            f"See the days of {names.within(top.workflow)}",
            workflow=names.human(top.workflow),
        )
    else:
        question(
            "Do outcomes cost what they did?", None, "It takes two weeks of mature days with outcomes to compare.", shell.HEALTH,
            "See what has been read",
        )  # fmt: skip
    switches = [r for r in p.recommendations["recommendations"] if r["decision"] == "switch"]
    if off.tasks:
        worst = off.tasks[0]
        ready = next(
            (t for t in off.tasks for r in switches if (r["workflow"], r["task_type"]) == (t.workflow, t.task_type)),
            None,
        )
        proof = (
            f" Evidence is in for {names.within(ready.task_type)} ({formats.money(ready.dear_usd)})."
            if ready
            else " No evidence supports a switch yet."
        )
        at = ready or worst
        question(
            "Is dear capability kept for hard work?",
            False,
            f"No: {formats.money(off.dear_usd)} of {formats.money(off.spend_usd)} ran on a higher tier than declared, most of it in "
            f"{names.within(worst.task_type)} ({formats.money(worst.dear_usd)} on {worst.tier}, declared {worst.needed}).{proof}",
            shell.SPLIT,
            f"Read the evidence for {names.within(at.task_type)}",
            task=names.task(at.workflow, at.task_type),
        )
    elif off.spend_usd and off.undeclared_usd < off.spend_usd:
        question(
            "Is dear capability kept for hard work?", True, f"All of {formats.money(off.spend_usd)} ran on the tier it needs, or a lower one.",
            shell.SPLIT, "See the split",
        )  # fmt: skip
    else:
        question(
            "Is dear capability kept for hard work?", None, "outlay.yaml declares no capability for the task types seen this week.",
            shell.SPLIT, "See the split",
        )  # fmt: skip
    if bottom:
        losing = [row for row in ranked if row["high"] is not None and row["high"] < 1]
        question(
            "Does all spend earn its keep?",
            not losing,
            f"{names.human(bottom['workflow'])} took {formats.share(bottom['spend_share'])} of spend and returned "
            f"{formats.money(bottom['value_per_usd'])} per dollar (90 %: {formats.money(bottom['low'])} to {formats.money(bottom['high'])}). "
            f"One {bottom['unit']} must be worth {formats.unit_cost(bottom['break_even_value_usd'])} to break even.",
            shell.VALUE,
            "See what would have to be true",
        )
    else:
        question(
            "Does all spend earn its keep?", None, "Fewer than two workflows have a declared value and five outcomes.", shell.VALUE,
            "See what is missing",
        )  # fmt: skip

step = next((s for s in history.bridged(p) if (s["workflow"], s["first_day"]) == (history.ALL, week.first)), None)
if step:
    factors = history.bridge(p, history.ALL, step["week"])
    shell.section("What moved", bridge.sentence(step, factors), help="Exports: bridge, bridge_detail.")
    bridge.draw(p, step, factors)
    shell.link(shell.CHANGES, "See the bridge of any week and workflow")

shell.section(
    "Decisions due",
    help="Recommendations to switch or to experiment, open alarms, budgets at risk, and alerts of the last run.",
)
decisions = due(p, queries.alerts(p), config)
if not decisions:
    shell.say("None: no recommendation and no alert is open.")
with st.grid(2, min_column_width=330, gap="small"):
    for decision in decisions:
        with st.container(border=True, height="stretch", gap="xsmall"):
            st.markdown(f"**{formats.plain(decision.title)}**")
            shell.note(decision.why)
            st.space("stretch")
            with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
                shell.note(decision.owner)
                shell.link(decision.page, decision.step, **decision.filters)

with st.expander("The week as a table"):
    table(
        [
            {
                "workflow": e.workflow, "outcomes": e.outcomes, "before_cost_usd": e.then_usd, "after_cost_usd": e.now_usd,
                "effect_usd": e.effect_usd,
            }
            for e in (same.effects if same else ())
        ],
        ["workflow", "outcomes", "before_cost_usd", "after_cost_usd", "effect_usd"],
        key="week", alt="Cost per outcome last week and this week by workflow", download="outlay-week",
        empty="No workflow has outcomes in both weeks.",
    )  # fmt: skip
