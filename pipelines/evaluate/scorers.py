"""How an answer becomes a mark from 0 to 1: exact match, a JSON schema, or the user's own function."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jsonschema

from pipelines.workspace.errors import UsageError

#: (the model's answer, the prompt file's item) -> a mark from 0 to 1
Scorer = Callable[[str, Mapping[str, Any]], float]
SIGNALS = {"exact": "label", "schema": "schema"}


def exact(answer: str, item: Mapping[str, Any]) -> float:
    """1 where the answer is the item's `expected`: as JSON where both are JSON, else as text without outer space."""
    expected = item["expected"]
    if not isinstance(expected, str):
        try:
            return float(json.loads(_fenced(answer)) == expected)
        except json.JSONDecodeError:
            return 0.0
    return float(answer.strip() == expected.strip())


def schema(answer: str, item: Mapping[str, Any]) -> float:
    """1 where the answer is JSON that the item's `schema` accepts."""
    try:
        jsonschema.validate(json.loads(_fenced(answer)), item["schema"])
    except (json.JSONDecodeError, jsonschema.ValidationError):
        return 0.0
    return 1.0


BUILT_IN: dict[str, tuple[Scorer, str]] = {"exact": (exact, "expected"), "schema": (schema, "schema")}


def scorer(name: str) -> tuple[Scorer, str | None]:
    """(scorer, the key that every item then needs). `exact`, `schema`, or `module:function` found from here.

    Raises UsageError where there is no such function.
    """
    if name in BUILT_IN:
        return BUILT_IN[name]
    module, colon, function = name.partition(":")
    if not colon:
        raise UsageError(f"--scorer {name!r}: expected exact, schema, or your own as module:function")
    sys.path.insert(0, str(Path.cwd()))
    try:
        found = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise UsageError(f"--scorer {name!r}: {error}") from error
    finally:
        sys.path.pop(0)
    return found, None


def _fenced(answer: str) -> str:
    """What stands inside a Markdown code fence, if the whole answer is one."""
    text = answer.strip()
    if text.startswith("```") and text.endswith("```"):
        return text.removesuffix("```").partition("\n")[2]
    return text
