"""`outlay init --scan`: from a folder of logs to a workspace that runs, without a word of what the logs hold."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import shutil
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from pipelines.console.checks import check_workspace
from pipelines.exports.write import write
from pipelines.intake.discover import discover
from pipelines.run import run_workspace
from pipelines.running import Asked
from pipelines.sources.registry import kinds_read
from pipelines.storage.published import current
from pipelines.workspace import scan as module
from pipelines.workspace.errors import UsageError
from pipelines.workspace.globs import matches, patterns
from pipelines.workspace.ladder import tiers
from pipelines.workspace.load import Loaded, load_workspace
from pipelines.workspace.logs import REQUEST_KINDS
from pipelines.workspace.proposal import workspace_text
from pipelines.workspace.scan import scan
from pipelines.workspace.start import start_from_scan
from pipelines.workspace.summary import summary
from tests.conftest import SAMPLE
from tests.console.test_cli import outlay
from tests.public_data import folder
from tests.sources.reading import EXAMPLES
from tests.sources.test_detect import KINDS
from tests.workspaces import call, event


def lay(root: Path, name: str, *records: Any) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join((r if isinstance(r, str) else json.dumps(r)) + "\n" for r in records)
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


def begun(logs: Path, directory: Path) -> Loaded:
    start_from_scan(directory, logs)
    return load_workspace(directory.resolve())


def as_pairs(loaded: Loaded) -> dict[str, str]:
    return {source.path: source.kind for source in loaded.config.sources}


def found_in(files: Mapping[str, str | None]) -> dict[str, str]:
    groups = patterns({PurePosixPath(name): kind for name, kind in files.items()})
    for file, kind in files.items():
        if kind is not None:
            assert [g.kind for g in groups if matches(g.pattern, PurePosixPath(file))] == [kind], file
    return {group.pattern: group.kind for group in groups}


# Patterns


def test_a_folder_of_one_kind_is_one_pattern_whatever_packs_its_files():
    assert found_in({"calls/a.jsonl": "requests", "calls/b.jsonl.gz": "requests", "calls/README.md": None}) == {
        "calls/*.jsonl": "requests"
    }


def test_two_kinds_in_one_folder_are_told_apart_by_how_their_names_begin():
    files = {"calls-1.jsonl": "requests", "calls-2.jsonl": "requests", "outcomes-1.jsonl": "outcomes", "x.jsonl": None}
    assert found_in(files) == {"calls-*.jsonl": "requests", "outcomes-1*.jsonl": "outcomes"}


def test_names_that_tell_nothing_apart_stand_for_themselves():
    assert found_in({"a.json": "openai", "b.json": "anthropic", "c.json": "openai"}) == {
        "a*.json": "openai",
        "b*.json": "anthropic",
        "c*.json": "openai",
    }


def test_a_broken_file_of_a_series_doesn_t_break_its_pattern():
    files = {f"logs/2026-11-{day}.jsonl": "litellm" for day in range(10, 20)}
    assert found_in({**files, "logs/2026-11-20.jsonl": None}) == {"logs/*.jsonl": "litellm"}


def test_folders_by_day_are_one_pattern():
    files = {
        f"gw/2026/{month:02}/{day:02}/x{n}.json": "litellm" for month in (10, 11) for day in (1, 2) for n in (1, 2)
    }
    assert found_in(files) == {"gw/2026/*/*/*.json": "litellm"}


def test_a_folder_a_request_is_one_pattern():
    names = ["".join(chr(97 + (n * k) % 26) for k in range(1, 9)) for n in range(40)]
    assert found_in({f"objects/{name}/body.json": "bedrock" for name in names}) == {"objects/*/*.json": "bedrock"}


def test_names_that_may_be_a_person_s_are_not_written_down():
    found = found_in({"kim@acme.example/a.jsonl": "requests"})
    assert found == {"*/*.jsonl": "requests"}


def test_what_a_pattern_matches_is_what_a_run_discovers(tmp_path: Path):
    for name in ("l/[a]*1.jsonl", "l/b?2.jsonl", "l/2026-11-20.jsonl.gz", "m/x.jsonl"):
        lay(tmp_path / "logs", name, call(name))
    lay(tmp_path / "logs", "l/b-other.jsonl", event("e1"))
    loaded = begun(tmp_path / "logs", tmp_path / "ws")
    taken = [
        file.path.relative_to(tmp_path / "logs").as_posix() for file in discover(loaded) if isinstance(file.path, Path)
    ]
    assert sorted(taken) == ["l/2026-11-20.jsonl.gz", "l/[a]*1.jsonl", "l/b-other.jsonl", "l/b?2.jsonl", "m/x.jsonl"]
    assert not [file.refused for file in discover(loaded) if file.refused]


# What is found


def test_models_times_and_missing_rates_are_listed(tmp_path: Path):
    lay(tmp_path / "logs", "a.jsonl", call("r1", time="2026-10-01T00:00:00Z"), call("r2", model="house-model"),
        call("r3", model="house-model", cost_usd="0.5"))  # fmt: skip
    lay(tmp_path / "logs", "b.jsonl", event("e1", time="2026-10-25T00:00:00Z"))
    found = scan(tmp_path / "logs", tmp_path / "ws").document()
    assert (found["first"], found["last"]) == ("2026-10-01T00:00:00Z", "2026-10-25T00:00:00Z")
    assert found["models"] == [
        {"provider": "openai", "model": "gpt-5.4", "requests": 1, "priced": True},
        {"provider": "openai", "model": "house-model", "requests": 2, "priced": False},
    ]
    assert found["unpriced"] == [{"provider": "openai", "model": "house-model", "requests": 2, "recorded": 1}]
    assert (found["requests"], found["outcomes"], found["complete"]) == (3, 1, True)


def test_tag_keys_are_listed_with_their_coverage(tmp_path: Path):
    lay(
        tmp_path / "logs",
        "a.jsonl",
        *(call(f"r{n}", unit_id=f"d{n}", team="legal") for n in range(3)),
        call("r3", unit_id=None),
    )
    found = scan(tmp_path / "logs", tmp_path / "ws")
    shares = {key: (share, values) for key, share, values in found.coverage}
    assert shares == {"workflow": (1.0, 1), "task_type": (1.0, 1), "unit_id": (0.75, 3), "team": (0.75, 1)}
    text = workspace_text("x", found)
    assert "#   unit_id: 75 %, 3 values\n" in text
    assert "#   team: 75 %, 1 value\n" in text


def test_workflows_are_declared_with_the_unit_that_their_ids_name(tmp_path: Path):
    own = {"unit_id": None}
    lay(
        tmp_path / "logs", "a.jsonl",
        *(call(f"a{n}", workflow="review", document_id=f"d{n}", **own) for n in range(4)),
        *(call(f"b{n}", workflow="triage", ticket_id=f"t{n}", trace_id=f"x{n}", **own) for n in range(4)),
        *(call(f"c{n}", workflow="nightly", run_id=f"r{n}", **own) for n in range(4)),
        *(call(f"d{n}", workflow="claims_decision", unit_id=f"c{n}") for n in range(4)),
        *(call(f"e{n}", workflow="chat", **own) for n in range(4)),
    )  # fmt: skip
    loaded = begun(tmp_path / "logs", tmp_path / "ws")
    assert {name: w.unit for name, w in loaded.config.workflows.items()} == {
        "review": "document", "triage": "ticket", "nightly": "workflow", "claims_decision": "decision", "chat": "unit",
    }  # fmt: skip
    assert loaded.config.tags.unit_id == ("unit_id", "document_id", "decision_id", "run_id", "ticket_id")
    assert "# no ids seen: tag requests with unit_id" in (tmp_path / "ws/outlay.yaml").read_text()


def test_tags_of_the_spans_above_a_call_count_as_its_own(tmp_path: Path):
    shutil.copytree(SAMPLE / "logs/otlp", tmp_path / "logs")
    found = scan(tmp_path / "logs", tmp_path / "ws")
    seen = found.workflows["contract_review"]
    assert (seen.unit_key, seen.unit("contract_review")) == ("document_id", "document")
    assert seen.unit_keys["document_id"] > 0.95 * seen.requests > 2000


def test_many_different_values_are_no_names_of_workflows(tmp_path: Path):
    lay(tmp_path / "logs", "a.jsonl", *(call(f"r{n}", workflow=f"job-{n}") for n in range(60)))
    loaded = begun(tmp_path / "logs", tmp_path / "ws")
    assert loaded.config.workflows == {}
    assert "60 different values under the workflow tag" in (tmp_path / "ws/outlay.yaml").read_text()


def test_tiers_are_cut_where_prices_part():
    prices = {"a/huge": "20", "a/big": "15", "b/mid": "4", "b/mid2": "3.6", "c/small": "0.5", "c/tiny": "0.4"}
    assert tiers({name: Decimal(price) for name, price in prices.items()}) == [
        ("frontier", ["a/huge", "a/big"]),
        ("standard", ["b/mid", "b/mid2"]),
        ("light", ["c/small", "c/tiny"]),
    ]
    assert tiers({"a/x": Decimal(1), "a/y": Decimal("1.1")}) == [("standard", ["a/y", "a/x"])]
    assert tiers({"a/x": Decimal(9), "a/y": Decimal(1)}) == [("frontier", ["a/x"]), ("light", ["a/y"])]
    assert tiers({}) == []


# What is left alone


def test_links_pipes_and_hidden_files_are_left_alone(tmp_path: Path):
    logs = tmp_path / "logs"
    lay(logs, "a.jsonl", call("r1"))
    lay(tmp_path, "elsewhere/b.jsonl", call("r2"))
    lay(logs, ".hidden/c.jsonl", call("r3"))
    (logs / "link.jsonl").symlink_to(tmp_path / "elsewhere/b.jsonl")
    (logs / "folder").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(logs / "pipe.jsonl")
    found = scan(logs, tmp_path / "ws")
    assert (found.files, found.requests, found.skipped["link"]) == (1, 1, 2)


def test_bounds_make_the_findings_incomplete_not_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for n in range(30):
        lay(tmp_path / "logs", f"2026-10-{n + 1:02}.jsonl", *(call(f"{n}-{m}") for m in range(300)))
    monkeypatch.setattr(module, "RECORDS", 3000)
    monkeypatch.setattr(module, "READ", 10)
    loaded = begun(tmp_path / "logs", tmp_path / "ws")
    found = scan(tmp_path / "logs", tmp_path / "ws2")
    assert (found.complete, found.files, found.requests) == (False, 30, 11 * 300)
    assert as_pairs(loaded) == {(tmp_path / "logs").as_posix() + "/*.jsonl": "requests"}
    assert "of the part of the logs that was read" in (tmp_path / "ws/outlay.yaml").read_text()


def test_a_long_series_is_known_by_some_of_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for n in range(100):
        lay(tmp_path / "logs", f"o-{n}.json", call(f"r{n}"))
    looked: list[Path] = []
    real = module.looks_like
    monkeypatch.setattr(module, "looks_like", lambda path: (looked.append(path), real(path))[1])
    assert scan(tmp_path / "logs", tmp_path / "ws").requests == 100
    assert len(looked) == module.SERIES


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfeh\x00", b"\x1f\x8b\x08broken", b"[" * 100_000, b"\x00" * 5000, b"{}\n" * 9]
)
def test_odd_files_don_t_stop_the_scan(content: bytes, tmp_path: Path):
    lay(tmp_path / "logs", "a.jsonl", call("r1"))
    (tmp_path / "logs/odd.jsonl").write_bytes(content)
    loaded = begun(tmp_path / "logs", tmp_path / "ws")
    assert [source.kind for source in loaded.config.sources] == ["requests"]


def test_an_empty_folder_gives_a_workspace_to_fill_in(tmp_path: Path):
    (tmp_path / "logs").mkdir()
    loaded = begun(tmp_path / "logs", tmp_path / "ws")
    assert [source.name for source in loaded.config.sources] == ["calls"]
    assert check_workspace(loaded)["ok"]


def test_nothing_is_written_where_a_workspace_is_or_the_folder_is_none(tmp_path: Path):
    with pytest.raises(UsageError, match="expected a folder of logs"):
        start_from_scan(tmp_path / "ws", tmp_path / "nowhere")
    assert not (tmp_path / "ws").exists()
    (tmp_path / "logs").mkdir()
    begun(tmp_path / "logs", tmp_path / "ws")
    before = (tmp_path / "ws/outlay.yaml").read_bytes()
    with pytest.raises(UsageError, match="already there"):
        start_from_scan(tmp_path / "ws", tmp_path / "logs")
    assert (tmp_path / "ws/outlay.yaml").read_bytes() == before


def test_nothing_that_a_log_holds_is_written_or_said(tmp_path: Path):
    canary, key = "canary-5e1b", "sk-proj-AbCdEfGhIjKlMnOpQrStUv"
    kim = "kim.lee@acme.example"
    said = {"prompt": canary, "messages": canary, "authorization": key, "user": kim, "note": canary, "mail": kim}
    lay(
        tmp_path / "logs", f"{kim}/a.jsonl",
        *(call(f"r{n}", **said) for n in range(3)),
        call("r3", workflow=f"{canary} wrote this", unit_id=kim),
        call("r4", workflow=key, task_type=kim, model=key),
        call("r5", workflow=kim, **{kim: "x", key: "y", f"{canary} and more": 1}),
        "{" + canary,
        {**call("r6"), "time": canary},
    )  # fmt: skip
    for name in ("03-otel-genai-current.jsonl", "02-anthropic-messages-with-usage.jsonl"):
        shutil.copy(EXAMPLES / name, tmp_path / "logs" / name)
    _, found = start_from_scan(tmp_path / "ws", tmp_path / "logs")
    written = "".join(path.read_text() for path in (tmp_path / "ws").rglob("*") if path.is_file())
    said_aloud = json.dumps(found.document()) + summary(found)
    for secret in (canary, key, "kim", "acme.example"):
        assert secret not in written + said_aloud, secret
    assert found.requests >= 6
    assert check_workspace(load_workspace(tmp_path / "ws"))["ok"]


# From the folder to the ledger


def test_every_format_in_one_folder_becomes_a_workspace_that_runs(tmp_path: Path):
    logs = tmp_path / "logs" / "2026-11-20"
    logs.mkdir(parents=True)
    for name in KINDS:
        shutil.copy(EXAMPLES / name, logs / name)
    root = tmp_path / "ws"
    _, found = start_from_scan(root, tmp_path / "logs")
    assert {source.kind for source in found.sources} == set(KINDS.values())
    loaded = load_workspace(root)
    assert {source.kind for source in loaded.config.sources} == set(KINDS.values()) <= set(kinds_read())
    checked = check_workspace(loaded)
    assert (checked["ok"], checked["errors"], checked["refused"]) == (True, [], [])
    assert not [warning for warning in checked["warnings"] if "looks like" in warning or "no file" in warning]
    document = run_workspace(loaded, Asked())
    assert (document["files"]["refused"], document["records"]["quarantined"]) == (0, 0)
    assert document["requests"] > 20
    assert found.requests == sum(s.records for s in found.sources if s.kind in REQUEST_KINDS)


def test_the_sample_company_is_found_as_it_is_declared(tmp_path: Path, sample: Path):
    root = tmp_path / "ws"
    start_from_scan(root, SAMPLE / "logs")
    mine, declared = load_workspace(root), load_workspace(SAMPLE)
    base = (SAMPLE / "logs").resolve().as_posix()
    assert as_pairs(mine) == {
        s.path.replace("logs/", f"{base}/", 1): s.kind for s in declared.config.sources if s.path.startswith("logs/")
    }
    assert {n: w.unit for n, w in declared.config.workflows.items()}.items() <= {
        n: w.unit for n, w in mine.config.workflows.items()
    }.items()
    run_workspace(mine, Asked())
    assert costs(root) == costs(sample)


def costs(root: Path) -> list[tuple[str, str]]:
    """What each request costs, as exported."""
    out = io.BytesIO()
    write(current(root), "requests", "csv", out)
    return [(row["request_id"], row["cost_usd"]) for row in csv.DictReader(io.StringIO(out.getvalue().decode()))]


def test_logs_inside_the_workspace_are_named_from_it(tmp_path: Path):
    lay(tmp_path / "ws", "logs/calls/a.jsonl", call("r1"))
    lay(tmp_path / "ws", "logs/outcomes/a.csv", ",".join(event("e1")), ",".join(event("e1").values()))
    loaded = begun(tmp_path / "ws" / "logs", tmp_path / "ws")
    assert {s.name: (s.kind, s.path) for s in loaded.config.sources} == {
        "calls": ("requests", "logs/calls/*.jsonl"),
        "outcomes": ("outcomes", "logs/outcomes/*.csv"),
    }
    document = run_workspace(loaded, Asked())
    assert (document["requests"], document["unattributed_usd"]) == (1, "0.000000000000")


def test_the_command_answers_with_the_findings_as_one_document(tmp_path: Path):
    lay(tmp_path / "logs", "calls/a.jsonl", call("r1"), call("r2", model="house-model"))
    words = ["init", tmp_path / "ws", "--scan", tmp_path / "logs", "--json"]
    document = json.loads(outlay(*words).stdout)
    assert document["workspace"] == (tmp_path / "ws").resolve().as_posix()
    assert document["found"]["sources"] == [
        {
            "kind": "requests",
            "path": f"{tmp_path}/logs/calls/*.jsonl",
            "files": 1,
            "records": 2,
            "refused": 0,
            "reason": None,
            "sampled": 0,
        }
    ]
    assert [each["workflow"] for each in document["found"]["workflows"]] == ["review"]
    again = outlay(*words, code=2)
    assert "already there; nothing was changed" in again.stderr
    shown = outlay("init", tmp_path / "other", "--scan", tmp_path / "logs").stdout
    assert "without a rate: openai/house-model" in shown
    assert outlay("check", workspace=tmp_path / "other").stdout.endswith("the workspace is valid\n")


def test_data_files_of_no_kind_are_named_one_a_series_and_none_that_may_name_a_person(tmp_path: Path):
    for name in ("billing/2026-10-01.csv", "billing/2026-10-02.csv", "jane@acme.example.json", "README.md", "x.bin"):
        lay(tmp_path / "logs", name, "a;b", "1;2")
    lay(tmp_path / "logs", "calls/a.jsonl", call("r1"))
    findings = scan(tmp_path / "logs", tmp_path / "ws")
    assert findings.strangers == ["billing/2026-10-01.csv"]
    text = workspace_text("ws", findings)
    assert '# Data files of no kind that Outlay knows: "billing/2026-10-01.csv"' in text
    assert "not known: billing/2026-10-01.csv" in summary(findings)
    assert findings.document()["files"]["not_known"] == ["billing/2026-10-01.csv"]


def test_a_source_that_says_it_is_a_sample_and_one_without_times_are_commented(tmp_path: Path):
    line = json.loads((EXAMPLES / "03-otel-genai-current.jsonl").read_text().splitlines()[0])
    for resource in line["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                span["traceState"] = "ot=th:c"
    lay(tmp_path / "logs", "otlp/a.jsonl", line)
    shutil.copy(EXAMPLES / "02-anthropic-messages-with-usage.jsonl", tmp_path / "logs")
    findings = scan(tmp_path / "logs", tmp_path / "ws")
    text = workspace_text("ws", findings)
    said = next(source.sampled for source in findings.sources if source.kind == "otlp")
    assert said > 0
    assert f"  #   {said} of its calls say that they are a sample: it lends its tags" in text
    assert "no time: put the day into the path, such as logs/2026-11-20/a.jsonl" in text


def test_rules_and_dimensions_are_suggested_from_the_keys_that_the_logs_carry(tmp_path: Path):
    bare = {
        k: v
        for k, v in call("r1", team="legal-zq", cost_center="cc-zq", key_alias="nightly-zq").items()
        if k != "workflow"
    }
    lay(tmp_path / "logs", "calls/a.jsonl", bare)
    text = workspace_text("ws", scan(tmp_path / "logs", tmp_path / "ws"))
    for line in (
        '#  - {match: {source: "calls"}, workflow: contract_review, task_type: extraction}',
        '#  - {match: {key_alias: "…*"}, workflow: contract_review, task_type: extraction}',
        '#  - {match: {team: "…*"}, workflow: contract_review, task_type: extraction}',
        "  # team: [team]  # spend by team: outlay export chargeback",
        "  # department: [cost_center]  # spend by department: outlay export chargeback",
    ):
        assert line in text.split("\n")
    assert "-zq" not in text
    # what is a suggestion becomes valid by taking the comment mark away
    assert load_text(
        tmp_path,
        text.replace("assign: []\n#  -", "assign:\n  -")
        .replace("\n#  - {match", "\n  - {match")
        .replace("  # team: [", "  team: ["),
    ).tags.dimensions == {"team": ("team",)}


def load_text(root: Path, text: str) -> Any:
    (root / "checked").mkdir()
    (root / "checked" / "outlay.yaml").write_text(text, "utf-8")
    return load_workspace((root / "checked").resolve()).config


@pytest.mark.parametrize("name", ["langfuse_traces", "provider_responses"])
def test_published_logs_become_a_workspace_that_runs(tmp_path: Path, name: str):
    loaded = begun(folder(name), tmp_path / "ws")
    kinds = {"langfuse_traces": "langfuse", "provider_responses": "anthropic"}
    assert [source.kind for source in loaded.config.sources] == [kinds[name]]
    assert check_workspace(loaded)["ok"]
    records = run_workspace(loaded, Asked())["records"]
    assert records["stored"] > records["quarantined"]
