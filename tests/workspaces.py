"""Small workspaces for tests: logs written by hand, run, and read back as their exports show them."""

from __future__ import annotations

import csv
import gzip
import io
import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import duckdb
from ruamel.yaml import YAML

from pipelines.exports.fingerprint import fingerprint
from pipelines.exports.write import write
from pipelines.run import run_workspace
from pipelines.running import Asked
from pipelines.storage import generations
from pipelines.storage.published import Published, current
from pipelines.workspace.load import Loaded, load_workspace

BASE: dict[str, Any] = {
    "name": "Test company",
    "sources": [
        {"name": "calls", "kind": "requests", "path": "logs/calls/*.jsonl"},
        {"name": "outcomes", "kind": "outcomes", "path": "logs/outcomes/*.jsonl"},
        {"name": "evals", "kind": "evaluations", "path": "logs/evals/*.jsonl"},
    ],
    "workflows": {
        "review": {"unit": "document", "value": {"per_outcome_usd": "2.00", "basis": "minutes saved"}},
        "claims": {"unit": "decision", "accept": "accepted"},
    },
    "tiers": [
        {"name": "frontier", "rank": 2, "models": ["openai/gpt-5.4"]},
        {"name": "light", "rank": 1, "models": ["openai/gpt-5-mini"]},
    ],
}


class Bench:
    """One workspace under test."""

    def __init__(self, root: Path, config: Mapping[str, Any] | None = None) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        self.config = json.loads(json.dumps({**BASE, **(config or {})}))
        self.save()

    def save(self) -> None:
        with open(self.root / "outlay.yaml", "w") as file:
            YAML(typ="safe", pure=True).dump(self.config, file)

    @property
    def loaded(self) -> Loaded:
        return load_workspace(self.root)

    def calls(self, *records: Mapping[str, Any] | str, file: str = "a.jsonl") -> Path:
        return self.lines(f"logs/calls/{file}", records)

    def outcomes(self, *events: Mapping[str, Any], file: str = "a.jsonl") -> Path:
        return self.lines(f"logs/outcomes/{file}", events)

    def evals(self, *marks: Mapping[str, Any], file: str = "a.jsonl") -> Path:
        return self.lines(f"logs/evals/{file}", marks)

    def lines(self, name: str, records: Iterable[Mapping[str, Any] | str]) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = "".join((r if isinstance(r, str) else json.dumps(r)) + "\n" for r in records)
        path.write_bytes(gzip.compress(text.encode(), mtime=0) if name.endswith(".gz") else text.encode())
        return path

    def run(self, **asked: Any) -> dict[str, Any]:
        return run_workspace(self.loaded, Asked(**asked))

    @property
    def published(self) -> Published:
        return current(self.root)

    def export(self, name: str, **period: Any) -> list[dict[str, str]]:
        out = io.BytesIO()
        write(self.published, name, "csv", out, **period)
        return list(csv.DictReader(io.StringIO(out.getvalue().decode())))

    def fingerprint(self) -> dict[str, str]:
        return fingerprint(self.published)


def call(request_id: str, **fields: Any) -> dict[str, Any]:
    """A call of 1,000 + 100 tokens on gpt-5.4 for document d1: $2.50 and $15 per million, so $0.004."""
    return {
        "request_id": request_id, "time": "2026-10-20T10:00:00Z", "provider": "openai", "model": "gpt-5.4",
        "input_tokens": 1000, "output_tokens": 100, "workflow": "review", "task_type": "extraction", "unit_id": "d1",
        **fields,
    }  # fmt: skip


def event(event_id: str, what: str = "completed", **fields: Any) -> dict[str, Any]:
    """Document d1 of the review workflow, on the day of `call`."""
    return {
        "event_id": event_id, "time": "2026-10-20T11:00:00Z", "workflow": "review", "unit_id": "d1", "event": what,
        **fields,
    }  # fmt: skip


def as_before(p: Published) -> None:
    """Make of a set what earlier versions published: the units are a mart, and no files are named."""
    with duckdb.connect() as con:
        con.execute("set timezone = 'UTC'")
        con.execute(f"attach '{p.folder / 'marts.duckdb'}' as marts")
        con.execute(f"create table marts.outcome_cost as {generations.relation(p.unit_files() or [])}")
    document = json.loads((p.folder / "set.json").read_text())
    del document["generations"]
    (p.folder / "set.json").write_text(json.dumps(document))
    shutil.rmtree(p.home / "segments/outcome_cost")
