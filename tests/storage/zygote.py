"""A process that has imported everything and forks one run per line it is given: `workspace phase-file`.

It prints the child's pid, and after the next line waits for that child. A fork is cheap, an import is not.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from pipelines import run as road
from pipelines.storage import published
from pipelines.workspace.load import load_workspace


def child(workspace: str, phases: str) -> None:
    mark = Path(phases).write_text

    def marked(name, stage):
        def wrapped(run):
            mark(name)
            return stage(run)

        return wrapped

    for name, stage in list(road.STAGES.items()):
        road.STAGES[name] = marked(name, stage)
    swap = published.point_to

    def point_to(home: Path, name: str) -> None:
        mark("pointer")
        swap(home, name)
        mark("done")

    setattr(published, "point_to", point_to)  # noqa: B010
    mark("start")
    road.run_workspace(load_workspace(Path(workspace)), road.Asked())


def main() -> None:
    print("ready", flush=True)
    for line in sys.stdin:
        workspace, phases = line.split()
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                child(workspace, phases)
                code = 0
            finally:
                os._exit(code)
        print(pid, flush=True)
        print(os.waitpid(pid, 0)[1], flush=True)


if __name__ == "__main__":
    main()
