"""The ledger of a Spark run: one connection, two places. What grows with the traffic lies in Parquet and is worked out
by executors; what is declared, counted or summed lies in the driver's DuckDB.

The stages of `pipelines.run` speak to it as to a DuckDB connection. A statement that names a large table goes to Spark,
translated (`dialect`), with the small tables that it names shipped along; all others go to DuckDB. There is no third
way: a statement on a large table that Spark can't take is refused, never run elsewhere.

    create temp table … as     executors write the rows to Parquet under the run's folder; days come to the driver
    insert into a large table  executors write one more part of it (`held`)
    insert into a small table  the rows come to the driver: days, totals
    delete from a large table  the view leaves the rows out, and so does what is held
    … in (select day from …)   of a small table: its days are written out (`days`), so that only their files are read
    select … .pl()             executors write Parquet, the driver reads it
    select … .fetchall()       the driver collects; Spark fails beyond `spark.driver.maxResultSize`
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from pipelines.engine.answers import Answer, Counted, Fetched
from pipelines.engine.days import days_named
from pipelines.engine.dialect import Foreign, listed, parsed, tables
from pipelines.engine.frames import LARGE, Frames
from pipelines.engine.held import TABLES as HELD
from pipelines.workspace.errors import OutlayError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

#: Lists of days that a stage makes from large tables, and deletes small tables' rows by: the driver holds them.
_DAYS = (
    "close_touched", "overlap_touched", "cells_touched", "calls_touched", "price_touched", "found_days", "moved_days",
    "late_days",
)  # fmt: skip


class SparkLedger(Frames):
    """Routes statements between the driver's DuckDB and Spark."""

    # -- as a DuckDB connection -----------------------------------------------------------------------------------

    def execute(self, text: str, parameters: Any = None) -> Any:
        tree = self._read(text)
        if tree is None or not self._concerns_spark(tree):
            self._forget_changed(tree)
            return self.small.execute(text) if parameters is None else self.small.execute(text, parameters)
        self.describe(text)
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
        self.describe(text)
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
            part = self.put(name, frame, by_name=by_name)
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

    def _delete(self, tree: exp.Delete, values: Mapping[str, Any]) -> Any:
        name = tree.this.name
        if name not in self.large:  # a small table, by what a large one says: the answer is small
            raise OutlayError(f"engine: spark can't delete from {name} by a large table")
        where = tree.args.get("where")
        if name in HELD:
            self._tell_held(name, where, values)
        self.show(name, self._without(name, where.this, values) if where is not None else self.large[name].limit(0))
        return self.small

    def _without(self, name: str, condition: exp.Expr, values: Mapping[str, Any]) -> DataFrame:
        """The rows of a large table for which a condition doesn't hold."""
        from pyspark.sql.functions import col

        by_day = isinstance(condition, exp.In) and days_named(condition, condition.this.name, self.small, self.large)
        if by_day or (found := listed(condition)) is None:
            kept = condition.copy() if by_day else exp.Coalesce(this=condition.copy(), expressions=[exp.false()])
            return self.query(exp.select("*").from_(name).where(exp.Not(this=exp.Paren(this=kept))), values)
        # `not in` would compare every row with every other, for the sake of nulls
        columns, query = found
        gone = self.query(query, values).toDF(*(f"gone_{place}" for place in range(len(columns))))
        rows, same = self.large[name], None
        for place, column in enumerate(columns):
            equal = col(column) == col(f"gone_{place}")
            same = equal if same is None else same & equal
        return self.guarded(lambda: rows.join(gone, same, "left_anti"))

    def _tell_held(self, name: str, where: exp.Where | None, values: Mapping[str, Any]) -> None:
        """Which days of a table lose all of their rows, or some."""
        column = HELD[name]
        if column is None or where is None:
            self.held.thin(name, [None] if column is None else [part.day for part in self.held.parts.get(name, [])])
        elif (days := days_named(where.this, column, self.small, self.large)) is not None:
            self.held.replace(name, days)
        else:
            found = exp.select(column).distinct().from_(name).where(where.this.copy())
            self.held.thin(name, [row[0] for row in Answer(self, self.query(found, values)).fetchall()])

    def _rename(self, tree: exp.Alter) -> Any:
        old, new = tree.this.name, tree.args["actions"][0].this.name
        frame = self.large.pop(old)
        self.show(new, frame)
        return self.small

    def _drop(self, name: str) -> None:
        if name in self.large and name not in LARGE:
            del self.large[name]
            self.spark.catalog.dropTempView(name)

    def describe(self, text: str) -> None:
        """What Spark's own pages and logs say of the jobs that follow: the grain of the model, else how it begins."""
        said = text.partition("-- grain: ")[2].partition("\n")[0] or " ".join(text.split())
        self.spark.sparkContext.setJobDescription(said[:160])

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
