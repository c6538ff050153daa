"""Bills, usage reports and outcome counts: stored once, the last pull counting, never added to what requests cost."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.console.checks import check_workspace
from pipelines.storage.ledger import open_ledger
from pipelines.workspace.errors import OutlayError
from tests.intake.test_once_and_only_once import counts
from tests.sources.reading import EXAMPLES
from tests.workspaces import BASE, Bench, call

COUNTS = (
    {"name": "a", "kind": "outcome-counts", "path": "a/*"},
    {"name": "b", "kind": "outcome-counts", "path": "b/*"},
)


def bench_of(root: Path, *sources: Mapping[str, Any], **config: Any) -> Bench:
    return Bench(root, {"sources": [BASE["sources"][0], *sources], **config})


def bill(kind: str, **fields: Any) -> dict[str, Any]:
    """A source of that kind, named for it, over the files in its folder."""
    return {"name": kind, "kind": kind, "path": f"{kind}/*", **fields}


def billed(bench: Bench, columns: str = "day, provider, account, model, item, billed_usd, source"):
    with bench.published.connect() as con:
        return [
            tuple(format(v, "f") if isinstance(v, Decimal) else str(v) if isinstance(v, date) else v for v in row)
            for row in con.execute(f"select {columns} from billed order by all").fetchall()
        ]


def held(bench: Bench, query: str) -> list[tuple]:
    con = open_ledger(bench.loaded.home / "ledger.duckdb")
    try:
        return con.execute(query).fetchall()
    finally:
        con.close()


def of_the_reports(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Its alerts but the one that says that there are bills alone, and no log."""
    return [alert for alert in document["alerts"] if "and no log of" not in alert["detail"]]


def costs(day: int, *amounts: tuple[str, str]) -> str:
    """A page of OpenAI's costs: one day in November 2026, (project, dollars)."""
    start = 1793491200 + (day - 1) * 86400
    results = [
        {"object": "organization.costs.result", "amount": {"value": usd, "currency": "usd"}, "project_id": project,
         "line_item": "tokens"}
        for project, usd in amounts
    ]  # fmt: skip
    bucket = {"object": "bucket", "start_time": start, "end_time": start + 86400, "results": results}
    return json.dumps({"object": "page", "data": [bucket], "has_more": False})


@pytest.mark.parametrize(
    ("kind", "example", "read", "total"),
    [
        ("openai-usage", "01-openai-usage-completions.json", 3, None),
        ("openai-costs", "01-openai-costs.json", 7, "0.175700000000"),
        ("anthropic-usage", "02-anthropic-usage-report-messages.json", 3, None),
        ("anthropic-cost", "02-anthropic-cost-report.json", 9, "39.091200000000"),
        ("openrouter-activity", "07-openrouter-activity.json", 4, "0.014100000000"),
        ("focus", "08-focus-composed-1.2.csv", 7, "36.115000000000"),
    ],
)
def test_every_kind_is_read_once_and_adds_nothing_to_spend(tmp_path, kind, example, read, total):
    bench = bench_of(tmp_path, bill(kind))
    bench.calls(call("r1"))
    (bench.root / kind).mkdir()
    shutil.copy(EXAMPLES / example, bench.root / kind)
    assert check_workspace(bench.loaded)["warnings"] == []
    document = bench.run()
    assert document["records"] == counts(1 + read, 1 + read)
    assert (document["spend_usd"], document["requests"], document["not_read"]) == ("0.004000000000", 1, {})
    with bench.published.connect() as con:
        [(sum_usd, health)] = con.execute(
            "select (select sum(billed_usd) from billed), (select stored from sources_health where source = $kind)",
            {"kind": kind},
        ).fetchall()
    assert (sum_usd and format(sum_usd, "f"), health) == (total, read)
    second = bench.run()
    assert second["records"] == counts(0, 0)
    assert (second["files"]["unchanged"], second["published"]) == (2, document["published"])
    before = bench.fingerprint()
    bench.run(full=True)
    assert bench.fingerprint() == before


