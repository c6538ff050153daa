"""Capability split: which work can move to a cheaper model, on what evidence; the plan; approve and apply."""

import streamlit as st

from dashboards import curve, evidence, formats, history, moving, names, queries, rollout, shell
from dashboards.charts.frontier import frontier
from dashboards.charts.split import intervals
from dashboards.charts.template import show
from dashboards.tables import listing, table

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
    parts = (
        counts["experiment"]
        and f"{counts['experiment']} {'needs' if counts['experiment'] == 1 else 'need'} an experiment",
        counts["keep"] and f"{counts['keep']} {'stays as it is' if counts['keep'] == 1 else 'stay as they are'}",
    )
    rest = ", ".join(part for part in parts if part)
    best = rows[0]
    if best["decision"] != "switch":
        return f"No task type has the evidence to switch; of {len(rows)}, {rest}."
    total = sum((row["saving_usd_month"] or 0 for row in rows if row["decision"] == "switch"), start=0)
    saves = (
        f", saving {formats.money(total)} a month"
        if total
        else f"; {names.within(best['task_type'])} at {formats.share(best['saving'])} less cost"
    )
    of = f"{counts['switch']} of {formats.plural(len(rows), 'task type')}"
    return f"{of} can move to a cheaper model{saves}{f'; {rest}' if rest else ''}."


shell.heading(p, "Capability split", summary(), first, last)

if not rows:
    shell.empty(
        "Declare the tasks of each workflow and a source of kind evaluations in outlay.yaml.",
        "outlay check\noutlay run",
    )
    rollout.change(p, loaded)
    moving.rollouts(p, loaded)
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
    shell.section("What the evidence says", "What each proposal would keep of today's quality, and what it would save.")
    with st.grid(2, min_column_width=300, gap="medium"):
        for value, title, lines, about in pictures:
            with st.container():
                shell.subsection(title, help=f"{about} Dot: estimate. Bar: 90 % interval. Export: recommendations.")
                said = formats.listing(f"{names.human(r['task_type'])} {formats.share(r[value])}" for r in drawn)
                show(intervals(drawn, value, lines), f"{title} by task type: {said}", key=f"intervals_{value}")
    if any(r["decision"] != "switch" for r in drawn):
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
    + ["items", "grade"],
    key="split", alt="Recommendations by task type", download="recommendations", on_select=pick, widths={"proposed": 130, "retention_said": 145, "saving_said": 185, "saving_usd_month": 130, "items": 60, "grade": 60},
)  # fmt: skip

keys = [evidence.key(row) for row in rows]
with st.container(width=420):
    task = st.selectbox(
        "Evidence for", keys, format_func=lambda k: names.task(*k.split("/", 1)), key="task",
        bind="query-params",
    )  # fmt: skip
item = items[task]
with st.container(border=True):
    shell.subsection(evidence.headline(item))
    shell.say(item["reason"])
    shell.facts(evidence.facts(item, loaded.config, traffic))
    parts = evidence.strata(item)
    if parts:
        shell.subsection(
            "By recorded difficulty",
            help="Each stratum is decided on its own pairs; what it shows here adds up to the recommendation. Export: recommendations, by_stratum.",
        )
        table(
            parts,
            ["stratum", "requests_share", "moved_share", "stratum_served=proposed", "retention_said", "saving_said", "saving_usd_month", "items"],
            key=f"strata_{task}", alt=f"{names.human(item['task_type'])} by recorded difficulty", download=f"recommendations-{item['id']}-strata",
        )  # fmt: skip
    alone = ": outlay route approve --only takes it alone" if item["decision"] == "switch" else ""
    shell.note(f"Recommendation {item['id']}{alone}.")

rollout.change(p, loaded)
moving.rollouts(p, loaded)

points = history.frontier(p)
movable = curve.movable(points)
if movable:
    shell.section(
        "What a lower promise would save",
        help="Every point is decided as a recommendation is: by what the evidence proves with 95 % confidence, not by the estimate. Whiskers: "
        "90 % interval. Export: frontier.",
    )
    bearer = movable[0]
    if len(movable) > 1:
        bearer = st.segmented_control(
            "Workflow", movable, format_func=names.human, default=bearer, required=True, key="curve", bind="query-params",
            label_visibility="collapsed",
        )  # fmt: skip
    own = curve.of(points, bearer)
    shell.say(curve.promise(own, bearer))
    with st.container(width=520):
        accepted = st.select_slider(
            "If we accepted, of today's quality", own.offered, value=own.today_promise, format_func=lambda n: f"{n} %",
            key=f"accepted_{bearer}", bind="query-params",
        )  # fmt: skip
    shell.say(curve.answer(own, bearer, accepted))
    show(
        frontier(own, accepted),
        f"Cost saved against quality kept in {names.human(bearer)}: {curve.spoken(own)}",
        key="frontier",
    )

found = history.disagreements(p)
shell.section(
    "Declared, served, proven",
    f"{formats.plural(len(found), 'task type')} {'runs' if len(found) == 1 else 'run'} on another tier than outlay.yaml says "
    f"{'it needs' if len(found) == 1 else 'they need'}, or than the evidence supports."
    if found
    else "Every task type runs on the tier that outlay.yaml says it needs.",
    help="The tier of the declared capability, the tier of most of the spend today, and the tier that the evidence supports. Export: capability.",
)
if found:
    listing(
        [{**row, "task_said": names.task(row["workflow"], row["task_type"]), "finding": curve.disagreement(row)} for row in found],
        ["task_said", "finding"], key="capability", alt="Where declaration, traffic and evidence disagree", download="capability",
    )  # fmt: skip

nameless = curve.untagged(history.profile(p))
if nameless.rows:
    shell.section(
        "Work without a task type",
        curve.looks(nameless),
        help="Inferred from token counts of 28 days: sizes, their ratio, the share of reasoning. It says what to tag and evaluate first; it is "
        "never evidence for a switch. Export: workload_profile.",
    )
    shell.badge("Inferred", "gray")
    table(
        nameless.rows, ["inferred_kind", "workflow", "model", "tier", "requests", "spend_usd", "usual_tier"], key="profile",
        alt="Spend without a task type by what it looks like", download="workload_profile",
    )  # fmt: skip
