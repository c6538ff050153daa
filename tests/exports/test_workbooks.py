"""Workbooks: read back, cell by cell."""

from __future__ import annotations

import io
import zipfile
from datetime import date
from decimal import Decimal

import openpyxl
import pytest

from pipelines.exports.budget_pack import sheet_name, write_pack_to
from pipelines.exports.glossary import GLOSSARY
from pipelines.exports.summary import summary_rows
from pipelines.exports.write import write
from pipelines.storage.published import current
from tests.workspaces import Bench, call, event

RATES = "day,currency,per_usd\n2026-10-01,EUR,0.9\n"


def workbook(published, name: str, **period) -> tuple[openpyxl.Workbook, bytes]:
    out = io.BytesIO()
    write(published, name, "xlsx", out, **period)
    return openpyxl.load_workbook(out), out.getvalue()


def pack(published, **period) -> tuple[openpyxl.Workbook, bytes]:
    out = io.BytesIO()
    write_pack_to(published, out, **period)
    return openpyxl.load_workbook(out), out.getvalue()


def cover(book: openpyxl.Workbook) -> dict[str, str]:
    return {row[1].value: row[2].value for row in book["Cover"].iter_rows(min_row=3) if row[1].value}


def printed(sheet) -> tuple[str, bool, int]:
    """Orientation; fitted to pages, one wide by default; pages high, 0 for as many as it takes."""
    return sheet.page_setup.orientation, sheet.sheet_properties.pageSetUpPr.fitToPage, sheet.page_setup.fitToHeight


@pytest.fixture
def worked(bench: Bench) -> Bench:
    bench.calls(
        call("r1"), call("r2", unit_id="d2"), call("r3", workflow="claims", unit_id="c1"), call("r4", unit_id=None)
    )
    bench.outcomes(event("e1"), event("e2", unit_id="d2"))
    bench.run()
    return bench


def test_a_table_has_a_header_formats_totals_and_stays_in_sight(worked):
    book, _ = workbook(worked.published, "daily_cost")
    assert book.sheetnames == ["Cover", "daily_cost"]
    assert book.active.title == "daily_cost"
    sheet = book["daily_cost"]
    values = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert values[0][:4] == ["day", "workflow", "unit", "outcomes"]
    assert values[1:] == [
        [values[1][0], "claims", "decision", 0, 0, 1, 1000, 100, 0.004, 0, None, True, "no outcomes reported"],
        [values[2][0], "review", "document", 2, 0, 2, 2000, 200, 0.008, 0, 0.004, True, None],
        ["Total", None, None, 2, 0, 3, 3000, 300, 0.012, 0, None, None, None],
    ]
    assert values[1][0].date() == date(2026, 10, 20)
    assert sheet.freeze_panes == "B2"
    assert (sheet["A1"].font.bold, sheet["A4"].font.bold) == (True, True)
    assert (sheet["I2"].number_format, sheet["G2"].number_format, sheet["A2"].number_format) == (
        "#,##0.00",
        "#,##0",
        "yyyy-mm-dd",
    )
    assert printed(sheet) == ("landscape", True, 0)
    assert sheet.column_dimensions["B"].width >= len("review")


def test_the_cover_says_of_what_the_figures_are(worked):
    published = worked.published
    said = cover(workbook(published, "daily_cost")[0])
    assert said == {
        "Workspace": "Test company", "Period": "2026-10-20 to 2026-10-20, both included", "As of": "2026-10-20",
        "Currency": "US dollars", "Time zone": "UTC", "Run": published.meta["run_id"],
        "Rate book": published.meta["rate_book"], "Spend": "0.02 USD",
        "Unattributed share": "25.0 % (0.00 USD that no unit of a declared workflow bears)",
        "Requests": "4 in the whole ledger, 0 without a price",
    }  # fmt: skip
    none = cover(workbook(published, "daily_cost", last=date(2026, 10, 1))[0])
    assert (none["Period"], none["Unattributed share"]) == ("2026-10-20 to 2026-10-01, both included", "no spend")


def test_another_currency_stands_beside_the_dollars_with_its_rate_on_the_cover(worked):
    (worked.root / "rates.yaml").write_text("exchange: fx.csv\n")
    (worked.root / "fx.csv").write_text(RATES)
    worked.config |= {"rates": {"contract": "rates.yaml"}, "reporting": {"currency": "EUR"}}
    worked.save()
    worked.run()
    book, _ = workbook(worked.published, "daily_cost")
    assert cover(book)["Currency"] == "EUR at 0.9 (2026-10-01)"
    assert cover(book)["Spend"] == "0.01 EUR (0.02 USD)"
    sheet = book["daily_cost"]
    header = [cell.value for cell in sheet[1]]
    assert header[-3:] == ["spend_eur", "failure_spend_eur", "cost_per_outcome_eur"]
    review = dict(zip(header, [cell.value for cell in sheet[3]], strict=True))
    assert (review["spend_usd"], review["spend_eur"], review["cost_per_outcome_eur"]) == (0.008, 0.0072, 0.0036)
    totals = dict(zip(header, [cell.value for cell in sheet[4]], strict=True))
    assert (totals["spend_usd"], totals["spend_eur"], totals["cost_per_outcome_eur"]) == (0.012, 0.0108, None)
    summary = pack(worked.published)[0]["Summary"]
    assert summary["A2"].value.endswith("amounts in EUR at 0.9 (2026-10-01)")
    assert [row[2].value for row in summary.iter_rows(min_row=5, max_row=8)] == [0.0072, 0.0036, 0.0036, 0.0144]


