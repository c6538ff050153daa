"""How the lines of a generated workspace are scattered over files."""

from __future__ import annotations

import gzip
import json
import random
from decimal import Decimal
from pathlib import Path
from typing import Any


def scatter(rng: random.Random, folder: Path, found: list[Any]) -> None:
    """The lines in any order, in one to three files, some compressed, some with a line that is no JSON."""
    folder.mkdir(parents=True)
    texts = [_dumped(value) for value in found]
    rng.shuffle(texts)
    files = rng.randint(1, 3)
    for number in range(files):
        part = texts[number::files] + (['{"cut": '] if rng.random() < 0.1 else [])
        body = "".join(text + "\n" for text in part).encode()
        if rng.random() < 0.4:
            (folder / f"part-{number}.jsonl.gz").write_bytes(gzip.compress(body, mtime=0))
        else:
            (folder / f"part-{number}.jsonl").write_bytes(body)


def _dumped(value: Any) -> str:
    """JSON with decimals spelt out: the digits that the log shows are the digits that were drawn."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k, ensure_ascii=False)}: {_dumped(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_dumped, value)) + "]"
    return f"{value:f}" if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False)
