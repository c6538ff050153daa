"""What a whole run costs: from the logs to a published set, beside a full orjson parse of the same logs.

`python -m tests.benchmark.run [--requests N …] [--days N] [--memory 1GB] [--day]
[--history DAYS …]`. For each size a process of its own runs all stages
on a generated company (`tests.benchmark.company`), in turns with `orjson.loads` of every line: CPU seconds of all threads
and wall time per stage, peak memory, and the disk taken at most beside what is kept. `--day` also loads the company without its last day, adds that day with late rows of
a week before, and compares its cost with its share of everything; the figures must be those of one run over all files.
`--history 10 30 90` shows what such a day costs on histories of so many days with the same requests a day.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import orjson

from pipelines.exports.catalogue import EXPORTS
from pipelines.run import run_workspace
from pipelines.running import Asked
from pipelines.storage.ledger import MEMORY_LIMIT
from pipelines.storage.published import current, parquet
from pipelines.workspace.load import load_workspace
from tests.benchmark import company

SIZES = (200_000, 1_000_000)
AIM = 3  #: times the parse
LATE_SHARE, LATE_DAYS = 50, 7  #: one late row in so many of a day's, from so many days before


def parse_all(root: Path) -> tuple[int, float]:
    """Lines of a workspace's logs, and the CPU seconds that parsing each in full takes."""
    lines, start = 0, time.process_time()
    for path in sorted(root.glob("*/*.jsonl")):
        with path.open("rb") as file:
            for line in file:
                orjson.loads(line)
                lines += 1
    return lines, time.process_time() - start


