"""Finding the files that the sources name, and refusing what must not be opened.

A pattern also matches its names plus `.gz` or `.zst`; `**` crosses folders; links are never followed.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pipelines.workspace.load import Loaded
from pipelines.workspace.model import Source

_WILD = re.compile(r"[*?\[]")


@dataclass(frozen=True)
class Found:
    """One file that a source's pattern matches; `refused` says why it may not be opened."""

    source: Source
    name: str  #: relative to the workspace (absolute where the pattern is)
    path: Path
    size: int
    stat: str  #: changes whenever the file's content may have changed
    refused: str | None = None


def discover(loaded: Loaded) -> list[Found]:
    """Every match of every source, ordered by source and name."""
    found: list[Found] = []
    for source in loaded.config.sources:
        found.extend(sorted(_matches(loaded.root, source), key=lambda f: f.name))
    return found


def _matches(root: Path, source: Source) -> Iterator[Found]:
    parts = PurePosixPath(source.path).parts
    fixed = next((i for i, part in enumerate(parts) if _WILD.search(part)), len(parts) - 1)
    base = root.joinpath(*parts[:fixed])
    wild = [_component(part) for part in parts[fixed:]]
    link = _link_on_the_way(root, base)
    if link is not None:
        yield _refused(root, source, link, "symlink")
        return
    seen: set[str] = set()
    for path, reason in _walk(base, wild):
        if path.as_posix() not in seen:
            seen.add(path.as_posix())
            yield _refused(root, source, path, reason) if reason else _examined(root, source, path)


def _component(part: str) -> re.Pattern[str] | None:
    """A compiled path component; None is `**`."""
    if part == "**":
        return None
    out, i = "", 0
    while i < len(part):
        char = part[i]
        close = part.find("]", i + 2) if char == "[" else -1
        if char == "*":
            out += "[^/]*"
        elif char == "?":
            out += "[^/]"
        elif close > 0:
            inner = part[i + 1 : close].replace("\\", "\\\\")
            out += "[" + ("^" + inner[1:] if inner[0] in "!^" else inner) + "]"
            i = close
        else:
            out += re.escape(char)
        i += 1
    return re.compile(out)


def _walk(folder: Path, wild: list[re.Pattern[str] | None]) -> Iterator[tuple[Path, str | None]]:
    try:
        entries = sorted(os.scandir(folder), key=lambda e: e.name)
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        yield folder, f"cannot be listed: {error.strerror}"
        return
    head = wild[0]
    rest: list[re.Pattern[str] | None] = wild[1:] or [re.compile("[^/]*")]
    for entry in entries:
        hidden = entry.name.startswith(".")
        if head is None:
            if entry.is_dir(follow_symlinks=False) and not hidden:
                yield from _walk(Path(entry.path), wild)
            yield from _entry(entry, rest, hidden)
        else:
            yield from _entry(entry, wild, hidden)


def _entry(
    entry: os.DirEntry[str], wild: list[re.Pattern[str] | None], hidden: bool
) -> Iterator[tuple[Path, str | None]]:
    """`entry` against the first of `wild`, descending with the others."""
    head, rest = wild[0], wild[1:]
    if head is None:
        return
    if hidden and not head.pattern.startswith("\\."):
        return
    names = [entry.name]
    if not rest:
        names += [entry.name.removesuffix(end) for end in (".gz", ".zst") if entry.name.endswith(end)]
    if not any(head.fullmatch(name) for name in names):
        return
    path = Path(entry.path)
    if entry.is_symlink():
        yield path, "symlink"
    elif rest:
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(path, rest)
    elif not entry.is_dir(follow_symlinks=False):
        yield path, None


def _link_on_the_way(root: Path, base: Path) -> Path | None:
    """The first symlink between the workspace folder and the pattern's fixed prefix."""
    if not base.is_relative_to(root):
        return None
    at = root
    for part in base.relative_to(root).parts:
        at = at / part
        if at.is_symlink():
            return at
    return None


def _name(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()


def _refused(root: Path, source: Source, path: Path, reason: str) -> Found:
    return Found(source, _name(root, path), path, 0, f"refused:{reason}", reason)


def _examined(root: Path, source: Source, path: Path) -> Found:
    try:
        info = os.lstat(path)
    except OSError as error:
        return _refused(root, source, path, f"cannot be read: {error.strerror}")
    if not stat.S_ISREG(info.st_mode):
        return _refused(root, source, path, "not a regular file (FIFO, socket or device)")
    signs = f"{info.st_size}:{info.st_mtime_ns}:{info.st_ctime_ns}:{info.st_ino}"
    return Found(source, _name(root, path), path, info.st_size, signs)
