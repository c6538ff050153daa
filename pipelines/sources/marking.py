"""What the workspace file declares about the marks of a source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Scale:
    """One score of a tool: its worst and best value, and the values (0 to 1) of its labels.

    `low` above `high` says that less is better.
    """

    low: Decimal
    high: Decimal
    labels: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Marking:
    """What the workspace file says about a source of marks.

    `keys`: dimension (workflow, task_type, unit_id, stratum) → the names it is looked up under.
    """

    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    workflow: str | None = None
    task_type: str | None = None
    signal: str | None = None
    scores: Mapping[str, Scale] = field(default_factory=dict)

    def counts(self, name: str) -> bool:
        """Whether a score of this name says quality: one that is declared, or any where none is."""
        return not self.scores or name in self.scores


NO_MARKING = Marking()
