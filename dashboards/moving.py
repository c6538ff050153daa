"""The rollout: how far each route has come, what its guards say, what was promised and what came of it, the way back."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import streamlit as st

from dashboards import actions, formats, names, queries, rollout, routed, shell
from dashboards.charts.rollout import promises
from dashboards.charts.template import show
from dashboards.queries import Rows
from dashboards.route_card import Entry, card
from dashboards.tables import table
from pipelines.storage.published import Published
from pipelines.workspace.errors import OutlayError
from pipelines.workspace.load import Loaded

_URGENT = {"roll back": 0, "expire": 1, "advance": 2, "hold": 3, "stand": 4}


def rollouts(p: Published, loaded: Loaded) -> None:
    """The sections of the page that follow a change once it is live."""
    try:
        told = actions.rollout(loaded, p).document
    except OutlayError as error:
        shell.section("The rollout")
        st.error(formats.plain(queries.told(error)))
        return
    entries = sorted(told["rollout"], key=lambda entry: (_urgency(entry), entry["route"]))
    shell.section(
        "The rollout", _finding(entries, told),
        help="The same as outlay route status. Each share needs outcomes, full days and every guard before the next. Export: adherence.",
    )  # fmt: skip
    if not entries:
        shell.note(
            "An approved change starts at 5 %; 20, 50 and 100 % follow as its guards allow, by outlay route advance."
        )
    else:
        keys = [entry["route"] for entry in entries]
        key = keys[0]
        if len(keys) > 1:
            with st.container(width=420):
                key = st.selectbox(
                    "Rollout of", keys, format_func=lambda k: names.task(*k.split("/", 1)), key="rollout"
                )
        card(p, loaded, next(entry for entry in entries if entry["route"] == key))
    _kept(routed.decisions(p))
    _speeds(routed.tier_latency(p), entries)
    _live(loaded, told)


def _urgency(entry: Entry) -> int:
    return _URGENT[entry["step"]["move"]] if entry["step"] else 5


def _finding(entries: list[Entry], told: Mapping[str, Any]) -> str:
    """Of a printed policy nobody says that it is live."""
    if not entries:
        return "No route is live."
    stands = "live" if told["live_in"] or not told["printed_for"] else "printed"
    moving = [entry["step"] for entry in entries if entry["step"]]
    back = sum(step["move"] == "roll back" for step in moving)
    canaries = sum(step["status"] in ("canary", "hold") for step in moving)
    parts = [f"{formats.plural(len(entries), 'route')} {'is' if len(entries) == 1 else 'are'} {stands}"]
    parts.append(f"{canaries} on the way to the approved share" if canaries else "none is on its way to a larger share")
    if back:
        parts.append(f"{back} should go back")
    return f"{parts[0]}: {formats.listing(parts[1:])}."


def _kept(rows: Rows) -> None:
    """Promised against realised, every decision."""
    told = [row for row in rows if row["status"] != "approved"]
    if not told:
        return
    sure = [row for row in told if row["finding"] in ("saved", "costs more")]
    total = sum((row["realised_usd"] for row in sure), Decimal(0))
    words = (
        f"{formats.plural(len(sure), 'decision')} of {len(told)} can be told from chance: {formats.money(total)} a month."
        if sure
        else "No decision can be told from chance yet."
    )
    shell.section(
        "Promised and realised", words,
        help="On outcomes that really happened, at today's prices, rework included; 90 % interval. Export: decisions.",
    )  # fmt: skip
    show(promises(told), f"Promised and realised savings a month: {_sums(told)}", key="promises")
    table(
        told, ["task_said", "status=decision_status", "moved_said=moved_to", "promised_usd=promised_usd", "realised_usd=realised_usd",
               "low_usd=realised_low", "high_usd=realised_high", "outcomes=outcomes_moved", "finding", "approved_by"],
        key="decisions", alt="Decisions, promised and realised", download="decisions",
    )  # fmt: skip


def _sums(rows: Rows) -> str:
    return formats.listing(
        f"{row['task_said']} promised {formats.money(row['promised_usd'])}, {row['finding']}"
        + (f" {formats.money(row['realised_usd'])}" if row["realised_usd"] is not None else "")
        for row in rows
    )


def _speeds(rows: Rows, entries: list[Entry]) -> None:
    """Which tier answers how fast and how often it fails, where a task runs on several or is routed."""
    live = {entry["route"] for entry in entries}
    tiers: dict[str, int] = {}
    for row in rows:
        key = f"{row['workflow']}/{row['task_type']}"
        tiers[key] = tiers.get(key, 0) + 1
    shown = [r for r in rows if (k := f"{r['workflow']}/{r['task_type']}") in live or tiers[k] > 1]
    if not shown:
        return
    shell.section(
        "What each tier takes",
        help="Answered requests of 28 days, by task type and tier: where to turn to when a model fails or is slow. Export: tier_latency.",
    )
    table(
        [{**r, "task_said": names.task(r["workflow"], r["task_type"])} for r in shown],
        ["task_said", "tier", "requests", "latency_p50_ms=half_within", "latency_p95_ms=most_within", "error_rate"],
        key="speeds", alt="Latency and errors by task type and tier", download="tier_latency",
    )  # fmt: skip


def _live(loaded: Loaded, told: Mapping[str, Any]) -> None:
    """The files, whether anybody changed them, what waits, and what a printed policy or a client needs."""
    shell.subsection("The routing files")
    for line in actions.live_lines(told):
        shell.say(line)
    if told["pending"]:
        for commit in told["pending"]["commits"]:
            st.code(f"git push origin {commit['branch']}\noutlay route apply", language="shell", wrap_lines=True)
    try:
        for name, text in actions.printed(loaded).items():
            with st.expander(formats.plain(f"The text for {name}, to put in place")):
                st.code(text, language=None, wrap_lines=True)
    except OutlayError as error:
        shell.note(queries.told(error))
    rollout.clients(told["clients"])
    if told["live_in"]:
        st.markdown(
            ":gray[:small[`outlay route rollback` takes the last change back: every file gets its former bytes.]]"
        )
