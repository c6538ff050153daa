"""The cost-quality curve of a workflow in words, and what declarations, traffic and the shape of requests say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from dashboards import formats, names
from dashboards.queries import Rows, per

Point = Mapping[str, Any]


@dataclass(frozen=True)
class Curve:
    """One workflow's points of the mart `frontier`; targets by whole percent, highest first."""

    recommended: Point
    cheapest: Point
    targets: Mapping[int, Point]

    @property
    def offered(self) -> list[int]:
        return list(self.targets)

    @property
    def today_promise(self) -> int:
        """The promise of outlay.yaml, or the nearest that was worked out."""
        wanted = self.recommended["target"] * 100
        return min(self.targets, key=lambda percent: (abs(percent - wanted), -percent))


def movable(points: Rows) -> list[str]:
    """Workflows in which some candidate would save something, most saved at the recommended point first."""
    best = {p["workflow"]: p["saving_share"] for p in points if p["point"] == "recommended"}
    saving = {p["workflow"] for p in points if p["saving_share"] > 0}
    return sorted(saving, key=lambda w: (-best[w], w))


def of(points: Rows, workflow: str) -> Curve:
    own = [p for p in points if p["workflow"] == workflow]
    one = {p["point"]: p for p in own}
    targets = {int(p["target"] * 100): p for p in own if p["point"] == "target"}
    return Curve(one["recommended"], one["cheapest"], dict(sorted(targets.items(), reverse=True)))


def promise(curve: Curve, workflow: str) -> str:
    """What the promise of outlay.yaml allows."""
    kept = f"{names.human(workflow)} promises {formats.share(curve.recommended['target'])} of today's quality"
    if curve.recommended["saving_share"] <= 0:
        return f"{kept}; no cheaper model is proven to hold that."
    return f"{kept}; within that {saves(curve.recommended)} is proven safe."


def saves(point: Point) -> str:
    """`a saving of 47 % (46.6–46.7 %)`."""
    if point["saving_share"] <= 0:
        return "no saving"
    held = formats.interval(point["saving_low"], point["saving_high"])
    return f"a saving of {formats.share(point['saving_share'])}" + (
        f" ({held})" if "–" in held or " to " in held else ""
    )


def answer(curve: Curve, workflow: str, accepted: int) -> str:
    """What the slider says: the point of one promise, and where the next step would come."""
    point, now = curve.targets[accepted], curve.recommended
    kept = f", expected to keep {formats.share(point['retention'])} ({formats.interval(point['retention_low'], point['retention_high'])})"
    said = f"At {accepted}{formats.NBSP}% {names.within(workflow)} could take {saves(point)}{kept if point['saving_share'] > 0 else ''}"
    extra = point["saving_share"] - now["saving_share"]
    if extra > 0:
        said += f": {formats.share(extra)} of its cost more than at today's promise."
    elif extra < 0:
        said += f": {formats.share(-extra)} of its cost less than at today's promise."
    else:
        said += ", the same as at today's promise."
    further = next(
        (n for n, p in curve.targets.items() if n < accepted and p["saving_share"] > point["saving_share"]), None
    )
    if further is not None:
        return f"{said} The next step comes at {further}{formats.NBSP}%: {saves(curve.targets[further])}."
    return f"{said} A lower promise, down to {min(curve.targets)}{formats.NBSP}%, would prove no more."


def spoken(curve: Curve) -> str:
    """The named points for who can't see them."""
    parts = [("today", None), ("recommended", curve.recommended), ("cheapest", curve.cheapest)]
    return formats.listing(
        f"{name} saves {formats.share(p['saving_share'])} and keeps {formats.share(p['retention'])}"
        if p
        else f"{name} saves nothing"
        for name, p in parts
    )


def disagreement(row: Mapping[str, Any]) -> str:
    """One row of the mart `capability` as a person would say it."""
    declared, served, proven = row["declared_tier"], row["served_tier"], row["proven_tier"]
    if row["kind"] == "undeclared":
        what = (
            f"Its capability {row['capability']} has no tier"
            if row["capability"]
            else "No capability is declared for it"
        )
        return f"{what}: nobody has said which tier it needs."
    needs = f"Declared as {row['capability']}, which needs the {declared} tier"
    if row["kind"] == "served_above":
        backed = f"; the evidence supports {proven}" if proven else "; no evidence supports a switch yet"
        return f"{needs}; it runs on {served}{backed}."
    if row["kind"] == "served_below":
        return f"{needs}; it runs on {served} only."
    return f"{needs}; most of it is proven on {proven}: the declaration asks for more than the work needs."


@dataclass(frozen=True)
class Untagged:
    """Spend of 28 days whose requests carry no task type."""

    rows: Rows
    spend_usd: Decimal
    tier: str | None  #: the tier that most of it ran on
    tier_usd: Decimal
    lighter_usd: Decimal  #: of that tier, what looks like a lighter tier's work


def untagged(profile: Rows) -> Untagged:
    rows: Rows = [
        {**row, "model": f"{row['provider']}/{row['model']}"}
        for row in profile
        if not row["tagged"] and row["spend_usd"]
    ]
    by_tier: dict[str, Decimal] = {}
    for row in rows:
        if row["tier"] is not None:
            by_tier[row["tier"]] = by_tier.get(row["tier"], Decimal(0)) + row["spend_usd"]
    tier = max(by_tier, key=lambda t: (by_tier[t], t), default=None)
    lighter = sum((r["spend_usd"] for r in rows if r["tier"] == tier and r["looks_lighter"]), Decimal(0))
    return Untagged(
        rows, sum((r["spend_usd"] for r in rows), Decimal(0)), tier, by_tier.get(tier or "", Decimal(0)), lighter
    )


def looks(found: Untagged) -> str:
    said = f"{formats.money(found.spend_usd)} of 28 days' spend carries no task type."
    if found.tier is None:
        return f"{said} Its models stand in no tier."
    return (
        f"{said} By its shape alone, {formats.share(per(found.lighter_usd, found.tier_usd))} of what ran on {found.tier} "
        f"({formats.money(found.lighter_usd)} of {formats.money(found.tier_usd)}) looks like work that a lighter tier does."
    )
