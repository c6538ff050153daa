"""Decisions of the last weeks against what happened: routing changes of the audit, and the lines of `decisions.jsonl`.

What a move of a route promised and brought is the mart `decisions`' to say, as for `route status` and the dashboard. Told
are the 28 days to `seen_to`, and for the latest week whatever was decided since: that can't show in the data yet,
and says so.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Set
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from pipelines.publish import formats
from pipelines.publish.names import human, model, task, task_within, within
from pipelines.review.document import Checked
from pipelines.review.facts import Facts, Row
from pipelines.routing.policy import Policy
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
    """Moves of routes as the mart `decisions` tells them; applied versions that moved none, ways back, waiting approvals."""
    routes = {(row["workflow"], row["task_type"]) for row in f.promises if row["status"] != "approved"}
    for row in f.promises:
        if row["status"] != "approved" and _in_time(f, row["ended_day"] or row["share_first_day"]):
            yield _moved(f, row)
    approvals: dict[str, Mapping[str, Any]] = {}
    applied: set[str] = set()
    rows = list(f.audit)
    for row in rows:
        if row["event"] == "approved":
            approvals[row["policy_sha256"]] = row
        elif row["event"] == "applied":
            applied.add(row["policy_sha256"])
        if not _in_time(f, _at(f, row)):
            continue
        if row["event"] == "applied" and row["policy_sha256"] in approvals:
            yield from _unmoved(f, _at(f, row), approvals[row["policy_sha256"]], routes)
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


def _unmoved(f: Facts, day: date, approval: Mapping[str, Any], moved: Set[tuple[str, str]]) -> Iterator[Checked]:
    """Routes of an applied version of which no request shows that anything moved."""
    policy: Policy = parse_policy(approval["policy_text"], f"policy version {approval['version']}").policy
    for change in approval["changes"]:
        route = policy.route(change["route"])
        if (
            route is None
            or dict(change["before"]) == route.shares
            or (key := tuple(change["route"].split("/", 1))) in moved
        ):
            continue
        said = ", ".join(f"{tier} {percent} %" for tier, percent in route.shares.items())
        promised = route.evidence.saving_usd_month if route.evidence else None
        yield _plain(
            f, "applied", day, approval["by"], f"{task(*key)}: {said}", route.reason, "not distinguishable yet",
            "No request shows a move to another tier so far.", None if promised is None else str(promised),
        )  # fmt: skip


def _moved(f: Facts, row: Row) -> Checked:
    ended = row["ended_day"]
    verdict = "undone" if row["status"] in ("rolled_back", "expired") else _verdict(row)
    return Checked(
        kind="applied", day=row["share_first_day"], by=row["approved_by"], reason=None,
        about=f"{task(row['workflow'], row['task_type'])}: {row['percent']} % on {row['to_tier']}",
        promised_usd_month=row["promised_usd_month"], promised_now_usd_month=row["promised_at_share_usd_month"],
        realised_usd_month=row["realised_usd_month"], realised_low_usd_month=row["low"],
        realised_high_usd_month=row["high"], share_before=row["share_before"], share_since=row["share_since"],
        verdict=verdict, finding=_said(f, row, ended),
    )  # fmt: skip


def _verdict(row: Row) -> Any:
    if row["finding"] not in ("saved", "costs more"):
        return "not distinguishable yet"
    promised = row["promised_at_share_usd_month"]
    if row["finding"] == "costs more" or (promised is not None and row["high"] < promised):
        return "short of the promise"
    return "realised"


def _said(f: Facts, row: Row, ended: date | None) -> str:
    said, promised, now = [], row["promised_usd_month"], row["promised_at_share_usd_month"]
    if promised is not None:
        at_share = "" if now is None or now == promised else f", {f.money(now)} at the shares in force so far"
        said.append(f"promised {f.money(promised)} a month{at_share}")
    if row["share_since"] is None:
        said.append("no request of the task since")
    else:
        before = "" if row["share_before"] is None else f", {formats.share(row['share_before'])} before"
        said.append(f"{row['to_tier']} answered {formats.share(row['share_since'])} of requests since{before}")
    reach = "" if row["low"] is None else f" (90 %: {f.money(row['low'])} to {f.money(row['high'])})"
    if row["finding"] == "saved":
        counted = formats.plural(int(row["outcomes"]), "outcome")
        said.append(f"realised {f.money(row['realised_usd_month'])} a month{reach} over {counted}")
    else:
        amount = "" if row["realised_usd_month"] is None else f", {f.money(row['realised_usd_month'])} a month{reach}"
        said.append(f"the saving: {row['finding']}{amount}")
    text = "; ".join(said)
    back = {"rolled_back": "Rolled back", "expired": "Expired", "superseded": "Followed by another change"}
    end = f" {back[row['status']]} on {formats.day(ended)}." if ended else ""
    return f"{text[:1].upper()}{text[1:]}.{end}"


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
