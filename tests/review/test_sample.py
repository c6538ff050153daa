"""The review of the sample company: it finds what was planted, and fits two printed pages and fifteen minutes."""

from __future__ import annotations

import json
import re
import shutil
from decimal import Decimal as D
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright
from typer.testing import CliRunner

from pipelines import cli
from pipelines.publish.currency import shown
from pipelines.review.document import Review
from pipelines.review.files import FORMATS
from pipelines.review.review import review
from pipelines.storage.published import current
from pipelines.workspace.load import load_workspace

CHROMIUM = shutil.which("chromium")
WORDS = 1500  #: fifteen minutes, read aloud at 100 words a minute with time to look at the tables


@pytest.fixture(scope="module")
def made(sample: Path) -> Review:
    return review(load_workspace(sample), current(sample))


@pytest.fixture(scope="module")
def texts(sample: Path, made: Review) -> dict[str, str]:
    return {kind: make(made, shown(current(sample).meta)) for kind, make in FORMATS.items()}


def outlay(root: Path, *words: str, code: int = 0) -> str:
    done = CliRunner().invoke(cli.app, ["--workspace", str(root), *words])
    assert done.exit_code == code, done.output
    return done.output


def test_the_last_settled_week_is_reviewed_and_said_to_be(made: Review):
    assert (made.week, made.provisional) == ("2026-W44", False)
    assert made.why_this_week == "the last whole week whose outcomes have had their 4 days to arrive by 2026-11-08"


def test_the_planted_drift_is_found_named_and_traced_to_its_task(made: Review):
    n = made.numbers
    assert (n.cost.state, n.drift.state, n.drift.open) == ("red", "red", 1)
    alarm = n.drift.alarms[0]
    assert (alarm.workflow, alarm.kind) == ("claims_decision", "drift")
    assert alarm.cause is not None
    assert alarm.cause.startswith("coverage reasoning on gpt-5.4")
    assert max(n.cost.bridge, key=lambda f: abs(f.effect_usd)).factor == "tokens"
    assert n.cost.movers[0].name == "claims decision, coverage reasoning on gpt-5.4"


def test_the_bridge_sums_to_the_change_of_the_blended_cost_to_the_last_place(made: Review):
    cost = made.numbers.cost
    assert cost.blended_usd is not None
    assert cost.blended_before_usd is not None
    assert sum((f.effect_usd for f in cost.bridge), D(0)) == cost.blended_usd - cost.blended_before_usd


def test_the_planted_waste_is_at_the_bottom_and_stays_there(made: Review):
    bottom = made.numbers.bottom
    assert (bottom.state, bottom.workflow, bottom.share_of_scenarios_last) == ("red", "internal_reporting", 1)
    assert D("0.35") <= (bottom.spend_share or 0) <= D("0.45")


def test_the_three_questions_are_red_each_with_finding_step_command_and_time(made: Review):
    assert [(q.key, q.state) for q in made.questions] == [("capability", "red"), ("value", "red"), ("change", "red")]
    for q in made.questions:
        assert q.finding
        assert q.step
        assert q.command
        assert q.takes
    capability, value, change = made.questions
    assert (
        "Declared to need frontier: coverage reasoning and risk judgement. Proven to: risk judgement."
        in capability.finding
    )
    assert capability.command is not None
    assert "outlay route approve --by platform-lead" in capability.command
    assert (value.takes, change.command) == (
        "67 days at present traffic", "outlay acknowledge claims_decision:drift:2026-10-30 --by platform-lead --reason WHY",
    )  # fmt: skip


def test_the_decisions_name_owner_dollars_and_command(made: Review, sample: Path):
    found = {(d.kind, d.workflow): d for d in made.decisions}
    advice = {(r["workflow"], r["task_type"]): r for r in current(sample).recommendations["recommendations"]}
    switch = found["switch", "contract_review"]
    assert (switch.owner, switch.usd_month) == (
        "legal-ops", D(advice["contract_review", "clause_extraction"]["saving_usd_month"]),
    )  # fmt: skip
    assert (switch.usd_month_low or 0) < (switch.usd_month or 0) < (switch.usd_month_high or 0)
    assert found["reallocate", "internal_reporting"].title.endswith("from internal reporting to claims decision")
    assert found["alarm", "claims_decision"].owner == "claims"
    assert found["budget", "claims_decision"].dollars == "over budget in 2026-11"
    assert len(made.decisions) <= 7
    dollars = [d.usd_month for d in made.decisions if d.usd_month is not None]
    assert dollars == sorted(dollars, reverse=True)


