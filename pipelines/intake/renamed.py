"""One file, one source: two sources that read one file, or a source under a new name, would count its calls twice."""

from __future__ import annotations

from collections.abc import Iterable

import duckdb

from pipelines.intake.discover import Found
from pipelines.workspace.errors import OutlayError, UsageError
from pipelines.workspace.load import Loaded
from pipelines.workspace.logs import REQUEST_KINDS


def refuse_second_readers(files: Iterable[Found]) -> None:
    """Raises UsageError where two request-level sources match one file."""
    reader: dict[str, str] = {}
    for found in files:
        if found.source.kind not in REQUEST_KINDS:
            continue
        first = reader.setdefault(found.name, found.source.name)
        if first != found.source.name:
            raise UsageError(
                f"outlay.yaml: sources: {first} and {found.source.name} both read {found.name}, so its calls would "
                "count twice; let each file belong to one source"
            )


def refuse_renamed(con: duckdb.DuckDBPyConnection, loaded: Loaded, files: Iterable[Found]) -> None:
    """Raises OutlayError where a file was taken in under a source that `outlay.yaml` names no more."""
    held = con.execute("select distinct source from files").fetchall()
    gone = [name for (name,) in held if name not in _declared(loaded)]
    if not gone:
        return
    known = {
        (kind, file): source
        for source, kind, file in con.execute(
            "select source, kind, file from files where source in (select unnest($gone))", {"gone": gone}
        ).fetchall()
    }
    for found in files:
        before = known.get((found.source.kind, found.name))
        if before is not None:
            raise OutlayError(
                f"source {before} is called {found.source.name} now, for the same files: what they hold would count "
                "twice. Call it as before, or rebuild under the new name: outlay run --full"
            )


def note_renames(con: duckdb.DuckDBPyConnection, loaded: Loaded) -> None:
    """`renames` for a rebuild: (source, file) of the ledger attached as `held` -> the source that reads the file now."""
    con.execute(
        """
        create or replace temp table renames as
        select distinct before.source, before.file, now.source as name
        from held.files as before
        inner join files as now on now.file = before.file and now.kind = before.kind
        where before.source not in (select unnest($declared))
        """,
        {"declared": sorted(_declared(loaded))},
    )


def _declared(loaded: Loaded) -> set[str]:
    return {source.name for source in loaded.config.sources}
