"""Answering the same items with several models through a gateway, and keeping marks only.

The prompts stay where they are: what is written is one `evaluations` line per (item, model) with its mark, tokens and
latency. No prompt, answer or key reaches a file, a log or an error. A replay that stops goes on where it stopped.
"""

from __future__ import annotations

import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipelines.evaluate.scorers import Scorer
from pipelines.workspace.errors import OutlayError, UsageError

TRIES = 4
RETRIED = {408, 409, 429, 500, 502, 503, 504}


@dataclass(frozen=True)
class Replay:
    """What to answer, with what, and how to mark it. `models`: provider/model → the gateway's name for it."""

    workflow: str
    task_type: str
    base_url: str
    models: Mapping[str, str]
    score: Scorer
    signal: str
    key_name: str | None = None  #: environment variable that holds the gateway's key
    concurrency: int = 8
    timeout_s: float = 120.0
    wait_s: float = 1.0


@dataclass(frozen=True)
class Summary:
    """What a replay did: answered (item, model) pairs written, skipped as written before, and refused by the gateway."""

    written: int
    skipped: int
    failed: int


def read_items(file: Path, needed: str | None) -> list[dict[str, Any]]:
    """The user's prompt file: JSON Lines with `item_id`, `messages` (or `prompt`), and what the scorer needs.

    Raises UsageError naming the line.
    """
    items: list[dict[str, Any]] = []
    seen: set[str] = set()
    for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
        if not line.strip():
            continue
        where = f"{file.name}, line {number}"
        try:
            item = json.loads(line)
        except json.JSONDecodeError as error:
            raise UsageError(f"{where}: not valid JSON: {error.msg}") from error
        if not isinstance(item, dict) or not isinstance(item.get("item_id"), str):
            raise UsageError(f"{where}: expected an object with an item_id of text")
        if "messages" not in item and "prompt" not in item:
            raise UsageError(f"{where}: expected messages (or prompt)")
        if needed is not None and needed not in item:
            raise UsageError(f"{where}: the scorer needs {needed!r}")
        if item["item_id"] in seen:
            raise UsageError(f"{where}: item_id {item['item_id']!r} stands twice")
        seen.add(item["item_id"])
        items.append(item)
    return items


def replay(asked: Replay, items: Sequence[Mapping[str, Any]], out: Path) -> Summary:
    """Answer every item with every model and append one line each to `out`, pair by pair.

    Raises UsageError when the gateway's key is not in the environment, OutlayError when no call at all went through.
    """
    key = os.environ.get(asked.key_name) if asked.key_name else None
    if asked.key_name and not key:
        raise UsageError(f"the environment has no {asked.key_name}: the gateway's key is read from there")
    done = set(_written(out))
    todo = [(item, model) for item in items for model in asked.models if (item["item_id"], model) not in done]
    written = failed = 0
    last = ""
    with ThreadPoolExecutor(asked.concurrency) as pool, open(out, "a", encoding="utf-8") as file:
        for mark in pool.map(lambda pair: _mark(asked, *pair, key), todo):
            if isinstance(mark, str):
                failed, last = failed + 1, mark
                continue
            file.write(json.dumps(mark) + "\n")
            file.flush()
            written += 1
    if todo and not written:
        raise OutlayError(f"no call went through: {last}; is {asked.base_url} the gateway's address?")
    return Summary(written, len(items) * len(asked.models) - len(todo), failed)


def _written(out: Path) -> Iterator[tuple[str, str]]:
    if out.exists():
        for line in out.read_text("utf-8").splitlines():
            mark = json.loads(line)
            yield mark["item_id"], f"{mark['provider']}/{mark['model']}"


def _mark(asked: Replay, item: Mapping[str, Any], model: str, key: str | None) -> dict[str, Any] | str:
    """One `evaluations` line, or in plain words why there is none."""
    begun = time.perf_counter()
    answer = _call(asked, item, asked.models[model], key)
    if isinstance(answer, str):
        return f"{model}: {answer}"
    try:
        text = answer["choices"][0]["message"]["content"] or ""
        usage = answer["usage"]
        tokens = {"input_tokens": int(usage["prompt_tokens"]), "output_tokens": int(usage["completion_tokens"])}
    except (KeyError, IndexError, TypeError):
        return f"{model}: the gateway's answer is no chat completion with usage"
    provider, _, name = model.partition("/")
    mark = {
        "workflow": asked.workflow, "task_type": asked.task_type, "item_id": item["item_id"], "provider": provider,
        "model": name, "quality": min(max(float(asked.score(text, item)), 0.0), 1.0),
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"), "signal": asked.signal, **tokens,
        "latency_ms": round((time.perf_counter() - begun) * 1000),
    }  # fmt: skip
    if isinstance(item.get("stratum"), str):
        mark["stratum"] = item["stratum"]
    return mark


def _call(asked: Replay, item: Mapping[str, Any], name: str, key: str | None) -> dict[str, Any] | str:
    messages = item.get("messages") or [{"role": "user", "content": item["prompt"]}]
    body = json.dumps({**item.get("parameters", {}), "model": name, "messages": messages}).encode()
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {key}"} if key else {})
    url = f"{asked.base_url.rstrip('/')}/chat/completions"
    said = ""
    for attempt in range(TRIES):
        if attempt:
            time.sleep(asked.wait_s * 2 ** (attempt - 1))
        try:
            request = urllib.request.Request(url, body, headers)
            with urllib.request.urlopen(request, timeout=asked.timeout_s) as response:
                return json.loads(response.read())
        except urllib.error.HTTPError as error:
            error.close()
            said = f"the gateway answered {error.code}"  # its text may repeat the prompt
            if error.code not in RETRIED:
                break
        except (OSError, json.JSONDecodeError) as error:
            said = type(error).__name__
    return said
