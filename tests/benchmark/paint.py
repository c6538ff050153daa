"""How long a reader waits for a page: milliseconds from asking for its address to the first sentence and the first number.

`python -m tests.benchmark.paint [--times 5] [--workspace DIR]`. The sample company is run once (or DIR is served), the
server draws every page once, then one Chromium opens each page by its address, in a window whose cache is filled. Aim: a
median of 2 s to the first sentence. Beside it stand the processor milliseconds of the server for one drawing, which
other work on the machine doesn't change.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from playwright.sync_api import BrowserContext
from streamlit.testing.v1 import AppTest

from dashboards.shell import PAGES
from pipelines.run import run_workspace
from pipelines.running import Asked
from pipelines.workspace.load import load_workspace
from tests.dashboards.browsing import DESKTOP, chromium, opened, settled
from tests.dashboards.conftest import APP, REPO
from tests.dashboards.server import served

AIM_MS = 2000
#: the figure of a tile, or what a chart or a table draws
FIRST_NUMBER = '[data-testid="stMetricValue"], .js-plotly-plot .main-svg, [data-testid="stDataFrame"]'


def measure(root: Path, times: int) -> dict[str, dict[str, float]]:
    """Page -> medians of `sentence_ms` (its title stands), `number_ms`, `settled_ms`, and `server_cpu_ms`."""
    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder, served(root, Path(folder) / "log") as server, chromium() as browser:
        window = opened(browser, DESKTOP)
        for _, url, _ in PAGES.values():
            _opened(window, f"{server.url}/{url or ''}")
        for title, url, _ in PAGES.values():
            taken = [_opened(window, f"{server.url}/{url or ''}") for _ in range(times)]
            found[title] = {key: median(one[key] for one in taken) for key in taken[0]}
    for view, (title, _, _) in PAGES.items():
        found[title]["server_cpu_ms"] = _drawn(root, view, times)
    return found


def _opened(window: BrowserContext, address: str) -> dict[str, float]:
    page = window.new_page()
    begun = time.perf_counter()
    page.goto(address, wait_until="commit")
    page.locator("h1").first.wait_for()
    sentence = time.perf_counter()
    page.locator(FIRST_NUMBER).first.wait_for()
    number = time.perf_counter()
    settled(page, ".")
    taken = {"sentence_ms": sentence, "number_ms": number, "settled_ms": time.perf_counter()}
    page.close()
    return {key: (at - begun) * 1000 for key, at in taken.items()}


def _drawn(root: Path, view: str, times: int) -> float:
    """Median processor milliseconds of drawing a page whose answers are known."""
    os.environ["OUTLAY_WORKSPACE"] = str(root)
    at = AppTest.from_file(APP, default_timeout=600).run()
    if view != next(iter(PAGES)):
        at.switch_page(view)
    at.run()
    worked = []
    for _ in range(times):
        begun = time.process_time()
        at.run()
        worked.append((time.process_time() - begun) * 1000)
    return median(worked)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--workspace", type=Path, help="a published workspace to serve instead of the sample")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = asked.workspace
        if root is None:
            root = Path(shutil.copytree(REPO / "sample_logs", Path(folder) / "workspace"))
            run_workspace(load_workspace(root), Asked())
        found: dict[str, Any] = measure(root, asked.times)
    if asked.json:
        print(json.dumps(found))
        return
    print(f"milliseconds, median of {asked.times}; aim {AIM_MS:,} to the first sentence")
    for page, row in found.items():
        print(
            f"{page:<18} sentence {row['sentence_ms']:>6,.0f}  number {row['number_ms']:>6,.0f}  settled {row['settled_ms']:>6,.0f}  "
            f"server's processors {row['server_cpu_ms']:>5,.0f}"
        )


if __name__ == "__main__":
    main()
