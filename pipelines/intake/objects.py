"""The objects of a bucket that a source's pattern matches, known by what their listing says: key, size and ETag.

**Which date folders are left out.** Only `run --from/--to` leaves any out. Without it every key under the pattern's
fixed prefix is listed, old date folders too, so that an object that comes late under an old date is found; what was
read before is known by its ETag and is not read again, so that an old folder costs its share of a listing (a call per
thousand keys) and nothing else. With `--from/--to`, a folder whose name says a period that ends more than a day before
the window, or begins more than a day after it, is neither listed nor read: the day on each side is for writers that
cut their folders in another zone than `reporting.timezone`. Its records lie outside the window like all records
outside it: a later run without the window takes them. An object that holds records of the window under a date more
than a day away is found by that later run too. Folders say dates as `prefixes.said` explains.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from pipelines.intake.paths import Pattern, spells_dot
from pipelines.intake.prefixes import Period, said
from pipelines.intake.window import Window
from pipelines.sources.cloud import CloudObject, filesystem, split, told
from pipelines.workspace.errors import OutlayError
from pipelines.workspace.logs import Source

MARGIN = timedelta(days=1)
#: A folder with more folders than this, none of them a date, is listed as one.
_MANY = 200


@dataclass
class Listing:
    """What a pattern matches; `left` counts the date folders that a window left out."""

    objects: list[CloudObject] = field(default_factory=list)
    left: int = 0


def listed(source: Source, window: Window) -> Listing:
    """Every object of a source. Raises OutlayError naming the source where the bucket can't be listed."""
    scheme, bucket, key = split(source.path)
    why = None
    try:
        with told(source.path):
            return _Lister(filesystem(scheme), scheme, bucket, Pattern.of(key.split("/")), window).listing()
    except OutlayError as error:
        why = str(error)
    raise OutlayError(f"source {source.name}: {why}")


class _Lister:
    def __init__(self, fs: Any, scheme: str, bucket: str, pattern: Pattern, window: Window) -> None:
        self._fs, self._scheme, self._bucket, self._pattern = fs, scheme, bucket, pattern
        self._below = pattern.below()
        self._first = window.first and window.first - MARGIN
        self._last = window.last and window.last + MARGIN
        self._result = Listing()

    def listing(self) -> Listing:
        fixed = list(self._pattern.fixed)
        if self._first is None and self._last is None:
            self._take(self._all(fixed, self._pattern.stem))
        else:
            self._descend(fixed)
        return self._result

    def _folder(self, folders: list[str]) -> str:
        return "/".join((self._bucket, *folders))

    def _all(self, folders: list[str], stem: str = "") -> Iterator[dict[str, Any]]:
        """Everything below a folder whose next name begins with `stem`; nothing where there is no such folder."""
        named = {"prefix": stem} if stem and "prefix" in inspect.signature(_plain(self._fs)).parameters else {}
        try:
            found = self._fs.find(self._folder(folders), detail=True, **named)
        except FileNotFoundError:
            self._bucket_exists()
            return
        if not found:
            self._bucket_exists()
        while found:
            yield found.popitem()[1]

    def _bucket_exists(self) -> None:
        """A bucket that is not there is an error, a prefix without objects is not."""
        if not self._fs.exists(self._bucket):
            raise FileNotFoundError(f"bucket {self._bucket}")

    def _take(self, entries: Iterator[dict[str, Any]]) -> None:
        skip = len("/".join((self._bucket, *self._pattern.fixed, "")))
        for entry in entries:
            key = entry["name"].lstrip("/")
            if entry.get("type") == "directory" or key.endswith("/") or not self._below.fullmatch(key, skip):
                continue
            size = int(entry.get("size") or 0)
            climbs = "climbs with '..'" if ".." in key.split("/") else None
            self._result.objects.append(
                CloudObject(self._fs, key, f"{self._scheme}://{key}", size, f"{size}:{_version(entry)}", climbs)
            )

    def _descend(self, folders: list[str]) -> None:
        """Folder by folder, as long as a folder further down can say a date."""
        try:
            entries = self._fs.ls(self._folder(folders), detail=True)
        except FileNotFoundError:
            self._bucket_exists()
            return
        names = sorted(e["name"].rstrip("/").rpartition("/")[2] for e in entries if e.get("type") == "directory")
        names = [name for name in names if name and self._leads_on(folders, name)]
        periods = said(folders, names)
        if len(names) > _MANY and not any(periods):
            self._take(self._all(folders))
            return
        self._take(iter([e for e in entries if e.get("type") != "directory"]))
        for name, period in zip(names, periods, strict=True):
            if period is not None and self._outside(period):
                self._result.left += 1
            elif period is not None and period.first == period.last:
                self._take(self._all([*folders, name]))
            else:
                self._descend([*folders, name])

    def _outside(self, period: Period) -> bool:
        before = self._first is not None and period.last < self._first
        return before or (self._last is not None and period.first > self._last)

    def _leads_on(self, folders: list[str], name: str) -> bool:
        """Whether objects in this folder can match: by its own component of the pattern, up to the first `**`."""
        depth = len(folders) - len(self._pattern.fixed)
        parts = self._pattern.components
        if None in parts[: depth + 1]:
            return not name.startswith(".")
        part = parts[depth] if depth < len(parts) - 1 else None
        return part is not None and part.fullmatch(name) is not None and (name[0] != "." or spells_dot(part))


def _plain(fs: Any) -> Any:
    """The function that says which arguments `find` takes."""
    return getattr(fs, "_find", None) or fs.find


def _version(entry: dict[str, Any]) -> str:
    """What a store says of an object's content: its ETag, else its generation, hash or time."""
    for name in (
        "ETag",
        "etag",
        "generation",
        "md5Hash",
        "content_md5",
        "LastModified",
        "last_modified",
        "mtime",
        "created",
    ):
        if entry.get(name):
            return re.sub(r"\s+", " ", str(entry[name])).strip('"')
    return "unknown"
