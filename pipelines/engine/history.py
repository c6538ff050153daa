"""`run --full` on Spark forgets nothing either: the lake of the ledger that it replaces is held against what was read.

The rules are those of `pipelines.intake.history`, which also compares what is small. That ledger may be of either
engine: both leave every distinct record in their lake.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from pipelines.engine import once
from pipelines.engine.ledger import SparkLedger
from pipelines.engine.place import LakePlace
from pipelines.intake.history import compare as compare_all
from pipelines.intake.history import count_kept
from pipelines.intake.intake import staging
from pipelines.storage import lake
from pipelines.storage.models import sql


def compare(run: Any) -> None:
    """Raises OutlayError listing the days whose records are in no file any more, as `pipelines.intake.history` does."""
    stage = staging(run.loaded, run.con.small, run.run_id)
    asked = run.asked
    compare_all(run.con.small, asked.accept_loss, asked.keep_missing, stage, run.intake, LakeHistory(run))


@dataclass(frozen=True)
class LakeHistory:
    """What grows with the traffic, compared by executors."""

    run: Any
    families = ("requests", "outcomes", "spans")

    def lost(self, family: str) -> list[tuple[Any, int]]:
        """UTC days and counts of the family's records that no file holds any more. A span is nobody's record."""
        if family == "spans":
            return []
        self._show(family)
        return self._ledger.execute("select cast(time as date) as day, count(*) from gone group by 1").fetchall()

    def keep(self, family: str) -> None:
        """Put them into the lake of this run, as if it had read them."""
        self._show(family)
        if family != "spans":
            told = self._ledger.execute("select source, file, count(*) from gone group by source, file").fetchall()
            count_kept(self._ledger.small, self.run.intake, told)
        place, name = self.run.spark.lake_of(self.run), f"{self.run.run_id}-kept"
        frame = self._ledger.large["gone"]
        written = frame.mapInArrow(lambda batches: _to_lake(batches, place, family, name), "file string")
        files = [(row[0], self.run.run_id) for row in self._ledger.guarded(written.collect)]
        if files:
            self._ledger.small.executemany("insert into lake_files values (?, ?)", files)

    @property
    def _ledger(self) -> SparkLedger:
        return self.run.con

    def _show(self, family: str) -> None:
        """`gone`: the family's records of the ledger to be replaced that this run has not read."""
        ledger = self._ledger
        assert ledger.replaced is not None
        files = ledger.small.execute(
            f"select file from held.lake_files where file like '{family}/%' order by file"
        ).fetchall()
        earlier = ledger.replaced.frame(ledger.spark, [file for (file,) in files], once.schema_of(family))
        if family == "spans":
            ledger.show("gone", earlier)
            return
        ledger.show(f"earlier_{family}", earlier)
        ledger.show(f"fresh_{family}", once.of_lake(self.run, family, fresh=True))
        if family == "outcomes":
            ledger.show("held_events", ledger.query(sql("engine/standing_events")))
        ledger.show("gone", ledger.written(ledger.query(sql(f"engine/gone_{family}")), "gone"))


def _to_lake(batches: Iterator[pa.RecordBatch], place: LakePlace, family: str, name: str) -> Iterator[pa.RecordBatch]:
    """Write rows where they are; answers the files."""
    with duckdb.connect(":memory:", config={"threads": 1}) as con:
        con.execute("set timezone = 'UTC'")
        con.execute(sql("storage/ledger_schema"))
        made = False
        for batch in batches:
            con.register("batch", pa.Table.from_batches([batch]))
            con.execute("insert into kept from batch" if made else "create table kept as from batch")
            con.unregister("batch")
            made = True
        if not made:
            return
        with place.writing() as folder:
            lake.add(con, folder, family, "kept", f"{name}-{os.urandom(4).hex()}")
        files = [row[0] for row in con.execute("select file from lake_files").fetchall()]
        yield pa.RecordBatch.from_arrays([pa.array(files, pa.string())], names=["file"])