def one_run(root: Path) -> dict[str, Any]:
    """A run of the workspace in this process, with what it took: `peak` and `beside` in MB."""
    loaded = load_workspace(root)
    cpu, wall = time.process_time(), time.perf_counter()
    with beside(loaded.home) as most:
        done = run_workspace(loaded, Asked())
    return {
        "beside": most[0] / 1e6,
        "stages": done["stages"],
        "requests": done["requests"],
        "cpu": time.process_time() - cpu,
        "wall": time.perf_counter() - wall,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


@contextmanager
def beside(home: Path) -> Generator[list[int]]:
    """Bytes at most that a run has on disk for itself, in its log and where it sorts: looked at twice a second."""
    most, over = [0], threading.Event()

    def look() -> None:
        while not over.wait(0.5):
            sizes = 0
            for file in (home / "ledger.duckdb.wal", *(home / "tmp").glob("*")):
                with suppress(FileNotFoundError):
                    sizes += file.stat().st_size
            most[0] = max(most[0], sizes)

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    yield most
    over.set()
    looking.join()


def figures(root: Path) -> dict[str, tuple[int, str]]:
    """By export: its rows, and the sum of their hashes. Of all but `restatements` (it tells of runs) and `focus` (it says what
    `charges` say); `outlay fingerprint`, which hashes text in key order, takes minutes at such sizes.
    """
    published, found = current(root), {}
    for name in EXPORTS.keys() - {"restatements", "focus"}:
        export = EXPORTS[name]
        with published.connect(units=name == "outcome_cost") if not export.segment else duckdb.connect() as con:
            rows = parquet(published.segments(name)) if export.segment else name
            found[name] = con.execute(
                f"select count(*), cast(sum(hash({', '.join(export.columns)})) as varchar) from {rows}"
            ).fetchall()[0]
    return found


def in_a_process(root: Path, memory: str) -> dict[str, Any]:
    """`one_run` in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmark.run", "--workspace", str(root)]
    child = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, check=True, env={**os.environ, MEMORY_LIMIT: memory}
    )
    return json.loads(child.stdout)


def table(requests: int, ran: dict[str, Any], lines: int, parse: float) -> None:
    """Stages of a run, and what all of it comes to."""
    print(f"\n{requests:,} requests, {lines:,} lines; parsing them: {parse:.2f} CPU s")
    print(f"{'stage':12}{'CPU s':>9}{'wall s':>9}{'µs a request':>14}")
    for stage in ran["stages"]:
        print(f"{stage['name']:12}{stage['cpu_s']:9.2f}{stage['wall_s']:9.2f}{1e6 * stage['cpu_s'] / requests:14.2f}")
    print(f"{'all':12}{ran['cpu']:9.2f}{ran['wall']:9.2f}{1e6 * ran['cpu'] / requests:14.2f}")
    print(f"{ran['cpu'] / parse:.1f} x the parse (aim {AIM}); peak memory {ran['peak']:,.0f} MB", end="; ")
    print(f"{ran['beside']:,.0f} MB of disk at most beside what is kept", flush=True)


def new_day(root: Path, of_day: int, memory: str) -> tuple[dict[str, Any], int]:
    """A run over the company's last day with late rows of a week before, on all its other days; and its requests."""
    last = company.FIRST_DAY + timedelta(days=company.DAYS - 1)
    with held_back(root, last):
        in_a_process(root, memory)
    fresh = of_day + late_rows(root, of_day)
    return in_a_process(root, memory), fresh


def late_rows(root: Path, of_day: int) -> int:
    """Write what comes late with the company's last day; how many requests."""
    last = company.FIRST_DAY + timedelta(days=company.DAYS - 1)
    late = max(of_day // LATE_SHARE // LATE_DAYS, 1)
    for back in range(1, LATE_DAYS + 1):
        company.write_day(root, last - timedelta(days=back), late, 900 + back, name="-late")
    return late * LATE_DAYS


def a_day(root: Path, requests: int, memory: str, days: int) -> None:
    """The last of so many days by itself, with late rows, against its share of a run over everything."""
    day, fresh = new_day(root, requests // days, memory)
    by_day = figures(root)
    shutil.rmtree(root / ".outlay")
    whole = in_a_process(root, memory)
    at_once = figures(root)
    if by_day != at_once:
        different = sorted(name for name, value in at_once.items() if by_day.get(name) != value)
        raise SystemExit(f"the day by itself gives other figures than everything at once: {different}")
    share = whole["cpu"] * fresh / whole["requests"]
    print(
        f"\nOne new day of {fresh:,} requests on {whole['requests'] - fresh:,} held ones, the same figures either way"
    )
    for stage in day["stages"]:
        print(f"{stage['name']:12}{stage['cpu_s']:9.2f}")
    print(
        f"{day['cpu']:.2f} CPU s, its share of a run over everything is {share:.2f}: {day['cpu'] / share:.1f} x",
        flush=True,
    )


def along_history(of_day: int, lengths: Sequence[int], memory: str) -> None:
    """What one new day with late rows costs, by the days that lie behind it, each with the same requests."""
    print(f"\nOne new day of {of_day:,} requests, with late rows, by the days of history behind it: CPU s")
    names: list[str] = []
    for days in lengths:
        with tempfile.TemporaryDirectory() as name:
            root = Path(name)
            first = company.FIRST_DAY + timedelta(days=company.DAYS - 1 - days)
            company.write(root, of_day * (days + 1), days + 1, first=first)
            day, _ = new_day(root, of_day, memory)
        cost = {stage["name"]: stage["cpu_s"] for stage in day["stages"]} | {"all": day["cpu"]}
        if not names:
            names = list(cost)
            print(f"{'days':>6}" + "".join(f"{name:>10}" for name in names) + f"{'MB':>8}")
        print(f"{days:6}" + "".join(f"{cost[name]:10.2f}" for name in names) + f"{day['peak']:8,.0f}", flush=True)


@contextmanager
def held_back(root: Path, day: Any) -> Generator[None]:
    """The files of a day out of sight for a while."""
    files = [*root.glob(f"*/{day}.jsonl")]
    for file in files:
        file.rename(file.with_suffix(".later"))
    yield
    for file in files:
        file.with_suffix(".later").rename(file)


def in_turns(
    parse: Callable[[], tuple[int, float]], run: Callable[[], dict[str, Any]]
) -> tuple[int, float, dict[str, Any]]:
    """Lines, the lesser of a parse before and one after, and the run between them."""
    lines, before = parse()
    ran = run()
    return lines, min(before, parse()[1]), ran


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--requests", type=int, nargs="+", default=list(SIZES))
    asked.add_argument("--memory", default="1GB", help="what DuckDB may hold")
    asked.add_argument("--days", type=int, default=company.DAYS, help="over so many days")
    asked.add_argument("--day", action="store_true", help="also a new day on a loaded workspace")
    asked.add_argument("--history", type=int, nargs="+", help="a new day on so many days of history, and nothing else")
    asked.add_argument("--workspace", type=Path, help=argparse.SUPPRESS)
    options = asked.parse_args()
    if options.workspace:
        print(json.dumps(one_run(options.workspace)))
        return
    if options.history:
        for requests in options.requests:
            along_history(requests // options.days, options.history, options.memory)
        return
    for requests in options.requests:
        with tempfile.TemporaryDirectory() as name:
            root = Path(name)
            first = company.FIRST_DAY + timedelta(days=company.DAYS - options.days)  # the last day stays
            company.write(root, requests, options.days, first=first)
            lines, parse, ran = in_turns(
                lambda root=root: parse_all(root), lambda root=root: in_a_process(root, options.memory)
            )
            table(requests, ran, lines, parse)
            if options.day:
                shutil.rmtree(root / ".outlay")
                a_day(root, requests, options.memory, options.days)


if __name__ == "__main__":
    main()
