"""The command line as a new user meets it: verbs, JSON, exit statuses, messages that say what to do."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.console.headline import headline, run_text
from tests.workspaces import Bench, call, event

REPO = Path(__file__).parents[2]


def outlay(*words, workspace=None, code=0):
    env = {k: v for k, v in os.environ.items() if k != "OUTLAY_WORKSPACE"} | {"COLUMNS": "100"}
    if workspace:
        env["OUTLAY_WORKSPACE"] = str(workspace)
    done = subprocess.run(
        [sys.executable, "-m", "pipelines.cli", *map(str, words)],
        capture_output=True,
        text=True,
        env=env,
        cwd=REPO,
        timeout=180,
    )
    assert done.returncode == code, done.stderr + done.stdout
    return done


@pytest.fixture
def small(bench: Bench) -> Bench:
    bench.calls(call("r1"), call("r2", unit_id="d2"))
    bench.outcomes(event("e1"))
    return bench


def test_a_run_prints_one_json_document_whose_records_add_up(small: Bench):
    document = json.loads(outlay("run", "--json", "--workspace", small.root).stdout)
    assert document["records"] == {"read": 3, "stored": 3, "duplicate": 0, "superseded": 0, "quarantined": 0}
    assert document["files"] == {"read": 2, "unchanged": 0, "refused": 0}
    assert (document["requests"], document["spend_usd"], document["unpriced_requests"]) == (
        2,
        "0.008000000000",
        0,
    )
    assert document["days"] == ["2026-10-20"]
    assert {"price", "ingest"} <= {stage["name"] for stage in document["stages"]}
    assert (small.root / ".outlay/dagster").is_dir()


def test_options_stand_before_or_after_the_verb(small: Bench):
    small.run()
    before = outlay("--workspace", small.root, "--json", "fingerprint").stdout
    assert before == outlay("fingerprint", "--json", workspace=small.root).stdout
    assert json.loads(before) == small.fingerprint()


def test_an_export_goes_to_stdout_as_csv_or_to_a_file(small: Bench, tmp_path):
    small.run()
    done = outlay("export", "daily_cost", workspace=small.root)
    assert [r["spend_usd"] for r in csv.DictReader(done.stdout.splitlines())] == ["0.008000000000"]
    document = json.loads(
        outlay(
            "export",
            "daily_cost",
            "--format",
            "xlsx",
            "--out",
            tmp_path / "x.xlsx",
            "--json",
            workspace=small.root,
        ).stdout
    )
    assert (document["rows"], (tmp_path / "x.xlsx").stat().st_size > 3000) == (1, True)


@pytest.mark.parametrize(
    "words", [["export", "daily_cost"], ["fingerprint"], ["recommend"], ["quarantine"], ["route", "plan"]]
)
def test_before_the_first_run_every_reader_says_what_to_do(small: Bench, words):
    assert outlay(*words, workspace=small.root, code=1).stderr == "outlay: nothing published yet: outlay run\n"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"sources": []}, "sources: Tuple should have at least 1 item"),
        ({"nme": "x"}, "nme: unknown key"),
        ({"workflows": {"review": {}}}, "workflows.review.unit: required, not found"),
        ({"workflows": {"re view": {"unit": "x"}}}, "workflows.re view.[key]: String should match pattern"),
        ({"reporting": {"timezone": "Mars/Base"}}, "reporting.timezone: unknown time zone 'Mars/Base', expected an IANA name"),
        ({"sources": [{"name": "a", "kind": "magic", "path": "x"}]}, "sources.0.kind: Input should be 'requests'"),
        ({"sources": [{"name": "a", "kind": "requests", "path": "../x"}]}, "climbs with '..'"),
        ({"capabilities": {"reasoning": "huge"}}, "capabilities.reasoning: unknown tier 'huge', expected one of ['frontier', 'light']"),
        ({"workflows": {"review": {"unit": "d", "value": {"per_outcome_usd": "-1"}}}}, "greater than or equal to 0"),
        ({"workflows": {"review": {"unit": "d", "budget": [{"monthly_usd": "1"}, {"monthly_usd": "2"}]}}},
         "workflows.review.budget: two entries without from, expected each to begin on a day of its own"),
    ],
)  # fmt: skip
def test_an_invalid_workspace_file_is_named_with_its_key_and_what_was_expected(tmp_path, change, says):
    bench = Bench(tmp_path, change)
    stderr = outlay("check", workspace=bench.root, code=2).stderr
    assert f"{bench.root}/outlay.yaml" in stderr
    assert says in stderr


def test_a_key_that_stands_twice_is_refused_with_its_line(tmp_path):
    (tmp_path / "outlay.yaml").write_text("name: a\nsources: []\nname: b\n")
    assert re.search(r"outlay\.yaml, line \d+: .*duplicate key", outlay("run", workspace=tmp_path, code=2).stderr)


def test_a_folder_without_a_workspace_says_how_to_make_one_and_init_makes_one_that_runs(tmp_path):
    assert "no outlay.yaml in" in outlay("run", "--workspace", tmp_path, code=2).stderr
    outlay("init", tmp_path / "new")
    assert "already there" in outlay("init", tmp_path / "new", code=2).stderr
    bench = Bench(tmp_path / "other")
    (tmp_path / "new/logs/calls/a.jsonl").write_bytes(bench.calls(call("r1")).read_bytes())
    document = json.loads(outlay("run", "--json", "--workspace", tmp_path / "new").stdout)
    assert (document["requests"], document["unattributed_usd"]) == (1, "0.004000000000")


def test_wrong_usage_ends_with_status_2(small: Bench):
    small.run()
    for words in (["export", "nonsense"], ["run", "--from", "yesterday"], ["run", "--from", "2026-10-21", "--to", "2026-10-20"],
                  ["export", "daily_cost", "--from", "2026-10-21", "--to", "2026-10-20"],
                  ["export", "recommendations", "--from", "2026-10-01"], ["rates", "show", "no-such-model"], ["frobnicate"]):  # fmt: skip
        outlay(*words, workspace=small.root, code=2)


def test_a_period_on_a_table_without_one_and_a_missing_folder_are_refused_before_anything_is_written(small: Bench):
    small.run()
    refused = outlay("export", "recommendations", "--from", "2026-10-01", workspace=small.root, code=2)
    assert (refused.stdout, "recommendations has no period" in refused.stderr) == ("", True)
    out = small.root / "reports/today/spend.csv"
    missing = outlay("export", "daily_cost", "--out", out, workspace=small.root, code=2)
    assert missing.stderr == f"outlay: {out}: there is no folder {out.parent}: make it, or name another file\n"
    folder = outlay("export", "daily_cost", "--out", small.root, workspace=small.root, code=1)
    assert folder.stderr == f"outlay: {small.root} cannot be written (Is a directory): nothing was changed\n"
    assert not list(small.root.parent.glob(f".{small.root.name}.*"))


def test_spend_of_which_nothing_has_a_price_is_unknown_and_not_0(bench: Bench):
    bench.calls(call("r1", model="gpt-house"), call("r2", model="gpt-house", workflow=None, unit_id=None))
    document = bench.run()
    figures = ("requests", "spend_usd", "unpriced_requests", "unattributed_usd")
    assert [document[name] for name in figures] == [2, None, 2, None]
    assert "2 requests, an unknown amount, an unknown amount unattributed, 2 without a price" in run_text(document)
    assert "All days: 2 requests, an unknown amount, of which an unknown amount no unit bears" in headline(
        bench.published
    )
    bench.calls(call("r3"), file="b.jsonl")
    document = bench.run()
    assert [document[name] for name in figures] == [3, "0.004000000000", 2, None]


def test_the_rates_of_a_model_are_shown_with_source_and_date():
    document = json.loads(
        outlay("rates", "show", "gpt-5.4", "--provider", "openai", "--at", "2026-10-20T12:00:00Z", "--json").stdout
    )
    prices = {(r["class"], r["service_tier"], r["band_over"]): r for r in document["rates"] if not r["region"]}
    assert prices["input", "standard", -1]["unit_price_usd"].rstrip("0") == "0.0000025"
    assert prices["output", "batch", -1]["unit_price_usd"].rstrip("0") == "0.0000075"
    assert "genai-prices" in prices["input", "standard", -1]["source"]


def test_the_demo_tells_the_story_from_the_logs(tmp_path):
    text = outlay("demo", "--dir", tmp_path / "demo", "--no-dashboard").stdout
    assert re.search(r"internal_reporting\s+[\d.]+\s+(3[5-9]|4[0-5])%", text)
    assert text.strip() in (REPO / "README.md").read_text(), "the README shows what the demo prints"
    assert re.search(
        r"Internal reporting took \d+ % of spend and returned \$0\.\d+ per dollar, the least of four workflows\.",
        text,
    )
    assert "Switch contract_review/clause_extraction to 100% openai/gpt-5-mini" in text


def test_help_answers_at_once_and_the_readme_shows_it():
    started = os.times()
    text = outlay("--help").stdout
    ended = os.times()
    assert ended.children_user + ended.children_system - started.children_user - started.children_system < 1
    readme = (REPO / "README.md").read_text()
    listed = re.findall(r"^  ([a-z]+)  +[A-Z]", text, re.MULTILINE)
    assert {
        "demo",
        "init",
        "check",
        "run",
        "dashboard",
        "dev",
        "export",
        "review",
        "recommend",
        "acknowledge",
        "close",
        "fetch",
        "estimate",
        "evaluate",
        "quarantine",
        "fingerprint",
        "route",
        "rates",
    } == set(listed)
    block = re.search(r"```text\noutlay --help\n(.*?)```", readme, re.DOTALL)
    assert block is not None
    commands = text[text.index("Commands:") :]
    assert [line.split() for line in commands.splitlines() if line.strip()] == [
        line.split() for line in block.group(1).splitlines() if line.strip()
    ]


def test_a_workspace_without_logs_publishes_empty_tables_and_every_verb_answers(tmp_path):
    outlay("init", tmp_path / "new")
    outlay("run", workspace=tmp_path / "new")
    for words in (["recommend"], ["export", "requests"], ["export", "value_ranking", "--from", "2026-01-01"], ["quarantine"],
                  ["fingerprint"], ["check"], ["route", "plan"], ["route", "status"]):  # fmt: skip
        outlay(*words, workspace=tmp_path / "new")
    assert json.loads(outlay("recommend", "--json", workspace=tmp_path / "new").stdout) == {
        "as_of": None, "workflows": [], "recommendations": [], "disagreements": [],
    }  # fmt: skip
