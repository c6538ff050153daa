"""What every page has in common: which set it shows, its heading, links, and what stands where nothing can be shown."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

import streamlit as st

from dashboards import formats
from pipelines.publish import currency
from pipelines.storage.published import Published

THIS_WEEK, COST, VALUE, CHANGES, SPLIT, BUDGETS, HEALTH = (
    f"views/{name}.py" for name in ("this_week", "cost", "value", "changes", "split", "budgets", "health")
)
_SET = "published set"
STALE_AFTER = timedelta(hours=36)


def show_set(p: Published) -> None:
    """Fix the set that this run of the page reads, however many sets are published meanwhile."""
    st.session_state[_SET] = p
    formats.show_in(currency.shown(p.meta))


def shown() -> Published:
    return st.session_state[_SET]


def as_of(p: Published) -> date:
    return date.fromisoformat(p.meta["as_of"])


def ranked_period(p: Published) -> tuple[date, date]:
    """The last 28 days to as-of."""
    return date.fromisoformat(p.meta["period_first_day"]), as_of(p)


def heading(p: Published, page: str, sentence: str, first: date, last: date) -> None:
    """Where the reader is and of what; then the page's answer in one sentence."""
    run_at = formats.clock(datetime.fromisoformat(p.meta["published_at"]), p.meta["timezone"])
    parts = [page, formats.period(first, last), formats.currency().said, p.meta["timezone"], f"published {run_at}"]
    note(
        "  ·  ".join(parts),
        help=formats.plain(
            f"{p.meta['name']}. Run {p.meta['run_id']}. Days are days of the reporting zone; weeks are ISO weeks. "
            f"All figures come from this published set; outlay export gives their rows."
        ),
    )
    st.title(formats.plain(sentence), anchor=False)
    age = datetime.now(UTC) - datetime.fromisoformat(p.meta["published_at"])
    if age > STALE_AFTER:
        days = max(1, round(age / timedelta(days=1)))
        st.warning(f"These figures are {formats.plural(days, 'day')} old. `outlay run` brings them up to date.")


def section(title: str, words: str | None = None, *, help: str | None = None) -> None:
    """A heading inside a page, and what it says in one line."""
    st.header(formats.plain(title), anchor=False, help=help and formats.plain(help))
    if words:
        say(words)


def say(text: str) -> None:
    """A line of words; nothing in it is mark-up."""
    st.markdown(formats.plain(text))


def note(text: str, *, help: str | None = None) -> None:
    """A small line beside something larger, still dark enough to read."""
    st.markdown(f":gray[:small[{formats.plain(text)}]]", help=help)


def link(page: str, words: str, **filters: str) -> None:
    """A step to another page, with its filters in the address."""
    st.page_link(page, label=f":green[{formats.plain(words)} →]", query_params=filters or None, help="")


def empty(words: str, command: str | None = None) -> None:
    """Why there is nothing here, and the command that changes it."""
    say(words)
    if command:
        st.code(command, language="shell")


def facts(rows: Mapping[str, str]) -> None:
    """A sheet of named facts."""
    with st.grid(3, min_column_width=250, gap=("small", "large")) as grid:
        for name, value in rows.items():
            with grid.cell():
                st.markdown(f":gray[:small[{formats.plain(name)}]]  \n{formats.plain(value)}")
