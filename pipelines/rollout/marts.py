"""The marts of the rollout: `adherence`, `decisions`, `route_health`, the cells they are told from, hand-made changes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
import polars as pl

from pipelines.rollout.adherence import adherence
from pipelines.rollout.by_difficulty import by_route
from pipelines.rollout.cells import Cells, cell_marts, cells
from pipelines.rollout.health import health_marts
from pipelines.rollout.realised import decisions
from pipelines.rollout.timeline import Phase, phases
from pipelines.rollout.trials import Trial, trials
from pipelines.rollout.verdict import Verdict, resolved, verdict
from pipelines.routing import audit
from pipelines.routing.history import replay
from pipelines.routing.status import status
from pipelines.workspace.load import Loaded
from pipelines.workspace.model import Workspace

FINDINGS: dict[str, Any] = {
    "day": pl.Date(), "subject": pl.String(), "finding": pl.String(), "detail": pl.String(),
}  # fmt: skip


@dataclass(frozen=True)
class Replay:
    """What the audit says by now. A chain that is broken is read up to the break."""

    rows: Sequence[dict[str, Any]]
    line: Sequence[Phase]
    found: Sequence[Trial]


def replayed(loaded: Loaded) -> Replay:
    rows, _ = audit.examine(loaded.root)
    line = phases(rows)
    return Replay(rows, line, trials(line))


def judged(told: Replay, found: Cells, workspace: Workspace, as_of: date, **clock: Any) -> list[Verdict]:
    """Of every trial that moved something; with `now` and `newest` as the scheduled job sees it."""
    made = []
    for trial in told.found:
        own = found.of(trial)
        whole = resolved(trial, own)
        if whole is not None:
            made.append(verdict(whole, own, workspace, as_of, **clock))
    return made


def rollout_marts(con: duckdb.DuckDBPyConnection, loaded: Loaded, as_of: date) -> dict[str, pl.DataFrame]:
    """A replay of the present ledger and the audit; all empty where no policy was ever applied."""
    told = replayed(loaded)
    with by_route(con, told.line):
        return _marts(con, loaded, as_of, told)


def _marts(con: duckdb.DuckDBPyConnection, loaded: Loaded, as_of: date, told: Replay) -> dict[str, pl.DataFrame]:
    made = cell_marts(con, loaded, as_of, told.line, told.found)
    made["adherence"] = adherence(con, loaded, as_of, told.line)
    found = cells(made)
    verdicts = judged(told, found, loaded.config, as_of)
    made["decisions"] = decisions(verdicts, found, loaded.config, as_of, replay(told.rows).approved)
    made |= health_marts(con, loaded, as_of, told.line)
    made["routing_findings"] = pl.DataFrame(findings(loaded, told), schema=FINDINGS, orient="row")
    return made


def findings(loaded: Loaded, told: Replay) -> list[dict[str, Any]]:
    """Grain: one thing that somebody changed behind Outlay's back, by the day since which the policy is live."""
    if not told.rows:
        return []
    document = status(loaded).document
    day = told.line[-1].since.astimezone(loaded.config.reporting.zone).date() if told.line else None
    rows = []
    if document["audit"]["broken"]:
        rows.append({"subject": "routing/audit.jsonl", "finding": "audit", "detail": document["audit"]["broken"]})
    for target in document["targets"]:
        if target["in_order"]:
            continue
        rows.append({"subject": target["path"], "finding": target["state"], "detail": target["says"]})
        rows += [{"subject": target["path"], "finding": "semantic", "detail": line} for line in target["differences"]]
    known = day or date.fromisoformat(told.rows[-1]["at"][:10])
    return [{"day": known, **row} for row in rows]


def routing_hash(loaded: Loaded) -> str:
    """Of what the marts take from outside the ledger: a run publishes anew when it changes."""
    told = replayed(loaded)
    text = "\n".join([*(row["row_sha256"] for row in told.rows), *(str(row) for row in findings(loaded, told))])
    return hashlib.sha256(text.encode()).hexdigest()
