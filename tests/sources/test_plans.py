"""The vectorised plan of kind `requests` and its parser of single records say the same of every file, byte for byte."""

from __future__ import annotations

import gzip
import json
import os
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.intake.batches import Batches
from pipelines.intake.planned import FEW_LINES, PlannedFile
from pipelines.intake.spelling import spelt
from pipelines.intake.staging import Staging
from pipelines.intake.window import Window, outside
from pipelines.sources.files import Refused
from pipelines.sources.record import Quarantined
from pipelines.sources.registry import read
from pipelines.storage.models import sql
from tests.sources.reading import CALL, file_ref
from tests.workspaces import Bench, call

ROWS = (
    "select canonical, * exclude (canonical, payload) replace (map_entries(tags) as tags, map_entries(extras) as extras, "
    "map_entries(resource_tags) as resource_tags) from records order by line"
)


def rows_of(con: duckdb.DuckDBPyConnection) -> list[Any]:
    """All that was stored; texts in the spelling in which they are compared."""
    return [(spelt(canonical), *others) for canonical, *others in con.execute(ROWS).fetchall()]


def connection() -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    con.execute("set timezone = 'UTC'; set preserve_insertion_order = false; set threads = 2")
    con.execute(sql("storage/ledger_schema"))
    return con


def one_by_one(path: Path) -> tuple[list[Any], list[Any]]:
    """Rows as stored, and refusals, by the parser of single records."""
    con = connection()
    batches = Batches(Staging(con))
    refused = []
    for line, parsed in read("requests", file_ref(path)):
        if isinstance(parsed, Quarantined):
            refused.append((line, parsed))
        else:
            batches.add(("calls", "requests", path.name, line), parsed)
    batches.flush()
    return rows_of(con), refused


def planned(path: Path, piece_size: int = 16 << 20, few: int = 0, **more: Any) -> tuple[list[Any], list[Any], int]:
    """The same by the plan, and how many records the plan itself read."""
    con = connection()
    batches = Batches(Staging(con))
    refused = []
    file = PlannedFile(Staging(con), "calls", file_ref(path), piece_size=piece_size, few=few, **more)
    for line, parsed in file.results():
        if isinstance(parsed, Quarantined):
            refused.append((line, parsed))
        else:
            batches.add(("calls", "requests", path.name, line), parsed)
    batches.flush()
    return rows_of(con), refused, file.taken


def assert_same(path: Path, **more: Any) -> int:
    rows, refused = one_by_one(path)
    found, kept_out, taken = planned(path, **more)
    assert found == rows
    assert kept_out == refused
    return taken


def written(folder: Path, content: bytes, name: str = "log.jsonl") -> Path:
    path = folder / name
    if name.endswith(".gz"):
        content = gzip.compress(content, mtime=0)
    elif name.endswith(".zst"):
        content = zstandard.ZstdCompressor().compress(content)
    path.write_bytes(content)
    return path


