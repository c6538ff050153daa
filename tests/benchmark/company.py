"""A seeded company of any size for measurements: four weeks of calls and outcomes, one file of each a day.

Four workflows with two tasks each; a unit takes three or four calls, most of them within the hour, and settles a few
hours later. One call in a hundred is reported twice, one in fifty carries a cost of the sender's.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

FIRST_DAY, DAYS = date(2026, 10, 1), 28
WORKFLOWS = {
    "customer_records": ("triage", "field_extraction"),
    "claims": ("summary", "decision"),
    "contracts": ("clause_search", "review"),
    "support": ("routing", "reply"),
}
MODELS = (
    ("openai", "gpt-5.4"), ("openai", "gpt-5-mini"), ("anthropic", "claude-sonnet-4-6"),
    ("anthropic", "claude-haiku-4-5"), ("google", "gemini-2.5-flash"),
)  # fmt: skip
TEAMS = ("crm-platform", "claims-desk", "legal-ops", "help-centre", "search")
CALLS_PER_UNIT = 10 / 3
WORKSPACE = """\
name: Benchmark
sources:
  - {name: calls, kind: requests, path: calls/*.jsonl}
  - {name: outcomes, kind: outcomes, path: outcomes/*.jsonl}
tags:
  team: [team]
workflows:
  customer_records: {unit: record, value: {per_outcome_usd: "1.20", basis: minutes saved}}
  claims: {unit: claim, accept: accepted, value: {per_outcome_usd: "4.00", basis: minutes saved}}
  contracts: {unit: contract, value: {per_outcome_usd: "9.00", basis: minutes saved}}
  support: {unit: ticket, value: {per_outcome_usd: "0.80", basis: minutes saved}}
tiers:
  - {name: frontier, rank: 3, models: [openai/gpt-5.4, anthropic/claude-sonnet-4-6]}
  - {name: light, rank: 1, models: [openai/gpt-5-mini, anthropic/claude-haiku-4-5, google/gemini-2.5-flash]}
"""


def write(root: Path, requests: int, days: int = DAYS, seed: int = 1, first: date = FIRST_DAY) -> int:
    """A workspace of so many distinct requests; how many outcome events it has."""
    for folder in ("calls", "outcomes"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "outlay.yaml").write_text(WORKSPACE, "utf-8")
    events = 0
    for place in range(days):
        of_day = requests * (place + 1) // days - requests * place // days
        events += write_day(root, first + timedelta(days=place), of_day, seed * 1_000 + place)
    return events


def write_day(root: Path, day: date, requests: int, seed: int, name: str = "") -> int:
    """The files of one day; how many outcome events it has. `name` tells several files of a day apart."""
    chance = random.Random(seed)
    file = f"{day}{name}.jsonl"
    ends: list[str] = []
    with (root / "calls" / file).open("w", encoding="utf-8") as calls:
        calls.writelines(_calls(chance, day, requests, f"{seed}", ends))
    with (root / "outcomes" / file).open("w", encoding="utf-8") as outcomes:
        outcomes.writelines(ends)
    return len(ends)


def _calls(chance: random.Random, day: date, requests: int, prefix: str, ends: list[str]) -> Iterator[str]:
    """Lines of a day's calls; what becomes of their units is added to `ends`."""
    draw, below, pick = chance.random, chance.randrange, chance.choice
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    workflows = list(WORKFLOWS.items())
    made = unit = 0
    while made < requests:
        workflow, tasks = workflows[below(4)]
        team = TEAMS[below(5)]
        unit_id = f"{workflow[:2]}-{prefix}-{unit}"
        opened = below(82_000_000)
        calls = min(pick((3, 3, 4)), requests - made)
        for place in range(calls):
            at = start + timedelta(milliseconds=min(opened + below(3_600_000), 86_399_999))
            provider, model = MODELS[below(5)]
            read, wrote = below(100, 20_000), below(10, 2_000)
            line = (
                f'{{"request_id":"req-{prefix}-{made + place}","response_id":"chatcmpl-{chance.getrandbits(96):024x}",'
                f'"time":"{at.isoformat(timespec="milliseconds")[:-6]}Z","provider":"{provider}","model":"{model}",'
                f'"input_tokens":{read},"output_tokens":{wrote}'
            )
            if draw() < 0.4:
                line += f',"cache_read_tokens":{below(read)}'
            if draw() < 0.3:
                line += f',"reasoning_tokens":{below(wrote)}'
            if draw() < 0.02:
                line += f',"cost_usd":"{below(1, 10**8) / 10**9:.9f}"'
            line += (
                f',"latency_ms":{below(200, 60_000)},"workflow":"{workflow}","task_type":"{tasks[below(2)]}",'
                f'"unit_id":"{unit_id}","attempt_id":"{unit_id}-a{1 + (place == 3)}","team":"{team}"}}\n'
            )
            yield line
            if draw() < 0.01:
                yield line
        made += calls
        unit += 1
        settled = start + timedelta(milliseconds=opened, hours=1 + below(30))
        fate = draw()
        if fate < 0.95:
            what = "failed" if fate < 0.05 else "completed"
            ends.append(_event(f"ev-{unit_id}", settled, workflow, unit_id, what))
            if what == "completed" and workflow == "claims":
                verdict = "rejected" if draw() < 0.06 else "accepted"
                ends.append(_event(f"ev-{unit_id}-v", settled + timedelta(hours=2), workflow, unit_id, verdict))


def _event(event_id: str, at: datetime, workflow: str, unit_id: str, what: str) -> str:
    return (
        f'{{"event_id":"{event_id}","time":"{at.isoformat(timespec="seconds")[:-6]}Z","workflow":"{workflow}",'
        f'"unit_id":"{unit_id}","event":"{what}"}}\n'
    )
