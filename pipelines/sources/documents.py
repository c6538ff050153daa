"""Records of a JSON file as parsed values: JSON Lines, or a document.

Numbers stay exact (`Decimal`, `int`), NaN and Infinity are refused, nesting stops at 32. What can't be parsed
comes out as `Quarantined` in its place, so that every record of a file is accounted for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from enum import Enum
from json.scanner import make_scanner
from typing import Any

from pipelines.sources.files import MAX_LINE, Readable, Refused, lines, start_of_text
from pipelines.sources.quarantine import excerpt
from pipelines.sources.record import Quarantined

MAX_DEPTH = 32
#: A whole document (a page, an array) is held in memory; longer files are to be written as JSON Lines.
MAX_DOCUMENT = 64 << 20
_SEPARATOR = re.compile(r"[\s,]*")


def _no_constant(_: str) -> Any:
    raise ValueError("NaN and Infinity are no JSON")


_DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=_no_constant)
_SCAN = make_scanner(_DECODER)  # ty: ignore[invalid-argument-type]
_FAULTS = (ValueError, StopIteration, ArithmeticError, RecursionError)
#: Arguments of `bytes.translate` that leave the brackets of a line, all of one kind.
BRACKETS_ONLY = bytes.maketrans(b"{}", b"[]"), bytes(set(range(256)) - set(b"{}[]"))
Row = tuple[int | None, Any]


def too_deep(value: Any) -> bool:
    """Whether containers are nested more than 32 deep."""
    level = [value]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for item in level:
            children = item.values() if type(item) is dict else item if type(item) is list else ()
            below += [child for child in children if type(child) is dict or type(child) is list]
        if not below:
            return False
        level = below
    return True


def may_be_deep(line: bytes) -> bool:
    """A quick look at the brackets alone. Where it says yes, `too_deep` decides."""
    if line.count(b"{") + line.count(b"[") <= MAX_DEPTH:
        return False
    brackets = line.translate(*BRACKETS_ONLY)
    for _ in range(MAX_DEPTH):
        if not brackets:
            return False
        brackets = brackets.replace(b"[]", b"")
    return bool(brackets)


def parse(line: bytes) -> Any:
    """The one JSON value of a line, or `Quarantined`."""
    try:
        text = line.decode("utf-8").strip()
    except UnicodeDecodeError:
        return Quarantined("invalid UTF-8", excerpt(line))
    try:
        value, end = _SCAN(text, 0)
    except _FAULTS:
        return Quarantined(_why(text), excerpt(text))
    if end != len(text):
        return Quarantined("invalid JSON: more than one value on the line", excerpt(text))
    return _checked(value, text) if "\\u" in text or may_be_deep(line) else value


def _why(text: str) -> str:
    depth = deepest = 0
    for mark in re.findall(r"[\[{\]}]", text):
        depth += 1 if mark in "[{" else -1
        deepest = max(deepest, depth)
    return f"nested more than {MAX_DEPTH} deep" if deepest > MAX_DEPTH else "invalid JSON"


def _checked(value: Any, text: str) -> Any:
    if too_deep(value):
        return Quarantined(f"nested more than {MAX_DEPTH} deep", excerpt(text))
    if "\\u" in text and _has_lone_surrogate(value):
        return Quarantined("invalid Unicode: half of a surrogate pair", excerpt(text))
    return value


def _has_lone_surrogate(value: Any) -> bool:
    try:
        json.dumps(value, ensure_ascii=False, default=str).encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def json_lines(stream: Readable) -> Iterator[Row]:
    """One JSON value a line."""
    for number, line in lines(stream):
        yield number, too_long() if line is None else parse(line)


def line_values(number: int, line: bytes) -> Iterator[Row]:
    """The one value of a line, or each of several that stand side by side."""
    value = parse(line)
    if type(value) is Quarantined and value.reason.startswith("invalid JSON: more"):
        yield from ((number, each) for _, each in _values(line.decode("utf-8")))
    else:
        yield number, value


def too_long(limit: int = MAX_LINE) -> Quarantined:
    return Quarantined(f"line longer than {limit >> 20} MiB")


class Beginning(Enum):
    """What the first bytes of a file of JSON say of the rest."""

    LINES = "one value a line"
    BROKEN = "one value a line, but for the first line"
    DOCUMENT = "perhaps one value over several lines"


def beginning(first: bytes) -> Beginning:
    """How `json_any` reads a file that begins so; `DOCUMENT` where more of it is needed to tell."""
    start = first.lstrip()
    if start[:1] == b"[":
        return Beginning.DOCUMENT
    opening = start.partition(b"\n")[0].strip()
    if (
        not opening.startswith(b"{")
        or len(opening) == len(first.strip())
        or not isinstance(parse(opening), Quarantined)
    ):
        return Beginning.LINES
    text = first.decode("utf-8", "surrogateescape")
    try:
        _SCAN(text, len(text) - len(text.lstrip()))
    except json.JSONDecodeError as fault:
        place = fault.pos
    except StopIteration as fault:
        place = fault.value
    except (ValueError, ArithmeticError, RecursionError):
        return Beginning.DOCUMENT
    else:
        return Beginning.DOCUMENT
    return Beginning.BROKEN if place < text.rfind("\n") else Beginning.DOCUMENT


def json_any(stream: Readable, limit: int = MAX_LINE) -> Iterator[Row]:
    """JSON Lines (each at most `limit` bytes), or a document: one object over several lines, an array, values one after another."""
    first = start_of_text(stream)
    if first.lstrip()[:1] == b"[":
        yield from _document(first, stream)
        return
    opening = first.lstrip().partition(b"\n")[0].strip()
    whole_line = len(opening) < len(first.strip())
    if opening.startswith(b"{") and whole_line and isinstance(parse(opening), Quarantined):
        yield from _document(first, stream)
        return
    for number, line in lines(stream, first, limit=limit):
        if line is None:
            yield number, too_long(limit)
        else:
            yield from line_values(number, line)


def _document(first: bytes, stream: Readable) -> Iterator[Row]:
    """Values of a document, each with the line on which it starts.

    A file that only began like an object over several lines is JSON Lines with a broken first line.
    """
    array = first.lstrip()[:1] == b"["
    pieces, size = [first], len(first)
    while size <= MAX_DOCUMENT and (chunk := stream.read(256 << 10)):
        pieces.append(chunk)
        size += len(chunk)
    body = b"".join(pieces)
    if array and size > MAX_DOCUMENT:
        raise Refused(f"a JSON array over {MAX_DOCUMENT >> 20} MiB: write it as JSON Lines")
    text = body.decode("utf-8", "surrogateescape")
    if not array:
        try:
            _SCAN(text, len(text) - len(text.lstrip()))
        except _FAULTS:
            for number, line in lines(stream, body):
                yield number, too_long() if line is None else parse(line)
            return
    yield from _values(text)


def _after_separators(text: str, place: int) -> int:
    found = _SEPARATOR.match(text, place)
    return found.end() if found else place


def _values(text: str) -> Iterator[Row]:
    """Values that stand one after another; the elements of an array one by one."""
    line, counted, place = 1, 0, 0
    while (place := _after_separators(text, place)) < len(text):
        if text[place] in "[]":
            place += 1
            continue
        line, counted = line + text.count("\n", counted, place), place
        try:
            value, end = _SCAN(text, place)
        except _FAULTS:
            yield (
                line,
                Quarantined("invalid JSON: the rest of the file can't be read", excerpt(text[place : place + 400])),
            )
            return
        piece = text[place:end]
        try:
            piece.encode("utf-8")
        except UnicodeEncodeError:
            yield line, Quarantined("invalid UTF-8", excerpt(piece))
        else:
            yield line, _checked(value, piece)
        place = end
