"""What single units of a workflow cost: how they spread, the dearest, and one opened down to its requests and charges."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import streamlit as st

from dashboards import formats, names, shell, units
from dashboards.charts.cost import spread
from dashboards.charts.template import show
from dashboards.queries import per
from dashboards.tables import table
from pipelines.storage.published import Published

DEAREST = 25


def spreading(p: Published, workflow: str, unit: str) -> None:
    """How the costs of a workflow's units spread."""
    summary = units.unit_summary(p, workflow)
    if summary is None or summary["units"] < 5:
        shell.section(f"Every {unit}")
        shell.empty(f"Fewer than five units of {names.within(workflow)} have a cost: there is no spread to show.")
        return
    held = per(summary["above_spend_usd"], summary["spend_usd"])
    shell.section(
        f"Every {unit}",
        f"{formats.share(per(summary['above_units'], summary['units']))} of {formats.count(summary['units'])} {unit}s cost more than "
        f"{formats.unit_cost(summary['p95_usd'])} and take {formats.share(held)} of the spend; the dearest cost {formats.unit_cost(summary['dearest_usd'])}.",
        help="All units since the first day, by what each bears of all charges. Export: outcome_cost.",
    )
    show(
        spread(units.unit_spread(p, workflow), summary, unit),
        f"How the cost of one {unit} spreads: half cost {formats.unit_cost(summary['p50_usd'])} or less, 95 % "
        f"{formats.unit_cost(summary['p95_usd'])} or less",
        key="spread",
    )
    st.markdown(
        ":small[:green[**Green**] are good units, :red[**red**] those that failed, were rejected or are still open.]"
    )


def chosen(p: Published, workflow: str, unit: str) -> None:
    """The dearest units to choose from, and the one that is chosen, by itself the dearest."""
    dearest = units.dearest(p, workflow)

    def pick() -> None:
        rows = st.session_state[f"units_{workflow}"]["selection"]["rows"]
        st.session_state["unit"] = dearest[rows[0]]["unit_id"] if rows else ""

    shell.subsection(f"The dearest {unit}s")
    table(
        dearest[:DEAREST],
        ["unit_id", "status", "attempts", "requests", "spend_usd=unit_spend_usd", "value_usd", "outcome_day"],
        key=f"units_{workflow}", alt=f"The dearest units of {names.human(workflow)}", download=f"outcome_cost-{workflow}-dearest", most=8,
        on_select=pick, empty="No unit yet.",
    )  # fmt: skip

    with st.container(width=420):
        wanted = st.text_input(
            f"One {unit}, by its id", key="unit", bind="query-params", placeholder=dearest[0]["unit_id"] if dearest else "",
            help="Select a row above, or write an id.",
        )  # fmt: skip
    unit_id = wanted or (dearest[0]["unit_id"] if dearest else "")
    found = units.unit(p, workflow, unit_id) if unit_id else None
    if unit_id and found is None:
        shell.say(f"{names.human(workflow)} has no {unit} “{unit_id[:80]}”.")
    elif found:
        _opened(p, workflow, unit, found)


def _opened(p: Published, workflow: str, unit: str, found: Mapping[str, Any]) -> None:
    """One unit's requests in time order, and the charges that priced them."""
    unit_id = found["unit_id"]
    day = _of_day(p, found)
    calls, charges = units.requests_of(p, workflow, unit_id, day, day, found["requests"])
    tries = formats.plural(found["attempts"], "attempt")
    shell.section(
        f"{unit.capitalize()} {unit_id}: {formats.unit_cost(found['spend_usd'])}",
        f"{names.human(found['status'])}, {tries}, {formats.plural(found['requests'], 'request')}."
        + (
            " Some requests served several units; this one bears its share of them."
            if any(c["shared_by"] > 1 for c in calls)
            else ""
        ),
    )
    zone = p.meta["timezone"]
    later = found["requests"] - len(calls)
    if day and later > 0 and st.toggle(
        f"Also the {formats.plural(later, 'request')} after {formats.day(day)}", key="later", bind="query-params",
        help="Requests lie in a file a day; those since then are read until the last of this unit.",
    ):  # fmt: skip
        calls, charges = units.requests_of(p, workflow, unit_id, day, None, found["requests"])
    table(
        [{**c, "when": formats.moment(c["time"], zone)} for c in calls],
        ["when", "attempt_id", "task_type", "model", "status", "input_tokens", "output_tokens", "latency_s", "cost_usd", "cost_basis"]
        + (["shared_by"] if any(c["shared_by"] > 1 for c in calls) else []),
        key=f"calls_{unit_id}", alt=f"Requests of {unit_id} in time order", download=f"requests-{unit_id}", empty="No request names this unit.",
    )  # fmt: skip
    shell.subsection("The charges that priced them")
    table(
        [{**c, "when": formats.moment(c["time"], zone)} for c in charges],
        ["when", "model", "sku", "quantity", "unit_price_usd", "amount_usd", "rate_source"],
        key=f"charges_{unit_id}", alt=f"Charges of the requests of {unit_id}", download=f"charges-{unit_id}",
        empty="No charge: these requests have no known price.",
    )  # fmt: skip


def _of_day(p: Published, row: Mapping[str, Any]) -> date | None:
    """The reporting day of a unit's first request."""
    started = row["first_request"]
    return started.astimezone(ZoneInfo(p.meta["timezone"])).date() if started else None
