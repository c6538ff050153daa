"""The sample workspace: one believable company's logs, copied to where the user wants them."""

from __future__ import annotations

import shutil
from pathlib import Path

from pipelines.storage.models import sql_root
from pipelines.workspace.errors import UsageError
from pipelines.workspace.load import FILE_NAME


def copy(directory: Path) -> Path:
    """Copy `sample_logs/` to `directory`; one that is already a workspace of the demo is used again.

    Raises UsageError when the folder holds something else.
    """
    root = directory.expanduser().resolve()
    if (root / FILE_NAME).is_file():
        return root
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise UsageError(f"{root} exists and is no Outlay workspace; choose another --dir")
    shutil.copytree(sql_root().parent / "sample_logs", root, dirs_exist_ok=True)
    return root
