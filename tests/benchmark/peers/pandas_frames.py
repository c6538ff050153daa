"""pandas on Arrow: a file of logs is parsed by Arrow, and only the columns asked for become a frame."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
import pyarrow as pa
from pyarrow import json

FIELDS = pa.schema(
    [(name, pa.string()) for name in ("request_id", "time", "provider", "model", "workflow", "task_type", "unit_id")]
    + [(name, pa.int64()) for name in ("input_tokens", "output_tokens", "cache_read_tokens")]
)
KEYS = ["day", "workflow", "task_type", "provider", "model"]


def parsed(path: Path) -> pa.Table:
    asked = json.ParseOptions(explicit_schema=FIELDS, unexpected_field_behavior="ignore")
    return json.read_json(path, parse_options=asked)


if __name__ == "__main__":
    logs, rates, out = sys.argv[1:]
    calls = pa.concat_tables([parsed(path) for path in sorted(Path(logs).glob("*.jsonl"))])
    frame = calls.to_pandas(types_mapper=pd.ArrowDtype).drop_duplicates("request_id")
    frame = frame.assign(day=frame["time"].str.slice(0, 10)).merge(pd.read_csv(rates), on=["provider", "model"])
    read = frame["cache_read_tokens"].fillna(0)
    frame["pico"] = (
        (frame["input_tokens"] - read) * frame["input"]
        + read * frame["cache_read"]
        + frame["output_tokens"] * frame["output"]
    )
    daily = frame.groupby(KEYS, sort=True).agg(
        requests=("unit_id", "size"), units=("unit_id", "nunique"), pico=("pico", "sum")
    )
    daily.reset_index().to_csv(out, index=False)
