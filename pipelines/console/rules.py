"""The `assign` rules as people's text: what each of them says, and what it caught in the last published set."""

from __future__ import annotations

from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any

from pipelines.counted import plural
from pipelines.ledger.declared import matched
from pipelines.sources.tags import refusal
from pipelines.storage.published import current
from pipelines.workspace.errors import OutlayError
from pipelines.workspace.load import Loaded

_SAYS = ("rule", "match", "valid_from", "workflow", "task_type")


def rules_of(loaded: Loaded) -> list[dict[str, Any]]:
    """Every rule of the workspace file with what it caught; `requests` is None where no run has applied these rules."""
    said = [
        {
            "rule": number,
            "match": matched(rule),
            "valid_from": rule.from_ and rule.from_.isoformat(),
            "workflow": rule.workflow,
            "task_type": rule.task_type,
        }
        for number, rule in enumerate(loaded.config.assign, 1)
    ]
    try:
        published = current(loaded.root).meta.get("assign", [])
    except OutlayError:
        published = []
    if [{key: row[key] for key in _SAYS} for row in published] == said:
        return published
    return [{**row, "requests": None, "spend_usd": None, "first_day": None, "last_day": None} for row in said]


def rule_warnings(loaded: Loaded) -> list[str]:
    """Rules that can catch nothing, or that name a workflow which is not declared."""
    mapped = loaded.config.tags.keys
    warnings = []
    for number, rule in enumerate(loaded.config.assign, 1):
        where = f"assign rule {number} ({matched(rule)})"
        if rule.workflow not in loaded.config.workflows:
            warnings.append(f"{where}: workflow {rule.workflow} is not declared under workflows:")
        meant = rule.match.get("source")
        if meant is not None and not any(fnmatchcase(source.name, _glob(meant)) for source in loaded.config.sources):
            warnings.append(f"{where}: no source under sources: is called {meant}, so nothing new matches")
        for key in rule.match:
            why = refusal(key)
            if why == "user" and key not in mapped:
                warnings.append(f"{where}: {key} names users, and is kept only where tags: maps it")
            elif why in ("content", "secret"):
                warnings.append(f"{where}: {key} is never kept ({why}), so nothing matches")
    return warnings


def _glob(pattern: str) -> str:
    """The rules' globs know `*` and `?` alone."""
    return pattern.replace("[", "[[]")


def rules_text(rules: list[dict[str, Any]]) -> list[str]:
    """One line a rule: `assign 1   23 requests, $4.10, 2026-10-01 to 2026-10-20   workflow/task   {match}`."""
    lines = []
    for rule in rules:
        named = rule["workflow"] + (f"/{rule['task_type']}" if rule["task_type"] else "")
        since = f", from {rule['valid_from']}" if rule["valid_from"] else ""
        lines.append(f"assign {rule['rule']}  {{{rule['match']}{since}}} -> {named}: {_caught(rule)}")
    return lines


def _caught(rule: dict[str, Any]) -> str:
    if rule["requests"] is None:
        return "not applied yet: outlay run"
    if not rule["requests"]:
        return "caught nothing"
    spend = "cost unknown" if rule["spend_usd"] is None else f"${Decimal(rule['spend_usd']):,.2f}"
    return f"{plural(rule['requests'], 'request')}, {spend}, {rule['first_day']} to {rule['last_day']}"
