"""Small workspaces with a known week: each day has the calls and outcomes that a test asks for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from pipelines.publish.currency import shown
from pipelines.review.document import Question, Review
from pipelines.review.markdown import markdown
from pipelines.review.page import page
from pipelines.review.review import review
from pipelines.routing import audit
from pipelines.routing.policy import sha256
from tests.workspaces import Bench, call, event

#: a Monday; the second week is reviewed
FIRST = date(2026, 10, 5)
CHEAP, DEAR = "gpt-5-mini", "gpt-5.4"
TIERS = {
    "capabilities": {"extraction": "light", "reasoning": "frontier"},
    "routing": {"approvers": ["platform-lead"]},
}


def town(root: Path, workflows: Mapping[str, Any], **config: Any) -> Bench:
    return Bench(root, {"workflows": dict(workflows), **TIERS, **config})


def flow(value: str | None = "2.00", **more: Any) -> dict[str, Any]:
    """A workflow of documents that mature at once; `value`: dollars each."""
    made: dict[str, Any] = {"unit": "document", "maturity_days": 0, "tasks": {"extraction": "extraction"}, **more}
    if value is not None:
        made["value"] = {"per_outcome_usd": value, "basis": "minutes saved"}
    return made


def fortnight(
    bench: Bench, workflow: str, model: str = CHEAP, days: int = 14, each: int = 3, good: bool = True, since: int = 0,
    **fields: Any,
) -> None:  # fmt: skip
    """`each` units a day with one call, and one outcome, each, on the days from `since` to `days`. `fields`: of the calls.

    A second model on the same days works on the same units.
    """
    calls, events = [], []
    for number in range(since, days):
        day = FIRST + timedelta(days=number)
        for n in range(each):
            unit = f"{workflow}-{day}-{n}"
            calls.append(call(
                f"{unit}-{model}", time=f"{day}T0{n % 8 + 1}:00:00Z", workflow=workflow, unit_id=unit, model=model, **fields,
            ))  # fmt: skip
            if good:
                events.append(event(unit, time=f"{day}T12:00:00Z", workflow=workflow, unit_id=unit))
    bench.calls(*calls, file=f"{workflow}-{model}-{since}.jsonl")
    bench.outcomes(*events, file=f"{workflow}-{model}-{since}.jsonl")


def reviewed(bench: Bench, week: str | None = None, run: bool = True) -> Review:
    if run:
        bench.run()
    return review(bench.loaded, bench.published, week)


def question(r: Review, key: str) -> Question:
    return next(q for q in r.questions if q.key == key)


def texts(bench: Bench, r: Review) -> tuple[str, str]:
    """Markdown and HTML."""
    currency = shown(bench.published.meta)
    return markdown(r, currency), page(r, currency)


def policy_text(shares: Mapping[str, int], version: int = 1, saving: str = "12.00", reason: str = "evidence") -> str:
    """One route for review/extraction: its tier, and a canary where `shares` has a second one."""
    tier, *canary = shares
    more = f"    canary: {{tier: {canary[0]}, percent: {shares[canary[0]]}, up_to: 100}}\n" if canary else ""
    return (
        f"schema_version: 1\npolicy_id: test\nversion: {version}\ncreated_at: 2026-10-01T00:00:00Z\ncreated_by: outlay\n"
        "tiers: {frontier: 2, light: 1}\ndefault_tier: frontier\nroutes:\n"
        f"  - match: {{workflow: review, task_type: extraction}}\n    tier: {tier}\n{more}"
        f"    reason: {reason!r}\n"
        f"    evidence: {{recommendation_id: abc, saving_usd_month: '{saving}', saving_share: '0.5'}}\n"
    )


def put_in_force(bench: Bench, shares: Mapping[str, int], since: date, by: str = "platform-lead", **more: Any) -> None:
    """Approval and apply as the routing loop records them."""
    at = datetime(since.year, since.month, since.day, tzinfo=UTC)
    rows = audit.read(bench.root)
    version = 1 + sum(row["event"] == "applied" for row in rows)
    text = policy_text(shares, version, **more)
    common: dict[str, Any] = {"version": version, "policy_sha256": sha256(text)}
    change = {"route": "review/extraction", "before": {"frontier": 100}, "after": dict(shares)}
    audit.append(
        bench.root,
        "approved",
        now=at,
        by=by,
        changes=[change],
        targets=[],
        policy_text=text,
        recommendation_ids=["abc"],
        **common,
    )
    audit.append(bench.root, "applied", now=at, files=[], **common)


def said(text: str | None) -> str:
    """A text with plain spaces, as a reader sees it."""
    return (text or "").replace("\u00a0", " ")
