"""What the workspace file says about a source of marks, as its reader takes it."""

from __future__ import annotations

from pipelines.sources.marking import NO_MARKING, Marking, Scale
from pipelines.workspace.logs import Source
from pipelines.workspace.model import Workspace

KINDS = frozenset({"promptfoo", "langfuse-scores", "otel-evaluations"})


def marking(config: Workspace, source: Source) -> Marking:
    """The same for all files of a source; nothing for sources whose records say all themselves."""
    if source.kind not in KINDS:
        return NO_MARKING
    tags = config.tags
    return Marking(
        keys={"workflow": tags.workflow, "task_type": tags.task_type, "unit_id": tags.unit_id, "stratum": tags.stratum},
        workflow=source.workflow,
        task_type=source.task_type,
        signal=source.signal,
        scores={name: Scale(one.min, one.max, one.labels) for name, one in source.scores.items()},
    )
