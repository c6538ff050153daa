"""`outlay check`: what a run would find, without writing anything."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import Any

from pipelines.console.kinds import kind_warnings
from pipelines.console.rate_changes import missing_warnings
from pipelines.console.rules import rule_warnings, rules_of, rules_text
from pipelines.intake.discover import Found, of_source
from pipelines.ledger.terms import decide
from pipelines.ledger.tiers import spelt_twice, tier_of_model
from pipelines.publish.currency import reporting_exchange
from pipelines.rates.contract import Contract, read_contract
from pipelines.rates.exchange import lacking
from pipelines.routing.loop import check_targets
from pipelines.sources.registry import kinds_read
from pipelines.storage.published import current
from pipelines.workspace.decisions import read_decisions
from pipelines.workspace.errors import OutlayError, UsageError
from pipelines.workspace.load import Loaded


def check_workspace(loaded: Loaded, strict: bool = False) -> dict[str, Any]:
    """Sources with their files, the rate contract and the routing targets.

    `strict`: a task type whose declared capability, traffic and evidence disagree is an error too, so that the
    question which work needs the dearest tier is answered before a deployment.

    `ok` is false when something is invalid; a source that matches no file is a warning, as its logs may still come.
    """
    errors: list[str] = []
    warnings: list[str] = []
    found: dict[str, list[Found]] = defaultdict(list)
    refused: list[dict[str, str]] = []
    sources = []
    for source in loaded.config.sources:
        try:
            for file in of_source(loaded, source):
                if file.refused:
                    refused.append({"source": source.name, "file": file.name, "reason": file.refused})
                else:
                    found[source.name].append(file)
        except OutlayError as error:
            errors.append(f"sources.{source.name}: {str(error).removeprefix(f'source {source.name}: ')}")
            sources.append({"name": source.name, "kind": source.kind, "path": source.path, "files": 0})
            continue
        files = found[source.name]
        sources.append({"name": source.name, "kind": source.kind, "path": source.path, "files": len(files)})
        if source.kind not in kinds_read():
            warnings.append(f"sources.{source.name}: kind {source.kind} is not read by this version")
        elif not files:
            warnings.append(f"sources.{source.name}: no file matches {source.path}")
        try:
            warnings += kind_warnings(files, loaded.config)
        except OutlayError as error:
            errors.append(f"sources.{source.name}: {error}")
    contract = loaded.config.rates.contract
    try:
        warnings += _fixed_and_foreign(loaded, read_contract(loaded.path(contract) if contract else None))
    except UsageError as error:
        errors.append(str(error))
    try:
        tier_of_model(loaded)
        warnings += spelt_twice(loaded)
    except UsageError as error:
        if str(error) not in errors:  # a contract that can't be read was told above
            errors.append(str(error))
    try:
        warnings += check_targets(loaded)
    except OutlayError as error:
        errors.append(str(error))
    try:
        read_decisions(loaded.root)
    except UsageError as error:
        errors.append(str(error))
    warnings += _unlisted_capabilities(loaded)
    warnings += missing_warnings(loaded)
    warnings += rule_warnings(loaded)
    if strict:
        errors += _disagreements(loaded)
    return {
        "ok": not errors, "sources": sources, "refused": refused, "errors": errors, "warnings": warnings,
        "assign": rules_of(loaded),
    }  # fmt: skip


def _fixed_and_foreign(loaded: Loaded, contract: Contract) -> list[str]:
    """What of the contract will be missing on the last published day. Raises UsageError for what a run would refuse."""
    fx = reporting_exchange(loaded)
    try:
        at = date.fromisoformat(current(loaded.root).meta["as_of"] or "")
    except (OutlayError, ValueError):
        return []
    shown = [loaded.config.reporting.currency] if fx is not None else []
    found = [c for c in sorted({*shown, *contract.currencies}) if contract.fx.in_force(c, at) is None]
    decide(contract, [at], loaded.config.reporting.zone)
    return [f"{contract.fx.name}: {lacking(currency, at)}" for currency in found]


def _disagreements(loaded: Loaded) -> list[str]:
    """From the published set. Raises NothingPublished: without a run there is no traffic to hold a declaration to."""
    with current(loaded.root).connect() as con:
        rows = con.execute("select workflow, text from capability order by workflow, task_type, kind").fetchall()
    return [f"workflows.{workflow}.tasks: {text}" for workflow, text in rows]


def _unlisted_capabilities(loaded: Loaded) -> list[str]:
    known = loaded.config.capabilities
    return [
        f"workflows.{name}.tasks.{task}: capability {capability!r} has no tier under capabilities:"
        for name, workflow in loaded.config.workflows.items()
        for task, capability in workflow.tasks.items()
        if capability not in known
    ]


def check_text(document: dict[str, Any]) -> str:
    """One line a source, then what is wrong and what is worth a look."""
    lines = [f"{s['name']:<16} {s['kind']:<18} {s['files']:>6} files  {s['path']}" for s in document["sources"]]
    lines += rules_text(document["assign"])
    lines += [f"refused: {r['file']} ({r['reason']})" for r in document["refused"]]
    lines += [f"warning: {w}" for w in document["warnings"]]
    lines += [f"error: {e}" for e in document["errors"]]
    lines.append("the workspace is valid" if document["ok"] else "the workspace is not valid")
    return "\n".join(lines)
