"""Cost per outcome: the workflows, one workflow by day, its units, one unit's requests and their charges."""

from datetime import timedelta

import streamlit as st

from dashboards import formats, history, names, one_unit, queries, shell
from dashboards.charts.cost import daily_cost, lives, spark
from dashboards.charts.template import show
from dashboards.tables import table
from dashboards.week import trailing_change

p = shell.shown()
first28, last28 = shell.ranked_period(p)
totals = queries.totals(p)
sevens = queries.sevens(p, last28 - timedelta(days=48))


def cost28(row: dict) -> str:
    return formats.unit_cost(queries.per(row["spend_usd"], row["outcomes"]))


def summary() -> str:
    costed = [row for row in totals if (row["outcomes"] or 0) > 0][:4]
    if not costed:
        return "No outcome was reported in the last 28 days, so no cost per outcome can be given."
    said = formats.listing(
        f"one {row['unit']} costs {cost28(row)}" if n == 0 else f"one {row['unit']} {cost28(row)}"
        for n, row in enumerate(costed)
    )
    spent = sum((row["spend_usd"] or 0 for row in totals), start=0)
    failed = sum((row["failure_spend_usd"] or 0 for row in totals), start=0)
    lost = f"; {formats.share(failed / spent)} of the spend goes into failures" if spent else ""
    return f"{said[:1].upper()}{said[1:]}{lost}."


shell.heading(p, "Cost per outcome", summary(), first28, last28)

if not totals:
    shell.empty(
        "No workflow is declared, or none has a request or outcome yet. Declare workflows in outlay.yaml.",
        "outlay check\noutlay run",
    )
    st.stop()


def known(unit: str, seven: list[dict]) -> str:
    """How a workflow's figure is known, and of which days."""
    if not seven:
        return f"No seven mature days with a good {unit} yet. Export: outcome_days."
    last = seven[-1]["day"]
    return (
        f"Spend ÷ good {unit}s of the seven days {formats.period(last - timedelta(days=6), last)}, failures included; the change is against "
        f"the seven days before. Of 35 days at most. Export: outcome_days."
    )


with st.grid(4, min_column_width=150, gap="small"):
    for row in totals:
        seven = [d for d in sevens if d["workflow"] == row["workflow"]][-35:]
        now = seven[-1]["cost_7d_usd"] if seven else None
        change = trailing_change(seven)
        moved = change is not None and bool(round(change * 100))
        with st.container(border=True, height="stretch", gap="xxsmall"):
            shell.metric(
                names.human(row["workflow"]),
                formats.unit_cost(now),
                f"{formats.change(change).replace(formats.MINUS, '-')} in a week" if change is not None else None,
                delta_color="inverse" if moved else "off",
                delta_arrow="auto" if moved else "off",
                help=known(row["unit"], seven),
            )
            if len(seven) > 1:
                said = f"{formats.unit_cost(seven[0]['cost_7d_usd'])} to {formats.unit_cost(now)} a {row['unit']}"
                show(
                    spark([d["cost_7d_usd"] for d in seven], rising=change is not None and change > 0 and moved),
                    f"{names.human(row['workflow'])}, seven-day cost over five weeks: {said}",
                    key=f"spark_{row['workflow']}",
                    kept=False,
                )
shell.note(
    "Cost per outcome of the last seven mature days, against the seven before. A day is mature when its outcomes are all in. The lines show "
    "five weeks, each on its own scale."
)


def forget_unit() -> None:
    """Another workflow has other units."""
    st.session_state["unit"] = ""


workflow = st.segmented_control(
    "Workflow", [row["workflow"] for row in totals], format_func=names.human, default=totals[0]["workflow"], required=True, key="workflow",
    bind="query-params", label_visibility="collapsed", on_change=forget_unit,
)  # fmt: skip
total = next(row for row in totals if row["workflow"] == workflow)
unit = total["unit"]
own = queries.daily(p, workflow)

