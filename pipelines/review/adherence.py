"""The third number: does traffic run where the approved policy says? Seven days of the mart `adherence`, in words.

Which routes hold and what they leak is `pipelines.rollout.holding`'s to say, as for `route status` and the dashboard.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from pipelines.outcomes.ratios import rounded
from pipelines.publish import formats
from pipelines.publish.names import task
from pipelines.review.facts import SPLIT_DAYS, Facts
from pipelines.review.four_numbers import Held, Split
from pipelines.rollout.holding import Kept, holding
from pipelines.rollout.timeline import Phase, phases


def split(f: Facts) -> Split:
    """Number 3. Red where a route doesn't hold; neither where no policy was in force."""
    last = f.chosen.seen_to
    first = last - timedelta(days=SPLIT_DAYS - 1)
    known = phases(f.audit)
    end = datetime(last.year, last.month, last.day, tzinfo=f.config.reporting.zone) + timedelta(days=1)
    live = next((phase for phase in reversed(known) if phase.since < end), None)
    kept = holding(f.adherence)
    total = sum(one.requests for one in kept)
    share = rounded(1 - sum((one.off for one in kept), Fraction(0)) / total) if total else None
    leaks = [one.leak_usd for one in kept]
    leak = None if not kept or None in leaks else sum((x for x in leaks if x is not None), Decimal(0))
    state = "none" if not kept else "green" if all(one.holds for one in kept) else "red"
    return Split(
        state=state, finding=_said(f, known, live, kept, share, leak), policy_version=live.version if live else None,
        first_day=first, last_day=last, requests=total, held=share, leak_usd=leak, routes=tuple(_held(one) for one in kept),
    )  # fmt: skip


def _held(one: Kept) -> Held:
    return Held(
        workflow=one.workflow, task_type=one.task_type, policy_version=one.policy_version,
        declared={tier: rounded(share) for tier, share in sorted(one.declared.items()) if share},
        observed={tier: rounded(share) for tier, share in sorted(one.observed.items())},
        requests=one.requests, held=rounded(one.held), leak_usd=one.leak_usd, holds=one.holds,
    )  # fmt: skip


def _said(
    f: Facts, known: Sequence[Phase], live: Phase | None, kept: Sequence[Kept], share: Decimal | None, leak: Decimal | None
) -> str:  # fmt: skip
    if live is None:
        if known:
            begins = known[0].since.astimezone(f.config.reporting.zone).date()
            return f"The policy applied holds from {formats.day(begins)}; the data ends before that."
        return "No policy applied: every task type runs on the model that its code names."
    if live.policy is None and not kept:
        return "No policy applied: the last change was rolled back."
    if not kept:
        return f"Policy version {live.version} is in force; no request of a routed task type was seen in seven days."
    total = sum(one.requests for one in kept)
    said = (
        f"{formats.share(share)} of {formats.plural(total, 'request')} of routed task types ran where policy version {live.version} "
        f"says, over seven days to {formats.day(f.chosen.seen_to)}"
    )
    lost = "what the rest costs is unknown" if leak is None else f"leak {f.money(leak)}"
    broken = sorted((one for one in kept if not one.holds), key=lambda one: (one.held, one.key))
    if not broken:
        return f"{said}; {lost}. Every route holds."
    worst = broken[0]
    return f"{said}; {lost}. {task(worst.workflow, worst.task_type)} holds {formats.share(rounded(worst.held))} only: outlay route status."
