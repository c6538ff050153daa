"""The close's exports are the same for any order and splitting of files, any number of runs and of threads.

Planted by `generated`: FOCUS bills of three providers, OpenRouter's activity, a restated delivery, a call that two logs hold;
beside them an invoice, shared costs, rules for unseen spend, and a closed month that is changed afterwards.
"""

from __future__ import annotations

import gzip
import random
import shutil
from pathlib import Path

import pytest

from pipelines import running
from pipelines.close.closing import Asked as Closing
from pipelines.close.closing import close_month
from pipelines.storage import ledger
from tests.close import generated, written
from tests.close.bench import invoice
from tests.workspaces import Bench, call

CLOSE = {
    "threshold_usd": "100000",
    "unseen": [{"provider": "openai", "account": "org-openai", "workflow": "review"}],
    "shared": [{"name": "Gateway", "monthly_usd": "100", "driver": "tokens"}],
}


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """How many threads the ledger's engine uses from here on."""
    wanted = {"threads": 1}

    def opened(file: Path):
        con = ledger.open_ledger(file)
        con.execute(f"set threads = {wanted['threads']}")
        return con

    monkeypatch.setattr(running, "open_ledger", opened)
    return wanted


@pytest.fixture
def inputs(tmp_path: Path) -> Bench:
    """Logs and bills of a month and of an August before it, which is closed."""
    month = generated.Month(tmp_path / "inputs", 7)
    bench = month.bench
    bench.config["close"] = CLOSE
    bench.config["tags"] = {"team": ["team"], "project": ["project"]}
    bench.save()
    invoice(bench, "I9,x-ai,,2026-08-01,2026-08-31,USD,0.0040,usage,")
    bench.calls(
        call("august", time="2026-08-10T10:00:00Z", provider="x-ai", model="grok-4", team="a", project="p"),
        file="august.jsonl",
    )
    wrong, made = generated.statement(month), generated.statement(month)
    generated.plant(made, month)
    generated.plant_activity(made, month)
    generated.more(wrong, wrong.places("openai")[0], 10**9)
    written.write_focus(month, wrong, file="2026-10-a.csv")
    written.write_focus(month, made, file="2026-10-b.csv")
    written.write_activity(month, made)
    bench.run()
    close_month(bench.loaded, Closing("2026-08", by="cfo", accept_unexplained="a test"))
    bench.calls(call("late", time="2026-08-11T10:00:00Z", team="b"), file="zlate.jsonl")
    bench.run()
    return bench


def again(inputs: Bench, root: Path, seed: int) -> tuple[Bench, list[Path]]:
    """The same lines and bills as other files, from sources in another order; answers the files too, shuffled."""
    roll = random.Random(seed)
    sources = roll.sample(inputs.config["sources"], len(inputs.config["sources"]))
    bench = Bench(root, {**inputs.config, "sources": sources})
    for folder in ("bills", "closes"):
        shutil.copytree(inputs.root / folder, root / folder)
    lines = [
        line for file in sorted((inputs.root / "logs/calls").glob("*.jsonl")) for line in file.read_text().splitlines()
    ]
    roll.shuffle(lines)
    for n in range(3):
        part = bench.lines(f"logs/calls/{'cab'[n]}.jsonl", lines[n::3])
        if n == 1:
            part.with_name("packed.jsonl.gz").write_bytes(gzip.compress(part.read_bytes(), mtime=0))
            part.unlink()
    for folder in ("gate", "router"):
        shutil.copytree(inputs.root / "logs" / folder, root / "logs" / folder)
    files = sorted(path for top in ("logs", "bills") for path in (root / top).rglob("*") if path.is_file())
    roll.shuffle(files)
    return bench, files


def test_order_splitting_runs_and_threads_change_no_export_of_the_close(inputs, tmp_path, threads):
    wanted = inputs.fingerprint()
    assert inputs.export("close_adjustments")
    assert {"not metered", "day cut", "recorded twice", "tax"} <= {r["item"] for r in inputs.export("reconciliation")}
    threads["threads"] = 4
    at_once, _ = again(inputs, tmp_path / "at_once", 1)
    at_once.run()
    assert at_once.fingerprint() == wanted
    threads["threads"] = 2
    by_parts, files = again(inputs, tmp_path / "by_parts", 2)
    aside = tmp_path / "aside"
    aside.mkdir()
    held = {file: aside / f"{n}" for n, file in enumerate(files[: len(files) // 2])}
    for file, place in held.items():
        file.rename(place)
    by_parts.run()
    for file, place in held.items():
        place.rename(file)
    by_parts.run()
    assert by_parts.fingerprint() == wanted
