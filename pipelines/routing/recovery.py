"""After a crash: a change that neither ended nor was put back is put back, before anything else is done."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from pipelines.routing import audit
from pipelines.routing.exchange import put
from pipelines.routing.files import read_bytes, resolve
from pipelines.routing.history import replay
from pipelines.routing.policy import content_sha256, sha256
from pipelines.routing.reload import reload
from pipelines.routing.rendering import Loaded
from pipelines.workspace.errors import OutlayError


def settle(loaded: Loaded, now: datetime, *, keep_edits: bool) -> list[str]:
    """Ends a change that a crash interrupted, by putting its files back; returns what was done."""
    row = replay(audit.read(loaded.root)).unfinished
    if row is None:
        return []
    said = recover(loaded, row, keep_edits=keep_edits)
    event = "apply_failed" if row["event"] == "apply_started" else "rollback_failed"
    audit.append(loaded.root, event, now=now, version=row["version"], result="interrupted; its files were put back")
    return said or ["an interrupted change had written nothing that stands"]


def recover(loaded: Loaded, row: Mapping[str, Any], *, keep_edits: bool) -> list[str]:
    """Puts back what an interrupted change left half done and reloads; returns what was done, in words.

    A file that is neither as before nor as the change wrote it was edited since: OutlayError, unless
    `keep_edits` (a person has said what is to become of it).
    """
    said, targets = [], {target.path: target for target in loaded.config.routing.targets}
    files = [file for file in row["files"] if file.get("mode", "file") == "file"]  # others Outlay never writes
    for file in files:
        path = resolve(loaded.root, file["path"], f"routing file {file['path']}")
        content = read_bytes(path)
        if content_sha256(content) == file["before_sha256"]:
            continue
        if content_sha256(content) != file["after_sha256"]:
            if keep_edits:
                continue
            raise OutlayError(
                f"{file['path']}: edited after a change was interrupted; decide with outlay route apply "
                "--adopt or --overwrite"
            )
        put(path, bytes_of(path, file["before_sha256"], file["backup"]), None)
        said.append(f"{file['path']}: put back after an interrupted change")
    for file in files:
        if file["path"] in targets:
            reload(loaded.root, targets[file["path"]])
    return said


def bytes_of(path: Path, digest: str | None, backup: str | None) -> bytes | None:
    """The former content with that hash, from the named backup or any other of the file; None for "no
    file".
    """
    if digest is None:
        return None
    named = [path.with_name(backup)] if backup else []
    for place in (*named, *sorted(path.parent.glob(f"{path.name}.v*.bak"))):
        content = read_bytes(place)
        if content is not None and sha256(content) == digest:
            return content
    raise OutlayError(
        f"{path}: no backup beside it holds the former bytes ({digest[:12]}…); restore it from version control"
    )
