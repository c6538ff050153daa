"""The tables of a Spark run: large ones as frames over Parquet, small ones in the driver's DuckDB, shipped where a query
names them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from sqlglot import exp

from pipelines.engine.days import with_days
from pipelines.engine.dialect import Foreign, parsed, tables, to_spark
from pipelines.engine.held import LASTING, Held
from pipelines.engine.held import TABLES as HELD
from pipelines.engine.place import LakePlace
from pipelines.engine.repeated import written_once
from pipelines.engine.work import Work
from pipelines.workspace.errors import OutlayError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

#: Tables of the ledger that grow with requests or units: Parquet, never rows in the driver.
LARGE = (
    "records", "spans", "shared_groups", "sampled_traces", "prices", "price_extras", "requests", "request_dimensions",
    "capacity_shares", "allocations", "outcome_events", "unit_changes", "unit_status", "unit_costs", "unit_parents",
    "calls_apart",
)  # fmt: skip
#: Rows of a small table that may be shipped to executors.
_SHIPPED = 2_000_000


class Frames:
    """Large tables by name, and queries on them.

    `work`: the run's own Parquet, deleted when it ends. `held`: what it goes on with and leaves to the next one; nothing
    of it is shown before `go_on`. `scratch`: a folder of the driver's, for what it is handed.
    """

    def __init__(
        self, small: duckdb.DuckDBPyConnection, spark: SparkSession, work: Work, held: Held, scratch: Path
    ) -> None:
        self.small, self.spark, self.work, self.held, self.scratch = small, spark, work, held, scratch
        self.replaced: LakePlace | None = None  #: what a full rebuild replaces
        self.large: dict[str, DataFrame] = {}
        self._shipped: set[str] = set()
        self._made = 0
        self._declared = {name: self._schema(name) for name in LARGE}
        for name, schema in self._declared.items():
            self.show(name, spark.createDataFrame([], schema))
        units = "workflow string, unit_id string"
        self.show("touched_units", spark.createDataFrame([], units))

    def show(self, name: str, frame: DataFrame) -> None:
        """`frame` is the large table of that name from now on."""
        self.large[name] = frame
        frame.createOrReplaceTempView(name)
        self._shipped.discard(name)

    def go_on(self, names: Iterable[str] = tuple(HELD)) -> None:
        """Large tables are what the last run left of them."""
        for name in names:
            if self.held.parts.get(name):
                self.show(name, self.guarded(lambda name=name: self.held.frame(name, self._declared[name])))

    def begin_anew(self) -> None:
        """All days are worked out anew: of what the last run left only prices stay."""
        for name, schema in self._declared.items():
            self.show(name, self.spark.createDataFrame([], schema))
        self.held.empty()
        self.go_on(LASTING)

    def ship_anew(self) -> None:
        """Small tables were written beside this connection: what executors were shipped of them is no longer so."""
        self._shipped.clear()

    def query(self, tree: exp.Expr | str, values: Mapping[str, Any] | None = None) -> DataFrame:
        """A query as a frame, the small tables that it names shipped to executors."""
        found = with_days(parsed(tree) if isinstance(tree, str) else tree, self.small, self.large)
        found = written_once(found, self.large, lambda part: self._part(part, values))
        try:
            text = to_spark(found, values)
        except Foreign as error:
            raise OutlayError(f"engine: spark can't run a model: {error}") from error
        numbered = {column.table for column in found.find_all(exp.Column) if column.name == "rowid"}
        for name in sorted(tables(found) - self.large.keys() - self._shipped | numbered):
            self._ship(name, rowid=name in numbered)
        return self.guarded(lambda: self.spark.sql(text))

    def _part(self, query: exp.Expr, values: Mapping[str, Any] | None) -> str:
        self._made += 1
        name = f"part_{self._made:04}"
        self.show(name, self.written(self.query(query, values), name))
        return name

    def written(self, frame: DataFrame, name: str) -> DataFrame:
        """The frame's rows, written to Parquet by executors."""
        self._made += 1
        place = self.work.at(name, f"{self._made:04}")
        typed = _typed(frame)
        self.guarded(lambda: typed.write.parquet(place))
        return self.spark.read.schema(typed.schema).parquet(place)

    def put(self, name: str, frame: DataFrame, *, by_name: bool = True) -> DataFrame:
        """Rows for a large table, written by executors with its columns and types, for the next run too where it is held."""
        aligned = self._aligned(frame, name, by_name)
        return self.guarded(lambda: self.held.add(name, aligned)) if name in HELD else self.written(aligned, name)

    def handed_over(self, frame: DataFrame) -> pa.Table:
        """A frame's rows, in its order, through storage: executors write, the driver reads."""
        from pyspark.sql.pandas.types import to_arrow_schema

        self._made += 1
        place = self.work.below(f"handed_over/{self._made:04}")
        typed = _typed(frame)
        self.guarded(lambda: typed.write.parquet(place.url))
        wanted = to_arrow_schema(typed.schema, timezone="UTC")
        with place.local(self.scratch / f"{self._made:04}") as files:
            parts = [pq.read_table(file).cast(wanted) for file in files]
        place.remove()
        return pa.concat_tables(parts) if parts else wanted.empty_table()

    def guarded(self, work: Any) -> Any:
        """Spark's faults in one line, as Outlay's own."""
        from py4j.protocol import Py4JError
        from pyspark.errors import PySparkException

        try:
            return work()
        except (PySparkException, Py4JError) as error:
            lines = [line.strip() for line in str(error).splitlines() if line.strip()]
            told = next((line for line in lines if not line.startswith("An error occurred while calling")), "")
            raise OutlayError(f"Spark failed, nothing was published: {told.removeprefix(': ')[:500]}") from error

    def _aligned(self, frame: DataFrame, name: str, by_name: bool) -> DataFrame:
        from pyspark.sql.functions import col, lit

        schema = self._declared.get(name) or self.large[name].schema
        held = frame if by_name else frame.toDF(*schema.names)
        return held.select(
            *(
                (col(f"`{f.name}`") if f.name in held.columns else lit(None)).cast(f.dataType).alias(f.name)
                for f in schema.fields
            )
        )

    def _ship(self, name: str, *, rowid: bool) -> None:
        from pyspark.sql.pandas.types import from_arrow_schema

        rows = self.small.execute(f"select count(*) from {name}").fetchall()[0][0]
        if rows > _SHIPPED:
            raise OutlayError(f"engine: spark ships small tables only, and {name} has {rows:,} rows")
        table = self.small.sql(f"select {'rowid, ' if rowid else ''}* from {name}").to_arrow_table()
        held = table if table.num_rows else []
        schema = from_arrow_schema(table.schema)
        self.guarded(lambda: self.spark.createDataFrame(held, schema).createOrReplaceTempView(name))
        if not rowid:
            self._shipped.add(name)

    def _schema(self, name: str) -> Any:
        from pyspark.sql.pandas.types import from_arrow_schema

        schema = self.small.sql(f"select * from {name} limit 0").to_arrow_table().schema
        return from_arrow_schema(schema)


def _typed(frame: DataFrame) -> DataFrame:
    """Columns that are null throughout as text: Parquet has no type for them."""
    from pyspark.sql.functions import lit
    from pyspark.sql.types import NullType

    for field in frame.schema.fields:
        if isinstance(field.dataType, NullType):
            frame = frame.withColumn(field.name, lit(None).cast("string"))
    return frame
