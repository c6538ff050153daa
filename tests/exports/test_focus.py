"""The FOCUS dataset: valid, exact to the last unit, and made of the rows that the specification asks for."""

from __future__ import annotations

import csv
import io
import json
import os
import random
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from focus_data_toolkit.io.row_source import read_source_rows
from focus_data_toolkit.model.capabilities import KNOWN_CONDITIONS
from focus_data_toolkit.model.validator import lint_focus_1_4_structure, load_model

from pipelines.close.closing import Asked as Closing
from pipelines.close.closing import close_month
from pipelines.exports.focus_columns import STANDARD, columns
from pipelines.exports.write import document, write
from pipelines.run import run_workspace
from pipelines.running import Asked
from pipelines.storage.published import Published, current
from pipelines.workspace.errors import UsageError
from pipelines.workspace.load import load_workspace
from tests.close.bench import close_bench, cost, openai_bill
from tests.reference.worlds import PLACES, Spec, make
from tests.workspaces import Bench, call, event

TOOLKIT = Path(sys.executable).with_name("focus-toolkit")
DATASET = "Cost and Usage"
PTU = 'provisioned: [{name: ptu, provider: openai, model: gpt-5.4, cost_usd: "24", period: day, valid_from: 2026-10-20, valid_to: 2026-10-21}]\n'


def written(published: Published, kind: str = "csv", **asked) -> bytes:
    out = io.BytesIO()
    write(published, "focus", kind, out, **asked)
    return out.getvalue()


def focus(published: Published, **asked) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(written(published, **asked).decode())))


def total(rows: list[dict[str, str]], column: str) -> Decimal:
    return sum((Decimal(row[column] or 0) for row in rows), Decimal(0))


def findings(rows: list[dict[str, str]]) -> list[str]:
    """What the linter says, with every condition declared that it knows."""
    return lint_focus_1_4_structure(DATASET, rows, supported_conditions=KNOWN_CONDITIONS).messages()


def sound(published: Published) -> list[dict[str, str]]:
    """Every property that holds of every dataset; answers its rows."""
    rows = focus(published)
    summary = published.meta["summary"]
    assert not rows or findings(rows) == []
    assert total(rows, "BilledCost") == total(rows, "EffectiveCost") == Decimal(summary["spend_usd"])
    assert total(rows, "x_UnattributedCost") == Decimal(summary["unattributed_usd"])
    exact(rows)
    ordered(rows)
    return rows


def exact(rows: list[dict[str, str]]) -> None:
    """Unit price × quantity = cost in every row that has a price, and no number has an exponent."""
    prices = (
        ("ListUnitPrice", "ListCost"), ("ContractedUnitPrice", "ContractedCost"), ("x_EffectiveUnitPrice", "BilledCost"),
    )  # fmt: skip
    for row in rows:
        for price, amount in prices:
            if row["PricingQuantity"]:
                assert Decimal(row[price]) * Decimal(row["PricingQuantity"]) == Decimal(row[amount])
            else:
                assert row["ChargeCategory"] == "Adjustment"
                assert row[price] == ""
        for name in row:
            if name.endswith(("Cost", "Price", "Quantity", "Count", "PerOutcome")):
                assert re.fullmatch(r"-?\d+(\.\d+)?|", row[name]), (name, row[name])


def ordered(rows: list[dict[str, str]]) -> None:
    """Periods begin before they end and don't step back; a key names one row, and so does its id."""
    keys = [
        tuple(row[name] for name in ("ChargePeriodStart", "BillingPeriodStart", "BillingAccountId", "SubAccountId",
                                     "SkuPriceId", "x_Workflow", "AllocatedMethodId", "ChargeClass"))
        for row in rows
    ]  # fmt: skip
    assert len(set(keys)) == len(rows) == len({row["x_RowId"] for row in rows})
    assert [row["ChargePeriodStart"] for row in rows] == sorted(row["ChargePeriodStart"] for row in rows)
    for row in rows:
        assert row["ChargePeriodStart"] < row["ChargePeriodEnd"]
        assert row["BillingPeriodStart"] < row["BillingPeriodEnd"]
        if row["ChargeClass"] != "Correction":
            assert (
                row["BillingPeriodStart"]
                <= row["ChargePeriodStart"]
                < row["ChargePeriodEnd"]
                <= row["BillingPeriodEnd"]
            )


