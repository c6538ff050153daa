"""The approved policy goes live, wholly or not at all."""

from __future__ import annotations

import errno
import os
import stat
import threading
from pathlib import Path

import pytest

from pipelines.routing import audit
from pipelines.routing.loop import route_apply, route_approve, route_plan, route_status
from pipelines.routing.policy import sha256
from pipelines.workspace.errors import OutlayError, UsageError
from tests.routing.workspaces import (
    FILE,
    NOW,
    advice,
    by_hand,
    everything,
    go_live,
    live,
    policy_bytes,
    rows,
    switch,
    target,
    workspace,
)

OTHER = "gateway/second.yaml"


def reloading(*command: str, timeout_s: int = 20) -> dict:
    return {"command": list(command), "timeout_s": timeout_s}


def approved(root: Path, *targets: dict):
    loaded = workspace(root, *targets)
    route_approve(loaded, advice(), by="finops-lead", now=NOW)
    return loaded


def test_what_was_approved_goes_live_and_the_audit_tells_from_what_to_what(tmp_path):
    loaded = approved(tmp_path)
    said = route_apply(loaded, now=NOW)
    content = live(loaded) or b""
    approval, started, applied = rows(loaded)
    assert [row["event"] for row in (approval, started, applied)] == ["approved", "apply_started", "applied"]
    assert applied["version"] == 1
    assert applied["policy_sha256"] == sha256(policy_bytes(loaded) or b"")
    assert applied["approved_by"] == "finops-lead"
    assert applied["plan_id"] == approval["plan_id"]
    (file,) = applied["files"]
    assert (file["path"], file["before_sha256"], file["after_sha256"]) == (FILE, None, sha256(content))
    assert "+  - model_name:" in applied["diff"]
    assert f"policy_sha256={applied['policy_sha256']}" in content.decode()
    assert "nothing was reloaded" in said.text


def test_applying_twice_changes_nothing(tmp_path):
    loaded = approved(tmp_path)
    route_apply(loaded, now=NOW)
    before = everything(tmp_path)
    assert route_apply(loaded, now=NOW).document["status"] == "already applied"
    assert everything(tmp_path) == before


def test_without_an_approval_nothing_is_applied(tmp_path):
    loaded = workspace(tmp_path)
    by_hand(loaded)
    with pytest.raises(OutlayError, match=r"nothing is approved"):
        route_apply(loaded, now=NOW)
    assert live(loaded) is None


def test_a_file_that_is_empty_but_for_a_comment_may_be_replaced(tmp_path):
    loaded = approved(tmp_path)
    (tmp_path / "gateway").mkdir()
    (tmp_path / FILE).write_text("# so that the gateway starts\nmodel_list: []\n")
    route_apply(loaded, now=NOW)
    assert b"route/contract_review" in (live(loaded) or b"")


def test_a_file_that_outlay_did_not_write_is_refused(tmp_path):
    loaded = approved(tmp_path)
    (tmp_path / "gateway").mkdir()
    (tmp_path / FILE).write_text("model_list:\n  - model_name: ours\n    litellm_params: {api_key: hand-made-words}\n")
    before = everything(tmp_path)
    with pytest.raises(OutlayError, match=r"not written by Outlay; nothing was changed") as error:
        route_apply(loaded, now=NOW)
    assert error.value.exit_code == 1
    assert "hand-made-words" not in str(error.value)
    assert everything(tmp_path) == before


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: text.replace("weight: 95", "weight: 50"),
        lambda text: text + "# a note\n",
        lambda text: text.replace("version=1", "version=2"),
        lambda text: "\n".join(text.splitlines()[1:]),
    ],
)
def test_a_hand_edited_file_is_refused_with_its_difference(tmp_path, edit):
    loaded = workspace(tmp_path)
    go_live(loaded)
    (tmp_path / FILE).write_text(edit((live(loaded) or b"").decode()))
    by_hand(loaded, 2)
    route_approve(loaded, advice(), by="finops-lead", now=NOW)
    before = everything(tmp_path)
    with pytest.raises(
        OutlayError, match=r"edited by hand since Outlay wrote it; nothing was changed\n--- live/gateway"
    ):
        route_apply(loaded, now=NOW)
    assert everything(tmp_path) == before


