"""`decisions.jsonl`: what people decided about alarms, references and proposals, one JSON object a line, kept in git.

Alarms, rankings and reviews are a replay of the ledger plus these lines, so the file is append-only and ordered by
`at`. A line that does not fit is refused with its number: a decision that can't be read must not be lost silently.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from pipelines.workspace.errors import OutlayError, UsageError
from pipelines.workspace.load import explain
from pipelines.workspace.words import Name

FILE_NAME = "decisions.jsonl"


class Decision(BaseModel):
    """One decision. What it is about is named by workflow, task type, alarm or recommendation, as its kind needs.

    `acknowledge`: an alarm is accepted, its baseline stays. `rebase`: with `alarm`, the same and the baseline begins
    anew on the detected day; without, it begins anew on the day from which the decision holds; with `task_type`, the
    reference recorded with a route is given up for the model that serves today.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    at: AwareDatetime  #: when it was recorded
    effective_at: AwareDatetime | None = None  #: from when it holds; None: from `at`
    by: Annotated[str, Field(min_length=1)]
    kind: Literal["acknowledge", "rebase", "accept", "decline", "follow_up"]
    workflow: Name | None = None
    task_type: Name | None = None
    alarm: Literal["shock", "drift"] | None = None
    detected_day: date | None = None  #: with `alarm`: the day on which it was raised
    recommendation_id: str | None = None
    reason: Annotated[str, Field(min_length=1)] | None = None
    owner: str | None = None
    promised_usd_month: str | None = None  #: a decimal string; what was expected when it was decided
    system_user: str | None = None  #: `by` is a declaration: who the machine says it was
    git_identity: str | None = None

    @model_validator(mode="after")
    def _names_its_subject(self) -> Decision:
        if self.kind in ("acknowledge", "rebase") and self.workflow is None:
            raise ValueError(f"{self.kind} needs a workflow")
        if self.kind == "acknowledge" and self.alarm is None:
            raise ValueError("acknowledge needs an alarm: shock or drift")
        if self.kind in ("accept", "decline") and self.recommendation_id is None:
            raise ValueError(f"{self.kind} needs a recommendation_id")
        return self

    @property
    def holds_from(self) -> datetime:
        return self.effective_at or self.at

    def holds_from_day(self, zone: ZoneInfo) -> date:
        """The first reporting day that it bears on."""
        return self.holds_from.astimezone(zone).date()

    def line(self) -> str:
        """As it stands in the file, without its end of line."""
        return self.model_dump_json(exclude_none=True)


def read_decisions(root: Path) -> list[Decision]:
    """Every decision of a workspace, in the order of the file; none where there is no file.

    Raises UsageError naming the line that is no decision, or that is older than the one before it.
    """
    try:
        content = (root / FILE_NAME).read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UsageError(f"{FILE_NAME}: cannot be read: {error.strerror}") from error
    return _parsed(content)


def append_decision(root: Path, decision: Decision) -> Decision:
    """Add one line, under a lock and forced to disk; what is there stays as it is. Answers what was recorded.

    `at` is moved behind the last line's where a clock was set back. A line that a crash left unfinished is finished
    by nobody: it is refused like any line that is no decision. Raises UsageError for such a file, OutlayError where it
    is a symbolic link or can't be written.
    """
    path = root / FILE_NAME
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise OutlayError(f"{path} cannot be written ({error.strerror}): nothing was recorded") from error
    with os.fdopen(handle, "r+b", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        content = file.readall()
        before = _parsed(content)
        if before and decision.at < before[-1].at:
            decision = decision.model_copy(update={"at": before[-1].at})
        gap = b"" if not content or content.endswith(b"\n") else b"\n"
        new = gap + decision.line().encode() + b"\n"
        try:
            if file.write(new) != len(new):
                raise OSError(28, "no space left")
            os.fsync(file.fileno())
        except OSError as error:
            os.ftruncate(file.fileno(), len(content))
            raise OutlayError(f"{path} cannot be written ({error.strerror}): nothing was recorded") from error
    return decision


def decisions_hash(root: Path) -> str:
    """Of what is decided, whatever the spelling; a run publishes anew when it changes."""
    text = "\n".join(decision.line() for decision in read_decisions(root))
    return hashlib.sha256(text.encode()).hexdigest()


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def _parsed(content: bytes) -> list[Decision]:
    found: list[Decision] = []
    for number, line in _lines(content):
        try:
            decision = Decision.model_validate(json.loads(line))
        except json.JSONDecodeError as error:
            raise UsageError(f"{FILE_NAME}, line {number}: not valid JSON: {error.msg}") from error
        except ValidationError as error:
            raise UsageError(f"{FILE_NAME}, line {number}:\n{explain(error)}") from error
        if found and decision.at < found[-1].at:
            raise UsageError(f"{FILE_NAME}, line {number}: older than the line before it; lines are only appended")
        found.append(decision)
    return found


def _lines(content: bytes) -> Iterator[tuple[int, str]]:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{FILE_NAME}: cannot be read as UTF-8 text: {error}") from error
    for number, line in enumerate(text.split("\n"), 1):  # a reason may hold other separators
        if line.strip():
            yield number, line
