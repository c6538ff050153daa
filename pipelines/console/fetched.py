"""What a fetch brought, and how the workspace reads it, as people's text."""

from __future__ import annotations

from pipelines.fetch.fetch import Fetched


def fetched_text(done: Fetched) -> str:
    """One line, and the source to add where none reads the pages yet."""
    said = f"{done.folder}: {done.pages} pages, {done.rows:,} rows of {done.kind} for {done.month}"
    if done.source:
        return f"{said}; source {done.source} reads them: outlay run"
    line = f'  - {{name: {done.kind}, kind: {done.kind}, path: "bills/{done.kind}/**/*.json"}}'
    return f"{said}\nNo source reads them yet; add to outlay.yaml under sources:\n{line}"
