"""`python -m tests.benchmark.peers [--requests N …] [--repeat N] [--memory 1GB] [--without spark_local …]`.

From `requests` logs to the exact daily cost per workflow, task type and model, each call once. First every engine runs
once and all must agree to the last unit; only then they are timed, in turns. CPU seconds are those of the whole process
tree (user and system), memory is that of its largest process, medians of the repetitions. What an engine takes for a
hundred requests, the start of its process, is shown apart and taken off. Outlay does the whole of `outlay run`: charges,
allocations, outcomes, marts and the published set; the others end at the daily cost.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from statistics import median

import duckdb

from pipelines.rates.book import RateBook
from pipelines.storage.ledger import MEMORY_LIMIT
from pipelines.storage.published import current
from tests.benchmark import company
from tests.benchmark.peers import COLUMNS

PEERS = {
    "duckdb_sql": "duckdb", "polars_lazy": "polars", "chdb_sql": "chdb", "pandas_frames": "pyarrow",
    "spark_local": "pyspark",
}  # fmt: skip
START = 100  #: requests whose run is all start-up


@dataclass(frozen=True)
class Took:
    cpu_s: float
    wall_s: float
    peak_mb: float


def took(command: list[str], environment: dict[str, str]) -> Took:
    """A command to its end, in a small process that watches it."""
    watched = [sys.executable, "-m", "tests.benchmark.peers.took", *command]
    done = subprocess.run(watched, env={**os.environ, **environment}, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-3000:]}")
    return Took(**json.loads(done.stdout))


class Company:
    """The logs of so many requests, the rates they are priced by, and the engines on them."""

    def __init__(self, root: Path, requests: int, memory: str) -> None:
        self.root, self.requests, self.memory = root, requests, memory
        company.write(root, requests)
        self.rates = root / "rates.csv"
        book = RateBook.for_models(sorted(company.MODELS))
        with self.rates.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("provider", "model", "input", "cache_read", "output"))
            for provider, model in company.MODELS:
                writer.writerow((provider, model, *prices(book, provider, model)))

    def command(self, name: str) -> list[str]:
        if name == "wc -l":
            return ["wc", "-l", *map(str, sorted(self.root.glob("calls/*.jsonl")))]
        if name == "outlay run":
            return [sys.executable, "-m", "pipelines.cli", "--workspace", str(self.root), "--json", "run", "--full"]
        return [sys.executable, "-m", f"tests.benchmark.peers.{name}", str(self.root / "calls"), str(self.rates),
                str(self.root / f"{name}.csv")]  # fmt: skip

    def run(self, name: str) -> Took:
        return took(self.command(name), {MEMORY_LIMIT: self.memory})

    def result(self, name: str) -> list[tuple[str, ...]]:
        """The rows of an engine, in the order of their keys."""
        if name == "outlay run":
            return self.of_outlay()
        with (self.root / f"{name}.csv").open(newline="") as file:
            rows = [tuple(row[column].removesuffix(".0") for column in COLUMNS) for row in csv.DictReader(file)]
        return sorted(rows)

    def of_outlay(self) -> list[tuple[str, ...]]:
        segments = [str(path) for path in current(self.root).segments("requests")]
        rows = duckdb.execute(
            """
            select
                strftime(time at time zone 'UTC', '%Y-%m-%d'), workflow, task_type, provider, model, count(*),
                count(distinct unit_id), sum(cost_usd)
            from read_parquet($1) group by all
            """,
            [segments],
        ).fetchall()
        return sorted((*map(str, row[:-1]), str(int(Decimal(row[-1]) * 10**12))) for row in rows)


def prices(book: RateBook, provider: str, model: str) -> tuple[int, ...]:
    """Of a token of input, of cached input and of output in the month of the logs, in 10⁻¹² dollars."""
    at = datetime.combine(company.FIRST_DAY, datetime.min.time(), UTC)
    in_force = [
        rate for rate in book.rates
        if (rate.provider, rate.model, rate.service_tier, rate.region) == (provider, model, "standard", "")
        and rate.in_force(at) and rate.band_over <= 0
    ]  # fmt: skip
    found = {rate.class_: rate.unit_price for rate in in_force}
    return tuple(int(found[name] * 10**12) for name in ("input", "cache_read", "output"))


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--requests", type=int, nargs="+", default=[1_000_000])
    asked.add_argument("--repeat", type=int, default=3)
    asked.add_argument("--memory", default="1GB", help="what Outlay's DuckDB may hold")
    asked.add_argument("--without", nargs="*", default=[], choices=sorted(PEERS))
    options = asked.parse_args()
    peers = [name for name in PEERS if name not in options.without]
    if absent := [PEERS[name] for name in peers if importlib.util.find_spec(PEERS[name]) is None]:
        raise SystemExit(f"not installed: {', '.join(absent)}; pip install -e '.[benchmark]', or leave them out")
    for requests in options.requests:
        with tempfile.TemporaryDirectory() as small, tempfile.TemporaryDirectory() as large:
            compare(Company(Path(small), START, options.memory), Company(Path(large), requests, options.memory),
                    peers, options.repeat)  # fmt: skip


def compare(tiny: Company, full: Company, peers: list[str], repeat: int) -> None:
    """All engines on one company; the table goes to standard output."""
    engines = ["outlay run", *peers]
    for name in engines:
        full.run(name)
    expected = full.result("outlay run")
    for name in peers:
        if full.result(name) != expected:
            raise SystemExit(f"{name} and Outlay disagree: {differences(full.result(name), expected)}")
    everything = ["wc -l", "orjson_parse", *engines]
    start = {name: median(tiny.run(name).cpu_s for _ in range(repeat)) for name in everything}
    timed: dict[str, list[Took]] = {name: [] for name in everything}
    for _ in range(repeat):
        for name in everything:
            timed[name].append(full.run(name))
    work = {name: median(t.cpu_s for t in times) - start[name] for name, times in timed.items()}
    print(f"\n{full.requests:,} requests, {len(expected):,} rows of daily cost, the same from every engine")
    print(f"{'':16}{'start CPU s':>12}{'CPU s':>9}{'x parse':>9}{'wall s':>9}{'peak MB':>9}")
    for name in everything:
        times = timed[name]
        print(
            f"{name:16}{start[name]:12.2f}{work[name]:9.2f}{work[name] / work['orjson_parse']:9.2f}"
            f"{median(t.wall_s for t in times):9.2f}{median(t.peak_mb for t in times):9,.0f}"
        )
    best = min(peers, key=lambda name: work[name])
    print(f"outlay run takes {work['outlay run'] / work[best]:.2f} x the CPU of the best peer, {best}", flush=True)


def differences(found: list[tuple[str, ...]], expected: list[tuple[str, ...]]) -> str:
    only, missing = sorted(set(found) - set(expected)), sorted(set(expected) - set(found))
    return f"{len(only)} rows of its own such as {only[:2]}, {len(missing)} missing such as {missing[:2]}"


if __name__ == "__main__":
    main()
