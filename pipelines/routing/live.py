"""What stands in a target's file now, told from what Outlay left there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipelines.routing.files import read_bytes, resolve
from pipelines.routing.history import History
from pipelines.routing.merging import place_of
from pipelines.routing.policy import content_sha256, sha256
from pipelines.routing.rendering import Loaded
from pipelines.routing.targets.header import Header, read_header
from pipelines.workspace.gateway import Target

State = Literal[
    "absent", "empty", "in place", "edited", "removed", "other policy", "not Outlay's", "interrupted",
    "pending merge", "merged", "printed",
]  # fmt: skip

#: States in which a change may go on without a person deciding about the file first.
FREE: frozenset[State] = frozenset({"absent", "empty", "in place", "pending merge", "merged", "printed"})

WORDS: dict[State, str] = {
    "absent": "no file yet",
    "empty": "an empty file",
    "in place": "as Outlay left it",
    "edited": "edited by hand since Outlay wrote it",
    "removed": "removed since Outlay wrote it",
    "other policy": "written from another policy than the live one: someone else applied a change",
    "not Outlay's": "not written by Outlay",
    "interrupted": "left by an interrupted change, which the next apply or rollback puts back",
    "pending merge": "pending merge: the branch is there, the target branch does not hold it yet",
    "merged": "merged: the same verb once more records it as live",
    "printed": "printed: what became of it, Outlay can't see",
}


@dataclass(frozen=True)
class LiveFile:
    target: Target
    path: Path
    content: bytes | None
    state: State
    header: Header | None

    @property
    def sha256(self) -> str | None:
        return None if self.content is None else sha256(self.content)

    @property
    def text(self) -> str:
        return "" if self.content is None else self.content.decode("utf-8", "replace")


def inspect(loaded: Loaded, history: History, target: Target) -> LiveFile:
    path = resolve(loaded.root, target.path, f"outlay.yaml: routing.targets.{target.name}.path")
    if target.mode == "print":
        known = history.files.get(target.path)
        return LiveFile(target, path, None, "printed" if known else "absent", None)
    content = read_bytes(path) if target.mode == "file" else place_of(target, path).content
    if target.mode == "git" and (waiting := _waiting(history, target.path, content)):
        return LiveFile(target, path, content, waiting, read_header((content or b"").decode("utf-8", "replace"))[0])
    text = "" if content is None else content.decode("utf-8", "replace")
    header, body = read_header(text)
    return LiveFile(target, path, content, _state(history, target.path, content, text, header, body), header)


def _waiting(history: History, name: str, content: bytes | None) -> State | None:
    files = history.pending["files"] if history.pending else ()
    for file in files:
        if file["path"] == name and content_sha256(content) == file["after_sha256"]:
            return "merged"
        if file["path"] == name and content_sha256(content) == file["before_sha256"]:
            return "pending merge"
    return None


def _state(history: History, name: str, content: bytes | None, text: str, header: Header | None, body: str) -> State:
    known = history.files.get(name)
    if content is None:
        return "removed" if known else "absent"
    half_done = history.unfinished["files"] if history.unfinished else ()
    if any(f["path"] == name and f["after_sha256"] == sha256(content) for f in half_done):
        return "interrupted"
    if known and sha256(content) == known:
        return "in place"
    if header is not None and header.body_sha256 == sha256(body) and header.policy_sha256 != history.live_sha256:
        return "other policy"
    if header is None and not known:
        # A gateway refuses to start without its include file, so an empty one is usually there first.
        bare = re.sub(r"(?m)^\s*#.*$", "", text).strip()
        return "empty" if bare in {"", "{}", "[]", "model_list: []", "model_list:"} else "not Outlay's"
    return "edited"
