"""The change of the routing: its plan, the approval, and what is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from dashboards import access, actions, formats, names, queries, shell
from pipelines.routing.answer import Answer
from pipelines.storage.published import Published
from pipelines.workspace.errors import OutlayError
from pipelines.workspace.load import Loaded

_DONE = "routing change"


def change(p: Published, loaded: Loaded) -> None:
    """The section of the page: what was just done, what can be done next, what is live."""
    shell.section("The change", help="The same functions as outlay route plan, approve, apply and status.")
    if done := st.session_state.pop(_DONE, None):
        worked, said, printed = done
        (st.success if worked else st.error)(formats.plain(said).replace("\n", "  \n"))
        if printed:
            shell.say("The text to put in place:")
            st.code(printed, language=None, wrap_lines=True)
    if not loaded.config.routing.targets:
        shell.empty(
            "outlay.yaml names no routing.targets: there is no gateway file to write. Add one to plan a change.",
            "outlay check",
        )
    else:
        try:
            _plan_and_approve(p, loaded)
        except OutlayError as error:
            st.error(formats.plain(queries.told(error)))


def _line(change: Mapping[str, Any]) -> str:
    if change["route"] == "*":
        return change["reason"]
    before, after = (
        formats.listing(f"{tier} {share} %" for tier, share in change[side].items()) for side in ("before", "after")
    )
    workflow, _, task_type = change["route"].partition("/")
    most = f", at most {change['approved_share']} %" if change["approved_share"] is not None else ""
    return f"{names.human(workflow)}, {names.within(task_type)}: {before or 'no route'} → {after or 'no route'}{most}"


def _plan_and_approve(p: Published, loaded: Loaded) -> None:
    full = actions.plan(loaded, p.recommendations)
    open_ids = {c["recommendation_id"]: _line(c) for c in full.document["changes"] if c["recommendation_id"]}
    only = None
    if full.document["source"] == "recommendations" and len(open_ids) > 1:
        shell.say("Changes to take; what is left out stays as it is, and can be taken later:")
        chosen = [
            one for one, words in open_ids.items() if st.checkbox(formats.plain(words), value=True, key=f"take_{one}")
        ]
        if not chosen:
            shell.say("No change is chosen.")
            return
        only = chosen if len(chosen) < len(open_ids) else None
    else:
        for change in full.document["changes"]:
            shell.say(_line(change))
    planned = actions.plan(loaded, p.recommendations, only) if only else full
    document = planned.document
    if document["source"] == "nothing":
        shell.say("Nothing to change: the live policy says what is recommended, or nothing is recommended.")
        for note in document["notes"]:
            shell.note(note)
        return
    shell.say(
        f"Policy version {document['version']} would replace version {document['live_version']}. A first switch starts at 5 %, with the old tier behind it."
        if document["live_version"]
        else f"Policy version {document['version']} would be the first. A first switch starts at 5 %, with the old tier behind it."
    )
    for note in document["notes"]:
        shell.note(note)
    for target in document["targets"]:
        with st.expander(formats.plain(f"What would be written to {target['path']}")):
            st.code(target["diff"] or "the file stays as it is", language="diff", wrap_lines=True)
            for part in target["unenforced"]:
                shell.note(f"Not enforced here: {part}")
    with st.expander(formats.plain(f"What would be written to {loaded.config.routing.policy}")):
        st.code(document["policy_diff"] or "the file stays as it is", language="diff", wrap_lines=True)
    clients(document["clients"])
    if not access.may_change(loaded.config):
        shell.say(access.READING)
    elif document["needs_approval"]:
        _approve(p, loaded, document, only)
    else:
        if st.button("Apply", type="primary", key="apply"):
            do(lambda: actions.apply(loaded, p.recommendations))


def clients(found: Mapping[str, str]) -> None:
    """The lines with which a client draws whole units, by kind of gateway."""
    for kind, lines in found.items():
        with st.expander(
            formats.plain(f"What a client of the {kind} gateway needs, so that all calls of a unit go the same way")
        ):
            st.code(lines, language="python", wrap_lines=True)


def _approve(p: Published, loaded: Loaded, document: Mapping[str, Any], only: list[str] | None) -> None:
    if not loaded.config.routing.approvers:
        shell.empty("Nobody may approve: name routing.approvers in outlay.yaml.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        by = approver(loaded, "I approve as", "approver")
        if st.button("Approve and apply", type="primary", disabled=by is None, key="approve") and by:
            do(lambda: actions.approve_and_apply(loaded, p.recommendations, by=by, only=only, seen=document["plan_id"]))


def approver(loaded: Loaded, words: str, key: str) -> str | None:
    """Who acts: the signed-in address, or a declared name; None until one is chosen."""
    if mail := actions.signed_in():
        shell.note(f"Signed in as {mail}")
        return mail
    names = [one.name for one in loaded.config.routing.approvers]
    return st.selectbox(
        words, names, index=None, key=key, placeholder="Choose your name", width=260,
        help="Without a login this is a declaration; it is recorded with the system user in routing/audit.jsonl.",
    )  # fmt: skip


def do(act: Callable[[], Answer]) -> None:
    """Do it, remember what was said and printed, and draw the page anew from what now stands."""
    try:
        done = act()
        st.session_state[_DONE] = (True, done.text, done.output)
    except OutlayError as error:
        st.session_state[_DONE] = (False, queries.told(error), None)
    st.rerun()