@pytest.mark.parametrize("order", [("10.json", "11.json"), ("11.json", "10.json")])
@pytest.mark.parametrize("runs", [1, 2])
def test_the_last_pull_of_a_period_replaces_it_and_an_alert_names_both(tmp_path, order, runs):
    bench = bench_of(tmp_path, bill("openai-costs"))
    pages = {
        "10.json": costs(9, ("p1", "5.00"), ("p2", "1.00"), ("p3", "0.25")) + "\n" + costs(8, ("p1", "3.00")),
        "11.json": costs(9, ("p1", "6.50"), ("p3", "0.25")),
    }
    documents = []
    for number, name in enumerate(order):
        bench.lines(f"openai-costs/{name}", [pages[name]])
        if runs == 2 or number:
            documents.append(bench.run())
    assert billed(bench) == [
        ("2026-11-08", "openai", "p1", None, "tokens", "3.000000000000", "openai-costs"),
        ("2026-11-09", "openai", "p1", None, "tokens", "6.500000000000", "openai-costs"),
        ("2026-11-09", "openai", "p3", None, "tokens", "0.250000000000", "openai-costs"),
    ]
    assert of_the_reports(documents[-1]) == [
        {
            "day": "2026-11-09", "kind": "reconciliation", "subject": "openai-costs", "severity": "medium",
            "detail": "openai-costs/10.json and openai-costs/11.json say different figures in 2 rows of the same "
            "periods ($6.00 and $6.50): openai-costs/11.json counts, the later name",
        }
    ]  # fmt: skip
    total = {k: sum(d["records"][k] for d in documents) for k in documents[0]["records"]}
    assert total == {
        (1, "10.json"): counts(6, 3, duplicate=1, superseded=2), (1, "11.json"): counts(6, 3, duplicate=1, superseded=2),
        (2, "10.json"): counts(6, 5, duplicate=1), (2, "11.json"): counts(6, 3, duplicate=1, superseded=2),
    }[runs, order[0]]  # fmt: skip


def day_page(kind: str, days: Mapping[int, str | None]) -> str:
    """A page of a report: days of November 2026 with one row of that many dollars, a million tokens each; or without."""
    if kind == "openrouter-activity":
        rows = [
            {
                "date": f"2026-11-{day:02}", "model": "openai/gpt-5.4", "model_permaslug": "p", "endpoint_id": "e",
                "provider_name": "OpenAI", "usage": float(usd), "byok_usage_inference": 0, "requests": 1,
                "prompt_tokens": 10**6, "completion_tokens": 0,
            }
            for day, usd in days.items()
            if usd is not None
        ]  # fmt: skip
        return json.dumps({"data": rows})
    buckets = []
    for day, usd in days.items():
        start = 1793491200 + (day - 1) * 86400
        result = {
            "openai-costs": {
                "object": "organization.costs.result", "amount": {"value": usd, "currency": "usd"}, "line_item": "tokens",
            },
            "openai-usage": {
                "object": "organization.usage.completions.result", "model": "gpt-5.4", "input_tokens": 10**6,
            },
            "anthropic-cost": {"amount": str(Decimal(usd or 0) * 100), "currency": "USD", "description": "tokens"},
            "anthropic-usage": {"model": "claude-sonnet-5", "uncached_input_tokens": 10**6},
        }[kind]  # fmt: skip
        results = [result] if usd is not None else []
        if kind.startswith("openai"):
            bucket = {"object": "bucket", "start_time": start, "end_time": start + 86400, "results": results}
        else:
            first, last = (datetime.fromtimestamp(at, UTC).isoformat() for at in (start, start + 86400))
            bucket = {"starting_at": first, "ending_at": last, "results": results}
        buckets.append(bucket)
    return json.dumps({"object": "page", "data": buckets, "has_more": False})


REPORTS = ("openai-costs", "openai-usage", "anthropic-cost", "anthropic-usage", "openrouter-activity")


def put(bench: Bench, name: str, days: Mapping[int, str | None]) -> None:
    """The same days as one file of every kind of report."""
    for source in bench.loaded.config.sources[1:]:
        bench.lines(f"{source.kind}/{name}", [day_page(source.kind, days)])


