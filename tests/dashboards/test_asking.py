"""What pages read: small marts, and one day's requests for one unit; the same question is asked once a set."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import streamlit as st

from dashboards import queries
from pipelines.storage.published import Published, current
from tests.dashboards.conftest import REPO

PAGES = sorted(file.stem for file in (REPO / "dashboards" / "views").glob("*.py") if file.stem != "__init__")


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, date | None, date | None]]:
    """Every time that files of requests or charges are named, with the days."""
    found: list[tuple[str, date | None, date | None]] = []
    segments = Published.segments

    def named(p: Published, table: str, first: date | None = None, last: date | None = None) -> list[Path]:
        found.append((table, first, last))
        return segments(p, table, first, last)

    monkeypatch.setattr(Published, "segments", named)
    st.cache_data.clear()
    return found


def test_no_page_reads_requests_but_the_unit_that_is_opened_and_of_one_day(show, sample, opened):
    for page in PAGES:
        assert not show(sample, page).exception
        if page == "cost":
            day = date(2026, 10, 16)
            assert opened == [("requests", day, day), ("charges", day, day)]
            opened.clear()
        assert opened == [], page


def test_a_question_is_asked_once_for_all_readers_of_a_set(show, sample, monkeypatch):
    asked: list[str] = []
    rows = queries._rows
    monkeypatch.setattr(queries, "_rows", lambda con, query, given: asked.append(query) or rows(con, query, given))
    st.cache_data.clear()
    show(sample, "value")
    first = len(asked)
    assert first
    show(sample, "value")
    assert len(asked) == first


def test_readers_share_one_locked_connection_with_cursors_of_their_own(sample):
    p = current(sample)
    con = queries._open(str(p.home), p.name)
    assert queries._open(str(p.home), p.name) is con
    with con.cursor() as cursor, pytest.raises(Exception, match=r"disabled|Permission"):
        cursor.execute("select * from read_text('/etc/hostname')")
    with con.cursor() as cursor, pytest.raises(Exception, match="locked"):
        cursor.execute("set enable_external_access = true")