def lines_of(*lines: Any) -> bytes:
    return b"".join(line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n" for line in lines)


NAMES = ["openai", " Azure_OpenAI ", "vertex_ai", "calder-onprem", "é", "OpenAI", "\u00a0openai"]
TEXTS = st.sampled_from(
    [
        "a",
        "rec-261026-007",
        "naïve ﬁle",
        "with space",
        "x" * 300,
        "y" * 1024,
        "z" * 1025,
        "",
        "12",
        'q"q',
        "b\\s",
        "t\tn",
    ]
)
ODD = st.sampled_from(
    [None, True, False, 0, -1, 12, 12.0, 1.5, "12", [], {}, [1], {"a": 1}, 10**12, 10**12 + 1, 10**30, ""]
)
COUNT = st.integers(0, 5000)
TIMES = st.sampled_from(
    [
        "2026-11-20T12:00:00Z", "2026-11-20T12:00:00.5Z", "2026-11-20T12:00:00.123456789Z", "2026-11-20t12:00:00z",
        "2026-11-20 12:00:00+02:00", "2026-11-20T12:00:00.123+05:30", "2026-11-20T12:00:00-23:59", "2026-02-30T00:00:00Z",
        "2026-11-20T24:00:00Z", "2026-11-20T23:59:60Z", "2026-11-20", "2026-11-20T12:00:00", "2027-11-20T12:00:00Z",
        "1969-11-20T12:00:00Z", "0001-01-01T00:00:00Z", "2026-11-22T11:59:59.999999Z", "2026-11-22T12:00:00.000001Z",
        "2026-11-20T12:00:00.1234567+00:00", "2026-11-20T12:00:00+24:00", 1763640000, "٢٠٢٦-11-20T12:00:00Z",
    ]
)  # fmt: skip
EXTRA_NAMES = st.sampled_from(
    [
        "team", "Team", "finops.document_id", "documentId", "document_id", "user_id", "prompt", "api_key", "temperature",
        "a b", "k\u00e9y", "q\"k", "x.y", "error_code", "", "weird\\name", "Region", "region2", "outlay.team",
    ]
)  # fmt: skip
SECRETS = [
    "sk-abcdefghijklmnop",
    "Bearer abcdefghijkl",
    "KEY-aaaaaaaaaaaaaa",
    "https://u:p@host/x",
    "\u212aEY-aaaaaaaaaaaaaa",
]
EXTRA_VALUES = st.one_of(
    st.sampled_from(
        [
            "crm",
            "crm-platform-and-more",
            429,
            0.7,
            1.0,
            1e-7,
            12345678901234567890,
            -5,
            True,
            None,
            "",
            [],
            "x" * 256,
            "x" * 257,
            "é" * 200,
            *SECRETS,
        ]
    ),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
)
COSTS = st.one_of(
    st.decimals(0, 10**9, places=8).map(str),
    st.floats(0, 100, allow_nan=False),
    st.sampled_from(
        [
            "0.0000000000005", "0.0000000000015", "0.00000000000150000001", "1e-5", "5E-7", "1e3", "-1", "+1", ".5", "5.",
            "1_0", " 1", "999999999.9999999999999", 999999999.9999, 1000000000, 0, 0.0, -0.0, 1e-5, 2.25e-05, 12, "0.50",
            "1" * 40, "nan", "0x1", 1e22,
        ]
    ),
)  # fmt: skip


@st.composite
def records(draw: st.DrawFn) -> dict[str, Any]:
    record: dict[str, Any] = {
        "request_id": draw(st.sampled_from(["r1", "r2", "req-é"])),
        "time": "2026-11-20T12:00:00.250Z",
        "provider": draw(st.sampled_from(NAMES)),
        "model": "gpt-5-mini",
        "input_tokens": draw(st.integers(5000, 90000)),
        "output_tokens": draw(st.integers(5000, 90000)),
    }
    for name in (
        "cache_read_tokens",
        "cache_write_tokens",
        "cache_write_long_tokens",
        "reasoning_tokens",
        "latency_ms",
    ):
        if draw(st.booleans()):
            record[name] = draw(COUNT)
    for name in ("workflow", "task_type", "unit_id", "attempt_id", "stratum", "response_id"):
        if draw(st.booleans()):
            record[name] = draw(
                st.sampled_from(["legal", "rec-1", "", None]) if draw(st.booleans()) else st.just("plain")
            )
    if draw(st.booleans()):
        record["team"] = "crm-platform"
    if draw(st.booleans()):
        record["cost_usd"] = draw(COSTS)
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 1, 2, 3]))):
        what = draw(st.integers(0, 7))
        if what == 0:
            record["time"] = draw(TIMES)
        elif what == 1:
            record[
                draw(st.sampled_from([*CALL, "cost_usd", "latency_ms", "reasoning_tokens", "workflow", "region"]))
            ] = draw(ODD)
        elif what == 2:
            record[draw(EXTRA_NAMES)] = draw(EXTRA_VALUES)
        elif what == 3:
            record.pop(draw(st.sampled_from(list(CALL))), None)
        elif what == 4:
            record["status"] = draw(st.sampled_from(["ok", "error", "failed", None, "", 1]))
            record["service_tier"] = draw(st.sampled_from(["standard", "batch", "Batch", None, ""]))
            record["region"] = draw(st.sampled_from(["eu", "global", "standard", "", None, 7]))
        elif what == 5:
            record["units"] = draw(
                st.sampled_from(
                    [
                        [],
                        None,
                        [{"unit_id": "u1", "weight": 2}],
                        [{"unit_id": "u2"}, {"unit_id": "u1", "weight": 0.50}],
                        [7],
                    ]
                )
            )
        elif what == 6:
            record[draw(st.sampled_from(["workflow", "unit_id", "model", "request_id", "response_id"]))] = draw(TEXTS)
        else:
            record["latency_ms"] = draw(
                st.sampled_from([812.4, 812.5, 813.5, 0.1, 1e-5, 1e13, -1, 812.0, 10**12, "12"])
            )
    return dict(draw(st.permutations(list(record.items()))))


