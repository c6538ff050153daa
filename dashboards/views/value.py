"""Value: what each workflow returns per dollar, and what would have to be true for the last of them."""

from decimal import Decimal

import streamlit as st

from dashboards import formats, names, queries, shell
from dashboards.charts.template import show
from dashboards.charts.value import value_map
from dashboards.tables import table

p = shell.shown()
first, last = shell.ranked_period(p)
rows = queries.ranking(p)
ranked = [row for row in rows if row["rank"] is not None]
workflows = queries.workspace().config.workflows


def summary() -> str:
    if p.meta["finding"]:
        return p.meta["finding"]
    if not ranked:
        return "No workflow can be ranked yet: a declared value and five outcomes are needed."
    best = ranked[0]
    return f"{names.human(best['workflow'])} returned {formats.money(best['value_per_usd'])} per dollar, the most of {len(ranked)} ranked workflows."


shell.heading(p, "Value", summary(), first, last)

if not rows:
    shell.empty(
        "No workflow is declared yet. Declare workflows and what an outcome is worth in outlay.yaml.",
        "outlay check\noutlay run",
    )
    st.stop()

if ranked:
    losing = [row for row in ranked if row["high"] is not None and row["high"] < 1]
    lost = sum((row["spend_usd"] - row["value_usd"] for row in losing), Decimal(0))
    shell.section(
        "Spend against what it returns",
        f"{formats.listing(names.human(row['workflow']) for row in losing)} lies below break-even: {formats.money(lost)} more spent than returned in 28 days."
        if losing
        else "No workflow lies below break-even with its whole interval.",
        help="Value as declared in outlay.yaml ÷ spend, failures included. Whiskers: 90 % interval. Bubbles grow with outcomes. "
        "The scale is logarithmic, so that twice and half a dollar are equally far from break-even.",
    )
    show(
        value_map(rows),
        "Spend and value per dollar: "
        + formats.listing(
            f"{names.human(r['workflow'])} {formats.money(r['spend_usd'])} at {formats.money(r['value_per_usd'])} per dollar"
            for r in ranked
        ),
        key="value",
    )

shell.section(
    "Ranking",
    "Ordered by the lower end of the interval; workflows in one band can't be told apart.",
    help="Export: value_ranking.",
)
table(
    rows,
    ["workflow", "rank", "band", "outcomes", "spend_usd", "spend_share", "value_usd", "value_per_usd", "low", "high", "break_even_value_usd"]
    + (["note"] if any(row["note"] for row in rows) else []),
    key="ranking", alt="Workflows ranked by value per dollar", download="value_ranking",
)  # fmt: skip

bottom = ranked[-1] if ranked else None
if bottom and bottom["break_even_value_usd"] is not None and bottom["outcomes"] > 0:
    each = bottom["value_usd"] / bottom["outcomes"]
    cost = bottom["break_even_value_usd"]
    declared = workflows.get(bottom["workflow"])
    basis = next((v.basis for v in reversed(declared.value) if v.basis), None) if declared else None
    shell.section(
        "What would have to be true",
        f"One {bottom['unit']} of {names.within(bottom['workflow'])} costs {formats.unit_cost(cost)} and is declared to be worth {formats.unit_cost(each)}"
        + (f" ({basis})" if basis else "")
        + f". It breaks even when it is worth {formats.unit_cost(cost)}, or when it costs {formats.unit_cost(each)}.",
    )
    with st.container(width=520):
        worth = st.slider(
            f"If one {bottom['unit']} were worth", 0.0, max(0.1, round(float(cost) * 3, 2)), round(float(each), 2), 0.01, format=f"{formats.currency().symbol}%.2f", key="worth",
            bind="query-params",
        )  # fmt: skip
    imagined = Decimal(str(round(worth, 2)))
    returned = imagined / cost
    shell.say(
        f"At {formats.money(imagined)} each, {names.within(bottom['workflow'])} would return {formats.money(returned)} per dollar: "
        + ("it would pay." if returned >= 1 else "it would still cost more than it is worth.")
    )
