"""The review as one self-contained HTML file that prints on two A4 pages. Jinja escapes every text."""

from __future__ import annotations

import base64
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipelines.publish import formats, names
from pipelines.publish.currency import Shown
from pipelines.review.document import Review
from pipelines.review.markdown import TASKS, dollars, told, value_per_dollar, within_sentence
from pipelines.review.waterfall import waterfall

HERE = Path(__file__).parent
FONT = HERE.parents[1] / "dashboards" / "static" / "inter-latin-tabular.woff2"


def page(r: Review, currency: Shown) -> str:
    """HTML text: no script, and nothing that it would have to load."""
    formats.show_in(currency)
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        keep_trailing_newline=True,
    )  # fmt: skip
    environment.filters |= {
        "money": lambda usd: formats.money(currency(usd)), "per": lambda usd: formats.unit_cost(currency(usd)),
        "ratio": formats.money, "share": formats.share, "change": formats.change, "count": formats.count,
        "day": formats.day, "human": names.human, "within": names.within, "inside": within_sentence,
        "dollars": lambda proposal: dollars(proposal, currency), "value_per_dollar": value_per_dollar,
    }  # fmt: skip
    return environment.get_template("review.html.jinja").render(
        r=r, numbers=r.numbers, period=formats.period(r.first_day, r.last_day), told=told(r), task=names.task,
        rows=TASKS, chart=waterfall(r.numbers.cost, currency), font=_font(),
    )  # fmt: skip


def _font() -> str:
    """Inter as it is bundled with the dashboard; without the file the reader's own sans-serif stands in."""
    return base64.b64encode(FONT.read_bytes()).decode() if FONT.is_file() else ""
