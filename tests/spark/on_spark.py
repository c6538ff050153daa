"""Does one step after the other in this process, and says what each run reported: `… FOLDER LAKE WORK`, with plan.json in the folder.

A plan is a list of steps on workspaces of that folder: `{"run": NAME, …}` with what is asked of the run, perhaps the
`master` of its Spark, and a `zone` to report in from then on; `{"diff": NAME}`: what `rates diff` says of it; `{"copy": NAME, "to": NAME}`; `{"remove": [FOLDER…], "of": NAME}`, the last file of each.
One JSON document a run, its fingerprint beside, and at last what Spark's parser says of every model and
`placing` of a lake at LAKE.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pipelines.exports.fingerprint import fingerprint
from pipelines.ledger.repricing import rates_diff
from pipelines.run import run_workspace
from pipelines.running import Asked
from pipelines.storage.published import current
from pipelines.workspace.errors import OutlayError
from pipelines.workspace.load import load_workspace
from tests.spark.parsing import parse
from tests.spark.placing import place

HERE = "local[2]"  #: where a run that says nothing else has its executors: in this process


def done_by(plan: Iterable[dict[str, Any]], base: Path, ending: str = "") -> Iterator[dict[str, Any]]:
    """Do the steps on the workspaces whose names have this ending; what each run and diff reports."""
    for step in plan:
        asked = dict(step)
        if "copy" in step:
            shutil.copytree(base / step["copy"], base / f"{step['to']}{ending}", dirs_exist_ok=True)
            continue
        if "remove" in step:
            for folder in step["remove"]:
                files = (base / f"{step['of']}{ending}" / folder).iterdir()
                max(file for file in files if not file.name.startswith("again-")).unlink()
            continue
        if "diff" in step:
            yield rates_diff(load_workspace(base / f"{step['diff']}{ending}"))
            continue
        root = base / f"{asked.pop('run')}{ending}"
        file = root / "outlay.yaml"
        text = re.sub("master: '[^']*'", f"master: '{asked.pop('master', HERE)}'", file.read_text())
        if zone := asked.pop("zone", None):
            text = re.sub("timezone: [^}]+", f"timezone: {zone}", text)
        file.write_text(text)
        try:
            said = run_workspace(load_workspace(root), Asked(**asked))
            said["fingerprint"] = fingerprint(current(root))
        except OutlayError as error:
            said = {"error": str(error)}
        yield said


def main() -> None:
    base = Path(sys.argv[1])
    for said in done_by(json.loads((base / "plan.json").read_text()), base):
        print(json.dumps(said, default=str), flush=True)
    print(json.dumps(parse() | {"placed": place(*sys.argv[2:])}), flush=True)


if __name__ == "__main__":
    main()
