"""A link reproduces its view: every filter of every page is read from the address."""

from __future__ import annotations

import pytest

from tests.dashboards.reading import said

LINKS = {
    "cost": (
        {"workflow": "Claims decision", "figure": "Whole lives", "unit": "clm-261030-009"},
        {"workflow": "claims_decision", "figure": "Whole lives", "unit": "clm-261030-009"},
        "Decision clm-261030-009: $4.299",
    ),
    "value": ({"worth": "2.5"}, {"worth": 2.5}, "At $2.50 each"),
    "changes": ({"workflow": "Customer records", "of": "Contract review"}, {"workflow": "customer_records", "of": "contract_review"}, "An outcome of contract review"),
    "split": (
        {"task": "Drafting (internal reporting)", "curve": "Internal reporting", "accepted_internal_reporting": "90 %"},
        {"task": "internal_reporting/drafting", "curve": "internal_reporting", "accepted_internal_reporting": 90},
        "At 90 % internal reporting",
    ),
    "budgets": ({"month": "October 2026", "budget": "All spend"}, {"month": "2026-10", "budget": "All spend"}, "All spend, October 2026"),
}  # fmt: skip


@pytest.mark.parametrize("page", LINKS)
def test_a_link_reproduces_its_view(page, show, sample):
    filters, wanted, words = LINKS[page]
    at = show(sample, page, **filters)
    assert not at.exception
    assert {key: at.session_state[key] for key in wanted} == wanted
    assert words in said(at).replace("\u00a0", " ")
