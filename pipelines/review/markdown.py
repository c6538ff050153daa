"""The review as Markdown that can be read aloud in fifteen minutes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from pipelines.publish import formats
from pipelines.publish.currency import Shown
from pipelines.publish.names import human, task
from pipelines.review.document import Checked, Proposal, Question, Review
from pipelines.review.four_numbers import Document
from pipelines.review.numbers import FACTOR_NAMES, signed_text

MARKS = {"green": "✓ green", "red": "▲ red", "none": "– not told"}
TASKS = 7  #: rows of the table of tasks


def markdown(r: Review, currency: Shown) -> str:
    """The document in the currency that the set is shown in."""
    formats.show_in(currency)
    return "\n".join(_lines(r, currency)).rstrip() + "\n"


def _lines(r: Review, currency: Shown) -> Iterator[str]:
    yield f"# {plain(r.company)}: review of {r.week}"
    yield ""
    yield (
        f"{formats.period(r.first_day, r.last_day)} ({plain(r.timezone)}), in {r.currency_said}. {_upper(r.why_this_week)}. Data to "
        f"{formats.day(r.as_of)}; intervals are 90 %."
    )
    yield from (f"\n{plain(note)}" for note in r.notes)
    yield from ["", "## Four numbers", ""]
    n = r.numbers
    for place, (title, part) in enumerate(
        (("Cost per outcome", n.cost), ("Drift", n.drift), ("Split", n.split), ("Bottom of the ranking", n.bottom)), 1
    ):
        more = f" {plain(n.drift.detectable)}" if part is n.drift and n.drift.detectable else ""
        yield f"{place}. **{title}**, {MARKS[part.state]}. {plain(part.finding)}{more}"
    if n.cost.bridge:
        yield from ["", "### What moved", ""]
        yield (
            f"Blended cost per outcome, {r.week} against the week before: {_per(currency, n.cost.blended_before_usd)} to "
            f"{_per(currency, n.cost.blended_usd)}."
        )
        yield ""
        yield from _table(
            ("Factor", "Effect per outcome", "Largest contributors"),
            (
                (
                    human(FACTOR_NAMES[factor.factor]), signed_text(currency, factor.effect_usd),
                    "; ".join(f"{c.name} {signed_text(currency, c.effect_usd)}" for c in factor.contributors[:2]) or "none",
                )
                for factor in n.cost.bridge
            ),
        )  # fmt: skip
    yield from ["", "## Three questions"]
    for question in r.questions:
        yield from _question(question)
        yield from _detail(r, question.key, currency)
    yield from ["", "## Decisions proposed", ""]
    if not r.decisions:
        yield "None: nothing that is known asks for one."
    for place, proposal in enumerate(r.decisions, 1):
        yield _proposal(place, proposal, currency)
    if r.decisions_left_out:
        yield f"\n{formats.count(r.decisions_left_out)} smaller ones are left out."
    yield from ["", "## Decisions of the last weeks, checked", ""]
    if not r.checked:
        yield "None was recorded in the 28 days: neither in decisions.jsonl nor in the routing audit."
    yield from (_checked(one) for one in r.checked)


def _question(q: Question) -> Iterator[str]:
    yield f"\n### {q.question} {MARKS[q.state]}\n"
    yield plain(q.finding)
    if q.step:
        command = f" ({code(q.command)})" if q.command else ""
        takes = f" Takes: {plain(q.takes)}." if q.takes else ""
        yield f"\nTo turn it green: {plain(q.step)}{command}.{takes}"


def _detail(r: Review, key: str, currency: Shown) -> Iterator[str]:
    if key == "capability" and r.tasks:
        yield ""
        yield from _table(
            ("Task", "Declared", "Runs on", "Proven", "Spend in 28 days"),
            (
                (
                    task(t.workflow, t.task_type), t.declared_tier or "nobody said", t.served_tier or "no tier",
                    f"{t.proven} ({t.evidence})", formats.money(currency(t.spend_usd)),
                )
                for t in r.tasks[:TASKS]
            ),
        )  # fmt: skip
        if len(r.tasks) > TASKS:
            yield f"\n{formats.count(len(r.tasks) - TASKS)} more with less spend."
    if key == "value" and r.worth:
        yield ""
        yield from _table(
            ("Workflow", "Outcomes", "Cost of one", "Value of one", "Value per dollar", "Basis"),
            (
                (
                    human(w.workflow), f"{formats.count(w.outcomes)} {w.unit}s", _per(currency, w.cost_per_outcome_usd),
                    _per(currency, w.value_per_outcome_usd), value_per_dollar(w), w.basis or w.note or "",
                )
                for w in r.worth
            ),
        )  # fmt: skip
    if key == "change" and (lines := told(r)):
        yield ""
        yield from (f"- {plain(line)}" for line in lines)


def told(r: Review) -> list[str]:
    """Changes that neither the finding nor a proposed decision says already."""
    return [change.what for change in r.changes if change.about not in ("alarm", "budget")]


def value_per_dollar(w: Document) -> str:
    """`$0.61 ($0.59 to $0.63)`, or why there is none."""
    value, low, high = (getattr(w, name) for name in ("value_per_usd", "low", "high"))
    if value is None:
        return getattr(w, "note", None) or formats.UNKNOWN
    return formats.money(value) + ("" if low is None else f" ({formats.money(low)} to {formats.money(high)})")


def dollars(p: Proposal, currency: Shown) -> str:
    """`$216.99 a month saved (90 %: $216.80 to $217.18)`."""
    if p.usd_month is None:
        return "dollars unknown"
    a_month = "" if p.kind == "budget" else " a month"
    text = f"{formats.money(currency(p.usd_month))}{a_month} {p.dollars}"
    if p.usd_month_low is None:
        return text
    return f"{text} (90 %: {formats.money(currency(p.usd_month_low))} to {formats.money(currency(p.usd_month_high))})"


def _proposal(place: int, p: Proposal, currency: Shown) -> str:
    return (
        f"{place}. **{plain(p.title)}**. Owner: {plain(p.owner)}. {plain(dollars(p, currency))}. {plain(p.why)} "
        f"Takes {plain(p.takes)}: {f'change {code(p.edit)} in outlay.yaml, then ' if p.edit else ''}{code(p.command)}"
    )


def _checked(one: Checked) -> str:
    reason = f" Reason given: {plain(one.reason.rstrip('.'))}." if one.reason else ""
    return (
        f"- {formats.day(one.day)}, {plain(one.by)}: {plain(one.kind)} {plain(within_sentence(one.about))}. "
        f"**{_upper(one.verdict)}.** {plain(one.finding)}{reason}"
    )


def within_sentence(text: str) -> str:
    return text if text[:2].isupper() else text[:1].lower() + text[1:]


def _per(currency: Shown, usd) -> str:
    return formats.unit_cost(currency(usd))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|" + " --- |" * len(head)
    for row in rows:
        yield "| " + " | ".join(plain(cell) for cell in row) + " |"


def plain(text: str) -> str:
    """Text that Markdown shows as it is: no mark-up, no tag, no new line of its own."""
    return re.sub(r"([\\`*_\[\]<>|])", r"\\\1", re.sub(r"\s*[\r\n]+\s*", " ", text))


def code(text: str) -> str:
    """A code span that holds any text."""
    flat = re.sub(r"\s*[\r\n]+\s*", " ", text)
    fence = "`" * (max((len(run) for run in re.findall(r"`+", flat)), default=0) + 1)
    pad = " " if "`" in flat else ""
    return f"{fence}{pad}{flat}{pad}{fence}"


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
