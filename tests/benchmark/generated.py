"""Seeded logs of the high-volume kinds for measurements: usual lines, every id its own."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).parents[1] / "sources" / "examples"
#: kind -> example whose first line is taken as the usual one
TEMPLATES = {
    "otlp": "03-otel-genai-current.jsonl",
    "litellm": "04-litellm-standard-logging-payload.jsonl",
    "bedrock": "05-bedrock-model-invocation-log.jsonl",
}
KINDS = ("requests", *TEMPLATES)
_START = datetime(2026, 10, 1, tzinfo=UTC)


def write(kind: str, path: Path, lines: int, seed: int = 1) -> None:
    """A log of so many lines."""
    chance = random.Random(seed)
    made = _requests(chance, lines) if kind == "requests" else _like(TEMPLATES[kind], chance, lines)
    with path.open("w", encoding="utf-8") as file:
        file.writelines(line + "\n" for line in made)


def _requests(chance: random.Random, lines: int) -> Iterator[str]:
    for i in range(lines):
        time = _START + timedelta(milliseconds=20 * i + chance.randrange(1000))
        read, written = chance.randrange(100, 90_000), chance.randrange(10, 5_000)
        body: dict[str, Any] = {
            "request_id": f"req-{chance.getrandbits(72):018x}",
            "time": time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }
        if chance.random() < 0.7:
            body["response_id"] = f"chatcmpl-{chance.getrandbits(96):024x}"
        body |= {
            "provider": chance.choice(["openai", "anthropic"]),
            "model": chance.choice(["gpt-5-mini", "gpt-5.4", "claude-sonnet-5"]),
        }
        body |= {"input_tokens": read, "output_tokens": written}
        if chance.random() < 0.5:
            body["cache_read_tokens"] = chance.randrange(read)
        if chance.random() < 0.4:
            body["reasoning_tokens"] = chance.randrange(written)
        body["latency_ms"] = chance.randrange(200, 60_000)
        if chance.random() < 0.3:
            body["cost_usd"] = f"{chance.randrange(1, 10**8) / 10**9:.9f}"
        body |= {"workflow": "customer_records", "task_type": chance.choice(["triage", "field_extraction"])}
        body |= {"attempt_id": f"rec-{i // 4}-a1", "unit_id": f"rec-{i // 8}"}
        if chance.random() < 0.5:
            body["stratum"] = chance.choice(["long", "medium"])
        yield json.dumps(body | {"team": "crm-platform"}, separators=(",", ":"))


def _like(name: str, chance: random.Random, lines: int) -> Iterator[str]:
    """The first line of an example again and again, with the ids that make a record another one drawn anew."""
    template = (EXAMPLES / name).read_text("utf-8").splitlines()[0]
    ids = sorted(set(_ids(json.loads(template))))
    for _ in range(lines):
        line = template
        for known in ids:
            fresh = f"{chance.getrandbits(4 * len(known)):x}".rjust(len(known), "0")
            line = line.replace(f'"{known}"', f'"{fresh}"')
        yield line


def _ids(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if value.get("key") == "gen_ai.response.id":
            yield value["value"]["stringValue"]
        for name, inner in value.items():
            if name in ("id", "requestId", "traceId", "spanId", "litellm_call_id") and isinstance(inner, str) and inner:
                yield inner
            else:
                yield from _ids(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _ids(inner)
