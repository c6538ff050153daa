"""The weekly review: four numbers, three questions, decisions with owners, last decisions checked.

A function of the published set, `outlay.yaml`, `decisions.jsonl` and the routing audit; no clock is asked.
"""

from __future__ import annotations

from datetime import date

from pipelines.publish import formats
from pipelines.review import adherence, capability, changes, checked, numbers, value
from pipelines.review.document import Review
from pipelines.review.facts import Facts, read_facts
from pipelines.review.four_numbers import Numbers
from pipelines.review.proposals import proposals
from pipelines.storage.published import Published
from pipelines.workspace.load import Loaded


def review(loaded: Loaded, published: Published, week: str | None = None) -> Review:
    """The review of an ISO week such as `2026-W46`; None: the last that has settled.

    Raises UsageError for a week that isn't published or isn't over, OutlayError where there is nothing to review.
    """
    return reviewed(read_facts(loaded, published, week))


def reviewed(f: Facts) -> Review:
    """The document of what was read."""
    formats.show_in(f.currency)
    cost, drift = numbers.cost(f), numbers.drift(f)
    tasks = capability.tasks(f)
    found = changes.changes(f, cost, drift)
    proposed, left_out = proposals(f, drift)
    meta = f.published.meta
    return Review(
        company=f.config.name, week=f.week.iso, first_day=f.week.first, last_day=f.week.last, timezone=meta["timezone"],
        currency=f.currency.currency, currency_said=f.currency.said, provisional=f.chosen.provisional,
        why_this_week=f.chosen.why, as_of=meta["as_of"], seen_to=f.chosen.seen_to, set_id=meta["set_id"],
        published_at=meta["published_at"],
        numbers=Numbers(cost=cost, drift=drift, split=adherence.split(f), bottom=numbers.bottom(f)),
        questions=(capability.question(f, tasks), value.question(f), changes.question(f, cost, drift, found)),
        tasks=tasks, worth=value.worth(f), changes=found, decisions=proposed, decisions_left_out=left_out,
        checked=checked.checked(f), notes=tuple(_notes(f)),
    )  # fmt: skip


def _notes(f: Facts) -> list[str]:
    said = []
    if f.chosen.provisional:
        said.append("Outcomes of the week's last days may still arrive: its costs per outcome may still change.")
    if not f.chosen.latest:
        said.append(
            f"A replay from the set as of {formats.day(date.fromisoformat(f.published.meta['as_of']))}, of what would have been known on {formats.day(f.chosen.seen_to)}; "
            "recommendations, baselines and realised savings are those of the set."
        )
    return said