RAW = st.sampled_from(
    [
        b"\n", b"  \n", b"\r\n", b"{\n", b"[]\n", b"12\n", b"null\n", b"{}\n", b"{} {}\n", b"\xff\xfe\xfd\n", b"{\"request_id\":\"\xff\"}\n",
        b'{"request_id":"r1","time":"2026-11-20T12:00:00Z","provider":"openai","model":"m","input_tokens":1,"output_tokens":1,}\n',
        b'{"request_id":"r1","time":"2026-11-20T12:00:00Z","provider":"openai","model":"m","input_tokens":1,"input_tokens":2,"output_tokens":1}\n',
        b'{"request_id":"r1","time":"2026-11-20T12:00:00Z","provider":"openai","model":"m","input_tokens":1e0,"output_tokens":1}\n',
        b'{"request_id":"r1","time":"2026-11-20T12:00:00Z","provider":"openai","model":"m","input_tokens":-0,"output_tokens":1}\n',
        b'{"request_id":"r1","time":"2026-11-20T12:00:00Z","provider":"openai","model":12,"input_tokens":"1","output_tokens":1}\n',
        b'{"request_id":"r1","time":"2026-11-20T12:00:00Z","provider":"openai","model":1e3,"input_tokens":1,"output_tokens":1,"":1}\n',
        b'{"request_id":"r1","time":"2026-11-20T12:00:00Z","provider":"openai","model":"m","input_tokens":1,"output_tokens":1,"cost_usd":2.25e-05,}\n',
        b'{"request_id":"r1","time":"2026-11-20T12:00:00Z","provider":"openai","model":"m","input_tokens":1,"output_tokens":1,"cost_usd":0.10000000000000000555}\n',
        b'{"request_id":"r1","time":"2026-11-20T12:00:00Z","provider":"openai","model":"m","input_tokens":NaN,"output_tokens":1}\n',
        b'{ "request_id" :"r1","time":"2026-11-20T12:00:00Z","provider":"openai","model":"m","input_tokens":1,"output_tokens":1}\n',
        b'\t{"request_id":"r1","time":"2026-11-20T12:00:00Z","provider":"openai","model":"m","input_tokens":1,"output_tokens":1} \r\n',
        b'{"Request_id":"r1","request_id":"r2","time":"2026-11-20T12:00:00Z","provider":"openai","model":"m","input_tokens":1,"output_tokens":1}\n',
        b'{"request_id":"r1","time":"2026-11-20T12:00:00Z","provider":"openai","Model":"m","input_tokens":1,"output_tokens":1}\n',
        b'\xef\xbb\xbf{"request_id":"r1","time":"2026-11-20T12:00:00Z","provider":"openai","model":"m","input_tokens":1,"output_tokens":1}\n',
        b'{"request_id":"r1","time":"2026-11-20T12:00:00Z","provider":"openai","model":"m\x00","input_tokens":1,"output_tokens":1}\n',
        b'{"request_id":"r1","time":"2026-11-20T12:00:00Z","provider":"openai","model":"m","input_tokens":1,"output_tokens":1,"x":null,"region":null}\n',
        b'{"request_id":"r1","time":"2026-11-20T12:00:00Z","provider":"openai","model":"\\u0041\\ud800","input_tokens":1,"output_tokens":1}\n',
        b'{"request_id":"r1","time":"2026-11-20T12:00:00Z","provider":"openai","model":"m","input_tokens":1,"output_tokens":1,"a":[[[[]]]]}\n',
        b'{"request_id":"r1","time":"2026-11-20T12:00:00Z","provider":"openai","model":"m","input_tokens":1,"output_tokens":1}/**/\n',
        b'{"request_id":"r1","time":"2026-11-20T12:00:00Z","provider":"openai","model":"m","input_tokens":1,"output_tokens":1,"team":"=cmd\x7f"}\n',
    ]
)  # fmt: skip
STYLES = st.sampled_from([(",", ":"), (", ", ": "), (",", ": ")])


