"""Budgets: what a month was planned to cost, what it will come to, and on which day the money runs out."""

from datetime import date, timedelta

import streamlit as st

from dashboards import formats, history, names, shell
from dashboards.charts.budgets import burn_up
from dashboards.charts.template import show
from dashboards.tables import table

TO_ADD = """\
workflows:
  contract_review:
    budget: {monthly_usd: "9000", per_outcome_usd: "0.35"}   # a month, and one outcome
budgets:
  - {dimension: total, monthly_usd: "20000"}                 # all spend
  - {dimension: team, value: legal-ops, monthly_usd: "9500"} # a tag that tags: names"""
_WORST = {"over": 0, "at risk": 1, "on track": 2}

p = shell.shown()
rows = history.budgets(p)
as_of = shell.as_of(p)


def ends(month: str) -> tuple[date, date]:
    first = date.fromisoformat(f"{month}-01")
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def name(row: dict) -> str:
    return names.budget(row["scope"], row["value"])


def ended_as(row: dict, which: str = "status") -> str:
    """How a budget stands; of a month that is over, how it ended."""
    if which == "status" and row["status"] is None and row["budget_usd"] is not None:
        return "unpriced"
    return "held" if row["final"] and row[which] == "on track" else row[which]


def within(row: dict) -> str:
    return (
        names.within(row["value"])
        if row["scope"] == "workflow"
        else name(row).lower()
        if row["scope"] == "total"
        else name(row)
    )


present = [row for row in rows if row["month"] == rows[0]["month"]] if rows else []
planned = [row for row in present if row["budget_usd"] is not None]


def fate(row: dict) -> str:
    """What one budget comes to, as the end of a sentence."""
    if row["status"] is None:
        return f"has nothing with a price yet to set against its {formats.money(row['budget_usd'])}"
    day = formats.day(row["run_out_day"], year=False)
    if row["final"]:
        return f"spent {formats.money(row['spend_to_date_usd'])} of its {formats.money(row['budget_usd'])}"
    if row["status"] == "over":
        return f"has used up its {formats.money(row['budget_usd'])} on {day} and heads for {formats.money(row['forecast_usd'])}"
    if row["status"] == "at risk":
        return f"heads for {formats.money(row['forecast_usd'])} against {formats.money(row['budget_usd'])} and runs out on {day}"
    share = f", {formats.share(row['used'])} used" if row["used"] is not None else ""
    return f"heads for {formats.money(row['forecast_usd'])} of {formats.money(row['budget_usd'])}{share}"


def summary() -> str:
    if not rows:
        return "No budget is declared, so nothing says when the money runs out."
    month = names.month(present[0]["month"])
    if not planned:
        over = [row for row in present if row["per_outcome_status"] == "over"]
        return (
            f"{formats.plural(len(over), 'workflow')} of {len(present)} cost more per outcome than planned in {month}."
        )
    risky = [row for row in planned if row["status"] in ("over", "at risk")]
    unknown = [row for row in planned if row["status"] is None]
    worst = min(risky or unknown or planned, key=lambda r: (_WORST.get(r["status"], 3), -(r["used"] or 0)))
    calm = len(planned) - len(risky) - len(unknown)
    if not risky and not unknown:
        return f"All {formats.plural(calm, 'budget')} of {month} hold; the fullest, {within(worst)}, {fate(worst)}."
    rest = (f"; {formats.plural(len(risky) - 1, 'other')} at risk too" if len(risky) > 1 else "") + (
        f"; the other {formats.plural(calm, 'budget')} hold{'s' if calm == 1 else ''}" if calm else ""
    )
    said = f"{within(worst)} {fate(worst)}{rest}."
    return f"{said[:1].upper()}{said[1:]}"


first, last = ends(rows[0]["month"]) if rows else shell.ranked_period(p)
shell.heading(p, "Budgets", summary(), first, last)

if not rows:
    shell.say("Add what a month may cost to outlay.yaml, for a workflow, for any tag, or for everything:")
    st.code(TO_ADD, language="yaml", wrap_lines=True)
    shell.say("Then:")
    st.code("outlay run", language="shell", wrap_lines=True)
    st.stop()

with st.grid(3 if len(present) in (5, 6, 9) else 4, min_column_width=150, gap="small"):
    for row in present:
        risky = row["status"] in ("over", "at risk")
        if row["budget_usd"] is None:
            value, part = (
                formats.unit_cost(row["cost_per_outcome_usd"]),
                f"of {formats.unit_cost(row['per_outcome_budget_usd'])}",
            )
        else:
            value, part = formats.share(row["heads_for"]), f"of {formats.money(row['budget_usd'])}"
        shell.metric(
            name(row), value, part, delta_color="red" if risky else "off" if row["status"] is None else "green",
            delta_arrow="up" if risky else "off", border=True, height="stretch",
            help=f"{names.status(ended_as(row))}: {formats.money(row['forecast_usd'])} forecast. Export: budgets.",
        )  # fmt: skip
