"""What a month will cost before its invoice is there: metered, and the unseen spend to be expected, by cost centre.

Expected unseen spend of a provider = its metered spend × the mean, over the last closed months (three at most), of unseen
÷ metered; spread over its cost centres by what is metered for each. A cost centre is (provider, workflow, team). The close
of the month compares: actual = metered + what the bill showed as unseen, and lists the differences.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from pipelines.close.figures import money
from pipelines.close.records import Record
from pipelines.close.spread import spread

MONTHS = 3
Centre = tuple[str, str | None, str | None]


def accrued(figures: Mapping[str, Any], closed: Mapping[str, Record], month: str) -> dict[str, Any]:
    """The `accrual` part of a record. Without a closed month, nothing unseen is expected."""
    before = [closed[m].document["figures"] for m in sorted(closed) if m < month][-MONTHS:]
    lines, shares = [], []
    by_provider: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for centre in figures["cost_centres"]:
        by_provider[centre["provider"]].append(centre)
    for provider, centres in sorted(by_provider.items()):
        share = _unseen_share(provider, before)
        metered = [int(Decimal(c["spend_usd"]).scaleb(12)) for c in centres]
        weights = [max(0, amount) for amount in metered]
        expected = round(sum(weights) * share)
        shares.append({"provider": provider, "months": len(before), "share": f"{float(share):.6f}"})
        for centre, amount, part in zip(centres, metered, spread(expected, weights), strict=True):
            lines.append(
                {
                    "provider": provider, "workflow": centre["workflow"], "team": centre["team"],
                    "metered_usd": _usd(amount), "expected_unseen_usd": _usd(part), "accrued_usd": _usd(amount + part),
                }
            )  # fmt: skip
    total = sum((Decimal(line["accrued_usd"]) for line in lines), Decimal(0))
    return {"expected": shares, "cost_centres": lines, "total_usd": money(total)}


def trued_up(figures: Mapping[str, Any], accrual: Record) -> dict[str, Any]:
    """Accrued against actual, by cost centre; the unseen spend of a bill has no team."""
    then: dict[Centre, Decimal] = defaultdict(Decimal)
    now: dict[Centre, Decimal] = defaultdict(Decimal)
    for line in accrual.document["accrual"]["cost_centres"]:
        then[line["provider"], line["workflow"], line["team"]] += Decimal(line["accrued_usd"])
    for centre in figures["cost_centres"]:
        now[centre["provider"], centre["workflow"], centre["team"]] += Decimal(centre["spend_usd"])
    for one in figures["unseen"]:
        now[one["provider"], one["workflow"], None] += Decimal(one["amount_usd"])
    lines = [
        {
            "provider": key[0], "workflow": key[1], "team": key[2], "accrued_usd": money(then[key]),
            "actual_usd": money(now[key]), "difference_usd": money(now[key] - then[key]),
        }
        for key in sorted({*then, *now}, key=lambda k: tuple(part or "" for part in k))
    ]  # fmt: skip
    difference = sum(now.values(), Decimal(0)) - sum(then.values(), Decimal(0))
    return {"accrual": accrual.file, "cost_centres": lines, "difference_usd": money(difference)}


def _unseen_share(provider: str, months: list[Mapping[str, Any]]) -> Fraction:
    """Mean of unseen ÷ metered; months in which nothing of the provider was metered say nothing."""
    shares = []
    for found in months:
        metered = sum(Fraction(p["metered_usd"]) for p in found["providers"] if p["provider"] == provider)
        unseen = sum(Fraction(u["amount_usd"]) for u in found["unseen"] if u["provider"] == provider)
        if metered > 0:
            shares.append(Fraction(unseen) / metered)
    return sum(shares, Fraction(0)) / len(shares) if shares else Fraction(0)


def _usd(amount: int) -> str:
    return f"{Decimal(amount).scaleb(-12):.12f}"
