"""The dashboard in a real Chromium: every page at desktop and phone width, and the story from waste to file.

Screenshots go to the folder that OUTLAY_SCREENSHOTS names, else to the test's own.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request, expect, sync_playwright

from dashboards.charts.template import DARK, LIGHT
from pipelines.storage.published import current
from tests.dashboards.server import Served, served

pytestmark = pytest.mark.browser
DESKTOP, PHONE = 1440, 390
TELEPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1"
WALKS = [(DESKTOP, "light"), (PHONE, "light"), (DESKTOP, "dark")] + (
    [(PHONE, "dark")] if os.environ.get("OUTLAY_FULL") else []
)
OPENINGS = {
    "This week": r"^The same outcomes cost .* per dollar\.$",
    "Cost per outcome": r"^One report costs \$\d\.\d{3}, .* goes into failures\.$",
    "Value": r"^Internal reporting took \d+ % of spend and returned \$0\.\d\d per dollar",
    "Changes": r"^Claims decision costs 51\s% more per decision since 27\sOct: \$0\.7268 instead of \$0\.4807\.$",
    "Capability split": r"^\d+ of \d+ task types can move to a cheaper model",
    "Budgets": r"^Claims decision heads for \$\d+\.\d\d against \$480\.00 and runs out on 29\sNov; the other 5 budgets hold\.$",
    "Data health": r"^[\d,]+ records read up to 8\sNov\s2026, \d+ refused",
}
QUIET = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no Chromium: apt-get install --no-install-recommends chromium")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=list(QUIET))
        yield opened
        opened.close()


@pytest.fixture
def screenshots(tmp_path: Path) -> Path:
    folder = Path(os.environ.get("OUTLAY_SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def dashboard(sample: Path, tmp_path: Path) -> Iterator[Served]:
    with served(sample, tmp_path / "server.log") as found:
        yield found


@contextmanager
def visitor(browser: Browser, width: int, scheme: Literal["light", "dark"] = "light") -> Generator[Page]:
    """A page that fails the test for a console error, a script error, or a request that leaves this machine."""
    wrong: list[str] = []
    kind: dict[str, Any] = (
        {"is_mobile": True, "has_touch": True, "device_scale_factor": 2, "user_agent": TELEPHONE}
        if width == PHONE
        else {}
    )
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, **kind)
    expect.set_options(timeout=30_000)
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


def picture(page: Page, width: int, file: Path) -> None:
    """The whole page: Streamlit scrolls inside, so the window is made as tall as what it holds."""
    height = page.get_by_test_id("stMain").evaluate("element => element.scrollHeight")
    page.set_viewport_size({"width": width, "height": height + 10})
    page.wait_for_timeout(800)
    page.screenshot(path=str(file))
    page.set_viewport_size({"width": width, "height": 900})


@pytest.mark.parametrize(("width", "scheme"), WALKS)
def test_every_page_shows_itself_without_a_complaint(width, scheme, browser, dashboard, screenshots):
    paper = {"light": LIGHT, "dark": DARK}[scheme].paper
    with visitor(browser, width, scheme) as page:
        page.goto(dashboard.url)
        for name, opening in OPENINGS.items():
            if name != "This week":
                go(page, name, width)
            settled(page, opening)
            wider = page.get_by_test_id("stMain").evaluate("element => element.scrollWidth - element.clientWidth")
            assert wider <= 0, f"{name} is {wider} px wider than the window"
            assert page.evaluate("document.fonts.check('16px Inter')")
            assert behind(page, "stApp") == paper
            charts = page.locator(".js-plotly-plot .main-svg:first-child")
            assert {style_of(chart, "backgroundColor") for chart in charts.all()} <= {paper}, name
            pictures = page.get_by_test_id("stPlotlyChart")
            assert all(words(one) for one in pictures.all()), f"{name}: a picture without words"
            picture(page, width, screenshots / f"{name.lower().replace(' ', '-')}-{width}-{scheme}.png")


def words(chart: Locator) -> str | None:
    """What a picture is for who can't see it."""
    return chart.evaluate(
        "e => (e.closest('[role=figure]') || e.querySelector('[role=figure]'))?.getAttribute('aria-label')"
    )


