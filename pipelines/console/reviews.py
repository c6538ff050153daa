"""`outlay review`: one week's review to a file or to stdout."""

from __future__ import annotations

import sys
from pathlib import Path

from pipelines.console.verb import ASKED, answer, workspace


def review_week(week: str | None, kind: str, out: Path | None) -> None:
    """Raises UsageError for an unknown format or week, OutlayError where nothing can be reviewed or written."""
    from pipelines.publish.currency import shown
    from pipelines.review import files
    from pipelines.review.review import review
    from pipelines.storage.published import current

    make = files.FORMATS[files.known_format(kind)]
    loaded = workspace()
    published = current(loaded.root)
    made = review(loaded, published, week)
    if out is None:
        sys.stdout.write((files.as_json if ASKED["json"] else make)(made, shown(published.meta)))
        return
    files.replace(out, make(made, shown(published.meta)))
    answer({"review": made.week, "format": kind, "file": str(out)}, f"{out}: review of {made.week}")
