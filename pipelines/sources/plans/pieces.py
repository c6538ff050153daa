"""A log in pieces of some megabytes, each as one column of lines: what a vectorised plan reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike

from pipelines.sources.files import MAX_LINE, Readable, start_of_text

PIECE = 16 << 20
_CHUNK = 1 << 20
_BLOCK = 1 << 18
_QUOTE, _COLON, _BLANK, _NULL, _RETURN, _CLOSE = b'": n\r}'
_BEFORE_A_TEXT = np.isin(np.arange(256), list(b":,{[ "))


@dataclass(frozen=True)
class Piece:
    """Whole lines. `text` holds each with its line feed; null where it is no UTF-8 or longer than the limit."""

    first: int  #: number of its first line
    data: bytes
    ends: np.ndarray  #: one past each line feed
    text: pa.Array
    members: np.ndarray  #: of each line: members whose value is not null; -1 where counting can't tell
    strings: np.ndarray  #: of each line: members whose value is a text
    nulls: np.ndarray  #: of each line: members whose value is null

    def __len__(self) -> int:
        return len(self.ends)

    def line(self, place: int) -> bytes | None:
        """Bytes of a line without its line feed; None for one over the limit."""
        start = int(self.ends[place - 1]) if place else 0
        end = int(self.ends[place]) - 1
        return None if end - start > MAX_LINE else self.data[start:end]

    def others(self, read: ArrayLike) -> list[int]:
        """Places of the lines that are not among those numbers."""
        return np.setdiff1d(np.arange(len(self)), np.asarray(read) - self.first).tolist()

    def table(self) -> pa.Table:
        numbers = np.arange(self.first, self.first + len(self), dtype=np.int64)
        counted = {name: pa.array(getattr(self, name)) for name in ("members", "strings", "nulls")}
        return pa.table({"line": pa.array(numbers), "text": self.text, **counted})

    def sample(self) -> list[bytes]:
        """Lines from all over the piece."""
        places = range(0, len(self), max(1, len(self) // 200))
        return [line for line in map(self.line, places) if line]


#: A piece's table without a line.
NOTHING = pa.table(
    {
        "line": pa.array([], pa.int64()), "text": pa.array([], pa.string()), "members": pa.array([], pa.int32()),
        "strings": pa.array([], pa.int32()), "nulls": pa.array([], pa.int32()),
    }
)  # fmt: skip


def pieces(stream: Readable, size: int = PIECE) -> Iterator[Piece]:
    """All lines of a stream, blank ones too, never much more than `size` of them at once. May raise `Refused`."""
    first = 1
    rest = start_of_text(stream)
    ended = not rest
    while not ended:
        chunks, held, whole = [rest], len(rest), b"\n" in rest
        while held < size or not (whole or held > MAX_LINE + 1):
            chunk = stream.read(min(size, _CHUNK))
            if not chunk:
                ended = True
                break
            chunks.append(chunk)
            held += len(chunk)
            whole = whole or b"\n" in chunk
        data = b"".join(chunks)
        if ended and not data.endswith(b"\n"):
            data += b"\n"
        cut = data.rfind(b"\n") + 1
        data, rest = (data[:cut], data[cut:]) if cut else _too_long(data, stream)
        yield (piece := _piece(first, data))
        first += len(piece)


def _too_long(data: bytes, stream: Readable) -> tuple[bytes, bytes]:
    """A line that is longer than a piece, cut to one byte over the limit, and what follows it."""
    while (chunk := stream.read(_CHUNK)) and b"\n" not in chunk:
        pass
    return data[: MAX_LINE + 1] + b"\n", chunk.partition(b"\n")[2]


def _piece(first: int, data: bytes) -> Piece:
    ends = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == ord("\n")) + 1
    offsets = np.zeros(len(ends) + 1, dtype=np.int32)
    offsets[1:] = ends
    readable = np.diff(offsets) <= MAX_LINE + 1
    if not data.isascii():
        try:
            data.decode("utf-8")
        except UnicodeDecodeError:
            readable &= [_is_utf8(line) for line in data.split(b"\n")[:-1]]
    nulls = None if readable.all() else pa.py_buffer(np.packbits(readable, bitorder="little").tobytes())
    text = pa.Array.from_buffers(pa.string(), len(ends), [nulls, pa.py_buffer(offsets), pa.py_buffer(data)])
    return Piece(first, data, ends, text, *_counted(data, ends))


def _counted(data: bytes, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Members that are not null, texts and nulls of each line, for lines without a backslash.

    A quote before a colon ends a name, unless it begins a text that starts with a colon; the byte after the colon (and
    a blank) says what the value is. Lines where that can't be told apart, and lines that end in an odd way, get -1.
    """
    codes = np.frombuffer(data, dtype=np.uint8)
    keys: list[np.ndarray] = []
    values: list[np.ndarray] = []
    odd = np.zeros(len(ends), dtype=bool)
    for start in range(0, len(codes), _BLOCK):  # a block at a time, so that it stays in the processor's cache
        block = codes[start : start + _BLOCK + 4]
        inner = max(0, min(_BLOCK, len(block) - 3))
        found = np.flatnonzero((block[:inner] == _QUOTE) & (block[1 : inner + 1] == _COLON))
        value = block[found + 2]
        blank = value == _BLANK
        if blank.any():
            value = np.where(blank, block[found + 3], value)
        found += start
        unclear = found[_BEFORE_A_TEXT[codes[found - 1]]]
        odd[np.searchsorted(ends, unclear, side="right")] = True
        keys.append(found)
        values.append(value)
    key, value = np.concatenate(keys), np.concatenate(values)
    nulls = _per_line(key[value == _NULL], ends)
    strings = _per_line(key[value == _QUOTE], ends)
    members = _per_line(key, ends) - nulls
    place = np.maximum(ends - 2, 1)
    place = np.maximum(place - (codes[place] == _RETURN), 1) if len(codes) > 1 else place * 0
    odd |= (codes[place] != _CLOSE) | _BEFORE_A_TEXT[codes[place - 1]]
    members[odd] = -1
    return members, strings, nulls


def _per_line(places: np.ndarray, ends: np.ndarray) -> np.ndarray:
    return np.diff(np.searchsorted(places, ends), prepend=0).astype(np.int32)


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
