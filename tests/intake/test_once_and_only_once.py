"""Every record is counted, and every call counts once, whatever files, sources and runs report it."""

from __future__ import annotations

import gzip
import json
import random
from datetime import date

import pytest

from pipelines.storage import ledger
from pipelines.workspace.errors import OutlayError, UsageError
from tests.workspaces import BASE, Bench, call, event


def counts(read, stored, duplicate=0, superseded=0, quarantined=0):
    return {
        "read": read, "stored": stored, "duplicate": duplicate, "superseded": superseded, "quarantined": quarantined,
    }  # fmt: skip


def two_sources(**extra):
    """A gateway that beats the traces."""
    return {
        "sources": [
            {"name": "gateway", "kind": "requests", "path": "logs/gateway/*.jsonl", "priority": 10},
            {"name": "traces", "kind": "requests", "path": "logs/traces/*.jsonl", "priority": 5},
            *BASE["sources"][1:],
        ],
        **extra,
    }


def test_a_second_run_reads_nothing_and_changes_no_fingerprint(bench: Bench):
    bench.calls(call("r1"))
    bench.outcomes(event("e1"))
    first = bench.run()
    before = bench.fingerprint()
    second = bench.run()
    assert first["records"] == counts(2, 2)
    assert second["records"] == counts(0, 0)
    assert second["files"] == {"read": 0, "unchanged": 2, "refused": 0}
    assert (second["published"], second["days"]) == (first["published"], [])
    assert bench.fingerprint() == before


def test_a_repeated_record_is_a_duplicate_and_a_changed_one_is_superseded(bench: Bench):
    bench.calls(call("r1"), call("r1"), call("r1", output_tokens=200), call("r1", status="error"))
    assert bench.run()["records"] == counts(4, 1, duplicate=1, superseded=2)
    assert [r["output_tokens"] for r in bench.export("requests")] == ["200"]


def test_key_order_white_space_and_number_spelling_make_no_other_record(bench: Bench):
    text = json.dumps(call("r1", cost_usd=0.0040))
    respelt = json.dumps(dict(reversed(call("r1").items()))).replace("{", "{ ")[:-1] + ', "cost_usd" : 4e-3 }'
    bench.lines("logs/calls/a.jsonl", [text, respelt])
    assert bench.run()["records"] == counts(2, 1, duplicate=1)


@pytest.mark.parametrize("order", range(4))
def test_the_winner_of_two_payloads_is_the_same_in_any_order_and_number_of_runs(tmp_path, order):
    payloads = [
        call("r1", output_tokens=90), call("r1", output_tokens=100, workflow="claims"),
        call("r1", output_tokens=100, input_tokens=1001), call("r1", output_tokens=100, input_tokens=1001, task_type="zz"),
    ]  # fmt: skip
    random.Random(order).shuffle(payloads)
    bench = Bench(tmp_path)
    for number, payload in enumerate(payloads):
        bench.calls(payload, file=f"{number}.jsonl")
        if order % 2:
            bench.run()
    bench.run()
    [row] = bench.export("requests")
    assert (row["output_tokens"], row["input_tokens"], row["task_type"]) == ("100", "1001", "zz")


def test_a_call_seen_by_two_sources_counts_once_with_the_tags_that_only_the_loser_carries(tmp_path):
    bench = Bench(tmp_path, two_sources())
    untagged = {
        k: v for k, v in call("g1", response_id="resp-1").items() if k not in ("workflow", "unit_id", "task_type")
    }
    bench.lines("logs/gateway/a.jsonl", [untagged])
    bench.lines(
        "logs/traces/a.jsonl",
        [call("t1", response_id="resp-1", input_tokens=900), call("t2", response_id="resp-2")],
    )
    assert bench.run()["records"] == counts(3, 2, superseded=1)
    rows = {
        r["request_id"]: (r["source"], r["input_tokens"], r["workflow"], r["unit_id"]) for r in bench.export("requests")
    }
    assert rows == {"g1": ("gateway", "1000", "review", "d1"), "t2": ("traces", "1000", "review", "d1")}


@pytest.mark.parametrize("first", ["gateway", "traces"])
def test_sources_may_come_in_separate_runs_in_either_order(tmp_path, first):
    bench = Bench(tmp_path, two_sources())
    records = {
        "gateway": [call("g1", response_id="resp-1", time="2026-10-21T00:00:01Z")],
        "traces": [call("t1", response_id="resp-1", time="2026-10-20T23:59:59Z", stratum="hard")],
    }
    for name in (first, *(n for n in records if n != first)):
        bench.lines(f"logs/{name}/a.jsonl", records[name])
        bench.run()
    assert [(r["request_id"], r["time"]) for r in bench.export("requests")] == [("g1", "2026-10-21T00:00:01.000000Z")]
    assert [(r["day"], r["requests"]) for r in bench.export("daily_cost")] == [("2026-10-21", "1")]