def test_a_removed_file_is_refused_until_a_person_decides(tmp_path):
    loaded = workspace(tmp_path)
    go_live(loaded)
    (tmp_path / FILE).unlink()
    with pytest.raises(OutlayError, match=r"removed since Outlay wrote it"):
        route_apply(loaded, now=NOW)
    route_apply(loaded, now=NOW, overwrite=True)
    assert b"version=1" in (live(loaded) or b"")


def test_a_file_from_another_policy_is_someone_elses_change(tmp_path):
    loaded = workspace(tmp_path / "ours")
    go_live(loaded)
    theirs = workspace(tmp_path / "theirs")
    by_hand(theirs)
    go_live(theirs)
    (tmp_path / "ours" / FILE).write_bytes(live(theirs) or b"")
    with pytest.raises(
        OutlayError, match=r"written from another policy than the live one: someone else applied a change"
    ):
        route_apply(loaded, now=NOW)


def test_overwrite_replaces_a_hand_edited_file(tmp_path):
    loaded = workspace(tmp_path)
    go_live(loaded)
    ours = live(loaded)
    (tmp_path / FILE).write_text("model_list: [{model_name: mine}]\n")
    route_apply(loaded, now=NOW, overwrite=True)
    assert live(loaded) == ours
    assert (tmp_path / f"{FILE}.v1.bak").read_text() == "model_list: [{model_name: mine}]\n"


def test_adopt_takes_a_hand_edited_file_as_the_new_base(tmp_path):
    loaded = workspace(tmp_path)
    go_live(loaded)
    edited = (live(loaded) or b"").replace(b"weight: 95", b"weight: 90").replace(b"weight: 5", b"weight: 10")
    (tmp_path / FILE).write_bytes(edited)
    assert route_apply(loaded, now=NOW, adopt=True).document["status"] == "adopted"
    assert live(loaded) == edited
    assert rows(loaded)[-1]["event"] == "adopted"
    assert route_status(loaded).document["targets"][0]["state"] == "in place"
    assert route_plan(loaded, advice(), probe=False, now=NOW).document["source"] == "nothing"
    by_hand(loaded, 2)
    route_approve(loaded, advice(), by="finops-lead", now=NOW)
    route_apply(loaded, now=NOW)
    assert b"version=2" in (live(loaded) or b"")
    assert (tmp_path / f"{FILE}.v1.bak").read_bytes() == edited


def test_adopt_and_overwrite_exclude_each_other(tmp_path):
    with pytest.raises(UsageError, match=r"exclude each other"):
        route_apply(workspace(tmp_path), now=NOW, adopt=True, overwrite=True)


def test_the_files_mode_is_kept_and_its_backup_is_no_more_readable(tmp_path):
    loaded = workspace(tmp_path)
    go_live(loaded)
    before = live(loaded)
    (tmp_path / FILE).chmod(0o600)
    by_hand(loaded, 2)
    go_live(loaded)
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in (FILE, f"{FILE}.v1.bak")}
    assert modes == {0o600}
    assert (tmp_path / f"{FILE}.v1.bak").read_bytes() == before
    assert not list((tmp_path / "gateway").glob("*.new"))


@pytest.mark.parametrize("kind", ["link to a file", "dangling link", "linked folder", "fifo", "folder"])
def test_links_fifos_and_folders_are_refused(tmp_path, kind):
    root, outside = tmp_path / "w", tmp_path / "outside"
    loaded = approved(root)
    outside.mkdir()
    if kind == "linked folder":
        (root / "gateway").symlink_to(outside)
    else:
        (root / "gateway").mkdir()
        if kind == "link to a file":
            (outside / "real.yaml").write_text("model_list: []\n")
            (root / FILE).symlink_to(outside / "real.yaml")
        elif kind == "dangling link":
            (root / FILE).symlink_to(outside / "gone.yaml")
        elif kind == "fifo":
            os.mkfifo(root / FILE)
        else:
            (root / FILE).mkdir()
    before = everything(tmp_path)
    with pytest.raises(OutlayError, match=r"symbolic link|no regular file"):
        route_apply(loaded, now=NOW)
    assert everything(tmp_path) == before


