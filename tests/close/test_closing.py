"""A month is frozen once, chained to the one before, and what changes later is listed as an adjustment."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from pipelines.close.closing import Asked, close_month
from pipelines.close.records import read_records, signed
from pipelines.workspace.errors import OutlayError, UsageError
from tests.close.bench import close_bench, cost, openai_bill
from tests.workspaces import Bench, call

BOTH = (cost("gpt-5.4, input_tokens", "0.0025", 1000), cost("gpt-5.4, output_tokens", "0.0015", 100))
LOST = cost("gpt-5.4, input_tokens", "0.0010", 400, "proj_x1")
LATER = call("later", time="2026-11-02T10:00:00Z", provider="mistral", model="mistral-large-latest", workflow=None)


def month(bench: Bench, month: str, **asked):
    return close_month(bench.loaded, Asked(month, by="cfo", **asked))


def three_months(root: Path) -> Bench:
    """August and September with a bill, October with calls alone; 0.001 of every bill was never logged."""
    bench = close_bench(
        root,
        tags={"team": ["team"]},
        close={"unseen": [{"provider": "openai", "account": "proj_x*", "workflow": "review"}]},
    )
    bench.calls(
        call("1", time="2026-08-20T10:00:00Z", team="legal"),
        call("2", time="2026-09-20T10:00:00Z", team="legal"),
        call("3", time="2026-10-20T10:00:00Z", team="legal"),
        call("4", time="2026-10-21T10:00:00Z", workflow=None, unit_id=None),
        LATER,
    )
    openai_bill(bench, {"2026-08-20": [*BOTH, LOST]}, "2026-08")
    openai_bill(bench, {"2026-09-20": [*BOTH, LOST]}, "2026-09")
    bench.run()
    return bench


@pytest.fixture(scope="module")
def months(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("closing") / "ws"
    three_months(root)
    return root


@pytest.fixture
def bench(months: Path, tmp_path: Path) -> Bench:
    import shutil

    root = tmp_path / "ws"
    shutil.copytree(months, root)
    made = Bench.__new__(Bench)
    made.root = root
    return made


def test_a_close_freezes_figures_inputs_and_exports_in_a_chain(bench):
    first = month(bench, "2026-08").document["record"]
    second = month(bench, "2026-09").document["record"]
    assert (bench.root / "closes/2026-09.json").is_file()
    assert second["previous"] == first["sha256"] == signed(first)["sha256"]
    assert second["figures"]["providers"] == [
        {
            "provider": "openai", "account": None, "billed_usd": "0.005000000000", "metered_usd": "0.004000000000",
            "status": "reconciled", "source": "openai-bill", "items": {"not metered": "0.001000000000"},
        }
    ]  # fmt: skip
    assert second["figures"]["workflows"] == [{"workflow": "review", "spend_usd": "0.004000000000"}]
    assert second["figures"]["unseen"] == [
        {
            "provider": "openai", "account": "proj_x1", "workflow": "review", "method": "rule", "basis": "account",
            "amount_usd": "0.001000000000", "api_key": None,
        }
    ]  # fmt: skip
    assert second["closed_by"]["name"] == "cfo"
    assert second["rate_book"]
    assert {r["file"] for r in second["inputs"]} == {
        "logs/calls/a.jsonl", "bills/openai/2026-08.json", "bills/openai/2026-09.json",
    }  # fmt: skip
    assert all(len(value) == 64 for value in [*second["exports"].values(), *(r["sha256"] for r in second["inputs"])])
    assert month(bench, "2026-09").text.endswith("closes/2026-09.json (unchanged since)")
    assert len(list((bench.root / "closes").iterdir())) == 2


def test_a_close_refuses_what_it_may_not_freeze(bench):
    with pytest.raises(UsageError, match="expected a month"):
        month(bench, "October")
    with pytest.raises(OutlayError, match="isn't over"):
        month(bench, "2026-11")
    with pytest.raises(OutlayError, match="neither bills nor requests"):
        month(bench, "2026-07")
    with pytest.raises(OutlayError, match="has no bill of openai"):
        month(bench, "2026-10")
    openai_bill(bench, {"2026-09-20": [*BOTH, cost("support plan", "9")]}, "2026-09")
    bench.run()
    with pytest.raises(OutlayError, match=r"is above the threshold in the bill of openai \(\$9\.00\); look at it"):
        month(bench, "2026-09")
    record = month(bench, "2026-09", accept_unexplained="support, signed in June").document["record"]
    assert record["accepted_unexplained"] == "support, signed in June"


def test_every_red_account_is_named_with_its_rest_most_first_and_not_without_end(tmp_path):
    bench = close_bench(tmp_path, tags={"account": ["project"]})
    bench.calls(*(call(f"{n}", time="2026-09-20T10:00:00Z", project=f"proj_{n}") for n in range(7)), LATER)
    bills = [
        cost(each["line_item"], each["amount"]["value"], each["quantity"], f"proj_{n}")
        for n in range(7)
        for each in BOTH
    ]
    extra = [cost("support plan", f"{10 + n}", None, f"proj_{n}") for n in range(7)]
    openai_bill(bench, {"2026-09-20": [*bills, extra[0], extra[3]]}, "2026-09")
    bench.run()
    with pytest.raises(
        OutlayError, match=r"in the bill of openai/proj_3 \(\$13\.00\), openai/proj_0 \(\$10\.00\); look"
    ):
        month(bench, "2026-09")
    openai_bill(bench, {"2026-09-20": [*bills, *extra]}, "2026-09")
    bench.run()
    with pytest.raises(OutlayError) as refused:
        month(bench, "2026-09")
    assert str(refused.value) == (
        "2026-09: what no item explains is above the threshold in the bill of openai/proj_6 ($16.00), openai/proj_5 "
        "($15.00), openai/proj_4 ($14.00), openai/proj_3 ($13.00), openai/proj_2 ($12.00), 2 more (outlay export "
        "reconciliation); look at it, or --accept-unexplained REASON"
    )


def test_a_month_closed_again_says_the_same_figures_in_the_same_order(bench):
    said = [month(bench, "2026-08").text for _ in range(2)]
    assert said[0].splitlines()[:-1] == said[1].splitlines()[:-1]


def test_what_changes_in_a_closed_month_is_an_adjustment_of_the_next_open_one(bench):
    month(bench, "2026-08")
    month(bench, "2026-09")
    bench.run()
    assert bench.export("close_adjustments") == []
    bench.calls(call("late", time="2026-08-21T10:00:00Z", workflow="review"), file="late.jsonl")
    bench.run()
    rows = bench.export("close_adjustments")
    assert [
        (r["closed_month"], r["found_in"], r["provider"], r["workflow"], r["item"], r["difference_usd"]) for r in rows
    ] == [
        ("2026-08", "2026-10", "openai", "", "metered", "0.004000000000"),
        ("2026-08", "2026-10", "openai", "", "not billed", "-0.004000000000"),
        ("2026-08", "2026-10", "openai", "review", "spend", "0.004000000000"),
    ]
    with pytest.raises(OutlayError, match="closed with other figures"):
        month(bench, "2026-08")
    with pytest.raises(OutlayError, match="the bill of openai is not complete"):
        month(bench, "2026-08", amend=True)  # calls after the last billed day
    amended = month(bench, "2026-08", amend=True, accept_unexplained="the provider confirms").document
    assert (amended["file"], amended["record"]["amends"]) == ("closes/2026-08.2.json", "2026-08.json")
    bench.run()
    assert bench.export("close_adjustments") == []


def test_deleting_all_that_outlay_writes_loses_no_close(bench):
    import shutil

    month(bench, "2026-09")
    before = bench.published.name
    shutil.rmtree(bench.root / ".outlay")
    bench.run()
    assert bench.published.name != before
    assert month(bench, "2026-09").text.endswith("(unchanged since)")


def test_a_record_that_was_edited_is_refused_and_alerted(bench):
    month(bench, "2026-08")
    month(bench, "2026-09")
    file = bench.root / "closes/2026-08.json"
    file.write_text(file.read_text().replace('"cfo"', '"ceo"'))
    with pytest.raises(OutlayError, match="was changed after it was written"):
        month(bench, "2026-09")
    bench.run()
    found = [(a["subject"], a["severity"]) for a in bench.export("alerts") if a["subject"].startswith("closes/")]
    # the edited one, and the one that no longer has its predecessor
    assert found == [("closes/2026-08.json", "high"), ("closes/2026-09.json", "high")]


def test_an_accrual_expects_the_unseen_share_of_closed_months_and_the_close_trues_it_up(bench):
    month(bench, "2026-08")
    month(bench, "2026-09")
    done = month(bench, "2026-10", accrual=True)
    accrual = done.document["record"]["accrual"]
    assert done.document["file"] == "closes/2026-10.accrual.json"
    assert accrual["expected"] == [{"provider": "openai", "months": 2, "share": "0.250000"}]
    assert accrual["cost_centres"] == [
        {
            "provider": "openai", "workflow": None, "team": None, "metered_usd": "0.004000000000",
            "expected_unseen_usd": "0.001000000000", "accrued_usd": "0.005000000000",
        },
        {
            "provider": "openai", "workflow": "review", "team": "legal", "metered_usd": "0.004000000000",
            "expected_unseen_usd": "0.001000000000", "accrued_usd": "0.005000000000",
        },
    ]  # fmt: skip
    openai_bill(bench, {"2026-10-20": [*BOTH, cost("gpt-5.4, input_tokens", "0.5", 200_000, "proj_x1")],
                        "2026-10-21": BOTH}, "2026-10")  # fmt: skip
    bench.run()
    trued = month(bench, "2026-10").document["record"]["trued_up"]
    assert trued["accrual"] == "2026-10.accrual.json"
    assert [(r["workflow"], r["team"], r["difference_usd"]) for r in trued["cost_centres"]] == [
        (None, None, "-0.001000000000"),
        ("review", None, "0.500000000000"),
        ("review", "legal", "-0.001000000000"),
    ]
    assert Decimal(trued["difference_usd"]) == Decimal("0.498")
    with pytest.raises(OutlayError, match="is closed"):
        month(bench, "2026-10", accrual=True)


def test_a_set_of_an_older_version_is_refused_with_the_command_that_makes_it_anew(bench, monkeypatch):
    monkeypatch.setattr("pipelines.close.closing.MARTS", ("reconciliation", "a_later_mart"))
    with pytest.raises(OutlayError, match="lacks a_later_mart, as another version made it: outlay run --full"):
        month(bench, "2026-09")


def test_records_are_canonical_text(bench):
    month(bench, "2026-09")
    text = (bench.root / "closes/2026-09.json").read_text()
    assert text == json.dumps(json.loads(text), sort_keys=True, ensure_ascii=False, indent=1) + "\n"
    assert not read_records(bench.root).broken
    assert str(bench.root) not in text
