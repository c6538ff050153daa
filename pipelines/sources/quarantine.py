"""What may be shown of a record that was refused: its shape and its ids, never what somebody wrote."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from pipelines.sources import canonical

LENGTH = 80
MASK = "***"
#: Texts under these names are ids, names and times that the format defines; all other texts are masked.
_SHOWN = frozenset(
    {
        "attempt_id", "correlationid", "currency", "event", "event_id", "id", "item_id", "kind",
        "litellm_call_id", "model", "object", "parent_unit_id", "parent_workflow", "provider",
        "request_id", "requestid", "response_id", "service_tier", "signal", "span_id", "spanid",
        "status", "stratum", "task_type", "time", "timestamp", "trace_id", "traceid", "type",
        "unit_id", "workflow",
    }
)  # fmt: skip
SECRET = re.compile(
    r"(?i)\b(sk|pk|rk|xox[abprs]|gh[pousr]|glpat|hf|whsec|key|api|lf|pplx|gsk|xai|r8)[-_][A-Za-z0-9_\-]{12,}"
    r"|\bbearer\s+\S{8,}|\bbasic\s+[A-Za-z0-9+/=]{16,}|\beyJ[A-Za-z0-9_\-]{10,}\.|\bAKIA[0-9A-Z]{12,}|\bAIza[0-9A-Za-z_\-]{20,}"
    r"|-----BEGIN|://[^/\s:@]+:[^/\s@]+@"
)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-]{0,47}")
#: An id, a name or a time; a text with words is neither.
_ID = re.compile(r"[\w.:+|/@\-]{1,64}|[\d\-:.TZ+ ]{1,40}")
_LETTER = re.compile(r"[^\W\d_]")
_DIGIT = re.compile(r"\d")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def excerpt(found: Any) -> str:
    """The first 80 characters of a refused line (bytes or text: shape only) or of a parsed value (masked)."""
    if isinstance(found, bytes):
        found = found[: 4 * LENGTH].decode("utf-8", "replace")
    if isinstance(found, str):
        return shape(found)
    pieces: list[str] = []
    length = 0
    for piece in _masked(found, "", 0):
        pieces.append(piece)
        length += len(piece)
        if length >= LENGTH:
            break
    return "".join(pieces)[:LENGTH]


def shape(line: str) -> str:
    """A line that can't be parsed: letters as x, digits as 9, punctuation as it is."""
    return _CONTROL.sub(" ", _DIGIT.sub("9", _LETTER.sub("x", line[:LENGTH])))


def _masked(value: Any, name: str, depth: int) -> Iterable[str]:
    if isinstance(value, dict) and depth == 0:
        yield "{"
        for place, key in enumerate(value):
            shown = key if _NAME.fullmatch(key) and not SECRET.search(key) else MASK
            yield f'{"," if place else ""}"{shown}":'
            yield from _masked(value[key], key, depth + 1)
        yield "}"
    elif isinstance(value, dict):
        yield "{" + str(len(value)) + "}"
    elif isinstance(value, list | tuple):
        yield f"[{len(value)}]"
    elif isinstance(value, str):
        visible = name.lower() in _SHOWN and _ID.fullmatch(value) and not SECRET.search(value)
        yield f'"{value}"' if visible else f'"{MASK}"'
    elif isinstance(value, bool) or value is None:
        yield {True: "true", False: "false", None: "null"}[value]
    elif isinstance(value, int):
        yield str(value) if abs(value) < 10**30 else MASK
    elif isinstance(value, Decimal) and value.is_finite():
        yield canonical.number(value)
    else:
        yield MASK
