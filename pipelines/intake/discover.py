"""Finding the files that the sources name, and refusing what must not be opened.

A source's path is a local pattern or one over the keys of a bucket (`s3://…`); both mean the same (`paths`). Links
are never followed.
"""

from __future__ import annotations

import os
import re
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pipelines.intake.objects import listed
from pipelines.intake.paths import PACKED, Pattern, spells_dot
from pipelines.intake.window import Window
from pipelines.sources.cloud import is_cloud
from pipelines.sources.files import Place
from pipelines.workspace.load import Loaded
from pipelines.workspace.logs import Source


@dataclass(frozen=True, slots=True)
class Found:
    """One file or object that a source's pattern matches; `refused` says why it may not be opened."""

    source: Source
    name: str  #: relative to the workspace (absolute where the pattern is), or the object's whole URL
    path: Place
    size: int
    stat: str  #: changes whenever the file's content may have changed
    refused: str | None = None

    @property
    def below(self) -> str:
        """The name without the folders (and the bucket) that the pattern spells out."""
        scheme, mark, rest = self.source.path.partition("://")
        fixed = "/".join(Pattern.of(PurePosixPath(rest if mark else scheme).parts).fixed)
        return self.name.removeprefix(f"{scheme}://" if mark else "").removeprefix(f"{fixed}/")


def discover(loaded: Loaded, window: Window | None = None, left: Counter[str] | None = None) -> list[Found]:
    """Every match of every source, ordered by source and name.

    Date folders of a bucket that lie outside `window` are not listed, see `objects`; `left` counts them by source.
    Raises OutlayError naming the source where a bucket can't be listed.
    """
    return [found for source in loaded.config.sources for found in of_source(loaded, source, window, left)]


def of_source(
    loaded: Loaded, source: Source, window: Window | None = None, left: Counter[str] | None = None
) -> list[Found]:
    """Like `discover`, for one source."""
    if is_cloud(source.path):
        matches = _objects(source, window or Window(), left)
    else:
        matches = _matches(loaded.root, source)
    return sorted(matches, key=lambda f: f.name)


def _objects(source: Source, window: Window, left: Counter[str] | None) -> Iterator[Found]:
    listing = listed(source, window)
    for item in listing.objects:
        yield Found(source, item.url, item, item.size, item.signs, item.refused)
    if left is not None and listing.left:
        left[source.name] += listing.left


def _matches(root: Path, source: Source) -> Iterator[Found]:
    pattern = Pattern.of(PurePosixPath(source.path).parts)
    base = root.joinpath(*pattern.fixed)
    link = _link_on_the_way(root, base)
    if link is not None:
        yield _refused(root, source, link, "symlink")
        return
    seen: set[str] = set()
    for entry, reason in _walk(base, pattern.components):
        path = entry if isinstance(entry, Path) else Path(entry.path)
        if str(path) not in seen:
            seen.add(str(path))
            yield _refused(root, source, path, reason) if reason else _examined(root, source, path)


def _walk(folder: Path, wild: list[re.Pattern[str] | None]) -> Iterator[tuple[os.DirEntry[str] | Path, str | None]]:
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
) -> Iterator[tuple[os.DirEntry[str] | Path, str | None]]:
    """`entry` against the first of `wild`, descending with the others."""
    head, rest = wild[0], wild[1:]
    if head is None or (hidden and not spells_dot(head)):
        return
    names = [entry.name]
    if not rest:
        names += [entry.name.removesuffix(end) for end in PACKED if entry.name.endswith(end)]
    if not any(head.fullmatch(name) for name in names):
        return
    if entry.is_symlink():
        yield entry, "symlink"
    elif rest:
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path), rest)
    elif not entry.is_dir(follow_symlinks=False):
        yield entry, None


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
