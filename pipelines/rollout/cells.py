"""The daily sums that guards and realised savings are told from, as marts: nothing else of the ledger is needed later.

A unit belongs to a tier only if every call that led to its first verdict ran there: all its calls, or those up to its
first failure or rejection. What a later try on the other tier made good proves nothing about either; units that mixed
tiers before their verdict are counted as `mixed`. Costs are at today's prices, so a price that changed changes nothing
between two tiers or two periods. Squares are of whole millionths of a dollar.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from typing import Any

import duckdb
import polars as pl

from pipelines.ledger.build import rate_book
from pipelines.ledger.shares import split
from pipelines.rates.cards import price
from pipelines.rollout.timeline import Phase
from pipelines.rollout.trials import Trial
from pipelines.storage.models import sql
from pipelines.workspace.load import Loaded

BEFORE_DAYS = 28  #: before a trial, to compare with where nothing stayed on the old tier
MIXED = "mixed"
MOMENT, MONEY, WHOLE = pl.Datetime("us", "UTC"), pl.Decimal(38, 12), pl.Decimal(38, 0)
_KEY: dict[str, Any] = {"workflow": pl.String(), "task_type": pl.String(), "day": pl.Date(), "since": MOMENT}
SCHEMAS: dict[str, dict[str, Any]] = {
    "rollout_units": {
        **_KEY, "tier": pl.String(), "stratum": pl.String(),
        **dict.fromkeys(("units", "settled", "outcomes", "good"), pl.Int64()),
        **dict.fromkeys(("task_usd", "other_usd"), MONEY),
        **dict.fromkeys(("task_squares", "task_good", "other_squares", "other_good"), WHOLE),
    },
    "rollout_served": {**_KEY, "tier": pl.String(), "stratum": pl.String(), "outcomes_ppm": pl.Int64()},
    "rollout_calls": {
        **_KEY, "tier": pl.String(), **dict.fromkeys(("requests", "errors", "timed", "slow"), pl.Int64())
    },
    "newest_records": {"workflow": pl.String(), "kind": pl.String(), "newest": MOMENT},
}  # fmt: skip


@dataclass(frozen=True)
class UnitCell:
    """Units of one day, phase, tier and stratum; the sums are over the settled ones."""

    workflow: str
    task_type: str
    day: date
    since: datetime
    tier: str
    stratum: str
    units: int
    settled: int
    outcomes: int
    good: int
    task_usd: Decimal
    other_usd: Decimal
    task_squares: Decimal
    task_good: Decimal
    other_squares: Decimal
    other_good: Decimal


@dataclass(frozen=True)
class CallCell:
    workflow: str
    task_type: str
    day: date
    since: datetime
    tier: str
    requests: int
    errors: int
    timed: int
    slow: int


@dataclass(frozen=True)
class ServedCell:
    workflow: str
    task_type: str
    day: date
    since: datetime
    tier: str
    stratum: str
    outcomes_ppm: int


@dataclass(frozen=True)
class Cells:
    """All cells, or those of one route."""

    units: Sequence[UnitCell]
    served: Sequence[ServedCell]
    calls: Sequence[CallCell]

    def of(self, trial: Trial) -> Cells:
        def own(rows: Iterable[Any]) -> list[Any]:
            return [r for r in rows if (r.workflow, r.task_type) == (trial.workflow, trial.task_type)]

        return Cells(own(self.units), own(self.served), own(self.calls))


def cells(frames: dict[str, pl.DataFrame]) -> Cells:
    """From the marts of this module."""
    return Cells(
        [UnitCell(**row) for row in frames["rollout_units"].to_dicts()],
        [ServedCell(**row) for row in frames["rollout_served"].to_dicts()],
        [CallCell(**row) for row in frames["rollout_calls"].to_dicts()],
    )


def nothing() -> dict[str, pl.DataFrame]:
    return {name: pl.DataFrame(schema=schema) for name, schema in SCHEMAS.items()}


def cell_marts(
    con: duckdb.DuckDBPyConnection, loaded: Loaded, as_of: date, line: Sequence[Phase], found: Sequence[Trial]
) -> dict[str, pl.DataFrame]:
    """`rollout_units`, `rollout_served`, `rollout_calls`, empty without a trial; `newest_records`."""
    newest = con.sql(sql("rollout/newest_records")).pl().cast(SCHEMAS["newest_records"])  # type: ignore[arg-type]
    if not found:
        return nothing() | {"newest_records": newest}
    _put_trials(con, line, found)
    _price_today(con, loaded, as_of)
    for table in ("trial_calls", "trial_units"):
        _table(con, table, as_of)
    limits = _limits(con, loaded, as_of, found)
    con.register("incoming_limits", limits.to_arrow())
    con.execute("create or replace temp table trial_limits as select * from incoming_limits")
    con.unregister("incoming_limits")
    models = {"rollout_units": "unit_cells", "rollout_served": "served_cells", "rollout_calls": "call_cells"}
    made = {"newest_records": newest}
    for name, model in models.items():
        text = sql(f"rollout/{model}")
        frame = con.sql(text, params={"as_of": as_of} if "$as_of" in text else {}).pl()
        made[name] = frame.cast(SCHEMAS[name])  # type: ignore[arg-type]
    return made


def _table(con: duckdb.DuckDBPyConnection, table: str, as_of: date) -> None:
    text = sql(f"rollout/{table}").replace("$as_of", f"date '{as_of}'")
    con.execute(f"create or replace temp table {table} as {text}")


def _put_trials(con: duckdb.DuckDBPyConnection, line: Sequence[Phase], found: Sequence[Trial]) -> None:
    """Temp tables `trial_tasks`, `trial_workflows` (with when to begin) and `trial_phases`."""
    tasks = sorted({(trial.workflow, trial.task_type) for trial in found})
    start = line[0].since - timedelta(days=BEFORE_DAYS)
    spans = [(start, line[0].since), *((phase.since, phase.until) for phase in line)]
    tables = {
        "trial_tasks": pl.DataFrame(
            tasks, schema={"workflow": pl.String(), "task_type": pl.String()}, orient="row"
        ),
        "trial_workflows": pl.DataFrame(
            [(name, start) for name in sorted({workflow for workflow, _ in tasks})],
            schema={"workflow": pl.String(), "since": MOMENT}, orient="row",
        ),
        "trial_phases": pl.DataFrame(
            [(*task, since, until) for task in tasks for since, until in spans],
            schema={"workflow": pl.String(), "task_type": pl.String(), "since": MOMENT, "until": MOMENT}, orient="row",
        ),
    }  # fmt: skip
    for name, frame in tables.items():
        con.register("incoming_trials", frame.to_arrow())
        con.execute(f"create or replace temp table {name} as select * from incoming_trials")
        con.unregister("incoming_trials")


def _price_today(con: duckdb.DuckDBPyConnection, loaded: Loaded, as_of: date) -> None:
    """Temp table `priced_today`: what each request of a workflow on trial would cost now."""
    today = datetime.combine(as_of, time(12), UTC).isoformat()
    con.execute("drop table if exists to_price")
    text = sql("rollout/today_to_price").replace("$today", f"'{today}'")
    con.execute(f"create temp table to_price as {text}")
    price(con, rate_book(con, loaded))
    con.execute("create or replace temp table priced_today as select request_key, cost_basis, cost_usd from priced")
    _split_today(con)


def _split_today(con: duckdb.DuckDBPyConnection) -> None:
    """Temp table `parts_today`: what each unit bears of a shared request's price today, in the proportions that it bore."""
    rows = con.sql(sql("rollout/shared_today")).fetchall()
    parts = []
    for _, group in groupby(rows, key=itemgetter(0)):
        bearers = list(group)
        bore = {unit: was or Decimal(0) for _, _, unit, was, _ in bearers}
        now = split(bearers[0][4], bore if any(bore.values()) else dict.fromkeys(bore, Decimal(1)))
        parts += [(str(key), workflow, unit, now[unit]) for key, workflow, unit, _, _ in bearers]
    text = pl.String()
    schema = {"request_key": text, "workflow": text, "unit_id": text, "cost_usd": MONEY}
    con.register("incoming_parts", pl.DataFrame(parts, schema=schema, orient="row").to_arrow())
    con.execute("create or replace temp table parts_today as select * from incoming_parts")
    con.unregister("incoming_parts")


def _limits(
    con: duckdb.DuckDBPyConnection, loaded: Loaded, as_of: date, found: Sequence[Trial]
) -> pl.DataFrame:  # fmt: skip
    """What an answer of the new tier may take: the workspace's limit, else a factor on the old tier's 95th percentile."""
    rows = con.sql(sql("rollout/latency_limits"), params={"as_of": as_of}).fetchall()
    measured = {(workflow, task_type, tier): p95 for workflow, task_type, tier, p95 in rows}
    limits: dict[tuple[str, str, str], int] = {}
    for trial in found:
        declared = loaded.config.workflows.get(trial.workflow)
        limit = declared.limits.latency_p95_ms if declared else None
        old = measured.get((trial.workflow, trial.task_type, trial.old or ""))
        if limit is None and old is not None:
            limit = round(old * loaded.config.routing.rollout.latency_factor)
        if limit is not None:
            limits[trial.workflow, trial.task_type, trial.new] = limit
    schema = {"workflow": pl.String(), "task_type": pl.String(), "tier": pl.String(), "latency_ms": pl.Int64()}
    return pl.DataFrame([(*key, limit) for key, limit in sorted(limits.items())], schema=schema, orient="row")
