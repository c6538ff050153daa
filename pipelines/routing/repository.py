"""A user's Git repository, read and added to by plumbing alone.

Objects and one ref of our own are all that is ever written: no work tree, no index, no checked-out branch is touched,
nothing is fetched, pushed or merged, no hook runs and nothing is signed.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pipelines.routing.policy import sha256
from pipelines.workspace.errors import OutlayError, UsageError

WAIT_S = 60
#: of the caller's Git variables only these count here; others would point at another repository or index
_KEPT = ("GIT_AUTHOR_", "GIT_COMMITTER_", "GIT_CONFIG_")
_QUIET = (
    "-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0", "-c", "core.quotePath=false", "-c", "core.fsmonitor=false",
    "-c", "user.useConfigOnly=true",
)  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """A file as a commit holds it."""

    mode: str
    oid: str


@dataclass(frozen=True)
class Repository:
    top: Path

    @classmethod
    def around(cls, place: Path, key: str) -> Repository:
        """The repository whose work tree `place` lies in; raises UsageError naming `key` if there is none."""
        folder = next(parent for parent in place.parents if parent.is_dir())
        code, out, said = _git(folder, "rev-parse", "--show-toplevel")
        if code:
            reason = said.strip().splitlines()[0][:200] if said.strip() else "not a Git repository"
            raise UsageError(f"{key}: mode git, but {folder} lies in no Git work tree ({reason})")
        return cls(Path(out.decode().rstrip("\n")))

    def path_of(self, place: Path) -> str:
        return (place.parent.resolve() / place.name).relative_to(self.top.resolve()).as_posix()

    def ask(self, *arguments: str) -> str | None:
        """Git's answer without its line end, None if it says no."""
        code, out, _ = _git(self.top, *arguments)
        return None if code else out.decode("utf-8", "replace").rstrip("\n")

    def must(self, *arguments: str, given: bytes | None = None, extra: Mapping[str, str] | None = None) -> str:
        """Git's answer; raises OutlayError if it says no."""
        code, out, said = _git(self.top, *arguments, given=given, extra=extra)
        if code:
            raise OutlayError(f"git {arguments[0]} failed in {self.top}: {said.strip()[:300] or f'status {code}'}")
        return out.decode("utf-8", "replace").rstrip("\n")

    def commit_of(self, ref: str) -> str | None:
        return self.ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")

    def contains(self, commit: str, earlier: str) -> bool:
        return self.ask("merge-base", "--is-ancestor", earlier, commit) is not None

    @cached_property
    def main_branch(self) -> str | None:
        """Where changes are merged: what the remote calls its head, else main or master; never what is checked out."""
        head = self.ask("symbolic-ref", "--quiet", "refs/remotes/origin/HEAD")
        if head:
            return head.removeprefix("refs/remotes/origin/")
        return next((name for name in ("main", "master") if self.commit_of(f"refs/heads/{name}")), None)

    def tip(self, branch: str) -> str | None:
        """The newest commit known of a branch: the local one's, or its remote counterpart's if that is ahead."""
        local = self.commit_of(f"refs/heads/{branch}")
        upstream = self.ask("for-each-ref", "--format=%(upstream)", f"refs/heads/{branch}")
        remote = self.commit_of(upstream or f"refs/remotes/origin/{branch}")
        if local and remote:
            return remote if self.contains(remote, local) else local
        return local or remote

    def entry(self, commit: str, path: str) -> Entry | None:
        found = self.must("ls-tree", "-z", commit, "--", path)
        if not found:
            return None
        mode, kind, oid = found.split("\0")[0].split("\t")[0].split(" ")
        if kind != "blob" or mode == "120000":
            raise OutlayError(
                f"{path}: in {commit[:12]} this is no regular file (mode {mode}); Outlay replaces files only"
            )
        return Entry(mode, oid)

    def content(self, commit: str, path: str) -> bytes | None:
        """The file's bytes as committed, None if the commit has no such file."""
        entry = self.entry(commit, path)
        if entry is None:
            return None
        code, out, said = _git(self.top, "cat-file", "blob", entry.oid)
        if code:
            raise OutlayError(f"{path}: its content in {commit[:12]} can't be read: {said.strip()[:200]}")
        return out

    def former(self, tip: str, path: str, digest: str) -> bytes:
        """The content with that SHA-256 from the branch's history; raises OutlayError if it is gone."""
        for commit in self.must("rev-list", "--full-history", "--max-count=2000", tip, "--", path).split():
            found = self.content(commit, path)
            if found is not None and sha256(found) == digest:
                return found
        raise OutlayError(f"{path}: no commit of {tip[:12]}'s history holds the former bytes ({digest[:12]}…)")

    def arrived(self, tip: str, path: str) -> tuple[str, str]:
        """(commit, ISO instant) with which the file came to be as it is on that branch."""
        said = self.must("log", "--first-parent", "-m", "-1", "--format=%H %cI", tip, "--", path)
        commit, _, moment = said.partition(" ")
        return commit, moment

    def identity(self) -> None:
        """Raises OutlayError unless Git knows who commits here."""
        for who in ("GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT"):
            code, _, said = _git(self.top, "var", who)
            if code:
                last = said.strip().splitlines()[-1:] or ["no identity"]
                raise OutlayError(
                    f"Git knows no name and mail for commits in {self.top} ({last[0][:120]}): "
                    "git config user.name NAME, git config user.email MAIL"
                )

    def checked_out(self, branch: str) -> bool:
        listed = self.must("worktree", "list", "--porcelain").splitlines()
        return f"branch refs/heads/{branch}" in listed

    def commit(self, base: str, files: Mapping[str, bytes | None], message: str) -> str:
        """A commit on top of `base` in which only `files` differ (None = removed); no ref names it yet."""
        with tempfile.TemporaryDirectory(prefix="outlay-index-") as folder:
            index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
            self.must("read-tree", base, extra=index)
            for path, content in files.items():
                if content is None:
                    self.must("update-index", "--force-remove", "--", path, extra=index)
                    continue
                was = self.entry(base, path)
                oid = self.must("hash-object", "-w", "--no-filters", "--stdin", given=content)
                info = f"{was.mode if was else '100644'},{oid},{path}"
                self.must("update-index", "--add", "--cacheinfo", info, extra=index)
            tree = self.must("write-tree", extra=index)
        return self.must("commit-tree", "--no-gpg-sign", tree, "-p", base, "-F", "-", given=message.encode())

    def set_branch(self, branch: str, new: str, old: str | None) -> None:
        """Creates the branch, or moves it if it still is at `old`; raises OutlayError otherwise."""
        self.must("update-ref", "-m", "outlay", f"refs/heads/{branch}", new, old or "0" * len(new))

    def drop_branch(self, branch: str, old: str) -> None:
        self.must("update-ref", "-d", f"refs/heads/{branch}", old)


def _git(
    folder: Path, *arguments: str, given: bytes | None = None, extra: Mapping[str, str] | None = None
) -> tuple[int, bytes, str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_") or k.startswith(_KEPT)}
    environment |= {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1", "LC_ALL": "C"}
    environment["GIT_LITERAL_PATHSPECS"] = "1"
    try:
        done = subprocess.run(
            ["git", *_QUIET, *arguments], cwd=folder, env={**environment, **(extra or {})}, capture_output=True,
            input=given, stdin=subprocess.DEVNULL if given is None else None, timeout=WAIT_S, check=False,
        )  # fmt: skip
    except FileNotFoundError:
        raise OutlayError("mode git needs the program git, which is not installed") from None
    except subprocess.TimeoutExpired:
        raise OutlayError(f"git {arguments[0]} did not end within {WAIT_S} s in {folder}") from None
    return done.returncode, done.stdout, done.stderr.decode("utf-8", "replace")
