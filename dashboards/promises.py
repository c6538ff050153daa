"""Decisions of the last weeks: what each promised, and what it brought."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import streamlit as st

from dashboards import formats, names, routed, shell
from dashboards.tables import table
from pipelines.storage.published import Published

BACK = timedelta(days=28)
LOOKS: dict[str, shell.Colour] = {"saved": "green", "costs more": "red"}


def promises(p: Published, as_of: date) -> None:
    """The moves of routes of four weeks, one a card; nothing where nothing was ever decided."""
    rows = [row for row in routed.decisions(p) if row["first_day"] is None or row["first_day"] > as_of - BACK]
    if not rows:
        return
    shell.section(
        "Decided lately: promised and realised",
        "What a change of the routing was to save, and what it saves at its present share, both a month.",
        help="Promised: the recommendation's saving, for the share that was in force. Realised: matured units on the new tier against units on "
        "the old one, price changes taken out, with its 90 % interval. Export: decisions.",
    )
    with st.grid(2, min_column_width=330, gap="small"):
        for row in rows:
            with st.container(border=True, height="stretch", gap="xsmall"):
                shell.badge(_told(row), LOOKS.get(row["finding"], "gray"))
                shell.strong(f"{row['task_said']}: {row['moved_said']}")
                shell.note(_brought(row))
                st.space("stretch")
                with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
                    shell.note(f"approved by {row['approved_by']}")
                    task = names.task(row["workflow"], row["task_type"])
                    shell.link(shell.SPLIT, "See its rollout", task=task)
    table(rows, ["task_said"], key="promises", alt="Decisions promised and realised", download="decisions", shown=False)


def _told(row: Mapping[str, Any]) -> str:
    told = {"saved": "✓ Saves", "costs more": "▲ Costs more"}.get(
        row["finding"] or "", row["finding"] or "not applied yet"
    )
    return f"{told[:1].upper()}{told[1:]}"


def _brought(row: Mapping[str, Any]) -> str:
    if row["first_day"] is None:
        return f"Approved, and not applied. Promised: {formats.money(row['promised_usd'])} a month."
    since = f"since {formats.day(row['first_day'], year=False)}"
    if row["promised_usd"] is not None:
        promised = f"Promised {formats.money(row['promised_usd'])} a month at this share"
    else:
        promised = (
            "Its promise at this share is told after a whole day"
            if row["recommendation_id"]
            else "No promise was recorded"
        )
    if row["realised_usd"] is None:
        return f"{promised}; realised: too few settled outcomes {since} to say."
    return (
        f"{promised}; realised {formats.money(row['realised_usd'])} (90 %: {formats.money(row['low_usd'])} to "
        f"{formats.money(row['high_usd'])}), {since} over {formats.count(row['outcomes'])} outcomes of the new tier."
    )
