"""Which week is reviewed, and up to which day it looks."""

from datetime import date, timedelta

import pytest

from pipelines.review.weeks import Chosen, Week, choose, last_whole_week, parse_week
from pipelines.workspace.errors import OutlayError, UsageError

W44, W45 = Week(date(2026, 10, 26)), Week(date(2026, 11, 2))
HELD = [Week(W44.first - timedelta(days=7 * n)) for n in range(5, -1, -1)] + [W45]
SUNDAY = date(2026, 11, 8)


def test_a_week_has_its_iso_name_over_the_turn_of_the_year():
    assert (W44.iso, W44.name, W44.last) == ("2026-W44", "week 44", date(2026, 11, 1))
    assert Week(date(2026, 12, 28)).iso == "2026-W53"
    assert parse_week("2026-W53") == Week(date(2026, 12, 28))
    assert last_whole_week(date(2027, 1, 3)).iso == "2026-W53"


@pytest.mark.parametrize("text", ["2026-46", "2026-W60", "W46", "2026-W4", "2025-W53", "next", "2026-W46 "])
def test_anything_but_a_week_of_the_calendar_is_wrong_usage(text):
    with pytest.raises(UsageError, match=r"expected an ISO week such as 2026-W46"):
        parse_week(text)


def test_the_default_is_the_last_whole_week_whose_outcomes_had_their_days():
    assert choose(None, HELD, SUNDAY, 0).week == W45
    four = choose(None, HELD, SUNDAY, 4)
    assert (four.week, four.seen_to, four.provisional, four.latest) == (W44, SUNDAY, False, True)
    assert four.why == "the last whole week whose outcomes have had their 4 days to arrive by 2026-11-08"
    assert choose(None, HELD, date(2026, 11, 11), 4).week == W44
    assert choose(None, HELD, date(2026, 11, 12), 4).week == W45


def test_where_no_week_has_settled_the_last_whole_one_is_told_as_provisional():
    chosen = choose(None, [W45], SUNDAY, 4)
    assert (chosen.week, chosen.provisional) == (W45, True)
    assert "provisional" in chosen.why


def test_an_earlier_week_looks_as_far_as_it_would_have_when_it_was_the_latest():
    assert choose("2026-W42", HELD, SUNDAY, 4) == Chosen(
        Week(date(2026, 10, 12)), date(2026, 10, 25), False, False, "asked for"
    )
    assert choose("2026-W45", HELD, SUNDAY, 4).provisional
    assert choose("2026-W45", HELD, SUNDAY, 4).seen_to == SUNDAY


def test_a_week_that_is_not_there_or_not_over_is_wrong_usage_and_says_which_are():
    with pytest.raises(UsageError, match=r"2026-W30: is not in the published set; published are 2026-W39 to 2026-W45"):
        choose("2026-W30", HELD, SUNDAY, 4)
    with pytest.raises(UsageError, match=r"2026-W45: is not over on 2026-11-05"):
        choose("2026-W45", HELD, date(2026, 11, 5), 4)
    with pytest.raises(OutlayError, match="no whole week"):
        choose(None, [W45], date(2026, 11, 5), 4)
