"""The workspace file that a scan proposes: sources and workflows as found, everything else as a comment to decide on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from pipelines.counted import plural
from pipelines.workspace.findings import MAX_WORKFLOWS, Findings, task_types
from pipelines.workspace.logs import REQUEST_KINDS, Tags
from pipelines.workspace.summary import named_sources, percent

#: Where two logs saw the same call, the gateway's word goes before the trace's, as in the guide.
_PRIORITY = {"litellm": 10, "litellm-spendlogs": 10, "helicone": 10, "openrouter": 10, "otlp": 5, "langfuse": 5}
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
#: Match keys of rules that logs often carry; the source itself where nothing names a workflow.
_RULED = ("source", "key_alias", "team", "project", "deployment", "service.name", "model_group")
#: Dimensions that spend may be charged back by, and the keys under which logs carry them.
_FURTHER = {
    "team": ("team", "team_id"), "customer": ("customer", "customer_id"), "tenant": ("tenant", "tenant_id"),
    "department": ("department", "cost_center"), "project": ("project", "project_id"),
    "environment": ("environment", "deployment.environment.name", "deployment.environment"),
    "service": ("service.name",), "key_alias": ("key_alias",), "account": ("account_id",),
}  # fmt: skip
#: What helps against a reason for which records can't be read.
_HINTS = {"no time": ": put the day into the path, such as logs/2026-11-20/a.jsonl, or a `time` beside each body"}
#: The capability that a task type's name suggests; a suggestion is all it is.
_CAPABILITIES = (
    ("extraction", ("extract", "pars", "ocr", "transcri")),
    ("classification", ("classif", "triage", "dedup", "match", "label", "rout", "detect")),
    ("summarization", ("summar", "draft", "report", "translat", "rewrit")),
    ("reasoning", ("reason", "judg", "plan", "decid", "decision", "review", "analy", "code")),
)


def workspace_text(name: str, findings: Findings) -> str:
    """The whole of `outlay.yaml`. Holds names, counts and shares, and no other word of any record."""
    parts = [
        _head(name, findings),
        _sources(findings),
        _assign(findings),
        _tags(findings),
        _workflows(findings),
        _tiers(findings),
        "rates: {}  # {contract: rates.yaml}: negotiated rates, aliases, discounts\n",
    ]
    return "\n".join(parts)


def _head(name: str, findings: Findings) -> str:
    lines = [
        "# Outlay reads this file and nothing else. `outlay check` says what is wrong with it.",
        f"# Written by `outlay init --scan` from {findings.files} files; decide on the lines that are comments.",
    ]
    if not findings.complete:
        lines.append("# Counts and shares below are of the part of the logs that was read.")
    if findings.first and findings.last:
        lines.append(
            f"# {findings.requests} requests, {findings.outcomes} outcome events, {findings.first:%Y-%m-%d} to {findings.last:%Y-%m-%d} (UTC)."
        )
    for provider in sorted({provider for provider, _ in findings.models}):
        models = sorted(model for maker, model in findings.models if maker == provider)
        more = f" and {len(models) - 12} more" if len(models) > 12 else ""
        lines.append(f"# {provider}: {', '.join(models[:12])}{more}")
    if findings.unpriced:
        lines.append("# Without a rate (say what they cost in rates.yaml, else their requests stay unpriced):")
        for pair in findings.unpriced[:20]:
            seen = findings.models[pair]
            stated = f", {seen.recorded} with a cost in the log" if seen.recorded else ""
            lines.append(f"#   {'/'.join(pair)}: {seen.requests} requests{stated}")
    lines += [f"name: {_quoted(name)}", "reporting: {timezone: UTC, currency: USD, week_starts: monday}", ""]
    return "\n".join(lines)


def _sources(findings: Findings) -> str:
    lines = ["# Where the logs are. A pattern also finds the same names with .gz or .zst at the end.", "sources:"]
    requests = [source for source in findings.sources if source.kind in REQUEST_KINDS]
    for name, source in named_sources(findings):
        priority = _PRIORITY.get(source.kind) if len(requests) > 1 else None
        entry = f"{{name: {name}, kind: {source.kind}, path: {_quoted(source.pattern)}"
        entry += f", priority: {priority}}}" if priority else "}"
        lines.append(f"  - {entry}")
        if source.refused:
            reason, _ = source.refused.most_common(1)[0]
            hint = _HINTS.get(reason, "")
            lines.append(
                f"  #   {source.refused.total()} of {source.records} records can't be read, most of them: {reason}{hint}"
            )
        if source.sampled:
            lines.append(
                f"  #   {source.sampled} of its calls say that they are a sample: it lends its tags to the calls that other "
                "sources report, and counts no spend itself (sampling: 1 if it holds every call all the same)"
            )
    if not findings.sources:
        lines += [
            "  # Nothing here looked like a log that Outlay knows; this is where it will look for its own request log.",
            '  - {name: calls, kind: requests, path: "logs/calls/*.jsonl"}',
        ]
    if findings.strangers:
        lines.append(
            f"  # Data files of no kind that Outlay knows: {', '.join(_quoted(name) for name in findings.strangers)}"
        )
    if not any(source.kind in ("outcomes", "outcome-counts") for source in findings.sources):
        lines.append(
            '  # - {name: outcomes, kind: outcomes, path: "logs/outcomes/*.jsonl"}   # what became of each unit'
        )
    lines.append("")
    return "\n".join(lines)


def _assign(findings: Findings) -> str:
    """Rules that the keys seen would allow; values are left to fill in."""
    lines = [
        "# Requests without a workflow tag: the first rule that matches names workflow and task type.",
        "assign: []",
    ]
    for key in _RULED:
        if findings.keys[key] or (key == "source" and not findings.workflows):
            named = next((name for name, s in named_sources(findings) if s.kind in REQUEST_KINDS), "calls")
            value = _quoted(named if key == "source" else "…*")
            lines.append(f"#  - {{match: {{{_key(key)}: {value}}}, workflow: contract_review, task_type: extraction}}")
    return "\n".join([*lines, ""])


def _tags(findings: Findings) -> str:
    lines = []
    if findings.keys:
        lines.append("# Tag keys seen, with the share of the requests that carry them and their different values:")
        for key, share, values in findings.coverage[:30]:
            lines.append(f"#   {key}: {percent(share)}, {plural(values, 'value')}")
    else:
        lines.append("# No tag was seen on any request: spend can't be told by workflow before requests carry one.")
    usual = Tags()
    units = list(usual.unit_id)
    units += sorted({seen.unit_key for seen in findings.workflows.values() if seen.unit_key} - set(units))
    lines += [
        "# Which field or attribute carries which dimension; the first one found wins.",
        "tags:",
        f"  workflow: [{_list(usual.workflow)}]",
        f"  task_type: [{_list(usual.task_type)}]",
        f"  unit_id: [{_list(units)}]",
    ]
    for name, keys in _FURTHER.items():
        found = [key for key in keys if findings.keys[key]]
        if found:
            lines.append(f"  # {name}: [{_list(found)}]  # spend by {name.replace('_', ' ')}: outlay export chargeback")
    return "\n".join([*lines, ""])


def _workflows(findings: Findings) -> str:
    seen = findings.workflows
    lines = [
        "# What you deliver. `unit` is a guess from the ids seen; without `value` a workflow is not ranked.",
        "workflows:" if seen else "workflows: {}",
    ]
    if len(findings.named) > MAX_WORKFLOWS:
        lines.append(f"# {len(findings.named)} different values under the workflow tag: too many to be workflows.")
    elif not seen:
        likely = [
            key for key, _, values in findings.coverage if 1 < values <= MAX_WORKFLOWS and not key.endswith("_id")
        ]
        if likely:
            lines.append(
                f"# No request names its workflow. Keys that might, if you add them to tags.workflow: {', '.join(likely[:8])}"
            )
        lines += ["#  contract_review:", "#    unit: document"]
    for name, workflow in seen.items():
        lines.append(f"  {_key(name)}:  # {workflow.requests} requests, {workflow.outcomes} outcome events")
        lines.append(
            f"    unit: {_key(workflow.unit(name))}"
            + ("" if workflow.unit_key else "   # no ids seen: tag requests with unit_id")
        )
        lines.append('    # value: {per_outcome_usd: "1.00", basis: "what one good outcome saves"}')
        guessed = {task: _capability(task) for task in task_types(workflow)}
        if guessed:
            inner = ", ".join(f"{_key(task)}: {capability}" for task, capability in guessed.items())
            lines.append(f"    # tasks: {{{inner}}}")
        lines.append("    # quality: {retention: 0.95, floor: 0.90}")
    return "\n".join([*lines, ""])


def _tiers(findings: Findings) -> str:
    lines = ["# The capability ladder. A proposal from list prices alone: dearer is not always better."]
    if findings.tiers:
        lines.append("tiers:")
        for place, (name, models) in enumerate(findings.tiers):
            listed = ", ".join(_quoted(model) for model in models)
            lines.append(f"  - {{name: {name}, rank: {len(findings.tiers) - place}, models: [{listed}]}}")
        first, last = findings.tiers[0][0], findings.tiers[-1][0]
        lines.append("capabilities: {}  # the tier that each kind of work needs, for example:")
        lines.append(f"#  {{extraction: {last}, classification: {last}, summarization: {last}, reasoning: {first}}}")
    else:
        lines += ["tiers: []", "#  - {name: frontier, rank: 2, models: [openai/gpt-5.4]}", "capabilities: {}"]
    return "\n".join([*lines, ""])


def _capability(task: str) -> str:
    low = task.lower()
    return next((name for name, words in _CAPABILITIES if any(word in low for word in words)), "reasoning")


def _list(keys: Iterable[str]) -> str:
    return ", ".join(_key(key) for key in keys)


def _key(text: str) -> str:
    return text if _PLAIN.fullmatch(text) and text.lower() not in _WORDS else _quoted(text)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
