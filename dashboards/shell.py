"""What every page has in common: which set it shows, its heading, links, and what stands where nothing can be shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any, Literal

import streamlit as st

from dashboards import formats, names, sheet
from dashboards.access import while_signed_in
from dashboards.charts.template import palette
from pipelines.publish import currency
from pipelines.storage.published import Published

THIS_WEEK, COST, VALUE, CHANGES, SPLIT, BUDGETS, CLOSE, HEALTH = (
    f"views/{name}.py" for name in ("this_week", "cost", "value", "changes", "split", "budgets", "close", "health")
)
#: page -> its title, its address and what it answers
PAGES = {
    THIS_WEEK: ("This week", None, "Four numbers, three questions, and the decisions that are due."),
    COST: ("Cost per outcome", "cost", "By day, workflow and unit, down to the charges of one request."),
    VALUE: ("Value", "value", "Which work returns more than it costs, and which doesn't."),
    CHANGES: ("Changes", "changes", "What left its usual range, and what moved from week to week."),
    SPLIT: ("Capability split", "split", "Which work can move to a cheaper model, with the evidence; plan, approve, apply."),
    BUDGETS: ("Budgets", "budgets", "What a month was planned to cost, what it will, and when the money runs out."),
    CLOSE: ("Month close", "close", "What was billed against what was metered, and the name of every difference."),
    HEALTH: ("Data health", "health", "What was read, what was refused, and what has no price or owner."),
}  # fmt: skip
Colour = Literal["red", "orange", "blue", "green", "gray"]
_SET = "published set"
STALE_AFTER = timedelta(hours=36)


def show_set(p: Published) -> None:
    """Fix the set that this run of the page reads, however many sets are published meanwhile."""
    st.session_state[_SET] = p
    formats.show_in(currency.shown(p.meta))
    sheet.begin()


def shown() -> Published:
    return st.session_state[_SET]


def as_of(p: Published) -> date:
    return date.fromisoformat(p.meta["as_of"])


def ranked_period(p: Published) -> tuple[date, date]:
    """The last 28 days to as-of."""
    return date.fromisoformat(p.meta["period_first_day"]), as_of(p)


def on_a_phone() -> bool:
    """Whether the reader's browser says that it is a phone's."""
    return "Mobi" in (st.context.headers.get("User-Agent") or "")


def heading(p: Published, page: str, sentence: str, first: date, last: date) -> None:
    """Where the reader is and of what; then the page's answer in one sentence."""
    run_at = formats.clock(datetime.fromisoformat(p.meta["published_at"]), p.meta["timezone"])
    parts = [page, formats.period(first, last), formats.currency().said, p.meta["timezone"], f"published {run_at}"]
    known = (
        f"{p.meta['name']}. Run {p.meta['run_id']}. Days are days of the reporting zone; weeks are ISO weeks. "
        "All figures come from this published set; outlay export gives their rows."
    )
    top = st.container(gap=None)
    with (
        top,
        st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", gap="small"),
    ):
        _small("  ·  ".join(parts), help=formats.plain(known))
        _export(
            p,
            {
                "page": page,
                "name": p.meta["name"],
                "where": "  ·  ".join([*parts, f"run {p.meta['run_id']}"]),
                "sentence": sentence,
                "known": known,
            },
        )
    top.title(formats.plain(sentence), anchor=False)
    age = datetime.now(UTC) - datetime.fromisoformat(p.meta["published_at"])
    if age > STALE_AFTER:
        days = max(1, round(age / timedelta(days=1)))
        st.warning(f"These figures are {formats.plural(days, 'day')} old. `outlay run` brings them up to date.")


def _export(p: Published, words: dict[str, str]) -> None:
    """The page as it stands below, when somebody asks for it: by then it is drawn."""
    kept, look = sheet.shown(), palette()
    words["filters"] = ", ".join(
        f"{names.human(key)} {value}" for key, value in sorted(st.query_params.items()) if value
    )
    st.download_button(
        "Export this page", while_signed_in(partial(sheet.html, kept, words, asdict(look))),
        f"outlay-{words['page'].split(' (')[0].lower().replace(' ', '-')}-{p.meta['as_of']}.html", "text/html", key="export_page",
        on_click="ignore", type="tertiary", icon=":material/ios_share:",
        help="One HTML file with the charts and tables as they are shown now. It asks for nothing when it is opened.",
    )  # fmt: skip


def section(title: str, words: str | None = None, *, help: str | None = None) -> None:
    """A heading inside a page, and what it says in one line."""
    st.header(formats.plain(title), anchor=False, help=help and formats.plain(help))
    sheet.keep("section", text=title)
    if words:
        say(words)


def subsection(title: str, *, help: str | None = None) -> None:
    """A heading inside a section."""
    st.subheader(formats.plain(title), anchor=False, help=help and formats.plain(help))
    sheet.keep("subsection", text=title)


def badge(text: str, colour: Colour) -> None:
    """A word on how something stands."""
    st.badge(formats.plain(text), color=colour)
    sheet.keep("badge", text=text)


def metric(label: str, value: str, part: str | None = None, *, help: str | None = None, **looks: Any) -> None:
    """A number with what it comes from. Nothing in the texts is mark-up."""
    # a sign at the start says which way the arrow points
    said = (
        None if part is None else (part[:1] if part[:1] in "+-" else formats.plain(part[:1])) + formats.plain(part[1:])
    )
    st.metric(formats.plain(label), formats.plain(value), said, help=help and formats.plain(help), **looks)
    sheet.keep("tile", label=label, value=value, part=part)


def say(text: str) -> None:
    """A line of words; nothing in it is mark-up."""
    st.markdown(formats.plain(text))
    sheet.keep("say", text=text)


def strong(text: str) -> None:
    """What a card is about."""
    st.markdown(f"**{formats.plain(text)}**")
    sheet.keep("subsection", text=text)


def note(text: str, *, help: str | None = None) -> None:
    """A small line beside something larger, still dark enough to read."""
    _small(text, help=help)
    sheet.keep("note", text=text)


def _small(text: str, *, help: str | None = None) -> None:
    st.markdown(f":gray[:small[{formats.plain(text)}]]", help=help)


def link(page: str, words: str, **filters: str) -> None:
    """A step to another page, with its filters in the address."""
    st.page_link(page, label=f":green[{formats.plain(words)} →]", query_params=filters or None, help="")


def onward(page: str, words: str, **filters: str) -> None:
    """The step that a card or a section ends with, at its right edge."""
    with st.container(horizontal=True, horizontal_alignment="right"):
        link(page, words, **filters)


def empty(words: str, command: str | None = None) -> None:
    """Why there is nothing here, and the command that changes it."""
    say(words)
    if command:
        st.code(command, language="shell", wrap_lines=True)


def facts(rows: Mapping[str, str]) -> None:
    """A sheet of named facts."""
    sheet.keep("facts", rows=list(rows.items()))
    with st.grid(3, min_column_width=250, gap=("small", "large")) as grid:
        for name, value in rows.items():
            with grid.cell():
                st.markdown(f":gray[:small[{formats.plain(name)}]]  \n{formats.plain(value)}")
