"""The ledger of a Spark run: one connection, two places. What grows with the traffic lies in Parquet and is worked out
by executors; what is declared, counted or summed lies in the driver's DuckDB.

The stages of `pipelines.run` speak to it as to a DuckDB connection. A statement that names a large table goes to Spark,
translated (`dialect`), with the small tables that it names shipped along; all others go to DuckDB. There is no third
way: a statement on a large table that Spark can't take is refused, never run elsewhere.

    create temp table … as    executors write the rows to Parquet under the run's folder; days come to the driver
    insert into a large table executors write one more part of it
    insert into a small table the rows come to the driver: days, totals
    delete from a large table the view leaves the rows out
    select … .pl()            executors write Parquet, the driver reads it
    select … .fetchall()      the driver collects; Spark fails beyond `spark.driver.maxResultSize`
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from sqlglot import exp

from pipelines.engine.answers import Answer, Counted, Fetched
from pipelines.engine.dialect import Foreign, parsed, tables, to_spark
from pipelines.engine.place import LakePlace
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
#: Lists of days that a stage makes from large tables, and deletes small tables' rows by: the driver holds them.
_DAYS = ("close_touched", "overlap_touched", "cells_touched", "calls_touched", "price_touched")
#: Rows of a small table that may be shipped to executors.
_SHIPPED = 2_000_000


class SparkLedger:
    """Routes statements between the driver's DuckDB and Spark.

    `work`: the run's own Parquet, deleted if it fails. `scratch`: a folder of the driver's, for what it is handed.
    """

    def __init__(self, small: duckdb.DuckDBPyConnection, spark: SparkSession, work: Work, scratch: Path) -> None:
        self.small, self.spark, self.work, self.scratch = small, spark, work, scratch
        self.before: Work | None = None  #: the last run's
        self.replaced: LakePlace | None = None  #: what a full rebuild replaces
        self.large: dict[str, DataFrame] = {}
        self._shipped: set[str] = set()
        self._made = 0
        for name in LARGE:
            self.show(name, spark.createDataFrame([], self._declared(name)))
        units = "workflow string, unit_id string"
        self.show("touched_units", spark.createDataFrame([], units))

    # -- as a DuckDB connection -----------------------------------------------------------------------------------

    def execute(self, text: str, parameters: Any = None) -> Any:
        tree = self._read(text)
        if tree is None or not self._concerns_spark(tree):
            self._forget_changed(tree)
            return self.small.execute(text) if parameters is None else self.small.execute(text, parameters)
        values = parameters if isinstance(parameters, Mapping) else {}
        if isinstance(tree, exp.Create):
            return self._create(tree, values)
        if isinstance(tree, exp.Insert):
            return self._insert(tree, values)
        if isinstance(tree, exp.Delete):
            return self._delete(tree, values)
        if isinstance(tree, exp.Drop):
            for name in tables(tree):
                self._drop(name)
            return self.small
        if isinstance(tree, exp.Alter):
            return self._rename(tree)
        if isinstance(tree, exp.Query):
            return Answer(self, self.query(tree, values))
        raise OutlayError(f"engine: spark can't {type(tree).__name__.lower()} {', '.join(sorted(tables(tree)))}")

    def sql(self, text: str, params: Mapping[str, Any] | None = None) -> Any:
        tree = self._read(text)
        if tree is None or not self._concerns_spark(tree):
            return self.small.sql(text, params=params) if params else self.small.sql(text)
        return Answer(self, self.query(tree, params or {}))

    def executemany(self, text: str, rows: Sequence[Any]) -> Any:
        self._forget_changed(self._read(text))
        return self.small.executemany(text, rows)

    def register(self, name: str, table: Any) -> None:
        self._shipped.discard(name)
        self._drop(name)
        self.small.register(name, table)

    def unregister(self, name: str) -> None:
        self._shipped.discard(name)
        self.small.unregister(name)

    def close(self) -> None:
        self.small.close()

    # -- Spark's side ---------------------------------------------------------------------------------------------

    def show(self, name: str, frame: DataFrame) -> None:
        """`frame` is the large table of that name from now on."""
        self.large[name] = frame
        frame.createOrReplaceTempView(name)
        self._shipped.discard(name)

    def ship_anew(self) -> None:
        """Small tables were written beside this connection: what executors were shipped of them is no longer so."""
        self._shipped.clear()

    def query(self, tree: exp.Expr | str, values: Mapping[str, Any] | None = None) -> DataFrame:
        """A query as a frame, the small tables that it names shipped to executors."""
        found = parsed(tree) if isinstance(tree, str) else tree
        try:
            text = to_spark(found, values)
        except Foreign as error:
            raise OutlayError(f"engine: spark can't run a model: {error}") from error
        numbered = {column.table for column in found.find_all(exp.Column) if column.name == "rowid"}
        for name in sorted(tables(found) - self.large.keys() - self._shipped | numbered):
            self._ship(name, rowid=name in numbered)
        return self.guarded(lambda: self.spark.sql(text))

    def written(self, frame: DataFrame, name: str) -> DataFrame:
        """The frame's rows, written to Parquet by executors."""
        self._made += 1
        place = self.work.at(name, f"{self._made:04}")
        typed = _typed(frame)
        self.guarded(lambda: typed.write.parquet(place))
        return self.spark.read.schema(typed.schema).parquet(place)

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

    # -- statements -----------------------------------------------------------------------------------------------

    def _create(self, tree: exp.Create, values: Mapping[str, Any]) -> Any:
        name = tree.this.name if isinstance(tree.this, exp.Table) else tree.this.this.name
        if tree.expression is None:  # an empty table of that name belongs to the driver again
            self._drop(name)
            return self.small.execute(tree.sql("duckdb"))
        if name in _DAYS:
            return self._create_small(name, self.query(tree.expression, values))
        self.show(name, self.written(self.query(tree.expression, values), name))
        return self.small

    def _create_small(self, name: str, frame: DataFrame) -> Any:
        self._shipped.discard(name)
        self.small.register("from_spark", self.handed_over(frame))
        done = self.small.execute(f"create or replace temp table {name} as from from_spark")
        self.small.unregister("from_spark")
        return done

    def _insert(self, tree: exp.Insert, values: Mapping[str, Any]) -> Any:
        name = tree.this.name
        frame = self.query(tree.expression, values)
        by_name = bool(tree.args.get("by_name"))
        if name in self.large:
            part = self.written(self._aligned(frame, name, by_name), name)
            self.show(name, self.large[name].unionByName(part))
            return Counted(self, part)
        table = self.handed_over(frame)
        self._shipped.discard(name)
        self.small.register("from_spark", table)
        how = "by name " if by_name else ""
        done = self.small.execute(f"insert into {name} {how}from from_spark")
        count = done.fetchall()
        self.small.unregister("from_spark")
        return Fetched(count)

    def _aligned(self, frame: DataFrame, name: str, by_name: bool) -> DataFrame:
        from pyspark.sql.functions import col, lit

        schema = self.large[name].schema
        held = frame if by_name else frame.toDF(*schema.names)
        return held.select(
            *(
                (col(f"`{f.name}`") if f.name in held.columns else lit(None)).cast(f.dataType).alias(f.name)
                for f in schema.fields
            )
        )

    def _delete(self, tree: exp.Delete, values: Mapping[str, Any]) -> Any:
        name = tree.this.name
        if name not in self.large:  # a small table, by what a large one says: the answer is small
            raise OutlayError(f"engine: spark can't delete from {name} by a large table")
        where = tree.args.get("where")
        kept = exp.select("*").from_(name)
        if where is not None:
            kept = kept.where(exp.Not(this=exp.Paren(this=where.this.copy())))
        else:
            kept = kept.where(exp.false())
        self.show(name, self.query(kept, values))
        return self.small

    def _rename(self, tree: exp.Alter) -> Any:
        old, new = tree.this.name, tree.args["actions"][0].this.name
        frame = self.large.pop(old)
        self.show(new, frame)
        return self.small

    def _drop(self, name: str) -> None:
        if name in self.large and name not in LARGE:
            del self.large[name]
            self.spark.catalog.dropTempView(name)

    # -- what belongs where ---------------------------------------------------------------------------------------

    def _read(self, text: str) -> exp.Expr | None:
        try:
            return parsed(text)
        except Foreign:
            if any(f" {name}" in text for name in self.large):
                raise
            return None

    def _concerns_spark(self, tree: exp.Expr) -> bool:
        if isinstance(tree, exp.Command | exp.Set | exp.Transaction | exp.Commit | exp.Rollback):
            return False
        named = tables(tree)
        if isinstance(tree, exp.Create):
            target = tree.this.name if isinstance(tree.this, exp.Table) else tree.this.this.name
            named = tables(tree.expression) if tree.expression is not None else set()
            if target in self.large and not named & self.large.keys():
                self._drop(target)
        return bool(named & self.large.keys())

    def _forget_changed(self, tree: exp.Expr | None) -> None:
        """A small table that changes is shipped anew."""
        if isinstance(tree, exp.Drop):
            self._shipped -= tables(tree)
        elif isinstance(tree, exp.Create | exp.Insert | exp.Delete | exp.Update | exp.Alter):
            target = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
            self._shipped.discard(target.name)

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

    def _declared(self, name: str) -> Any:
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
