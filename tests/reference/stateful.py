"""A workspace that lives: calls and outcomes arrive, again, late, corrected, taken back; runs go through or die.

After every run that goes through, the product must say row by row what the independent ledger says of the files that lie
there, and its bridge must sum to the changes of the weekly costs that the independent ledger gives. A run that dies
anywhere leaves what was published as it was.
"""

from __future__ import annotations

import gzip
import json
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any
from unittest import mock

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from pipelines import run as product
from pipelines.exports.fingerprint import fingerprint
from pipelines.storage.published import current
from pipelines.workspace.errors import NothingPublished
from pipelines.workspace.load import load_workspace
from tests.reference.shapes import half_even

WORKSPACE = """\
name: a company that lives
reporting: {timezone: Europe/Berlin}
sources:
  - {name: calls, kind: requests, path: "logs/calls/*.jsonl"}
  - {name: copies, kind: requests, path: "logs/copies/*.jsonl", priority: 5}
  - {name: outcomes, kind: outcomes, path: "logs/outcomes/*.jsonl"}
workflows:
  alpha: {unit: document, value: {per_outcome_usd: "6.50"}}
  beta: {unit: decision, accept: accepted, value: {field: value_usd}, maturity_days: 5}
tiers: [{name: frontier, rank: 1, models: [openai/gpt-5.4]}]
"""
START = datetime(2026, 10, 25, tzinfo=UTC)  #: the clocks of Berlin go back on that day
UNITS = ("u1", "u2", "u3")
Compare = Callable[[Path], dict[str, Any]]


class Killed(BaseException):
    """What ends a run in the middle."""


moments = st.integers(-34 * 24 * 60, 2 * 24 * 60).map(lambda minutes: START + timedelta(minutes=minutes))
recent = st.integers(-9 * 24 * 60, 2 * 24 * 60).map(lambda minutes: START + timedelta(minutes=minutes))
#: few instants, so that events of one unit meet in one
marks, recent_marks = (st.integers(-days, 2).map(lambda n: START + timedelta(days=n)) for days in (34, 6))


@st.composite
def calls(draw, when=recent) -> dict[str, Any]:
    """One of thirty request ids, so that the same one is met again with another payload."""
    body: dict[str, Any] = {
        "request_id": f"r{draw(st.integers(0, 29))}", "time": draw(when).isoformat(), "provider": "openai",
        "model": draw(st.sampled_from(("gpt-5.4", "gpt-5-mini", "gpt-5-mini-2025-08-07", "own-7b"))),
        "input_tokens": draw(st.integers(0, 5000)), "output_tokens": draw(st.integers(0, 900)),
        "workflow": draw(st.sampled_from(("alpha", "alpha", "beta", "ghost"))), "task_type": draw(st.sampled_from("xy")),
    }  # fmt: skip
    body["cache_read_tokens"] = draw(st.integers(0, body["input_tokens"]))
    if draw(st.integers(0, 4)):
        body["unit_id"] = draw(st.sampled_from(UNITS))
    elif draw(st.booleans()):
        chosen = draw(st.lists(st.sampled_from(UNITS), min_size=2, max_size=3, unique=True))
        body["units"] = [{"unit_id": unit, "weight": draw(st.sampled_from((1, 2.5, 7)))} for unit in chosen]
    if draw(st.booleans()):
        body["attempt_id"] = draw(st.sampled_from(("a1", "a2")))
    if body["model"] == "own-7b" and draw(st.booleans()):
        body["cost_usd"] = f"0.{draw(st.integers(1, 10**9)):012}"
    return body


@st.composite
def events(draw, when=recent_marks, kinds=("completed", "accepted", "failed", "rejected")) -> dict[str, Any]:
    body = {
        "event_id": f"e{draw(st.integers(0, 39))}", "time": draw(when).isoformat(),
        "workflow": draw(st.sampled_from(("alpha", "alpha", "beta", "ghost"))), "unit_id": draw(st.sampled_from(UNITS)),
        "event": draw(st.sampled_from(kinds)),
    }  # fmt: skip
    if draw(st.booleans()):
        body["attempt_id"] = draw(st.sampled_from(("a1", "a2")))
    if draw(st.booleans()):
        body["value_usd"] = f"{draw(st.integers(0, 99))}.{draw(st.integers(0, 99)):02}"
    return body


