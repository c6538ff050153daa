"""What `route plan` and its kin say to people: changes with their shares and expected effect, steps, targets."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from pipelines.routing.plan import Plan
from pipelines.routing.volume import STEP_OUTCOMES


def plan_text(planned: Plan) -> str:
    if planned.file is None or planned.source == "nothing":
        return "\n".join(["Nothing to change.", *planned.notes])
    lines = [
        f"Plan {(planned.plan_id or '')[:12]}: policy version {planned.file.policy.version}, live version "
        f"{planned.live_version}."
    ]
    lines += [change_text(change.document()) for change in planned.changes]
    lines += [line for steps in planned.rollout for line in _steps(steps)]
    lines += [f"Note: {note}" for note in planned.notes]
    for target in planned.targets:
        lines += ["", f"{target.rendered.target.name} ({target.rendered.target.path})"]
        asked = f", {target.probed.asked} requests as the policy says" if target.probed.asked else ""
        lines.append(f"{target.probed.status}{asked}")
        lines += [f"Not enforced here: {part}" for part in target.unenforced]
        lines += [f"Key: {finding}" for finding in target.keys]
        lines.append(target.diff or "the file stays as it is")
    for kind, client in planned.clients.items():
        lines += [
            "",
            f"Client of the {kind} gateway, so that all calls of a unit go the same way, as soon as a route's",
        ]
        lines += ["split is `unit` and that is live (before, the second group is refused):", client.rstrip()]
    return "\n".join([*lines, "", "Nothing was written. Next: outlay route approve --by NAME"])


def _steps(steps: Mapping[str, Any]) -> list[str]:
    """How long each step of a rollout takes at present volume."""

    def weeks(name: str) -> str:
        said = [(step["percent"], step[name]) for step in steps["steps"]]
        return ", ".join(f"{percent} % {'never' if n is None else f'{n:,.1f}'}" for percent, n in said)

    if not steps["steps"]:
        return []
    lines = [
        f"{steps['route']}: {steps['calls_per_unit']:g} calls per unit, {steps['units_per_week']:g} units a week; weeks "
        f"for {STEP_OUTCOMES} outcomes of the canary alone at each step: {weeks('weeks')}"
    ]
    if steps["several_calls"] and steps["split"] == "request":
        workflow = steps["route"].partition("/")[0]
        lines.append(
            f"  requests are drawn, so units mix tiers and prove nothing; with units drawn: {weeks('weeks_by_unit')} "
            f"(workflows.{workflow}.split: unit in outlay.yaml, and the client's lines below)"
        )
    return lines


def change_text(change: Mapping[str, Any]) -> str:
    if change["route"] == "*":
        return str(change["reason"])
    before, after = (shares_text(change[side]) or "no route" for side in ("before", "after"))
    line = f"{change['route']}: {before} -> {after}"
    if change["approved_share"] is not None:
        line += f", at most {change['approved_share']} %"
    if change["recommendation_id"]:
        line += f" [{change['recommendation_id']}]"
    evidence = change.get("evidence") or {}
    share = _interval(evidence, "saving_share", "saving")
    dollars = f"${Decimal(evidence['saving_usd_month']):,.2f} a month" if "saving_usd_month" in evidence else ""
    if dollars or share:
        said = ", ".join(filter(None, [dollars, f"{share} of its cost" if share else ""]))
        line += f"\n  expected saving at the approved share: {said}"
    if retention := _interval(evidence, "retention", "retention"):
        line += f"\n  expected quality kept: {retention}"
    return line


def _interval(evidence: Mapping[str, Any], value: str, bounds: str) -> str:
    if value not in evidence:
        return ""
    low, high = evidence.get(f"{bounds}_low"), evidence.get(f"{bounds}_high")
    text = f"{float(evidence[value]):.1%}"
    return text if low is None or high is None else f"{text} ({float(low):.1%} to {float(high):.1%})"


def shares_text(shares: Mapping[str, int]) -> str:
    return ", ".join(f"{tier} {percent} %" for tier, percent in shares.items())
