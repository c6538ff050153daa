"""`python -m tests.benchmark.capacity [--requests SMALL LARGE] [--spark FIXED MARGINAL]`: which machine for how many requests.

Measured on generated companies of two sizes, each without its last day and then with it: CPU of a day's run, CPU for
each further request, how many cores a run keeps busy, peak memory, and bytes a request in the logs (as they are and
zstd-packed), the lake, the ledger, the segments and the published set. All else is a line through these points; the table
says what it assumes. Spark's fixed CPU seconds and microseconds a request of a day come from `tests.benchmark.engines --day`.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import zstandard

from tests.benchmark import company
from tests.benchmark.peers.__main__ import took
from tests.benchmark.run import held_back, in_a_process

DAILY = (10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000)
FOLDERS = ("lake", "ledger.duckdb", "segments", "published")
#: machines of one kind, each with 4 GB of memory a core
CORES = (2, 4, 8, 16, 32, 64)
#: a day's run is done within this time on the machine that is named
AT_MOST_S = 3600
#: a core with its 4 GB for an hour, a GB on disk or in a bucket for a month: round figures of the large clouds, no quote
CORE_HOUR_USD, GB_MONTH_USD = 0.05, 0.03
DAYS_A_MONTH = 30.4
#: the ledger is one file on a machine's own disk; beyond this after a year of it, no machine is named
LEDGER_TB = 8


@dataclass(frozen=True)
class Measured:
    """What one size took: everything but its last day, then that day on top."""

    bulk: int  #: requests of the first run
    day: int
    bulk_cpu_s: float
    day_cpu_s: float
    busy: float  #: cores that the first run kept busy
    peak_mb: float
    stored: dict[str, int]  #: bytes by folder, after both

    @property
    def requests(self) -> int:
        return self.bulk + self.day


def measure(requests: int, memory: str) -> Measured:
    """A generated company of this size."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        company.write(root, requests)
        with held_back(root, company.FIRST_DAY + timedelta(days=company.DAYS - 1)):
            bulk = in_a_process(root, memory)
        day = in_a_process(root, memory)
        stored = {folder: size(root / ".outlay" / folder) for folder in FOLDERS}
        logs = [*root.glob("*/*.jsonl")]
        packer = zstandard.ZstdCompressor(level=3)
        stored |= {"logs": sum(map(size, logs)), "logs, zstd": sum(len(packer.compress(f.read_bytes())) for f in logs)}
        fresh = day["requests"] - bulk["requests"]
        return Measured(
            bulk["requests"], fresh, bulk["cpu"], day["cpu"], bulk["cpu"] / bulk["wall"], bulk["peak"], stored
        )


def size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else sum(file.stat().st_size for file in path.rglob("*"))


def start_cpu_s() -> float:
    """What `outlay run` takes to begin and to end: a run that finds nothing new."""
    with tempfile.TemporaryDirectory() as name:
        company.write(Path(name), 100)
        command = [sys.executable, "-m", "pipelines.cli", "--workspace", name, "--json", "run"]
        took(command, {})
        return took(command, {}).cpu_s


@dataclass(frozen=True)
class Line:
    """What follows from two sizes."""

    start_s: float
    fixed_s: float  #: of a day's run, whatever its size
    request_us: float
    bytes: dict[str, float]  #: a request
    busy: float

    def cpu_s(self, requests: int) -> float:
        return self.start_s + self.fixed_s + self.request_us * requests / 1e6

    def kept(self, requests: int) -> float:
        """Bytes that a day adds to `.outlay`."""
        return requests * sum(self.bytes[folder] for folder in FOLDERS)


def line(small: Measured, large: Measured, start_s: float) -> Line:
    def slope(of_small: float, of_large: float, requests: int) -> float:
        return (of_large - of_small) / requests

    further = slope(small.bulk_cpu_s, large.bulk_cpu_s, large.bulk - small.bulk)
    return Line(
        start_s,
        max(small.day_cpu_s - further * small.day, 0),
        further * 1e6,
        {f: slope(small.stored[f], large.stored[f], large.requests - small.requests) for f in small.stored},
        large.busy / len(os.sched_getaffinity(0)),
    )