def days_in_force(bench: Bench) -> dict[str, list[int]]:
    """Kind -> the days of which a row counts."""
    found: dict[str, list[int]] = {}
    for table in ("billed_amounts", "metered_buckets"):
        for kind, days in held(bench, f"select kind, list(day order by day) from {table} where wins group by kind"):
            assert found.setdefault(kind, [day.day for day in days]) == [day.day for day in days]
    return found


def test_a_day_that_a_later_pull_covers_and_names_nothing_in_is_no_longer_billed(tmp_path):
    pulls = {
        "2026-11-10.json": {7: "1", 8: "2", 9: "3", 10: None},
        "2026-11-12.json": {8: "2", 9: None, 10: None, 11: "4"},
    }
    orders = [(sorted(pulls), True), (sorted(pulls), False), (sorted(pulls, reverse=True), False)]
    prints = []
    for order, at_once in orders:
        bench = bench_of(tmp_path / f"{order[0]}-{at_once}", *map(bill, REPORTS))
        document: dict[str, Any] = {}
        for number, name in enumerate(order):
            put(bench, name, pulls[name])
            if number or not at_once:
                document = bench.run()
                records = document["records"]
                assert records["read"] == records["stored"] + records["duplicate"] + records["superseded"]
        assert days_in_force(bench) == {key: [7, 8, 11] for key in REPORTS}
        lost = [(a["subject"], a["day"]) for a in document["alerts"] if "say different figures" in a["detail"]]
        assert sorted(lost) == sorted((kind, "2026-11-09") for kind in REPORTS)
        prints.append(bench.fingerprint())
    bench.run(full=True)
    assert days_in_force(bench) == {key: [7, 8, 11] for key in REPORTS}
    assert all(each == bench.fingerprint() for each in prints)


def test_what_no_later_pull_covers_stays_billed(tmp_path):
    bench = bench_of(tmp_path, *map(bill, REPORTS))
    put(bench, "1.json", {7: "1", 8: "2", 9: "3", 14: "1"})
    put(bench, "2.json", {8: "2"})
    bench.run()
    assert days_in_force(bench) == {key: [7, 8, 9, 14] for key in REPORTS}
    # a file that says anew that a day had nothing takes its word back when it names the day no more
    put(bench, "2.json", {8: "2", 9: None, 10: "1"})
    bench.run()
    assert days_in_force(bench) == {key: [7, 8, 10, 14] for key in REPORTS}
    put(bench, "2.json", {8: "2"})
    bench.run()
    assert days_in_force(bench) == {key: [7, 8, 9, 14] for key in REPORTS}


def test_a_full_rebuild_does_not_forget_what_a_lost_pull_took_back(tmp_path):
    bench = bench_of(tmp_path, bill("openai-costs"))
    put(bench, "1.json", {7: "1", 8: "2"})
    put(bench, "2.json", {7: "1", 8: None})
    put(bench, "3.json", {7: "1"})
    bench.run()
    assert days_in_force(bench) == {"openai-costs": [7]}
    (bench.root / "openai-costs/2.json").unlink()
    with pytest.raises(OutlayError, match=r"the inputs of 1 stored records are gone, on these days: 2026-11-08 \(1\)"):
        bench.run(full=True)
    bench.run(full=True, keep_missing=True)
    assert days_in_force(bench) == {"openai-costs": [7]}
    bench.run(full=True, accept_loss=True)
    assert days_in_force(bench) == {"openai-costs": [7, 8]}


def test_what_a_pull_can_not_tell_stays_billed(tmp_path):
    bench = bench_of(tmp_path, bill("openai-usage"), bill("openrouter-activity"))
    put(bench, "1.json", {7: "1"})
    # an empty page of usage says not what it is empty of, and one of more days than OpenRouter answers with is no answer
    bench.lines("openai-usage/2.json", [day_page("openai-usage", {7: None})])
    far = json.loads(day_page("openrouter-activity", {8: "2"}))
    far["data"].append({**far["data"][0], "date": "2026-10-01"})
    bench.lines("openrouter-activity/2.json", [json.dumps(far)])
    bench.run()
    assert {kind: sorted(days) for kind, days in days_in_force(bench).items()} == {
        "openai-usage": [7], "openrouter-activity": [1, 7, 8],
    }  # fmt: skip


