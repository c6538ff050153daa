"""The page of the month close: its sentence, the road from the bill to the meter, closes, and what to do where there is none."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from pathlib import Path

from pipelines.close.closing import Asked as Closing
from pipelines.close.closing import close_month
from tests.close.bench import close_bench, cost, openai_bill
from tests.dashboards.reading import cents, frame, metrics, rows, said, title
from tests.workspaces import Bench, call, event

BOTH = (cost("gpt-5.4, input_tokens", "0.0025", 1000), cost("gpt-5.4, output_tokens", "0.0015", 100))
LATER = call("later", time="2026-11-02T10:00:00Z", provider="mistral", model="mistral-large-latest", workflow=None)


def billed(tmp_path: Path, *lines, **config) -> Bench:
    """October with one call, its bill and further lines on it."""
    bench = close_bench(tmp_path / "ws", **config)
    bench.calls(call("1"), LATER)
    bench.outcomes(event("e1"))
    openai_bill(bench, {"2026-10-20": [*BOTH, *lines]})
    bench.run()
    return bench


def commands(at) -> list[str]:
    return [block.value for block in at.code if block.value.startswith("outlay")]


def test_the_first_line_says_billed_metered_and_that_every_cent_has_a_name(show, sample, published):
    found = rows(
        published,
        "select provider, billed_usd, metered_usd, item, amount_usd from reconciliation where period = '2026-10'",
    )
    sides = {provider: (bill or Decimal(0), meter) for provider, bill, meter, _, _ in found}
    bill, meter = (sum((side[n] for side in sides.values()), Decimal(0)) for n in (0, 1))
    at = show(sample, "close")
    assert title(at) == (
        f"October 2026: {cents(bill)} billed and {cents(meter)} metered; 3 named differences explain every cent between "
        "them, and the month can be closed."
    )
    unseen = sum((amount for *_, item, amount in found if item == "not metered"), Decimal(0))
    tiles = metrics(at)
    assert tiles["Billed"] == (f"${round(bill):,}", "2 sources")
    assert tiles["Without a name"] == ("$0.00", "all explained")
    assert tiles["Never logged"][0] == cents(unseen)
    assert commands(at)[0] == "outlay close --month 2026-10"
    picture = next(one for one in at.get("plotly_chart") if "Never logged" in one.proto.alt)
    assert picture.proto.alt == (
        f"October 2026: billed {cents(bill)}; Never logged −{cents(unseen)}; Tools −$4.80; Credits and discounts +$25.00; "
        f"No bill +$0.09; metered {cents(meter)}"
    )


def test_every_residual_stands_in_the_tables_as_it_is_exported(show, sample, published):
    at = show(sample, "close")
    wanted = rows(
        published,
        "select item, amount_usd from reconciliation where period = '2026-10' and item is not null order by provider, rowid",
    )
    names = {"not metered": "Never logged", "tools": "Tools", "credits and discounts": "Credits and discounts"}
    assert [(r["Difference"], r["Amount, $"]) for r in frame(at, "Difference", "Amount, $", "Status")] == [
        (names[item], amount) for item, amount in wanted
    ]
    unseen = rows(published, "select amount_usd from unseen_spend where month = '2026-10' order by amount_usd desc")
    assert [r["Amount, $"] for r in frame(at, "Borne by")] == [amount for (amount,) in unseen]
    charged = rows(
        published,
        "select value, spend_usd from chargeback where month = '2026-10' and dimension = 'team' and value is not null "
        "order by spend_usd desc",
    )
    assert [(r["Charged to"], r["Spend, $"]) for r in frame(at, "Charged to")][: len(charged)] == charged
    reasons: dict[str, Decimal] = defaultdict(Decimal)
    for reason, usd in rows(
        published, "select reason, spend_usd from unattributed where day between '2026-10-01' and '2026-10-31'"
    ):
        reasons[reason] += usd or 0
    assert sorted(r["Spend, $"] for r in frame(at, "Reason", "Spend, $")) == sorted(reasons.values())


def test_month_and_provider_live_in_the_address(show, sample, published):
    [(bill, meter)] = rows(
        published,
        "select distinct billed_usd, metered_usd from reconciliation where period = '2026-11' and provider = 'openai'",
    )
    at = show(sample, "close", month="November 2026", provider="OpenAI")
    assert title(at) == (
        f"November 2026: {cents(bill)} billed by OpenAI and {cents(meter)} metered; they are the same to the last digit, "
        "and the month isn't over."
    )
    assert [r["Provider"] for r in frame(at, "Without a name, $", "Bill from")] == ["OpenAI"]
    assert "November 2026 can be closed when it holds its last day." in said(at)


def test_a_rest_without_a_name_is_red_and_asks_for_a_reason(show, tmp_path):
    bench = billed(tmp_path, cost("support plan", "9.00"))
    at = show(bench.root, "close")
    assert title(at).endswith("$9.00 of the difference has no name, and the month is red.")
    assert metrics(at)["Without a name"] == ("$9.00", "over the limit")
    assert commands(at) == ['outlay close --month 2026-10 --accept-unexplained "REASON"']


def test_a_closed_month_says_who_signed_it_and_what_changed_since(show, tmp_path):
    bench = billed(tmp_path)
    close_month(bench.loaded, Closing("2026-10", by="cfo"))
    bench.run()
    at = show(bench.root, "close", month="October 2026")
    assert title(at).startswith("October 2026 is closed at $0.00 billed and $0.00 metered, signed by cfo on ")
    assert [(r["Kind"], r["Signed by"], r["File"]) for r in frame(at, "Signed by")] == [
        ("Close", "cfo", "2026-10.json"),
    ]
    bench.calls(call("late", time="2026-10-19T10:00:00Z"), file="late.jsonl")
    bench.run()
    at = show(bench.root, "close", month="October 2026")
    assert title(at).endswith("; 3 figures changed since.")
    late = frame(at, "Booked in")
    assert [(r["Difference"], r["Difference, $"]) for r in late] == [
        ("Metered", Decimal("0.004")), ("Logged, not billed", Decimal("-0.004")), ("Spend", Decimal("0.004")),
    ]  # fmt: skip
    assert commands(at)[0] == "outlay close --month 2026-10 --amend"


def test_an_edited_record_is_said_aloud(show, tmp_path):
    bench = billed(tmp_path)
    close_month(bench.loaded, Closing("2026-10", by="cfo"))
    file = bench.root / "closes/2026-10.json"
    file.write_text(file.read_text().replace('"cfo"', '"ceo"'))
    bench.run()
    at = show(bench.root, "close")
    assert "closes/2026-10.json was changed after it was written: restore it from version control." in said(at)


def test_without_a_bill_the_page_says_what_to_fetch_and_how_to_accrue(show, tmp_path):
    bench = close_bench(tmp_path / "ws")
    bench.calls(call("1"), LATER)
    bench.run()
    at = show(bench.root, "close", month="October 2026")
    assert title(at) == "No bill for October 2026 is here: $0.00 metered, and nothing to hold it against."
    assert metrics(at)["Billed"] == ("–", "no bill")
    assert commands(at) == [
        "outlay fetch openai-costs --month 2026-10\noutlay run", "outlay close --month 2026-10 --accrual",
    ]  # fmt: skip


def test_shared_costs_stand_beside_the_direct_ones(show, tmp_path):
    bench = billed(tmp_path, close={"shared": [{"name": "Gateway", "monthly_usd": "12", "driver": "equal"}]})
    at = show(bench.root, "close")
    assert [(r["Workflow"], r["Shared cost"], r["Shared, $"], r["Full, $"]) for r in frame(at, "Shared cost")] == [
        ("Review", "Gateway", Decimal(12), Decimal("12.004")),
    ]  # fmt: skip


def test_amounts_are_in_the_reporting_currency(show, tmp_path):
    bench = billed(tmp_path, cost("support plan", "9.00"))
    (bench.root / "rates.yaml").write_text("exchange: fx.csv\n")
    (bench.root / "fx.csv").write_text("day,currency,per_usd\n2026-11-01,EUR,0.9\n")
    bench.config |= {"rates": {"contract": "rates.yaml"}, "reporting": {"currency": "EUR"}}
    bench.save()
    bench.run()
    assert metrics(show(bench.root, "close"))["Without a name"] == ("€8.10", "over the limit")
