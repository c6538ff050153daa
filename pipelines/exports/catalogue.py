"""The catalogue of exports: what can be asked for by name."""

from __future__ import annotations

from dataclasses import replace

from pipelines.exports import focus_columns
from pipelines.exports.decision_exports import DECISIONS
from pipelines.exports.export import Export
from pipelines.exports.spend_exports import SPEND
from pipelines.workspace.errors import UsageError

EXPORTS: dict[str, Export] = {export.name: export for export in (*SPEND, *DECISIONS)}


def lookup(name: str, focus: str | None = None) -> Export:
    """Raises UsageError listing the names that exist, or the versions of FOCUS that are written."""
    if name not in EXPORTS:
        raise UsageError(f"no export {name!r}; expected one of {', '.join(sorted(EXPORTS))}")
    if focus is None:
        return EXPORTS[name]
    if name != "focus" or focus not in focus_columns.VERSIONS:
        raise UsageError(
            f"no version {focus!r} of {name}: expected {' or '.join(focus_columns.VERSIONS)}, for the export focus alone"
        )
    return replace(EXPORTS[name], columns=focus_columns.columns(focus))
