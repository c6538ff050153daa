"""Reading texts and files in tests, and the rule by which one of two payloads under one key wins."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipelines.sources.context import FileRef, ReadResult, date_in_path
from pipelines.sources.record import Quarantined, RequestRecord
from pipelines.sources.registry import read

EXAMPLES = Path(__file__).parent / "examples"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAY = datetime(2026, 11, 20, tzinfo=UTC)
CALL: dict[str, Any] = {
    "request_id": "r1",
    "time": "2026-11-20T12:00:00Z",
    "provider": "openai",
    "model": "gpt-5-mini",
    "input_tokens": 100,
    "output_tokens": 10,
}


def file_ref(path: Path, name: str | None = None, **more: Any) -> FileRef:
    name = name or path.name
    return replace(FileRef(path, name, date_in_path(name), NOW), **more)


def read_file(kind: str, path: Path, **more: Any) -> list[ReadResult]:
    return list(read(kind, file_ref(path, **more)))


def read_bytes(kind: str, folder: Path, content: bytes, name: str = "log.jsonl", **more: Any) -> list[ReadResult]:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return list(read(kind, file_ref(path, name, **more)))


def read_lines(kind: str, folder: Path, lines: Iterable[Any], **more: Any) -> list[ReadResult]:
    """Each line a text as it is, or a value to be written as JSON."""
    content = "".join(line + "\n" if isinstance(line, str) else json.dumps(line) + "\n" for line in lines)
    return read_bytes(kind, folder, content.encode(), **more)


def one(kind: str, folder: Path, line: Any, **more: Any) -> Any:
    """What the only record of a one-line file was read as."""
    results = read_lines(kind, folder, [line], **more)
    assert len(results) == 1, results
    return results[0].parsed


def reasons(results: Iterable[ReadResult]) -> list[tuple[int | None, str]]:
    return [(line, parsed.reason) for line, parsed in results if isinstance(parsed, Quarantined)]


def requests(results: Iterable[ReadResult]) -> list[RequestRecord]:
    return [parsed for _, parsed in results if isinstance(parsed, RequestRecord)]


def rank(record: RequestRecord) -> tuple[Any, ...]:
    """The greater of two payloads under one key wins."""
    return (
        record.status == "ok",
        record.output_nonreasoning + record.output_reasoning,
        record.input_uncached + record.cache_read + record.cache_write + record.cache_write_long,
        record.known_classes,
        record.time,
        record.canonical,
    )


def deduped(records: Iterable[RequestRecord]) -> dict[str, RequestRecord]:
    """One record a call: first by record key, then by provider and response id."""
    by_key: dict[str, RequestRecord] = {}
    for record in records:
        held = by_key.get(record.record_key)
        if held is None or rank(record) > rank(held):
            by_key[record.record_key] = record
    by_response: dict[tuple[str, str], RequestRecord] = {}
    for key, record in list(by_key.items()):
        if record.response_id is None:
            continue
        held = by_response.get((record.provider, record.response_id))
        if held is None:
            by_response[record.provider, record.response_id] = record
        elif rank(record) > rank(held):
            by_response[record.provider, record.response_id] = record
            del by_key[held.record_key]
        else:
            del by_key[key]
    return by_key
