"""Files as they really come: packed, damaged, hostile."""

import gzip
import json
import os
import resource
import time
from pathlib import Path
from typing import Any

import pytest
import zstandard

from pipelines.sources.files import Refused
from pipelines.sources.registry import read
from tests.sources.reading import CALL, file_ref, read_bytes, reasons, requests

LINE = json.dumps(CALL).encode() + b"\n"


def calls(count: int) -> bytes:
    return b"".join(json.dumps(CALL | {"request_id": f"r{n}"}).encode() + b"\n" for n in range(count))


def ids(results: list) -> list[str]:
    return [record.request_id for record in requests(results)]


def test_packing_makes_no_difference(tmp_path: Path) -> None:
    plain = calls(3)
    packed = zstandard.ZstdCompressor(write_checksum=True)
    results = [
        read_bytes("requests", tmp_path, plain),
        read_bytes("requests", tmp_path, gzip.compress(plain), "log.jsonl.gz"),
        read_bytes("requests", tmp_path, gzip.compress(plain[:50]) + gzip.compress(plain[50:]), "two.jsonl.gz"),
        read_bytes("requests", tmp_path, packed.compress(plain), "log.jsonl.zst"),
        read_bytes("requests", tmp_path, packed.compress(plain[:50]) + packed.compress(plain[50:]), "two.jsonl.zst"),
        read_bytes("requests", tmp_path, gzip.compress(plain), "gzip-under-a-plain-name.jsonl"),
    ]
    assert ids(results[0]) == ["r0", "r1", "r2"]
    assert all(result == results[0] for result in results)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("cut.gz", gzip.compress(calls(500))[:-40], "gzip: truncated or damaged"),
        ("tail.gz", gzip.compress(calls(500))[:-8], "gzip: truncated or damaged"),
        (
            "crc.gz",
            gzip.compress(LINE)[:-8] + b"\0\0\0\0" + gzip.compress(LINE)[-4:],
            "gzip: truncated or damaged",
        ),
        ("rubbish.gz", b"not gzip at all", "gzip: truncated or damaged"),
        ("empty.gz", b"", "gzip: truncated or damaged"),
        ("cut.zst", zstandard.compress(calls(500))[:-5], "zstd: truncated or damaged"),
        ("empty.zst", b"", "zstd: truncated or damaged"),
        ("le.jsonl", LINE.decode().encode("utf-16"), "UTF-16: expected UTF-8"),
        ("be.jsonl", LINE.decode().encode("utf-16-be"), "UTF-16: expected UTF-8"),
        ("le-no-mark.jsonl", LINE.decode().encode("utf-16-le"), "UTF-16: expected UTF-8"),
        ("length-prefixed.jsonl", b"\0\0\x01\x1a" + LINE, "binary: expected UTF-8 text"),
        ("utf16.gz", gzip.compress(LINE.decode().encode("utf-16")), "UTF-16: expected UTF-8"),
    ],
)
def test_a_file_that_cannot_be_trusted_is_refused(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        read_bytes("requests", tmp_path, content, name)


@pytest.mark.parametrize("filling", [b"\n", b" ", b"0"])
@pytest.mark.parametrize(("pack", "ending"), [(gzip.compress, "gz"), (zstandard.compress, "zst")])
def test_a_bomb_is_refused_before_it_unpacks(tmp_path: Path, pack: Any, ending: str, filling: bytes) -> None:
    bomb = pack(filling * (1 << 28))
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    with pytest.raises(Refused, match="unpacks to more than 200 times its size"):
        read_bytes("requests", tmp_path, bomb, f"bomb.{ending}")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kB
    assert time.process_time() - started < 10


def test_links_and_pipes_are_refused_and_never_waited_for(tmp_path: Path) -> None:
    target = tmp_path / "real.jsonl"
    target.write_bytes(LINE)
    link = tmp_path / "link.jsonl"
    link.symlink_to(target)
    pipe = tmp_path / "pipe.jsonl"
    os.mkfifo(pipe)
    for path, reason in (
        (link, "can't be opened"),
        (pipe, "not a regular file"),
        (tmp_path, "not a regular file"),
    ):
        with pytest.raises(Refused, match=reason):
            list(read("requests", file_ref(path)))


def test_a_byte_order_mark_is_stripped(tmp_path: Path) -> None:
    assert ids(read_bytes("requests", tmp_path, b"\xef\xbb\xbf" + LINE)) == ["r1"]


def test_invalid_utf8_costs_its_line(tmp_path: Path) -> None:
    latin = LINE.replace(b"gpt-5-mini", "modèle".encode("latin-1"))
    results = read_bytes("requests", tmp_path, latin + LINE)
    assert ids(results) == ["r1"]
    assert reasons(results) == [(1, "invalid UTF-8")]


def test_windows_line_ends_and_a_missing_last_one_change_nothing(tmp_path: Path) -> None:
    windows = calls(3).replace(b"\n", b"\r\n").rstrip()
    assert read_bytes("requests", tmp_path, windows) == read_bytes("requests", tmp_path, calls(3))


def test_a_line_of_300_mb_is_skipped_without_being_held(tmp_path: Path) -> None:
    path = tmp_path / "long.jsonl"
    with path.open("wb") as out:
        out.write(LINE + b'{"prompt": "')
        for _ in range(300):
            out.write(b"x" * (1 << 20))
        out.write(b'"}\n' + LINE)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    results = list(read("requests", file_ref(path)))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    path.unlink()
    assert ids(results) == ["r1", "r1"]
    assert reasons(results) == [(2, "line longer than 1 MiB")]
    assert grown < 50_000  # kB


@pytest.mark.parametrize(("size", "kept"), [(1 << 20, 1), ((1 << 20) + 1, 0)])
def test_a_line_of_one_mib_is_the_longest(tmp_path: Path, size: int, kept: int) -> None:
    line = json.dumps(CALL | {"note": ""}).encode()
    padded = line[:-2] + b"n" * (size - len(line)) + b'"}'
    assert len(padded) == size
    for end in (b"\n", b""):
        assert len(ids(read_bytes("requests", tmp_path, padded + end))) == kept


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"a": NaN}', "invalid JSON"),
        ('{"a": -Infinity}', "invalid JSON"),
        ("[" * 100_000, "nested more than 32 deep"),
        ('{"a":' * 600 + "1" + "}" * 600, "nested more than 32 deep"),
        ('{"a":' + "[" * 32 + "]" * 32 + "}", "nested more than 32 deep"),
        ('{"a": 1' + "0" * 5000 + "}", "invalid JSON"),
        ('{"a": 1e99999999999999999999}', "invalid JSON"),
        ('{"a": "\\ud800"}', "invalid Unicode: half of a surrogate pair"),
        ('{"a": 1} {"a": 2}', "invalid JSON: more than one value on the line"),
        ("{'a': 1}", "invalid JSON"),
        ("\0" * 64, "invalid JSON"),
    ],
)
def test_what_is_no_sound_json_is_quarantined_with_its_reason(tmp_path: Path, line: str, reason: str) -> None:
    results = read_bytes("requests", tmp_path, LINE + line.encode() + b"\n" + LINE)
    assert ids(results) == ["r1", "r1"]
    assert reasons(results) == [(2, reason)]


def test_nesting_of_32_is_deep_enough(tmp_path: Path) -> None:
    deep = json.dumps(CALL)[:-1] + ', "a": ' + "[" * 31 + "]" * 31 + "}"
    assert ids(read_bytes("requests", tmp_path, deep.encode())) == ["r1"]
    brackets_in_text = json.dumps(CALL | {"note": "[" * 200})
    assert ids(read_bytes("requests", tmp_path, brackets_in_text.encode())) == ["r1"]


def test_an_empty_file_has_no_records(tmp_path: Path) -> None:
    for content in (b"", b"\n\n", b"   \n\t\n", b"\xef\xbb\xbf"):
        assert read_bytes("requests", tmp_path, content) == []


def test_splitting_a_file_changes_no_record(tmp_path: Path) -> None:
    lines = calls(7).splitlines(keepends=True)
    whole = [parsed for _, parsed in read_bytes("requests", tmp_path, b"".join(lines))]
    parts = [
        parsed
        for start in range(0, 7, 3)
        for _, parsed in read_bytes("requests", tmp_path, b"".join(lines[start : start + 3]))
    ]
    assert parts == whole
