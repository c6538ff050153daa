"""Reports in another currency: what people read is converted by a dated rate that stands beside it; tables stay dollars."""

from __future__ import annotations

import json
import re

import pytest

from pipelines.console.checks import check_workspace
from pipelines.console.headline import headline
from pipelines.workspace.errors import UsageError
from tests.console.test_cli import outlay
from tests.workspaces import Bench, call, event

HEAD = "day,currency,per_usd,source\n"


@pytest.fixture
def euro(bench: Bench) -> Bench:
    """Two calls, of 20 October and 6 November, reported in euros."""
    bench.config["reporting"] = {"currency": "EUR"}
    bench.config["rates"] = {"contract": "rates.yaml"}
    bench.save()
    (bench.root / "rates.yaml").write_text("exchange: fx.csv\n")
    (bench.root / "fx.csv").write_text(HEAD + "2026-10-01,EUR,0.9000,ECB\n2026-11-06,EUR,0.9153,ECB\n")
    bench.calls(
        call("r1", input_tokens=1_000_000, output_tokens=0),
        call("r2", input_tokens=1_000_000, output_tokens=0, time="2026-11-06T10:00:00Z"),
    )
    bench.outcomes(event("e1"))
    return bench


def test_the_headline_is_in_the_reporting_currency_with_its_rate(euro: Bench):
    euro.run()
    text = headline(euro.published)
    assert "28 days to 2026-11-06, EUR at 0.9153 (2026-11-06)" in text
    assert "Spend €" in text
    assert "$" not in text.split("All days")[0]
    assert re.search(r"review +9\.15 ", text)  # two calls of $5.00
    assert "All days: 2 requests, €9.15, of which €0.00 no unit bears" in text


def test_columns_named_usd_stay_dollars_and_the_rates_are_a_table(euro: Bench):
    euro.run()
    assert [r["spend_usd"] for r in euro.export("daily_cost")] == ["5.000000000000"] * 2
    assert euro.published.meta["summary"]["spend_usd"] == "10.000000000000"
    rates = [tuple(r.values()) for r in euro.export("exchange_rates")]
    assert (rates[0], rates[-1], len(rates)) == (
        ("2026-10-20", "EUR", "0.900000000000", "ECB", "2026-10-01"),
        ("2026-11-06", "EUR", "0.915300000000", "ECB", "2026-11-06"),
        18,
    )
    assert rates[11] == ("2026-10-31", "EUR", "0.900000000000", "ECB", "2026-10-01")
    assert rates[12] == ("2026-11-01", "EUR", "", "", "")  # 31 days after the last rate: stale, so none
    assert euro.published.meta["exchange"] == {
        "currency": "EUR", "rate": "0.9153", "rate_day": "2026-11-06", "source": "ECB",
    }  # fmt: skip


def test_without_a_rate_for_the_last_day_dollars_are_shown_and_said(euro: Bench):
    (euro.root / "fx.csv").write_text(HEAD + "2026-10-01,EUR,0.9000,ECB\n")
    euro.run()
    text = headline(euro.published)
    assert "US dollars (no EUR rate is known)" in text
    assert "All days: 2 requests, $10.00" in text
    [warning] = [w for w in check_workspace(euro.loaded)["warnings"] if "EUR" in w]
    assert "no EUR rate for 2026-11-06 nor for the 30 days before it: add the line 2026-11-06,EUR," in warning


def test_a_new_exchange_rate_is_published_by_the_next_run_and_moves_no_cost(euro: Bench):
    before = euro.run()["published"]
    assert euro.run()["published"] == before
    with (euro.root / "fx.csv").open("a") as file:
        file.write("2026-11-05,EUR,0.9100,ECB\n")
    after = euro.run()
    assert (after["published"] != before, after["days"], after["spend_usd"]) == (True, [], "10.000000000000")
    assert [r["rate"] for r in euro.export("exchange_rates") if r["day"] == "2026-11-05"] == ["0.910000000000"]


def test_a_reporting_currency_without_rates_is_refused_before_anything_is_written(euro: Bench):
    (euro.root / "rates.yaml").write_text("rates: []\n")
    with pytest.raises(
        UsageError, match=r"reporting\.currency: EUR needs exchange rates: name their file with exchange:"
    ):
        euro.run()
    assert not (euro.root / ".outlay/published/current").exists()
    assert any("EUR needs exchange rates" in e for e in check_workspace(euro.loaded)["errors"])


def test_check_names_file_line_and_key_of_what_the_contract_may_not_say(euro: Bench):
    contract, fx = euro.root / "rates.yaml", euro.root / "fx.csv"
    contract.write_text(
        "exchange: fx.csv\nprovisioned:\n  - {name: a, provider: o, model: m, cost_usd: 5, period: day}\n"
    )
    done = outlay("check", "--json", workspace=euro.root, code=2)
    [error] = json.loads(done.stdout)["errors"]
    assert error.endswith(
        'rates.yaml, line 3: provisioned.0.cost_usd: expected a decimal string such as "2.50", found 5'
    )
    contract.write_text(
        'commitments:\n  - name: deal\n    provider: o\n    amount_usd: "5"\n    period: week\n    valid_from: 2026-10-01\n'
    )
    assert "rates.yaml, line 5: commitments.0.period: " in check_workspace(euro.loaded)["errors"][0]
    contract.write_text("exchange: fx.csv\n")
    fx.write_text(HEAD + "2026-10-01,EUR,zero,ECB\n")
    assert "fx.csv: line 2: expected units per dollar above 0" in check_workspace(euro.loaded)["errors"][0]