@st.composite
def logs(draw: st.DrawFn) -> bytes:
    style, ascii_only, ending = draw(STYLES), draw(st.booleans()), draw(st.sampled_from([b"\n", b"\n", b"\r\n"]))
    lines: list[bytes] = []
    for _ in range(draw(st.integers(1, 12))):
        if draw(st.integers(0, 5)) == 0:
            lines.append(draw(RAW))
        else:
            text = json.dumps(draw(records()), separators=style, ensure_ascii=ascii_only)
            lines.append(text.encode("utf-8", "replace") + ending)
    content = b"".join(lines)
    return content if draw(st.booleans()) else content.removesuffix(b"\n")


@settings(
    deadline=None, max_examples=int(os.environ.get("OUTLAY_EXAMPLES", "60")), suppress_health_check=list(HealthCheck)
)
@given(
    content=logs(),
    name=st.sampled_from(["log.jsonl", "log.jsonl.gz", "log.jsonl.zst"]),
    piece=st.sampled_from([300, 1000, 1 << 20]),
)
def test_both_paths_give_the_same_tables_and_quarantine(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, name: str, piece: int
):
    path = written(tmp_path_factory.mktemp("log"), content, name)
    try:
        one_by_one(path)
    except Refused as refusal:
        with pytest.raises(Refused, match=str(refusal)[:20]):
            planned(path, piece_size=piece)
        return
    assert_same(path, piece_size=piece)


def test_the_plan_itself_reads_a_usual_log(tmp_path: Path):
    usual = [
        CALL | {"request_id": f"r{i}", "team": "crm", "cost_usd": "0.0123", "workflow": "claims"} for i in range(50)
    ]
    tight = b"".join(json.dumps(call, separators=(",", ":")).encode() + b"\n" for call in usual)
    assert assert_same(written(tmp_path, tight)) == 50
    assert assert_same(written(tmp_path, lines_of(*usual), "spaced.jsonl")) == 50
    assert assert_same(written(tmp_path, tight.replace(b"\n", b"\r\n"), "returns.jsonl.gz")) == 50


@pytest.mark.parametrize(
    "more",
    [
        {"region": None, "response_id": None, "latency_ms": 812.5},
        {"cost_usd": 2.25e-05, "latency_ms": 812},
        {"cost_usd": 0.012345000000000001, "temperature": 0.7, "stream": True, "retries": 2},
        {"prompt_tokens_hint": 7, "documentId": "d-1", "finops.team": "crm", "prompt": "never kept", "x": None},
        {"status": "error", "service_tier": "batch", "region": "eu", "model": "modèle"},
        {"time": "2026-11-20T12:00:00.123456789Z"},
        {"time": "2026-11-20T14:00:00.5+02:00", "workflow": ""},
    ],
)
def test_the_plan_itself_reads_what_common_writers_write(tmp_path: Path, more: dict[str, Any]):
    content = b"".join(json.dumps(CALL | more, ensure_ascii=False).encode() + b"\n" for _ in range(30))
    assert assert_same(written(tmp_path, content)) == 30


def test_an_odd_line_costs_only_itself(tmp_path: Path):
    odd = [
        b"{\n",
        b"\xff\n",
        CALL | {"input_tokens": "12"},
        CALL | {"model": "a\\b"},
        CALL | {"units": [{"unit_id": "u"}]},
        b"\n",
    ]
    content = lines_of(*[CALL] * 20, *odd, *[CALL] * 20)
    assert assert_same(written(tmp_path, content)) == 40


def test_lines_over_the_limit_and_pieces_that_end_anywhere(tmp_path: Path):
    long = json.dumps(CALL | {"team": "x" * (1 << 20)}).encode() + b"\n"
    longer = b'{"a":"' + b"x" * (5 << 20) + b'"}\n'
    content = lines_of(CALL, CALL) + long + lines_of(CALL) + longer + lines_of(CALL) + longer.rstrip(b"\n")
    path = written(tmp_path, content)
    for size in (1 << 16, 1 << 21, 1 << 25):
        assert assert_same(path, piece_size=size) == 4