shell.section(
    f"{names.human(workflow)}: {cost28(total)} a {unit} over 28 days",
    f"{formats.money(total['spend_usd'])} ÷ {formats.count(total['outcomes'])} outcomes. {formats.money(total['failure_spend_usd'])} of it "
    f"({formats.share(queries.per(total['failure_spend_usd'], total['spend_usd']))}) went into failed and rejected units, failed attempts and errors."
    if total["outcomes"]
    else f"{formats.money(total['spend_usd'])} and no good outcome in 28 days.",
)
life = history.lives(p, workflow)
judged = [row for row in life if not row["provisional"]] or life
ended = [row for row in judged if row["lifetime_median_usd"] is not None]
with st.grid(4, min_column_width=150, gap="small"):
    for words, row, column, about in (
        ("Seven days", judged[-1:], "cost_per_outcome_7d_usd", "Spend of seven days ÷ outcomes of seven days, to the last mature day."),
        ("Failure load", judged[-1:], "failure_load_7d_usd", "What failures add to one good outcome: failure spend ÷ outcomes, seven days."),
        ("Whole life, median", ended[-1:], "lifetime_median_usd", f"Half of the {unit}s that became good on that day cost no more, whenever it was spent."),
        ("Whole life, 95 %", ended[-1:], "lifetime_p95_usd", f"19 of 20 {unit}s that became good on that day cost no more, whenever it was spent."),
    ):  # fmt: skip
        shell.metric(
            words, formats.unit_cost(row[0][column] if row else None),
            f"to {formats.day(row[0]['day'], year=False)}" if row and "life" not in words else f"good on {formats.day(row[0]['day'], year=False)}"
            if row else None, delta_color="off", delta_arrow="off", border=True, height="stretch", help=f"{about} Export: outcome_days.",
        )  # fmt: skip
BY_DAY, LIVES = "Day by day", "Whole lives"
figure = st.segmented_control(
    "Figure", [BY_DAY, LIVES], default=BY_DAY, required=True, key="figure", bind="query-params", label_visibility="collapsed",
    help="By day: spend of a day ÷ outcomes of that day. Whole lives: what the units that became good on a day cost in all.",
)  # fmt: skip
if figure == LIVES and ended:
    show(
        lives(life, unit),
        f"What one {unit} of {names.human(workflow)} cost over its whole life, by the day on which it became good: median and 95 %",
        key="lives",
    )
    shell.note(
        "The line is the median; 95 % of a day's units stay below the dots. Spend and acceptance can fall on different days: a whole life "
        "holds all that one unit ever cost."
    )
elif figure == LIVES:
    shell.say(f"No {unit} of {names.within(workflow)} became good yet.")
else:
    show(
        daily_cost(own, unit),
        f"Cost per {unit} of {names.human(workflow)} by day with its seven-day figure and the part that failures cost",
        key="daily",
    )
    shell.note(
        "Dots are days, hollow where provisional; the line is the seven days that end there; the shaded part is what failures cost."
    )
with st.expander("The days as a table"):
    lived = {row["day"]: row for row in life}
    kept = ("lifetime_median_usd", "lifetime_p95_usd", "failure_load_7d_usd")
    table(
        [{**row, **{k: lived[row["day"]][k] if row["day"] in lived else None for k in kept}} for row in reversed(own)],
        ["day", "outcomes", "failed_units", "requests", "spend_usd", "failure_spend_usd", "cost_per_outcome_usd", "cost_7d_usd", *kept, "provisional"],
        key=f"days_{workflow}", alt=f"Cost per outcome of {names.human(workflow)} by day", download=f"daily_cost-{workflow}",
    )  # fmt: skip

waiting = history.open_units(p, workflow)
if waiting:
    held_up = sum((row["spend_usd"] or 0 for row in waiting), start=0)
    alone = sum(row["units"] for row in waiting) == 1
    shell.section(
        "Not done yet",
        f"{formats.plural(sum(row['units'] for row in waiting), unit)} {'has' if alone else 'have'} cost {formats.money(held_up)} and "
        f"{'is' if alone else 'are'} neither good nor failed.",
        help="Open units by days since their first request; what they cost is in the figures above already. Export: work_in_progress.",
    )
    table(
        waiting, ["age", "units", "awaiting_acceptance", "spend_usd", "oldest_day"], key=f"open_{workflow}",
        alt=f"Open units of {names.human(workflow)} by age", download=f"work_in_progress-{workflow}",
    )  # fmt: skip
else:
    shell.note(f"Every {unit} that cost something is done: none is open.", help="Export: work_in_progress.")

one_unit.spreading(p, workflow, unit)
one_unit.chosen(p, workflow, unit)