shell.note(
    f"Forecast spend of {names.month(present[0]['month'])} as a share of its budget; red where it is more than planned."
)

with st.container(horizontal=True, vertical_alignment="bottom"):
    months = list(dict.fromkeys(row["month"] for row in rows))
    month = st.selectbox("Month", months, format_func=names.month, key="month", bind="query-params", width=200)
    listed = {name(row): row for row in rows if row["month"] == month}
    by_risk = sorted(listed, key=lambda n: (_WORST.get(listed[n]["status"], 3), -(listed[n]["used"] or 0)))
    chosen = st.selectbox("Budget", by_risk, key="budget", bind="query-params", width=280)
budget = listed[chosen]
days = history.budget_days(p, budget["scope"], budget["value"], month)


def standing() -> str:
    """Where the chosen budget stands, with the interval and what no unit bears."""
    parts = []
    if budget["spend_to_date_usd"] is None:
        pass  # the note says it
    elif budget["final"]:
        parts.append(
            f"The month is over: {formats.money(budget['spend_to_date_usd'])} spent"
            + (
                f" of {formats.money(budget['budget_usd'])}, {formats.share(budget['used'])}."
                if budget["budget_usd"] is not None
                else "."
            )
        )
    else:
        parts.append(f"{formats.money(budget['spend_to_date_usd'])} spent up to {formats.day(as_of, year=False)}.")
        if budget["forecast_low_usd"] is not None:
            parts.append(
                f"With 90 % confidence the month ends between {formats.money(budget['forecast_low_usd'])} and "
                f"{formats.money(budget['forecast_high_usd'])}."
            )
    if budget["note"]:
        parts.append(f"{budget['note'][:1].upper()}{budget['note'][1:]}.")
    if budget["unattributed_usd"]:
        parts.append(f"{formats.money(budget['unattributed_usd'])} of it no unit bears.")
    if budget["per_outcome_budget_usd"] is not None and budget["cost_per_outcome_usd"] is not None:
        over = budget["per_outcome_status"] == "over"
        parts.append(
            f"An outcome costs {formats.unit_cost(budget['cost_per_outcome_usd'])}, {'more than' if over else 'within'} the planned "
            f"{formats.unit_cost(budget['per_outcome_budget_usd'])}."
        )
    return " ".join(parts)


shell.section(
    f"{chosen}, {names.month(month)}: {names.status(ended_as(budget)).lower()}",
    standing(),
    help="Spent: all spend that carries the name. Forecast: weekday-adjusted exponential smoothing of the last 56 days, with its 90 % interval. "
    "Export: budgets.",
)
if days and budget["spend_to_date_usd"] is not None:
    outcome = (
        f"runs out on {formats.day(budget['run_out_day'])}"
        if budget["run_out_day"]
        else "stays within the budget"
        if budget["budget_usd"] is not None
        else "has no monthly limit"
    )
    show(
        burn_up(days, budget),
        f"Spend of {chosen} in {names.month(month)} as it adds up: {formats.money(budget['spend_to_date_usd'])} spent, "
        f"{formats.money(budget['forecast_usd'])} forecast, budget {formats.money(budget['budget_usd'])}; it {outcome}",
        key="burn_up",
    )
    shell.note(
        "Solid: spent. Dotted: forecast, with the band that holds it in nine cases of ten. The line is the budget."
    )
if days:
    with st.expander("The days as a table"):
        table(
            days, ["day", "day_usd=spend_usd", "spent_usd=spend_to_date_usd", "forecast_usd", "forecast_low_usd", "forecast_high_usd"],
            key=f"budget_days_{chosen}_{month}", alt=f"Days of {chosen} in {names.month(month)}", download=f"budget_days-{month}",
        )  # fmt: skip

ends_said = ["per_outcome_budget_usd", "month_cost_usd", "per_outcome_status"]
told = [
    {
        **row,
        "budget_for": name(row),
        "month_cost_usd": row["cost_per_outcome_usd"],
        "status": ended_as(row),
        "per_outcome_status": ended_as(row, "per_outcome_status"),
    }
    for row in rows
]
shell.section(f"All budgets of {names.month(present[0]['month'])}", help="Export: budgets.")
table(
    [row for row in told if row["month"] == present[0]["month"]],
    ["budget_for", "status=budget_status", "budget_usd", "spend_to_date_usd", "used", "forecast_usd", "forecast_low_usd", "forecast_high_usd", "run_out_day", *ends_said],
    key="budgets", alt="All budgets of this month with their status", download="budgets", most=14,
    widths={"status": 165, "run_out_day": 105, "per_outcome_status": 95},
)  # fmt: skip
ended = [row for row in told if row["month"] != present[0]["month"]]
if ended:
    shell.section("Past months", "As they ended.", help="Export: budgets.")
    table(
        ended, ["budget_for", "month", "status=budget_status", "budget_usd", "spend_to_date_usd", "used", *ends_said],
        key="past_budgets", alt="Budgets of past months as they ended", download="budgets-past-months", most=14,
    )  # fmt: skip