def test_the_reload_command_runs_in_the_workspace_after_the_file_is_there(tmp_path):
    loaded = approved(tmp_path, target(reload=reloading("sh", "-c", f"cp {FILE} seen.yaml")))
    said = route_apply(loaded, now=NOW)
    assert (tmp_path / "seen.yaml").read_bytes() == live(loaded)
    assert "proxy: reloaded in" in said.text


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        (
            reloading("sh", "-c", "echo broken config; exit 3"),
            "reload command ended with status 3: broken config",
        ),
        (reloading("sh", "-c", "sleep 30", timeout_s=1), "reload command did not end within 1 s"),
        (reloading("no-such-program"), "reload command 'no-such-program' can't be started"),
    ],
)
def test_a_failed_reload_puts_the_former_file_back(tmp_path, command, complaint):
    loaded = workspace(tmp_path)
    go_live(loaded)
    before = live(loaded)
    by_hand(loaded, 2)
    route_approve(loaded, advice(), by="finops-lead", now=NOW)
    # Fails only with the new file, as a gateway does that refuses its configuration.
    guarded = {**command}
    if command["command"][0] == "sh":
        guarded["command"] = ["sh", "-c", f"grep -q version=2 {FILE} || exit 0; {command['command'][2]}"]
    failing = workspace(tmp_path, target(reload=guarded))
    with pytest.raises(OutlayError, match=complaint):
        route_apply(failing, now=NOW)
    assert live(loaded) == before
    if command["command"][0] == "sh":
        assert rows(loaded)[-1]["event"] == "apply_failed"
        assert rows(loaded)[-1]["result"].startswith("put back: proxy: reload command")
    route_apply(loaded, now=NOW)
    assert b"version=2" in (live(loaded) or b"")


def test_a_failed_first_apply_leaves_no_file(tmp_path):
    loaded = approved(tmp_path, target(reload=reloading("sh", "-c", f"test ! -e {FILE}")))
    with pytest.raises(OutlayError, match=r"put back as before: gateway/outlay_routes.yaml"):
        route_apply(loaded, now=NOW)
    assert live(loaded) is None


def test_of_several_targets_all_change_or_none(tmp_path):
    second = target("second", OTHER, reload=reloading("sh", "-c", f"! grep -q version=2 {OTHER}"))
    log = target("first", FILE, reload=reloading("sh", "-c", f"head -1 {FILE} | grep -o ' version=.' >> log.txt"))
    loaded = approved(tmp_path, log, second)
    route_apply(loaded, now=NOW)
    before = {name: live(loaded, name) for name in (FILE, OTHER)}
    by_hand(loaded, 2)
    route_approve(loaded, advice(), by="finops-lead", now=NOW)
    with pytest.raises(OutlayError, match=r"second: reload command ended with status 1"):
        route_apply(loaded, now=NOW)
    assert {name: live(loaded, name) for name in (FILE, OTHER)} == before
    assert (tmp_path / "log.txt").read_text().split() == ["version=1", "version=2", "version=1"]


def test_a_second_target_that_was_edited_keeps_the_first_from_changing(tmp_path):
    loaded = approved(tmp_path, target("first"), target("second", OTHER))
    route_apply(loaded, now=NOW)
    (tmp_path / OTHER).write_text("model_list: [{model_name: mine}]\n")
    by_hand(loaded, 2)
    route_approve(loaded, advice(), by="finops-lead", now=NOW)
    before = everything(tmp_path)
    with pytest.raises(OutlayError, match=r"second.yaml: edited by hand"):
        route_apply(loaded, now=NOW)
    assert everything(tmp_path) == before


def test_a_write_that_fails_puts_the_first_file_back(tmp_path):
    loaded = approved(tmp_path, target("first"), target("second", "locked/routes.yaml"))
    (tmp_path / "locked").write_text("a file where a folder should be")
    with pytest.raises(OutlayError):
        route_apply(loaded, now=NOW)
    assert live(loaded) is None


def test_a_secret_of_the_environment_is_in_nothing_that_is_said_or_written(tmp_path, monkeypatch):
    secret = "correct horse battery staple"
    monkeypatch.setenv("OPENAI_API_KEY", secret)
    loaded = approved(tmp_path, target(reload=reloading("sh", "-c", "echo key is $OPENAI_API_KEY; exit 1")))
    with pytest.raises(OutlayError, match=r"status 1: key is \*\*\*") as error:
        route_apply(loaded, now=NOW)
    assert secret not in str(error.value)
    assert all(secret.encode() not in content for content in everything(tmp_path).values())


