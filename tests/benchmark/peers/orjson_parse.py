"""The limit: every line through `orjson.loads`, and nothing done with it."""

from __future__ import annotations

import sys
from pathlib import Path

import orjson

if __name__ == "__main__":
    for path in sorted(Path(sys.argv[1]).glob("*.jsonl")):
        with path.open("rb") as file:
            for line in file:
                orjson.loads(line)
