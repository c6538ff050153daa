"""The audit file: appended, chained, and honest about who and when."""

from __future__ import annotations

import json
import subprocess
import threading

import pytest

from pipelines.routing import audit
from pipelines.routing.loop import route_apply, route_approve, route_rollback, route_status
from pipelines.routing.policy import sha256
from pipelines.workspace.errors import OutlayError
from tests.routing.workspaces import NOW, advice, everything, go_live, rows, workspace


def write(root, lines):
    (root / "routing" / "audit.jsonl").write_text("".join(f"{line}\n" for line in lines))


def lines_of(root):
    return (root / "routing" / "audit.jsonl").read_text().splitlines()


def test_each_row_holds_the_hash_of_the_row_before(tmp_path):
    loaded = workspace(tmp_path)
    go_live(loaded)
    lines = lines_of(tmp_path)
    assert [json.loads(line)["previous_sha256"] for line in lines] == [
        "0" * 64, sha256(lines[0]), sha256(lines[1]),
    ]  # fmt: skip
    assert audit.verify(tmp_path) is None


@pytest.mark.parametrize("row", [0, 1, 2])
def test_an_edit_shows_at_the_row_that_was_edited(tmp_path, row):
    loaded = workspace(tmp_path)
    go_live(loaded)
    lines = lines_of(tmp_path)
    lines[row] = lines[row].replace("finops-lead", "platform-lead")
    write(tmp_path, lines)
    broken = audit.verify(tmp_path)
    assert str(broken) == f"routing/audit.jsonl: row {row + 1}: was changed after it was written"


def test_an_edit_with_a_new_hash_shows_at_the_next_row(tmp_path):
    loaded = workspace(tmp_path)
    go_live(loaded)
    lines = lines_of(tmp_path)
    forged = {k: v for k, v in json.loads(lines[0]).items() if k != "row_sha256"} | {"by": "someone"}
    forged["row_sha256"] = sha256(json.dumps(forged, ensure_ascii=False, separators=(",", ":")))
    write(tmp_path, [json.dumps(forged, ensure_ascii=False, separators=(",", ":")), *lines[1:]])
    broken = audit.verify(tmp_path)
    assert broken is not None
    assert (broken.row, broken.reason) == (
        2,
        "does not follow the row before it: a row was changed, removed or moved",
    )


@pytest.mark.parametrize("keep", [[1, 2], [0, 2], [1, 0, 2]])
def test_a_row_removed_or_moved_shows(tmp_path, keep):
    loaded = workspace(tmp_path)
    go_live(loaded)
    lines = lines_of(tmp_path)
    write(tmp_path, [lines[at] for at in keep])
    assert audit.verify(tmp_path) is not None


def test_on_a_broken_chain_nothing_is_approved_applied_or_rolled_back(tmp_path):
    loaded = workspace(tmp_path)
    go_live(loaded)
    lines = lines_of(tmp_path)
    write(tmp_path, [lines[0], lines[1].replace("finops", "finance"), lines[2]])
    before = everything(tmp_path)
    for call in (
        lambda: route_approve(loaded, advice(), by="finops-lead", now=NOW),
        lambda: route_apply(loaded, now=NOW),
        lambda: route_rollback(loaded, now=NOW),
    ):
        with pytest.raises(OutlayError, match=r"audit.jsonl: row 2: was changed after it was written; restore"):
            call()
    assert everything(tmp_path) == before
    status = route_status(loaded)
    assert "row 2: was changed after it was written" in status.text
    assert not status.document["in_order"]


def test_rows_appended_at_once_form_one_chain(tmp_path):
    start = threading.Barrier(8)

    def add(worker: int) -> None:
        start.wait()
        for number in range(5):
            audit.append(tmp_path, "adopted", now=NOW, files=[], worker=worker, number=number)

    threads = [threading.Thread(target=add, args=(worker,)) for worker in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert audit.verify(tmp_path) is None
    found = audit.read(tmp_path)
    assert [row["row"] for row in found] == list(range(1, 41))
    assert sorted((row["worker"], row["number"]) for row in found) == [(w, n) for w in range(8) for n in range(5)]


def test_a_row_that_a_crash_left_half_written_is_dropped_and_that_is_told(tmp_path):
    audit.append(tmp_path, "adopted", now=NOW, files=[])
    file = tmp_path / "routing" / "audit.jsonl"
    whole = file.read_bytes()
    file.write_bytes(whole + b'{"row":2,"at":"2026-11-')
    assert audit.verify(tmp_path) is None
    row = audit.append(tmp_path, "adopted", now=NOW, files=[])
    assert (row["row"], row["dropped_bytes"]) == (2, 23)
    assert file.read_bytes().startswith(whole)
    assert audit.verify(tmp_path) is None


def test_a_row_whose_line_end_a_crash_left_out_counts(tmp_path):
    audit.append(tmp_path, "adopted", now=NOW, files=[])
    file = tmp_path / "routing" / "audit.jsonl"
    file.write_bytes(file.read_bytes().removesuffix(b"\n"))
    audit.append(tmp_path, "adopted", now=NOW, files=[])
    assert [row["row"] for row in audit.read(tmp_path)] == [1, 2]


def test_a_row_names_the_system_user_and_the_git_identity(tmp_path):
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    for key, value in (("user.name", "Ana Ruiz"), ("user.email", "ana@acme.example")):
        subprocess.run(["git", "-C", str(tmp_path), "config", key, value], check=True)
    loaded = workspace(tmp_path)
    route_approve(loaded, advice(), by="finops-lead", identity="declared", now=NOW)
    row = rows(loaded)[0]
    assert row["git_identity"] == "Ana Ruiz <ana@acme.example>"
    assert row["system_user"] == audit.system_user()
    assert (row["by"], row["identity"]) == ("finops-lead", "declared")


def test_an_audit_file_that_is_a_link_is_refused(tmp_path):
    loaded = workspace(tmp_path / "w")
    (tmp_path / "w" / "routing").mkdir()
    (tmp_path / "w" / "routing" / "audit.jsonl").symlink_to(tmp_path / "elsewhere.jsonl")
    with pytest.raises(OutlayError, match=r"symbolic link"):
        route_approve(loaded, advice(), by="finops-lead", now=NOW)
    assert not (tmp_path / "elsewhere.jsonl").exists()
