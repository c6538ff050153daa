"""Decisions of the last weeks against what happened: routing changes of the audit, and the lines of `decisions.jsonl`.

Told are the 28 days to `seen_to`, and for the latest week whatever was decided since: that can't show in the data yet,
and says so.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from pipelines.outcomes.ratios import rounded
from pipelines.publish import formats
from pipelines.publish.names import human, model, task, task_within, within
from pipelines.review.document import Checked
from pipelines.review.facts import Facts
from pipelines.review.realised import Realised, Served, realised, served
from pipelines.routing.policy import Policy, Route
from pipelines.routing.policy_text import parse_policy
from pipelines.workspace.decisions import Decision

BACK_DAYS = 28
MOST = 8


def checked(f: Facts) -> tuple[Checked, ...]:
    """Newest first, at most eight."""
    found = [*_routing(f), *(_decided(f, d) for d in f.decisions if _in_time(f, _day(f, d.holds_from)))]
    found.sort(key=lambda one: (-one.day.toordinal(), one.kind, one.about))
    return tuple(found[:MOST])


def _in_time(f: Facts, day: date) -> bool:
    return f.chosen.seen_to - timedelta(days=BACK_DAYS) < day and (day <= f.chosen.seen_to or f.chosen.latest)


def _day(f: Facts, moment: datetime) -> date:
    return moment.astimezone(f.config.reporting.zone).date()


def _routing(f: Facts) -> Iterator[Checked]:
    approvals: dict[str, Mapping[str, Any]] = {}
    applied: set[str] = set()
    undone: dict[int, date] = {}
    rows = list(f.audit)
    for row in rows:
        if row["event"] == "rolled_back":
            left = [r["version"] for r in rows if r["event"] == "applied" and r["row"] < row["row"]]
            undone |= {version: _at(f, row) for version in left if version > row["version"]}
        elif row["event"] == "applied":
            applied.add(row["policy_sha256"])
    for row in rows:
        if row["event"] == "approved":
            approvals[row["policy_sha256"]] = row
        if not _in_time(f, _at(f, row)):
            continue
        if row["event"] == "applied" and row["policy_sha256"] in approvals:
            yield from _applied(f, row, approvals[row["policy_sha256"]], undone.get(row["version"]))
        elif row["event"] == "rolled_back":
            yield _plain(
                f, "rolled back", _at(f, row), row.get("by") or row["system_user"], f"to policy version {row['version']}" if row["version"] else "the whole policy",
                row.get("reason"), "holds", f"Policy version {row['version']} is back in force." if row["version"] else "No policy is in force.",
            )  # fmt: skip
    waiting = next((r for r in reversed(rows) if r["event"] == "approved"), None)
    if waiting is not None and waiting["policy_sha256"] not in applied and _in_time(f, _at(f, waiting)):
        yield _plain(
            f, "approved", _at(f, waiting), waiting["by"], f"policy version {waiting['version']}", None, "open",
            f"Policy version {waiting['version']} is approved and not applied: outlay route apply.",
        )  # fmt: skip


def _at(f: Facts, row: Mapping[str, Any]) -> date:
    return _day(f, datetime.fromisoformat(row["effective_at"]))


def _applied(f: Facts, row: Mapping[str, Any], approval: Mapping[str, Any], undone: date | None) -> Iterator[Checked]:
    policy: Policy = parse_policy(approval["policy_text"], f"policy version {row['version']}").policy
    for change in approval["changes"]:
        route = policy.route(change["route"])
        if route is not None and dict(change["before"]) != route.shares:
            yield _route(f, _at(f, row), approval["by"], route, undone)


def _route(f: Facts, day: date, by: str, route: Route, undone: date | None) -> Checked:
    workflow, task_type = route.match.workflow, route.match.task_type
    new = route.canary.tier if route.canary else route.tier
    share, approved = route.shares[new], route.canary.approved if route.canary else 100
    promised = route.evidence.saving_usd_month if route.evidence else None
    now = None if promised is None else rounded(Fraction(promised) * share / approved)
    maturity = f.config.workflows[workflow].maturity_days if workflow in f.config.workflows else 0
    settled = f.chosen.seen_to - timedelta(days=maturity)
    if undone is not None:
        settled = min(settled, undone - timedelta(days=1))
    brought = realised(f.task_days, f.daily, workflow, task_type, day, settled)
    traffic = served(f.task_days, workflow, task_type, new, day, min(f.chosen.seen_to, undone or date.max))
    verdict = _verdict(brought, now)
    if undone is not None:
        verdict = "undone"
    return Checked(
        kind="applied", day=day, by=by, about=f"{task(workflow, task_type)}: {share} % on {new}", reason=route.reason,
        promised_usd_month=promised, promised_now_usd_month=now, realised_usd_month=brought.usd_month,
        realised_low_usd_month=brought.low, realised_high_usd_month=brought.high,
        share_before=_share(traffic.before), share_since=_share(traffic.since), verdict=verdict,
        finding=_said(f, new, share, approved, promised, now, brought, traffic, undone),
    )  # fmt: skip


def _verdict(brought: Realised, promised: Decimal | None) -> Any:
    if brought.reason is not None or brought.high is None:
        return "not distinguishable yet"
    return "short of the promise" if brought.high < (promised or 0) else "realised"


def _share(value: Fraction | None) -> Decimal | None:
    return None if value is None else rounded(value)


def _said(
    f: Facts, tier: str, share: int, approved: int, promised: Decimal | None, now: Decimal | None, brought: Realised,
    traffic: Served, undone: date | None,
) -> str:  # fmt: skip
    said = []
    if promised is not None:
        at_share = f", {f.money(now)} at the {share} % that is live" if share != approved else ""
        said.append(f"promised {f.money(promised)} a month at {approved} %{at_share}")
    if traffic.since is None:
        said.append("no request of the task since")
    else:
        said.append(
            f"{tier} answered {formats.share(_share(traffic.since))} of requests since, {formats.share(_share(traffic.before))} before"
        )
    reach = "" if brought.low is None else f" (90 %: {f.money(brought.low)} to {f.money(brought.high)})"
    if brought.reason is not None:
        amount = "" if brought.usd_month is None else f", {f.money(brought.usd_month)} a month{reach}"
        said.append(f"the saving can't be told yet{amount}: {brought.reason}")
    else:
        said.append(
            f"realised {f.money(brought.usd_month)} a month{reach} over {formats.plural(brought.outcomes, 'outcome')}"
        )
    text = "; ".join(said)
    back = f" Rolled back on {formats.day(undone)}." if undone else ""
    return f"{text[:1].upper()}{text[1:]}.{back}"


def _decided(f: Facts, d: Decision) -> Checked:
    day = _day(f, d.holds_from)
    if d.kind in ("accept", "decline"):
        return _recommended(f, d, day)
    if d.kind == "follow_up":
        about = (
            f"{human(d.workflow)}, for {d.owner or 'nobody named'}"
            if d.workflow
            else f"for {d.owner or 'nobody named'}"
        )
        return _plain(
            f,
            "follow-up",
            day,
            d.by,
            about,
            d.reason,
            "open",
            "Nothing in the data says whether this was done.",
            d.promised_usd_month,
        )
    if d.task_type is not None:
        about = f"reference of {task_within(d.workflow or '', d.task_type)}"
        reference = next(
            (
                r["reference_model"]
                for r in f.recommendations
                if (r["workflow"], r["task_type"]) == (d.workflow, d.task_type)
            ),
            None,
        )
        return _plain(
            f, "reference given up", day, d.by, about, d.reason, "holds", f"Compared with {model(reference)} today."
        )
    return _alarm(f, d, day)


def _alarm(f: Facts, d: Decision, day: date) -> Checked:
    """Whether an accepted alarm came back, or a new baseline watches again."""
    kind = "baseline begun anew" if d.kind == "rebase" else "acknowledged"
    about = f"{d.alarm} in {within(d.workflow)}" if d.alarm else within(d.workflow)
    later = [
        a for a in f.alarms
        if a["workflow"] == d.workflow and d.alarm in (None, a["kind"]) and a["detected_day"] > (d.detected_day or day)
        and a["detected_day"] >= day
    ]  # fmt: skip
    if later:
        again = later[0]
        finding = f"Raised again on {formats.day(again['detected_day'])}, at {f.per(again['after_usd'])}: outlay acknowledge {again['alarm']}"
        return _plain(
            f,
            kind,
            day,
            d.by,
            about,
            d.reason,
            "came back",
            f"{finding} --by {shlex.quote(f.by)}.",
            d.promised_usd_month,
        )
    if day > f.chosen.seen_to:
        return _plain(
            f, kind, day, d.by, about, d.reason, "not distinguishable yet",
            f"The data ends on {formats.day(f.chosen.seen_to)}, before this holds.", d.promised_usd_month,
        )  # fmt: skip
    state = next((s["state"] for s in f.states if s["workflow"] == d.workflow), "unknown")
    said = f"Not raised again by {formats.day(f.chosen.seen_to)}" + (f"; {state}." if d.kind == "rebase" else ".")
    return _plain(f, kind, day, d.by, about, d.reason, "holds", said, d.promised_usd_month)


def _recommended(f: Facts, d: Decision, day: date) -> Checked:
    item = next((r for r in f.recommendations if r["id"] == d.recommendation_id), None)
    about = task(item["workflow"], item["task_type"]) if item else f"recommendation {d.recommendation_id}"
    kind = {"accept": "accepted", "decline": "declined"}[d.kind]
    if item is None:
        said, verdict = "It is no longer among the recommendations.", "holds"
    elif d.kind == "accept" and item["decision"] == "switch":
        said, verdict = "It still stands as a switch, so it isn't fully applied yet: outlay route status.", "open"
    else:
        said, verdict = f"It still stands, as {item['decision']}.", "open" if d.kind == "accept" else "holds"
    return _plain(f, kind, day, d.by, about, d.reason, verdict, said, d.promised_usd_month)


def _plain(
    f: Facts, kind: str, day: date, by: str, about: str, reason: str | None, verdict: Any, finding: str,
    promised: str | None = None,
) -> Checked:  # fmt: skip
    usd = None if promised is None else Decimal(promised)
    if usd is not None:
        finding += f" Promised were {f.money(usd)} a month."
    return Checked(
        kind=kind, day=day, by=by, about=about, reason=reason, promised_usd_month=usd, promised_now_usd_month=None,
        realised_usd_month=None, realised_low_usd_month=None, realised_high_usd_month=None, share_before=None,
        share_since=None, verdict=verdict, finding=finding,
    )  # fmt: skip
