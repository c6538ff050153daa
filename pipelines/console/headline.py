"""What the command line says in people's text: short tables with the figures that matter."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from io import StringIO
from typing import Any

from rich.console import Console
from rich.table import Table

from pipelines.console.rules import rules_text
from pipelines.publish.currency import DOLLARS, Shown, shown
from pipelines.split.profile import lighter_spend
from pipelines.storage.published import Published
from pipelines.workspace.work import Tier

WIDTH = 110
#: in the place of an amount of which nothing has a price
UNKNOWN = "an unknown amount"


def headline(published: Published) -> str:
    """Spend, outcomes, cost per outcome and value of the last 28 days, per workflow."""
    with published.connect() as con:
        rows = con.sql(
            "select r.workflow, r.unit, r.outcomes, r.spend_usd, r.spend_share, r.break_even_value_usd, "
            "r.value_per_usd, r.rank, r.note from value_ranking r order by r.spend_usd desc nulls last, r.workflow"
        ).pl().to_dicts()  # fmt: skip
    meta = published.meta
    money = shown(meta)
    rows = [money.row(row) for row in rows]
    sign = money.symbol.strip()
    said = "" if money == DOLLARS else f", {money.said}"
    table = Table(
        title=f"{meta['name']}: 28 days to {meta['as_of']}{said}", title_justify="left", box=None, pad_edge=False
    )
    table.add_column("Workflow")
    for name in (f"Spend {sign}", "Share", "Outcomes", f"{sign} per outcome", f"Value per {sign}", "Rank"):
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(
            row["workflow"], _money(row["spend_usd"]), _share(row["spend_share"]),
            f"{row['outcomes']:,} {row['unit']}s", _per(row["break_even_value_usd"]), _per(row["value_per_usd"], 3),
            str(row["rank"] or row["note"]),
        )  # fmt: skip
    summary = meta["summary"]
    lines = [
        render(table),
        f"\nAll days: {summary['requests']:,} requests, {_amount(money, summary['spend_usd'])}, of which "
        f"{_amount(money, summary['unattributed_usd'])} no unit bears; {summary['unpriced_requests']} requests have no price.",
    ]
    if meta["finding"]:
        lines.append(meta["finding"])
    lines += [_advice(r, money) for r in published.recommendations["recommendations"] if r["decision"] == "switch"]
    return "\n".join(lines)


def _amount(money: Shown, usd: str | None, places: int = 2) -> str:
    return UNKNOWN if usd is None else f"{money.symbol}{money(Decimal(usd)):,.{places}f}"


def _advice(item: dict[str, Any], money: Shown) -> str:
    where = " + ".join(f"{route['share']:.0%} {route['model']}" for route in item["routes"])
    saving = f", {_amount(money, item['saving_usd_month'], 0)} a month" if item["saving_usd_month"] else ""
    return (
        f"Switch {item['workflow']}/{item['task_type']} to {where}: saves {item['saving_share']:.0%}{saving}, "
        f"keeps {item['retention']:.1%} of quality ({item['items']} pairs)."
    )


def run_text(document: dict[str, Any]) -> str:
    """What a run did, and what it skipped and why."""
    files, records = document["files"], document["records"]
    days = document["days"]
    span = f"{len(days)} days ({days[0]} to {days[-1]})" if days else "no day"
    lines = [
        f"files    {files['read']} read, {files['unchanged']} unchanged, {files['refused']} refused",
        f"records  {records['read']:,} read = {records['stored']:,} stored + {records['duplicate']:,} duplicate + "
        f"{records['superseded']:,} superseded + {records['quarantined']:,} quarantined",
        f"touched  {span}",
        f"ledger   {document['requests']:,} requests, {_amount(DOLLARS, document['spend_usd'])}, "
        f"{_amount(DOLLARS, document['unattributed_usd'])} unattributed, {document['unpriced_requests']} without a price",
    ]
    lines += rules_text(document["assign"])
    for alert in document["alerts"][:5]:
        lines.append(f"{alert['severity']:<8} {alert['kind']}: {alert['subject']}, {alert['day']}: {alert['detail']}")
    if len(document["alerts"]) > 5:
        lines.append(f"         and {len(document['alerts']) - 5} more: outlay export alerts")
    lines += skipped_lines(document["skipped"], files["refused"])
    told = document.get("notified", {"sent": {}, "failed": {}})
    lines += [f"alerts   {count} new sent to {channel}" for channel, count in told["sent"].items()]
    lines += [f"alerts   {channel}: {why}" for channel, why in told["failed"].items()]
    if document.get("missing_rates"):
        lines += ["rates missing; fill in the prices and put them into rates.yaml:", document["missing_rates"].rstrip()]
    lines.append(f"published {document['published']}, as of {document['as_of']}")
    return "\n".join(lines)


#: Refused files that are named in a run's text; `outlay quarantine` lists all.
NAMED = 5


def skipped_lines(skipped: dict[str, Any], refused: int) -> list[str]:
    """What a run did not take, each with its reason; nothing where it took all."""
    lines = []
    if skipped["unchanged_files"]:
        lines.append(f"{skipped['unchanged_files']:,} files: unchanged since they were read")
    lines += [f"{r['file']} ({r['source']}): refused, {r['reason']}" for r in skipped["refused_files"][:NAMED]]
    if refused > NAMED:
        lines.append(f"{refused - NAMED:,} more refused files: outlay quarantine")
    for source, count in skipped["folders_outside"].items():
        lines.append(f"{count:,} date folders of {source}: outside --from/--to")
    if skipped["records_outside"]:
        lines.append(f"{skipped['records_outside']:,} records: outside --from/--to, left for a later run")
    for kind, count in skipped["kinds_not_read"].items():
        lines.append(f"{count:,} files of kind {kind}: this version does not read it yet")
    return [f"skipped  {line}" for line in lines]


def recommend_text(published: Published, tiers: Sequence[Tier] = ()) -> str:
    """Recommendations with their reasons, switches first, and what the dearest tier's work looks like."""
    document = published.recommendations
    order = {"switch": 0, "experiment": 1, "keep": 2}
    lines = [f"Recommendations as of {document['as_of']}"]
    for item in sorted(
        document["recommendations"], key=lambda r: (order[r["decision"]], r["workflow"], r["task_type"])
    ):
        lines.append(
            f"\n{item['decision'].upper():<11}{item['workflow']}/{item['task_type']}  grade {item['grade']}  id {item['id']}"
        )
        lines.append(f"  serve: {_routes(item['routes'])}")
        lines += [f"    {each['stratum']}: {_routes(each['routes'])}" for each in item.get("strata") or ()]
        if item["retention"] is not None:
            lines.append(
                f"  keeps {item['retention']:.1%} of quality ({item['retention_low']:.1%} to {item['retention_high']:.1%}), "
                f"saves {item['saving_share']:.0%} on {item['items']} pairs"
            )
        if item["experiment"]:
            plan = item["experiment"]
            cost = f"${Decimal(plan['cost_usd']):,.2f}" if plan["cost_usd"] else "an unknown amount"
            days = f"{plan['days']} days" if plan["days"] is not None else "an unknown number of days"
            lines.append(f"  to settle it: {plan['pairs']} pairs, {days}, {cost}")
        lines.append(f"  {item['reason']}")
    if document["disagreements"]:
        lines.append("\nDeclared capability, traffic and evidence disagree:")
        lines += [f"  {found['workflow']}: {found['text']}" for found in document["disagreements"]]
    lines += _lighter_work(published, tiers)
    return "\n".join(lines)


