"""`outlay init`: a new workspace folder with a commented `outlay.yaml`, to fill in or filled in from logs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.workspace.errors import UsageError
from pipelines.workspace.load import FILE_NAME

if TYPE_CHECKING:
    from pipelines.workspace.findings import Findings

TEMPLATE = """\
# Outlay reads this file and nothing else. `outlay check` says what is wrong with it.
name: {name}
reporting: {{timezone: UTC, currency: USD, week_starts: monday}}

# Where your logs are: one line a source. .gz and .zst are read as they are, `**` crosses folders.
sources:
  - {{name: calls, kind: requests, path: "logs/calls/*.jsonl"}}
  - {{name: outcomes, kind: outcomes, path: "logs/outcomes/*.jsonl"}}
  # - {{name: gateway, kind: litellm, path: "logs/gateway/*.jsonl", priority: 10}}
  # - {{name: traces, kind: otlp, path: "logs/otlp/*.jsonl", priority: 5}}   # sampling: 0.1 if they are a sample
  # - {{name: evals, kind: evaluations, path: "logs/evals/*.jsonl"}}
  # marks of other tools; `scores` names those that say quality, and brings them to 0..1
  # - {{name: prompts, kind: promptfoo, path: "evals/*.json", workflow: contract_review, task_type: clause_extraction}}
  # - {{name: scores, kind: langfuse-scores, path: "evals/langfuse/*.json", scores: {{helpfulness: {{min: 1, max: 5}}}}}}
  # - {{name: events, kind: otel-evaluations, path: "evals/otlp/*.jsonl", signal: label}}

# Logs without tags: the first rule that matches names workflow and task type.
assign: []
#  - {{match: {{source: gateway, key_alias: "legal-*"}}, workflow: contract_review}}

# Which field or attribute carries which dimension; the first one found wins.
tags:
  workflow: [workflow, gen_ai.workflow.name, traceloop.workflow.name]
  task_type: [task_type]
  unit_id: [unit_id, document_id, decision_id, run_id]
  # team: [team]   # any further one: spend by team and month, outlay export chargeback

# What you deliver. Only `unit` is required; without `value` a workflow is not ranked.
workflows: {{}}
#  contract_review:
#    unit: document
#    owner: legal-ops
#    value: {{per_outcome_usd: "6.50", basis: "paralegal minutes saved"}}
#    tasks: {{clause_extraction: extraction, risk_judgement: reasoning}}
#    quality: {{retention: 0.95, floor: 0.90}}

# The capability ladder, and the tier that each kind of work needs.
tiers: []
#  - {{name: frontier, rank: 3, models: [openai/gpt-5.4]}}
#  - {{name: light, rank: 1, models: [openai/gpt-5-mini]}}
capabilities: {{}}
#  {{extraction: light, classification: light, reasoning: frontier}}
"""


def start(directory: Path) -> Path:
    """Make the folder and its file; answers the file. Raises UsageError where one is already."""
    root = _new(directory)
    for folder in ("logs/calls", "logs/outcomes", "bills"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    return _write(root, TEMPLATE.format(name=json.dumps(root.name or "workspace")))


def start_from_scan(directory: Path, logs: Path) -> tuple[Path, Findings]:
    """The same, filled in from a folder of logs; also answers what was found. Raises UsageError as well where that is none."""
    from pipelines.workspace.proposal import workspace_text
    from pipelines.workspace.scan import scan

    root = _new(directory)
    findings = scan(logs, root)
    root.mkdir(parents=True, exist_ok=True)
    return _write(root, workspace_text(root.name or "workspace", findings)), findings


def _new(directory: Path) -> Path:
    root = directory.expanduser().resolve()
    if (root / FILE_NAME).exists():
        raise UsageError(f"{root / FILE_NAME} is already there; nothing was changed")
    return root


def _write(root: Path, text: str) -> Path:
    file = root / FILE_NAME
    file.write_text(text, "utf-8")
    ignore = root / ".gitignore"
    if not ignore.exists():
        ignore.write_text(".outlay/\n", "utf-8")
    return file
