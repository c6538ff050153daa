"""The third number: does traffic run where the approved policy says?

Which policy governs a moment is told by the routing audit: from its `effective_at` on, an applied version or the one
that a rollback brought back. Over the last seven days, per route and version in force: requests answered by each tier
against the declared shares. What runs past its share is off the policy:

    off  = Σ over tiers max(0, observed − declared share × requests)        held = 1 − off ÷ requests
    leak = Σ over those tiers of their excess × (mean cost there − mean cost on the tiers that came short)

A tier that came short and answered nothing is costed by the saving that the approved evidence promised; without either the leak
is unknown. A route holds when `off` is at most 2 % of its requests or what drawing them by share explains (2.58 standard
deviations).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from math import sqrt
from typing import Any

from pipelines.outcomes.ratios import rounded
from pipelines.publish import formats
from pipelines.publish.names import task
from pipelines.review.document import Held, Split
from pipelines.review.facts import SPLIT_DAYS, Facts, Row, answered
from pipelines.routing.history import replay
from pipelines.routing.policy import Policy, Route
from pipelines.routing.policy_text import parse_policy

SLACK, CHANCE = 0.02, 2.58
NO_TIER = "no tier"


@dataclass(frozen=True)
class Phase:
    """A policy in force from `since` until the next phase; None: nothing was."""

    since: datetime
    version: int
    policy: Policy | None


def phases(rows: Sequence[Mapping[str, Any]]) -> list[Phase]:
    """What the audit says was in force, in order of time."""
    found = []
    for number, row in enumerate(rows, 1):
        if row["event"] in ("applied", "rolled_back"):
            history = replay(rows[:number])
            text = history.live["policy_text"] if history.live else None
            policy = parse_policy(text, f"policy version {row['version']}").policy if text else None
            found.append(Phase(datetime.fromisoformat(row["effective_at"]), history.live_version, policy))
    return sorted(found, key=lambda phase: phase.since)


def split(f: Facts) -> Split:
    """Number 3. Red where a route doesn't hold; neither where no policy was in force."""
    last = f.chosen.seen_to
    first = last - timedelta(days=SPLIT_DAYS - 1)
    known = phases(f.audit)
    zone = f.config.reporting.zone
    end = datetime(last.year, last.month, last.day, tzinfo=zone) + timedelta(days=1)
    ruled = [phase for phase in known if phase.since < end]
    live = ruled[-1] if ruled else None
    requests = answered(f.published, first, last) if any(phase.policy for phase in ruled) else []
    held = [
        one for phase, part in _by_phase(ruled, requests) if phase.policy for one in _routes(phase, phase.policy, part)
    ]
    total = sum(one.requests for one in held)
    share = rounded(sum((Fraction(one.held) * one.requests for one in held), Fraction(0)) / total) if total else None
    leaks = [one.leak_usd for one in held]
    leak = None if not held or None in leaks else sum((x for x in leaks if x is not None), Decimal(0))
    state = "none" if not held else "green" if all(one.holds for one in held) else "red"
    return Split(
        state=state, finding=_said(f, known, live, held, share, leak), policy_version=live.version if live else None,
        first_day=first, last_day=last, requests=total, held=share, leak_usd=leak, routes=tuple(held),
    )  # fmt: skip


def _by_phase(known: Sequence[Phase], requests: Iterable[Row]) -> list[tuple[Phase, list[Row]]]:
    found: list[tuple[Phase, list[Row]]] = [(phase, []) for phase in known]
    for row in requests:
        ruling = [part for phase, part in found if phase.since <= row["time"]]
        if ruling:
            ruling[-1].append(row)
    return found


def _routes(phase: Phase, policy: Policy, rows: Sequence[Row]) -> Iterable[Held]:
    for route in policy.routes:
        own = [r for r in rows if (r["workflow"], r["task_type"]) == (route.match.workflow, route.match.task_type)]
        if own:
            yield _held(phase.version, route, own)


def _held(version: int, route: Route, rows: Sequence[Row]) -> Held:
    total = len(rows)
    observed: dict[str, int] = {}
    spent: dict[str, Fraction] = {}
    for row in rows:
        tier = row["tier"] or NO_TIER
        observed[tier] = observed.get(tier, 0) + 1
        spent[tier] = spent.get(tier, Fraction(0)) + Fraction(row["cost_usd"] or 0)
    declared = {tier: Fraction(percent, 100) for tier, percent in route.shares.items()}
    excess = {tier: observed.get(tier, 0) - declared.get(tier, Fraction(0)) * total for tier in {*observed, *declared}}
    off = sum((e for e in excess.values() if e > 0), Fraction(0))
    chance = CHANCE * sqrt(sum(float(share * (1 - share)) for share in declared.values()) / 2 * total)
    mean = {tier: spent[tier] / count for tier, count in observed.items()}
    leak = _leak(route, excess, mean)
    return Held(
        workflow=route.match.workflow, task_type=route.match.task_type, policy_version=version,
        declared={tier: rounded(share) for tier, share in declared.items()},
        observed={tier: rounded(Fraction(count, total)) for tier, count in sorted(observed.items())},
        requests=total, held=rounded(1 - off / total), leak_usd=None if leak is None else rounded(leak),
        holds=float(off) <= max(SLACK * total, chance),
    )  # fmt: skip


def _leak(route: Route, excess: Mapping[str, Fraction], mean: Mapping[str, Fraction]) -> Fraction | None:
    """Dollars above policy: 0 where what runs past its share is the cheaper one."""
    past = {tier: count for tier, count in excess.items() if count > 0}
    short = {tier: -count for tier, count in excess.items() if count < 0}
    if not past:
        return Fraction(0)
    actual = sum((count * mean[tier] for tier, count in past.items()), Fraction(0))
    promised = route.evidence.saving_share if route.evidence else None
    planned = Fraction(0)
    for tier, count in short.items():
        if tier in mean:
            planned += count * mean[tier]
        elif promised is not None:
            planned += count * actual / sum(past.values()) * (1 - Fraction(promised))
        else:
            return None
    return max(actual - planned, Fraction(0))


def _said(
    f: Facts, known: Sequence[Phase], live: Phase | None, held: Sequence[Held], share: Decimal | None, leak: Decimal | None
) -> str:  # fmt: skip
    if live is None:
        if known:
            begins = known[0].since.astimezone(f.config.reporting.zone).date()
            return f"The policy applied holds from {formats.day(begins)}; the data ends before that."
        return "No policy applied: every task type runs on the model that its code names."
    if live.policy is None and not held:
        return "No policy applied: the last change was rolled back."
    if not held:
        return f"Policy version {live.version} is in force; no request of a routed task type was seen in seven days."
    total = sum(one.requests for one in held)
    said = (
        f"{formats.share(share)} of {formats.plural(total, 'request')} of routed task types ran where policy version {live.version} "
        f"says, over seven days to {formats.day(f.chosen.seen_to)}"
    )
    lost = "what the rest costs is unknown" if leak is None else f"leak {f.money(leak)}"
    broken = sorted((one for one in held if not one.holds), key=lambda one: (one.held, one.workflow, one.task_type))
    if not broken:
        return f"{said}; {lost}. Every route holds."
    worst = broken[0]
    return f"{said}; {lost}. {task(worst.workflow, worst.task_type)} holds {formats.share(worst.held)} only: outlay route status."