def test_pages_of_one_pull_belong_together_and_the_later_page_wins_a_conflict(tmp_path):
    bench = bench_of(tmp_path, bill("openai-costs"))
    bench.lines("openai-costs/pull-page-1.json", [costs(9, ("p1", "5.00"), ("p2", "1.00"))])
    bench.lines("openai-costs/pull-page-2.json", [costs(9, ("p2", "2.00"), ("p3", "4.00"))])
    document = bench.run()
    assert [(row[2], row[5]) for row in billed(bench)] == [
        ("p1", "5.000000000000"), ("p2", "2.000000000000"), ("p3", "4.000000000000"),
    ]  # fmt: skip
    assert document["records"] == counts(4, 3, superseded=1)
    assert [a["detail"] for a in of_the_reports(document)] == [
        "openai-costs/pull-page-1.json and openai-costs/pull-page-2.json say different figures in 1 row of the same "
        "periods ($1.00 and $2.00): openai-costs/pull-page-2.json counts, the later name"
    ]


def test_a_file_that_is_pulled_again_says_only_what_it_says_now(tmp_path):
    bench = bench_of(tmp_path, bill("openai-costs"))
    bench.lines("openai-costs/a.json", [costs(9, ("p1", "5.00"), ("p2", "1.00"))])
    bench.run()
    bench.lines("openai-costs/a.json", [costs(9, ("p1", "5.00"), ("p3", "2.00"))])
    document = bench.run()
    assert document["records"] == counts(2, 1, duplicate=1)
    assert [(row[2], row[5]) for row in billed(bench)] == [("p1", "5.000000000000"), ("p3", "2.000000000000")]
    assert of_the_reports(document) == []


def test_days_outside_the_asked_ones_are_left_and_taken_later_once(tmp_path):
    bench = bench_of(tmp_path, bill("openai-costs"))
    bench.calls(call("r1"))
    bench.lines("openai-costs/a.json", [costs(8, ("p1", "1.00")), costs(9, ("p1", "2.00")), costs(10, ("p1", "4.00"))])
    day = date(2026, 11, 9)
    assert bench.run(first=day, last=day)["records"] == counts(1, 1)
    assert bench.run()["records"] == counts(3, 3)
    assert [(row[0], row[5]) for row in billed(bench)] == [
        ("2026-11-08", "1.000000000000"), ("2026-11-09", "2.000000000000"), ("2026-11-10", "4.000000000000"),
    ]  # fmt: skip


def test_bad_rows_are_quarantined_and_truncated_files_refused(tmp_path):
    bench = bench_of(tmp_path, bill("openai-costs"))
    euros = costs(9, ("p1", "5.00")).replace("usd", "eur")
    bench.lines("openai-costs/a.json", [costs(8, ("p1", "1.00")), euros, "{broken"])
    path = bench.lines("openai-costs/b.json.gz", [costs(7, ("p1", "1.00"))])
    path.write_bytes(path.read_bytes()[:-9])
    document = bench.run()
    assert document["records"] == counts(3, 1, quarantined=2)
    assert document["files"] == {"read": 1, "unchanged": 0, "refused": 1}
    with bench.published.connect() as con:
        reasons = con.execute("select file, line, reason from quarantine").fetchall()
    assert [r[:2] for r in reasons] == [
        ("openai-costs/a.json", 2), ("openai-costs/a.json", 3), ("openai-costs/b.json.gz", None),
    ]  # fmt: skip
    assert reasons[0][2] == "currency: expected usd"
    assert len(billed(bench)) == 1