def test_the_same_request_id_in_two_sources_without_response_ids_is_two_calls(tmp_path):
    bench = Bench(tmp_path, two_sources())
    bench.lines("logs/gateway/a.jsonl", [call("r1")])
    bench.lines("logs/traces/a.jsonl", [call("r1")])
    assert bench.run()["requests"] == 2


def test_order_splitting_and_compression_of_files_leave_the_same_fingerprint(tmp_path):
    calls = [call(f"r{i}", unit_id=f"d{i % 7}", time=f"2026-10-{10 + i % 9}T0{i % 10}:00:00Z") for i in range(60)]
    events = [event(f"e{i}", unit_id=f"d{i}", time=f"2026-10-{12 + i}T00:30:00Z") for i in range(7)]
    plain = Bench(tmp_path / "plain")
    plain.calls(*calls)
    plain.outcomes(*events)
    plain.run()
    prints = []
    for seed in range(2):
        shuffled = random.Random(seed).sample(calls, len(calls))
        split = Bench(tmp_path / f"split{seed}")
        for part in range(4):
            split.calls(*shuffled[part::4], *shuffled[:3], file=f"{part}.jsonl" + (".gz" if part % 2 else ""))
            if seed:
                split.run()
        split.outcomes(*reversed(events))
        split.run()
        prints.append(split.fingerprint())
    assert prints == [plain.fingerprint()] * 2


def test_day_by_day_equals_all_at_once_and_a_full_rebuild(tmp_path):
    calls = [call(f"r{i}", time=f"2026-10-{10 + i}T10:00:00Z", unit_id=f"d{i // 2}") for i in range(6)]
    events = [event(f"e{i}", unit_id=f"d{i}", time=f"2026-10-{12 + i}T10:00:00Z") for i in range(3)]
    at_once, by_day = Bench(tmp_path / "once"), Bench(tmp_path / "days")
    for bench in (at_once, by_day):
        bench.calls(*calls)
        bench.outcomes(*events)
    read = [by_day.run(first=date(2026, 10, d), last=date(2026, 10, d))["records"] for d in range(10, 16)]
    assert [r["stored"] for r in read] == [1, 1, 2, 2, 2, 1]
    assert all(r["read"] == r["stored"] for r in read)
    assert by_day.run()["records"] == counts(0, 0)
    at_once.run()
    assert by_day.fingerprint() == at_once.fingerprint()
    by_day.run(full=True)
    assert by_day.fingerprint() == at_once.fingerprint()


def test_a_grown_file_gives_only_its_new_records(bench: Bench):
    bench.calls(call("r1"))
    bench.run()
    bench.calls(call("r1"), call("r2"))
    assert bench.run()["records"] == counts(2, 1, duplicate=1)
    assert bench.run()["records"] == counts(0, 0)


def test_bad_lines_are_listed_with_file_and_line_and_harm_no_good_record(bench: Bench):
    bench.lines(
        "logs/calls/a.jsonl",
        [call("r1"), '{"request_id": "broken', call("r2", input_tokens="12"), call("r3")],
    )
    document = bench.run()
    assert document["records"] == counts(4, 2, quarantined=2)
    with bench.published.connect() as con:
        rows = con.execute("select file, line, reason from quarantine order by line").fetchall()
    assert rows == [
        ("logs/calls/a.jsonl", 2, "invalid JSON"),
        ("logs/calls/a.jsonl", 3, "input_tokens: expected a whole number from 0 to 10^12"),
    ]


def test_nothing_of_a_truncated_gzip_file_is_stored(bench: Bench):
    bench.calls(call("r1"))
    path = bench.calls(*(call(f"g{i}") for i in range(500)), file="b.jsonl.gz")
    path.write_bytes(path.read_bytes()[:-20])
    document = bench.run()
    assert document["files"] == {"read": 1, "unchanged": 0, "refused": 1}
    assert (document["records"], document["requests"]) == (counts(1, 1), 1)
    path.write_bytes(gzip.compress((json.dumps(call("g1")) + "\n").encode(), mtime=0))
    assert bench.run()["records"] == counts(1, 1)


def test_links_and_folders_outside_are_refused_unopened(bench: Bench, tmp_path):
    outside = tmp_path / "secret.jsonl"
    outside.write_text(json.dumps(call("stolen")) + "\n")
    bench.calls(call("r1"))
    (bench.root / "logs/calls/link.jsonl").symlink_to(outside)
    document = bench.run()
    assert (document["files"]["refused"], document["requests"]) == (1, 1)
    with bench.published.connect() as con:
        assert con.execute("select file, line, reason from quarantine").fetchall() == [
            ("logs/calls/link.jsonl", None, "symlink")
        ]


