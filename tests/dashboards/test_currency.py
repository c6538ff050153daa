"""The pages in another currency: one rate for all of a page, shown in its heading."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from dashboards import formats
from dashboards.tables import as_csv
from pipelines.publish.currency import DOLLARS, Shown
from pipelines.run import run_workspace
from pipelines.running import Asked
from pipelines.storage.published import current
from pipelines.workspace.load import load_workspace


@pytest.fixture
def euro(copy: Path) -> Path:
    """The sample company, reported in euros."""
    file = copy / "outlay.yaml"
    text = file.read_text().replace("currency: USD", "currency: EUR")
    file.write_text(text + "rates: {contract: rates.yaml}\n")
    (copy / "rates.yaml").write_text("exchange: fx.csv\n")
    day = current(copy).meta["as_of"]
    (copy / "fx.csv").write_text(f"day,currency,per_usd\n{day},EUR,0.5\n")
    run_workspace(load_workspace(copy), Asked())
    return copy


def test_every_page_shows_one_currency_and_its_rate(show, sample, euro):
    day = current(euro).meta["as_of"]
    for page in ("this_week", "cost", "value", "changes", "split", "budgets", "close", "health"):
        dollars, at = show(sample, page), show(euro, page)
        assert f"EUR at 0.5 ({day})" in formats.unplain(at.markdown[0].value), page
        shown = {m.label: formats.unplain(m.value) for m in at.metric}
        for metric in dollars.metric:
            value = formats.unplain(metric.value)
            if value.startswith("$") and "per" not in metric.label.lower():
                assert shown[metric.label].startswith("€"), (page, metric.label)
        assert not [title for found in (*at.dataframe, *at.table) for title in found.value.columns if ", $" in title], (
            page
        )


def test_spend_is_converted_and_ratios_are_not(show, sample, euro):
    dollars, at = show(sample, "value").dataframe[0].value, show(euro, "value").dataframe[0].value
    assert "Spend, €" in at.columns
    assert [2 * v for v in at["Spend, €"]] == list(dollars["Spend, $"])
    assert list(at["Outcomes"]) == list(dollars["Outcomes"])
    assert list(at.filter(like="Value per").iloc[:, 0]) == list(dollars["Value per $"])


def test_a_download_of_converted_amounts_is_not_named_usd():
    formats.show_in(Shown("EUR", Decimal("0.5"), "2026-11-06"))
    try:
        assert (
            as_csv([{"spend_usd": Decimal("1.50"), "value_per_usd": Decimal(2)}])
            == b"spend_eur,value_per_usd\r\n1.50,2\r\n"
        )
        assert (formats.money(Decimal("1.5")), formats.in_currency("Spend, $")) == ("€1.50", "Spend, €")
    finally:
        formats.show_in(DOLLARS)