def test_a_task_is_told_as_declared_served_and_proven(made: Review):
    told = {(t.workflow, t.task_type): (t.declared_tier, t.served_tier, t.proven) for t in made.tasks}
    assert told["contract_review", "clause_extraction"] == ("light", "frontier", "light is enough")
    assert told["contract_review", "risk_judgement"] == ("frontier", "frontier", "needs frontier")
    assert told["claims_decision", "coverage_reasoning"] == ("frontier", "frontier", "not proven")


def test_the_markdown_can_be_read_aloud_in_fifteen_minutes(texts: dict[str, str]):
    assert len(texts["md"].split()) <= WORDS
    assert "nan" not in re.findall(r"[a-z]+", texts["md"].lower())
    assert "None" not in re.findall(r"\w+", texts["md"].replace("## Decisions of the last weeks, checked\n\nNone", ""))


def test_the_same_set_gives_the_same_bytes(sample: Path, texts: dict[str, str]):
    for kind, text in texts.items():
        assert outlay(sample, "review", "--format", kind) == text
    assert outlay(sample, "--json", "review") == texts["json"]


def test_the_json_has_the_keys_that_scripts_rely_on(texts: dict[str, str]):
    document = json.loads(texts["json"])
    assert list(document) == [
        "schema_version", "company", "week", "first_day", "last_day", "timezone", "currency", "currency_said", "provisional",
        "why_this_week", "as_of", "seen_to", "set_id", "published_at", "numbers", "questions", "tasks", "worth", "changes",
        "decisions", "decisions_left_out", "checked", "notes",
    ]  # fmt: skip
    assert list(document["numbers"]) == ["cost", "drift", "split", "bottom"]
    assert list(document["questions"][0]) == ["key", "question", "state", "finding", "step", "command", "takes"]
    assert list(document["decisions"][0]) == [
        "kind", "workflow", "title", "why", "owner", "usd_month", "usd_month_low", "usd_month_high", "dollars", "edit",
        "command", "takes",
    ]  # fmt: skip
    assert isinstance(document["numbers"]["cost"]["blended_usd"], str)
    assert isinstance(document["numbers"]["cost"]["index"], float)


def test_a_past_week_is_a_replay_of_the_present_set(sample: Path):
    past = review(load_workspace(sample), current(sample), "2026-W42")
    assert (past.week, past.seen_to.isoformat(), past.numbers.drift.open) == ("2026-W42", "2026-10-25", 0)
    assert past.numbers.bottom.last_day == past.seen_to
    assert past.notes[0].startswith("A replay from the set as of")
    assert past == review(load_workspace(sample), current(sample), "2026-W42")


def test_an_unknown_week_or_format_is_wrong_usage_and_an_empty_workspace_fails(sample: Path, tmp_path: Path):
    outlay(sample, "review", "--week", "2026-W46", code=2)
    outlay(sample, "review", "--week", "46", code=2)
    outlay(sample, "review", "--format", "pdf", code=2)
    outlay(tmp_path, "init", str(tmp_path / "new"))
    outlay(tmp_path / "new", "review", code=1)


def test_a_file_is_there_whole_or_not_at_all(sample: Path, tmp_path: Path, texts: dict[str, str]):
    out = tmp_path / "review.html"
    outlay(sample, "review", "--format", "html", "--out", str(out))
    assert out.read_text("utf-8") == texts["html"]
    assert [p.name for p in tmp_path.iterdir()] == ["review.html"]
    outlay(sample, "review", "--out", str(tmp_path / "missing" / "review.md"), code=1)


def test_the_page_is_self_contained_and_runs_nothing(texts: dict[str, str]):
    html = texts["html"]
    assert not re.search(r"<script|<link|<iframe|\son\w+=|src=\"http|url\((?!data:)", html)
    assert "default-src 'none'" in html
    assert html.count("<svg") == 1


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
def test_the_page_prints_on_two_a4_pages_and_asks_for_nothing(texts: dict[str, str], tmp_path: Path):
    file = tmp_path / "review.html"
    file.write_text(texts["html"], "utf-8")
    asked: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.goto(file.as_uri())
        pdf = page.pdf(prefer_css_page_size=True)
        page.set_viewport_size({"width": 390, "height": 844})
        wide = page.evaluate("document.documentElement.scrollWidth")
        browser.close()
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert len(re.findall(rb"/Type\s*/Page\b(?!s)", pdf)) <= 2
    assert wide <= 390, "a telephone scrolls down only"
