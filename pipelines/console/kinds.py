"""What `outlay check` says about the kinds that sources are declared as, from the first records of a few files."""

from __future__ import annotations

from pipelines.intake.discover import Found
from pipelines.intake.marks import marking
from pipelines.sources.context import FileRef, date_in_path
from pipelines.sources.detect import SURE, detect, tried
from pipelines.workspace.model import Workspace

#: Files looked into per source: the first, the last and some between them.
LOOKED_INTO = 5


def kind_warnings(files: list[Found], config: Workspace) -> list[str]:
    """Files that look like another kind than declared, or of which the declared kind can read nothing."""
    warnings = []
    for found in _spread(files):
        declared = found.source.kind
        alike = [guess for guess in detect(found.path) if guess.confidence >= SURE]
        ref = FileRef(
            found.path, found.name, date_in_path(found.name), mapped=config.tags.keys,
            marking=marking(config, found.source),
        )  # fmt: skip
        trial = tried(declared, ref)
        if trial is not None and trial.read:
            continue
        where = f"sources.{found.source.name}: {found.name}"
        if alike and not any(guess.kind == declared for guess in alike):
            warnings.append(
                f"{where} looks like kind {alike[0].kind} ({alike[0].why}), but is declared as {declared}"
                + (": every record would be quarantined" if trial is not None and trial.refused else "")
            )
        elif trial is not None and trial.refused:
            reason, _ = trial.refused.most_common(1)[0]
            warnings.append(f"{where}: none of its first records can be read as kind {declared}: {reason}")
    return warnings


def _spread(files: list[Found]) -> list[Found]:
    if len(files) <= LOOKED_INTO:
        return files
    step = (len(files) - 1) / (LOOKED_INTO - 1)
    return [files[round(place * step)] for place in range(LOOKED_INTO)]
