"""What is published: complete, immutable sets of marts, and the pointer to the last of them.

    .outlay/published/current            name of the set, swapped atomically
    .outlay/published/<set>/marts.duckdb small tables, one per export but the three big ones
    .outlay/published/<set>/set.json     what the set says of itself, its segments by day and its generations in order
    .outlay/segments/<table>/…           immutable Parquet: of `requests`, `charges` and `unit_days` one file per day and
                                         change, of `outcome_cost` one per generation of units (`storage.generations`)

Readers never meet the ledger: a set is opened read-only, and the connection is closed to files, settings and other
databases before anybody's text reaches it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from pipelines.storage import generations
from pipelines.storage.ledger import hold
from pipelines.storage.models import literal
from pipelines.workspace.errors import NothingPublished, OutlayError

KEPT_SETS = 4
_NAME = re.compile(r"[A-Za-z0-9._-]+")


@dataclass(frozen=True)
class Published:
    """One published set."""

    home: Path
    name: str

    @property
    def folder(self) -> Path:
        return self.home / "published" / self.name

    @cached_property
    def meta(self) -> dict[str, Any]:
        """run_id, set_id, published_at, as_of, first_day, last_day, name, timezone, currency, rate_book, summary …"""
        return json.loads((self.folder / "set.json").read_text("utf-8"))

    @cached_property
    def recommendations(self) -> dict[str, Any]:
        """The document of `outlay recommend --json`."""
        return json.loads((self.folder / "recommendations.json").read_text("utf-8"))

    def segments(self, table: str, first: date | None = None, last: date | None = None) -> list[Path]:
        """Parquet files of `requests`, `charges` or `unit_days`, in day order, for days from `first` to `last`."""
        return [file for files in self.segments_by_day(table, first, last).values() for file in files]

    def segments_by_day(
        self, table: str, first: date | None = None, last: date | None = None
    ) -> dict[date, list[Path]]:  # fmt: skip
        """As `segments`, the files of each day together: one, and further ones of what came late to it."""
        days = {date.fromisoformat(day): names for day, names in sorted(self.meta["segments"][table].items())}
        return {
            day: [self.home / "segments" / table / name for name in _names(names)]
            for day, names in days.items()
            if (first is None or first <= day) and (last is None or day <= last)
        }

    def unit_files(self) -> list[Path] | None:
        """Parquet files of `outcome_cost`, oldest first; None for a set of an earlier version, where it is a mart."""
        names = self.meta.get("generations", {}).get(generations.TABLE)
        return None if names is None else generations.paths(self.home, names)

    def connect(
        self, preload: Mapping[str, tuple[str, Mapping[str, Any]]] | None = None, *, units: bool = False
    ) -> duckdb.DuckDBPyConnection:  # fmt: skip
        """A hardened connection to the marts.

        `preload` maps a table name to a query (with its parameters) that trusted code runs over the segments before
        the connection is locked; afterwards nothing can read or write a file, attach a database or change a setting.
        With `units`, `outcome_cost` is there too, and its files stay within reach, no others: for trusted code alone.
        """
        con = duckdb.connect(
            ":memory:", config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
        )
        con.execute("set timezone = 'UTC'")
        con.execute(f"attach {literal(str(self.folder / 'marts.duckdb'))} as marts (read_only)")
        for table, (query, parameters) in (preload or {}).items():
            con.execute(f"create table {table} as {query}", dict(parameters))
        files = self.unit_files() if units else None
        if files is not None:
            con.execute(f"create temp view {generations.TABLE} as {generations.relation(files)}")
            con.execute(f"set allowed_paths = [{', '.join(literal(str(file)) for file in files)}]")
        con.execute("use marts")
        con.execute("set enable_external_access = false")
        con.execute("set lock_configuration = true")
        return con


def current(root: Path) -> Published:
    """The last published set of a workspace. Raises NothingPublished."""
    home = root / ".outlay"
    try:
        name = (home / "published" / "current").read_text("utf-8").strip()
    except FileNotFoundError:
        raise NothingPublished from None
    if not _NAME.fullmatch(name) or not (home / "published" / name / "set.json").is_file():
        raise OutlayError(f"the published set {name!r} is not complete: outlay run")
    return Published(home, name)


def is_published(home: Path, name: str) -> bool:
    """Whether the pointer names this set."""
    try:
        return (home / "published" / "current").read_text("utf-8").strip() == name
    except FileNotFoundError:
        return False


@contextmanager
def building(home: Path, name: str) -> Generator[Path]:
    """A new set's folder; it disappears when the block fails."""
    folder = home / "published" / name
    folder.mkdir(parents=True)
    try:
        yield folder
        _sync(folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def write_marts(folder: Path, tables: Mapping[str, pa.Table]) -> None:
    """All marts of a set in one DuckDB file."""
    con = duckdb.connect(str(folder / "marts.duckdb"))
    try:
        hold(con, 0.5)
        con.execute("set timezone = 'UTC'")
        for name, table in tables.items():
            con.register("mart", table)
            con.execute(f"create table {name} as from mart")
            con.unregister("mart")
        con.execute("checkpoint")
    finally:
        con.close()


def point_to(home: Path, name: str) -> None:
    """Make `name` the published set, in one step that a reader sees wholly or not at all."""
    pointer = home / "published" / "current"
    fresh = pointer.with_name(f"current.{os.getpid()}")
    with open(fresh, "w", encoding="utf-8") as file:
        file.write(name + "\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, pointer)
    _sync(pointer.parent)


def sweep(home: Path, keep: Iterable[str]) -> None:
    """Delete sets that are neither named in `keep` nor among the last few, and segments that no kept set names."""
    root = home / "published"
    if not root.is_dir():
        return
    sets = sorted((p for p in root.iterdir() if p.is_dir()), key=lambda p: p.name)
    complete = [p for p in sets if (p / "set.json").is_file()]
    kept = {p.name for p in complete[-KEPT_SETS:]} | set(keep)
    for folder in sets:
        if folder.name not in kept:
            shutil.rmtree(folder, ignore_errors=True)
    named = [Published(home, name) for name in kept if (root / name / "set.json").is_file()]
    used = {
        (table, file)
        for p in named
        for table, days in p.meta["segments"].items()
        for names in days.values()
        for file in _names(names)
    } | {(file.parent.name, file.name) for p in named for file in p.unit_files() or ()}
    for file in (home / "segments").glob("*/*.parquet"):
        if (file.parent.name, file.name) not in used:
            file.unlink(missing_ok=True)


def parquet(files: Iterable[Path]) -> str:
    """What SQL reads from some Parquet files, one at least, as one table."""
    return f"read_parquet([{', '.join(literal(str(file)) for file in files)}])"


def _names(files: str | list[str]) -> list[str]:
    """Sets of earlier versions name one file for a day."""
    return [files] if isinstance(files, str) else files


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
