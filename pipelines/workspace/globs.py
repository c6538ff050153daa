"""Patterns that name the log files of a folder: as few as possible, and no file under two of them.

Only `*` and `?` within a path component are used; a pattern also matches its names plus `.gz` or `.zst`, as
everywhere in Outlay.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile
from pathlib import PurePosixPath

from pipelines.sources.files import plain_name
from pipelines.sources.quarantine import SECRET

_DIGITS = re.compile(r"\d+")
_SPECIAL = re.compile(r"[*?\[\]]")
#: More folders than this with the same kind of file are a partition (a folder a request, a folder a day), not sources.
MANY = 12
#: A name that may be a person's or a key is not written down; a star stands in its place.
_PRIVATE = re.compile(r"@|%40")


@dataclass(frozen=True, slots=True)
class Group:
    """Files of one kind under one pattern, both relative to the folder that was looked through."""

    kind: str
    pattern: str
    files: tuple[PurePosixPath, ...]


def patterns(kinds: Mapping[PurePosixPath, str | None]) -> list[Group]:
    """A pattern for every file that has a kind. Files without one are kept out of the patterns where names allow it."""
    alike: dict[tuple[str, int, str], dict[str, list[PurePosixPath]]] = defaultdict(lambda: defaultdict(list))
    for file, kind in sorted(kinds.items()):
        if kind is not None:
            alike[kind, len(file.parts), _suffix(file)][mask(file.parent.as_posix())].append(file)
    found: list[Group] = []
    for (kind, _, _), folders in sorted(alike.items()):
        everywhere = [file for files in folders.values() for file in files]
        one = _one_pattern(kind, everywhere, kinds) if len(folders) > MANY else None
        for files in [] if one else folders.values():
            found += _named(kind, files, kinds)
        found += [one] if one else []
    return sorted(found, key=lambda group: group.pattern)


def mask(text: str) -> str:
    """A name with its numbers gone: files of one series share it."""
    return _DIGITS.sub("#", text)


def private(name: str) -> bool:
    """Whether a path component may name a person or hold a secret."""
    return bool(_PRIVATE.search(name) or SECRET.search(name))


def literal(path: PurePosixPath) -> str:
    """A path as a pattern that matches it."""
    return "/".join("*" if private(part) else _SPECIAL.sub("?", part) for part in path.parts)


def _named(kind: str, files: list[PurePosixPath], kinds: Mapping[PurePosixPath, str | None]) -> list[Group]:
    """The files under one pattern, else under one a series of names, else each by its own name."""
    one = _one_pattern(kind, files, kinds)
    if one is not None:
        return [one]
    series: dict[str, list[PurePosixPath]] = defaultdict(list)
    for file in files:
        series[mask(_stem(file))].append(file)
    found: list[Group] = []
    for same in series.values():
        one = _one_pattern(kind, same, kinds) if len(series) > 1 else None
        if one is not None:
            found.append(one)
            continue
        for file in same:
            exact = _one_pattern(kind, [file], kinds)
            if exact is not None:
                found.append(exact)
    return found


def _one_pattern(kind: str, files: list[PurePosixPath], kinds: Mapping[PurePosixPath, str | None]) -> Group | None:
    """The widest pattern that matches these files, none of another group, and no stranger."""
    inside = set(files)
    series = {mask(_stem(file)) for file in files}
    folder = _folder(files)
    for name in _names(files):
        pattern = f"{folder}/{name}" if folder else name
        matched = {file for file in kinds if matches(pattern, file)}
        strangers = matched - inside
        # An unknown file of the same series is one that is broken today, not another kind of log.
        if inside <= matched and all(kinds[s] is None and mask(_stem(s)) in series for s in strangers):
            return Group(kind, pattern, tuple(files))
    return None


def _folder(files: Iterable[PurePosixPath]) -> str:
    columns = zip(*(file.parent.parts for file in files), strict=True)
    return "/".join(literal(PurePosixPath(column[0])) if len(set(column)) == 1 else "*" for column in columns)


def _names(files: list[PurePosixPath]) -> Iterable[str]:
    suffix = _suffix(files[0])
    stems = sorted(_stem(file) for file in files)
    prefix = _beginning(stems[0], stems[-1])
    yield f"*{suffix}"
    if prefix and not private(prefix):
        yield f"{_SPECIAL.sub('?', prefix)}*{suffix}"
    if len({mask(stem) for stem in stems}) == 1:
        yield _SPECIAL.sub("?", mask(stems[0])).replace("#", "*") + suffix
    if len(files) == 1:
        yield literal(PurePosixPath(plain_name(files[0].name)))
        yield literal(PurePosixPath(files[0].name))


def _beginning(one: str, other: str) -> str:
    """What two names begin with in common; of a sorted list, what all of them do."""
    same = takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    return "".join(char for char, _ in same)


def _suffix(file: PurePosixPath) -> str:
    return _SPECIAL.sub("?", PurePosixPath(plain_name(file.name)).suffix)


def _stem(file: PurePosixPath) -> str:
    return PurePosixPath(plain_name(file.name)).stem


def matches(pattern: str, file: PurePosixPath) -> bool:
    """Whether a source of this pattern would take the file."""
    return any(
        _compiled(pattern).fullmatch(file.with_name(name).as_posix()) for name in (file.name, plain_name(file.name))
    )


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile("".join({"*": "[^/]*", "?": "[^/]"}.get(char, re.escape(char)) for char in pattern), re.DOTALL)
