"""Capability split: which work can move to a cheaper model, on what evidence; the plan; approve and apply."""

import streamlit as st

from dashboards import actions, evidence, formats, names, queries, shell
from dashboards.charts.split import intervals
from dashboards.charts.template import show
from dashboards.tables import table
from pipelines.workspace.errors import OutlayError

DONE = "routing change"

p = shell.shown()
first, last = shell.ranked_period(p)
loaded = queries.workspace()
items = {evidence.key(item): item for item in p.recommendations["recommendations"]}
rows = evidence.rows(p.recommendations)
traffic = queries.task_spend(p, first, last)


def summary() -> str:
    if not rows:
        return "No recommendation yet: it takes requests with a task type, and evaluations of two models on the same items."
    counts = {d: sum(row["decision"] == d for row in rows) for d in ("switch", "experiment", "keep")}
    rest = (
        f"{counts['experiment']} {'needs' if counts['experiment'] == 1 else 'need'} an experiment, "
        f"{counts['keep']} {'stays as it is' if counts['keep'] == 1 else 'stay as they are'}"
    )
    best = rows[0]
    if best["decision"] != "switch":
        return f"No task type has the evidence to switch; of {len(rows)}, {rest}."
    total = sum((row["saving_usd_month"] or 0 for row in rows if row["decision"] == "switch"), start=0)
    saves = (
        f", saving {formats.money(total)} a month"
        if total
        else f"; {names.within(best['task_type'])} at {formats.share(best['saving'])} less cost"
    )
    return f"{counts['switch']} of {len(rows)} task types can move to a cheaper model{saves}; {rest}."


shell.heading(p, "Capability split", summary(), first, last)

if not rows:
    shell.empty(
        "Declare the tasks of each workflow and a source of kind evaluations in outlay.yaml.",
        "outlay check\noutlay run",
    )
    st.stop()

drawn = [r for r in rows if r["retention"] is not None and r["saving"] is not None and r["saving"] > 0]
if drawn:
    floors = {
        w.quality.floor for name, w in loaded.config.workflows.items() if any(r["workflow"] == name for r in drawn)
    }
    limits = {1.0: "as good as today"} | {
        floor: f"floor {formats.share(floor)}" for floor in floors if len(floors) == 1
    }
    pictures = (
        ("retention", "Quality kept", limits, "Expected quality of the proposal ÷ quality of today's model; no task type may fall below the floor."),
        ("saving", "Cost saved", {0.0: "as dear as today"}, "Share of the task type's cost that the proposal saves."),
    )  # fmt: skip
    with st.grid(2, min_column_width=300, gap="medium"):
        for value, title, lines, about in pictures:
            with st.container():
                st.subheader(
                    title, anchor=False, help=f"{about} Dot: estimate. Bar: 90 % interval. Export: recommendations."
                )
                said = formats.listing(f"{names.human(r['task_type'])} {formats.share(r[value])}" for r in drawn)
                show(intervals(drawn, value, lines), f"{title} by task type: {said}", key=f"intervals_{value}")
    st.markdown(
        ":small[:green[**Green**] is recommended, :blue[**blue**] needs an experiment, :gray[**grey**] stays as it is; for these two, the "
        "figures are the best candidate's.]"
    )


def pick() -> None:
    chosen_rows = st.session_state["split"]["selection"]["rows"]
    if chosen_rows:
        st.session_state["task"] = evidence.key(rows[chosen_rows[0]])


shell.section("Every task type", "Select a row to read its evidence.")
table(
    rows,
    ["task_type", "workflow", "decision", "today", "proposed", "retention_said", "saving_said"]
    + (["saving_usd_month"] if any(r["saving_usd_month"] is not None for r in rows) else [])
    + ["items", "grade", "reason"],
    key="split", alt="Recommendations by task type", download="recommendations", on_select=pick, widths={"proposed": 235, "retention_said": 140, "saving_said": 165, "reason": "large"},
)  # fmt: skip

keys = [evidence.key(row) for row in rows]
with st.container(width=420):
    task = st.selectbox(
        "Evidence for", keys, format_func=lambda k: names.task(*k.split("/", 1)), key="task",
        bind="query-params",
    )  # fmt: skip
item = items[task]
with st.container(border=True):
    st.subheader(formats.plain(evidence.headline(item)), anchor=False)
    shell.say(item["reason"])
    shell.facts(evidence.facts(item, loaded.config, traffic))

shell.section("The change", help="The same functions as outlay route plan, approve, apply and status.")


def route_line(change: dict) -> str:
    if change["route"] == "*":
        return change["reason"]
    before, after = (
        formats.listing(f"{tier} {share} %" for tier, share in change[side].items()) for side in ("before", "after")
    )
    workflow, _, task_type = change["route"].partition("/")
    most = f", at most {change['approved_share']} %" if change["approved_share"] is not None else ""
    return f"{names.human(workflow)}, {names.within(task_type)}: {before or 'no route'} → {after or 'no route'}{most}"


def plan_and_approve() -> None:
    full = actions.plan(loaded, p.recommendations)
    open_ids = {c["recommendation_id"]: route_line(c) for c in full.document["changes"] if c["recommendation_id"]}
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
            shell.say(route_line(change))
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
            st.code(target["diff"] or "the file stays as it is", language="diff")
            for part in target["unenforced"]:
                shell.note(f"Not enforced here: {part}")
    with st.expander(formats.plain(f"What would be written to {loaded.config.routing.policy}")):
        st.code(document["policy_diff"] or "the file stays as it is", language="diff")
    if document["needs_approval"]:
        approve(document, only)
    else:
        if st.button("Apply", type="primary", key="apply"):
            change_routing(lambda: actions.apply(loaded, p.recommendations).text)


def approve(document: dict, only: list[str] | None) -> None:
    approvers = [approver.name for approver in loaded.config.routing.approvers]
    mail = actions.signed_in()
    if not approvers:
        shell.empty("Nobody may approve: name routing.approvers in outlay.yaml.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if mail:
            by: str | None = mail
            shell.note(f"Signed in as {mail}")
        else:
            by = st.selectbox(
                "I approve as", approvers, index=None, key="approver", placeholder="Choose your name", width=260,
                help="Without a login this is a declaration; it is recorded with the system user in routing/audit.jsonl.",
            )  # fmt: skip
        if st.button("Approve and apply", type="primary", disabled=by is None, key="approve") and by:
            change_routing(
                lambda: actions.approve_and_apply(loaded, p.recommendations, by=by, only=only, seen=document["plan_id"])
            )


def change_routing(act) -> None:
    """Do it, remember what was said, and draw the page anew from what now stands."""
    try:
        st.session_state[DONE] = (True, act())
    except OutlayError as error:
        st.session_state[DONE] = (False, str(error))
    st.rerun()


if done := st.session_state.pop(DONE, None):
    worked, said = done
    if worked:
        st.success(formats.plain(said).replace("\n", "  \n"))
    else:
        st.error(formats.plain(said).replace("\n", "  \n"))
if not loaded.config.routing.targets:
    shell.empty(
        "outlay.yaml names no routing.targets: there is no gateway file to write. Add one to plan a change.",
        "outlay check",
    )
else:
    try:
        plan_and_approve()
    except OutlayError as error:
        st.error(formats.plain(str(error)))
    st.subheader("What is live", anchor=False)
    try:
        for line in actions.status(loaded).text.splitlines():
            shell.say(line)
    except OutlayError as error:
        st.error(formats.plain(str(error)))
    st.markdown(":gray[:small[`outlay route rollback` takes the last change back: every file gets its former bytes.]]")
