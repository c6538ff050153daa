"""Texts from logs, people and workspace files show as they are, in Markdown and HTML, and in the currency of the set."""

from __future__ import annotations

import json
import re
from datetime import date
from html.parser import HTMLParser

import pytest

from pipelines.review.files import keep
from pipelines.review.markdown import code, plain
from tests.review.towns import CHEAP, DEAR, flow, fortnight, put_in_force, reviewed, texts, town
from tests.workspaces import Bench

EVIL = "<script>alert(1)</script> **bold** `tick` | [x](javascript:alert(1)) <img src=x onerror=alert(1)>"


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture
def hostile(tmp_path) -> Bench:
    """Every text that a person or a log may choose is mark-up."""
    bench = town(
        tmp_path, {"review": flow("0.0001", owner=EVIL, unit="d<b>"), "claims": flow()}, name=f"Evil {EVIL}",
        routing={"approvers": [EVIL]},
    )  # fmt: skip
    bench.config["workflows"]["review"]["value"]["basis"] = EVIL
    bench.config["workflows"]["review"]["budget"] = {"monthly_usd": "0.001"}
    bench.save()
    fortnight(bench, "review", DEAR, task_type=EVIL)
    fortnight(bench, "claims", CHEAP)
    put_in_force(bench, {"light": 100}, date(2026, 10, 12), by=EVIL, reason="<script>alert(2)</script>")
    bench.lines("decisions.jsonl", [json.dumps({
        "at": "2026-10-15T08:00:00Z", "by": EVIL, "kind": "follow_up", "workflow": "review", "reason": EVIL, "owner": EVIL,
    }) + "\n"])  # fmt: skip
    return bench


def test_no_text_becomes_a_tag_or_an_attribute_of_the_page(hostile: Bench):
    _, html = texts(hostile, reviewed(hostile))
    seen = Tags()
    seen.feed(html)
    assert not seen.tags & {"script", "img", "iframe", "a", "object", "link"}
    assert not [name for name in seen.attributes if name.startswith("on")]
    said = "".join(seen.text)
    assert said.count("<script>alert(1)</script>") >= 5, "it shows as what it is"


def test_no_text_becomes_mark_up_of_the_markdown(hostile: Bench):
    text, _ = texts(hostile, reviewed(hostile))
    outside = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", text)
    assert not re.search(r"(?<!\\)<", outside)
    assert not re.search(r"(?<!\\)\]\(", outside)
    rows = [line for line in outside.splitlines() if line.startswith("| ")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} <= {4, 6, 7}, "no cell opens another"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a`b", "``  a`b  ``".replace("  ", " ")),
        ("plain", "`plain`"),
        ("two\nlines", "`two lines`"),
        ("``", "``` `` ```"),
    ],
)
def test_a_command_with_ticks_stays_one_code_span(text, shown):
    assert code(text) == shown


def test_a_line_break_in_a_name_breaks_no_list():
    assert plain("one\n- two\r\n# three") == "one - two # three"


def test_amounts_are_shown_in_the_currency_of_the_set_and_stay_dollars_in_json(tmp_path):
    bench = town(
        tmp_path, {"review": flow("2.00")}, reporting={"currency": "EUR"}, rates={"contract": "rates.yaml"},
    )  # fmt: skip
    (bench.root / "rates.yaml").write_text("exchange: fx.csv\n")
    (bench.root / "fx.csv").write_text("day,currency,per_usd\n2026-10-01,EUR,0.5\n")
    fortnight(bench, "review", DEAR)
    r = reviewed(bench)
    text, html = texts(bench, r)
    assert str(r.numbers.cost.blended_usd) == "0.004000000000"
    assert "Blended, an outcome cost €0.002000 after €0.002000." in text
    assert "€0.002000" in html
    assert (r.currency, r.currency_said) == ("EUR", "EUR at 0.5 (2026-10-01)")


def test_the_kept_record_is_written_once_and_never_over_another_text(hostile: Bench):
    hostile.run()
    names = [f"reviews/2026-W42.{kind}" for kind in ("md", "html", "json")]
    assert keep(hostile.loaded) == dict.fromkeys(names, "written")
    assert keep(hostile.loaded) == dict.fromkeys(names, "unchanged")
    mine = hostile.root / "reviews/2026-W42.md"
    mine.write_text("annotated by hand")
    assert keep(hostile.loaded) == {**dict.fromkeys(names, "unchanged"), names[0]: "kept"}
    assert mine.read_text() == "annotated by hand"
    assert (hostile.root / ".outlay/reviews/2026-W42.md").read_text().startswith("# Evil")
