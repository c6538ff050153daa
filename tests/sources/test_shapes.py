"""One record, one meaning, whatever holds it: JSON Lines, an array, CSV, Parquet, packed or not, under its own name or told by its looks."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from pipelines.sources.registry import AGGREGATED, FORMATS, read, read_aggregated
from tests.sources.reading import EXAMPLES, file_ref
from tests.sources.test_detect import KINDS, OWN, kind_of


def values_of(name: str) -> list[Any]:
    """The records of an example file as JSON values."""
    path = EXAMPLES / name
    data = gzip.decompress(path.read_bytes()) if name.endswith(".gz") else path.read_bytes()
    if ".csv" in name:
        return [{k: v for k, v in row.items() if v != ""} for row in csv.DictReader(io.StringIO(data.decode()))]
    if ".jsonl" in name or name.endswith(".gz"):
        return [json.loads(line) for line in data.splitlines() if line.strip()]
    return [json.loads(data)]


def shapes(kind: str) -> tuple[str, ...]:
    return (FORMATS.get(kind) or AGGREGATED[kind]).shapes


def as_csv(values: list[dict[str, Any]]) -> bytes:
    """Columns of the union of all keys; maps and lists as JSON texts."""
    columns = list(dict.fromkeys(name for value in values for name in value))
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(columns)
    for value in values:
        cells = [value.get(name) for name in columns]
        writer.writerow(["" if c is None else json.dumps(c) if isinstance(c, dict | list) else c for c in cells])
    return out.getvalue().encode()


def as_parquet(values: list[dict[str, Any]]) -> bytes:
    """Maps of counts and texts as columns of maps, as ClickHouse writes them; other nests as JSON texts."""
    columns = list(dict.fromkeys(name for value in values for name in value))
    arrays = []
    for name in columns:
        cells = [value.get(name) for value in values]
        if name == "usage_details":
            arrays.append(pa.array([list((c or {}).items()) for c in cells], pa.map_(pa.string(), pa.int64())))
        elif name == "metadata" and "usage_details" in columns:
            pairs = [[(k, str(v)) for k, v in (c or {}).items()] for c in cells]
            arrays.append(pa.array(pairs, pa.map_(pa.string(), pa.string())))
        elif any(isinstance(c, dict) for c in cells):
            arrays.append(pa.array([None if c is None else json.dumps(c) for c in cells]))
        else:
            arrays.append(pa.array(cells))
    out = io.BytesIO()
    pq.write_table(pa.Table.from_arrays(arrays, names=columns), out)
    return out.getvalue()


def written(kind: str, values: list[Any]) -> Iterator[tuple[str, bytes]]:
    """File names and contents of every shape that the kind declares."""
    declared = shapes(kind)
    if "json" in declared or "json lines" in declared:
        yield "a.jsonl", "".join(json.dumps(v) + "\n" for v in values).encode()
    if "json" in declared:
        yield "a.json", json.dumps(values, indent=1).encode()
    flat = all(isinstance(v, dict) for v in values)
    if "csv" in declared and flat:
        yield "a.csv", as_csv(values)
    if "parquet" in declared and flat:
        yield "a.parquet", as_parquet(values)


def parsed(kind: str, folder: Path, name: str, content: bytes) -> list[Any]:
    path = folder / name
    path.write_bytes(content)
    reader = read if kind in FORMATS else read_aggregated
    return [record for _, record in reader(kind, file_ref(path))]


def said(record: Any) -> str:
    """What a record says, less the canonical text of facts, which spells a number as its file does."""
    fields = {name: getattr(record, name) for name in record.__slots__}
    fields.pop("canonical", None)
    return repr(sorted(fields.items(), key=lambda item: item[0]))


CASES = [*KINDS.items()]


@pytest.mark.parametrize(("name", "kind"), CASES, ids=[name for name, _ in CASES])
def test_every_shape_and_packing_of_an_example_gives_the_same_records(tmp_path, name, kind):
    values = values_of(name)
    reader = read if kind in FORMATS else read_aggregated
    expected = [said(record) for _, record in reader(kind, file_ref(EXAMPLES / name))]
    assert expected
    seen = []
    for file, content in written(kind, values):
        found = parsed(kind, tmp_path, file, content)
        assert [said(record) for record in found] == expected, file
        assert kind_of(tmp_path / file) == kind, file
        seen.append(file)
        if file.endswith(".parquet"):
            continue
        for ending, packed in ((".gz", gzip.compress(content)), (".zst", zstandard.compress(content))):
            assert [said(record) for record in parsed(kind, tmp_path, file + ending, packed)] == expected
            assert kind_of(tmp_path / (file + ending)) == kind
    assert seen


@pytest.mark.parametrize("kind", ["outcomes", "evaluations", "outcome-counts"])
def test_facts_are_read_from_every_shape(tmp_path, kind):
    values = [OWN[kind], {**OWN[kind], next(iter(OWN[kind])): "2026-11-19" if kind == "outcome-counts" else "other"}]
    readings = {
        file: [said(r) for r in parsed(kind, tmp_path, file, content)] for file, content in written(kind, values)
    }
    assert list(readings) == ["a.jsonl", "a.json", "a.csv", "a.parquet"]
    assert len({tuple(r) for r in readings.values()}) == 1
    assert "Quarantined" not in str(readings)
    for file in readings:
        assert kind_of(tmp_path / file) == kind


def test_the_csv_of_helicones_export_tool_is_read_with_its_doubled_quotes(tmp_path):
    columns = (
        "response_id,response_created_at,response_status,request_created_at,request_body,request_properties,"
        "request_user_id,model,prompt_tokens,completion_tokens,latency,cost_usd"
    )
    rows = [
        '"resp-1","2026-11-20T12:00:02Z","200","2026-11-20T12:00:01.000Z","said","{""""Workflow"""":""""review"""",'
        '""""Document-Id"""":""""d1""""}","agent-22","gpt-5.4-mini","2600","180","1350","0.00141"',
        '"resp-2","2026-11-20T12:00:03Z","-3","2026-11-20T12:00:02.000Z",,"{}",,"gpt-5.4-mini",,,"10",',
    ]
    found = parsed("helicone", tmp_path, "output.csv", "\n".join([columns, *rows, ""]).encode())
    assert [
        (r.request_id, r.status, r.input_uncached, r.output_nonreasoning, str(r.recorded_usd), r.latency_ms)
        for r in found
    ] == [("resp-1", "ok", 2600, 180, "0.001410000000", 1350), ("resp-2", "error", 0, 0, "None", 10)]
    assert found[0].tags == {"Workflow": "review", "Document-Id": "d1", "workflow": "review", "document_id": "d1"}
    assert "said" not in repr(found)
    assert "agent-22" not in repr(found)
    assert kind_of(tmp_path / "output.csv") == "helicone"


def test_a_table_of_which_few_rows_are_calls_is_still_known_by_its_columns(tmp_path):
    values = values_of("07-langfuse-observations-v2.jsonl")
    spans = [{**values[0], "id": f"s{n}", "type": "SPAN", "usage_details": None, "metadata": None} for n in range(19)]
    for file, content in (("a.csv", as_csv([*spans, values[0]])), ("a.parquet", as_parquet([*spans, values[0]]))):
        found = parsed("langfuse", tmp_path, file, content)
        assert len(found) == 1, file
        assert kind_of(tmp_path / file) == "langfuse"
