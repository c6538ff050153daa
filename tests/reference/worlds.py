"""Small random workspaces, written to disk as real files: everything a ledger can get wrong, in a few dozen
lines.

`make(root, spec)` writes one. Only what the definitions decide is generated: where two readings are open (a
call whose
units one log knows and another does not, a list of one unit, a cost of 0 without tokens), nothing is made up.
"""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from tests.reference import world_contracts, world_lines
from tests.reference.world_files import scatter
from tests.reference.world_lines import Draft, zoned

#: Zone, and an instant near which the world lies: change-overs from and to summer time, a new year, an
#: ordinary week.
PLACES = (
    ("UTC", "2026-10-31T12:00:00"),
    ("Europe/Berlin", "2026-10-25T00:30:00"),
    ("Europe/Berlin", "2026-03-29T00:30:00"),
    ("America/New_York", "2026-11-01T05:30:00"),
    ("Asia/Kolkata", "2025-12-31T18:20:00"),
    ("Pacific/Apia", "2026-10-14T10:00:00"),
)
MODELS = (
    ("openai", "gpt-5.4"),
    ("openai", "gpt-5-mini"),
    ("openai", "gpt-5-mini-2025-08-07"),
    ("anthropic", "claude-opus-5-5"),
    ("anthropic", "claude-haiku-4-5-20251001"),
    ("inhouse", "own-7b"),
)
WORKFLOWS = ("alpha", "beta", "gamma", "ghost")  #: the last one is not declared
UNITS = ("u-1", "u-2", "u-10", "=u", "-3", "Ü 4", "u-5")
WORKSPACE = """\
name: a small world
reporting: {{timezone: {zone}}}
sources:
  - {{name: calls, kind: requests, path: "logs/calls/*.jsonl", priority: {calls}}}
  - {{name: copies, kind: requests, path: "logs/copies/*.jsonl", priority: {copies}}}
  - {{name: gateway, kind: litellm, path: "logs/gateway/*.jsonl", priority: {gateway}}}
  - {{name: traces, kind: otlp, path: "logs/traces/*.jsonl", priority: {traces}}}
  - {{name: batches, kind: anthropic-batch, path: "logs/batches/*.jsonl"}}
  - {{name: outcomes, kind: outcomes, path: "logs/outcomes/*.jsonl"}}
assign:
  - {{match: {{source: gateway, key_alias: "job-*"}}, workflow: gamma, task_type: drafting}}
workflows:
  alpha: {{unit: document, value: {{per_outcome_usd: "6.50"}}, maturity_days: {maturity}}}
  beta: {{unit: decision, accept: accepted, value: {{field: value_usd}}}}
  gamma: {{unit: report, value: {{minutes_saved: "1.7", hourly_rate_usd: "41.3"}}, maturity_days: 0}}
tiers:
  - {{name: frontier, rank: 3, models: [openai/gpt-5.4, anthropic/claude-opus-5-5]}}
  - {{name: light, rank: 1, models: [openai/gpt-5-mini, anthropic/claude-haiku-4-5]}}
"""


@dataclass(frozen=True)
class Spec:
    """What one world is made of; smaller numbers make a smaller world."""

    seed: int
    calls: int = 30
    events: int = 25
    place: int = 0
    contract: bool = False  #: with a `rates.yaml`


specs = st.builds(
    Spec,
    seed=st.integers(0, 2**32 - 1),
    calls=st.integers(0, 40),
    events=st.integers(0, 30),
    place=st.integers(0, len(PLACES) - 1),
    contract=st.booleans(),
)


