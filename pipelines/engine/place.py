"""Where the lake of a Spark run lies: a folder that every executor has mounted, or a bucket that each reaches by fsspec.

In a bucket it needs no connector of Spark's: executors write and read its Parquet themselves. Credentials come from
each process's environment, as for sources in buckets.
"""

from __future__ import annotations

import posixpath
import shutil
import tempfile
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.sources.cloud import CLIENTS, filesystem, masked, told
from pipelines.workspace.errors import OutlayError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

#: Rows that a task holds at once while it reads a file.
_ROWS = 40_960
#: Files of the lake that one task reads at least, where there are many.
_FILES = 8


def mounted(url: str) -> Path | None:
    """The folder that a plain path or a `file://` URL names; None for any other URL."""
    if "://" not in url:
        return Path(url)
    parts = urlsplit(url)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


@dataclass(frozen=True)
class LakePlace:
    """The folder of one lake; names of files are relative to it. Handed to executors as it is."""

    url: str

    @property
    def folder(self) -> Path | None:
        return mounted(self.url)

    @contextmanager
    def writing(self) -> Generator[Path]:
        """A folder whose files belong to the lake when the block ends."""
        if self.folder is not None:
            yield self.folder
            return
        with tempfile.TemporaryDirectory(prefix="outlay-lake-") as name:
            yield Path(name)
            self._upload(Path(name))

    def _upload(self, folder: Path) -> None:
        fs, root = self._client()
        for file in sorted(folder.rglob("*.parquet")):
            name = file.relative_to(folder).as_posix()
            with told(f"{self.url}/{name}"):
                fs.put_file(str(file), f"{root}/{name}")

    def frame(self, spark: SparkSession, names: Iterable[str], schema: Any) -> DataFrame:
        """The rows of these files, read by executors."""
        listed = list(names)
        if not listed:
            return spark.createDataFrame([], schema)
        if self.folder is not None:
            return spark.read.schema(schema).parquet(*(str(self.folder / name) for name in listed))
        from pyspark.sql.pandas.types import to_arrow_schema

        wanted = to_arrow_schema(schema, timezone="UTC")
        tasks = min(len(listed), max(spark.sparkContext.defaultParallelism * 4, len(listed) // _FILES))
        spread = spark.createDataFrame(
            spark.sparkContext.parallelize([(name,) for name in listed], tasks), "file string"
        )

        def rows(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for batch in batches:
                for name in batch.column(0).to_pylist():
                    yield from self._rows(name, wanted)

        return spread.mapInArrow(rows, schema)

    def _rows(self, name: str, wanted: pa.Schema) -> Iterator[pa.RecordBatch]:
        with self.opened(name) as stream, pq.ParquetFile(stream) as file:
            for batch in file.iter_batches(_ROWS, columns=wanted.names):
                yield from pa.Table.from_batches([batch]).select(wanted.names).cast(wanted).to_batches()

    @contextmanager
    def opened(self, name: str) -> Generator[Any]:
        """One of its files, for reading."""
        if self.folder is not None:
            with (self.folder / name).open("rb") as stream:
                yield stream
            return
        fs, root = self._client()
        with told(f"{self.url}/{name}"), fs.open(f"{root}/{name}", "rb") as stream:
            yield stream

    def names(self) -> list[str]:
        """Every file that lies there, whether it belongs to the lake or not."""
        if self.folder is not None:
            return [str(file.relative_to(self.folder)) for file in self.folder.glob("*/utc_day=*/*.parquet")]
        fs, root = self._client()
        with told(self.url):
            try:
                found = fs.find(root)
            except FileNotFoundError:
                return []
        return [posixpath.relpath(file, root) for file in found if file.endswith(".parquet")]

    def remove(self, names: Iterable[str]) -> None:
        """Delete some of its files."""
        for name in names:
            if self.folder is not None:
                (self.folder / name).unlink(missing_ok=True)
                continue
            fs, root = self._client()
            with told(f"{self.url}/{name}"):
                fs.rm_file(f"{root}/{name}")

    def clear(self) -> None:
        """Delete the whole lake."""
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
        else:
            self.remove(self.names())

    def _client(self) -> tuple[Any, str]:
        """The client of the URL's scheme, and its root as that client names it. Raises OutlayError."""
        scheme = self.url.partition("://")[0]
        if scheme in CLIENTS:
            fs = filesystem(scheme)
        else:
            try:
                import fsspec

                fs = fsspec.filesystem(scheme)
            except Exception as error:  # an unknown scheme, its package missing, or whatever its client says
                raise OutlayError(f"engine.lake: {scheme}:// can't be opened: {masked(str(error))}") from None
        return fs, fs._strip_protocol(self.url)
