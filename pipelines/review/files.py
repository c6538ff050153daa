"""Reviews as text and files. The same set, decisions and audit give the same bytes.

`reviews/` is the user's record, made to be kept in git: a file there is never overwritten. What a later set says of the
same week differently goes to `.outlay/reviews/`, which can be rebuilt.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from pipelines.publish.currency import Shown, shown
from pipelines.review.document import Review
from pipelines.review.markdown import markdown
from pipelines.review.page import page
from pipelines.review.review import review
from pipelines.storage.published import current
from pipelines.workspace.errors import OutlayError, UsageError
from pipelines.workspace.load import Loaded

FOLDER = "reviews"


def as_json(r: Review, _currency: Shown) -> str:
    """The document itself, in dollars; its keys are those of `pipelines.review.document`."""
    return r.model_dump_json(indent=2) + "\n"


FORMATS: Mapping[str, Callable[[Review, Shown], str]] = MappingProxyType(
    {"md": markdown, "html": page, "json": as_json}
)


def known_format(kind: str) -> str:
    """Raises UsageError for a format that there isn't."""
    if kind not in FORMATS:
        raise UsageError(f"--format {kind!r}: expected one of {', '.join(FORMATS)}")
    return kind


def replace(path: Path, text: str) -> None:
    """Put a file in place whole or not at all. Raises OutlayError where it can't be written."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text, "utf-8")
        os.replace(temporary, path)
    except OSError as error:
        raise OutlayError(f"{path} cannot be written ({error.strerror}): nothing was changed") from error
    finally:
        temporary.unlink(missing_ok=True)


def keep(loaded: Loaded) -> dict[str, str]:
    """Write the latest settled week's review in every format; file, relative to the workspace -> what became of it:
    `written`, `unchanged`, or `kept` (another text stands there; the new one lies in `.outlay/reviews/`)."""
    published = current(loaded.root)
    made = review(loaded, published)
    currency = shown(published.meta)
    told = {}
    for kind, text in ((kind, make(made, currency)) for kind, make in FORMATS.items()):
        name = f"{made.week}.{kind}"
        record = loaded.root / FOLDER / name
        if record.is_symlink() or (record.exists() and not record.is_file()):
            raise OutlayError(f"{record} is no regular file: nothing was written")
        if not record.exists():
            record.parent.mkdir(exist_ok=True)
            replace(record, text)
            told[f"{FOLDER}/{name}"] = "written"
        elif record.read_bytes() == text.encode():
            told[f"{FOLDER}/{name}"] = "unchanged"
        else:
            again = loaded.home / FOLDER / name
            again.parent.mkdir(parents=True, exist_ok=True)
            replace(again, text)
            told[f"{FOLDER}/{name}"] = "kept"
    return told
