"""The three questions of the week: each a line that holds or needs a decision, the finding, and the step that settles it."""

from __future__ import annotations

from decimal import Decimal

import streamlit as st

from dashboards import formats, names, shell
from dashboards.standing import Standing
from dashboards.week import Move
from pipelines.storage.published import Published

ROSE = Decimal("0.1")  #: a rise that is worth a question where no detector judges it yet


def questions(s: Standing, p: Published) -> None:
    with st.grid(3, min_column_width=260, gap="small"):
        _cost(s)
        _capability(s, p)
        _value(s)


def _question(words: str, good: bool | None, finding: str, page: str, step: str, **filters: str) -> None:
    with st.container(border=True, height="stretch"):
        if good is None:
            shell.badge("Can't tell yet", "gray")
        else:
            shell.badge("✓ Holds" if good else "▲ Needs a decision", "green" if good else "red")
        shell.subsection(words)
        shell.say(finding)
        st.space("stretch")
        shell.onward(page, step, **filters)


def _cost(s: Standing) -> None:
    words = "Do outcomes cost what they did?"
    if not s.moved:
        _question(
            words,
            None,
            "It takes two weeks of mature days with outcomes to compare.",
            shell.HEALTH,
            "See what has been read",
        )
        return
    top = s.moved[0]
    dearer = [move for move in s.moved if move.change >= ROSE]
    on_week = "" if top.change_on_week is None else f" and {formats.change(top.change_on_week)} against last week"
    _question(
        words,
        not s.drifts.rising if s.drifts.watched else not dearer,
        f"{names.human(top.workflow)} cost {formats.unit_cost(top.now_usd)} a {s.unit_of(top.workflow)} on the "
        f"{formats.plural(top.mature_days, 'mature day')} of {s.week.name}: {formats.change(top.change)} against the four weeks before "
        f"({formats.unit_cost(top.earlier_usd)}){on_week}. {_judged(s, dearer)}",
        shell.CHANGES if top.workflow in s.drifts.rising else shell.COST,
        f"See the days of {names.within(top.workflow)}",
        workflow=names.human(top.workflow),
    )


def _judged(s: Standing, dearer: list[Move]) -> str:
    """What the detectors make of it; a plain comparison where no workflow has a baseline yet."""
    if s.drifts.rising:
        which = formats.listing(names.human(w) for w in s.drifts.rising)
        return f"An alarm is open for {which}: find the cause, or accept the new level on Changes."
    if s.drifts.watched:
        return (
            f"No rise in {formats.plural(len(s.drifts.watched), 'watched workflow')} is beyond what its noise explains."
        )
    rose = formats.listing(names.human(m.workflow) for m in dearer)
    return f"{rose or 'No workflow'} rose by 10 % or more; no workflow has a baseline yet that could judge it."


def _capability(s: Standing, p: Published) -> None:
    words = "Is dear capability kept for hard work?"
    off = s.off
    if not off.tasks:
        known = off.spend_usd and off.undeclared_usd < off.spend_usd
        finding = (
            f"All of {formats.money(off.spend_usd)} ran on the tier it needs, or a lower one."
            if known
            else "outlay.yaml declares no capability for the task types seen this week."
        )
        _question(words, True if known else None, finding, shell.SPLIT, "See the split")
        return
    switches = [r for r in p.recommendations["recommendations"] if r["decision"] == "switch"]
    worst = off.tasks[0]
    ready = next(
        (t for t in off.tasks for r in switches if (r["workflow"], r["task_type"]) == (t.workflow, t.task_type)), None
    )
    proof = (
        f" Evidence is in for {names.within(ready.task_type)} ({formats.money(ready.dear_usd)})."
        if ready
        else " No evidence supports a switch yet."
    )
    at = ready or worst
    _question(
        words,
        False,
        f"No: {formats.money(off.dear_usd)} of {formats.money(off.spend_usd)} ran on a higher tier than declared, most of it in "
        f"{names.within(worst.task_type)} ({formats.money(worst.dear_usd)} on {worst.tier}, declared {worst.needed}).{proof}",
        shell.SPLIT,
        f"Read the evidence for {names.within(at.task_type)}",
        task=names.task(at.workflow, at.task_type),
    )


def _value(s: Standing) -> None:
    words = "Does all spend earn its keep?"
    bottom = s.bottom
    if bottom is None:
        finding = "Fewer than two workflows have a declared value and five outcomes."
        _question(words, None, finding, shell.VALUE, "See what is missing")
        return
    losing = [row for row in s.ranked if row["high"] is not None and row["high"] < 1]
    _question(
        words,
        not losing,
        f"{names.human(bottom['workflow'])} took {formats.share(bottom['spend_share'])} of spend and returned "
        f"{formats.money(bottom['value_per_usd'])} per dollar (90 %: {formats.money(bottom['low'])} to {formats.money(bottom['high'])}). "
        f"One {bottom['unit']} must be worth {formats.unit_cost(bottom['break_even_value_usd'])} to break even.",
        shell.VALUE,
        "See what would have to be true",
    )
