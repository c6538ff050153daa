"""Reading and replacing the files that routing owns: bounded, no links followed, never half written."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Generator
from pathlib import Path, PurePosixPath

from pipelines.storage.lock import acquire
from pipelines.workspace.errors import OutlayError, UsageError

FILE_LIMIT = 16 * 1024 * 1024


def resolve(root: Path, path: str, key: str) -> Path:
    """`path` of the workspace file as a place on disk; absolute only where it says so, `..` never.

    Raises UsageError naming `key` for `..`, OutlayError for a symlink or anything that is no regular file:
    on a ConfigMap mount the file is a link into a read-only volume, and a swap would be undone behind our
    back.
    """
    parts = PurePosixPath(path).parts
    if not path or ".." in parts or "\0" in path:
        raise UsageError(f"{key}: found {path!r}, expected a path without `..` below the workspace")
    absolute = PurePosixPath(path).is_absolute()
    place = Path(path) if absolute else root / path
    for step in [place] if absolute else [root.joinpath(*parts[: n + 1]) for n in range(len(parts))]:
        if step.is_symlink():
            raise OutlayError(f"{key}: {step} is a symbolic link; Outlay replaces files and does not follow links")
    if place.exists() and not stat.S_ISREG(place.lstat().st_mode):
        raise OutlayError(f"{key}: {place} is no regular file; name a file that Outlay may replace")
    return place


def read_bytes(path: Path) -> bytes | None:
    """The file's bytes, None if there is none; raises OutlayError for links, devices, FIFOs and giants."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise OutlayError(
            f"{path}: can't be read ({error.strerror}); check that it is a regular, readable file"
        ) from None
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or status.st_size > FILE_LIMIT:
            raise OutlayError(f"{path}: expected a regular file of at most {FILE_LIMIT} bytes")
        return file.read()


def replace_bytes(path: Path, content: bytes, like: Path | None = None) -> None:
    """Puts `content` in place of the file at once, keeping mode and owner (of `like`, if the file is new)."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        model = next((p for p in (path, like) if p is not None and p.exists()), None)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".new", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                _keep_mode(file.fileno(), model)
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        sync_folder(path.parent)
    except OSError as error:
        raise OutlayError(f"{path}: can't be written ({error.strerror}); nothing was replaced") from None


def _keep_mode(handle: int, model: Path | None) -> None:
    if model is None:
        umask = os.umask(0)
        os.umask(umask)
        os.fchmod(handle, 0o644 & ~umask)
        return
    status = model.stat()
    os.fchmod(handle, stat.S_IMODE(status.st_mode))
    if (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()):
        with contextlib.suppress(PermissionError):  # only root may give a file away; the mode is kept anyway
            os.fchown(handle, status.st_uid, status.st_gid)


def remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def locked(root: Path, wait_s: float = 30.0) -> Generator[None]:
    """One routing change at a time in a workspace: the second waits, then raises OutlayError. Ends with the
    process.
    """
    path = root / ".outlay" / "routing.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        if not acquire(file.fileno(), wait_s):
            raise OutlayError("another routing change is under way in this workspace; try again when it is done")
        yield
