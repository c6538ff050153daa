"""From a workspace folder to JSON values: patterns, compressed files, lines, and one spelling for each
value."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from ruamel.yaml import YAML

from tests.reference.shapes import Refused, World

DEFAULT_TAGS = {
    "workflow": ["workflow", "gen_ai.workflow.name", "traceloop.workflow.name"],
    "task_type": ["task_type"],
    "unit_id": ["unit_id", "document_id", "decision_id", "run_id"],
    "attempt_id": ["attempt_id"],
    "stratum": ["stratum"],
}


def load(root: Path) -> World:
    """The declarations of `outlay.yaml`."""
    raw = YAML(typ="safe", pure=True).load((root / "outlay.yaml").read_text(encoding="utf-8"))
    agreed = raw.get("rates", {}).get("contract")
    return World(
        ZoneInfo(raw.get("reporting", {}).get("timezone", "UTC")),
        raw["sources"],
        raw.get("workflows", {}),
        DEFAULT_TAGS | {k: v for k, v in raw.get("tags", {}).items() if k in DEFAULT_TAGS},
        raw.get("assign", []),
        {model: tier["name"] for tier in raw.get("tiers", []) for model in tier["models"]},
        YAML(typ="safe", pure=True).load((root / agreed).read_text(encoding="utf-8")) if agreed else {},
    )


def values(root: Path, source: dict[str, Any]) -> Iterator[Any]:
    """Every JSON value of a source's files; a line that is no JSON object is passed over."""
    for path in sorted({*root.glob(source["path"]), *root.glob(source["path"] + ".gz")}):
        body = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        for line in body.split(b"\n"):
            if not line.strip():
                continue
            try:
                value = json.loads(line.decode(), parse_float=Decimal, parse_constant=_no_constant)
            except (ValueError, Refused):
                continue
            if isinstance(value, dict):
                yield value


def _no_constant(text: str) -> None:
    raise Refused(text)


def canonical(value: Any) -> str:
    """One text for one value: keys in order, no white space, numbers in one spelling."""
    return json.dumps(_spelt(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _spelt(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _spelt(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_spelt(inner) for inner in value]
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value
