"""What a table gives to download."""

from decimal import Decimal as D

from dashboards.tables import as_csv


def test_a_download_holds_every_digit_and_no_formula():
    rows = [
        {"workflow": "=cmd()", "spend_usd": D("0.123456789012"), "n": 3},
        {"workflow": None, "spend_usd": None, "n": -1},
    ]
    assert as_csv(rows) == b"workflow,spend_usd,n\r\n'=cmd(),0.123456789012,3\r\n,,-1\r\n"


def test_every_table_can_be_downloaded(show, sample):
    for page in ("this_week", "cost", "value", "split", "health"):
        at = show(sample, page)
        tables = len(at.dataframe) + len(at.table)
        assert tables
        assert len(at.get("download_button")) == tables