def test_a_day_of_calls_is_a_row_for_each_token_class(bench: Bench):
    bench.calls(call("r1"), call("r2", unit_id="d2", input_tokens=3000), call("r3", model="unheard-of"))
    bench.outcomes(event("e1"), event("e2", unit_id="d2"))
    bench.run()
    rows = sound(bench.published)
    picked = ("SkuPriceId", "ConsumedQuantity", "PricingQuantity", "PricingUnit", "ListUnitPrice", "BilledCost", "x_Workflow",
              "x_RequestCount", "x_OutcomeCount", "x_CostPerOutcome", "x_CostBasis")  # fmt: skip
    assert [[row[name].rstrip("0").rstrip(".") if "." in row[name][-16:-3] else row[name] for name in picked] for row in rows] == [
        ["openai/gpt-5.4/input/standard/global/2.5", "4000", "0.004", "1000000 Tokens", "2.5", "0.01", "review", "2", "2", "0.0065", "computed"],
        ["openai/gpt-5.4/output/standard/global/15", "200", "0.0002", "1000000 Tokens", "15", "0.003", "review", "2", "2", "0.0065", "computed"],
    ]  # fmt: skip
    first = rows[0]
    assert (first["ChargePeriodStart"], first["ChargePeriodEnd"]) == ("2026-10-20T00:00:00Z", "2026-10-21T00:00:00Z")
    assert (first["BillingPeriodStart"], first["BillingPeriodEnd"]) == ("2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z")
    assert (first["ServiceProviderName"], first["InvoiceIssuerName"], first["ServiceSubcategory"]) == (
        "OpenAI", "OpenAI", "Generative AI",
    )  # fmt: skip
    assert json.loads(first["SkuPriceDetails"]) == {
        "x_ModelId": "gpt-5.4", "x_TokenClass": "input", "x_ServiceTier": "standard",
    }  # fmt: skip


def test_a_row_names_its_task_types_and_what_each_cost(bench: Bench):
    bench.calls(call("r1"), call("r2", task_type="risk", unit_id=None))
    bench.run()
    inputs = next(row for row in sound(bench.published) if row["x_TokenClass"] == "input")
    assert json.loads(inputs["x_TaskTypeCosts"]) == {"extraction": "0.0025", "risk": "0.0025"}
    assert (inputs["x_TaskType"], inputs["x_UnattributedReason"]) == ("", "no_unit")
    assert Decimal(inputs["x_UnattributedCost"]) == Decimal("0.0025")


def test_a_call_for_several_units_is_a_row_of_its_own_with_its_allocation_method(bench: Bench):
    bench.calls(
        call("r1"), call("r2", unit_id=None, units=[{"unit_id": "d1"}, {"unit_id": "d2", "weight": 2}]),
        call("r3", unit_id=None, units=[{"unit_id": "d1", "weight": 7}]),
    )  # fmt: skip
    bench.run()
    rows = [row for row in sound(bench.published) if row["x_TokenClass"] == "input"]
    assert [(row["AllocatedMethodId"], row["x_RequestCount"], row["AllocatedResourceId"]) for row in rows] == [
        ("", "2", ""), ("unit-weights", "1", "review"),
    ]  # fmt: skip
    details = json.loads(rows[1]["AllocatedMethodDetails"])
    assert details["Elements"] == [{"AllocatedRatio": 1}]
    assert json.loads(rows[1]["AllocatedTags"]) == {"workflow": "review"}


def test_provisioned_capacity_is_allocated_and_its_idle_part_is_unused(bench: Bench):
    (bench.root / "rates.yaml").write_text(PTU)
    bench.config["rates"] = {"contract": "rates.yaml"}
    bench.save()
    bench.calls(call("r1"), call("r2", workflow="claims"))
    bench.run()
    rows = sound(bench.published)
    assert total(rows, "BilledCost") == 24
    used = [row for row in rows if row["CapacityReservationStatus"] == "Used"]
    assert {row["AllocatedMethodId"] for row in used} == {"provisioned-capacity"}
    ratios = [json.loads(row["AllocatedMethodDetails"])["Elements"][0]["AllocatedRatio"] for row in used]
    assert sum(ratios) == pytest.approx(1 / 24)  # one hour of the day served the calls
    idle = next(row for row in rows if row["CapacityReservationStatus"] == "Unused")
    assert (Decimal(idle["BilledCost"]), idle["CapacityReservationId"], idle["x_Workflow"]) == (23, "ptu", "")
    assert {Decimal(row["ContractedCost"]) for row in used} == {Decimal("0.0025"), Decimal("0.0015")}


