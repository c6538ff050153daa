"""The run's own folder: Parquet that Spark writes between two stages, and what the next run goes on with.

Spark reads and writes it with its own file systems: a mounted path, or any URL that the cluster's Spark knows (`hdfs://`,
`s3a://`, `abfss://` …). The driver lists, fetches and deletes through the same ones.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@dataclass(frozen=True)
class Work:
    """One folder. `url`: an absolute path, or a URL that Spark knows."""

    spark: SparkSession
    url: str

    def at(self, *names: str) -> str:
        """A place below the folder, as Spark names it."""
        return "/".join((self.url, *names))

    def below(self, name: str) -> Work:
        return Work(self.spark, self.at(name))

    def above(self) -> Work:
        return Work(self.spark, self.url.rpartition("/")[0])

    def files(self) -> list[str]:
        """The Parquet files below the folder, in order."""
        if self._folder is not None:
            return sorted(str(file) for file in self._folder.rglob("*.parquet"))
        files, path = self._hadoop()
        if not files.exists(path):
            return []
        found, listed = [], files.listFiles(path, True)
        while listed.hasNext():
            found.append(listed.next().getPath().toString())
        return sorted(file for file in found if file.endswith(".parquet"))

    def folders(self) -> list[str]:
        """The names of the folders that lie in it."""
        if self._folder is not None:
            return sorted(child.name for child in self._folder.iterdir()) if self._folder.is_dir() else []
        files, path = self._hadoop()
        return sorted(s.getPath().getName() for s in files.listStatus(path)) if files.exists(path) else []

    def fetch(self, file: str, to: Path) -> None:
        """Bring one of its files to a path of the driver's; it may be gone from here."""
        if self._folder is not None:
            shutil.move(file, to)
            return
        files, source = self._hadoop(file)
        fresh = to.with_name(f"{to.name}.fetched")
        files.copyToLocalFile(False, source, self._path(str(fresh)), True)
        os.replace(fresh, to)

    @contextmanager
    def local(self, scratch: Path) -> Generator[list[Path]]:
        """All its files as the driver can read them, for as long as the block lasts."""
        if self._folder is not None:
            yield [Path(file) for file in self.files()]
            return
        scratch.mkdir(parents=True, exist_ok=True)
        held = []
        for number, file in enumerate(self.files()):
            held.append(scratch / f"{number:05}.parquet")
            self.fetch(file, held[-1])
        yield held
        shutil.rmtree(scratch, ignore_errors=True)

    def remove(self) -> None:
        """Delete the folder and all that lies in it."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            return
        files, path = self._hadoop()
        files.delete(path, True)

    @property
    def _folder(self) -> Path | None:
        return None if "://" in self.url else Path(self.url)

    def _path(self, url: str) -> Any:
        java: Any = self.spark._jvm
        return java.org.apache.hadoop.fs.Path(url)

    def _hadoop(self, url: str | None = None) -> tuple[Any, Any]:
        """Spark's file system of the folder or of a file of it, and its path there."""
        path, context = self._path(url or self.url), self.spark._jsc
        assert context is not None
        return path.getFileSystem(context.hadoopConfiguration()), path
