"""A page as one file: what it showed, nothing that it would have to load, no mark-up out of data."""

from __future__ import annotations

import os
import re
from pathlib import Path

import plotly.graph_objects as go
import pytest
from playwright.sync_api import expect

from dashboards import sheet
from dashboards.charts.template import LIGHT
from tests.dashboards.browsing import DESKTOP, opened, settled
from tests.dashboards.conftest import REPO
from tests.dashboards.server import served

HEADING = {
    "page": "Value", "name": "Acme", "where": "Value · 1 Nov 2026", "sentence": "It pays.", "filters": "", "known": "Run 7.",
}  # fmt: skip
COLOURS = {name: getattr(LIGHT, name) for name in ("paper", "ink", "muted", "hairline", "accent")}
MARK = "</script><script>window.taken = true</script><img src=x onerror='window.taken = true'>"


def written(*blocks: tuple[str, dict]) -> str:
    return sheet.html(sheet.Sheet(list(blocks)), HEADING, COLOURS).decode()


def test_blocks_come_in_their_order_with_tiles_side_by_side():
    text = written(
        ("tile", {"label": "Drift", "value": "1 open alarm", "part": "+51 %"}),
        ("tile", {"label": "Return", "value": "$0.61", "part": None}),
        ("section", {"text": "Ranking"}),
        ("say", {"text": "Ordered by the lower end."}),
        ("table", {"titles": [("Workflow", False), ("Spend, $", True)], "rows": [["Claims", "1.00"]], "all": 1, "alt": "The ranking"}),
    )  # fmt: skip
    body = re.sub(r"\s+", " ", text[text.index("<main>") : text.index("</main>")])
    assert body.count('<div class="tiles">') == 1
    assert [body.index(words) for words in ("Drift", "Return", "Ranking", "Ordered by", "Claims")] == sorted(
        body.index(words) for words in ("Drift", "Return", "Ranking", "Ordered by", "Claims")
    )
    assert '<td class="number">1.00</td>' in body
    assert "plotly" not in text.casefold()


def test_a_long_table_says_how_much_of_it_is_there():
    text = written(("table", {"titles": [("Unit", False)], "rows": [["a"]] * 200, "all": 5000, "alt": "Units"}))
    assert "Units: the first 200 of 5000 rows" in text


def test_no_text_becomes_markup():
    figure = go.Figure(go.Bar(x=[MARK], y=[1], customdata=[MARK]))
    text = written(
        ("say", {"text": MARK}),
        ("table", {"titles": [(MARK, False)], "rows": [[MARK]], "all": 1, "alt": MARK}),
        ("figure", {"figure": figure, "alt": MARK}),
    )  # fmt: skip
    assert MARK not in text
    assert "<img src=x" not in text


@pytest.mark.browser
def test_an_exported_page_opens_without_asking_for_anything(browser, sample, tmp_path: Path):
    """The file, opened as a reader's disk holds it: charts drawn, tables whole, heading and filters, no request."""
    context = opened(browser, DESKTOP)
    try:
        with served(sample, tmp_path / "server.log") as dashboard:
            page = context.new_page()
            page.goto(f"{dashboard.url}/cost?workflow=Claims+decision")
            settled(page, "^One report costs")
            expect(page.locator("h2").first).to_have_text(re.compile("^Claims decision"))
            with page.expect_download() as given:
                page.get_by_role("button", name="Export this page").click()
            file = tmp_path / given.value.suggested_filename
            given.value.save_as(file)
            charts = (
                page.locator(".js-plotly-plot").count()
                - page.get_by_test_id("stMetric").filter(has_text="in a week").count()
            )
        assert file.name == "outlay-cost-per-outcome-2026-11-08.html"
        asked: list[str] = []
        wrong: list[str] = []
        offline = context.new_page()
        offline.on("request", lambda request: asked.append(request.url))
        offline.on("pageerror", lambda error: wrong.append(str(error)))
        offline.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        offline.goto(file.as_uri())
        expect(offline.locator("h1")).to_have_text(re.compile(r"^One report costs \$\d"))
        expect(offline.locator("header")).to_contain_text(
            re.compile(r"US dollars\s+·\s+UTC\s+·\s+published .* run \w+")
        )
        expect(offline.locator("header")).to_contain_text("Shown for: Workflow Claims decision")
        expect(offline.locator(".js-plotly-plot .main-svg:first-child")).to_have_count(charts)
        expect(offline.get_by_role("table", name=re.compile("The dearest units of Claims decision"))).to_be_visible()
        assert {url for url in asked if not url.startswith(("data:", "blob:"))} == {file.as_uri()}
        assert wrong == []
        if folder := os.environ.get("OUTLAY_SCREENSHOTS"):
            offline.screenshot(path=str(Path(folder) / "exported-cost.png"), full_page=True)
    finally:
        context.close()


def test_the_template_names_no_other_place():
    text = (REPO / "dashboards" / "sheet.html.jinja").read_text()
    assert "http" not in text.replace("http-equiv", "")
