"""Outcome events and evaluations, the same from JSON Lines, CSV and Parquet."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.sources.bills import OutcomeCount
from pipelines.sources.files import Refused
from pipelines.sources.record import Evaluation, OutcomeEvent, Quarantined
from pipelines.sources.registry import read_aggregated
from tests.sources.reading import file_ref, one, read_bytes, read_file, reasons

EVENT: dict[str, Any] = {
    "event_id": "e1",
    "time": "2026-11-20T12:00:00Z",
    "workflow": "contract_review",
    "unit_id": "doc-1",
    "event": "completed",
}
MARK: dict[str, Any] = {
    "workflow": "contract_review",
    "task_type": "extraction",
    "item_id": "i1",
    "provider": "openai",
    "model": "gpt-5-mini",
    "quality": 1,
    "time": "2026-11-20T12:00:00Z",
    "signal": "label",
    "input_tokens": 100,
    "output_tokens": 10,
}
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_an_event_keeps_all_that_it_says(tmp_path: Path) -> None:
    more = {
        "attempt_id": "a1",
        "value_usd": "6.50",
        "quality": 0.9,
        "signal": "human",
        "parent_workflow": "run",
        "parent_unit_id": "r1",
    }
    event = one("outcomes", tmp_path, EVENT | more | {"comment": "canary"})
    assert event == OutcomeEvent(
        "e1",
        NOON,
        "contract_review",
        "doc-1",
        "completed",
        "a1",
        Decimal("6.5"),
        Decimal("0.9"),
        "human",
        "run",
        "r1",
        event.canonical,
    )
    assert "canary" not in event.canonical


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"event": "done"}, "event: expected completed, failed, accepted or rejected"),
        ({"event": None}, "event: expected completed, failed, accepted or rejected"),
        ({"event": ["completed"]}, "event: expected completed, failed, accepted or rejected"),
        ({"event_id": ""}, "event_id: expected a text that is not empty"),
        ({"unit_id": 7}, "unit_id: expected a text that is not empty"),
        ({"workflow": None}, "workflow: expected a text that is not empty"),
        ({"quality": 1.01}, "quality: expected a number from 0 to 1"),
        ({"quality": "0.9"}, "quality: expected a number"),
        ({"value_usd": -1}, "value_usd: expected an amount of at least 0"),
        ({"value_usd": "six"}, "value_usd: expected a decimal number"),
        ({"signal": "guess"}, "signal: expected human, label, judge or schema"),
        ({"time": "2026-11-20T12:00:00"}, "time: expected an RFC 3339 time with a zone"),
        ({"time": "2026-11-23T12:00:00Z"}, "time: more than 24 h in the future"),
    ],
)
def test_an_event_that_is_not_as_declared_is_quarantined(tmp_path: Path, changes: dict[str, Any], reason: str) -> None:
    assert one("outcomes", tmp_path, EVENT | changes).reason == reason


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"quality": None}, "quality: expected a decimal number"),
        ({"quality": True}, "quality: expected a decimal number"),
        ({"quality": -0.1}, "quality: expected a number from 0 to 1"),
        ({"input_tokens": "100"}, "input_tokens: expected a whole number from 0 to 10^12"),
        ({"output_tokens": 1.5}, "output_tokens: expected a whole number from 0 to 10^12"),
        ({"output_tokens": None}, "expected input_tokens and output_tokens, or cost_usd"),
        ({"item_id": ""}, "item_id: expected a text that is not empty"),
        ({"cost_usd": -1}, "cost_usd: expected an amount of at least 0"),
    ],
)
def test_an_evaluation_that_is_not_as_declared_is_quarantined(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    assert one("evaluations", tmp_path, MARK | changes).reason == reason


def test_evaluations_read_the_same_from_all_three_shapes(tmp_path: Path) -> None:
    expected = Evaluation(
        "contract_review",
        "extraction",
        "i1",
        "openai",
        "gpt-5-mini",
        Decimal("0.75"),
        NOON,
        "label",
        100,
        10,
        Decimal("0.00125"),
        1200,
        "hard",
    )
    row = MARK | {"quality": 0.75, "cost_usd": "0.00125", "latency_ms": 1200, "stratum": "hard"}
    columns = list(row)
    sheet = ",".join(columns) + "\n" + ",".join(str(row[name]) for name in columns) + "\n"
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "marks.parquet")
    found = [
        one("evaluations", tmp_path, row),
        read_bytes("evaluations", tmp_path, sheet.encode(), "marks.csv")[0].parsed,
        read_file("evaluations", tmp_path / "marks.parquet")[0].parsed,
    ]
    for evaluation in found:
        assert isinstance(evaluation, Evaluation)
        assert replace(evaluation, canonical="") == expected


def test_parquet_columns_may_be_typed(tmp_path: Path) -> None:
    row = EVENT | {"time": NOON, "value_usd": Decimal("6.500000000001"), "quality": 0.9, "attempt_id": None}
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "events.parquet")
    event = read_file("outcomes", tmp_path / "events.parquet")[0].parsed
    assert isinstance(event, OutcomeEvent)
    assert (event.time, event.value_usd, event.quality, event.attempt_id) == (
        NOON,
        Decimal("6.500000000001"),
        Decimal("0.9"),
        None,
    )


def test_a_parquet_time_without_a_zone_and_a_nan_are_quarantined(tmp_path: Path) -> None:
    rows = [EVENT | {"time": NOON.replace(tzinfo=None), "quality": 0.5}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "naive.parquet")
    assert reasons(read_file("outcomes", tmp_path / "naive.parquet")) == [
        (1, "time: expected an RFC 3339 time with a zone")
    ]
    pq.write_table(pa.Table.from_pylist([EVENT | {"quality": float("nan")}]), tmp_path / "nan.parquet")
    assert reasons(read_file("outcomes", tmp_path / "nan.parquet")) == [(1, "quality: expected a number")]


def test_a_damaged_parquet_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="Parquet: truncated or damaged"):
        read_bytes("outcomes", tmp_path, b"PAR1 and then nothing", "events.parquet")
    with pytest.raises(Refused, match="Parquet: kind requests is read from json lines"):
        read_bytes("requests", tmp_path, b"PAR1", "calls.parquet")


def test_csv_rows_know_their_lines_and_cost_only_themselves(tmp_path: Path) -> None:
    sheet = (
        b"\xef\xbb\xbfevent_id,time,workflow,unit_id,event,value_usd\r\n"
        b"e1,2026-11-20T12:00:00Z,w,u,completed,\r\n"
        b'e2,2026-11-20T12:00:00Z,w,"two\r\nlines",failed,1.5\r\n'
        b"e3,2026-11-20T12:00:00Z,w\r\n"
        b"\r\n"
        b"e4,2026-11-20T12:00:00Z,w,u,lost,\r\n"
        b"e5,2026-11-20T12:00:00Z,\xe9,u,failed,\r\n"
        b"e6,2026-11-20T12:00:00Z,w,u,failed,\r\n"
        b'e7,"2026-11-20T12:00:00Z,w,u,failed,\r\n'
    )
    results = read_bytes("outcomes", tmp_path, sheet, "events.csv")
    assert [
        (line, parsed.event_id, parsed.unit_id, parsed.value_usd)
        for line, parsed in results
        if isinstance(parsed, OutcomeEvent)
    ] == [(2, "e1", "u", None), (3, "e2", "two\r\nlines", Decimal("1.5")), (9, "e6", "u", None)]
    assert sorted(reasons(results)) == [
        (5, "expected 6 cells as in the header, found 3"),
        (7, "event: expected completed, failed, accepted or rejected"),
        (8, "invalid UTF-8"),
        (10, "invalid CSV"),
    ]


def test_a_csv_whose_header_names_a_column_twice_is_refused_with_its_name(tmp_path: Path) -> None:
    sheet = b"event_id,time,workflow,unit_id,event,workflow\ne1,2026-11-20T12:00:00Z,w,u,completed,other\n"
    with pytest.raises(Refused, match=r"the header names column 'workflow' twice \(columns 3 and 6\): keep one"):
        read_bytes("outcomes", tmp_path, sheet, "events.csv")
    with pytest.raises(Refused, match="'request_id' twice"):
        read_bytes("litellm-spendlogs", tmp_path, b"request_id,spend, request_id\n1,2,3\n", "spend.csv")


def test_a_first_line_that_may_be_no_header_is_told_by_its_places(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"the header names a column twice \(columns 1 and 3\)"):
        read_bytes("outcomes", tmp_path, b"sk-4f1,a,sk-4f1\n", "events.csv")


def test_columns_without_a_name_may_be_several(tmp_path: Path) -> None:
    sheet = b"event_id,time,workflow,unit_id,event,,\ne1,2026-11-20T12:00:00Z,w,u,completed,,\n"
    assert reasons(read_bytes("outcomes", tmp_path, sheet, "events.csv")) == []


def test_a_whole_count_may_be_spelt_with_a_point_and_is_the_same_count(tmp_path: Path) -> None:
    spelt = ("1", "1.0", "3.00", "1.5", "-1.0", "one")
    (tmp_path / "counts.csv").write_text("day,workflow,completed\n" + "".join(f"2026-11-20,w,{n}\n" for n in spelt))
    lines = "".join(f'{{"day":"2026-11-20","workflow":"w","completed":{n}}}\n' for n in spelt[:-1])
    (tmp_path / "counts.jsonl").write_text(lines)

    def refusals(found: Iterable[tuple[int | None, Any]]) -> list[tuple[int | None, str]]:
        return [(line, parsed.reason) for line, parsed in found if isinstance(parsed, Quarantined)]

    sheet, log = (
        list(read_aggregated("outcome-counts", file_ref(tmp_path / f"counts.{end}"))) for end in ("csv", "jsonl")
    )
    whole = [parsed for _, parsed in sheet if isinstance(parsed, OutcomeCount)]
    assert whole == [parsed for _, parsed in log if isinstance(parsed, OutcomeCount)]
    assert [each.completed for each in whole] == [1, 1, 3]
    assert whole[0].canonical == whole[1].canonical
    refusal = "completed: expected a whole number from 0 to 10^12"
    assert refusals(sheet) == [(5, refusal), (6, refusal), (7, "completed: expected a decimal number")]
    assert refusals(log) == [(4, refusal), (5, refusal)]
