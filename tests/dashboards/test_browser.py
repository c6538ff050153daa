"""The dashboard in a real Chromium: every page at desktop and phone width, and the story from waste to file.

Screenshots go to the folder that OUTLAY_SCREENSHOTS names, else to the test's own.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from dashboards.charts.template import DARK, LIGHT
from pipelines.run import run_workspace
from pipelines.running import Asked
from pipelines.storage.published import current
from pipelines.workspace.load import load_workspace
from tests.dashboards.browsing import DESKTOP, PHONE, go, hindrances, settled, visitor
from tests.dashboards.server import Served, served

pytestmark = pytest.mark.browser
WALKS = [(DESKTOP, "light"), (PHONE, "light"), (DESKTOP, "dark"), (PHONE, "dark")]
OPENINGS = {
    "This week": r"^The same outcomes cost .* per dollar\.$",
    "Cost per outcome": r"^One report costs \$\d\.\d{3}, .* goes into failures\.$",
    "Value": r"^Internal reporting took \d+ % of spend and returned \$0\.\d\d per dollar",
    "Changes": r"^Claims decision costs 51\s% more per decision since 27\sOct: \$0\.7268 instead of \$0\.4807\.$",
    "Capability split": r"^\d+ of \d+ task types can move to a cheaper model",
    "Budgets": r"^Claims decision heads for \$\d+\.\d\d against \$480\.00 and runs out on 29\sNov; the other 5 budgets hold\.$",
    "Month close": r"^October 2026: \$1,517\.10 billed and \$1,524\.88 metered; 3 named differences explain every cent between them, and the month can be closed\.$",
    "Data health": r"^[\d,]+ records read up to 8\sNov\s2026, \d+ refused",
}


@pytest.fixture
def screenshots(tmp_path: Path) -> Path:
    folder = Path(os.environ.get("OUTLAY_SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def dashboard(sample: Path, tmp_path: Path) -> Iterator[Served]:
    with served(sample, tmp_path / "server.log") as found:
        yield found


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
            assert hindrances(page) == [], name
            if (width, scheme) == (PHONE, "dark") and not os.environ.get("OUTLAY_FULL"):
                continue
            picture(page, width, screenshots / f"{name.lower().replace(' ', '-')}-{width}-{scheme}.png")


@pytest.mark.parametrize("address", ["close", "split?task=Drafting+(internal+reporting)"])
def test_a_page_opened_by_its_own_address_asks_the_server_where_it_is(address, browser, dashboard):
    with visitor(browser, DESKTOP) as page:
        page.goto(f"{dashboard.url}/{address}")
        settled(page, OPENINGS["Month close" if address == "close" else "Capability split"])
        assert page.title() != "Streamlit"


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
        page.get_by_role("radio", name="Customer records", exact=True).or_(
            page.get_by_role("button", name="Customer records", exact=True)
        ).first.click()
        expect(page.locator("h2").first).to_have_text(re.compile("^Customer records"))
        expect(page).to_have_url(re.compile(r"workflow=Customer\+records|workflow=Customer%20records"))


def traffic(root: Path, calls: int, dearer: int) -> None:
    """Calls of the routed task type that came after the change: `dearer` of them ran where they always did."""
    now = datetime.now(UTC)
    lines = [
        {
            "request_id": f"after-{n}", "time": (now + timedelta(milliseconds=n)).isoformat(), "provider": "openai",
            "model": "gpt-5.4" if n < dearer else "gpt-5-mini", "input_tokens": 1000, "output_tokens": 100, "workflow": "contract_review",
            "task_type": "clause_extraction", "unit_id": f"after-{n}",
        }
        for n in range(calls)
    ]  # fmt: skip
    (root / "logs" / "calls" / "after.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))


def test_the_story_from_the_waste_to_the_gateways_file_and_the_traffic_after_it(browser, copy, tmp_path, screenshots):
    """Find the waste, read the evidence, approve, apply; then the calls that follow, and whether they keep to it."""
    with served(copy, tmp_path / "server.log") as dashboard, visitor(browser, DESKTOP) as page:
        page.goto(dashboard.url)
        settled(page, OPENINGS["This week"])
        page.get_by_role("link", name="Read and approve").first.click()
        settled(page, OPENINGS["Capability split"])
        item = next(
            r for r in current(copy).recommendations["recommendations"] if r["task_type"] == "clause_extraction"
        )
        expect(page.get_by_role("paragraph").filter(has_text=item["reason"])).to_be_visible()
        expect(page.get_by_role("heading", name="The routing files")).to_be_visible()
        approver = page.get_by_role("combobox", name="I approve as")
        approver.scroll_into_view_if_needed()
        approver.click()
        page.get_by_role("option", name="platform-lead").click()
        page.get_by_role("button", name="Approve and apply").click()
        expect(page.get_by_text("Version 1 is live in gateway/outlay_routes.yaml.")).to_be_visible()
        picture(page, DESKTOP, screenshots / f"applied-{DESKTOP}.png")
        assert "route/contract_review/clause_extraction" in (copy / "gateway" / "outlay_routes.yaml").read_text()
        traffic(copy, 40, dearer=38)
        run_workspace(load_workspace(copy), Asked())
        page.goto(dashboard.url)
        settled(page, ".+")
        tile = page.get_by_test_id("stMetric").filter(has_text="Split holds")
        expect(tile).to_contain_text(re.compile(r"100\s%.*\$0\.00 leaked", re.DOTALL))
        expect(page.get_by_text("Clause extraction (contract review): 5 % on light")).to_be_visible()
        expect(page.get_by_text("approved by platform-lead")).to_be_visible()
        picture(page, DESKTOP, screenshots / f"after-{DESKTOP}.png")
