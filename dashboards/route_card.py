"""One route's rollout as a card: its share, the steps, traffic against it, its guards, and the way back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Literal

import streamlit as st

from dashboards import access, actions, formats, names, rollout, routed, shell
from dashboards.charts.rollout import followed
from dashboards.charts.template import show
from dashboards.queries import Rows
from dashboards.tables import listing
from pipelines.routing.volume import STEPS
from pipelines.storage.published import Published
from pipelines.workspace.load import Loaded

Entry = Mapping[str, Any]
Colour = Literal["red", "orange", "blue", "green", "gray"]
ANSWERS = {"holds": "✓ holds", "waits": "… waits", "fails": "✕ fails"}
STATES: dict[str, tuple[str, Colour]] = {
    "canary": ("On its way", "blue"), "hold": ("A guard fails: on hold", "orange"),
    "promoted": ("✓ At the approved share", "green"),
}  # fmt: skip


def card(p: Published, loaded: Loaded, entry: Entry) -> None:
    step, (workflow, task_type) = entry["step"], entry["route"].split("/", 1)
    shares = formats.listing(f"{share} % on {tier}" for tier, share in entry["shares"].items())
    with st.container(border=True):
        word, colour = _state(step)
        shell.badge(word, colour)
        shell.subsection(f"{names.task(workflow, task_type)}: {shares}")
        if step is not None:
            _steps(step)
            shell.say(_next(step))
        for row in entry["health"]:
            st.warning(formats.plain(f"{row['tier']} is {row['state']}: {_ails(row)}"))
        tier = step["to_tier"] if step else next(iter(entry["shares"]))
        days = routed.followed(p, workflow, task_type, tier)
        with st.grid(2, min_column_width=330, gap="medium"):
            with st.container():
                st.subheader(
                    formats.plain(f"Requests on {tier}"), anchor=False,
                    help="Dots: observed share by day, hollow where a version governed only a part of it. Line: declared. Band: what drawing lots explains.",
                )  # fmt: skip
                shell.say(_observed(entry))
                if days:
                    show(followed(days), f"Observed and declared share of {tier}: {_spoken(days)}", key="followed")
            if step is not None:
                with st.container():
                    shell.subsection("Guards")
                    listing(
                        [{"guard_said": f"{names.guard(g['guard'])} {ANSWERS[g['answer']]}", "says": g["says"]} for g in step["guards"]],
                        ["guard_said", "says"], key="guards", alt="Guards of the rollout", download="guards",
                    )  # fmt: skip
        if step is not None:
            _way_back(loaded, entry)


def _state(step: Mapping[str, Any] | None) -> tuple[str, Colour]:
    if step is None:
        return "Live", "gray"
    if step["move"] == "roll back":
        return "▼ Should go back", "red"
    return STATES.get(step["status"], (names.human(step["status"]), "gray"))


def _steps(step: Mapping[str, Any]) -> None:
    """5, 20, 50, 100 %: what is behind, where it stands, what is ahead; never past the approved share."""
    target = step["target_percent"]
    stops = sorted({percent for percent in STEPS if percent < target} | {target, step["percent"]})
    with st.container(horizontal=True, gap="small"):
        for percent in stops:
            if percent == step["percent"]:
                st.badge(
                    f"● {percent} % since {formats.day(date.fromisoformat(step['since'][:10]), year=False)}",
                    color="green",
                )
            elif percent < step["percent"]:
                st.badge(f"✓ {percent} %", color="gray")
            else:
                st.badge(f"{percent} %", color="gray")


def _next(step: Mapping[str, Any]) -> str:
    if step["move"] == "roll back":
        return f"It should go back: {step['reasons'][0]}."
    if step["move"] == "advance":
        return f"Every guard holds: the next outlay route advance goes to {step['next_percent']} %."
    if step["move"] == "expire":
        return f"{step['reasons'][0]}: the next outlay route advance takes it back."
    if step["next_percent"] is None:
        return "It stands at the approved share; its guards go on watching."
    day = f", not before {formats.day(date.fromisoformat(step['may_move_on']))}" if step["may_move_on"] else ""
    names_of_guards = {g["guard"] for g in step["guards"]}
    waits = [reason for reason in step["reasons"] if reason.split(":")[0] not in names_of_guards]
    rest = f" It waits for: {formats.listing(waits)}." if waits else " A guard below does not hold yet."
    return f"{step['next_percent']} % is next{day}.{rest}"


def _ails(row: Mapping[str, Any]) -> str:
    days = f", {row['days']} days in a row" if row["days"] > 1 else ""
    if row["state"] == "failing":
        return f"{formats.share(row['error_rate'])} of {formats.plural(row['requests'], 'request')} failed{days}."
    return f"{formats.share(Decimal(row['slow']) / row['timed'])} of answers took longer than {formats.seconds(row['limit_ms'])} seconds{days}."


def _observed(entry: Entry) -> str:
    if not entry["observed"]:
        return "No request of it is in what is published."
    seen = formats.listing(f"{formats.share(r['observed_share'])} on {r['tier']}" for r in entry["observed"])
    total = sum(r["requests"] for r in entry["observed"])
    outside = "" if all(r["in_band"] for r in entry["observed"]) else ", outside the band"
    leak = (
        "what leaks is unknown"
        if entry["leak_usd"] is None
        else f"leak since it is routed {formats.money(formats.currency()(Decimal(entry['leak_usd'])))}"
    )
    day = formats.day(date.fromisoformat(entry["observed_day"]), year=False)
    return f"On {day}: {seen} of {formats.plural(total, 'request')}{outside}; {leak}."


def _spoken(days: Rows) -> str:
    last = days[-1]
    off = sum(not row["in_band"] for row in days)
    return (
        f"{formats.share(last['observed_share'])} against {formats.share(last['declared_share'])} on {formats.day(last['day'])}; "
        f"{formats.plural(off, 'day')} of {len(days)} outside the band"
    )


def _way_back(loaded: Loaded, entry: Entry) -> None:
    """Roll back, for approvers; the command for everybody."""
    if not access.may_change(loaded.config):
        shell.note(f"Only approvers take it back: {entry['back']}")
        return
    to, key = entry["back_to"], entry["route"]
    what = (
        f"Every file gets the bytes of version {to} again, and so does {loaded.config.routing.policy}."
        if to is not None
        else "This route alone goes back to its old tier, in a new version of the policy."
    )
    with st.popover("Roll back", width=180):
        shell.say(what)
        by = rollout.approver(loaded, "I take it back as", f"back_by_{key}")
        reason = st.text_input("Reason", key=f"back_why_{key}", max_chars=400)
        if (
            st.button("Roll back now", type="primary", key=f"back_{key}", disabled=by is None or not reason.strip())
            and by
        ):
            rollout.do(lambda: actions.roll_back(loaded, by=by, reason=reason.strip(), to=to, route=key))
        shell.note(f"The same as {entry['back']}")
