"""A process that stands for a machine of its own: it shares the storage, but no lock and no boot with the others.

`python -m tests.storage.machine NAME hold HOME` holds the lease and prints its token; `… run WORKSPACE` runs the
workspace and waits at its last stage but one. Each goes on at a line on standard input, and says how it ended.
"""

from __future__ import annotations

import fcntl
import sys
from pathlib import Path

from pipelines.storage import lease
from pipelines.workspace.errors import OutlayError


def hold(home: Path, machine: str) -> None:
    with lease.leased(home, 60, machine=machine) as held:
        told(f"held {held.token}")
        sys.stdin.readline()
        held.fence()


def run(workspace: Path, machine: str) -> None:
    from pipelines import run as road  # who only holds the lease needs none of it
    from pipelines.running import Asked
    from pipelines.workspace.load import load_workspace

    setattr(fcntl, "flock", lambda *_: None)  # noqa: B010 - storage whose locks reach no other machine
    setattr(lease, "this_machine", lambda: machine)  # noqa: B010
    split = road.STAGES["split"]

    def waits(state):
        told("split")
        sys.stdin.readline()
        return split(state)

    road.STAGES["split"] = waits
    road.run_workspace(load_workspace(workspace), Asked(wait_s=60))


def told(text: str) -> None:
    print(text, flush=True)


def main() -> None:
    machine, what, place = sys.argv[1:]
    try:
        (hold if what == "hold" else run)(Path(place), machine)
        told("done")
    except OutlayError as error:
        told(f"refused: {error}")


if __name__ == "__main__":
    main()
