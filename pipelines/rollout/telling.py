"""The verbs `route advance` and `route status`, as the command line, the scheduled job and the dashboard call them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import duckdb
import polars as pl

from pipelines.rollout.advance import Advanced, advance
from pipelines.rollout.alerts import health_said
from pipelines.rollout.health import ailing
from pipelines.rollout.marts import replayed
from pipelines.rollout.moves import command, way_back
from pipelines.rollout.published import NothingSeen, Seen, last_day, seen
from pipelines.rollout.verdict import Verdict
from pipelines.routing import audit
from pipelines.routing.answer import Answer, answered
from pipelines.routing.change import Change
from pipelines.routing.history import replay
from pipelines.routing.loop import route_status as files_status
from pipelines.routing.policy import Policy
from pipelines.routing.policy_text import parse_policy
from pipelines.routing.wording import shares_text
from pipelines.storage.published import Published, current
from pipelines.workspace.errors import NothingPublished
from pipelines.workspace.load import Loaded


def route_advance(
    loaded: Loaded, *, dry_run: bool = False, revert: str | None = None, by: str | None = None,
    reason: str | None = None, now: datetime | None = None,
) -> Answer:  # fmt: skip
    """Raises what `pipelines.rollout.advance.advance` does."""
    done = advance(loaded, now=now or datetime.now(UTC), dry_run=dry_run, revert=revert, by=by, reason=reason)
    lines = [f"Nothing moves: {done.held}"] if done.held else []
    lines += [_moved(change, done) for change in done.moves]
    still = {change.route for change in done.moves}
    for verdict in done.verdicts:
        if verdict.trial.key not in still:
            lines += _step_lines(verdict)
    lines += [f"Recommended: {said}" for said in done.recommended]
    lines += done.notes
    if done.done is not None:
        return answered(loaded, done.done, done.document(), lines)
    if done.dry_run:
        lines.append("Nothing was written.")
    return Answer(done.document(), "\n".join(lines) or "No canary is under way.")


def _moved(change: Change, done: Advanced) -> str:
    tense = "would go" if done.dry_run else "goes"
    to = f" (version {done.back_to}, byte for byte)" if done.back_to is not None else ""
    return (
        f"{change.route}: {tense} from {shares_text(change.before)} to {shares_text(change.after)}{to}: {change.reason}"
    )


def route_status(
    loaded: Loaded,
    *,
    now: datetime | None = None,
    published: Published | None = None,
    marts: duckdb.DuckDBPyConnection | None = None,
) -> Answer:
    """Beside the files' state: each route's declared and observed share, leak, step, guards, next step and saving.

    `published`: the set to tell from, the present one by default; `marts`: a cursor on its marts, if one is open already.
    """
    answer = files_status(loaded)
    now = now or datetime.now(UTC)
    rows, broken = audit.examine(loaded.root)
    history, told = replay(rows), replayed(loaded)
    live = parse_policy(history.live["policy_text"], "live policy").policy if history.live else None
    document: dict[str, Any] = {**answer.document, "as_of": None, "rollout": [], "decisions": []}
    document["proposed"] = [] if broken else _proposed(loaded, live)
    lines = [answer.text]
    try:
        found = seen(loaded, told, now, published, marts)
    except NothingPublished:
        return Answer(document, "\n".join([answer.text, "No run has published anything yet: outlay run"]))
    except NothingSeen as error:
        said = str(error)
        return Answer(document, "\n".join([answer.text, f"{said[:1].upper()}{said[1:]}"]))
    document["as_of"] = found.as_of.isoformat()
    verdicts = {v.trial.key: v for v in found.verdicts if v.trial.ended is None}
    document["decisions"] = [_plain(row) for row in found.decisions.to_dicts()]
    for route in live.routes if live else ():
        entry = _route(route.key, found, verdicts.get(route.key))
        entry["shares"] = route.shares
        entry["back"] = command(history, verdicts[route.key]) if route.key in verdicts else None
        entry["back_to"] = way_back(history, verdicts[route.key]) if route.key in verdicts else None
        document["rollout"].append(entry)
        lines += ["", *_route_lines(entry, verdicts.get(route.key))]
    for item in document["proposed"]:
        lines.append(
            f"{item['route']}: proposed, {item['share']:.0%} on {item['model']} [{item['id']}]: outlay route plan"
        )
    gone = [row for row in document["decisions"] if row["status"] not in ("canary", "hold", "promoted")]
    lines += [f"{row['workflow']}/{row['task_type']}: {row['status']}; {_saving(row)}" for row in gone]
    return Answer(document, "\n".join(lines))


def _proposed(loaded: Loaded, live: Policy | None) -> list[dict[str, Any]]:
    """Recommended switches whose route is not live yet."""
    try:
        items = current(loaded.root).recommendations["recommendations"]
    except NothingPublished:
        return []
    routed = {route.key for route in live.routes} if live else set()
    return [
        {
            "route": f"{item['workflow']}/{item['task_type']}", "id": item["id"], "status": "proposed",
            "model": min(item["routes"], key=lambda step: step["model"] == item["reference_model"])["model"],
            "share": min(item["routes"], key=lambda step: step["model"] == item["reference_model"])["share"],
            "saving_usd_month": item["saving_usd_month"],
        }
        for item in items
        if item["decision"] == "switch" and f"{item['workflow']}/{item['task_type']}" not in routed
    ]  # fmt: skip


def _route(key: str, found: Seen, verdict: Verdict | None) -> dict[str, Any]:
    workflow, _, task_type = key.partition("/")
    own = (pl.col("workflow") == workflow) & (pl.col("task_type") == task_type)
    tiers = last_day(found.adherence, workflow, task_type)
    leaks = found.adherence.filter(own)["leak_usd"]
    decision = next(
        (row for row in reversed(found.decisions.filter(own).to_dicts()) if row["status"] != "approved"), None
    )  # fmt: skip
    return {
        "route": key,
        "observed_day": tiers[0]["day"].isoformat() if tiers else None,
        "observed": [
            {k: _text(row[k]) for k in ("tier", "declared_share", "observed_share", "low", "high", "in_band", "requests")}
            for row in tiers
        ],
        "fallback_share": _text(tiers[0]["fallback_share"]) if tiers else None,
        "leak_usd": None if leaks.null_count() else format(leaks.sum() if len(leaks) else Decimal(0), "f"),
        "health": [{k: _text(v) for k, v in row.items()} for row in ailing(found.health.filter(own).to_dicts())],
        "tiers": [{k: _text(v) for k, v in row.items()} for row in found.latency.filter(own).to_dicts()],
        "step": verdict.document() if verdict else None,
        "decision": _plain(decision) if decision and verdict else None,
    }  # fmt: skip


def _route_lines(entry: Mapping[str, Any], verdict: Verdict | None) -> list[str]:
    said = [f"{entry['route']}: declared {shares_text(entry['shares'])}"]
    if entry["observed"]:
        observed = ", ".join(
            f"{row['tier']} {row['observed_share']:.1%}{'' if row['in_band'] else ' (outside the band)'}"
            for row in entry["observed"]
        )
        leak = "unknown" if entry["leak_usd"] is None else f"${Decimal(entry['leak_usd']):,.2f}"
        said.append(f"  observed on {entry['observed_day']}: {observed}; leak since it is routed {leak}")
    else:
        said.append("  observed: no request of it in what is published")
    said += [f"  {row['tier']} is {health_said(row)}" for row in entry["health"]]
    if speeds := [f"{r['tier']} {r['latency_p95_ms'] / 1000:,.1f} s" for r in entry["tiers"] if r["latency_p95_ms"]]:
        said.append(f"  p95 latency over 28 days: {', '.join(speeds)}")
    if verdict is not None:
        said += [f"  {line}" for line in _step_lines(verdict)[1:]]
        if verdict.move == "roll back":
            said.append(f"  recommended: {entry['back']}")
    if entry["decision"]:
        said.append(f"  {_saving(entry['decision'])}")
    return said


def _step_lines(verdict: Verdict) -> list[str]:
    trial = verdict.trial
    head = f"{trial.key}: {verdict.status}, {trial.step.percent} % on {trial.new} since {trial.step.since.date()}"
    end = f"of {trial.target} %" if trial.target > trial.step.percent else "the approved share"
    move = {
        "advance": f"every guard holds: {verdict.to} % is next",
        "hold": f"holds at {trial.step.percent} % {end}" + (f"; next {verdict.to} %" if verdict.to else ""),
        "roll back": "should go back", "expire": "its time is over", "stand": f"stands at {end}",
    }[verdict.move]  # fmt: skip
    if verdict.may_move_on and verdict.move == "hold":
        move += f", not before {verdict.may_move_on}"
    guards = [f"  {guard.name} {guard.answer}: {guard.said}" for guard in verdict.judged.guards]
    waits = [f"  waits for: {reason}" for reason in verdict.reasons if reason.split(":")[0] not in _names(verdict)]
    return [head, f"{verdict.status}: {move}", *waits, *guards]


def _names(verdict: Verdict) -> set[str]:
    return {guard.name for guard in verdict.judged.guards}


def _saving(row: Mapping[str, Any]) -> str:
    promised = row["promised_usd_month"]
    said = f"promised ${Decimal(promised):,.2f} a month" if promised is not None else "nothing was promised"
    if row["promised_at_share_usd_month"] is not None:
        said += f" (${Decimal(row['promised_at_share_usd_month']):,.2f} at the shares so far)"
    if row["realised_usd_month"] is None:
        return f"{said}; realised: {row['finding']}"
    low, mid, high = (f"${Decimal(row[k]):,.2f}" for k in ("low", "realised_usd_month", "high"))
    return f"{said}; realised {mid} ({low} to {high}) a month: {row['finding']}"


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """Days and money as text; shares as numbers."""
    return {key: _text(value) if not key.startswith("quality") else _share(value) for key, value in row.items()} | {
        key: format(row[key], "f") for key in row if _is_money(key) and row[key] is not None
    }


def _is_money(key: str) -> bool:
    return "usd" in key or key in ("low", "high")


def _share(value: Any) -> float | None:
    return None if value is None else float(value)


def _text(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if hasattr(value, "isoformat") else value
