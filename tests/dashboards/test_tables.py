"""What a table gives to download."""

import io
from datetime import date, datetime
from decimal import Decimal as D
from typing import Any

from openpyxl import load_workbook

from dashboards.tables import as_csv, as_xlsx


def test_a_download_holds_every_digit_and_no_formula():
    rows = [
        {"workflow": "=cmd()", "spend_usd": D("0.123456789012"), "n": 3},
        {"workflow": None, "spend_usd": None, "n": -1},
    ]
    assert as_csv(rows) == b"workflow,spend_usd,n\r\n'=cmd(),0.123456789012,3\r\n,,-1\r\n"


def test_a_workbook_holds_the_same_with_numbers_as_numbers_and_the_same_bytes_each_time():
    rows = [
        {"day": date(2026, 11, 8), "workflow": "=cmd()", "spend_usd": D("0.125"), "n": 3},
        {"day": None, "workflow": None, "spend_usd": None, "n": -1},
    ]
    made = as_xlsx(rows, "week/45")
    assert made == as_xlsx(rows, "week/45")
    [sheet] = load_workbook(io.BytesIO(made)).worksheets
    assert (sheet.title, [[cell.value for cell in row] for row in sheet.iter_rows()]) == (
        "week 45",
        [["day", "workflow", "spend_usd", "n"], [datetime(2026, 11, 8), "=cmd()", 0.125, 3], [None, None, None, -1]],  # noqa: DTZ001
    )
    assert sheet["B2"].data_type == "s"


def test_every_table_can_be_downloaded_in_both_forms(show, sample):
    for page in ("this_week", "cost", "value", "changes", "split", "budgets", "health"):
        at = show(sample, page)
        tables = len(at.dataframe) + len(at.table)
        assert tables
        labels = [button.label for button in at.get("download_button")]
        assert labels.pop(0) == "Export this page"
        assert labels == ["CSV", "XLSX"] * (len(labels) // 2)
        assert len(labels) // 2 >= tables


def test_on_a_phone_the_count_of_rows_leaves_the_downloads_their_line(show, sample, monkeypatch):
    """A touch screen's own buttons stand at the right end of that line."""

    def beside_the_count(block: Any) -> list[str] | None:
        children = list(block.children.values())
        if any("25 rows, 8 in view" in str(getattr(one, "value", "")) for one in children if one.type == "markdown"):
            return [one.label for one in children if one.type == "download_button"]
        found = (beside_the_count(one) for one in children if hasattr(type(one), "children") or "children" in vars(one))
        return next((labels for labels in found if labels is not None), None)

    assert beside_the_count(show(sample, "cost").main) == ["CSV", "XLSX"]
    monkeypatch.setattr("dashboards.tables.on_a_phone", lambda: True)
    assert beside_the_count(show(sample, "cost").main) == []
