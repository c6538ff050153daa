"""A routed workflow with known truth: days are written under the share that is live, at qualities that the test sets."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.rollout.marts import replayed
from pipelines.routing.loop import route_apply, route_approve
from tests.workspaces import Bench, call, event

FIRST = date(2026, 9, 1)
KEY = "review/extraction"
FILE = "gateway/routes.json"
MODELS = {"frontier": "gpt-5.4", "light": "gpt-5-mini"}
ALIKE = {"frontier": 0.995, "light": 0.995}


def moment(day: date, hour: float = 0) -> datetime:
    return datetime.combine(day, time(), UTC) + timedelta(hours=hour)


class World:
    """Units of one call each. `today` is the first day that is not written yet."""

    def __init__(self, root: Path, per_day: int = 100, seed: int = 1, mode: str = "file", **routing: Any) -> None:
        target = {
            "name": "table", "kind": "json", "path": FILE, "mode": mode,
            "models": {t: {"model": f"openai/{m}"} for t, m in MODELS.items()},
        }  # fmt: skip
        self.bench = Bench(
            root,
            {
                "workflows": {"review": {"unit": "document", "maturity_days": 1}, "claims": {"unit": "decision"}},
                "routing": {"approvers": ["anna"], "targets": [target], **routing},
            },
        )
        self.per_day, self.rng, self.today, self.version = per_day, np.random.default_rng(seed), FIRST, 0

    def copied(self, root: Path) -> World:
        """The same world once more, with files and lots of its own."""
        other = copy.copy(self)
        other.bench, other.rng = copy.copy(self.bench), copy.deepcopy(self.rng)
        other.bench.root = Path(shutil.copytree(self.bench.root, root))
        other.bench.config = copy.deepcopy(self.bench.config)
        return other

    @property
    def loaded(self) -> Any:
        return self.bench.loaded

    def now(self, hour: float = 5) -> datetime:
        """Early on the day after the last one written."""
        return moment(self.today, hour)

    def policy(self, *routes: str, at: datetime | None = None) -> None:
        """A policy by hand, approved and applied; in force from the first day that is not written yet."""
        path = self.bench.root / "routing" / "policy.yaml"
        path.parent.mkdir(exist_ok=True)
        self.version += 1
        path.write_text(
            f"schema_version: 1\npolicy_id: test\nversion: {self.version}\ncreated_at: 2026-09-01T00:00:00Z\n"
            "created_by: bob\ntiers: {frontier: 2, light: 1}\ndefault_tier: frontier\nroutes:\n" + "".join(routes)
        )
        when = at or moment(self.today)
        route_approve(self.loaded, {}, by="anna", now=when)
        route_apply(self.loaded, now=when)

    def live(self, count: int, quality: Mapping[str, float] = ALIKE, **odd: Any) -> None:
        """Writes days under the policy in force, without a run. `served`: tier -> share, whatever the policy says."""
        for _ in range(count):
            self._day(quality, **odd)
            self.today += timedelta(days=1)

    def run(self) -> dict[str, Any]:
        return self.bench.run()

    def shares(self) -> Mapping[str, int]:
        line = replayed(self.loaded).line
        phase = next((p for p in reversed(line) if p.since <= moment(self.today)), None)
        route = phase.route(KEY) if phase else None
        return route.shares if route else {"frontier": 100}

    def _day(
        self, quality: Mapping[str, float], served: Mapping[str, float] | None = None, errors: float = 0.0,
        latency: Mapping[str, int] | None = None, per_day: int | None = None, **fields: Any,
    ) -> None:  # fmt: skip
        shares = served or {tier: percent / 100 for tier, percent in self.shares().items()}
        tiers, weights = list(shares), list(shares.values())
        calls, events = [], []
        for number in range(self.per_day if per_day is None else per_day):
            unit = f"d{self.today:%m%d}-{number}"
            tier = tiers[int(self.rng.choice(len(tiers), p=weights))]
            at = moment(self.today, 1 + 20 * float(self.rng.random()))
            failed = tier == "light" and self.rng.random() < errors
            length = int(self.rng.lognormal(7, 0.3))
            calls.append(
                call(
                    f"r{unit}", model=MODELS[tier], unit_id=unit, time=at.isoformat(), input_tokens=length,
                    status="error" if failed else "ok", latency_ms=(latency or {}).get(tier, 1000) + int(self.rng.integers(0, 200)),
                    **fields,
                )
            )  # fmt: skip
            good = self.rng.random() < quality[tier]
            done = (at + timedelta(minutes=30)).isoformat()
            events.append(event(f"e{unit}", "completed" if good else "failed", unit_id=unit, time=done))
        self.bench.calls(*calls, file=f"{self.today}.jsonl")
        self.bench.outcomes(*events, file=f"{self.today}.jsonl")


def route(
    tier: str = "frontier", canary: int | None = None, up_to: int = 100, task: str = "extraction", more: str = ""
) -> str:
    lines = f"  - match: {{workflow: review, task_type: {task}}}\n    tier: {tier}\n"
    if canary is not None:
        other = "light" if tier == "frontier" else "frontier"
        lines += f"    canary: {{tier: {other}, percent: {canary}, up_to: {up_to}{more}}}\n    fallback: [{tier}]\n"
    return lines
