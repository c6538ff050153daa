"""A workspace whose workflow `mailing` has one recorded cost and one outcome count a day: a cost per outcome at will."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.workspaces import BASE, Bench, call

MONDAY = date(2026, 6, 1)
COUNTS = {"name": "counts", "kind": "outcome-counts", "path": "logs/counts/*.jsonl"}


def watched(root: Path, **config: Any) -> Bench:
    """`mailing` alone, of grain `day`; `mailing` in `config` adds to it."""
    mailing = {"unit": "letter", "grain": "day", "maturity_days": 2, **config.pop("mailing", {})}
    return Bench(root, {"sources": [*BASE["sources"], COUNTS], "workflows": {"mailing": mailing}, **config})


def days(bench: Bench, costs: Sequence[str], first: date = MONDAY, outcomes: int = 100, file: str = "a.jsonl") -> date:
    """One day for each cost per outcome in dollars; answers the last day."""
    calls, counts = [], []
    for n, cost in enumerate(costs):
        day = first + timedelta(days=n)
        made = call(
            f"r{day}", time=f"{day}T10:00:00Z", workflow="mailing", provider="acme", model="acme-1",
            cost_usd=str(Decimal(cost) * outcomes),
        )  # fmt: skip
        calls.append({k: v for k, v in made.items() if k not in ("unit_id", "task_type")})
        counts.append({"day": day.isoformat(), "workflow": "mailing", "completed": outcomes})
    bench.calls(*calls, file=file)
    bench.lines(f"logs/counts/{file}", counts)
    return first + timedelta(days=len(costs) - 1)
