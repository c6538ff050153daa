"""A tier lists models by any name of theirs: calls meet them on the canonical one, and one model has one tier."""

from pathlib import Path
from typing import Any

import pytest

from pipelines.console.checks import check_workspace
from pipelines.workspace.errors import UsageError
from tests.workspaces import Bench, call


def tiers(frontier: list[str], light: list[str]) -> dict[str, Any]:
    return {
        "tiers": [{"name": "frontier", "rank": 2, "models": frontier}, {"name": "light", "rank": 1, "models": light}]
    }


def test_one_model_in_two_tiers_is_refused_with_both_names(tmp_path: Path) -> None:
    bench = Bench(tmp_path, tiers(["openai/gpt-5.4"], ["openai/gpt-5-mini", "openai/gpt-5.4-2026-03-05"]))
    bench.calls(call("1"))
    said = (
        f"{bench.root}/outlay.yaml: tiers: openai/gpt-5.4 (frontier) and openai/gpt-5.4-2026-03-05 (light) are one model, "
        "openai/gpt-5.4: list it in one tier"
    )
    checked = check_workspace(bench.loaded)
    assert (checked["ok"], checked["errors"]) == (False, [said])
    with pytest.raises(UsageError) as refused:
        bench.run()
    assert str(refused.value) == said


def test_a_model_that_a_tier_lists_under_two_names_is_counted_once_and_warned_of(tmp_path: Path) -> None:
    bench = Bench(tmp_path, tiers(["openai/gpt-5.4", "openai/gpt-5.4-2026-03-05"], ["openai/gpt-5-mini"]))
    bench.calls(call("1"), call("2", model="gpt-5.4-2026-03-05"))
    assert [w for w in check_workspace(bench.loaded)["warnings"] if w.startswith("tiers")] == [
        "tiers.frontier: openai/gpt-5.4 and openai/gpt-5.4-2026-03-05 are one model, openai/gpt-5.4: one of them is enough"
    ]
    assert (bench.run()["requests"], bench.run()["spend_usd"]) == (2, "0.008000000000")
    assert [(row["request_id"], row["tier"]) for row in bench.export("requests")] == [
        ("1", "frontier"),
        ("2", "frontier"),
    ]


def test_a_tier_may_list_a_deployment_by_the_name_that_the_contract_explains(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path, {**tiers(["azure/contracts-prod"], ["openai/gpt-5-mini"]), "rates": {"contract": "rates.yaml"}}
    )
    (bench.root / "rates.yaml").write_text("aliases:\n  - {provider: azure, alias: contracts-prod, model: gpt-5.4}\n")
    bench.calls(call("1", provider="azure", model="contracts-prod"), call("2", provider="azure", model="gpt-5.4"))
    bench.run()
    assert [(row["request_id"], row["tier"]) for row in bench.export("requests")] == [
        ("1", "frontier"),
        ("2", "frontier"),
    ]
