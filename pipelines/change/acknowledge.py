"""`outlay acknowledge`: an alarm accepted, a baseline begun anew, or the reference of a route given up.

ALARM is one of
- `contract_review:drift:2026-11-03`, as the alerts, the review and the export `drift` name it; without the day (and also
  as `contract_review/drift`) the one that is open; `contract_review` alone where only one is open;
- `contract_review` with `--rebase`: its baseline begins anew on the day after as-of;
- `contract_review/clause_extraction`: the reference recorded with that route. The next recommendations compare with the
  model that serves most of the task today.

What is decided is a line of `decisions.jsonl`; the next run replays the alarms with it and publishes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal

from pipelines.routing.audit import git_identity, system_user
from pipelines.routing.status import recorded_references
from pipelines.storage.published import Published, current
from pipelines.workspace.decisions import Decision, append_decision, now
from pipelines.workspace.errors import OutlayError, UsageError
from pipelines.workspace.load import Loaded

KINDS = ("shock", "drift")
_FORMS = "expected WORKFLOW:drift:DAY, WORKFLOW:drift, WORKFLOW/TASK_TYPE or a workflow"


@dataclass(frozen=True)
class Done:
    document: dict[str, Any]
    text: str


@dataclass(frozen=True)
class Named:
    """What the user typed, taken apart."""

    workflow: str
    kind: Literal["shock", "drift"] | None = None
    day: date | None = None
    task_type: str | None = None


def acknowledge(loaded: Loaded, alarm: str, by: str, reason: str | None = None, rebase: bool = False) -> Done:
    """Record the decision about `alarm`. Raises UsageError for a name that is none, OutlayError for an alarm that isn't
    open, or a reference that isn't recorded; then nothing was recorded.
    """
    if not by.strip():
        raise UsageError("--by: expected a name")
    named = parse(alarm, loaded)
    fields: dict[str, Any] = {
        "at": now(), "by": by.strip(), "reason": (reason or "").strip() or None, "workflow": named.workflow,
        "system_user": system_user(), "git_identity": git_identity(loaded.root),
    }  # fmt: skip
    if named.task_type is not None:
        return _reference(loaded, named, fields)
    published = current(loaded.root)
    fields["effective_at"] = _after_as_of(loaded, published)
    found = _open(published, named)
    if named.kind is None and rebase and len(found) != 1:
        decision = append_decision(loaded.root, Decision(kind="rebase", **fields))
        return _done(decision, f"The baseline of {named.workflow} begins anew after {published.meta['as_of']}.")
    one = _the_one(found, named, alarm)
    fields |= {"alarm": one["kind"], "detected_day": one["detected_day"]}
    decision = append_decision(loaded.root, Decision(kind="rebase" if rebase else "acknowledge", **fields))
    said = f"{one['alarm']} is acknowledged by {decision.by}."
    if rebase:
        said += f" The baseline of {named.workflow} begins anew on {one['detected_day']}."
    elif one["kind"] == "drift":
        said += " Its baseline stays: if the cost stays away from it, the alarm comes again; --rebase accepts the new level."
    return _done(decision, said)


def parse(alarm: str, loaded: Loaded) -> Named:
    """Raises UsageError where it names no declared workflow or has another form."""
    match = re.fullmatch(
        r"(?P<workflow>[A-Za-z0-9._-]+)(?:[:/](?P<what>[A-Za-z0-9._-]+))?(?::(?P<day>[0-9-]+))?", alarm
    )
    if match is None:
        raise UsageError(f"{alarm!r} names no alarm; {_FORMS}")
    workflow, what, day = match["workflow"], match["what"], match["day"]
    if workflow not in loaded.config.workflows:
        known = ", ".join(sorted(loaded.config.workflows)) or "none"
        raise UsageError(f"{alarm!r}: no workflow {workflow!r} is declared (declared: {known}); {_FORMS}")
    if what is None:
        return Named(workflow)
    if what not in KINDS:
        if day is not None or f"{workflow}:" in alarm:
            raise UsageError(f"{alarm!r}: {what!r} is no kind of alarm, expected shock or drift")
        return Named(workflow, task_type=what)
    try:
        return Named(workflow, "shock" if what == "shock" else "drift", date.fromisoformat(day) if day else None)
    except ValueError:
        raise UsageError(f"{alarm!r}: {day!r} is no day, expected YYYY-MM-DD") from None


def _open(published: Published, named: Named) -> list[dict[str, Any]]:
    """The published alarms that the name fits, open or not, newest first."""
    with published.connect() as con:
        rows = con.sql(
            "select alarm, kind, detected_day, status from drift where workflow = $workflow order by detected_day desc, kind",
            params={"workflow": named.workflow},
        ).pl().to_dicts()  # fmt: skip
    if named.day is not None:
        return [r for r in rows if (r["kind"], r["detected_day"]) == (named.kind, named.day)]
    return [r for r in rows if r["status"] == "open" and named.kind in (None, r["kind"])]


def _the_one(found: list[dict[str, Any]], named: Named, alarm: str) -> dict[str, Any]:
    if not found:
        what = f"no alarm {alarm}" if named.day else f"no open alarm {alarm}"
        raise OutlayError(f"{what} is published: outlay export drift lists them. Nothing was recorded")
    if len(found) > 1:
        raise UsageError(f"{alarm!r} names several: {', '.join(r['alarm'] for r in found)}; expected one of them")
    one = found[0]
    if one["status"] != "open":
        raise OutlayError(f"{one['alarm']} is {one['status']} already. Nothing was recorded")
    return one


def _reference(loaded: Loaded, named: Named, fields: dict[str, Any]) -> Done:
    held = recorded_references(loaded).get((named.workflow, named.task_type or ""))
    if held is None:
        raise OutlayError(
            f"no reference is recorded for {named.workflow}/{named.task_type}: its recommendations compare with the model "
            "that serves it today. Nothing was recorded"
        )
    decision = append_decision(loaded.root, Decision(kind="rebase", task_type=named.task_type, **fields))
    return _done(
        decision,
        f"{named.workflow}/{named.task_type} is no longer compared with {held}, but with the model that serves it today.",
    )


def _after_as_of(loaded: Loaded, published: Published) -> datetime:
    """The start of the day after as-of: what was decided on is everything up to it."""
    as_of = published.meta["as_of"]
    if as_of is None:
        raise OutlayError("nothing is published about any day yet: outlay run")
    day = date.fromisoformat(as_of) + timedelta(days=1)
    return datetime.combine(day, time(), loaded.config.reporting.zone).astimezone(UTC)


def _done(decision: Decision, said: str) -> Done:
    return Done(
        {"decision": decision.model_dump(mode="json", exclude_none=True), "says": said, "takes_effect": "next run"},
        f"{said}\nRecorded in decisions.jsonl; takes effect with the next run: outlay run",
    )