class LivingWorkspace(RuleBasedStateMachine):
    """`compare` answers the tables in which product and model differ; set by the test that runs the machine."""

    compare: Compare

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="living-"))
        (self.root / "outlay.yaml").write_text(WORKSPACE)
        self.files = 0
        self.waiting = False  #: something lies there that no run has taken
        self.sent: list[dict[str, Any]] = []
        self.served: str | None = None

    def teardown(self) -> None:
        try:
            self._run()
        finally:
            shutil.rmtree(self.root, ignore_errors=True)

    def _write(self, folder: str, lines: list[dict[str, Any]], packed: bool = False) -> None:
        self.files += 1
        path = self.root / "logs" / folder / f"{self.files:03}.jsonl{'.gz' if packed else ''}"
        path.parent.mkdir(parents=True, exist_ok=True)
        text = "".join(json.dumps(line) + "\n" for line in lines).encode()
        path.write_bytes(gzip.compress(text, mtime=0) if packed else text)
        self.waiting = True

    def _lying(self) -> list[Path]:
        return sorted(self.root.glob("logs/*/*"))

    @initialize(first=st.lists(calls(), min_size=3, max_size=9), good=st.lists(events(), min_size=2, max_size=8))
    def begin(self, first, good) -> None:
        self.ingest(first, False)
        self._write("outcomes", good)

    @rule(lines=st.lists(calls(), min_size=1, max_size=8), packed=st.booleans())
    def ingest(self, lines, packed) -> None:
        self.sent += lines
        self._write("calls", lines, packed)

    @rule(lines=st.lists(calls(when=moments), min_size=1, max_size=3))
    def ingest_late(self, lines) -> None:
        self.ingest(lines, False)

    @rule(lines=st.lists(events(), min_size=1, max_size=6))
    def report_outcomes(self, lines) -> None:
        self._write("outcomes", lines)

    @rule(lines=st.lists(events(when=marks), min_size=1, max_size=3))
    def report_outcomes_late(self, lines) -> None:
        self._write("outcomes", lines)

    @rule(lines=st.lists(events(kinds=("rejected",)), min_size=1, max_size=3))
    def reject(self, lines) -> None:
        self._write("outcomes", lines)

    @rule(data=st.data(), packed=st.booleans())
    def ingest_again(self, data, packed) -> None:
        """A file that lies there comes again under another name."""
        path = data.draw(st.sampled_from(self._lying()))
        text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        self._write(path.parent.name, [json.loads(line) for line in text.splitlines()], packed)

    @precondition(lambda self: any(path.suffix != ".gz" for path in self._lying()))
    @rule(data=st.data(), line=calls(), event=events())
    def grow(self, data, line, event) -> None:
        """A file that was read goes on."""
        path = data.draw(st.sampled_from([path for path in self._lying() if path.suffix != ".gz"]))
        with open(path, "a") as file:
            file.write(json.dumps(event if path.parent.name == "outcomes" else line) + "\n")
        self.waiting = True

    @rule(data=st.data(), change=st.sampled_from(("output", "status", "workflow", "time")))
    def correct(self, data, change) -> None:
        """The same request id with another payload."""
        body = data.draw(st.sampled_from(self.sent))
        if change == "output":
            body = body | {"output_tokens": body["output_tokens"] + data.draw(st.integers(1, 50))}
        elif change == "status":
            body = body | {"status": "error"}
        elif change == "workflow":
            body = body | {"workflow": "beta" if body["workflow"] == "alpha" else "alpha"}
        else:
            body = body | {"time": data.draw(moments).isoformat()}
        self.ingest([body], False)

    @rule(data=st.data(), tokens=st.integers(0, 5000))
    def see_it_elsewhere(self, data, tokens) -> None:
        """The provider's response id makes one call of what two sources saw; the other one has the higher priority."""
        plain = [body for body in self.sent if "units" not in body]
        if plain:
            body = data.draw(st.sampled_from(plain))
            name = f"chatcmpl-{body['request_id']}"
            self.ingest([body | {"response_id": name}], False)
            seen = body | {
                "request_id": f"c-{name}",
                "response_id": name,
                "input_tokens": tokens,
                "cache_read_tokens": 0,
            }
            self._write("copies", [{key: value for key, value in seen.items() if key != "task_type"}])

    @precondition(lambda self: self.waiting)
    @rule(stage=st.sampled_from((*product.STAGES, "pointer")), before=st.booleans())
    def die(self, stage, before) -> None:
        """A run ends before or after one of its stages, or between its commit and the pointer."""
        if stage == "pointer":
            place = mock.patch.object(product.published, "point_to", side_effect=Killed)
        else:
            real = product.STAGES[stage]

            def dies(run: product.Run) -> None:
                if not before and stage != "publish":
                    real(run)
                raise Killed

            place = mock.patch.dict(product.STAGES, {stage: dies})
        with place:
            try:
                self._go()
            except Killed:
                pass
            else:
                raise AssertionError("the run was to die")

    @precondition(lambda self: self.waiting)
    @rule(again=st.booleans(), full=st.integers(0, 5))
    def run(self, again, full) -> None:
        self._run()
        if again:
            self._go()  # nothing new: the set that is served stays
        if not full:
            before = fingerprint(current(self.root))
            self._go(full=True)
            self.served = current(self.root).name
            assert fingerprint(current(self.root)) == before

    @invariant()
    def what_was_published_is_still_served(self) -> None:
        try:
            name = current(self.root).name
        except NothingPublished:
            name = None
        assert name == self.served

    def _go(self, **asked: Any) -> dict[str, Any]:
        return product.run_workspace(load_workspace(self.root), product.Asked(**asked))

    def _run(self) -> None:
        document = self._go()
        self.served, self.waiting = current(self.root).name, False
        records = document["records"]
        assert records["read"] == sum(records[k] for k in ("stored", "duplicate", "superseded", "quarantined"))
        assert type(self).compare(self.root) == {}


