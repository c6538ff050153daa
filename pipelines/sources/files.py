"""Opening one input file: plain, gzip or zstd, as a stream of lines with bounds on everything.

`open_bytes` and `lines` raise `Refused` when the file as a whole can't be trusted: not a regular file, UTF-16
or binary, a compressed stream that is truncated, fails its checksum or unpacks to far more than it holds.
Whether a gzip file is intact is known only at its end, so `Refused` can come **after** lines were yielded:
the caller must discard everything it took from that file.
"""

from __future__ import annotations

import io
import os
import stat
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Protocol

import zstandard

MAX_LINE = 1 << 20
MAX_BYTES_OUT = 64 << 30
#: Logs shrink to a twentieth, a bomb to a thousandth; small files may be as repetitive as they like.
MAX_RATIO = 200
RATIO_FREE = 8 << 20
_CHUNK = 256 << 10
_GZIP_FEED = 16 << 10
#: One kilobyte of zstd can hold 32 MB of repeated bytes: feed it little at a time.
_ZSTD_FEED = 1 << 10
_ZSTD_WINDOW = 128 << 20


class Refused(Exception):
    """Nothing of this file may be stored; the text is the reason shown in the quarantine."""


class Readable(Protocol):
    """What lines are read from."""

    def read(self, size: int = -1, /) -> bytes: ...


class Openable(Protocol):
    """A file that lies elsewhere than on a local disk: an object of a bucket, or bytes in memory."""

    @property
    def name(self) -> str:
        """The last part of its name, with the ending that says how it is packed."""
        ...

    def opened(self) -> IO[bytes]: ...


#: Where a file's bytes are.
Place = Path | Openable


@dataclass(frozen=True, slots=True)
class Held:
    """A file whose bytes are in memory: a small one that was fetched or read together with others."""

    name: str
    data: bytes

    def opened(self) -> IO[bytes]:
        return io.BytesIO(self.data)


class _Counted:
    """A raw file that knows how much was read from it, and tells who wants to know."""

    def __init__(self, raw: IO[bytes], seen: Callable[[int], None] | None) -> None:
        self._raw = raw
        self._seen = seen
        self.taken = 0

    def read(self, size: int = -1, /) -> bytes:
        chunk = self._raw.read(size)
        self.taken += len(chunk)
        if self._seen is not None:
            self._seen(len(chunk))
        return chunk


class _Unpacked:
    """A decompressed stream that stops a bomb and turns every fault of the stream into `Refused`."""

    def __init__(self, chunks: Iterator[bytes], source: _Counted, kind: str) -> None:
        self._chunks = chunks
        self._source = source
        self._kind = kind
        self._rest = b""
        self._out = 0

    def read(self, size: int = -1, /) -> bytes:
        while size < 0 or not self._rest:
            try:
                chunk = next(self._chunks, b"")
            except (EOFError, zlib.error, zstandard.ZstdError) as fault:
                raise Refused(f"{self._kind}: truncated or damaged") from fault
            if not chunk:
                break
            self._out += len(chunk)
            if self._out > RATIO_FREE and self._out > MAX_RATIO * max(self._source.taken, 1):
                raise Refused(f"{self._kind}: unpacks to more than {MAX_RATIO} times its size")
            if self._out > MAX_BYTES_OUT:
                raise Refused(f"{self._kind}: unpacks to more than {MAX_BYTES_OUT >> 30} GiB")
            self._rest += chunk
        taken, self._rest = (self._rest, b"") if size < 0 else (self._rest[:size], self._rest[size:])
        return taken


def _gzip_chunks(source: _Counted) -> Iterator[bytes]:
    """Members of a gzip file one after another; zlib checks length and CRC of each. Zeros may follow."""
    feed = source.read(_GZIP_FEED)
    member = zlib.decompressobj(wbits=31)
    started = False
    while feed:
        started = True
        chunk = member.decompress(feed, _CHUNK)
        if chunk:
            yield chunk
        if member.eof:
            feed = member.unused_data.lstrip(b"\0")
            while not feed and (more := source.read(_GZIP_FEED)):
                feed = more.lstrip(b"\0")
            member, started = zlib.decompressobj(wbits=31), False
        else:
            feed = member.unconsumed_tail or source.read(_GZIP_FEED)
    if started or not source.taken:
        raise EOFError


