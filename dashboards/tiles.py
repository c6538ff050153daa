"""The four numbers of the week."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dashboards import formats, names, shell
from dashboards.standing import Standing


def tiles(s: Standing) -> None:
    with st.grid(4, min_column_width=150, gap="small"):
        _like_for_like(s)
        _drift(s)
        _holding(s) if s.kept else _above_need(s)
        _lowest(s)


def _tile(words: str, value: str, part: str | None, about: str, **looks: Any) -> None:
    """A number, what it comes from, and how it is known."""
    shell.metric(
        words, value, part, border=True, height="stretch",
        help=about, **looks,
    )  # fmt: skip


def _of(workflow: str) -> str:
    """Whose figure it is, where there is room to say so: on a phone a tile holds one short line."""
    return "" if shell.on_a_phone() else f", {names.within(workflow)}"


def _like_for_like(s: Standing) -> None:
    value = formats.change(s.index["index"] - 1) if s.index and s.index["index"] else formats.UNKNOWN
    part = None
    if s.same:
        part = f"{'-' if s.same.change < 0 else '+'}{formats.money(abs(s.same.now_usd - s.same.then_usd))} a week"
    _tile(
        "Like for like", value, part,
        "Last week's outcomes at this week's cost per outcome, against what they cost last week: the mix of work is held still. "
        "Export: weekly_index.", delta_color="inverse",
    )  # fmt: skip


def _drift(s: Standing) -> None:
    drifts = s.drifts
    largest = drifts.alarms[0] if drifts.alarms else None
    seen = formats.listing(
        f"{names.human(w['workflow'])} from {formats.share(w['minimum_detectable'])}" for w in drifts.watched
    )
    unseen = formats.listing(f"{names.human(w['workflow'])} ({w['state']})" for w in drifts.waiting)
    part = (
        f"{formats.change(largest['change'])}{_of(largest['workflow'])}"
        if largest
        else f"{len(drifts.watched)} of {formats.plural(len(drifts.watched) + len(drifts.waiting), 'workflow')} watched"
    )
    _tile(
        "Drift", formats.plural(len(drifts.alarms), "alarm") if drifts.watched else formats.UNKNOWN, part,
        "Days out of their band (shock) and lasting changes (drift) of the cost per outcome against a frozen baseline, on mature days; open "
        "until the next day is back or somebody acknowledges it (outlay acknowledge). "
        + (f"A change is found within a week in four cases of five: {seen}. " if seen else "")
        + (f"Not watched yet: {unseen}. " if unseen else "") + "Export: drift.",
        delta_color="red" if drifts.rising else "off",
        delta_arrow="off" if largest is None else "up" if largest["change"] > 0 else "down",
    )  # fmt: skip


def _above_need(s: Standing) -> None:
    """While no policy governs a route: how much runs on a higher tier than is declared to be needed."""
    _tile(
        "Above need", formats.share(s.off.share), f"{formats.money(s.off.dear_usd)} of {formats.money(s.off.spend_usd)}",
        "The share of this week's spend on models of a higher tier than the task type is declared to need in outlay.yaml. It says what was "
        "declared, not what evidence shows: that is on Capability split. Once a policy is applied, this tile tells whether traffic follows it. "
        "Export: task_cost.", delta_color="red" if s.off.dear_usd else "green", delta_arrow="off",
    )  # fmt: skip


def _holding(s: Standing) -> None:
    """Once a policy governs routes: whether traffic follows it, and what it loses where it doesn't."""
    broken = [one for one in s.kept if not one.holds]
    lost = "leak unknown" if s.leak_usd is None else f"{formats.money(s.leak_usd)} leaked"
    _tile(
        "Split holds", formats.share(s.held), f"{lost}, {formats.plural(len(broken), 'route')} off" if broken else lost,
        f"The share of {formats.plural(s.governed, 'request')} of routed task types, in the seven days to as-of, that ran on the tier that the "
        "approved policy says; and what the others cost above it. Export: adherence.",
        delta_color="red" if broken else "green", delta_arrow="off",
    )  # fmt: skip


def _lowest(s: Standing) -> None:
    bottom = s.bottom
    _tile(
        "Lowest return per $", formats.money(bottom["value_per_usd"]) if bottom else formats.UNKNOWN,
        f"{formats.share(bottom['spend_share'])} of spend{_of(bottom['workflow'])}" if bottom else None,
        f"{names.human(bottom['workflow']) if bottom else 'No workflow'} is the last of the ranking over 28 days: declared value of its "
        "outcomes per dollar spent. Export: value_ranking.",
        delta_color="red" if bottom and bottom["value_per_usd"] < 1 else "off", delta_arrow="off",
    )  # fmt: skip
