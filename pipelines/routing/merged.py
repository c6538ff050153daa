"""Mode git: what people merged is recorded as live, by the verb that left it pending or by the scheduled `route advance`."""

from __future__ import annotations

from datetime import datetime

from pipelines.routing.apply import Applied, apply
from pipelines.routing.history import History
from pipelines.routing.live import inspect
from pipelines.routing.rendering import Loaded
from pipelines.routing.rollback import RolledBack, rollback


def is_merged(loaded: Loaded, history: History) -> bool:
    """Whether the target branches hold everything that waited for a merge."""
    if history.pending is None:
        return False
    targets = {target.path: target for target in loaded.config.routing.targets}
    waiting = [file["path"] for file in history.pending["files"]]
    return all(path in targets and inspect(loaded, history, targets[path]).state == "merged" for path in waiting)


def record_merge(loaded: Loaded, history: History, now: datetime) -> Applied | RolledBack | None:
    """Ends the change that waited, if it is merged; None otherwise. Raises what apply and rollback do."""
    if history.pending is None or not is_merged(loaded, history):
        return None
    if history.pending["change"] == "rollback":
        return rollback(loaded, now=now)
    return apply(loaded, now=now)
