"""An open alarm and the form that settles it: the same function as `outlay acknowledge`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from dashboards import access, actions, formats, history, names, queries, shell
from pipelines.workspace.errors import OutlayError
from pipelines.workspace.load import Loaded

_SAID = "alarm acknowledged"


def said() -> None:
    """What became of the form that was sent last, once."""
    if done := st.session_state.pop(_SAID, None):
        worked, words = done
        (st.success if worked else st.error)(formats.plain(words).replace("\n", "  \n"))


def alarm(loaded: Loaded, alarm: Mapping[str, Any], unit: str) -> None:
    """One open alarm: what it says, what it costs, and the form that settles it."""
    grown = alarm["change"] > 0
    monthly = (
        f" At present outcomes that is {formats.money(abs(alarm['month_usd']))} a month {'more' if grown else 'less'}."
        if alarm["month_usd"] is not None
        else ""
    )
    with st.container(border=True):
        shell.badge(f"{'▲ Dearer' if grown else '▼ Cheaper'}, open", "red" if grown else "green")
        shell.subsection(
            f"{names.human(alarm['workflow'])}: {formats.change(alarm['change'])} since {formats.day(alarm['since_day'], year=False)}"
        )
        shell.say(
            f"{formats.unit_cost(alarm['before_usd'])} became {formats.unit_cost(alarm['after_usd'])} a {unit}; raised on "
            f"{formats.day(alarm['detected_day'])}.{monthly}"
        )
        if decided := history.settled(alarm):
            shell.say(
                f"Acknowledged by {decided.by}"
                + (f": {decided.reason}." if decided.reason else ".")
                + (" Its baseline begins anew." if decided.kind == "rebase" else "")
            )
            shell.say("It takes effect with the next run:")
            st.code("outlay run", language="shell", wrap_lines=True)
            return
        if not access.may_change(loaded.config):
            shell.say(access.READING)
            return
        mail = actions.signed_in()
        with st.form(f"accept_{alarm['alarm']}", border=False):
            with st.container(horizontal=True, vertical_alignment="bottom"):
                reason = st.text_input(
                    "Reason", key=f"reason_{alarm['alarm']}", placeholder="What caused it, and why it is accepted", width="stretch",
                    max_chars=400,
                )  # fmt: skip
                if mail:
                    by = mail
                    shell.note(f"Signed in as {mail}")
                else:
                    by = st.text_input(
                        "Your name", key=f"by_{alarm['alarm']}", width=220, max_chars=80,
                        help="Without a login this is a declaration; it is recorded with the system user in decisions.jsonl.",
                    )  # fmt: skip
            rebase = st.checkbox(
                "This is the new normal: begin the baseline anew from here", key=f"rebase_{alarm['alarm']}",
                help="Left out, the old baseline stays, and the alarm comes again if the cost stays away from it.",
            )  # fmt: skip
            if st.form_submit_button("Acknowledge", type="primary", key=f"acknowledge_{alarm['alarm']}"):
                _record(loaded, alarm, by, reason, rebase)


def _record(loaded: Loaded, alarm: Mapping[str, Any], by: str, reason: str, rebase: bool) -> None:
    missing = [words for words, given in (("a reason", reason), ("your name", by)) if not given.strip()]
    if missing:
        st.error(f"Nothing was recorded: {formats.listing(missing)} {'is' if len(missing) == 1 else 'are'} needed.")
        return
    try:
        said = actions.accept_alarm(loaded, alarm["alarm"], by=by, reason=reason, rebase=rebase)
        st.session_state[_SAID] = (True, said)
    except OutlayError as error:
        st.session_state[_SAID] = (False, queries.told(error))
    st.rerun()
