"""This week: four numbers, three questions, what moved, the decisions that are due, and what the last ones brought."""

import streamlit as st

from dashboards import bridge, formats, history, names, queries, shell
from dashboards.decisions import due
from dashboards.promises import promises
from dashboards.questions import questions
from dashboards.standing import standing
from dashboards.tables import table
from dashboards.tiles import tiles

p = shell.shown()
s = standing(p)
week = s.week


def summary() -> str:
    parts = []
    if s.same:
        word = "less" if s.same.change < 0 else "more"
        rounded = formats.share(abs(s.same.change))
        parts.append(
            f"The same outcomes cost {rounded} {word} than the week before"
            if round(abs(s.same.change) * 100)
            else "The same outcomes cost what they did the week before"
        )
    if s.moved and abs(s.moved[0].change) >= 0.01:
        rose = s.moved[0].change > 0
        parts.append(
            f"{names.within(s.moved[0].workflow)} costs {formats.share(abs(s.moved[0].change))} {'more' if rose else 'less'} than in the "
            "four weeks before"
        )
    if s.bottom:
        parts.append(
            f"{names.within(s.bottom['workflow'])} returns {formats.money(s.bottom['value_per_usd'])} per dollar"
        )
    if not parts:
        spent = queries.spend(p, week.first, week.last)
        return f"{formats.money(spent['spend_usd'])} were spent this week; outcomes are needed to say on what."
    return f"{'; '.join(parts)}."


shell.heading(p, f"This week ({week.name})", summary(), week.first, week.last)
tiles(s)
shell.section("Three questions")
questions(s, p)

step = next((b for b in history.bridged(p) if (b["workflow"], b["first_day"]) == (history.ALL, week.first)), None)
if step:
    factors = history.bridge(p, history.ALL, step["week"])
    shell.section("What moved", bridge.sentence(step, factors), help="Exports: bridge, bridge_detail.")
    bridge.draw(p, step, factors)
    shell.onward(shell.CHANGES, "See the bridge of any week and workflow")

shell.section(
    "Decisions due",
    help="Recommendations to switch or to experiment, open alarms, budgets at risk, and alerts of the last run.",
)
decisions = due(p, queries.alerts(p), s.config)
if not decisions:
    shell.say("None: no recommendation and no alert is open.")
with st.grid(2, min_column_width=330, gap="small"):
    for decision in decisions:
        with st.container(border=True, height="stretch", gap="xsmall"):
            shell.strong(decision.title)
            shell.note(decision.why)
            st.space("stretch")
            with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
                shell.note(decision.owner)
                shell.link(decision.page, decision.step, **decision.filters)

promises(p, shell.as_of(p))

with st.expander("The week as a table"):
    table(
        [
            {
                "workflow": e.workflow, "outcomes": e.outcomes, "before_cost_usd": e.then_usd, "after_cost_usd": e.now_usd,
                "effect_usd": e.effect_usd,
            }
            for e in (s.same.effects if s.same else ())
        ],
        ["workflow", "outcomes", "before_cost_usd", "after_cost_usd", "effect_usd"],
        key="week", alt="Cost per outcome last week and this week by workflow", download="outlay-week",
        empty="No workflow has outcomes in both weeks.",
    )  # fmt: skip
