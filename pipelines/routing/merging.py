"""Mode `git`: a change becomes one commit on a branch of its own, and is live when the target branch holds its bytes.

The branch is `routing/<policy>-v<N>`; who merges it, and how, is the team's affair: the pull request is where people
look at it, with the evidence in the commit's message. Outlay never pushes, merges or fetches.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pipelines.routing.policy import Evidence, PolicyFile
from pipelines.routing.repository import Repository
from pipelines.workspace.errors import OutlayError, UsageError
from pipelines.workspace.gateway import Target


@dataclass(frozen=True)
class Place:
    """Where a target's file is in its repository, and what the target branch says there now."""

    target: Target
    repository: Repository
    path: str  #: from the repository's top
    branch: str  #: where changes are merged
    tip: str

    @property
    def content(self) -> bytes | None:
        return self.repository.content(self.tip, self.path)

    @property
    def arrived(self) -> datetime:
        """When the target branch came to hold the file as it is."""
        return datetime.fromisoformat(self.repository.arrived(self.tip, self.path)[1])


def place_of(target: Target, path: Path) -> Place:
    """Raises UsageError where there is no repository or no such branch."""
    key = f"outlay.yaml: routing.targets.{target.name}"
    repository = Repository.around(path, key)
    branch = target.branch or repository.main_branch
    if branch is None:
        raise UsageError(f"{key}.branch: name the branch that changes are merged into; there is no main or master")
    tip = repository.tip(branch)
    if tip is None:
        raise UsageError(f"{key}.branch: {repository.top} has no branch {branch!r} with a commit")
    return Place(target, repository, repository.path_of(path), branch, tip)


@dataclass(frozen=True)
class Wanted:
    """One file's change; `after` None = it is to be removed."""

    place: Place
    after: bytes | None


@dataclass(frozen=True)
class Committed:
    repository: Path
    branch: str
    target_branch: str
    commit: str

    def document(self, root: Path) -> dict[str, str]:
        top = self.repository
        shown = top.relative_to(root.resolve()).as_posix() if top.is_relative_to(root.resolve()) else top.name
        return {
            "repository": shown, "branch": self.branch, "target_branch": self.target_branch, "commit": self.commit
        }  # fmt: skip

    @property
    def next(self) -> str:
        return (
            f"pending merge: {self.commit[:12]} on branch {self.branch} of {self.repository.name}, to be merged into "
            f"{self.target_branch} (git push origin {self.branch}, then a pull request)"
        )


def commit_changes(
    wanted: Sequence[Wanted], branch: str, message: str, ours: Mapping[str, str]
) -> tuple[Committed, ...]:
    """One commit a repository, or none at all. `ours`: branch -> the commit that Outlay left there before.

    Raises OutlayError when a branch of that name is somebody else's or checked out, or Git knows no identity.
    """
    made: list[tuple[Repository, Committed, str | None]] = []
    by_place: dict[tuple[Path, str], list[Wanted]] = {}
    for item in wanted:
        by_place.setdefault((item.place.repository.top, item.place.branch), []).append(item)
    if len({top for top, _ in by_place}) < len(by_place):
        raise UsageError("targets of one Git repository must be merged into one branch; name the same branch for all")
    try:
        for (top, into), items in by_place.items():
            repository, tip = items[0].place.repository, items[0].place.tip
            files = {item.place.path: item.after for item in items}
            there = repository.commit_of(f"refs/heads/{branch}")
            if there and _says(repository, there, tip, files):
                made.append((repository, Committed(top, branch, into, there), there))
                continue
            if there and ours.get(branch) != there:
                raise OutlayError(
                    f"branch {branch} of {top.name} holds something else than Outlay left there; rename or delete it"
                )
            if repository.checked_out(branch):
                raise OutlayError(f"branch {branch} of {top.name} is checked out; switch to another one first")
            repository.identity()
            commit = repository.commit(tip, files, message)
            repository.set_branch(branch, commit, there)
            made.append((repository, Committed(top, branch, into, commit), there))
    except OutlayError:
        for repository, done, before in made:
            if before is None:
                repository.drop_branch(done.branch, done.commit)
            elif before != done.commit:
                repository.set_branch(done.branch, before, done.commit)
        raise
    return tuple(done for _, done, _ in made)


def _says(repository: Repository, commit: str, tip: str, files: Mapping[str, bytes | None]) -> bool:
    """Whether the commit is just this change, on top of something that the target branch holds."""
    base = repository.commit_of(f"{commit}^")
    if base is None or not repository.contains(tip, base):
        return False
    changed = repository.must("diff-tree", "-r", "-z", "--name-only", "--no-renames", base, commit).split("\0")
    return {name for name in changed if name} <= set(files) and all(
        repository.content(commit, path) == content for path, content in files.items()
    )


def message_of(file: PolicyFile, title: str, approval: Mapping[str, Any]) -> str:
    """The commit's message: what changes, on which evidence, approved by whom."""
    lines = [title, ""]
    for change in approval.get("changes", ()):
        route = file.policy.route(change["route"])
        lines.append(f"{change['route']}: {_shares(change['before'])} -> {_shares(change['after'])}")
        if change.get("approved_share") is not None:
            lines.append(f"  at most {change['approved_share']} % is approved")
        if route is not None and route.evidence is not None:
            lines += [f"  {line}" for line in _evidence(route.evidence)]
        elif change.get("reason"):
            lines.append(f"  {change['reason']}")
    lines += ["", f"Approved-by: {approval.get('by', 'nobody')}", f"Policy-version: {file.policy.version}"]
    return "\n".join([*lines, f"Policy-sha256: {file.sha256}", f"Plan: {approval.get('plan_id')}", ""])


def _evidence(evidence: Evidence) -> list[str]:
    lines = [f"recommendation {evidence.recommendation_id}, grade {evidence.grade or '?'}, {evidence.items or 0} items"]
    for word, value, low, high in (
        ("quality kept", evidence.retention, evidence.retention_low, evidence.retention_high),
        ("saving", evidence.saving_share, evidence.saving_low, evidence.saving_high),
    ):
        if value is not None:
            bounds = "" if low is None or high is None else f" ({low:.1%} to {high:.1%})"
            lines.append(f"{word} {value:.1%}{bounds}")
    if evidence.saving_usd_month is not None:
        lines.append(f"${evidence.saving_usd_month:,.2f} a month at the approved share")
    return lines


def _shares(shares: Mapping[str, int]) -> str:
    return ", ".join(f"{tier} {percent} %" for tier, percent in shares.items()) or "no route"
