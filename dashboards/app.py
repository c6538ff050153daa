"""The dashboard's entry: navigation, guards, and one published set per run of a page."""

from __future__ import annotations

from pathlib import Path

import duckdb
import streamlit as st

from dashboards import access, queries, shell
from dashboards.charts.template import DARK
from pipelines.workspace.errors import NothingPublished, OutlayError, UsageError

STATIC = Path(__file__).parent / "static"


def unavailable(error: OutlayError) -> None:
    """Nothing to show yet, or nothing whole: say which command makes it."""
    if isinstance(error, UsageError):
        title, step, command = (
            "outlay.yaml is not valid",
            "This page needs it. Correct it, and try it with:",
            "outlay check",
        )
    else:
        empty = isinstance(error, NothingPublished)
        title = "Nothing published yet" if empty else "The published figures can't be read"
        step, command = "Run this in the workspace folder; the page fills itself when it is done:", "outlay run"
    st.title(title, anchor=False)
    if not isinstance(error, NothingPublished):
        shell.say(queries.told(error))
    shell.say(step)
    st.code(command, language="shell", wrap_lines=True)


def refused(found: access.Refused) -> None:
    """Nothing of the workspace: who this is for, and the way in."""
    st.title(found.title, anchor=False)
    shell.say(str(found))
    if found.way_in and st.button(found.way_in, type="primary", key="sign_in"):
        st.login()


def who(found: access.Visitor) -> None:
    """Who is signed in, and the way out."""
    if found.email is not None:
        with st.sidebar:
            shell.note(f"Signed in as {found.email}")
            if st.button("Sign out", type="tertiary", key="sign_out"):
                st.logout()


def run_page(page) -> None:
    who(access.admitted(lambda: queries.workspace().config, queries.declares_login))
    p = queries.published()
    shell.show_set(p)
    if not p.meta["as_of"]:
        shell.empty(
            "The last run found no request and no outcome. Put logs where outlay.yaml says, then run again.",
            "outlay check\noutlay run",
        )
        return
    try:
        page.run()
    except (duckdb.Error, OSError) as error:
        # Sets that nobody points to are swept after some runs: a page that was reading one starts over on the new one.
        if queries.published().name != p.name:
            st.rerun()
        if isinstance(error, duckdb.CatalogException):
            raise OutlayError(
                "These figures were published by an earlier version of Outlay and lack what this page shows."
            ) from error
        raise


st.set_page_config(
    page_title="Outlay", page_icon=str(STATIC / "favicon.svg"), layout="wide", initial_sidebar_state="collapsed"
)
LOGO = str(STATIC / ("logo-dark.svg" if st.context.theme.type == "dark" else "logo.svg"))
st.logo(LOGO, size="large", icon_image=LOGO)
if st.context.theme.type == "dark":
    # Streamlit writes white on the accent, which is light here
    st.html(f"<style>[data-testid^='stBaseButton-primary']:not(:disabled) {{color: {DARK.paper}}}</style>")
chosen = st.navigation(
    [
        st.Page(path, title=title, url_path=url, default=url is None, help=words)
        for path, (title, url, words) in shell.PAGES.items()
    ],
    position="top",
)
try:
    run_page(chosen)
except access.Refused as no:
    refused(no)
except OutlayError as failed:
    unavailable(failed)
