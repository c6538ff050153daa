"""PySpark on this machine's cores."""

from __future__ import annotations

import csv
import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as f

from tests.benchmark.peers import COLUMNS

FIELDS = (
    "request_id string, time string, provider string, model string, input_tokens long, output_tokens long, "
    "cache_read_tokens long, workflow string, task_type string, unit_id string"
)

if __name__ == "__main__":
    logs, rates, out = sys.argv[1:]
    spark = (
        SparkSession.builder.master("local[*]")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "8")
        .config("spark.driver.memory", "4g")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .getOrCreate()
    )
    read = f.coalesce("cache_read_tokens", f.lit(0))
    prices = spark.read.csv(rates, header=True, inferSchema=True)
    rows = (
        spark.read.schema(FIELDS)
        .json(f"{logs}/*.jsonl")
        .dropDuplicates(["request_id"])
        .join(f.broadcast(prices), ["provider", "model"])
        .withColumn(
            "pico",
            (f.col("input_tokens") - read) * f.col("input")
            + read * f.col("cache_read")
            + f.col("output_tokens") * f.col("output"),
        )
        .groupBy(f.substring("time", 1, 10).alias("day"), "workflow", "task_type", "provider", "model")
        .agg(f.count("*").alias("requests"), f.countDistinct("unit_id").alias("units"), f.sum("pico").alias("pico"))
        .select(*COLUMNS)
        .orderBy(*COLUMNS[:5])
        .collect()
    )
    with open(out, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(rows)
    machine = spark.sparkContext._gateway.proc  # type: ignore[union-attr]
    spark.stop()
    machine.stdin.close()
    machine.wait()  # its CPU is ours to count only once it has ended