def test_invoices_are_typed_rows_signed_and_in_dollars(tmp_path):
    bench = bench_of(tmp_path, bill("invoices"))
    bench.lines("invoices/2026.csv", [
        "invoice_id,provider,account,period_start,period_end,currency,amount,amount_usd,kind",
        "INV-10,Anthropic,ws-1,2026-10-01,2026-10-31,USD,1841.22,,usage",
        "INV-10,Anthropic,ws-1,2026-10-01,2026-10-31,USD,-100,,credit",
        "INV-10,Anthropic,ws-1,2026-10-01,2026-10-31,EUR,200.00,216.40,tax",
        "INV-11,openai,,2026-10-01,2026-10-31,EUR,200.00,,usage",
        "INV-12,openai,,2026-10-31,2026-10-01,USD,200.00,,usage",
    ])  # fmt: skip
    assert bench.run()["records"] == counts(5, 3, quarantined=2)
    assert billed(bench, "day, provider, account, item, billed_usd, category, period_end") == [
        ("2026-10-01", "anthropic", "ws-1", "credit", "-100.000000000000", "credit", "2026-11-01"),
        ("2026-10-01", "anthropic", "ws-1", "tax", "216.400000000000", "tax", "2026-11-01"),
        ("2026-10-01", "anthropic", "ws-1", "usage", "1841.220000000000", "usage", "2026-11-01"),
    ]
    with bench.published.connect() as con:
        assert con.execute("select line, reason from quarantine").fetchall() == [
            (5, "amount_usd: expected the amount in dollars, as currency is not USD"),
            (6, "period_end: expected a day not before period_start"),
        ]


def focus_row(version: str, **cells: Any) -> dict[str, Any]:
    """A row of an AI service as version 1.0 or 1.4 has it."""
    name = {"1.0": "ProviderName", "1.4": "ServiceProviderName"}[version]
    return {
        "BilledCost": "0.00 ", "EffectiveCost": "3.50", "BillingCurrency": "USD", "BillingAccountId": "acct-1",
        "BillingPeriodStart": "2026-11-01T00:00:00Z", "BillingPeriodEnd": "2026-12-01T00:00:00Z",
        "ChargePeriodStart": "2026-11-09T00:00:00Z", "ChargePeriodEnd": "2026-11-10T00:00:00Z",
        "ChargeCategory": "Usage", "ServiceCategory": "AI and Machine Learning", "InvoiceIssuerName": "Microsoft",
        "SkuMeter": "Input Tokens", name: "Microsoft",
        "SkuPriceDetails": json.dumps({"ModelId": "gpt-5.4", "TokenDirection": "Input"}), **cells,
    }  # fmt: skip


def as_csv(bench: Bench, name: str, rows: list[dict[str, Any]]) -> None:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    path = bench.root / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("\ufeff" + out.getvalue())


@pytest.mark.parametrize("version", ["1.0", "1.4"])
def test_focus_keeps_billed_and_effective_cost_apart_and_equal_rows_both(tmp_path, version):
    bench = bench_of(tmp_path, bill("focus"))
    rows = [
        focus_row(version), focus_row(version), focus_row(version, ServiceCategory="Compute", SkuPriceDetails=""),
        focus_row(version, ChargePeriodStart="11/9/26"), focus_row(version, BillingCurrency="EUR"),
        focus_row(version, ChargeCategory="Purchase", BilledCost="900", EffectiveCost="0", SkuMeter="Credits"),
    ]  # fmt: skip
    as_csv(bench, "focus/2026-11.csv", rows)
    assert bench.run()["records"] == counts(5, 3, quarantined=2)
    assert billed(bench, "day, provider, account, model, item, billed_usd, category, effective_usd") == [
        ("2026-11-09", "azure", "acct-1", "gpt-5.4", "Credits", "900.000000000000", "purchase", "0.000000000000"),
        ("2026-11-09", "azure", "acct-1", "gpt-5.4", "Input Tokens", "0.000000000000", "usage", "7.000000000000"),
    ]


