"""The second question: what does each outcome cost against its value?"""

from __future__ import annotations

from pipelines.outcomes.ratios import quotient
from pipelines.publish import formats
from pipelines.publish.names import human, within
from pipelines.review.document import Question, Worth
from pipelines.review.facts import Facts, Row
from pipelines.review.steps import Step, experiment_step, switch_step

QUESTION = "What does each outcome cost against its value?"


def worth(f: Facts) -> tuple[Worth, ...]:
    """Every workflow with spend or outcomes in the 28 days, best first, unranked last."""
    basis = {r["workflow"]: r["basis"] for r in f.basis}
    return tuple(
        Worth(
            workflow=r["workflow"], unit=r["unit"], outcomes=r["outcomes"],
            cost_per_outcome_usd=r["break_even_value_usd"], value_per_outcome_usd=quotient(r["value_usd"], r["outcomes"]),
            value_per_usd=r["value_per_usd"], low=r["low"], high=r["high"], rank=r["rank"], note=r["note"],
            basis=basis.get(r["workflow"]),
        )
        for r in f.ranking
    )  # fmt: skip


def question(f: Facts) -> Question:
    """Red where a workflow returns less than a dollar for a dollar or might, has no declared value, or no outcomes."""
    wrong = [one for one in (_wrong(r) for r in f.ranking) if one]
    if not f.ranking:
        return Question(
            key="value", question=QUESTION, state="red", finding="No unit of a declared workflow bears spend yet.",
            step="name workflow and unit on each request, and send outcomes", command="outlay export unattributed", takes="days",
        )  # fmt: skip
    if not wrong:
        sure = [
            (r["low"] if r["low"] is not None else r["value_per_usd"], r["workflow"])
            for r in f.ranking
            if r["value_per_usd"]
        ]
        least, lowest = min(sure, default=(None, None))
        return Question(
            key="value", question=QUESTION, state="green", step=None, command=None, takes=None,
            finding=f"Every workflow is worth more than it costs; the least, {within(lowest)}, returns at least "
            f"{formats.money(least)} per dollar.",
        )  # fmt: skip
    order = ("loses", "all failed", "undeclared", "no outcomes", "unpriced", "unsure", "few")
    kind, row = min(wrong, key=lambda one: (order.index(one[0]), -(one[1]["spend_usd"] or 0), one[1]["workflow"]))
    step = _step(f, kind, row)
    others = len({r["workflow"] for _, r in wrong} - {row["workflow"]})
    more = f" {formats.plural(others, 'other workflow')} can't be called worth its cost either." if others else ""
    return Question(
        key="value", question=QUESTION, state="red", finding=f"{_said(f, kind, row)}{more}",
        step=step.text, command=step.command, takes=step.takes,
    )  # fmt: skip


#: note of the ranking -> what it means for the question; a note that isn't here leaves the ratio to decide
NOTES = {
    "no outcomes reported": "no outcomes", "all failed": "all failed", "no priced spend": "unpriced",
    "no value declared": "undeclared", "fewer than five outcomes": "few", "value too uncertain to rank": "few",
    "value is zero": "loses", "more value was taken back than gained": "loses",
}  # fmt: skip


def _wrong(row: Row) -> tuple[str, Row] | None:
    """What keeps a workflow from being worth its cost without doubt."""
    notes = (row["note"] or "").split("; ")
    if "no spend" in notes:
        return None
    for note, kind in NOTES.items():
        if note in notes:
            return kind, row
    ratio, low, high = row["value_per_usd"], row["low"], row["high"]
    if (high if high is not None else ratio) < 1:
        return "loses", row
    return ("unsure", row) if (low if low is not None else ratio) < 1 else None


def _said(f: Facts, kind: str, row: Row) -> str:
    name, unit = human(row["workflow"]), row["unit"]
    if kind == "loses":
        reach = "" if row["low"] is None else f" (90 %: {formats.money(row['low'])} to {formats.money(row['high'])})"
        return (
            f"{name} costs more than it is worth: {formats.money(row['value_per_usd'])} per dollar{reach}. One {unit} would have to be worth "
            f"{f.per(row['break_even_value_usd'])}; declared is {f.per(quotient(row['value_usd'], row['outcomes']))}."
        )
    if kind == "unsure":
        return (
            f"{name} may cost more than it is worth: {formats.money(row['value_per_usd'])} per dollar, and its 90 % interval "
            f"({formats.money(row['low'])} to {formats.money(row['high'])}) holds 1."
        )
    spent = "an unknown amount" if kind == "unpriced" else f.money(row["spend_usd"])
    reasons = {
        "unpriced": "none of its calls has a rate",
        "undeclared": "no value is declared for its outcomes",
        "all failed": "not one outcome came out good",
        "no outcomes": "no outcome was ever reported",
        "few": "it has fewer than five outcomes",
    }
    return f"{name} spent {spent} in 28 days and {reasons[kind]}."


def _step(f: Facts, kind: str, row: Row) -> Step:
    workflow = row["workflow"]
    if kind == "undeclared":
        return Step(
            f"declare what one {row['unit']} is worth (workflows.{workflow}.value in outlay.yaml)",
            "outlay check",
            "an hour with its owner",
        )
    if kind == "no outcomes":
        return Step(f"send outcome events of {within(workflow)}", "outlay check", "a day of work, then five outcomes")
    if kind == "all failed":
        return Step(
            f"find out why every {row['unit']} fails", "outlay export outcome_cost", "unknown until somebody looks"
        )
    if kind == "unpriced":
        return Step(
            "put the missing rates into rates.yaml, as outlay run prints them",
            "outlay run",
            "minutes, with the price list",
        )
    if kind == "few":
        return Step(f"wait for five outcomes of {within(workflow)}", "outlay review", "as long as five outcomes take")
    advice = sorted(
        (r for r in f.recommendations if r["workflow"] == workflow and r["decision"] in ("switch", "experiment")),
        key=lambda r: (r["decision"] != "switch", (r["experiment"] or {}).get("days") or 10**6, r["task_type"]),
    )
    if advice and kind == "loses":
        step = switch_step(f, advice[0]) if advice[0]["decision"] == "switch" else experiment_step(f, advice[0])
        value = f.config.workflows[workflow].value if workflow in f.config.workflows else ()
        owner = value[-1].owner if value else None
        return Step(
            f"{step.text}; or ask {owner or f.owner(workflow)} whether the declared value is right",
            step.command,
            step.takes,
        )
    if kind == "loses":
        return Step(
            f"lower its cost, stop it, or correct the declared value (workflows.{workflow}.value)",
            "outlay export task_cost",
            "an hour with its owner",
        )
    return Step(
        f"wait for more outcomes of {within(workflow)}, or check its declared value",
        "outlay export value_ranking",
        "weeks at present volume",
    )
