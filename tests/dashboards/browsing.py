"""A reader's browser: Chromium, what it may not do, and when a page stands."""

from __future__ import annotations

import re
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect, sync_playwright

DESKTOP, PHONE = 1440, 390
TELEPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1"
QUIET = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
TIMEOUT_MS = 60_000


@contextmanager
def chromium() -> Generator[Browser]:
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no Chromium: apt-get install --no-install-recommends chromium")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=list(QUIET))
        yield opened
        opened.close()


@contextmanager
def visitor(browser: Browser, width: int, scheme: Literal["light", "dark"] = "light") -> Generator[Page]:
    """A page that fails the test for a console error, a script error, or a request that leaves this machine."""
    wrong: list[str] = []
    context = opened(browser, width, scheme)
    page = context.new_page()

    def heard(message: ConsoleMessage) -> None:
        if message.type == "error":
            wrong.append(f"console: {message.text} ({message.location.get('url')})")

    def asked(request: Request) -> None:
        if not re.match(r"(https?|wss?)://127\.0\.0\.1[:/]|data:|blob:", request.url):
            wrong.append(f"outside request: {request.url}")

    page.on("console", heard)
    page.on("request", asked)
    page.on("pageerror", lambda error: wrong.append(f"script: {error}"))
    try:
        yield page
        assert not wrong, "\n".join(wrong)
    finally:
        context.close()


def opened(browser: Browser, width: int, scheme: Literal["light", "dark"] = "light") -> BrowserContext:
    """A window of its own: no cookie of another is in it."""
    kind: dict[str, Any] = (
        {"is_mobile": True, "has_touch": True, "device_scale_factor": 2, "user_agent": TELEPHONE}
        if width == PHONE
        else {}
    )
    expect.set_options(timeout=TIMEOUT_MS)
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, **kind)
    context.set_default_timeout(TIMEOUT_MS)
    return context


def go(page: Page, name: str, width: int) -> None:
    """To a page by its link, as a reader goes."""
    if width == PHONE:
        page.get_by_test_id("stExpandSidebarButton").click()
        page.get_by_test_id("stSidebar").get_by_role("link", name=name, exact=True).click()
        expect(page.get_by_test_id("stExpandSidebarButton")).to_be_visible()
    else:
        page.get_by_role("link", name=name, exact=True).click()


def settled(page: Page, opening: str) -> None:
    """The page's first sentence stands, and nothing runs any more."""
    expect(page.locator("h1")).to_have_text(re.compile(opening))
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)
    expect(page.get_by_test_id("stException")).to_have_count(0)
    page.wait_for_function(
        "document.querySelectorAll('.js-plotly-plot').length === document.querySelectorAll('.js-plotly-plot .main-svg:first-child').length"
    )
    page.evaluate("document.fonts.ready")


def hindrances(page: Page) -> list[str]:
    """What axe-core finds that keeps somebody out: serious and critical findings, each with where it is."""
    found = Axe().run(page).response["violations"]
    return [
        f"{rule['impact']} {rule['id']} at {' '.join(map(str, node['target']))}: {node['html'][:200]}"
        for rule in found
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]
