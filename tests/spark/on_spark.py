"""Runs workspaces one after the other in this process, and says what each run reported: `… WORKSPACE…`.

One JSON document a line: each run's, and at last what Spark's parser says of every model.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from pipelines.run import run_workspace
from pipelines.running import Asked
from pipelines.workspace.errors import OutlayError
from pipelines.workspace.load import load_workspace
from tests.spark.parsing import parse


def main() -> None:
    for name in sys.argv[1:]:
        try:
            said = run_workspace(load_workspace(Path(name)), Asked())
        except OutlayError as error:
            said = {"error": str(error)}
        print(json.dumps(said, default=str), flush=True)
    print(json.dumps(parse()), flush=True)


if __name__ == "__main__":
    main()
