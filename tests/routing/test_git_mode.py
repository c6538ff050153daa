"""Mode git: a change is a commit on a branch of its own, live when somebody has merged it. With real repositories."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipelines.routing import audit
from pipelines.routing.loop import route_apply, route_approve, route_plan, route_rollback, route_status
from pipelines.routing.policy import sha256
from pipelines.routing.targets import RENDERERS
from pipelines.workspace.errors import OutlayError, UsageError
from tests.routing.repositories import NAME, Repo
from tests.routing.workspaces import FILE, NOW, advice, by_hand, live, rows, target, workspace


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repo:
    return Repo(tmp_path / "ops", monkeypatch)


def ours(repo: Repo, *more: dict, **binding: Any):
    return workspace(repo.top, target(mode="git", **binding), *more)


def approved(repo: Repo, *more: dict, **binding: Any):
    loaded = ours(repo, *more, **binding)
    route_approve(loaded, advice(), by="finops-lead", now=NOW)
    return loaded


def state(loaded) -> str:
    return route_status(loaded).document["targets"][0]["state"]


def test_a_change_is_one_commit_of_one_file_with_its_evidence_and_nothing_else_moves(repo):
    loaded = approved(repo)
    (repo.top / "notes.md").write_text("half an idea\n")
    (repo.top / "staged.md").write_text("to be committed\n")
    repo("add", "staged.md")
    before = repo.untouched
    said = route_apply(loaded, now=NOW)
    assert repo.untouched == before
    assert said.document["status"] == "pending merge"
    assert (said.document["commits"][0]["branch"], said.document["commits"][0]["target_branch"]) == (NAME, "main")
    assert repo("diff", "--name-status", "main", NAME) == f"A\t{FILE}"
    assert repo("rev-list", "--count", f"main..{NAME}") == "1"
    text = repo("show", f"{NAME}:{FILE}") + "\n"
    assert list(RENDERERS["litellm"].parse(text)) == ["contract_review/clause_extraction"]
    assert repo("log", "-1", "--format=%an <%ae>", NAME) == "Pat Platform <pat@acme.example>"
    digest = rows(loaded)[0]["policy_sha256"]
    assert repo("log", "-1", "--format=%B", NAME).rstrip("\n") == (
        "Routing policy acme-ai-operations: version 1\n"
        "\n"
        "contract_review/clause_extraction: frontier 100 % -> frontier 95 %, light 5 %\n"
        "  at most 100 % is approved\n"
        "  recommendation contract_review-clause_extraction-100, grade A, 240 items\n"
        "  quality kept 99.1% (97.2% to 100.4%)\n"
        "  saving 82.0% (79.0% to 85.0%)\n"
        "  $412.50 a month at the approved share\n"
        "\n"
        "Approved-by: finops-lead\n"
        "Policy-version: 1\n"
        f"Policy-sha256: {digest}\n"
        f"Plan: {rows(loaded)[0]['plan_id']}"
    )
    assert live(loaded) is None
    assert "to be merged into main (git push origin routing/acme-ai-operations-v1, then a pull request)" in said.text


def test_a_version_is_live_when_the_target_branch_holds_it_and_not_before(repo):
    loaded = approved(repo)
    assert state(loaded) == "absent"
    route_apply(loaded, now=NOW)
    document = route_status(loaded).document
    assert (document["live_version"], document["targets"][0]["state"], document["in_order"]) == (
        0,
        "pending merge",
        True,
    )
    assert document["pending"]["commits"][0]["branch"] == NAME
    assert "Waits for a merge: version 1" in route_status(loaded).text
    again = route_apply(loaded, now=NOW)
    assert again.document["status"] == "pending merge"
    assert [row["event"] for row in rows(loaded)] == ["approved", "committed"]
    repo.merge()
    assert state(loaded) == "merged"
    assert route_apply(loaded, now=NOW).document["status"] == "applied"
    document = route_status(loaded).document
    assert (document["live_version"], document["pending"], document["targets"][0]["state"]) == (1, None, "in place")
    assert route_apply(loaded, now=NOW).document["status"] == "already applied"
    assert audit.verify(repo.top) is None


def test_a_merged_version_governs_from_its_merge_on(repo):
    loaded = approved(repo)
    route_apply(loaded, now=NOW)
    when = {"GIT_COMMITTER_DATE": "2026-11-23T08:15:00+01:00", "GIT_AUTHOR_DATE": "2026-11-23T08:15:00+01:00"}
    subprocess.run(
        ["git", "merge", "--no-ff", "-q", "-m", "merge", NAME], cwd=repo.top, env={**os.environ, **when}, check=True
    )
    route_apply(loaded, now=datetime(2026, 11, 24, tzinfo=UTC))
    applied = rows(loaded)[-1]
    assert (applied["event"], applied["effective_at"]) == ("applied", "2026-11-23T07:15:00.000000Z")
    assert applied["files"][0]["commit"] == repo("rev-parse", "main")
    assert applied["files"][0]["mode"] == "git"


def test_merging_a_squashed_or_rebased_commit_counts_as_well(repo):
    loaded = approved(repo)
    route_apply(loaded, now=NOW)
    repo("merge", "--quiet", "--squash", NAME)
    repo("commit", "--quiet", "-m", "squashed on the server")
    assert route_apply(loaded, now=NOW).document["status"] == "applied"


def test_a_remote_that_is_ahead_counts_and_nothing_is_fetched(repo, tmp_path):
    loaded = approved(repo)
    repo("clone", "--quiet", "--bare", str(repo.top), str(tmp_path / "server.git"))
    repo("remote", "add", "origin", str(tmp_path / "server.git"))
    repo("fetch", "--quiet")
    repo("branch", "--quiet", "--set-upstream-to=origin/main", "main")
    route_apply(loaded, now=NOW)
    repo("push", "--quiet", "origin", f"{NAME}:main")  # as a merge on the server does
    repo("update-ref", "refs/remotes/origin/main", "main")  # not fetched yet
    assert state(loaded) == "pending merge"
    repo("fetch", "--quiet")
    assert state(loaded) == "merged"
    assert route_apply(loaded, now=NOW).document["status"] == "applied"


def test_the_way_back_is_a_branch_too_and_restores_the_bytes(repo):
    loaded = approved(repo)
    route_apply(loaded, now=NOW)
    repo.merge()
    route_apply(loaded, now=NOW)
    first = repo("show", f"main:{FILE}")
    by_hand(loaded, 2)
    route_approve(loaded, {}, by="finops-lead", now=NOW)
    route_apply(loaded, now=NOW)
    repo.merge("routing/acme-v2")
    route_apply(loaded, now=NOW)
    assert repo("show", f"main:{FILE}") != first

    before = repo.untouched
    back = route_rollback(loaded, now=NOW, by="finops-lead", reason="quality fell")
    assert repo.untouched == before
    assert (back.document["status"], back.document["commits"][0]["branch"]) == (
        "pending merge",
        "routing/acme-v1-from-v2",
    )
    assert "Reason: quality fell" in repo("log", "-1", "--format=%B", "routing/acme-v1-from-v2")
    assert route_status(loaded).document["live_version"] == 2
    with pytest.raises(OutlayError, match="a rollback waits for its merge"):
        route_apply(loaded, now=NOW)
    repo.merge("routing/acme-v1-from-v2")
    assert route_rollback(loaded, now=NOW).document["status"] == "rolled back"
    assert repo("show", f"main:{FILE}") == first
    assert route_status(loaded).document["live_version"] == 1
    assert route_status(loaded).document["in_order"]

    route_rollback(loaded, now=NOW)
    repo.merge("routing/acme-ai-operations-v0-from-v1")
    route_rollback(loaded, now=NOW)
    assert repo("ls-tree", "--name-only", "main", FILE) == ""
    assert route_status(loaded).document["live_version"] == 0
    assert audit.verify(repo.top) is None


def test_a_change_that_is_never_merged_can_be_given_up(repo):
    loaded = approved(repo)
    route_apply(loaded, now=NOW)
    said = route_rollback(loaded, now=NOW, by="finops-lead", reason="not now")
    assert said.document["status"] == "withdrawn"
    assert f"branch {NAME} is left as it is" in said.text
    assert repo("rev-parse", "--verify", "--quiet", NAME)
    assert rows(loaded)[-1]["event"] == "withdrawn"
    assert route_status(loaded).document["pending"] is None


def test_what_is_merged_already_is_not_given_up(repo):
    loaded = approved(repo)
    route_apply(loaded, now=NOW)
    repo.merge()
    with pytest.raises(OutlayError, match="is merged already"):
        route_rollback(loaded, now=NOW)


def test_another_approval_moves_the_branch_that_outlay_left_and_no_other(repo):
    loaded = approved(repo)
    route_apply(loaded, now=NOW)
    first = repo("rev-parse", NAME)
    more = advice(
        *advice()["recommendations"], {**advice()["recommendations"][0], "id": "second", "task_type": "risk_judgement"}
    )
    route_approve(loaded, more, by="finops-lead", now=NOW)
    route_apply(loaded, now=NOW)
    assert repo("rev-parse", NAME) != first
    assert repo("rev-list", "--count", f"main..{NAME}") == "1"

    repo("commit-tree", "-m", "theirs", f"{NAME}^{{tree}}", "-p", NAME)
    theirs = repo("commit-tree", "-m", "theirs", "main^{tree}", "-p", NAME)
    repo("update-ref", f"refs/heads/{NAME}", theirs)
    with pytest.raises(OutlayError, match="holds something else than Outlay left there; rename or delete it"):
        route_apply(loaded, now=NOW)
    assert repo("rev-parse", NAME) == theirs


def test_a_branch_made_before_a_crash_is_taken_for_what_it_is(repo):
    loaded = approved(repo)
    route_apply(loaded, now=NOW)
    commit, file = repo("rev-parse", NAME), repo.top / "routing/audit.jsonl"
    file.write_text(file.read_text().splitlines()[0] + "\n")  # the row that a crash kept from being written
    assert route_apply(loaded, now=NOW).document["status"] == "pending merge"
    assert repo("rev-parse", NAME) == commit
    assert [row["event"] for row in rows(loaded)] == ["approved", "committed"]


def test_a_hand_edit_on_the_target_branch_is_refused(repo):
    loaded = approved(repo)
    route_apply(loaded, now=NOW)
    repo.merge()
    route_apply(loaded, now=NOW)
    file = repo.top / FILE
    file.write_text(file.read_text().replace("weight: 95", "weight: 60"))
    assert state(loaded) == "in place"  # only what is committed counts
    repo("commit", "--quiet", "-am", "by hand")
    assert state(loaded) == "edited"
    by_hand(loaded, 2)
    route_approve(loaded, {}, by="finops-lead", now=NOW)
    with pytest.raises(OutlayError, match="edited by hand since Outlay wrote it"):
        route_apply(loaded, now=NOW)
    with pytest.raises(OutlayError, match="branch main holds something else"):
        route_rollback(loaded, now=NOW)
    assert route_apply(loaded, now=NOW, overwrite=True).document["status"] == "pending merge"


def test_targets_in_files_wait_for_the_merge_and_go_live_with_it(repo):
    other = target("local", "gateway/second.yaml")
    loaded = approved(repo, other)
    said = route_apply(loaded, now=NOW)
    assert "gateway/second.yaml: waits for the merge too" in said.text
    assert live(loaded, "gateway/second.yaml") is None
    repo.merge()
    assert route_apply(loaded, now=NOW).document["files"] == [FILE, "gateway/second.yaml"]
    assert live(loaded, "gateway/second.yaml") == repo("show", f"main:{FILE}").encode() + b"\n"


def test_a_reload_that_fails_after_a_merge_records_nothing_as_live(repo):
    other = target("local", "gateway/second.yaml", reload={"command": ["false"]})
    loaded = approved(repo, other)
    route_apply(loaded, now=NOW)
    repo.merge()
    with pytest.raises(OutlayError, match="reload command ended with status 1"):
        route_apply(loaded, now=NOW)
    document = route_status(loaded).document
    assert (document["live_version"], document["targets"][0]["state"]) == (0, "merged")


def test_it_works_from_a_detached_head_and_from_another_branch(repo):
    loaded = approved(repo)
    repo("checkout", "--quiet", "--detach")
    before = repo.untouched
    assert route_apply(loaded, now=NOW).document["status"] == "pending merge"
    assert repo.untouched == before
    repo("checkout", "--quiet", "-b", "feature")
    assert state(loaded) == "pending merge"


def test_hooks_do_not_run_and_nothing_is_signed(repo):
    for hook in ("pre-commit", "commit-msg", "reference-transaction", "post-commit", "post-index-change"):
        file = repo.top / ".git/hooks" / hook
        file.write_text(f"#!/bin/sh\necho {hook} >> {repo.top}/hooks.log\nexit 1\n")
        file.chmod(0o755)
    repo("config", "commit.gpgSign", "true")
    repo("config", "user.signingKey", "none")
    loaded = approved(repo)
    assert route_apply(loaded, now=NOW).document["status"] == "pending merge"
    assert not (repo.top / "hooks.log").exists()
    assert "gpgsig" not in repo("cat-file", "commit", NAME)


def test_a_missing_identity_is_said_and_nothing_is_left(repo):
    loaded = approved(repo)
    repo("config", "--unset", "user.name")
    repo("config", "--unset", "user.email")
    with pytest.raises(OutlayError, match=r"Git knows no name and mail for commits .*git config user.name NAME"):
        route_apply(loaded, now=NOW)
    assert repo("for-each-ref", "refs/heads/routing") == ""
    assert rows(loaded)[-1]["event"] == "approved"


def test_a_folder_without_a_repository_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    loaded = workspace(tmp_path / "plain", target(mode="git"))
    with pytest.raises(UsageError, match=r"mode git, but .* lies in no Git work tree"):
        route_plan(loaded, advice(), now=NOW, probe=False)


@pytest.mark.parametrize(
    ("branch", "complaint"),
    [("trunk", "has no branch 'trunk' with a commit"), (None, "name the branch that changes are merged into")],
)
def test_the_branch_to_merge_into_is_known_or_asked_for(repo, branch, complaint):
    repo("branch", "--quiet", "-m", "main", "develop")
    loaded = ours(repo, **({"branch": branch} if branch else {}))
    with pytest.raises(UsageError, match=complaint):
        route_plan(loaded, advice(), now=NOW, probe=False)
    assert approved(repo, branch="develop")


def test_a_link_or_a_folder_in_the_branch_is_not_replaced(repo):
    (repo.top / "gateway").symlink_to("elsewhere")
    repo("add", "gateway")
    repo("commit", "--quiet", "-m", "a link where the folder would be")
    (repo.top / "gateway").unlink()
    loaded = approved(repo)
    with pytest.raises(OutlayError, match="git update-index failed"):
        route_apply(loaded, now=NOW)
    assert repo("for-each-ref", "refs/heads/routing") == ""


def test_a_branch_that_someone_works_on_is_left_alone(repo):
    loaded = approved(repo)
    route_apply(loaded, now=NOW)
    more = advice(
        *advice()["recommendations"], {**advice()["recommendations"][0], "id": "second", "task_type": "risk_judgement"}
    )
    route_approve(loaded, more, by="finops-lead", now=NOW)
    repo("worktree", "add", "--quiet", str(repo.top.parent / "other"), NAME)
    with pytest.raises(OutlayError, match="is checked out; switch to another one first"):
        route_apply(loaded, now=NOW)


def test_the_callers_git_variables_point_nowhere_else(repo, tmp_path, monkeypatch):
    loaded = approved(repo)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    assert route_apply(loaded, now=NOW).document["status"] == "pending merge"
    assert not (tmp_path / "index").exists()


def test_two_repositories_change_both_or_neither(repo, tmp_path, monkeypatch):
    other = Repo(tmp_path / "other", monkeypatch)
    far = target("far", str(other.top / "routes.yaml"), mode="git")
    loaded = approved(repo, far)
    other("config", "user.useConfigOnly", "true")
    other("config", "--unset", "user.email")
    with pytest.raises(OutlayError, match="Git knows no name and mail"):
        route_apply(loaded, now=NOW)
    assert repo("for-each-ref", "refs/heads/routing") == ""
    other("config", "user.email", "pat@acme.example")
    assert len(route_apply(loaded, now=NOW).document["commits"]) == 2
    assert other("diff", "--name-only", "main", NAME) == "routes.yaml"


def test_a_plan_compares_with_what_the_target_branch_holds(repo):
    loaded = approved(repo)
    route_apply(loaded, now=NOW)
    repo.merge()
    route_apply(loaded, now=NOW)
    (repo.top / FILE).unlink()  # the work tree is not asked
    by_hand(loaded, 2)
    document = route_plan(loaded, {}, now=NOW, probe=False).document
    assert f"--- live/{FILE}" in document["targets"][0]["diff"]
    assert "-      weight: 95" in document["targets"][0]["diff"]
    assert sha256((repo("show", f"main:{FILE}") + "\n").encode()) == rows(loaded)[-1]["files"][0]["after_sha256"]


@pytest.mark.parametrize(
    ("binding", "complaint"),
    [
        ({"mode": "git", "reload": {"command": ["true"]}}, "reload: in mode git Outlay changes nothing"),
        ({"branch": "main"}, "branch: belongs to mode git, found mode file"),
        ({"gateway": {"name": "edge"}}, "gateway: belongs to kind envoy, found kind litellm"),
    ],
)
def test_a_binding_that_makes_no_sense_is_refused(tmp_path, binding, complaint):
    with pytest.raises(ValueError, match=complaint):
        workspace(tmp_path, target(**binding))
