"""Dagster's view of one workspace: `$OUTLAY_WORKSPACE`, else the current folder."""

from __future__ import annotations

import dagster as dg

from pipelines.assets.job import build, first_day
from pipelines.workspace.errors import UsageError
from pipelines.workspace.load import find_root, load_workspace


@dg.definitions
def defs() -> dg.Definitions:
    """The daily job of the workspace; without a valid workspace the assets load and their run says what is wrong."""
    root = find_root(None)
    try:
        timezone = load_workspace(root).config.reporting.timezone
    except UsageError:
        return build(root)
    return build(root, timezone, first_day(root))
