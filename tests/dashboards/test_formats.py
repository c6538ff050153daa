"""How numbers, days and texts look."""

from datetime import UTC, date, datetime
from decimal import Decimal as D

import pytest

from dashboards import formats as f
from dashboards.columns import COLUMNS
from dashboards.names import dated, human, missing_rates, model, within


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (D("0"), "$0.00"), (D("1234.565"), "$1,234.56"), (D("1234.575"), "$1,234.58"), (D("-12.5"), "−$12.50"),
        (D("0.001"), "$0.00"), (D("-0.001"), "$0.00"), (None, "–"), (D("1000000"), "$1,000,000.00"),
    ],
)  # fmt: skip
def test_spend_has_two_decimals_and_a_half_cent_goes_to_the_even_one(value, text):
    assert f.money(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (D("0.951472654762"), "$0.9515"), (D("1.555261731507"), "$1.555"), (D("0.028058212469"), "$0.02806"), (D("1234.56"), "$1,235"),
        (D("12.3456"), "$12.35"), (D("9.99996"), "$10.00"), (D("0"), "$0"), (None, "–"), (D("-0.5"), "−$0.5000"),
    ],
)  # fmt: skip
def test_cost_per_outcome_has_four_significant_digits(value, text):
    assert f.unit_cost(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (D("0.393997652316"), "39 %"), (D("0"), "0 %"), (D("0.0004"), "<1 %"), (D("0.9996"), ">99 %"), (D("1"), "100 %"), (1.02046, "102 %"),
        (D("-0.125"), "−12 %"), (None, "–"),
    ],
)  # fmt: skip
def test_a_share_is_a_whole_percent_and_says_when_it_is_not_quite_nothing_or_all(value, text):
    assert f.share(value) == text.replace(" ", "\u00a0")


def test_a_change_carries_its_sign():
    assert [f.change(v) for v in (D("0.216"), D("-0.035"), D("0.001"), None)] == [
        "+22\u00a0%",
        "−4\u00a0%",
        "0\u00a0%",
        "–",
    ]


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (0.886841, 0.888509, "88.7–88.9 %"), (0.994, 1.0469, "99–105 %"), (-2.39, -2.314, "−239 to −231 %"), (0.5, 0.5, "50.0 %"), (None, 1, "–"),
    ],
)  # fmt: skip
def test_an_interval_gets_a_decimal_only_where_it_would_vanish(low, high, text):
    assert f.interval(low, high) == text.replace(" %", "\u00a0%")


@pytest.mark.parametrize(
    ("value", "text"),
    [(812, "812"), (395_000, "395k"), (1_234_567, "1.2M"), (2_500_000_000, "2.5B"), (0, "0"), (None, "–")],
)
def test_tokens_are_compact(value, text):
    assert f.tokens(value) == text


def test_a_rate_is_dollars_for_a_million():
    assert [f.rate(D(v)) for v in ("0.00000025", "0.000004", "0.0000000375", "0")] == [
        "0.25",
        "4.00",
        "0.0375",
        "0.00",
    ]


def test_days_and_periods():
    assert f.day(date(2026, 11, 8)) == "8\u00a0Nov\u00a02026"
    assert f.period(date(2026, 10, 12), date(2026, 11, 8)) == "12\u00a0Oct – 8\u00a0Nov\u00a02026"
    assert f.period(date(2025, 12, 29), date(2026, 1, 4)) == "29\u00a0Dec\u00a02025 – 4\u00a0Jan\u00a02026"


def test_a_moment_is_told_in_the_reporting_zone():
    assert f.clock(datetime(2026, 11, 8, 23, 30, tzinfo=UTC), "Europe/Berlin") == "9\u00a0Nov\u00a02026, 00:30"


def test_lists_and_plurals_read_as_sentences():
    assert f.listing(["a", "b", "c"]) == "a, b and c"
    assert (f.listing(["a"]), f.listing([])) == ("a", "")
    assert (f.plural(1, "day"), f.plural(1200, "day")) == ("1 day", "1,200 days")


@pytest.mark.parametrize(
    "text",
    [
        "$1 to $2",
        "<b>x</b>",
        "[a](http://x)",
        ":red[x]",
        "a_b*c*`d`",
        "# h",
        "![i](x)",
        "a | b",
        "1. x ~y~ ^2",
        "back\\slash",
    ],
)
def test_no_text_becomes_markup(text):
    safe = f.plain(text)
    assert f.unplain(safe) == text
    assert not any(c in safe.replace("\\" + c, "") for c in "$<>[]*_`#|" if c in text)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("input@standard,output@standard", "input and output"),
        ("cache_read@standard", "cache read"),
        ("input@standard,input@batch,output@batch", "input; input and output of batch calls"),
        ("input@standard,output@standard,region=eu-west-1", "input and output, in eu-west-1"),
    ],
)
def test_rates_that_are_missing_are_said_in_words(told, said):
    assert missing_rates(told) == said


def test_days_and_months_in_a_text_read_as_on_screens_and_ids_stay():
    assert dated("2026-11: used up on 2026-11-29") == "November 2026: used up on 29\u00a0Nov\u00a02026"
    kept = "claims_decision:drift:2026-10-30 gpt-5.4-2026-03-05 run-2026-11 2026-11-abc"
    assert dated(kept) == kept


def test_names_read_as_people_say_them():
    assert human("internal_reporting") == "Internal reporting"
    assert within("internal_reporting") == "internal reporting"
    assert human("kyc_check") == "KYC check"
    assert model("openai/gpt-5-mini") == "gpt-5-mini"
    assert human(None) == "–"


def test_every_column_writes_the_unknown_as_a_dash_or_nothing():
    assert {c.text(None) for c in COLUMNS.values()} <= {"–", ""}
