"""The login in a real Chromium, with a real OpenID Connect provider on this machine."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from pipelines.console.serve import serve_dashboard
from pipelines.workspace.errors import UsageError
from pipelines.workspace.load import load_workspace
from tests.dashboards.browsing import DESKTOP, hindrances, opened, settled
from tests.dashboards.server import HOST, Served, free_port, running, served

pytestmark = pytest.mark.browser

VIEWER, APPROVER, STRANGER = "ana@calder.example", "finops-lead@calder.example", "mallory@elsewhere.example"


@contextmanager
def provider(folder: Path, lasts_s: int) -> Generator[Served]:
    """Gives out tokens to whoever names an address; `lasts_s` after their issue they end."""
    port = free_port()
    found = Served(f"http://{HOST}:{port}", folder / f"provider-{port}.log")
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port), "--token-max-age", str(lasts_s)]
    with running(command, folder, os.environ, found, "/.well-known/openid-configuration"):
        yield found


@contextmanager
def guarded(root: Path, folder: Path, lasts_s: int = 3600) -> Generator[Served]:
    """The dashboard of a workspace with a login, served as `outlay dashboard` serves it."""
    port = free_port()
    with provider(folder, lasts_s) as issuer:
        login = (
            f"login: {{url: http://{HOST}:{port}, metadata_url: {issuer.url}/.well-known/openid-configuration, "
            "client_id: outlay, client_secret: os.environ/OUTLAY_CLIENT_SECRET, cookie_secret: os.environ/OUTLAY_COOKIE_SECRET}"
        )
        text = (root / "outlay.yaml").read_text()
        (root / "outlay.yaml").write_text(text.replace("access: {viewers:", f"access: {{{login}, viewers:"))
        environment = {"OUTLAY_CLIENT_SECRET": "any", "OUTLAY_COOKIE_SECRET": secrets.token_urlsafe(48)}
        with served(root, folder / "server.log", port, environment) as dashboard:
            yield dashboard


@contextmanager
def signed_in(
    browser: Browser, dashboard: Served, email: str, scheme: Literal["light", "dark"] = "light"
) -> Generator[Page]:  # fmt: skip
    """Somebody who goes the whole way: the page, the provider, and back."""
    context = opened(browser, DESKTOP, scheme)
    try:
        page = context.new_page()
        page.goto(dashboard.url)
        settled(page, "^Sign in to see these figures$")
        assert hindrances(page) == []
        assert page.get_by_test_id("stMetric").count() == 0
        page.get_by_role("button", name="Sign in").click()
        page.get_by_placeholder("sub").fill(email)
        page.get_by_role("button", name="Authorize").click()
        page.wait_for_url(f"{dashboard.url}/**")
        yield page
    finally:
        context.close()


def test_a_login_lets_in_whom_the_workspace_names_and_lets_change_who_approves(browser, copy, tmp_path):
    with guarded(copy, tmp_path) as dashboard:
        with signed_in(browser, dashboard, STRANGER) as page:
            settled(page, "^You are signed in, but not invited$")
            expect(page.get_by_text(f"{STRANGER} is neither a viewer nor an approver")).to_be_visible()
            expect(page.get_by_role("button", name="Sign in as somebody else")).to_be_visible()
            page.goto(f"{dashboard.url}/split")
            settled(page, "^You are signed in, but not invited$")
            assert page.get_by_test_id("stMetric").count() == 0
        with signed_in(browser, dashboard, VIEWER) as page:
            settled(page, r"^The same outcomes cost .* per dollar\.$")
            page.goto(f"{dashboard.url}/split")
            settled(page, "task types can move to a cheaper model")
            expect(page.get_by_text("You are signed in as a viewer")).to_be_visible()
            assert page.get_by_role("button", name="Approve").count() == 0
        with signed_in(browser, dashboard, APPROVER, "dark") as page:
            settled(page, r"^The same outcomes cost .* per dollar\.$")
            page.goto(f"{dashboard.url}/split")
            settled(page, "task types can move to a cheaper model")
            expect(page.get_by_text(f"Signed in as {APPROVER}").first).to_be_attached()
            expect(page.get_by_role("button", name="Approve and apply")).to_be_enabled()
            assert hindrances(page) == []
            page.get_by_role("button", name="Approve and apply").click()
            expect(page.get_by_text("approved by finops-lead (audit row 1)")).to_be_visible()
            cookies = {c["name"]: c for c in page.context.cookies()}
            assert cookies["_streamlit_user"]["httpOnly"]
    assert '"identity":"signed in"' in (copy / "routing" / "audit.jsonl").read_text().replace('": "', '":"')


def test_a_token_past_its_end_opens_nothing_although_the_cookie_still_stands(browser, copy, tmp_path):
    """The provider's clock is half a minute behind, which a client has to bear; the token has ended by ours."""
    with guarded(copy, tmp_path, lasts_s=-30) as dashboard, signed_in(browser, dashboard, VIEWER) as page:
        settled(page, "^Your login has expired$")
        page.goto(f"{dashboard.url}/cost")
        settled(page, "^Your login has expired$")
        assert any(c["name"] == "_streamlit_user" for c in page.context.cookies())
        assert page.get_by_test_id("stMetric").count() == 0


def test_the_command_refuses_to_serve_others_without_a_login(sample):
    with pytest.raises(UsageError, match=r"without a login the dashboard binds 127\.0\.0\.1 only"):
        serve_dashboard(load_workspace(sample), free_port(), "0.0.0.0")