def _routes(routes: Sequence[dict[str, Any]]) -> str:
    return " + ".join(f"{route['share']:.0%} {route['model']}" for route in routes)


def _lighter_work(published: Published, tiers: Sequence[Tier]) -> list[str]:
    """Which share of the dearest tier's spend looks like a lighter tier's work; nothing where none ran on it."""
    if len(tiers) < 2:
        return []
    dearest = max(tiers, key=lambda tier: tier.rank).name
    with published.connect() as con:
        profile = con.sql("select tier, spend_usd, looks_lighter from workload_profile").pl()
    lighter, spend = lighter_spend(profile, dearest)
    if not spend:
        return []
    return [
        f"\nOf ${spend:,.2f} that ran on {dearest} in 28 days, ${lighter:,.2f} ({lighter / spend:.0%}) looks by its shape "
        "like a lighter tier's work.",
        "  Inferred from sizes alone: where to look first, never evidence for a switch (outlay export workload_profile).",
    ]


def render(table: Table) -> str:
    """A table as plain text of at most `WIDTH` columns."""
    out = StringIO()
    Console(file=out, width=WIDTH, color_system=None).print(table)
    return "\n".join(line.rstrip() for line in out.getvalue().rstrip().splitlines())


def _money(value: Decimal | None) -> str:
    return "–" if value is None else f"{value:,.2f}"


def _share(value: Decimal | None) -> str:
    return "–" if value is None else f"{value:.0%}"


def _per(value: Decimal | None, digits: int = 4) -> str:
    """Significant digits, never an exponent."""
    if value is None:
        return "–"
    if value == 0:
        return "0"
    places = max(0, digits - 1 - value.adjusted())
    return f"{value:,.{places}f}"