@pytest.mark.parametrize("fault", ["truncated", "checksum", "utf-16"])
def test_a_file_that_is_refused_by_one_path_is_refused_by_the_other(tmp_path: Path, fault: str):
    content = lines_of(*[CALL] * 500)
    if fault == "utf-16":
        path = written(tmp_path, content.decode().encode("utf-16"))
    else:
        path = written(tmp_path, content, "log.jsonl.gz")
        packed = path.read_bytes()
        path.write_bytes(packed[:-20] if fault == "truncated" else packed[:-8] + b"\0\0\0\0" + packed[-4:])
    said = []
    for way in (one_by_one, planned):
        with pytest.raises(Refused) as refusal:
            way(path)
        said.append(str(refusal.value))
    assert said[0] == said[1]


def test_only_the_days_of_the_window_are_taken(tmp_path: Path):
    hours = [f"2026-11-{day}T{hour:02}:30:00Z" for day in (18, 19, 20) for hour in (0, 7, 23)]
    path = written(tmp_path, lines_of(*[CALL | {"time": hour} for hour in hours], b"{\n"))
    zone = "America/New_York"
    sql = outside(
        Window(date(2026, 11, 18), date(2026, 11, 19)), [Window(date(2026, 11, 18), date(2026, 11, 18))], zone
    )
    rows, refused, taken = planned(path, outside=sql)
    assert [row[8].isoformat() for row in rows] == [
        "2026-11-19T07:30:00+00:00", "2026-11-19T23:30:00+00:00", "2026-11-20T00:30:00+00:00",
    ]  # fmt: skip
    assert (taken, len(refused)) == (3, 1)


def test_a_secret_among_the_tags_is_dropped_on_both_paths(tmp_path: Path):
    for secret in SECRETS:
        path = written(tmp_path, lines_of(*[CALL | {"team": "crm"}] * 3, CALL | {"team": secret}))
        assert assert_same(path) == 3


def test_a_grown_log_gives_only_its_new_records(bench: Bench):
    bench.calls(*[call(f"r{i}") for i in range(FEW_LINES + 100)])
    assert bench.run()["records"]["stored"] == FEW_LINES + 100
    bench.calls(*[call(f"r{i}") for i in range(FEW_LINES + 150)])
    records = bench.run()["records"]
    assert (records["stored"], records["duplicate"]) == (50, FEW_LINES + 100)


def test_how_a_record_is_spelt_makes_no_second_payload(bench: Bench):
    calls = [call(f"r{i}", input_tokens=100, cost_usd=0.5, retries=2) for i in range(FEW_LINES + 50)]
    spelt_otherwise = [
        json.dumps(dict(reversed(each.items())), indent=None).replace("0.5,", "0.50 ,") for each in calls
    ]
    bench.calls(*calls)
    before = bench.run()["records"], bench.fingerprint()
    bench.calls(*spelt_otherwise, file="b.jsonl")
    records = bench.run()["records"]
    assert (before[0]["stored"], records["stored"], records["duplicate"]) == (len(calls), 0, len(calls))
    assert bench.fingerprint() == before[1]
    assert bench.run(full=True)["records"]["duplicate"] == len(calls)
    assert bench.fingerprint() == before[1]


def test_of_two_payloads_that_tie_the_greater_canonical_text_wins_whatever_was_read_first(bench: Bench):
    first = [call(f"r{i}", workflow="claims", team="a") for i in range(FEW_LINES + 50)]
    other = [
        json.dumps(call(f"r{i}", workflow="claims", team="b"), separators=(" , ", " : ")) for i in range(FEW_LINES + 50)
    ]
    bench.calls(*first)
    bench.run()
    bench.calls(*other, file="0.jsonl")
    records = bench.run()["records"]
    assert (records["stored"], records["superseded"]) == (len(other), 0)
    apart = bench.fingerprint()
    bench.run(full=True)
    assert bench.fingerprint() == apart
