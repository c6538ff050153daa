"""`python -m tests.benchmark.engines [--requests N …] [--master 'local[2]'] [--days N] [--day]`: where Spark starts to pay.

The same `outlay run` by DuckDB and by Spark, each in a process of its own, on a generated company of each size, the
first of which is all start-up. Both must publish the same fingerprints before anything is printed. CPU seconds are those
of the whole process tree. From the two largest sizes: what a further request costs either engine, and over how many
cores Spark must spread the work until its run is over before DuckDB's on one machine with `--cores`, for several sizes.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

from pipelines.exports.fingerprint import fingerprint
from pipelines.run import run_workspace
from pipelines.running import Asked
from pipelines.storage.published import current
from pipelines.workspace.load import load_workspace
from tests.benchmark import company
from tests.benchmark.peers.__main__ import Took, took
from tests.benchmark.run import held_back, late_rows

#: where the fixed and the marginal cost are extrapolated to
BEYOND = (1_000_000, 10_000_000, 100_000_000, 1_000_000_000)


def one_run(root: Path) -> None:
    """A run in this process. Spark's Java process is waited for: its CPU is ours."""
    spark = load_workspace(root).config.engine.kind == "spark"
    run_workspace(load_workspace(root), Asked())
    if spark:
        from pyspark import SparkContext

        gateway: Any = SparkContext._gateway
        machine = gateway.proc
        machine.stdin.close()
        machine.wait()


def measured(root: Path, requests: int, days: int, engine: str, *, day: bool) -> tuple[list[Took], str]:
    """What a run over a fresh company of this size takes, and with `day` one over all days but the last and then one over
    that with late rows; and the fingerprints at the end.
    """
    first = company.FIRST_DAY + timedelta(days=company.DAYS - days)
    company.write(root, requests, days, first=first)
    with (root / "outlay.yaml").open("a") as file:
        file.write(engine)
    command = [sys.executable, "-m", "tests.benchmark.engines", "--workspace", str(root)]
    if not day:
        found = [took(command, {})]
    else:
        with held_back(root, company.FIRST_DAY + timedelta(days=company.DAYS - 1)):
            found = [took(command, {})]
        late_rows(root, requests // days)
        found.append(took(command, {}))
    return found, json.dumps(fingerprint(current(root)))


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--requests", type=int, nargs="+", default=[100, 100_000, 1_000_000])
    asked.add_argument("--days", type=int, default=company.DAYS)
    asked.add_argument("--day", action="store_true", help="a new day with late rows on all the others too")
    asked.add_argument("--master", default=f"local[{len(os.sched_getaffinity(0))}]")
    asked.add_argument("--cores", type=int, default=len(os.sched_getaffinity(0)), help="of the machine with DuckDB")
    asked.add_argument("--workspace", type=Path, help=argparse.SUPPRESS)
    options = asked.parse_args()
    if options.workspace:
        one_run(options.workspace)
        return
    engines = {"duckdb": "", "spark": f"\nengine: {{kind: spark, master: '{options.master}'}}\n"}
    runs = ["first", "day"] if options.day else ["first"]
    cpu: dict[str, dict[str, list[float]]] = {run: {name: [] for name in engines} for run in runs}
    print(f"{'requests':>13}{'engine':>9}{'run':>7}{'CPU s':>9}{'wall s':>9}{'peak MB':>9}", flush=True)
    for requests in options.requests:
        said = {}
        for name, engine in engines.items():
            with tempfile.TemporaryDirectory() as folder:
                ran, said[name] = measured(Path(folder), requests, options.days, engine, day=options.day)
            for run, each in zip(runs, ran, strict=True):
                cpu[run][name].append(each.cpu_s)
                print(
                    f"{requests:13,}{name:>9}{run:>7}{each.cpu_s:9.1f}{each.wall_s:9.1f}{each.peak_mb:9,.0f}",
                    flush=True,
                )
        if said["duckdb"] != said["spark"]:
            raise SystemExit(f"the engines disagree over {requests:,} requests")
    if len(options.requests) > 1:
        beyond(options.requests, cpu["first"], options.cores)
    if len(options.requests) > 1 and options.day:
        print(f"\na new day, where {options.days - 1} others as large are held:")
        lines([requests // options.days for requests in options.requests], cpu["day"])


def lines(sizes: list[int], cpu: dict[str, list[float]]) -> dict[str, float]:
    """CPU seconds that a further request costs each engine, as a line through the two largest sizes."""
    each = {name: (found[-1] - found[-2]) / (sizes[-1] - sizes[-2]) for name, found in cpu.items()}
    for name, marginal in each.items():
        print(
            f"{name}: {cpu[name][0]:.1f} CPU s for {sizes[0]:,} requests, {1e6 * marginal:.1f} µs for each further one"
        )
    return each


def beyond(sizes: list[int], cpu: dict[str, list[float]], cores: int) -> None:
    """Fixed and marginal CPU of each engine, and the cores with which Spark is as fast, as a line through both sizes."""
    each = lines(sizes, cpu)
    print("\nCPU by these figures, and the cores over which Spark must spread its own to be done as soon as DuckDB")
    print(f"{'requests':>15}{'DuckDB CPU h':>14}{'Spark CPU h':>13}{'cores':>8}   DuckDB on {cores} cores")
    for requests in BEYOND:
        hours = {name: (found[0] + each[name] * requests) / 3600 for name, found in cpu.items()}
        needed = hours["spark"] / hours["duckdb"] * cores
        print(f"{requests:15,}{hours['duckdb']:14.2f}{hours['spark']:13.2f}{needed:8.0f}")


if __name__ == "__main__":
    main()