def make(root: Path, spec: Spec) -> None:
    """Writes `outlay.yaml` and logs below `root`; the same spec gives the same files."""
    rng = random.Random(spec.seed)
    zone, near = PLACES[spec.place]
    middle = datetime.fromisoformat(near).replace(tzinfo=UTC)
    lines: dict[str, list[Any]] = defaultdict(list)
    for number in range(spec.calls):
        _call(rng, middle, number, lines)
    # an ordinary call after everything else says which day is the last
    last = Draft(
        "last",
        middle + timedelta(days=4),
        "openai",
        "gpt-5-mini",
        uncached=7,
        output=1,
        tags={"workflow": "alpha", "unit_id": "u-1"},
    )
    lines["calls"].append(world_lines.request(rng, last))
    _events(rng, middle, spec.events, lines["outcomes"])
    names = ("calls", "copies", "gateway", "traces")
    root.mkdir(parents=True, exist_ok=True)
    settings = {name: rng.choice([0, 0, 5, 10]) for name in names} | {
        "maturity": rng.randint(0, 4),
        "zone": zone,
    }
    text = WORKSPACE.format(**settings)
    if spec.contract:
        text += "rates: {contract: rates.yaml}\n"
        agreed = world_contracts.contract(random.Random(f"contract {spec.seed}"), middle.date())
        (root / "rates.yaml").write_text(agreed, encoding="utf-8")
    (root / "outlay.yaml").write_text(text, encoding="utf-8")
    for folder, found in lines.items():
        scatter(rng, root / "logs" / folder, found)


def _near(rng: random.Random, middle: datetime) -> datetime:
    """An instant within two days, often close to the middle, to milliseconds."""
    spread = rng.choice([1.0, 3.0, 48.0])
    return middle + timedelta(milliseconds=round(rng.uniform(-spread, spread) * 3_600_000))


def _tags(rng: random.Random) -> dict[str, str]:
    tags: dict[str, str] = {}
    if rng.random() < 0.88:
        tags["workflow"] = rng.choice(WORKFLOWS if rng.random() < 0.3 else WORKFLOWS[:2])
        if rng.random() < 0.7:
            tags["task_type"] = rng.choice(["extraction", "drafting"])
    if rng.random() < 0.85:
        tags["unit_id"] = rng.choice(UNITS)
    if rng.random() < 0.6:
        tags["attempt_id"] = rng.choice(["a1", "a2"])
    return tags


