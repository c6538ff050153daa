"""What a look through a folder of logs found, as counts, names of fields and names of models: no value of a record
but the names of workflows and task types.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pipelines.sources.quarantine import SECRET
from pipelines.sources.record import OutcomeEvent, RequestRecord
from pipelines.sources.tags import short_key
from pipelines.workspace.logs import Tags
from pipelines.workspace.words import NAME_PATTERN

#: More different values than this under the workflow key, and they are no names of workflows.
MAX_WORKFLOWS = 40
MAX_TASK_TYPES = 20
_DISTINCT = 20_000
_NAME = re.compile(NAME_PATTERN)
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-/]{0,63}")
_MODEL = re.compile(r"[A-Za-z0-9._:/@+\-]{1,160}")
#: Ids of the plumbing, not of what is delivered.
_TECHNICAL = frozenset(
    {
        "account_id", "agent_id", "app_id", "attempt_id", "call_id", "conversation_id", "custom_id", "deployment_id",
        "org_id", "organization_id", "parent_id", "project_id", "prompt_id", "request_id", "response_id", "session_id",
        "span_id", "team_id", "tenant_id", "thread_id", "trace_id", "workspace_id", "environment_id",
    }
)  # fmt: skip
_UNITS = {"run_id": "workflow"}
_DELIVERED = frozenset(
    {
        "answer", "application", "article", "case", "claim", "contract", "conversation", "decision", "document", "email",
        "invoice", "order", "record", "report", "request", "ticket",
    }
)  # fmt: skip
_DEFAULTS = Tags()


@dataclass(slots=True)
class SourceFound:
    """Files of one kind under one pattern, and what a read of (some of) their records gave."""

    kind: str
    pattern: str  #: as it stands in the workspace file
    files: int
    records: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    sampled: int = 0  #: calls that say that they are a sample of all calls


@dataclass(slots=True)
class ModelSeen:
    """Requests to one model; `priced` is whether the rate book has a rate for it on its last day."""

    requests: int = 0
    first: datetime | None = None
    last: datetime | None = None
    recorded: int = 0  #: requests whose cost the log states
    priced: bool = False


@dataclass(slots=True)
class WorkflowSeen:
    requests: int = 0
    outcomes: int = 0
    unit_keys: Counter[str] = field(default_factory=Counter)
    task_types: Counter[str] = field(default_factory=Counter)

    @property
    def unit_key(self) -> str | None:
        """The key that carries ids on most of the requests, those that Outlay looks for anyway first."""
        usual = [key for key in _DEFAULTS.unit_id if self.unit_keys[key] * 2 > self.requests]
        others = sorted((-n, key) for key, n in self.unit_keys.items() if n * 2 > self.requests)
        return max(usual, key=lambda key: self.unit_keys[key]) if usual else (others[0][1] if others else None)

    def unit(self, name: str) -> str:
        """What the workflow delivers: by the key that carries its ids, else by the last word of its name."""
        key = self.unit_key
        if key is not None and key != "unit_id":
            return _UNITS.get(key, key.removesuffix("_id"))
        last = re.split(r"[._-]", name.lower())[-1].removesuffix("s")
        return last if last in _DELIVERED else "unit"


@dataclass(slots=True)
class Findings:
    """Counts over the records that were read. `complete` is false where bounds left some unread."""

    complete: bool = True
    files: int = 0
    unknown: int = 0
    strangers: list[str] = field(default_factory=list)  #: names of data files of no kind, the first few
    skipped: Counter[str] = field(default_factory=Counter)
    sources: list[SourceFound] = field(default_factory=list)
    requests: int = 0
    outcomes: int = 0
    first: datetime | None = None
    last: datetime | None = None
    models: dict[tuple[str, str], ModelSeen] = field(default_factory=dict)
    withheld_models: int = 0
    keys: Counter[str] = field(default_factory=Counter)
    values: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    named: dict[str, WorkflowSeen] = field(default_factory=dict)
    tiers: list[tuple[str, list[str]]] = field(default_factory=list)

    def take_request(self, record: RequestRecord, tags: dict[str, str]) -> None:
        """Count one call with the tags that it carries or inherits."""
        self.requests += 1
        self._saw(record.time)
        self._take_model(record)
        if record.units:
            tags = {**tags, "unit_id": "units"}
        ids: set[str] = set()
        for key, value in tags.items():
            if short_key(key) != key or not _KEY.fullmatch(key) or SECRET.search(key):
                continue
            self.keys[key] += 1
            if len(self.values[key]) < _DISTINCT:
                self.values[key].add(hash(value))
            if key in _DEFAULTS.unit_id or (key.endswith("_id") and key not in _TECHNICAL):
                ids.add(key)
        named, task = _names(tags)
        if named is not None:
            seen = self.named.setdefault(named, WorkflowSeen())
            seen.requests += 1
            seen.unit_keys.update(ids)
            if task is not None:
                seen.task_types[task] += 1

    def take_outcome(self, event: OutcomeEvent) -> None:
        self.outcomes += 1
        self._saw(event.time)
        if safe_name(event.workflow):
            self.named.setdefault(event.workflow, WorkflowSeen()).outcomes += 1

    def _saw(self, time: datetime) -> None:
        self.first = min(self.first or time, time)
        self.last = max(self.last or time, time)

    def _take_model(self, record: RequestRecord) -> None:
        if not record.model:
            return
        if not (safe_model(record.model) and safe_model(record.provider)):
            self.withheld_models += 1
            return
        seen = self.models.setdefault((record.provider, record.model), ModelSeen())
        seen.requests += 1
        seen.first = min(seen.first or record.time, record.time)
        seen.last = max(seen.last or record.time, record.time)
        cost = record.recorded_usd
        seen.recorded += cost is not None and (cost > 0 or not record.recorded_is_estimate)

    @property
    def workflows(self) -> dict[str, WorkflowSeen]:
        """Names seen as workflows, most used first; none where there are too many to be names."""
        if len(self.named) > MAX_WORKFLOWS:
            return {}
        return dict(sorted(self.named.items(), key=lambda item: (-item[1].requests, item[0])))

    @property
    def coverage(self) -> list[tuple[str, float, int]]:
        """Tag key, share of the requests that carry it, number of different values; the fullest first."""
        ranked = sorted(self.keys.items(), key=lambda item: (-item[1], item[0]))
        return [
            (key, round(n / self.requests, 4), len(self.values[key])) for key, n in ranked if n * 100 >= self.requests
        ]

    @property
    def unpriced(self) -> list[tuple[str, str]]:
        return sorted(pair for pair, seen in self.models.items() if not seen.priced)

    def document(self) -> dict[str, Any]:
        """The findings as JSON: counts, shares from 0 to 1, names."""
        return {
            "complete": self.complete,
            "files": {
                "looked_at": self.files, "unknown": self.unknown, "not_known": self.strangers,
                "skipped": dict(sorted(self.skipped.items())),
            },
            "sources": [
                {"kind": s.kind, "path": s.pattern, "files": s.files, "records": s.records, "refused": s.refused.total(),
                 "reason": s.refused.most_common(1)[0][0] if s.refused else None, "sampled": s.sampled}
                for s in self.sources
            ],
            "requests": self.requests,
            "outcomes": self.outcomes,
            "first": None if self.first is None else self.first.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "last": None if self.last is None else self.last.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "providers": sorted({provider for provider, _ in self.models}),
            "models": [
                {"provider": provider, "model": model, "requests": seen.requests, "priced": seen.priced}
                for (provider, model), seen in sorted(self.models.items())
            ],
            "unpriced": [
                {"provider": provider, "model": model, "requests": self.models[provider, model].requests,
                 "recorded": self.models[provider, model].recorded}
                for provider, model in self.unpriced
            ],
            "models_withheld": self.withheld_models,
            "tags": [{"key": key, "coverage": share, "values": values} for key, share, values in self.coverage],
            "workflows": [
                {"workflow": name, "unit": seen.unit(name), "unit_key": seen.unit_key, "requests": seen.requests,
                 "outcomes": seen.outcomes, "task_types": task_types(seen)}
                for name, seen in self.workflows.items()
            ],
            "tiers": [{"name": name, "models": models} for name, models in self.tiers],
        }  # fmt: skip


def _names(tags: dict[str, str]) -> tuple[str | None, str | None]:
    """Workflow and task type of a call, as the default look-ups find them."""
    group = tags.get("model_group", "").split("/")
    routed = group[1:] if group[0] == "route" and len(group) == 3 else (None, None)
    workflow = next((tags[key] for key in _DEFAULTS.workflow if key in tags), routed[0])
    task = next((tags[key] for key in _DEFAULTS.task_type if key in tags), routed[1])
    return workflow if safe_name(workflow) else None, task if safe_name(task) else None


def task_types(seen: WorkflowSeen) -> list[str]:
    return sorted(seen.task_types) if len(seen.task_types) <= MAX_TASK_TYPES else []


def safe_name(name: str | None) -> bool:
    """A name as the workspace file takes it, which no key is."""
    return name is not None and bool(_NAME.fullmatch(name)) and not SECRET.search(name)


def safe_model(name: str) -> bool:
    return bool(_MODEL.fullmatch(name)) and not SECRET.search(name)