def test_totals_are_sums_of_decimals_before_they_are_cells(sample):
    published = current(sample)
    for name, column in (("charges", "amount_usd"), ("focus", "BilledCost")):
        sheet = workbook(published, name)[0][name]
        at = [cell.value for cell in sheet[1]].index(column)
        last = [cell.value for cell in sheet[sheet.max_row]]
        assert (last[0], last[at]) == ("Total", float(Decimal(published.meta["summary"]["spend_usd"])))


def test_the_same_set_gives_the_same_bytes(sample):
    published = current(sample)
    for made in (workbook(published, "focus")[1], workbook(published, "value_ranking")[1], pack(published)[1]):
        with zipfile.ZipFile(io.BytesIO(made)) as archive:
            assert {info.date_time[0] for info in archive.infolist()} == {1980}
    assert pack(published)[1] == pack(published)[1]
    assert workbook(published, "focus")[1] == workbook(published, "focus")[1]


def test_the_budget_pack_holds_what_a_review_needs(sample):
    published = current(sample)
    book, made = pack(published)
    assert book.sheetnames[:4] == ["Cover", "Summary", "Daily cost", "Budgets"]
    assert book.sheetnames[-2:] == ["Restatements", "Glossary"]
    assert {"Chargeback team", "Chargeback workflow", "Unattributed", "Recommendations"} <= set(book.sheetnames)
    for sheet in book:
        assert printed(sheet) == ("landscape", True, 0), sheet.title
        assert not [cell for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
    assert book.active.title == "Summary"
    assert [row[0].value for row in book["Glossary"].iter_rows(min_row=2)] == [word for word, _ in GLOSSARY]
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        assert len([name for name in archive.namelist() if name.startswith("xl/charts/chart")]) == 2


def test_the_summary_adds_up_to_the_spend_of_the_period(sample):
    published = current(sample)
    sheet = pack(published)[0]["Summary"]
    header = [cell.value for cell in sheet[4]]
    rows = [
        dict(zip(header, [cell.value for cell in row], strict=True)) for row in sheet.iter_rows(min_row=5, max_row=10)
    ]
    assert [row["Workflow"] for row in rows] == [
        "Internal reporting", "Contract review", "Claims decision", "Customer records", "Unattributed", "Total",
    ]  # fmt: skip
    spend = float(Decimal(published.meta["summary"]["spend_usd"]))
    assert rows[-1]["Spend"] == spend == pytest.approx(sum(row["Spend"] for row in rows[:-1]))
    assert sum(row["Share of spend"] for row in rows[:-1]) == pytest.approx(1)
    claims = rows[2]
    assert (claims["Budget month"], claims["Budget"], claims["Budget status"]) == ("2026-11", 480, "at risk")
    assert claims["Cost per outcome"] == pytest.approx(claims["Spend"] / claims["Outcomes"])
    assert claims["90 % from"] < claims["Value per dollar"] < claims["90 % to"]


def test_a_pack_of_a_period_holds_that_period(sample):
    published = current(sample)
    first, last = date(2026, 10, 5), date(2026, 10, 11)
    book, _ = pack(published, first=first, last=last)
    days = [row[0].value for row in book["Daily cost"].iter_rows(min_row=2) if row[1].value]
    assert (min(days).date(), max(days).date()) == (first, last)
    assert {row[1].value for row in book["Budgets"].iter_rows(min_row=2) if row[1].value} == {"2026-10"}
    rows = summary_rows(published, first, last)
    assert {row["month"] for row in rows} == {"2026-10"}


def test_an_empty_workspace_has_a_pack_too(bench):
    bench.run()
    book, _ = pack(bench.published)
    assert cover(book)["Period"] == "no day yet"
    assert [cell.value for cell in book["Summary"][6]][:1] == ["Total"]


def test_sheets_have_names_that_excel_takes():
    taken = {"cover"}
    found = [
        sheet_name(name, taken)
        for name in ("Chargeback " + "x" * 40, "chargeback " + "X" * 40, "a[b]:c*d?e/f\\g'h", "Cover")
    ]
    assert found == ["Chargeback " + "x" * 20, "chargeback " + "X" * 18 + " 2", "a_b__c_d_e_f_g_h", "Cover 2"]
