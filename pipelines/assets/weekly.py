"""The weekly review as an asset: it reads what is published, takes no lock, and never runs with the daily job."""

from pathlib import Path

import dagster as dg

from pipelines.review.files import keep
from pipelines.workspace.load import load_workspace

WEEKLY = "weekly"
WEEKLY_AT = "0 7 * * 1"  #: Monday morning, after the daily job, in the reporting zone
REVIEW = "weekly_review"


def weekly_review(root: str) -> dg.AssetsDefinition:
    """The asset for one workspace folder."""

    @dg.asset(
        name=REVIEW, group_name="review", deps=["published_set"],
        description="The last settled week in reviews/, as Markdown, HTML and JSON. A file that stands there is kept.",
    )  # fmt: skip
    def made() -> dg.MaterializeResult:
        return dg.MaterializeResult(metadata=keep(load_workspace(Path(root))))

    return made
