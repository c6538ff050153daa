"""The benchmark's engines say the same as Outlay before anything is timed; here those that the tests have installed."""

from __future__ import annotations

import pytest

from tests.benchmark.peers.__main__ import Company, differences

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    made = Company(tmp_path_factory.mktemp("peers"), requests=600, memory="1GB")
    made.run("outlay run")
    return made


@pytest.mark.parametrize("name", ["duckdb_sql", "polars_lazy", "pandas_frames"])
def test_an_engine_gives_the_same_daily_cost_to_the_last_unit(company: Company, name: str):
    took = company.run(name)
    assert company.result(name) == company.of_outlay()
    assert len(company.of_outlay()) > 200
    assert took.cpu_s > 0
    assert took.peak_mb > 20


def test_a_difference_is_found_and_named(company: Company):
    company.run("duckdb_sql")
    rows = company.result("duckdb_sql")
    changed = [*rows[:-1], (*rows[-1][:-1], str(int(rows[-1][-1]) + 1))]
    assert differences(changed, rows).startswith("1 rows of its own such as [('2026-10-28'")
