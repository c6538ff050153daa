"""Several files replaced as one change: all written and reloaded, or all put back as they were.

The audit row that starts a change is written before the first file, and names what stood there and what
comes; `recover` finds from it after a crash which files to put back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from pipelines.routing.files import read_bytes, remove, replace_bytes
from pipelines.routing.policy import content_sha256
from pipelines.routing.reload import Reloaded, reload
from pipelines.workspace.errors import OutlayError
from pipelines.workspace.gateway import Target

Smoke = Callable[[Target], tuple[str, ...]]


class NotPutBackError(OutlayError):
    """A change failed and a file could not be put back: the next apply or rollback tries again."""


@dataclass(frozen=True)
class Swap:
    """One file's change; None = there is no file. `name` is the path as the workspace gives it."""

    name: str
    kind: Literal["target", "policy"]
    path: Path
    before: bytes | None
    after: bytes | None
    version: int  #: the live one, which names the backup
    target: Target | None = None

    @property
    def backup(self) -> Path:
        return backup_path(self.path, self.version)

    def document(self) -> dict[str, Any]:
        return {
            "path": self.name,
            "kind": self.kind,
            "target": self.target.name if self.target else None,
            "before_sha256": content_sha256(self.before),
            "after_sha256": content_sha256(self.after),
            "backup": self.backup.name if self.before is not None else None,
        }


def backup_path(path: Path, version: int) -> Path:
    return path.with_name(f"{path.name}.v{version}.bak")


def exchange(root: Path, swaps: Sequence[Swap], smoke: Smoke, merged: Sequence[Target] = ()) -> list[Reloaded]:
    """Writes all files, reloads and tries each target; raises OutlayError with everything as before.

    `merged` targets, whose files others have put in place, are only tried.
    """
    for swap in swaps:
        if swap.before is not None:
            replace_bytes(swap.backup, swap.before, like=swap.path)
    written: list[Swap] = []
    reloading: list[Target] = []
    reports = []
    try:
        for swap in swaps:
            if read_bytes(swap.path) != swap.before:
                raise OutlayError(f"{swap.path}: changed by someone else while the change was prepared; try again")
            written.append(swap)
            put(swap.path, swap.after, swap.backup)
        for swap in swaps:
            if swap.target is not None:
                reloading.append(swap.target)
                report = reload(root, swap.target)
                reports.append(replace(report, smoke=smoke(swap.target)))
        for target in merged:
            if lines := smoke(target):
                reports.append(Reloaded(target.name, False, "merged; reloading is the cluster's affair", lines))
    except BaseException as error:
        _put_back(root, written, reloading, error)
        if isinstance(error, OutlayError):
            raise OutlayError(
                f"{error}\nput back as before: {', '.join(s.name for s in written) or 'nothing was written'}"
            ) from None
        raise
    return reports


def put(path: Path, content: bytes | None, like: Path | None) -> None:
    if content is None:
        remove(path)
    else:
        replace_bytes(path, content, like)


def _put_back(root: Path, written: Sequence[Swap], reloading: Sequence[Target], cause: BaseException) -> None:
    for swap in reversed(written):
        try:
            if read_bytes(swap.path) != swap.before:
                put(swap.path, swap.before, swap.backup)
        except (OutlayError, OSError) as error:
            raise NotPutBackError(
                f"{cause}\n{swap.path} could not be put back ({error}); its former bytes are in {swap.backup}"
            ) from None
    for target in reloading:
        try:
            reload(root, target)
        except OutlayError as error:
            raise NotPutBackError(
                f"{cause}\nthe files are as before, but {target.name} could not be reloaded with them: {error}"
            ) from None