def weekly_costs(daily: list[dict[str, str]]) -> dict[tuple[str, date], Fraction]:
    """Cost per outcome by (workflow, Monday), `*` for all workflows; only where there is one. From `daily_cost` rows."""
    spend: dict[tuple[str, date], list[Fraction]] = defaultdict(list)
    outcomes: dict[tuple[str, date], int] = defaultdict(int)
    for row in daily:
        day = date.fromisoformat(row["day"])
        for name in (row["workflow"], "*"):
            key = (name, day - timedelta(days=day.weekday()))
            outcomes[key] += int(row["outcomes"])
            if row["spend_usd"]:
                spend[key].append(Fraction(row["spend_usd"]))
    return {
        key: sum(spend[key], Fraction(0)) / number for key, number in outcomes.items() if number > 0 and key in spend
    }


def bridge_faults(bridge: list[dict[str, str]], detail: list[dict[str, str]], daily: list[dict[str, str]]) -> list[Any]:
    """What of a `bridge` export isn't as `daily` asks: weeks too many or too few, sums, ends, contributors."""
    costs = weekly_costs(daily)
    week = timedelta(days=7)
    due = {key: (costs[key[0], key[1] - week], cost) for key, cost in costs.items() if (key[0], key[1] - week) in costs}
    found: dict[tuple[str, date], list[dict[str, str]]] = defaultdict(list)
    for row in bridge:
        found[row["workflow"], datetime.strptime(row["week"] + "-1", "%G-W%V-%u").replace(tzinfo=UTC).date()].append(
            row
        )
    faults: list[Any] = [*(due.keys() ^ found.keys())]
    parts: dict[tuple[str, ...], Decimal] = defaultdict(Decimal)
    for row in detail:
        parts[row["workflow"], row["week"], row["factor"]] += Decimal(row["effect_usd"])
    for key in due.keys() & found.keys():
        ends = [half_even(cost) for cost in due[key]]
        effects = [Fraction(row["effect_usd"]) for row in found[key]]
        if sum(effects) != ends[1] - ends[0] or len(effects) != 5:
            faults.append((key, effects, ends))
        faults += [
            row for row in found[key]
            if parts[row["workflow"], row["week"], row["factor"]] != Decimal(row["effect_usd"])
            or [Fraction(row["before_usd"]), Fraction(row["after_usd"])] != ends
        ]  # fmt: skip
    return faults
