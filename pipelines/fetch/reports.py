"""The providers' usage and cost reports: where each is asked for, with which key, and grouped how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Report:
    """One endpoint of a report. `epoch`: periods as Unix seconds instead of RFC 3339; `limit`: buckets a page."""

    name: str
    path: str
    group_by: tuple[str, ...]
    limit: int
    epoch: bool

    def query(self, start: datetime, end: datetime) -> list[tuple[str, str]]:
        """The first page's parameters: daily buckets from `start` to `end` (UTC)."""
        if self.epoch:
            period = [("start_time", str(int(start.timestamp()))), ("end_time", str(int(end.timestamp())))]
        else:
            period = [("starting_at", f"{start:%Y-%m-%dT%H:%M:%SZ}"), ("ending_at", f"{end:%Y-%m-%dT%H:%M:%SZ}")]
        width = [("bucket_width", "1d")] if "cost_report" not in self.path else []
        return [*period, *width, *(("group_by[]", name) for name in self.group_by), ("limit", str(self.limit))]


@dataclass(frozen=True)
class Provider:
    """Whom to ask. The admin key is read from the environment only; `headers` carry it."""

    name: str
    base_url: str
    key_name: str
    headers: Mapping[str, str]  #: with {key} where the key goes
    reports: Mapping[str, tuple[Report, ...]]  #: kind of source -> its endpoints


_KEYS = ("project_id", "api_key_id", "model")
_USAGE = (
    ("completions", (*_KEYS, "batch", "service_tier")), ("embeddings", _KEYS), ("moderations", _KEYS),
    ("images", (*_KEYS, "size", "source")), ("audio_speeches", _KEYS), ("audio_transcriptions", _KEYS),
    ("vector_stores", ("project_id",)), ("code_interpreter_sessions", ("project_id",)),
)  # fmt: skip

PROVIDERS = (
    Provider(
        name="openai",
        base_url="https://api.openai.com",
        key_name="OPENAI_ADMIN_KEY",
        headers={"authorization": "Bearer {key}"},
        reports={
            "openai-usage": tuple(
                Report(name, f"/v1/organization/usage/{name}", groups, 31, epoch=True) for name, groups in _USAGE
            ),
            "openai-costs": (
                Report("costs", "/v1/organization/costs", ("project_id", "api_key_id", "line_item"), 180, epoch=True),
            ),
        },
    ),
    Provider(
        name="anthropic",
        base_url="https://api.anthropic.com",
        key_name="ANTHROPIC_ADMIN_KEY",
        headers={"x-api-key": "{key}", "anthropic-version": "2023-06-01"},
        reports={
            "anthropic-usage": (
                Report(
                    "messages", "/v1/organizations/usage_report/messages",
                    ("workspace_id", "api_key_id", "model", "service_tier", "context_window"), 31, epoch=False,
                ),
            ),
            "anthropic-cost": (
                Report("cost", "/v1/organizations/cost_report", ("workspace_id", "description"), 31, epoch=False),
            ),
        },
    ),
)  # fmt: skip

KINDS: dict[str, Provider] = {kind: provider for provider in PROVIDERS for kind in provider.reports}