def _draft(rng: random.Random, middle: datetime, number: int) -> Draft:
    provider, model = rng.choice(MODELS)
    size = rng.choice([10, 3_000, 90_000, 400_000])
    draft = Draft(f"r-{number}", _near(rng, middle), provider, model, tags=_tags(rng))
    draft.uncached, draft.output = rng.randint(0, size), rng.randint(0, max(1, size // 20))
    draft.reasoning = rng.randint(0, draft.output) if rng.random() < 0.5 else 0
    if rng.random() < 0.5:
        draft.read = rng.randint(0, size // 2)
    if rng.random() < (0.3 if provider == "anthropic" else 0.08):
        draft.write, draft.long = rng.randint(0, 900), rng.randint(0, 900)
    if rng.random() < 0.45:
        draft.recorded = str(Decimal(rng.randint(10**6, 10**9)).scaleb(-rng.randint(6, 14)).normalize())
        draft.recorded = f"{Decimal(draft.recorded):f}"
    if provider != "inhouse" and rng.random() < 0.7:
        draft.response = ("chatcmpl-" if provider == "openai" else "msg_") + f"{rng.getrandbits(48):012x}"
    if rng.random() < 0.12:
        draft = replace(
            draft,
            status="error",
            uncached=0,
            read=0,
            write=0,
            long=0,
            output=0,
            reasoning=0,
            recorded=None,
            response=None,
        )
    return draft


def _call(rng: random.Random, middle: datetime, number: int, lines: dict[str, list[Any]]) -> None:
    """One call in one or two logs, sometimes written again or corrected."""
    draft = _draft(rng, middle, number)
    kind = rng.choice(["calls", "calls", "calls", "gateway", "traces", "batches"])
    if kind == "batches":
        draft = replace(
            draft,
            provider="anthropic",
            model="claude-haiku-4-5-20251001",
            response=f"msg_{rng.getrandbits(48):012x}",
        )
        lines[kind].append(world_lines.batch(rng, draft))
    elif kind == "gateway":
        lines[kind].append(world_lines.litellm(rng, draft))
    elif kind == "traces":
        lines[kind] += world_lines.export(rng, draft)
    else:
        if rng.random() < 0.2:
            draft.tier = "batch"
        if rng.random() < 0.2:
            draft.tags.pop("unit_id", None)
            chosen = rng.sample(UNITS, rng.randint(2, 4))
            draft.units = [{"unit_id": u, "weight": Decimal(rng.choice(["1", "0.1", "2.5", "3", "7"]))} for u in chosen]
            draft.units += [{"unit_id": chosen[0]}] * (rng.random() < 0.3)
        lines[kind].append(body := world_lines.request(rng, draft))
        if rng.random() < 0.25:
            lines[kind].append(_corrected(rng, body))
        if rng.random() < 0.08:
            lines[kind].append(body | {"request_id": f"bad-{number}"} | _broken(rng))
    if kind != "batches" and draft.response and not draft.units and rng.random() < 0.4:
        other = replace(draft, key=f"c-{number}", time=draft.time + timedelta(milliseconds=rng.choice([0, -40, 1500])))
        other.tags = {name: value for name, value in draft.tags.items() if rng.random() < 0.7}
        lines["copies"].append(world_lines.request(rng, other))
    if rng.random() < 0.15:
        lines[kind].append(lines[kind][-1])


def _corrected(rng: random.Random, body: dict[str, Any]) -> dict[str, Any]:
    """The same request id with another payload: more output, another time, or just another value of one
    tag."""
    change = rng.choice(["output", "time", "tag", "status"])
    if change == "output" and body.get("status", "ok") == "ok":
        return body | {"output_tokens": body["output_tokens"] + 5}
    if change == "time":
        return body | {"time": zoned(rng, datetime.fromisoformat(body["time"]) + timedelta(seconds=90))}
    if change == "status" and body.get("status", "ok") == "ok":
        return body | {"status": "error"}
    return body | {"workflow": "beta"} if "workflow" in body else body


def _broken(rng: random.Random) -> dict[str, Any]:
    """What makes a request unreadable."""
    return rng.choice(
        [
            {"input_tokens": -1, "status": "ok"},
            {"output_tokens": "12"},
            {"time": "2026-10-25 10:00"},
            {"cost_usd": "-1"},
            {"service_tier": "gold"},
            {"cache_read_tokens": 10**9},
            {"units": [{"unit_id": "u", "weight": 0}]},
        ]
    )


def _events(rng: random.Random, middle: datetime, count: int, lines: list[Any]) -> None:
    moments = [_near(rng, middle).replace(microsecond=0) for _ in range(max(1, count // 2))]
    for number in range(count):
        event: dict[str, Any] = {
            "event_id": f"e-{number}",
            "time": zoned(rng, rng.choice(moments)),
            "workflow": rng.choice(WORKFLOWS),
            "unit_id": rng.choice(UNITS),
            "event": rng.choice(["completed", "completed", "accepted", "failed", "rejected"]),
        }
        if rng.random() < 0.5:
            event["attempt_id"] = rng.choice(["a1", "a2"])
        if rng.random() < 0.5:
            event["value_usd"] = f"{rng.randint(0, 900)}.{rng.randint(0, 99):02d}"
        lines.append(event)
        if rng.random() < 0.15:  # said again, later, about another day
            again = datetime.fromisoformat(event["time"]) + timedelta(hours=rng.choice([1, 30]))
            lines.append(event | {"time": zoned(rng, again), "event": rng.choice(["completed", "rejected"])})
        if rng.random() < 0.06:
            lines.append(event | {"event_id": f"bad-{number}", "event": "done"})
