"""Errors that a user can act on, and the exit status each one means."""

from __future__ import annotations


class OutlayError(Exception):
    """Something failed and the workspace is as it was before (exit status 1)."""

    exit_code = 1


class UsageError(OutlayError):
    """Wrong usage, or a workspace file that does not say what it must (exit status 2).

    The message names file, line or key, what was found, what was expected, and what to do.
    """

    exit_code = 2


class NothingPublished(OutlayError):
    """No run has published anything in this workspace yet."""

    def __init__(self) -> None:
        super().__init__("nothing published yet: outlay run")