def test_a_focus_delivery_replaces_its_billing_period_and_parts_belong_together(tmp_path):
    bench = bench_of(tmp_path, bill("focus"))
    as_csv(bench, "focus/2026-11-10.csv", [focus_row("1.4"), focus_row("1.4", SkuMeter="Output Tokens")])
    bench.run()
    as_csv(bench, "focus/2026-11-11-part-1.csv", [focus_row("1.4", BilledCost="1")])
    pq.write_table(
        pa.Table.from_pylist([focus_row("1.4", BilledCost=Decimal("2.5"), EffectiveCost=None)]),
        bench.root / "focus/2026-11-11-part-2.parquet",
    )
    document = bench.run()
    assert document["records"] == counts(2, 2)
    assert billed(bench, "item, billed_usd, effective_usd") == [("Input Tokens", "3.500000000000", "3.500000000000")]
    assert of_the_reports(document) == []


def test_an_api_key_in_the_place_of_an_account_is_never_kept(tmp_path):
    bench = bench_of(tmp_path, bill("focus"))
    secret = "sk-proj-" + "A1b2" * 8
    as_csv(bench, "focus/a.csv", [focus_row("1.4", BillingAccountId=secret)])
    bench.run()
    [(account,)] = billed(bench, "account")
    assert account.startswith("masked-")
    kept = [p for p in (bench.loaded.home).rglob("*") if p.is_file() and secret.encode() in p.read_bytes()]
    assert kept == []


@pytest.mark.parametrize("runs", [1, 2])
def test_of_two_counts_of_a_day_the_later_file_name_wins(tmp_path, runs):
    bench = bench_of(tmp_path, COUNTS[0])
    day = {"day": "2026-10-20", "workflow": "review"}
    documents = []
    for name, completed in (("2.jsonl", 7), ("1.jsonl", 5)):
        bench.lines(f"a/{name}", [day | {"completed": completed}, day | {"completed": completed, "failed": 0}])
        if runs == 2 or name == "1.jsonl":
            documents.append(bench.run()["records"])
    assert documents == [counts(4, 1, duplicate=2, superseded=1)] if runs == 1 else [
        counts(2, 1, duplicate=1), counts(2, 0, duplicate=1, superseded=1),
    ]  # fmt: skip
    assert held(bench, "select distinct file, completed from outcome_counts where wins") == [("a/2.jsonl", 7)]


def test_two_sources_that_count_one_day_count_it_once_by_priority(tmp_path):
    sources = [COUNTS[0], {**COUNTS[1], "priority": 3}]
    bench = bench_of(tmp_path, *sources)
    for name, completed in (("a", 7), ("b", 5)):
        bench.lines(f"{name}/x.jsonl", [{"day": "2026-10-20", "workflow": "review", "completed": completed}])
    assert bench.run()["records"] == counts(2, 1, superseded=1)
    assert held(bench, "select source, completed from outcome_counts where wins") == [("b", 5)]


def test_a_bill_whose_source_has_a_new_name_is_not_billed_twice(tmp_path):
    bench = bench_of(tmp_path, bill("openai-costs"))
    bench.lines("openai-costs/a.json", [costs(9, ("p1", "5.00"))])
    bench.run()
    bench.config["sources"][-1]["name"] = "renamed"
    bench.save()
    with pytest.raises(OutlayError, match="is called renamed now"):
        bench.run()
    bench.run(full=True)
    assert [row[5] for row in billed(bench)] == ["5.000000000000"]


def test_a_full_rebuild_refuses_to_forget_bills_and_counts(tmp_path):
    bench = bench_of(tmp_path, bill("openai-costs"), COUNTS[0])
    page = bench.lines("openai-costs/a.json", [costs(9, ("p1", "5.00"))])
    told = bench.lines("a/x.jsonl", [{"day": "2026-10-20", "workflow": "review", "completed": 3}])
    bench.run()
    page.unlink()
    told.unlink()
    with pytest.raises(OutlayError, match=r"2026-10-20 \(1\), 2026-11-09 \(1\)"):
        bench.run(full=True)
    bench.run(full=True, keep_missing=True)
    assert [row[5] for row in billed(bench)] == ["5.000000000000"]
    assert held(bench, "select completed, wins from outcome_counts") == [(3, True)]
    bench.run(full=True, accept_loss=True)
    assert billed(bench) == []
