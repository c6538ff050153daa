"""A lake in a bucket: written and read by executors, which know nothing of it but its URL and their environment."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import duckdb

from pipelines.engine.place import LakePlace
from pipelines.engine.session import start
from pipelines.engine.work import Work
from pipelines.storage import lake
from pipelines.storage.models import sql

FIRST, ROWS = datetime(2026, 10, 20, tzinfo=UTC), 90
_MADE = f"""
    select
        timestamptz '{FIRST}' + range * interval 1 hour as time, cast(range as varchar) as request_id,
        map {{'team': 'a', 'n': cast(range as varchar)}} as tags, [{{'unit_id': 'u', 'weight': '1'}}] as units,
        cast(range as decimal(28, 12)) / 1 as unused
    from range({ROWS})
"""
_READ = (
    "time timestamp, request_id string, tags map<string, string>, units array<struct<unit_id: string, weight: string>>"
)


def place(url: str, work: str) -> dict[str, Any]:
    """What executors wrote to `url` and read from there, what is left of it, and what Spark's own file system tells."""
    there = LakePlace(url)

    def write(_: Any) -> list[str]:
        with duckdb.connect(":memory:") as con, there.writing() as folder:
            con.execute("set timezone = 'UTC'")
            con.execute(sql("storage/ledger_schema"))
            con.execute(f"create table made as {_MADE}")
            lake.add(con, folder, "requests", "made", "run")
            return [row[0] for row in con.execute("select file from lake_files").fetchall()]

    spark = start("local[1]", "placing")
    try:
        names = spark.sparkContext.parallelize([0], 1).flatMap(write).collect()
        rows = there.frame(spark, names, spark.createDataFrame([], _READ).schema)
        read = [(str(time), request, tags["n"], units[0]["unit_id"]) for time, request, tags, units in rows.collect()]
        lying = there.names()
        there.clear()
        spot = Work(spark, f"{work}/run")
        rows.limit(0).select("request_id").coalesce(1).write.parquet(spot.at("kept", "prices"))
        held, above = len(spot.files()), (spot.folders(), spot.above().folders())
        spot.remove()
        return {"names": sorted(names), "lying": sorted(lying), "left": there.names(), "read": sorted(read),
                "held": held, "folders": above, "gone": spot.folders()}  # fmt: skip
    finally:
        spark.stop()
