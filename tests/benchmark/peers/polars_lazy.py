"""Polars: a lazy query on its streaming engine."""

from __future__ import annotations

import sys

import polars as pl

FIELDS = {
    "request_id": pl.String, "time": pl.String, "provider": pl.String, "model": pl.String, "input_tokens": pl.Int64,
    "output_tokens": pl.Int64, "cache_read_tokens": pl.Int64, "workflow": pl.String, "task_type": pl.String,
    "unit_id": pl.String,
}  # fmt: skip

if __name__ == "__main__":
    logs, rates, out = sys.argv[1:]
    read = pl.col("cache_read_tokens").fill_null(0)
    keys = ["day", "workflow", "task_type", "provider", "model"]
    (
        pl.scan_ndjson(f"{logs}/*.jsonl", schema=FIELDS, ignore_errors=False)
        .unique("request_id", keep="any")
        .join(pl.scan_csv(rates), on=["provider", "model"])
        .with_columns(
            day=pl.col("time").str.slice(0, 10),
            pico=(pl.col("input_tokens") - read) * pl.col("input")
            + read * pl.col("cache_read")
            + pl.col("output_tokens") * pl.col("output"),
        )
        .group_by(keys)
        .agg(requests=pl.len(), units=pl.col("unit_id").n_unique(), pico=pl.col("pico").sum())
        .sort(keys)
        .collect(engine="streaming")
        .write_csv(out)
    )
