"""Light and dark: both whole, the charts in the colours of the page, every text legible."""

import json
import tomllib
from itertools import pairwise

import plotly.io as pio
import pytest

from dashboards.charts.template import DARK, LIGHT, Palette
from tests.dashboards.conftest import REPO

CONFIG = tomllib.loads((REPO / "dashboards" / ".streamlit" / "config.toml").read_text())["theme"]


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_that_of_the_standard():
    assert contrast("#000000", "#ffffff") == 21
    assert round(contrast("#777777", "#ffffff"), 2) == 4.48


@pytest.mark.parametrize(("name", "look"), [("light", LIGHT), ("dark", DARK)])
def test_every_text_stands_out_from_what_is_behind_it(name: str, look: Palette):
    theme = CONFIG[name]
    behind = [theme["backgroundColor"], theme["secondaryBackgroundColor"]]
    texts = [
        "textColor",
        "linkColor",
        "redTextColor",
        "greenTextColor",
        "orangeTextColor",
        "blueTextColor",
        "grayTextColor",
    ]
    pairs = [(theme[text], paper) for text in texts for paper in behind]
    pairs += [
        (theme[f"{c}TextColor"], theme[f"{c}BackgroundColor"]) for c in ("red", "green", "orange", "blue", "gray")
    ]
    pairs += [
        (theme["dataframeHeaderTextColor"], theme["dataframeHeaderBackgroundColor"]),
        (theme["codeTextColor"], theme["codeBackgroundColor"]),
    ]
    pairs += [(theme["primaryColor"], theme["backgroundColor"])]
    pairs += [(colour, look.paper) for colour in (look.ink, look.muted, look.accent, look.bad, look.other)]
    assert [(a, b) for a, b in pairs if contrast(a, b) < 4.5] == []


@pytest.mark.parametrize(("name", "look"), [("light", LIGHT), ("dark", DARK)])
def test_charts_lie_on_the_paper_of_the_page(name: str, look: Palette):
    assert (look.paper, look.ink) == (CONFIG[name]["backgroundColor"], CONFIG[name]["textColor"])
    assert pio.templates[look.name].layout.paper_bgcolor == look.paper


def test_both_themes_say_the_same_keys():
    assert set(CONFIG["light"]) == set(CONFIG["dark"])
    assert all(a != b for a, b in pairwise([LIGHT.paper, DARK.paper, LIGHT.ink]))


def test_charts_and_logo_follow_the_readers_theme(show, sample):
    at = show(sample, "changes")
    at.context["theme"] = "dark"
    at.run()
    assert not at.exception
    papers = {spec["layout"]["template"]["layout"]["paper_bgcolor"] for spec in charts(at)}
    assert papers == {DARK.paper}
    at.context["theme"] = "light"
    at.run()
    assert {spec["layout"]["template"]["layout"]["paper_bgcolor"] for spec in charts(at)} == {LIGHT.paper}


def charts(at) -> list[dict]:
    found = [json.loads(element.proto.spec) for element in at.get("plotly_chart")]
    assert found
    return found