def style_of(element: Locator, name: str) -> str:
    """A computed colour as `#rrggbb`."""
    red, green, blue = (int(n) for n in re.findall(r"\d+", element.evaluate(f"e => getComputedStyle(e).{name}"))[:3])
    return f"#{red:02x}{green:02x}{blue:02x}"


def behind(page: Page, test_id: str) -> str:
    return style_of(page.get_by_test_id(test_id), "backgroundColor")


def test_the_keyboard_reaches_the_alarm_and_settles_it(browser, copy, tmp_path):
    """From the top of the page by tab alone: the pages, the workflows, the reason, the name, the button."""
    with served(copy, tmp_path / "server.log") as dashboard, visitor(browser, DESKTOP) as page:
        page.goto(dashboard.url)
        settled(page, OPENINGS["This week"])
        go(page, "Changes", DESKTOP)
        settled(page, OPENINGS["Changes"])
        reached = tab_to(page, "Reason")
        assert {"Budgets", "Claims decision"} <= set(reached)
        page.keyboard.type("Longer claims since the storm")
        tab_to(page, "Your name")
        page.keyboard.type("claims-lead")
        tab_to(page, "Acknowledge")
        page.keyboard.press("Enter")
        expect(page.get_by_text("claims_decision:drift:2026-10-30 is acknowledged by claims-lead.")).to_be_visible()
        expect(page.get_by_text("Acknowledged by claims-lead: Longer claims since the storm.")).to_be_visible()
    assert "Longer claims since the storm" in (copy / "decisions.jsonl").read_text()


def tab_to(page: Page, name: str) -> list[str]:
    """Press tab until what has this name has the focus; every name on the way."""
    found: list[str] = []
    for _ in range(80):
        page.keyboard.press("Tab")
        found.append(
            page.evaluate(
                "(e => e.getAttribute('aria-label') || e.innerText || e.labels?.[0]?.innerText || '')(document.activeElement)"
            ).strip()
        )
        if found[-1] == name:
            return found
    raise AssertionError(f"{name} was not reached: {found}")


def test_a_link_reproduces_its_view(browser, dashboard):
    """Only Streamlit's own look for its base path, which answers 404 below a page's address, is not held against it."""
    with browser.new_context(viewport={"width": DESKTOP, "height": 900}) as context:
        page = context.new_page()
        page.goto(f"{dashboard.url}/cost?workflow=Claims+decision")
        settled(page, OPENINGS["Cost per outcome"])
        expect(page.locator("h2").first).to_have_text(
            re.compile(r"^Claims decision: \$\d\.\d{4} a decision over 28 days")
        )
        page.get_by_role("radio", name="Customer records").or_(
            page.get_by_role("button", name="Customer records")
        ).first.click()
        expect(page.locator("h2").first).to_have_text(re.compile("^Customer records"))
        expect(page).to_have_url(re.compile(r"workflow=Customer\+records|workflow=Customer%20records"))


def test_the_story_from_the_waste_to_the_gateways_file(browser, copy, tmp_path, screenshots):
    with served(copy, tmp_path / "server.log") as dashboard, visitor(browser, DESKTOP) as page:
        page.goto(dashboard.url)
        settled(page, OPENINGS["This week"])
        page.get_by_role("link", name="Read and approve").first.click()
        settled(page, OPENINGS["Capability split"])
        item = next(
            r for r in current(copy).recommendations["recommendations"] if r["task_type"] == "clause_extraction"
        )
        expect(page.get_by_text(item["reason"])).to_be_visible()
        expect(page.get_by_role("heading", name="What is live")).to_be_visible()
        approver = page.get_by_role("combobox", name="I approve as")
        approver.scroll_into_view_if_needed()
        approver.click()
        page.get_by_role("option", name="platform-lead").click()
        page.get_by_role("button", name="Approve and apply").click()
        expect(page.get_by_text("Version 1 is live in gateway/outlay_routes.yaml.")).to_be_visible()
        picture(page, DESKTOP, screenshots / f"applied-{DESKTOP}.png")
        assert "route/contract_review/clause_extraction" in (copy / "gateway" / "outlay_routes.yaml").read_text()
