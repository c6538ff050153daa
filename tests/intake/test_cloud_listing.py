"""What a cloud path matches, which date folders a window leaves out, and which paths are no paths."""

import json
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from pipelines.intake.discover import discover
from pipelines.intake.objects import listed
from pipelines.intake.prefixes import Period, said
from pipelines.intake.window import Window
from pipelines.sources.cloud import filesystem, masked
from pipelines.workspace.errors import UsageError
from pipelines.workspace.logs import Source
from tests.intake.buckets import BUCKET, Bucket
from tests.workspaces import Bench, call

NAMES = (
    "logs/a.jsonl", "logs/b.jsonl.gz", "logs/c.jsonl.zst", "logs/d.json", "logs/.hidden.jsonl", "logs/[x].jsonl",
    "logs/2026/10/e.jsonl", "logs/2026/10/.secret/f.jsonl", "logs/2026/11/g.jsonl.gz", "logs/deep/er/still/h.jsonl",
    "logs/a b+c%20.jsonl", "other/a.jsonl", "logs2/a.jsonl", "logs/ümläut.jsonl", "logs/a.jsonl.bak",
)  # fmt: skip
PATTERNS = (
    "logs/*.jsonl", "logs/**/*.jsonl", "logs/**", "**/*.jsonl", "logs/a.jsonl", "logs/b.jsonl", "logs/*/*/*.jsonl",
    "logs/2026/1[01]/*.jsonl", "logs/2026/1[!1]/*.jsonl", "logs/?.jsonl", "logs/.h*.jsonl", "logs*/a.jsonl",
    "logs/**/**/*.jsonl", "logs/**/10/*.jsonl", "logs/none/*.jsonl", "logs/[[]x].jsonl", "logs/*.gz",
)  # fmt: skip


def test_a_pattern_finds_the_same_names_in_a_bucket_as_in_a_folder(tmp_path: Path, bucket: Bucket) -> None:
    for name in NAMES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("{}\n")
        bucket.put(name, "{}\n")
    for pattern in PATTERNS:
        here, there = (
            Bench(tmp_path, {"sources": [{"name": "calls", "kind": "requests", "path": path}]})
            for path in (pattern, f"s3://{BUCKET}/{pattern}")
        )
        there.root.joinpath("outlay.yaml").unlink()
        here.save()
        local = [found.name for found in discover(here.loaded)]
        there.save()
        assert [found.name for found in discover(there.loaded)] == [f"s3://{BUCKET}/{name}" for name in local], pattern
        if "**" not in pattern:
            continue
        windowed = discover(there.loaded, Window(date(2026, 10, 1), date(2026, 11, 30)))
        assert [found.name for found in windowed] == [f"s3://{BUCKET}/{name}" for name in local], pattern


def test_a_key_that_climbs_is_refused(tmp_path: Path, bucket: Bucket) -> None:
    bucket.put("logs/../../etc/a.jsonl", "{}\n")
    bench = Bench(
        tmp_path, {"sources": [{"name": "calls", "kind": "requests", "path": f"s3://{BUCKET}/logs/**/*.jsonl"}]}
    )
    assert [found.refused for found in discover(bench.loaded)] in (["climbs with '..'"], [])


def days(first: str, last: str) -> Period:
    return Period(date.fromisoformat(first), date.fromisoformat(last))


@pytest.mark.parametrize(
    ("folders", "names", "expected"),
    [
        ([], ["2026-11-22", "dt=2026-11-21", "date=20261120", "tenant-2026-11-22", "2026-13-01"],
         [days("2026-11-22", "2026-11-22"), days("2026-11-21", "2026-11-21"), days("2026-11-20", "2026-11-20"), None, None]),
        (["logs"], ["year=2026", "year=26"], [days("2026-01-01", "2026-12-31"), None]),
        (["year=2024"], ["month=2", "month=02", "tenant=a"],
         [days("2024-02-01", "2024-02-29"), days("2024-02-01", "2024-02-29"), None]),
        (["year=2026", "month=11"], ["day=22", "day=31"], [days("2026-11-22", "2026-11-22"), None]),
        (["logs"], ["2025", "2026"], [None, None]),
        (["logs", "2026"], ["09", "10"], [days("2026-09-01", "2026-09-30"), days("2026-10-01", "2026-10-31")]),
        (["logs", "2026"], ["09", "customer"], [None, None]),
        (["logs", "2026"], ["13"], [None]),
        (["logs", "4711"], ["10"], [None]),
        (["2026", "11"], ["01", "22"], [days("2026-11-01", "2026-11-01"), days("2026-11-22", "2026-11-22")]),
        (["2026", "11"], ["01", "all"], [None, None]),
        (["2026", "02"], ["30"], [None]),
    ],
)  # fmt: skip
def test_folders_say_days_only_where_they_say_nothing_else(
    folders: list[str], names: list[str], expected: list[Period | None]
) -> None:
    assert said(folders, names) == expected


