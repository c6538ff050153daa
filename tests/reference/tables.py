"""The exports as text, row by row: `exports(root)` reads a workspace folder and answers five tables.

Amounts have 12 places. `unit_price_usd` is the exact decimal without trailing zeros, and `rate_source` is
only given
for recorded charges: which price list a rate came from is not the model's business.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from pathlib import Path

from tests.reference import provider_logs, readers, spans
from tests.reference.choosing import calls, events
from tests.reference.contracts import Standing
from tests.reference.files import load, values
from tests.reference.ledger import Charge, Priced, Rate, bear, fixed_costs, price
from tests.reference.lives import Life, lives
from tests.reference.prices import list_name, list_rate
from tests.reference.shapes import Event, Refused, Report, World, money, plain

Row = dict[str, str]
Lives = dict[tuple[str, str], Life]
LINES = {
    "requests": readers.request,
    "litellm": provider_logs.litellm,
    "anthropic-batch": provider_logs.batch,
}
FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\0")


def exports(root: Path, rate: Rate = list_rate, name: Callable[[str, str], str] = list_name) -> dict[str, list[Row]]:
    """daily_cost, outcome_cost, requests, charges and unattributed of a workspace; rows in order of their
    keys.

    `rate` prices one token; `name` gives the canonical name of a model, by which tiers know it.
    """
    world = load(root)
    reports, found, trees = read(root, world)
    units = lives(world, found)
    priced = [price(world, call, rate, name) for call in calls(world, reports, trees)]
    as_of = max({p.call.day for p in priced} | {world.day(e.time) for e in found}, default=date.min)
    standing = fixed_costs(world, priced, name, as_of)
    for one in priced:
        bear(one)
    tables = {
        "daily_cost": _daily(world, priced, units, as_of),
        "outcome_cost": _outcomes(world, priced, units),
        "requests": _requests(world, priced, name),
        "charges": _charges(priced, standing),
        "unattributed": _unattributed(priced, standing),
    }
    return {table: sorted(rows, key=lambda row: tuple(row.values())) for table, rows in tables.items()}


def read(root: Path, world: World) -> tuple[list[Report], list[Event], spans.Trees]:
    """Every report and event that a reader may take, and the spans above the calls."""
    reports: list[Report] = []
    found: list[Event] = []
    trees = spans.Trees()
    for source in world.sources:
        for value in values(root, source):
            try:
                if source["kind"] in LINES:
                    reports.append(LINES[source["kind"]](value, source["name"]))
                elif source["kind"] == "otlp":
                    reports += spans.read(value, source["name"], trees)
                elif source["kind"] == "outcomes":
                    found.append(readers.outcome(value, source["name"]))
            except Refused:
                continue
    return reports, events(found), trees


def total(amounts: Iterable[Fraction | None]) -> Fraction | None:
    """Unknown amounts are skipped; of nothing known the sum is unknown, of nothing at all 0."""
    every = list(amounts)
    known = [amount for amount in every if amount is not None]
    return sum(known, Fraction(0)) if known or not every else None


def _daily(world: World, priced: list[Priced], units: Lives, as_of: date) -> list[Row]:
    borne: dict[tuple[date, str], list[Priced]] = defaultdict(list)
    for one in priced:
        if one.borne:
            borne[one.call.day, one.call.workflow or ""].append(one)
    outcomes: dict[tuple[date, str], int] = defaultdict(int)
    failed: dict[tuple[date, str], int] = defaultdict(int)
    for (workflow, _), life in units.items():
        for day, change in life.changes.items():
            outcomes[day, workflow] += change
        for day in life.failed_days:
            if not life.good_at_end_of(day):
                failed[day, workflow] += 1
    rows = []
    for day, workflow in {*borne, *outcomes, *failed}:
        mine, good = borne[day, workflow], outcomes[day, workflow]
        spend = total(part for one in mine for part in one.borne.values())
        declared = world.workflows[workflow]
        row = {
            "day": day.isoformat(),
            "workflow": workflow,
            "unit": declared["unit"],
            "outcomes": str(good),
            "failed_units": str(failed[day, workflow]),
            "requests": str(len(mine)),
            "input_tokens": str(sum(one.call.report.total_input for one in mine)),
            "output_tokens": str(sum(one.call.report.tokens["output"] for one in mine)),
            "spend_usd": money(spend),
            "failure_spend_usd": money(total(_failures(mine, units))),
            "cost_per_outcome_usd": money(spend / good) if good > 0 and spend is not None else "",
            "provisional": str(day > as_of - timedelta(days=declared.get("maturity_days", 2))).lower(),
            "flag": _flag(workflow in {name for name, _ in units}, good, spend),
        }
        rows.append(row)
    return rows


def _flag(reported: bool, good: int, spend: Fraction | None) -> str:
    """What an empty cost per outcome means; `reported`: an event of the workflow ever arrived."""
    if not reported:
        return "no outcomes reported"
    return "all failed" if good <= 0 and spend else ""


def _failures(mine: list[Priced], units: Lives) -> Iterable[Fraction | None]:
    """What failed or sent-back units bear, and of other units what errors and attempts gone wrong cost."""
    for one in mine:
        for unit, part in one.borne.items():
            life = units.get((one.call.workflow or "", unit), Life())
            if (
                life.status in ("failed", "rejected")
                or one.call.report.status == "error"
                or one.call.attempt in life.bad_attempts
            ):
                yield part


def _outcomes(world: World, priced: list[Priced], units: Lives) -> list[Row]:
    served: dict[tuple[str, str], list[Priced]] = defaultdict(list)
    for one in priced:
        for unit in one.borne:
            served[one.call.workflow or "", unit].append(one)
    rows = []
    for workflow, unit in {*served, *units}:
        mine, life = served[workflow, unit], units.get((workflow, unit), Life())
        row = {
            "workflow": workflow,
            "unit": world.workflows[workflow]["unit"],
            "unit_id": text(unit),
            "status": life.status,
            "first_request": moment(min(one.call.report.time for one in mine)) if mine else "",
            "outcome_day": life.outcome_day.isoformat() if life.outcome_day else "",
            "attempts": str(len({one.call.attempt for one in mine})),
            "requests": str(len(mine)),
            "spend_usd": money(total(one.borne[unit] for one in mine)),
            "value_usd": money(life.value),
        }
        rows.append(row)
    return rows


def _requests(world: World, priced: list[Priced], name: Callable[[str, str], str]) -> list[Row]:
    rows = []
    for one in priced:
        call, report = one.call, one.call.report
        model = f"{report.provider}/{name(report.provider, report.model)}"
        tier = next(
            (
                t
                for listed, t in world.tiers.items()
                if f"{listed.split('/')[0]}/{name(*listed.split('/', 1))}" == model
            ),
            "",
        )
        row = {
            "request_id": text(report.request_id),
            "source": report.source,
            "time": moment(report.time),
            "provider": text(report.provider),
            "model": text(report.model),
            "service_tier": report.tier,
            "status": report.status,
            "workflow": text(call.workflow),
            "task_type": text(call.task),
            "unit_id": text(call.unit),
            "input_tokens": str(report.total_input),
            "cache_read_tokens": str(report.tokens["cache_read"]),
            "cache_write_tokens": str(report.tokens["cache_write"]),
            "cache_write_long_tokens": str(report.tokens["cache_write_long"]),
            "output_tokens": str(report.tokens["output"]),
            "reasoning_tokens": str(report.tokens["reasoning"]),
            "cost_usd": money(one.cost),
            "cost_basis": one.basis,
            "recorded_usd": money(report.recorded),
            "tier": tier,
        }
        rows.append(row)
    return rows


def _charges(priced: list[Priced], standing: list[Standing]) -> list[Row]:
    rows = []
    for one in priced:
        report = one.call.report
        for charge in one.charges:
            source = "recorded" if one.basis == "recorded" else ""
            rows.append(
                _charge(
                    text(report.request_id), one.call.day, report.provider, report.model, charge, source, report.source
                )
            )
    for fixed in standing:
        amount = Charge(fixed.sku, 1, price=fixed.amount, amount=fixed.amount)
        rows.append(_charge("", fixed.day, fixed.provider, fixed.model, amount, "", ""))
    return rows


def _charge(request: str, day: date, provider: str, model: str, charge: Charge, rate_source: str, source: str) -> Row:
    price, amount = _price(charge.price), money(charge.amount)
    return {
        "request_id": request,
        "charge_day": day.isoformat(),
        "provider": text(provider),
        "model": text(model),
        "sku": charge.sku,
        "quantity": str(charge.quantity),
        "unit_price_usd": price,
        "amount_usd": amount,
        "rate_source": rate_source,
        "source": source,
        "list_unit_price_usd": _price(charge.list_price),
        "list_amount_usd": money(charge.list_amount),
        "contracted_unit_price_usd": _price(charge.agreed_price),
        "contracted_amount_usd": money(charge.agreed_amount),
        "effective_unit_price_usd": price,
        "effective_amount_usd": amount,
    }


def _price(value: Fraction | None) -> str:
    return "" if value is None else plain(value)


def _unattributed(priced: list[Priced], standing: list[Standing]) -> list[Row]:
    grouped: dict[tuple[str, ...], list[Priced]] = defaultdict(list)
    fixed: dict[tuple[str, ...], Fraction] = defaultdict(Fraction)
    for one in priced:
        call = one.call
        if call.reason:
            key = (
                call.day.isoformat(),
                call.report.provider,
                call.report.model,
                call.reason,
                call.workflow or "",
            )
            grouped[key].append(one)
    for idle in standing:
        fixed[idle.day.isoformat(), idle.provider, idle.model, idle.reason, ""] += idle.amount
    found = [(key, len(mine), total(one.cost for one in mine)) for key, mine in grouped.items()]
    found += [(key, 0, amount) for key, amount in fixed.items()]
    return [
        {
            "day": day,
            "provider": text(provider),
            "model": text(model),
            "reason": reason,
            "requests": str(requests),
            "spend_usd": money(spend),
            "workflow": text(workflow),
        }
        for (day, provider, model, reason, workflow), requests, spend in found
    ]


def moment(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def text(value: str | None) -> str:
    """A text cell; one that a spreadsheet would run is defused."""
    found = value or ""
    return f"'{found}" if found.startswith(FORMULAS) else found