def test_of_two_that_apply_at_once_one_writes_and_the_other_finds_it_done(tmp_path):
    loaded = approved(tmp_path, target(reload=reloading("sh", "-c", "echo reloaded >> log.txt; sleep 0.3")))
    start = threading.Barrier(4)
    said: list[str] = []

    def run() -> None:
        start.wait()
        said.append(route_apply(loaded, now=NOW).document["status"])

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said) == ["already applied"] * 3 + ["applied"]
    assert (tmp_path / "log.txt").read_text() == "reloaded\n"
    assert audit.verify(tmp_path) is None
    assert [row["event"] for row in rows(loaded)] == ["approved", "apply_started", "applied"]


def test_the_day_a_policy_governs_from_is_recorded(tmp_path):
    loaded = approved(tmp_path)
    route_apply(loaded, now=NOW, effective_at=NOW.replace(day=18))
    applied = rows(loaded)[-1]
    assert (applied["at"], applied["effective_at"]) == (
        "2026-11-21T09:30:00.000000Z",
        "2026-11-18T09:30:00.000000Z",
    )


def test_a_policy_without_targets_has_no_file_to_go_to(tmp_path):
    loaded = workspace(tmp_path, routing={"approvers": ["finops-lead"]})
    route_approve(loaded, advice(switch()), by="finops-lead", now=NOW)
    with pytest.raises(OutlayError, match=r"names no routing.targets"):
        route_apply(loaded, now=NOW)


def test_a_change_touches_its_own_file_and_its_own_entries_only(tmp_path):
    loaded = workspace(tmp_path)
    (tmp_path / "gateway").mkdir()
    (tmp_path / "gateway" / "config.yaml").write_text("include: [outlay_routes.yaml]   # ours\n")
    go_live(loaded)
    before = everything(tmp_path)
    go_live(loaded, advice(switch(), switch("claims", "triage")))
    after = everything(tmp_path)
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed == {FILE, f"{FILE}.v1.bak", "routing/policy.yaml", "routing/audit.jsonl"}
    assert after["routing/audit.jsonl"].startswith(before["routing/audit.jsonl"])
    kept = before[FILE].split(b"model_list:\n")[1]
    assert kept in after[FILE]


def test_a_file_that_changes_while_the_change_is_prepared_is_left_alone(tmp_path, monkeypatch):
    loaded = workspace(tmp_path)
    go_live(loaded)
    by_hand(loaded, 2)
    route_approve(loaded, advice(), by="finops-lead", now=NOW)
    append = audit.append

    def with_somebody_else(root, event, **fields):
        if event == "apply_started":
            (tmp_path / FILE).write_text("model_list: [{model_name: theirs}]\n")
        return append(root, event, **fields)

    monkeypatch.setattr(audit, "append", with_somebody_else)
    with pytest.raises(OutlayError, match=r"changed by someone else while the change was prepared"):
        route_apply(loaded, now=NOW)
    assert live(loaded) == b"model_list: [{model_name: theirs}]\n"
    assert rows(loaded)[-1]["event"] == "apply_failed"


def test_a_full_disk_at_the_second_file_puts_the_first_one_back(tmp_path, monkeypatch):
    loaded = approved(tmp_path, target("first"), target("second", OTHER))
    route_apply(loaded, now=NOW)
    before = {name: live(loaded, name) for name in (FILE, OTHER)}
    by_hand(loaded, 2)
    route_approve(loaded, advice(), by="finops-lead", now=NOW)
    replace = os.replace

    def full(source, place):
        if str(place).endswith(OTHER):
            raise OSError(errno.ENOSPC, "No space left on device")
        replace(source, place)

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OutlayError, match=r"second.yaml: can't be written \(No space left on device\)") as error:
        route_apply(loaded, now=NOW)
    assert error.value.exit_code == 1
    assert {name: live(loaded, name) for name in (FILE, OTHER)} == before
    assert not list(tmp_path.rglob("*.new"))
    monkeypatch.undo()
    route_apply(loaded, now=NOW)
    assert all(b" version=2 " in (live(loaded, name) or b"") for name in (FILE, OTHER))
