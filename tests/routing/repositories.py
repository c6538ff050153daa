"""Git repositories as teams have them, for targets whose changes are merged by people."""

from __future__ import annotations

import os
import subprocess
from datetime import datetime
from pathlib import Path

import pytest

NAME = "routing/acme-ai-operations-v1"


class Repo:
    """A repository as people use it, with a file of their own in it."""

    def __init__(self, top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.top = top
        top.mkdir(parents=True, exist_ok=True)
        for name in [name for name in os.environ if name.startswith("GIT_")]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("HOME", str(top.parent))
        monkeypatch.setenv("XDG_CONFIG_HOME", str(top.parent / "none"))
        monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        self("init", "--quiet", "-b", "main")
        self("config", "user.name", "Pat Platform")
        self("config", "user.email", "pat@acme.example")
        (top / "notes.md").write_text("ours\n")
        self("add", "notes.md")
        self("commit", "--quiet", "-m", "start")

    def __call__(self, *arguments: str, check: bool = True) -> str:
        done = subprocess.run(["git", *arguments], cwd=self.top, capture_output=True, text=True, timeout=30)
        assert not check or done.returncode == 0, done.stderr
        return done.stdout.rstrip("\n")

    @property
    def untouched(self) -> tuple[str, ...]:
        """Everything that belongs to the people who work here: their branch, index, files and other branches."""
        mine = [line for line in self("for-each-ref").splitlines() if "refs/heads/routing/" not in line]
        status = self("status", "--porcelain", "--untracked-files=no")
        return (self("symbolic-ref", "--quiet", "HEAD", check=False), self("rev-parse", "HEAD"), *mine, status,
                self("stash", "list"), self("ls-files", "--stage"), self("worktree", "list", "--porcelain"))  # fmt: skip

    def merge(self, branch: str = NAME, at: datetime | None = None) -> None:
        """As a person merges a pull request, at a moment of theirs."""
        when = {} if at is None else dict.fromkeys(("GIT_COMMITTER_DATE", "GIT_AUTHOR_DATE"), at.isoformat())
        command = ["git", "merge", "--quiet", "--no-ff", "-m", f"Merge {branch}", branch]
        subprocess.run(command, cwd=self.top, env={**os.environ, **when}, check=True, timeout=30)
