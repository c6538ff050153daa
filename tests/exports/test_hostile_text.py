"""Text that a spreadsheet would run reaches no export as a formula, and numbers stay numbers, whatever the logs say."""

from __future__ import annotations

import csv
import io
import re

import openpyxl
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pipelines.exports.catalogue import EXPORTS
from pipelines.exports.sheets import Workbook, printable
from pipelines.exports.text import FORMULA_STARTS, defused
from pipelines.exports.write import write
from tests.workspaces import Bench, call, event

STARTS = ("=", "+", "-", "@", "\t", "\r", "\0")
hostile = st.builds(str.__add__, st.sampled_from(STARTS), st.text(max_size=12))


def names(start: str) -> dict[str, str]:
    return {
        "request_id": f"{start}1+1", "unit_id": f"{start}SUM(A1)", "task_type": f"{start}t", "attempt_id": f"{start}a",
        "model": f"{start}m", "provider": f"{start}p", "team": f"{start}team", "project": f"{start}proj",
    }  # fmt: skip


@pytest.fixture(scope="module")
def attacked(tmp_path_factory):
    """A workspace in which every name of the logs begins a formula."""
    bench = Bench(tmp_path_factory.mktemp("hostile") / "ws", {"tags": {"team": ["team"], "project": ["project"]}})
    for i, start in enumerate(STARTS[:-1]):
        told = names(start)
        bench.calls(
            call(**told, cost_usd="0.5"),
            call(**told | {"workflow": f"{start}flow", "request_id": f"{start}other"}, cost_usd="0.25"),
            call(**told | {"provider": "openai", "model": "gpt-5.4", "request_id": f"{start}priced"}),
            file=f"{i}.jsonl",
        )
        bench.outcomes(event(f"{start}e", unit_id=told["unit_id"]), file=f"{i}.jsonl")
    bench.run()
    return bench.published


@pytest.mark.parametrize("name", sorted(EXPORTS))
def test_no_cell_of_a_csv_begins_a_formula(attacked, name):
    out = io.BytesIO()
    write(attacked, name, "csv", out)
    rows = list(csv.reader(io.StringIO(out.getvalue().decode(), newline="")))
    parquet = io.BytesIO()
    write(attacked, name, "parquet", parquet)
    table = pq.read_table(parquet)
    texts = {i for i, field in enumerate(table.schema) if str(field.type) in ("string", "large_string")}
    for row in rows[1:]:
        for i, cell in enumerate(row):
            if i in texts or not table.num_rows:
                assert not cell.startswith(STARTS), (rows[0][i], cell)
            elif cell and cell[0] in "+-=@":
                float(cell)  # a negative number is a number, not defused
    # the file of texts as they are keeps them as they are
    assert table.num_rows == len(rows) - 1


@pytest.mark.parametrize(
    "name", ["requests", "charges", "outcome_cost", "task_cost", "unattributed", "chargeback", "focus"]
)
def test_a_workbook_holds_such_texts_as_plain_strings(attacked, name):
    out = io.BytesIO()
    write(attacked, name, "xlsx", out)
    book = openpyxl.load_workbook(out)
    kinds = {cell.data_type for sheet in book for row in sheet.iter_rows() for cell in row}
    assert "f" not in kinds
    found = {cell.value for row in book[name].iter_rows(min_row=2) for cell in row if cell.data_type == "s"}
    assert any(text.startswith(STARTS) for text in found)
    numbers = [
        cell
        for row in book[name].iter_rows(min_row=2)
        for cell in row
        if cell.data_type == "n" and cell.value is not None
    ]
    assert all(isinstance(cell.value, int | float) for cell in numbers)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(hostile)
@example("=cmd|' /C calc'!A0")
@example("\0=1")
def test_any_text_that_begins_a_formula_is_defused_and_none_other(text):
    assert not defused(text).startswith(FORMULA_STARTS)
    assert defused(text) == f"'{text}"
    assert defused(text[1:]).removeprefix("'") == text[1:].removeprefix("'")


def unescaped(text: str) -> str:
    """Escapes of the format (`_x000D_`, and `_x005F_` for an underscore that looks like one), which openpyxl leaves."""
    return re.sub("_x([0-9A-F]{4})_", lambda found: chr(int(found[1], 16)), text)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.one_of(hostile, st.text(st.characters(codec="utf-8"), max_size=20)), min_size=1, max_size=6))
@example(["=1+1", "\0=1", "_x0041_", "{=1}", "https://a.example", "￾", "\x1f\x7f"])
def test_any_text_comes_back_from_a_workbook_as_a_string(texts):
    out = io.BytesIO()
    book = Workbook(out, "t", long=True)
    book.table("t", ["text"], [(text,) for text in texts])
    book.close()
    sheet = openpyxl.load_workbook(out)["t"]
    for text, (cell,) in zip(texts, sheet.iter_rows(min_row=2), strict=False):
        assert cell.data_type in ("s", "n" if not text else "s")
        assert unescaped(cell.value or "").replace("\r\n", "\n").replace("\r", "\n") == printable(text).replace(
            "\r\n", "\n"
        ).replace("\r", "\n")
