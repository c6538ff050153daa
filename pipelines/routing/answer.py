"""What a routing verb gives back: the JSON document, the same in words, and a printed text for stdout."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.routing.apply import Applied
from pipelines.routing.rendering import Loaded
from pipelines.routing.rollback import RolledBack


@dataclass(frozen=True)
class Answer:
    document: dict[str, Any]
    text: str
    output: str | None = None  #: mode print: what belongs on stdout, so that it can be piped; `text` is for people


def answered(
    loaded: Loaded, done: Applied | RolledBack, document: dict[str, Any], before: Iterable[str] = ()
) -> Answer:
    """`before`: lines that stand above what was done; below it what waits for a merge, reloads, notes."""
    lines = [*before, *_head(loaded, done), *(commit.next for commit in done.commits)]
    lines += [line for report in done.reloads for line in (f"{report.target}: {report.detail}", *report.smoke)]
    return Answer(document, "\n".join([*lines, *done.notes]), "".join(done.printed.values()) or None)


def _head(loaded: Loaded, done: Applied | RolledBack) -> Sequence[str]:
    paths = {target.name: target.path for target in loaded.config.routing.targets}
    printed = [paths[name] for name in done.printed]
    put = [path for path in done.files if path not in printed]
    tail = [f"Version {done.version} is printed for {', '.join(printed)}; putting it in place is up to you."]
    if isinstance(done, Applied):
        return {
            "applied": [f"Version {done.version} is live in {', '.join(put)}."] * bool(put) + tail * bool(printed),
            "printed": tail,
            "already applied": [f"Version {done.version} is live already; nothing was changed."],
            "adopted": [f"{', '.join(done.files)}: the new base of version {done.version}; nothing was written."],
            "pending merge": [f"Version {done.version} waits for a merge; nothing is live yet."],
        }[done.status]
    left, version = done.left_version, done.version
    return {
        "rolled back": [f"Rolled back from version {left} to {version}: {', '.join(put) or 'no file differed'}."]
        + tail * bool(printed),
        "put back": [f"The interrupted version {left} was put back; version {version} is live."],
        "pending merge": [f"The way back from version {left} to {version} waits for a merge; nothing is changed yet."],
        "withdrawn": [f"Version {left}, which was never merged, is given up; version {version} is live."],
    }[done.status]
