"""Files on their way from where they lie to their reader: small ones whole, many at a time; others as streams.

A gateway that writes one object a request leaves a hundred thousand of them. What costs is the call for each, so
small objects of a bucket are fetched side by side. What is held at once stays within `HELD_BYTES`.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from pipelines.intake.discover import Found
from pipelines.sources.cloud import CloudObject, failure, fetch
from pipelines.sources.files import Held, Refused, open_regular

SMALL = 1 << 20
HELD_BYTES = 32 << 20
HELD_FILES = 5_000

#: a file, its bytes where they are held, and why it can't be had
Got = tuple[Found, Held | None, str | None]


def loaded(files: Iterable[Found]) -> Iterator[Got]:
    """The files in their order, small ones with their bytes. An object that has gone since it was listed is left out.

    Raises OutlayError where a bucket fails.
    """
    group: list[Found] = []
    size = 0
    for file in files:
        group.append(file)
        size += min(file.size, SMALL)
        if size >= HELD_BYTES or len(group) >= HELD_FILES:
            yield from _got(group)
            group, size = [], 0
    yield from _got(group)


def _got(group: list[Found]) -> Iterator[Got]:
    objects = [f.path for f in group if isinstance(f.path, CloudObject) and f.size <= SMALL]
    bytes_of = dict(zip([item.key for item in objects], fetch(objects, SMALL + 1), strict=True))
    for file in group:
        place = file.path
        if isinstance(place, Path):
            yield file, _read(place) if file.size <= SMALL else None, None
        elif not isinstance(place, CloudObject) or place.key not in bytes_of:
            yield file, None, None
        else:
            found = bytes_of.pop(place.key)
            if isinstance(found, FileNotFoundError):
                continue
            if isinstance(found, Exception):
                wrong = failure(place.url, found)
                if not isinstance(wrong, Refused):
                    raise wrong
                yield file, None, str(wrong)
            else:
                # one that has grown since it was listed is read as a stream
                yield file, Held(place.name, found) if len(found) <= SMALL else None, None


def _read(path: Path) -> Held | None:
    try:
        with open_regular(path) as raw:
            data = raw.read(SMALL + 1)
            while len(data) <= SMALL and (more := raw.read(SMALL + 1 - len(data))):
                data += more
    except (Refused, OSError):
        return None  # the reader meets it again and says why
    return Held(path.name, data) if len(data) <= SMALL else None


def digest_of(found: Found, held: Held | None) -> str:
    """SHA-256 of a file's packed bytes; what stands in the way, where they can't be read."""
    if held is not None:
        return hashlib.sha256(held.data).hexdigest()
    if isinstance(found.path, CloudObject):
        return found.path.digest()
    digest = hashlib.sha256()
    try:
        handle = os.open(str(found.path), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(handle, "rb", buffering=0) as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    except OSError as error:
        return f"unreadable: {error.strerror}"
    return digest.hexdigest()
