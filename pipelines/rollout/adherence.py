"""The mart `adherence`: does the traffic of each day run where the policy in force says?

Per (day, workflow, task type, policy version, tier): the declared share of the requests against the observed one, with
the band in which drawing lots would leave it on all but one day in a thousand (exact binomial; of units where the client
draws units). Fallbacks move a few requests, so a tier may lose 2 % of its share, and a fallback tier may gain 2 %; half
a percent may be strays on a tier that the route doesn't name.

    leak = max(0, requests − declared share × all) × (mean cost there − mean cost on the declared tiers below it)

0 within the band of a declared tier or a fallback: chance explains no request on any other. Where the declared cheaper tiers answered nothing that day, their mean is that of the version's other
days, else what the same requests would have cost on the model bound to them; without a rate the leak is unknown (null).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import duckdb
import polars as pl

from pipelines.ledger.build import rate_book
from pipelines.outcomes.ratios import rounded
from pipelines.rates.reprice import reprice
from pipelines.rollout.binomial import quantile
from pipelines.rollout.timeline import Phase
from pipelines.routing.policy import Route
from pipelines.routing.rendering import served_models
from pipelines.storage.models import sql
from pipelines.workspace.load import Loaded

DAYS_OUTSIDE = 0.001  #: of the days, by chance alone
FALLBACK = Fraction(2, 100)  #: of a tier's requests may be taken by its fallback
STRAY = Fraction(5, 1000)  #: of a route's requests may run on a tier that it doesn't name
RATIO, MONEY = pl.Decimal(38, 12), pl.Decimal(38, 12)
SCHEMA: dict[str, Any] = {
    "day": pl.Date(), "workflow": pl.String(), "task_type": pl.String(), "policy_version": pl.Int64(),
    "tier": pl.String(), "declared_share": RATIO, "observed_share": RATIO, "requests": pl.Int64(), "leak_usd": MONEY,
    "low": RATIO, "high": RATIO, "in_band": pl.Boolean(), "route_requests": pl.Int64(), "fallback_share": RATIO,
    "full_day": pl.Boolean(), "provisional": pl.Boolean(), "since": pl.Datetime("us", "UTC"), "drawn": pl.Int64(),
    "falls_back": pl.Boolean(),
}  # fmt: skip


@dataclass
class Cell:
    """What one tier answered: requests, those with a price, distinct units, dollars."""

    requests: int = 0
    priced: int = 0
    units: int = 0
    usd: Decimal = Decimal(0)

    def add(self, other: Cell) -> None:
        self.requests, self.priced, self.units = (
            self.requests + other.requests, self.priced + other.priced, self.units + other.units,
        )  # fmt: skip
        self.usd += other.usd

    @property
    def mean(self) -> Fraction | None:
        return Fraction(self.usd) / self.priced if self.priced else None


Part = tuple[str, str, int]  #: workflow, task type, policy version


def adherence(con: duckdb.DuckDBPyConnection, loaded: Loaded, as_of: date, line: Sequence[Phase]) -> pl.DataFrame:
    """Rows by day, workflow, task type, version, its beginning and tier; none where no policy was ever in force."""
    put_route_phases(con, line)
    rows = con.sql(sql("rollout/routed_days"), params={"as_of": as_of}).fetchall()
    days: dict[tuple[date, str, str, datetime], dict[str, Cell]] = defaultdict(lambda: defaultdict(Cell))
    parts: dict[Part, dict[str, Cell]] = defaultdict(lambda: defaultdict(Cell))
    by_start = {phase.since: phase for phase in line}
    for day, workflow, task_type, version, since, tier, requests, priced, units, usd in rows:
        cell = Cell(requests, priced, units, usd)
        days[day, workflow, task_type, since.astimezone(UTC)][tier].add(cell)
        parts[workflow, task_type, version][tier].add(cell)
    what_if = _what_if(con, loaded, as_of, line, parts)
    zone = loaded.config.reporting.zone
    made: list[dict[str, Any]] = []
    for (day, workflow, task_type, since), cells in days.items():
        phase = by_start[since]
        route = phase.route(f"{workflow}/{task_type}")
        assert route is not None
        maturity = loaded.config.workflows[workflow].maturity_days if workflow in loaded.config.workflows else 0
        whole = {
            "full_day": phase.whole(day, zone), "provisional": day > as_of - timedelta(days=maturity), "since": phase.since
        }  # fmt: skip
        part = (workflow, task_type, phase.version)
        ranks = phase.policy.tiers if phase.policy else {}
        for row in _tiers(route, cells, parts[part], what_if.get(part), ranks):
            head = {"day": day, "workflow": workflow, "task_type": task_type, "policy_version": phase.version}
            made.append(head | row | whole)
    return pl.DataFrame(made, schema=SCHEMA).sort("day", "workflow", "task_type", "policy_version", "since", "tier")


def put_route_phases(con: duckdb.DuckDBPyConnection, line: Sequence[Phase]) -> None:
    """Temp table `route_phases`: (workflow, task_type, policy_version, since, until), one row a route and phase."""
    rows = [
        {
            "workflow": route.match.workflow, "task_type": route.match.task, "policy_version": phase.version,
            "since": phase.since, "until": phase.until,
        }
        for phase in line
        for route in (phase.policy.routes if phase.policy else ())
    ]  # fmt: skip
    moment = pl.Datetime("us", "UTC")
    frame = pl.DataFrame(
        rows,
        schema={"workflow": pl.String(), "task_type": pl.String(), "policy_version": pl.Int64(), "since": moment, "until": moment},
    )  # fmt: skip
    con.register("incoming_phases", frame.to_arrow())
    con.execute("create or replace temp table route_phases as select * from incoming_phases")
    con.unregister("incoming_phases")


def _tiers(
    route: Route, cells: dict[str, Cell], ever: dict[str, Cell], what_if: Fraction | None, ranks: dict[str, int]
) -> Iterable[dict[str, Any]]:
    """One row a tier that is declared or answered."""
    total = sum(cell.requests for cell in cells.values())
    declared = {tier: Fraction(percent, 100) for tier, percent in route.shares.items()}
    fallen = sum(cells[t].requests for t in route.fallback if t in cells and t not in declared)
    for tier in sorted({*cells, *declared}):
        cell = cells.get(tier, Cell())
        share = declared.get(tier, Fraction(0))
        drawn = total if route.split == "request" else max(sum(c.units for c in cells.values()), 1)
        falls_back = tier in route.fallback
        low, high = band(share, drawn, falls_back)
        observed = Fraction(cell.requests, total)
        inside = low <= observed <= high
        over = cell.requests - share * total
        leak: Fraction | None = Fraction(0)
        if over > 0 and not (inside and (share or falls_back)):
            leak = _leak(over, cell, _below(tier, declared, ranks), cells, ever, what_if)
        yield {
            "tier": tier, "declared_share": rounded(share), "observed_share": rounded(observed),
            "requests": cell.requests, "leak_usd": None if leak is None else rounded(leak), "low": rounded(low),
            "high": rounded(high), "in_band": inside, "route_requests": total,
            "fallback_share": rounded(Fraction(fallen, total)), "drawn": drawn, "falls_back": falls_back,
        }  # fmt: skip


def band(share: Fraction, drawn: int, fallback: bool) -> tuple[Fraction, Fraction]:
    """The observed shares that chance and fallbacks explain, of `drawn` lots."""
    least = float(share * (1 - FALLBACK))
    most = float(share + FALLBACK * (1 - share) if fallback else share or STRAY)
    tail = DAYS_OUTSIDE / 2
    low, high = quantile(tail, drawn, least), quantile(1 - tail, drawn, most)
    return Fraction(low, drawn), Fraction(high, drawn)


def _below(tier: str, declared: dict[str, Fraction], ranks: dict[str, int]) -> dict[str, Fraction]:
    """Declared tiers that are cheaper; a model of no tier is dearer than any that was chosen."""
    rank = ranks.get(tier)
    return {name: share for name, share in declared.items() if share and (rank is None or ranks[name] < rank)}


def _leak(
    over: Fraction,
    cell: Cell,
    below: dict[str, Fraction],
    cells: dict[str, Cell],
    ever: dict[str, Cell],
    what_if: Fraction | None,
) -> Fraction | None:
    if not below:
        return Fraction(0)
    cheap, weight = Fraction(0), sum(below.values(), Fraction(0))
    for name, share in below.items():
        mean = next(
            (m for m in (cells.get(name, Cell()).mean, ever.get(name, Cell()).mean, what_if) if m is not None), None
        )
        if mean is None:
            return None
        cheap += mean * share / weight
    if cell.mean is None:
        return None
    return max(over * (cell.mean - cheap), Fraction(0))


def _what_if(
    con: duckdb.DuckDBPyConnection,
    loaded: Loaded,
    as_of: date,
    line: Sequence[Phase],
    parts: dict[Part, dict[str, Cell]],
) -> dict[Part, Fraction]:
    """Mean cost of a request on the declared tier, of parts where that tier never answered one with a price."""
    wanted: dict[Part, str] = {}
    for phase in line:
        for route in phase.policy.routes if phase.policy else ():
            part = (route.match.workflow, route.match.task, phase.version)
            silent = [tier for tier in route.shares if part in parts and parts[part].get(tier, Cell()).mean is None]
            if silent and (model := _model(loaded, silent[0])):
                wanted[part] = model
    if not wanted:
        return {}
    names = ("workflow", "task_type", "policy_version")
    frame = pl.DataFrame([dict(zip(names, part, strict=True)) for part in wanted])
    con.register("incoming_parts", frame.to_arrow())
    con.execute("create or replace temp table unanswered as select * from incoming_parts")
    con.unregister("incoming_parts")
    con.execute("drop table if exists to_price")
    con.execute(f"create temp table to_price as {sql('rollout/routed_to_price')}", {"as_of": as_of})
    models = [tuple(model.split("/", 1)) for model in dict.fromkeys(wanted.values())]
    repriced = reprice(con, rate_book(con, loaded), [(provider, model) for provider, model in models])
    found = {
        (row["workflow"], row["task_type"], f"{row['provider']}/{row['model']}"): row["spend_usd"]
        for row in repriced.to_dicts()
    }
    means = {}
    for part, model in wanted.items():
        spend = found.get((part[0], f"{part[1]}|{part[2]}", model))
        count = sum(cell.requests for cell in parts[part].values())
        if spend is not None and count:
            means[part] = Fraction(spend) / count
    return means


def _model(loaded: Loaded, tier: str) -> str | None:
    """`provider/model` that a target serves for the tier, else the first that the workspace lists for it."""
    bound = [model for model in served_models(loaded.config, tier).values() if model]
    listed = [model for one in loaded.config.tiers if one.name == tier for model in one.models]
    return next(iter([*bound, *listed]), None)
