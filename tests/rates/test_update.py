"""A newer price list beside the one that a published set was made with: what changed, and what would move."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import genai_prices
import pytest

from pipelines.console.rate_changes import update_document, update_text
from pipelines.rates import snapshot
from pipelines.rates.book import RateBook
from pipelines.workspace.errors import NothingPublished, OutlayError
from tests.workspaces import Bench, call

ROOT = Path(__file__).parents[2]


def newer_list(folder: Path, changed: dict[str, str]) -> Path:
    """A copy of the installed price list with some of its text changed, to be found first on the path."""
    package = folder / "genai_prices"
    shutil.copytree(Path(genai_prices.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    text = (package / "data.py").read_text("utf-8")
    for old, new in changed.items():
        assert text.count(old) == 1, f"{old}: {text.count(old)} times"
        text = text.replace(old, new)
    (package / "data.py").write_text(text, "utf-8")
    return folder


def entry_text(model: str) -> str:
    """The source of one model of OpenAI's list, to be changed in a copy."""
    text = (Path(genai_prices.__file__).parent / "data.py").read_text("utf-8")
    openai = text.index("id='openai'")
    start = text.rindex("ModelInfo(", 0, text.index(f"id='{model}',", openai))
    depth = 0
    for i in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[i], 0)
        if depth == 0 and text[i] == ")":
            return text[start : i + 1]
    raise AssertionError(model)


def outlay(root: Path, packages: Path, *verb: str) -> dict:
    """A verb of the command line in a process that finds the newer list."""
    done = subprocess.run(
        [sys.executable, "-m", "pipelines.cli", "--workspace", str(root), "--json", *verb],
        capture_output=True, text=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": f"{packages}{os.pathsep}{ROOT}"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_newer_list_is_told_shown_and_moves_only_what_a_full_run_moves(tmp_path: Path):
    bench = Bench(tmp_path / "w")
    bench.calls(call("old", model="gpt-4o"), call("other"), call("unknown", model="gpt-99"))
    bench.run()
    before = bench.published.meta["rate_book"]
    old = entry_text("gpt-4o")
    dearer = old.replace("input_mtok=Decimal('2.5')", "input_mtok=Decimal('5')", 1)
    added = entry_text("gpt-4").replace("id='gpt-4'", "id='gpt-99'", 1)
    added = (
        added[: added.index("match=")]
        + "match=ClauseEquals(equals='gpt-99'), prices=ModelPrice(input_mtok=Decimal('1'), output_mtok=Decimal('2')))"
    )
    packages = newer_list(tmp_path / "newer", {old: f"{dearer}, {added}"})

    document = outlay(bench.root, packages, "rates", "update")
    assert document["changed"]
    assert document["rate_book_before"] == before != document["rate_book"]
    assert (document["models_added"], document["models_removed"]) == (["openai/gpt-99"], [])
    assert document["prices"] == [
        {"model": "openai/gpt-4o", "price": "standard input_mtok from the beginning", "before": "2.5", "after": "5"}
    ]
    standard = [
        r for r in document["used"] if (r["class_"], r["service_tier"], r["region"]) == ("input", "standard", "")
    ]
    assert [(r["model"], Decimal(r["before"]), Decimal(r["after"])) for r in standard] == [
        ("gpt-4o", Decimal("0.0000025"), Decimal("0.000005"))
    ]
    moves = [(m["model"], m["before_usd"], m["after_usd"]) for m in document["moves"]]
    assert moves == [("gpt-4o", "0.003500000000", "0.006000000000"), ("gpt-99", None, "0.001200000000")]
    assert document["moves"] == outlay(bench.root, packages, "rates", "diff")["moves"]
    text = update_text(document)
    assert "1 models added\n  openai/gpt-99\n" in text
    assert "openai/gpt-4o: standard input_mtok from the beginning: 2.5 -> 5" in text

    # a plain run prices what had no price and leaves what was charged; a full run moves it, and tells
    outlay(bench.root, packages, "run")
    costs = {r["request_id"]: Decimal(r["cost_usd"]) for r in bench.export("requests")}
    assert costs == {"old": Decimal("0.0035"), "other": Decimal("0.004"), "unknown": Decimal("0.0012")}
    assert outlay(bench.root, packages, "rates", "update")["changed"] is False
    outlay(bench.root, packages, "run", "--full")
    assert {r["request_id"]: Decimal(r["cost_usd"]) for r in bench.export("requests")}["old"] == Decimal("0.006")
    assert outlay(bench.root, packages, "rates", "diff")["moves"] == []
    # back under the installed list, the newer one's prices are those that are gone
    back = update_document(bench.loaded)
    assert (back["models_added"], back["models_removed"]) == ([], ["openai/gpt-99"])


def test_the_same_prices_are_told_as_the_same(tmp_path: Path):
    bench = Bench(tmp_path)
    with pytest.raises(NothingPublished):
        update_document(bench.loaded)
    bench.calls(call("a"))
    bench.run()
    document = update_document(bench.loaded)
    assert document["changed"] is False
    assert update_text(document).endswith("the prices are those that the published set was made with.")


def test_a_set_whose_prices_were_not_kept_says_so(tmp_path: Path):
    with pytest.raises(OutlayError, match="were not kept"):
        snapshot.load(tmp_path, "0" * 16)


def test_a_changed_overlay_is_told_block_by_block(tmp_path: Path):
    book = RateBook.for_models([("openai", "gpt-4o")])
    snapshot.save(tmp_path, book)
    kept = snapshot.load(tmp_path, book.version)
    assert not any(snapshot.compared(kept, book)[k] for k in ("prices", "overlay_added", "overlay_removed", "used"))
    kept["overlay"] = kept["overlay"].replace("alias: gpt-5.6,", "alias: gpt-5.6-was,")
    told = snapshot.compared(kept, book)
    assert [line[:46] for line in told["overlay_added"]] == ["- {provider: openai, alias: gpt-5.6, model: gp"]
    assert [line[:46] for line in told["overlay_removed"]] == ["- {provider: openai, alias: gpt-5.6-was, model"]


def test_only_the_last_snapshots_are_kept(tmp_path: Path):
    folder = tmp_path / "rates"
    folder.mkdir()
    for i in range(9):
        (folder / f"{i}.json.gz").write_bytes(b"")
        os.utime(folder / f"{i}.json.gz", (i, i))
    book = RateBook.for_models([("openai", "gpt-4o")])
    snapshot.save(tmp_path, book)
    assert {f.name for f in folder.iterdir()} == {f"{book.version}.json.gz", *(f"{i}.json.gz" for i in (5, 6, 7, 8))}