def _zstd_chunks(source: _Counted) -> Iterator[bytes]:
    """Frames of a zstd file one after another; zstd checks the checksum of those that have one."""
    feed = source.read(_ZSTD_FEED)
    frame = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj()
    started = False
    while feed:
        started = True
        chunk = frame.decompress(feed)
        if chunk:
            yield chunk
        if frame.eof:
            feed = frame.unused_data or source.read(_ZSTD_FEED)
            frame, started = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj(), False
        else:
            feed = source.read(_ZSTD_FEED)
    if started or not source.taken:
        raise EOFError


@contextmanager
def open_regular(path: Place) -> Generator[IO[bytes]]:
    """A regular file, without following a link or waiting for a pipe; what lies elsewhere opens itself."""
    if not isinstance(path, Path):
        with path.opened() as raw:
            yield raw
        return
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as fault:
        raise Refused(f"can't be opened: {fault.strerror}") from fault
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise Refused("not a regular file")
    with os.fdopen(descriptor, "rb", buffering=0) as raw:
        yield raw


@contextmanager
def open_bytes(path: Place, seen: Callable[[int], None] | None = None) -> Generator[Readable]:
    """The unpacked bytes of a regular file; `seen` is told of every piece of packed bytes that is read."""
    with open_regular(path) as raw:
        magic = raw.read(4)
        raw.seek(0)
        packed = _Counted(raw, seen)
        ending = PurePosixPath(path.name).suffix
        if magic[:2] == b"\x1f\x8b" or ending == ".gz":
            yield _Unpacked(_gzip_chunks(packed), packed, "gzip")
        elif magic == b"\x28\xb5\x2f\xfd" or ending == ".zst":
            yield _Unpacked(_zstd_chunks(packed), packed, "zstd")
        else:
            yield packed


def plain_name(name: str) -> str:
    """A file's name without the ending that only says how it is packed."""
    return name.removesuffix(".gz").removesuffix(".zst")


def start_of_text(stream: Readable) -> bytes:
    """The first chunk, its UTF-8 mark gone. Raises `Refused` for UTF-16 and length-prefixed binary."""
    chunk = stream.read(_CHUNK)
    while chunk and len(chunk) < 4 and (more := stream.read(_CHUNK)):
        chunk += more
    if chunk.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Refused("UTF-16: expected UTF-8")
    head = chunk[:4]
    if len(head) == 4 and b"\0" in head and head != b"\0\0\0\0":
        utf16 = head[0] == 0 < head[1] or head[1] == 0 < head[0]
        raise Refused("UTF-16: expected UTF-8" if utf16 else "binary: expected UTF-8 text")
    return chunk.removeprefix(b"\xef\xbb\xbf")


def lines(
    stream: Readable, first: bytes | None = None, *, blank: bool = False, limit: int = MAX_LINE
) -> Iterator[tuple[int, bytes | None]]:
    """Number and bytes of each line (blank ones if asked for); None for one over `limit`, never held whole."""
    number = 0
    rest = b""
    skipping = False
    chunk = start_of_text(stream) if first is None else first
    while chunk:
        pieces = chunk.split(b"\n")
        last = pieces.pop()
        if pieces:
            pieces[0] = rest + pieces[0]
            rest = b""
            for piece in pieces:
                number += 1
                if skipping:
                    skipping = False
                    yield number, None
                elif len(piece) > limit:
                    yield number, None
                elif blank or (piece and not piece.isspace()):
                    yield number, piece
        if not skipping:
            rest += last
            if len(rest) > limit:
                skipping, rest = True, b""
        chunk = stream.read(_CHUNK)
    if skipping:
        yield number + 1, None
    elif rest and not rest.isspace():
        yield number + 1, rest