@pytest.mark.parametrize(
    "layout", ["%Y/%m/%d", "%Y-%m-%d", "dt=%Y-%m-%d", "date=%Y%m%d", "year=%Y/month=%m/day=%d/hour=07"]
)
def test_a_window_keeps_a_day_on_each_side_in_every_layout(bucket: Bucket, layout: str) -> None:
    for day in range(10, 25):
        bucket.put(f"calls/{date(2026, 10, day).strftime(layout)}/{day}.jsonl", "{}\n")
    bucket.put("calls/no-date/99.jsonl", "{}\n")
    source = Source(name="calls", kind="requests", path=f"s3://{BUCKET}/calls/**/*.jsonl")
    both = listed(source, Window(date(2026, 10, 15), date(2026, 10, 16)))
    assert sorted(item.name for item in both.objects) == ["14.jsonl", "15.jsonl", "16.jsonl", "17.jsonl", "99.jsonl"]
    assert both.left == 11
    assert len(listed(source, Window(first=date(2026, 10, 20))).objects) == 7
    assert len(listed(source, Window(last=date(2026, 10, 12))).objects) == 5
    assert len(listed(source, Window()).objects) == 16


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("http://example.com/logs/*.jsonl", "scheme http:// is not read; expected s3://, gs://, az://, abfs:// or a local path"),
        ("s3://AKIAIOSFODNN7EXAMPLE:c2VjcmV0@acme/logs/*.jsonl", "holds a credential"),
        ("az://logs/calls/*.jsonl?sv=2024&sig=c2VjcmV0", "holds a credential"),
        ("s3://acme-*/logs/*.jsonl", "expected the name of one bucket or container after s3://, found 'acme-*'"),
        ("s3:///logs/*.jsonl", "expected the name of one bucket or container after s3://, found nothing"),
        ("gs://acme", "expected a pattern of keys such as gs://acme/logs/**/*.jsonl"),
        ("s3://acme/logs/../../*.jsonl", "climbs with '..'"),
    ],
)  # fmt: skip
def test_a_cloud_path_that_is_none_is_refused_without_showing_secrets(tmp_path: Path, path: str, said: str) -> None:
    bench = Bench(tmp_path, {"sources": [{"name": "calls", "kind": "requests", "path": path}]})
    with pytest.raises(UsageError) as refused:
        _ = bench.loaded
    assert f"sources.calls.path: {said}" in str(refused.value).replace(repr(path) + " ", "")
    assert "c2VjcmV0" not in str(refused.value)


def test_messages_hold_no_credential_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG")
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", "AccountName=acme;AccountKey=Zm9vYmFy==;")
    told = "no: wJalrXUtnFEMI/K7MDENG at http://u:p@host/x?sig=abc with AccountKey=Zm9vYmFy==;\nsecond line"
    assert masked(told) == "no: *** at http://***host/x?sig=*** with AccountKey=***;"


class Azure(MemoryFileSystem):
    """Objects in memory under `az://`: what adlfs does is adlfs's; what Outlay asks of it is the same."""

    protocol = "az"
    store: dict[str, Any] = {}  # noqa: RUF012
    pseudo_dirs = [""]  # noqa: RUF012
    made_with: dict[str, Any] = {}  # noqa: RUF012

    def __init__(self, **options: Any) -> None:
        type(self).made_with = options
        super().__init__(**options)

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return "/" + path.removeprefix("az://").strip("/") if path.strip("/") else ""


@pytest.fixture
def azure() -> Iterator[MemoryFileSystem]:
    known = sys.modules["fsspec.registry"]._registry
    before = known.pop("az", None)
    fsspec.register_implementation("az", Azure, clobber=True)
    Azure.store.clear()
    yield Azure(skip_instance_cache=True)
    Azure.store.clear()
    del known["az"]
    if before is not None:
        known["az"] = before


def test_azure_containers_are_read_through_the_same_road(tmp_path: Path, azure: MemoryFileSystem) -> None:
    azure.pipe_file("/logs/calls/2026/10/20/a.jsonl", b"")
    azure.pipe_file("/logs/calls/2026/10/20/b.jsonl", json.dumps(call("r1")).encode())
    source = {"name": "calls", "kind": "requests", "path": "az://logs/calls/**/*.jsonl"}
    bench = Bench(tmp_path, {"sources": [source]})
    assert bench.run()["records"]["stored"] == 1
    assert Azure.made_with == {"use_listings_cache": False}, "no credential is passed on: the client reads them itself"
    assert bench.run()["files"] == {"read": 0, "unchanged": 2, "refused": 0}


def test_the_azure_client_takes_its_account_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    from azure.storage.blob.aio import BlobServiceClient

    key = "Zm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm9vYg=="
    text = f"DefaultEndpointsProtocol=http;AccountName=acme;AccountKey={key};BlobEndpoint=http://127.0.0.1:9/acme;"
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", text)
    for scheme in ("az", "abfs"):
        client = filesystem(scheme)
        assert isinstance(client.service_client, BlobServiceClient)
        assert client.service_client.url.startswith("http://127.0.0.1:9/acme")


def test_google_buckets_are_read_from_an_emulator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gcp_storage_emulator.server import create_server

    server = create_server("127.0.0.1", 0, in_memory=True, default_bucket="acme")
    server.start()
    try:
        port = server._api._httpd.server_port
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{port}")
        client = filesystem("gs")
        for n in range(3):
            client.pipe_file(f"acme/calls/dt=2026-10-2{n}/a.jsonl", json.dumps(call(f"r{n}")).encode())
        source = {"name": "calls", "kind": "requests", "path": "gs://acme/calls/**/*.jsonl"}
        bench = Bench(tmp_path, {"sources": [source]})
        assert next(found.name for found in discover(bench.loaded)) == "gs://acme/calls/dt=2026-10-20/a.jsonl"
        assert bench.run()["records"]["stored"] == 3
        assert bench.run()["files"] == {"read": 0, "unchanged": 3, "refused": 0}
    finally:
        server.stop()
