"""The connection that reads segments: Parquet files of requests, charges and units, the only files that it can reach.

A list of allowed directories would let a query write there as well. So local files are closed to this connection
altogether, and the segments come through a file system of their own, which opens files for reading and knows no other
verb: nothing that reaches DuckDB as text can write, or read beyond them.
"""

from __future__ import annotations

import atexit
import os
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from threading import local
from typing import Any

import duckdb
import streamlit as st
from fsspec import AbstractFileSystem

from pipelines.storage.models import literal

SCHEME = "segments"
_NAME = re.compile(r"(?:requests|charges|outcome_cost)/[A-Za-z0-9_-]+[.]parquet")


class Opened:
    """A file that is open for reading only. Each of DuckDB's threads, which seek and read in turns, has a place of its own."""

    def __init__(self, file: Path) -> None:
        self._handle = os.open(file, os.O_RDONLY)
        self._size = os.fstat(self._handle).st_size
        self._here = local()

    def tell(self) -> int:
        return getattr(self._here, "place", 0)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._here.place = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self.tell(), os.SEEK_END: self._size}[whence]
        return self._here.place

    def read(self, size: int = -1) -> bytes:
        place = self.tell()
        found = os.pread(self._handle, self._size if size < 0 else size, place)
        self._here.place = place + len(found)
        return found

    def close(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def __del__(self) -> None:  # DuckDB lets go of files without closing them
        if hasattr(self, "_handle"):
            self.close()


class Segments(AbstractFileSystem):
    """`segments://<table>/<file>` below a folder, to be read."""

    protocol = SCHEME
    cachable = False

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def _file(self, path: str) -> Path:
        """Raises FileNotFoundError for whatever is no segment."""
        name = path.removeprefix(f"{SCHEME}://")
        if not _NAME.fullmatch(name):
            raise FileNotFoundError(path)
        return self.folder / name

    def open(self, path: str, mode: str = "rb", **_: Any) -> Opened:  # ty: ignore[incompatible-method-override]
        """Raises PermissionError for every way of opening but reading."""
        if mode != "rb":
            raise PermissionError(f"{path} is only read")
        return Opened(self._file(path))

    def glob(self, path: str, maxdepth: int | None = None, **_: Any) -> list[str]:  # noqa: ARG002
        """The one file of this name: there are no patterns."""
        return [path] if self._file(path).is_file() else []

    def exists(self, path: str, **_: Any) -> bool:
        return bool(_NAME.fullmatch(path.removeprefix(f"{SCHEME}://"))) and self._file(path).is_file()

    def modified(self, path: str) -> datetime:
        return datetime.fromtimestamp(self._file(path).stat().st_mtime, UTC)

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        return {"name": path, "type": "file", "size": self._file(path).stat().st_size}


def named(files: Iterable[Path]) -> str:
    """Segments as a list for `read_parquet` on the connection of `reading`."""
    return f"[{', '.join(literal(f'{SCHEME}://{file.parent.name}/{file.name}') for file in files)}]"


def reading(home: str) -> duckdb.DuckDBPyConnection:
    """A cursor on the segments of a workspace, to be closed by who asks for it."""
    return _connected(home).cursor()


@st.cache_resource(max_entries=2, show_spinner=False, on_release=lambda con: con.close())
def _connected(home: str) -> duckdb.DuckDBPyConnection:
    con = duckdb.connect(
        ":memory:", config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
    )
    con.register_filesystem(Segments(Path(home) / "segments"))
    con.execute("set timezone = 'UTC'")
    con.execute("set enable_external_file_cache = false")  # it takes these files for far ones; the machine keeps them
    con.execute(f"set allowed_directories = ['{SCHEME}://']")
    con.execute("set enable_external_access = false")
    con.execute("set disabled_filesystems = 'LocalFileSystem'")
    con.execute("set lock_configuration = true")
    return con


#: a connection that holds Python's objects has to be closed before Python ends
atexit.register(_connected.clear)