def test_a_full_rebuild_refuses_to_forget_unless_told_so(bench: Bench):
    bench.calls(call("r1"))
    gone = bench.calls(call("r2", time="2026-10-21T10:00:00Z"), file="b.jsonl")
    bench.run()
    gone.unlink()
    assert bench.run()["requests"] == 2
    before = bench.fingerprint()
    with pytest.raises(OutlayError, match=r"2026-10-21 \(1\).*--keep-missing"):
        bench.run(full=True)
    assert bench.fingerprint() == before
    assert bench.run(full=True, keep_missing=True)["requests"] == 2
    assert bench.fingerprint() == before
    assert bench.run(full=True, accept_loss=True)["requests"] == 1


def test_a_source_under_a_new_name_is_rebuilt_and_never_counted_twice(bench: Bench):
    bench.calls(call("r1"), call("r2", time="2026-10-21T10:00:00Z"))
    gone = bench.calls(call("r3"), file="b.jsonl")
    bench.run()
    (source,) = [s for s in bench.config["sources"] if s["name"] == "calls"]
    source["name"] = "renamed"
    bench.save()
    with pytest.raises(OutlayError, match=r"source calls is called renamed now, .* outlay run --full"):
        bench.run()
    assert bench.run(full=True)["requests"] == 3
    assert {row["source"] for row in bench.export("requests")} == {"renamed"}
    source["name"] = "again"
    bench.save()
    gone.unlink()
    with pytest.raises(OutlayError, match=r"2026-10-20 \(1\).*--keep-missing"):
        bench.run(full=True)
    assert bench.run(full=True, keep_missing=True)["requests"] == 3
    assert bench.run()["requests"] == 3


def test_a_file_that_two_sources_read_is_refused(bench: Bench):
    bench.calls(call("r1"))
    bench.config["sources"].append({"name": "twice", "kind": "requests", "path": "logs/*/*.jsonl"})
    bench.save()
    with pytest.raises(UsageError, match=r"calls and twice both read logs/calls/"):
        bench.run()


def test_a_log_begun_anew_under_its_old_name_forgets_nothing(bench: Bench):
    bench.calls(call("r1"), call("r2"), call("r3", time="2026-10-21T10:00:00Z"))
    bench.outcomes(event("e1"), event("e2", unit_id="d2"))
    bench.evals(*(mark(item) for item in ("i1", "i2")))
    bench.run()
    before = bench.fingerprint()
    bench.calls(call("r2"))
    bench.outcomes(event("e2", unit_id="d2"))
    bench.evals(mark("i2"))
    assert bench.run()["records"]["duplicate"] == 3
    records = bench.run(full=True, keep_missing=True)["records"]
    assert (records["read"], records["stored"]) == (7, 7)
    assert bench.fingerprint() == before


def mark(item):
    return {
        "workflow": "review", "task_type": "extraction", "item_id": item, "provider": "openai", "model": "gpt-5.4",
        "quality": 1, "time": "2026-10-20T00:00:00Z", "signal": "label", "input_tokens": 1, "output_tokens": 1,
    }  # fmt: skip


def test_the_number_of_threads_changes_no_fingerprint(tmp_path, monkeypatch):
    opened = ledger.open_ledger
    units = [{"unit_id": "a", "weight": 2}, {"unit_id": "b", "weight": 1}, {"unit_id": "c", "weight": 1}]
    prints = []
    for threads in (1, 2, 4):

        def with_threads(file, threads=threads):
            con = opened(file)
            con.execute(f"set threads = {threads}")
            return con

        monkeypatch.setattr("pipelines.running.open_ledger", with_threads)
        bench = Bench(tmp_path / str(threads))
        bench.calls(*(call(f"r{i}", unit_id=f"d{i % 11}", output_tokens=100 + i) for i in range(300)))
        bench.calls(*(call(f"s{i}", units=units) for i in range(40)), file="shared.jsonl")
        bench.outcomes(*(event(f"e{i}", unit_id=f"d{i}") for i in range(11)))
        bench.run()
        prints.append(bench.fingerprint())
    assert prints[0] == prints[1] == prints[2]


def test_a_day_of_which_more_than_one_percent_is_refused_raises_an_alert_however_the_files_are_cut(tmp_path):
    good = [call(f"r{i}", time=f"2026-10-{20 + i % 2}T10:00:00Z") for i in range(300)]
    bad = [call(f"b{i}", time="2026-10-21T10:00:00Z", input_tokens="12") for i in range(3)] + [
        call("b9", time="2026-10-20T10:00:00Z", input_tokens="12")
    ]
    prints = []
    for cut in (1, 3):
        bench = Bench(tmp_path / str(cut))
        for part in range(cut):
            bench.calls(*(good + bad)[part::cut], file=f"{part}.jsonl")
        document = bench.run()
        assert [(a["day"], a["kind"], a["subject"]) for a in document["alerts"]] == [
            ("2026-10-21", "schema_drift", "calls")
        ]
        prints.append(bench.fingerprint())
    assert prints[0] == prints[1]
