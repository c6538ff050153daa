"""Where the lake may lie: a folder or a bucket, each written whole and read back; and what the workspace may say of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.engine.place import LakePlace
from pipelines.workspace.errors import OutlayError, UsageError
from pipelines.workspace.load import load_workspace
from tests.intake.buckets import s3_server

NAME = "requests/utc_day=2026-10-20/run-0.parquet"


def put(place: LakePlace) -> None:
    with place.writing() as folder:
        (folder / NAME).parent.mkdir(parents=True, exist_ok=True)
        (folder / NAME).write_bytes(b"rows")


def go_through(place: LakePlace) -> None:
    """Written, listed, read and deleted."""
    assert place.names() == []
    put(place)
    assert place.names() == [NAME]
    with place.opened(NAME) as stream:
        assert stream.read() == b"rows"
    place.remove([NAME])
    assert place.names() == []
    put(place)
    place.clear()
    assert place.names() == []


@pytest.mark.parametrize("as_url", [False, True], ids=["path", "file-url"])
def test_a_lake_in_a_folder(tmp_path: Path, as_url: bool):
    folder = tmp_path / "a lake"
    go_through(LakePlace(folder.as_uri() if as_url else str(folder)))


def test_a_lake_in_a_bucket(monkeypatch: pytest.MonkeyPatch):
    with s3_server(monkeypatch) as bucket:
        bucket.put("others/file.parquet", b"not ours")
        place = LakePlace("s3://acme-logs/lakes/lake-1")
        go_through(place)
        with pytest.raises(OutlayError, match=r"lakes/lake-1/requests/.*: not found"), place.opened(NAME):
            pass


def test_a_file_that_could_not_be_written_whole_never_lies_in_a_bucket(monkeypatch: pytest.MonkeyPatch):
    place = LakePlace("s3://acme-logs/lakes/lake-1")

    def broken() -> None:
        with place.writing() as folder:
            (folder / "half.parquet").write_bytes(b"ha")
            raise OSError("the disk is full")

    with s3_server(monkeypatch):
        with pytest.raises(OSError, match="disk is full"):
            broken()
        assert place.names() == []


def test_an_unknown_scheme_is_named():
    with pytest.raises(OutlayError, match=r"engine[.]lake: nowhere:// can't be opened"):
        LakePlace("nowhere://lake").names()


@pytest.mark.parametrize(
    ("engine", "told"),
    [
        ("{kind: duckdb, lake: 's3://b/p'}", "lake and work are for kind: spark"),
        ("{kind: spark, lake: 's3://'}", "expected a folder"),
        ("{kind: spark, lake: ''}", "expected a folder"),
        ("{kind: spark, work: 'a/../../b'}", "expected a folder"),
        ("{kind: spark, lake: 's3://key:secret@b/p'}", "holds a credential"),
        ("{kind: spark, place: 's3://b/p'}", "unknown key"),
    ],
)
def test_what_the_workspace_may_not_say_of_an_engine(tmp_path: Path, engine: str, told: str):
    (tmp_path / "outlay.yaml").write_text(
        f"name: A\nsources: [{{name: calls, kind: requests, path: 'logs/*.jsonl'}}]\nengine: {engine}\n"
    )
    with pytest.raises(UsageError, match=told) as refused:
        load_workspace(tmp_path)
    assert "secret" not in str(refused.value)