def test_what_rounding_leaves_over_is_a_row_of_its_own(bench: Bench):
    (bench.root / "rates.yaml").write_text('discounts: [{provider: openai, model: "*", percent: "33.3333"}]\n')
    bench.config["rates"] = {"contract": "rates.yaml"}
    bench.save()
    bench.calls(*(call(f"r{i}", input_tokens=1, output_tokens=1, model="gpt-5-mini") for i in range(7)))
    bench.run()
    rows = sound(bench.published)
    rest = [row for row in rows if row["ChargeCategory"] == "Adjustment"]
    assert [(row["SkuPriceId"], row["x_CostBasis"], row["x_Workflow"]) for row in rest] == [("", "rounding", "review")]
    assert 0 < abs(Decimal(rest[0]["BilledCost"])) < Decimal("1e-10")
    assert all(Decimal(row["ContractedCost"]) < Decimal(row["ListCost"]) for row in rows if row not in rest)


def test_what_senders_recorded_is_one_row_at_a_dollar_each(bench: Bench):
    bench.calls(*(call(f"r{i}", model="unheard-of", cost_usd=f"0.0{i}1") for i in range(1, 4)))
    bench.run()
    (row,) = sound(bench.published)
    assert (row["x_CostBasis"], row["PricingUnit"], row["ConsumedUnit"]) == ("recorded", "USD", "Requests")
    assert (Decimal(row["PricingQuantity"]), Decimal(row["ConsumedQuantity"])) == (Decimal("0.063"), 3)


def test_days_of_the_reporting_zone_are_written_as_instants(bench: Bench):
    bench.config["reporting"] = {"timezone": "Europe/Berlin"}
    bench.save()
    bench.calls(call("r1", time="2026-10-25T12:00:00Z"))
    bench.run()
    row = sound(bench.published)[0]
    assert (row["x_ReportingDay"], row["ChargePeriodStart"], row["ChargePeriodEnd"]) == (
        "2026-10-25", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z",
    )  # fmt: skip
    assert (row["BillingPeriodStart"], row["BillingPeriodEnd"]) == ("2026-09-30T22:00:00Z", "2026-10-31T23:00:00Z")


def test_a_project_of_the_logs_is_the_sub_account(bench: Bench):
    bench.config["tags"] = {"project": ["project"]}
    bench.save()
    bench.calls(call("r1", project="proj_a"), call("r2", project="proj_b"), call("r3"))
    bench.run()
    inputs = [row for row in sound(bench.published) if row["x_TokenClass"] == "input"]
    assert [(row["BillingAccountId"], row["SubAccountId"]) for row in inputs] == [
        ("openai", ""), ("openai", "proj_a"), ("openai", "proj_b"),
    ]  # fmt: skip


def test_a_period_limits_the_days_and_an_empty_one_has_only_a_header(bench: Bench):
    bench.calls(call("r1"), call("r2", time="2026-10-22T10:00:00Z"))
    bench.run()
    rows = focus(bench.published, first=date(2026, 10, 21))
    assert {row["x_ReportingDay"] for row in rows} == {"2026-10-22"}
    assert written(bench.published, last=date(2026, 10, 1)).decode() == ",".join(columns()) + "\r\n"


