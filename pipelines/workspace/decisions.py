"""`decisions.jsonl`: what people decided about alarms, references and proposals, one JSON object a line, kept in git.

Alarms, rankings and reviews are a replay of the ledger plus these lines, so the file is append-only and ordered by
`at`. A line that does not fit is refused with its number: a decision that can't be read must not be lost silently.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from pipelines.workspace.errors import UsageError
from pipelines.workspace.load import explain
from pipelines.workspace.model import Name

FILE_NAME = "decisions.jsonl"


class Decision(BaseModel):
    """One decision. What it is about is named by workflow, task type, alarm or recommendation, as its kind needs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    at: AwareDatetime  #: when it was recorded
    effective_at: AwareDatetime | None = None  #: from when it holds; None: from `at`
    by: Annotated[str, Field(min_length=1)]
    kind: Literal["acknowledge", "rebase", "accept", "decline", "follow_up"]
    workflow: Name | None = None
    task_type: Name | None = None
    alarm: Literal["shock", "drift"] | None = None
    detected_day: str | None = None  #: with `alarm`: the day on which it was raised
    recommendation_id: str | None = None
    reason: Annotated[str, Field(min_length=1)]
    owner: str | None = None
    promised_usd_month: str | None = None  #: a decimal string; what was expected when it was decided

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


def read_decisions(root: Path) -> list[Decision]:
    """Every decision of a workspace, in the order of the file; none where there is no file.

    Raises UsageError naming the line that is no decision, or that is older than the one before it.
    """
    found: list[Decision] = []
    for number, line in _lines(root / FILE_NAME):
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


def _lines(file: Path) -> Iterator[tuple[int, str]]:
    try:
        text = file.read_text("utf-8")
    except FileNotFoundError:
        return
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{FILE_NAME}: cannot be read as UTF-8 text: {error}") from error
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            yield number, line
