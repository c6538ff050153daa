"""The bridge from one week to the next, as two pages show it: by factor, and by who moved it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import streamlit as st

from dashboards import formats, history, names, shell
from dashboards.charts.bridge import direction, parts, waterfall
from dashboards.charts.template import show
from dashboards.queries import Rows, per
from pipelines.storage.published import Published

Step = Mapping[str, Any]  #: a row of `history.bridged`
LARGEST = 6


def week(monday: date) -> str:
    return f"week {monday.isocalendar().week}"


def sentence(step: Step, factors: Rows) -> str:
    """What an outcome cost in both weeks, and which factor moved it most."""
    of = "all workflows together" if step["workflow"] == history.ALL else names.within(step["workflow"])
    moved = step["after_usd"] - step["before_usd"]
    main = max(factors, key=lambda row: abs(row["effect_usd"]))
    pale = " The week is provisional: outcomes still to arrive would lower it." if step["provisional"] else ""
    then, now = week(step["first_day"] - timedelta(days=7)), week(step["first_day"])
    return (
        f"An outcome of {of} cost {formats.unit_cost(step['before_usd'])} in {then} and {formats.unit_cost(step['after_usd'])} in {now} "
        f"({formats.change(per(moved, step['before_usd']))}). The largest part is {names.factor(main['factor']).lower()}, "
        f"{names.FACTORS[main['factor']][1]}: {direction(main['effect_usd'])}.{pale}"
    )


def draw(p: Published, step: Step, factors: Rows) -> Rows:
    """Both pictures, side by side where there is room. Answers every contributor, for the table."""
    who: Rows = [
        {**row, "who": bearer, "what": what, "contributor_said": ", ".join(filter(None, (bearer, what)))}
        for row in history.contributors(p, step["workflow"], step["week"])
        for bearer, what in [names.contributor(row, step["workflow"])]
    ]
    then, now = (week(step["first_day"] - timedelta(days=n)).capitalize() for n in (7, 0))
    with st.grid(2, min_column_width=310, gap="large"):
        with st.container():
            shell.subsection("By factor")
            spoken = formats.listing(
                f"{names.factor(f['factor']).lower()} {direction(f['effect_usd'])}" for f in factors
            )
            show(
                waterfall(factors, step["before_usd"], step["after_usd"], then, now),
                f"From {formats.unit_cost(step['before_usd'])} to {formats.unit_cost(step['after_usd'])} per outcome: {spoken}",
                key="waterfall",
            )
        with st.container():
            shell.subsection("By name")
            if who:
                others = sum((row["effect_usd"] for row in who[LARGEST:]), Decimal(0)) if len(who) > LARGEST else None
                show(
                    parts(who[:LARGEST], others, f"{formats.plural(len(who) - LARGEST, 'other')} together"),
                    "Largest contributors: "
                    + formats.listing(
                        f"{row['contributor_said']} {direction(row['effect_usd'])}" for row in who[:LARGEST]
                    ),
                    key="parts",
                )
            else:
                shell.say("Nothing moved between these weeks.")
    words = " ".join(f"{title}: {about}." for title, about in names.FACTORS.values())
    shell.note(f"▲ red: dearer than the week before. ▼ green: cheaper. {words}")
    return who