def machine(cpu_s: float, busy: float) -> tuple[int, float] | None:
    """The smallest machine that is done in time, and its run time in seconds; None where none is."""
    return next(((c, cpu_s / (c * busy)) for c in CORES if cpu_s / (c * busy) <= AT_MOST_S), None)


def said(requests: int, found: Line, spark: tuple[float, float] | None) -> dict[str, Any]:
    """One row of the table."""
    cpu_s, fit = found.cpu_s(requests), machine(found.cpu_s(requests), found.busy)
    gb = found.kept(requests) / 1e9
    ledger_tb = requests * found.bytes["ledger.duckdb"] * 365 / 1e12
    fit = fit if ledger_tb <= LEDGER_TB else None
    row = {"requests a day": f"{requests:,}", "CPU": duration(cpu_s), "kept a day": f"{gb:,.2f} GB",
           "kept a year": f"{gb * 365:,.0f} GB"}  # fmt: skip
    row["of it the ledger"] = f"{ledger_tb * 1e3:,.0f} GB"
    row["one machine"] = f"{fit[0]} cores, {duration(fit[1])}" if fit else "Spark"
    computing = cpu_s / 3600 / found.busy * CORE_HOUR_USD * DAYS_A_MONTH
    cost = f"${computing:,.2f} + ${gb * 365 * GB_MONTH_USD:,.2f}"
    row["a month: runs + a year kept"] = cost if fit else "–"
    if spark:
        row["Spark, core-hours a run"] = f"{(spark[0] + spark[1] * requests / 1e6) / 3600:,.1f}"
    return row


def duration(seconds: float) -> str:
    return (
        f"{seconds:.0f} s"
        if seconds < 120
        else f"{seconds / 60:.0f} min"
        if seconds < 7200
        else f"{seconds / 3600:,.0f} h"
    )


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--requests", type=int, nargs=2, default=[200_000, 1_000_000], metavar=("SMALL", "LARGE"))
    asked.add_argument("--memory", default="1GB", help="what DuckDB may hold")
    asked.add_argument("--spark", type=float, nargs=2, metavar=("FIXED_S", "US_A_REQUEST"))
    options = asked.parse_args()
    began = time.time()
    measured = [measure(requests, options.memory) for requests in options.requests]
    found = line(*measured, start_cpu_s())
    for each in measured:
        print(
            f"{each.bulk:,} requests in one run: {each.bulk_cpu_s:.1f} CPU s on {each.busy:.1f} cores, peak "
            f"{each.peak_mb:,.0f} MB; then a day of {each.day:,}: {each.day_cpu_s:.1f} CPU s"
        )
    print(f"start of the process and Dagster {found.start_s:.1f} CPU s, a day's run {found.fixed_s:.1f} CPU s and "
          f"{found.request_us:.0f} µs a request; {found.busy:.0%} of the cores kept busy")  # fmt: skip
    print("bytes a request: " + ", ".join(f"{name} {count:.0f}" for name, count in found.bytes.items()))
    rows = [said(requests, found, tuple(options.spark) if options.spark else None) for requests in DAILY]
    print("\n| " + " | ".join(rows[0]) + " |\n|" + " ---: |" * len(rows[0]))
    for row in rows:
        print("| " + " | ".join(row.values()) + " |")
    print(f"\nassumed: ${CORE_HOUR_USD} a core-hour, ${GB_MONTH_USD} a GB-month, a year kept; done within "
          f"{AT_MOST_S // 60} minutes; measured in {time.time() - began:.0f} s on {subprocess.getoutput('nproc')} cores")  # fmt: skip


if __name__ == "__main__":
    main()
