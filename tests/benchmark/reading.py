"""How fast logs are read: from the file to rows stored in the ledger, beside a full orjson parse.

`python -m tests.benchmark.reading [--lines N]`. For each kind a process of its own reads a log of N lines and one of
4 N, in turns with `orjson.loads` of every line of the same file; figures are CPU seconds (all threads), medians. The
same log is also read gzipped: what that takes more, as a multiple of what `zcat` takes for it.
Before anything is timed, each kind's plan and its parser of single records must agree on such a log.
"""

from __future__ import annotations

import argparse
import gzip
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from pipelines.intake.intake import take_in
from pipelines.intake.window import Window
from pipelines.storage.ledger import open_ledger
from pipelines.workspace.load import load_workspace
from tests.benchmark.generated import KINDS, write
from tests.benchmark.peers.__main__ import took

REPETITIONS = 3
DUCKDB_MEMORY = "512MB"


def intake(workspace: Path, ledger: Path) -> int:
    """One first run's intake, hashing of the file included; how many records it read."""
    con = open_ledger(ledger)
    con.execute(f"set memory_limit = '{DUCKDB_MEMORY}'")
    con.execute("begin transaction")  # as in a run
    try:
        return take_in(con, load_workspace(workspace), Window(), "benchmark").records()["read"]
    finally:
        con.close()


def parse_all(path: Path) -> int:
    """The limit: every line parsed in full, nothing done with it."""
    lines = 0
    with path.open("rb") as file:
        for line in file:
            orjson.loads(line)
            lines += 1
    return lines


def cpu(work: Callable[[], int]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def source(workspace: Path, kind: str, file: str) -> Path:
    """A workspace of one log, which is to be written."""
    workspace.mkdir()
    (workspace / "outlay.yaml").write_text(
        f"name: Benchmark\nsources:\n  - {{name: log, kind: {kind}, path: {file}}}\n"
    )
    return workspace / file


def measured(kind: str, lines: int) -> dict[str, Any]:
    """Figures of one kind and size, for this process."""
    with tempfile.TemporaryDirectory() as name:
        plain, packed = Path(name) / "plain", Path(name) / "packed"
        log, gz = source(plain, kind, "log.jsonl"), source(packed, kind, "log.jsonl.gz")
        write(kind, log, lines)
        gz.write_bytes(gzip.compress(log.read_bytes(), 6))
        records = intake(plain, plain / "warm.duckdb")
        product, limit, gzipped, unpacked = [], [], [], []
        for turn in range(REPETITIONS):
            limit.append(cpu(lambda: parse_all(log)))
            unpacked.append(took(["zcat", str(gz)], {}).cpu_s)
            for workspace, read in ((plain, product), (packed, gzipped)):
                ledger = workspace / f"{turn}.duckdb"
                read.append(cpu(lambda workspace=workspace, ledger=ledger: intake(workspace, ledger)))
        return {
            "kind": kind,
            "lines": lines,
            "records": records,
            "bytes": log.stat().st_size,
            "product": statistics.median(product),
            "limit": statistics.median(limit),
            "packed": statistics.median(a - b for a, b in zip(gzipped, product, strict=True)),
            "zcat": statistics.median(unpacked),
            "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }


def agree(kind: str, lines: int) -> None:
    """The plan of a kind and its parser of single records say the same of such a log, and the plan reads nearly all of it."""
    from tests.sources import test_lean_plans, test_plans

    with tempfile.TemporaryDirectory() as name:
        log = Path(name) / "log.jsonl"
        write(kind, log, lines)
        assert_same = test_plans.assert_same if kind == "requests" else partial(test_lean_plans.assert_same, kind)
        if assert_same(log) < 0.99 * lines:  # a hexadecimal id may look like an odd number
            raise SystemExit(f"{kind}: the plan left lines to the parser of single records; nothing was timed")


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--lines", type=int, default=100_000)
    asked.add_argument("--kind", choices=KINDS, help=argparse.SUPPRESS)
    options = asked.parse_args()
    if options.kind:
        print(json.dumps(measured(options.kind, options.lines)))
        return
    for kind in KINDS:
        agree(kind, min(options.lines, 5_000))
    print(
        f"{'kind':9} {'lines':>9} {'MB':>7} {'requests/CPU s':>15} {'orjson lines/CPU s':>19} {'ratio':>6} {'gz/zcat':>8} "
        f"{'peak MB':>8}"
    )
    for kind in KINDS:
        for lines in (options.lines, 4 * options.lines):
            command = [sys.executable, "-m", "tests.benchmark.reading", "--kind", kind, "--lines", str(lines)]
            child = subprocess.run(command, capture_output=True, text=True, check=True)
            row = json.loads(child.stdout)
            print(
                f"{kind:9} {lines:9,} {row['bytes'] / 1e6:7.1f} {row['records'] / row['product']:15,.0f} "
                f"{lines / row['limit']:19,.0f} {row['product'] / row['limit']:6.1f} "
                f"{row['packed'] / row['zcat']:8.2f} {row['memory']:8.0f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