def test_the_dataset_of_the_sample_is_valid_by_the_toolkits_own_command(sample, tmp_path):
    published = current(sample)
    sound(published)
    for kind in ("csv", "parquet"):
        file = tmp_path / f"focus.{kind}"
        file.write_bytes(written(published, kind))
        done = subprocess.run([TOOLKIT, "validate", str(file)], capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "lint OK" in done.stdout


def test_csv_parquet_and_json_hold_the_same_rows(sample, tmp_path):
    published = current(sample)
    file = tmp_path / "focus.parquet"
    file.write_bytes(written(published, "parquet"))
    types = {field.name: str(field.type) for field in pq.read_schema(file)}
    assert types["ChargePeriodStart"] == "timestamp[us, tz=UTC]"
    assert not [name for name, kind in types.items() if "float" in kind or "double" in kind]
    rows = focus(published)
    assert [row["ChargePeriodStart"] for row in read_source_rows(str(file), dataset=DATASET)] == [
        row["ChargePeriodStart"] for row in rows
    ]
    assert document(published, "focus")["rows"] == [[value or None for value in row.values()] for row in rows]


def test_outcomes_of_a_row_are_those_of_the_day_and_workflow(sample):
    published = current(sample)
    out = io.BytesIO()
    write(published, "daily_cost", "csv", out)
    daily = {(r["day"], r["workflow"]): r for r in csv.DictReader(io.StringIO(out.getvalue().decode()))}
    spend: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in focus(published):
        found = daily.get((row["x_ReportingDay"], row["x_Workflow"]))
        shown = (row["x_OutcomeCount"], row["x_CostPerOutcome"])
        assert shown == ((found["outcomes"], found["cost_per_outcome_usd"]) if found else ("", ""))
        if found:
            spend[row["x_ReportingDay"], row["x_Workflow"]] += Decimal(row["BilledCost"]) - Decimal(
                row["x_UnattributedCost"] or 0
            )
    assert spend == {key: Decimal(row["spend_usd"] or 0) for key, row in daily.items() if key in spend}


def test_the_columns_are_those_of_the_model_and_1_2_adds_two(bench: Bench):
    model = load_model()["datasets"][DATASET]["columns"]
    assert set(STANDARD) <= set(model)
    assert {name for name, spec in model.items() if spec["feature_level"] == "Mandatory"} <= set(STANDARD)
    assert set(columns("1.2")) - set(columns()) == {"ProviderName", "PublisherName"}
    bench.calls(call("r1"))
    bench.run()
    assert {(r["ProviderName"], r["PublisherName"]) for r in focus(bench.published, focus="1.2")} == {
        ("OpenAI", "OpenAI")
    }
    with pytest.raises(UsageError, match=r"no version '1.1' of focus: expected 1.4 or 1.2"):
        written(bench.published, focus="1.1")


@pytest.mark.slow
@pytest.mark.parametrize("place", range(len(PLACES)))
def test_generated_companies_are_valid_and_exact(tmp_path, place):
    dice = random.Random(place)
    for seed in (place, *((place + 100, place + 200) if os.environ.get("OUTLAY_FULL") else ())):
        root = tmp_path / f"world{seed}"
        make(
            root,
            Spec(seed=seed, calls=dice.randrange(15, 41), events=20, place=place, contract=seed != 0),
        )
        run_workspace(load_workspace(root), Asked())
        sound(current(root))
        shutil.rmtree(root)


def test_instants_have_seconds_and_no_more(sample):
    for row in focus(current(sample))[:50]:
        for name in ("ChargePeriodStart", "ChargePeriodEnd", "BillingPeriodStart", "BillingPeriodEnd"):
            assert datetime.strptime(row[name], "%Y-%m-%dT%H:%M:%S%z")


def test_what_comes_late_for_a_closed_month_is_a_correction_in_the_first_open_one(tmp_path: Path):
    bench = close_bench(tmp_path / "ws", tags={"project": ["project"]})
    bench.calls(call("r1", time="2026-09-20T10:00:00Z"), call("r2"))
    billed = (cost("gpt-5.4, input_tokens", "0.0025", 1000), cost("gpt-5.4, output_tokens", "0.0015", 100))
    openai_bill(bench, {"2026-09-20": billed}, "2026-09")
    bench.run()
    close_month(bench.loaded, Closing("2026-09", by="cfo"))
    bench.calls(call("late", time="2026-09-21T10:00:00Z", project="proj_a"), file="late.jsonl")
    bench.run()
    rows = sound(bench.published)
    corrected = [row for row in rows if row["x_CostBasis"] == "close"]
    picked = (
        "ChargeClass",
        "BillingPeriodStart",
        "BillingAccountId",
        "InvoiceIssuerName",
        "SubAccountId",
        "x_Workflow",
    )
    assert [(*(row[name] for name in picked), Decimal(row["BilledCost"])) for row in corrected] == [
        ("", "2026-09-01T00:00:00Z", "openai", "OpenAI", "proj_a", "review", Decimal("-0.004")),
        ("Correction", "2026-10-01T00:00:00Z", "openai", "OpenAI", "proj_a", "review", Decimal("0.004")),
    ]
    assert {row["ChargePeriodStart"] for row in corrected} == {"2026-09-30T00:00:00Z"}
    september = [row for row in rows if row["BillingPeriodStart"] == "2026-09-01T00:00:00Z"]
    assert total(september, "BilledCost") == Decimal("0.004")
