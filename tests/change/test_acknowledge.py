"""`outlay acknowledge`: what may be acknowledged, what is recorded, and what the next run makes of it."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipelines.change.acknowledge import Named, acknowledge, parse
from pipelines.routing.status import recorded_references
from pipelines.workspace.decisions import FILE_NAME, Decision, append_decision, read_decisions
from pipelines.workspace.errors import NothingPublished, OutlayError, UsageError
from tests.change.simulated import MONDAY
from tests.change.watched import days, watched
from tests.routing.workspaces import advice, go_live, switch, workspace
from tests.workspaces import Bench

DRIFT_DAY = MONDAY + timedelta(days=61)
ALARM = f"mailing:drift:{DRIFT_DAY}"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    bench = watched(tmp_path_factory.mktemp("watched") / "ws")
    days(bench, ["0.10"] * 60 + ["0.13"] * 8)
    bench.run()
    return bench.root


@pytest.fixture
def alarmed(published: Path, tmp_path: Path) -> Bench:
    """60 days at ten cents a letter, then 8 at thirteen: a shock on day 60 and a drift on day 61 are open."""
    shutil.copytree(published, tmp_path / "ws")
    return watched(tmp_path / "ws")


def statuses(bench: Bench) -> dict[str, str]:
    return {row["kind"]: row["status"] for row in bench.export("drift")}


def open_alerts(bench: Bench) -> set[str]:
    return {row["kind"] for row in bench.export("alerts")} & {"shock", "drift"}


def test_the_next_run_takes_a_decision_in_though_no_log_is_new(alarmed: Bench):
    before = alarmed.run()["published"]
    done = acknowledge(alarmed.loaded, ALARM, by="finops-lead", reason="longer letters")
    assert done.text.splitlines()[0].startswith(f"{ALARM} is acknowledged by finops-lead. Its baseline stays")
    [line] = read_decisions(alarmed.root)
    assert (line.kind, line.workflow, line.alarm, line.detected_day, line.by, line.reason) == (
        "acknowledge", "mailing", "drift", DRIFT_DAY, "finops-lead", "longer letters",
    )  # fmt: skip
    assert line.holds_from == datetime(2026, 8, 8, tzinfo=UTC)  # the day after as-of
    assert line.system_user
    assert statuses(alarmed) == {"shock": "open", "drift": "open"}
    after = alarmed.run()
    assert after["published"] != before
    assert statuses(alarmed) == {"shock": "open", "drift": "acknowledged"}
    assert open_alerts(alarmed) == {"shock"}
    [row] = [r for r in alarmed.export("drift") if r["kind"] == "drift"]
    assert (row["acknowledged_by"], row["reason"], row["closed_day"]) == ("finops-lead", "longer letters", "2026-08-08")
    assert alarmed.run()["published"] == after["published"]


def test_a_full_rebuild_replays_the_same_alarms_and_decisions(alarmed: Bench):
    acknowledge(alarmed.loaded, ALARM, by="ann", rebase=True)
    alarmed.run()
    before = alarmed.fingerprint()
    alarmed.run(full=True)
    assert alarmed.fingerprint() == before


def test_rebasing_accepts_what_is_open_and_begins_a_new_baseline(alarmed: Bench):
    done = acknowledge(alarmed.loaded, "mailing/drift", by="ann", rebase=True)
    assert f"begins anew on {DRIFT_DAY}" in done.text
    alarmed.run()
    assert statuses(alarmed) == {"shock": "acknowledged", "drift": "acknowledged"}
    assert open_alerts(alarmed) == set()
    with alarmed.published.connect() as con:
        [(state, known)] = con.execute("select state, baseline_days from drift_state").fetchall()
    # as-of is day 67, days to 65 are mature: 61 to 65
    assert (state, known) == ("5 of 28 days of baseline", None)


def test_a_baseline_begins_anew_without_an_alarm_too(tmp_path: Path):
    bench = watched(tmp_path)
    days(bench, ["0.10"] * 40)
    bench.run()
    done = acknowledge(bench.loaded, "mailing", by="ann", rebase=True)
    assert "alarm" not in done.document["decision"]
    bench.run()
    with bench.published.connect() as con:
        assert con.execute("select state from drift_state").fetchall() == [("0 of 28 days of baseline",)]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("mailing:drift:2026-08-01", Named("mailing", "drift", DRIFT_DAY)),
        ("mailing:shock", Named("mailing", "shock")),
        ("mailing/drift", Named("mailing", "drift")),
        ("mailing", Named("mailing")),
        ("mailing/addressing", Named("mailing", task_type="addressing")),
    ],
)
def test_what_people_type_is_taken_apart(tmp_path: Path, text: str, named: Named):
    assert parse(text, watched(tmp_path).loaded) == named


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("mailings:drift", "no workflow 'mailings' is declared"),
        ("mailing:jump", "'jump' is no kind of alarm"),
        ("mailing:drift:yesterday", "names no alarm"),
        ("mailing:drift:2026-13-01", "is no day"),
        ("", "names no alarm"),
        ("mailing", "names several"),
    ],
)
def test_a_name_that_is_none_is_wrong_usage_and_records_nothing(alarmed: Bench, text: str, says: str):
    with pytest.raises(UsageError, match=says):
        acknowledge(alarmed.loaded, text, by="ann")
    assert not (alarmed.root / FILE_NAME).exists()


def test_an_alarm_that_is_not_open_is_refused(alarmed: Bench):
    with pytest.raises(OutlayError, match="no alarm mailing:drift:2026-07-01 is published"):
        acknowledge(alarmed.loaded, "mailing:drift:2026-07-01", by="ann")
    acknowledge(alarmed.loaded, "mailing:drift", by="ann")
    alarmed.run()
    with pytest.raises(OutlayError, match="no open alarm mailing:drift is published"):
        acknowledge(alarmed.loaded, "mailing:drift", by="ann")
    with pytest.raises(OutlayError, match="is acknowledged already"):
        acknowledge(alarmed.loaded, ALARM, by="ann")
    assert len(read_decisions(alarmed.root)) == 1


def test_nothing_can_be_acknowledged_before_the_first_run(tmp_path: Path):
    with pytest.raises(NothingPublished):
        acknowledge(watched(tmp_path).loaded, "mailing:drift", by="ann")


def test_the_reference_of_a_route_is_given_up_until_another_is_approved(tmp_path: Path):
    loaded = workspace(tmp_path / "w")
    with pytest.raises(OutlayError, match="no reference is recorded for contract_review/clause_extraction"):
        acknowledge(loaded, "contract_review/clause_extraction", by="ann")
    go_live(loaded)
    route = ("contract_review", "clause_extraction")
    assert recorded_references(loaded) == {route: "openai/gpt-5.4"}
    done = acknowledge(loaded, "contract_review/clause_extraction", by="ann", reason="the old model is retired")
    assert "no longer compared with openai/gpt-5.4" in done.text
    assert recorded_references(loaded) == {}
    [line] = read_decisions(loaded.root)
    assert (line.kind, line.workflow, line.task_type, line.alarm) == ("rebase", *route, None)


def test_a_rebase_before_the_approval_leaves_the_new_reference(tmp_path: Path):
    loaded = workspace(tmp_path / "w")
    early = datetime(2026, 11, 1, tzinfo=UTC)
    append_decision(
        loaded.root,
        Decision(at=early, by="ann", kind="rebase", workflow="contract_review", task_type="clause_extraction"),
    )
    go_live(loaded, advice(switch()))
    assert recorded_references(loaded) == {("contract_review", "clause_extraction"): "openai/gpt-5.4"}


def entry(n: int) -> Decision:
    return Decision(
        at=datetime(2026, 11, 1, tzinfo=UTC), by=f"p{n}", kind="rebase", workflow="w", reason="line\u2028break, \"quoted\"\n"
    )  # fmt: skip


def test_many_may_decide_at_once_and_no_line_is_lost_or_torn(tmp_path: Path):
    def ten(n: int) -> None:
        for _ in range(10):
            append_decision(tmp_path, entry(n))

    with ThreadPoolExecutor(4) as people:  # each call opens the file anew, so they lock each other out as processes do
        list(people.map(ten, range(4)))
    found = read_decisions(tmp_path)
    assert sorted(d.by for d in found) == sorted(f"p{n}" for n in range(4) for _ in range(10))
    assert {d.reason for d in found} == {entry(0).reason}


def test_a_line_is_added_behind_one_that_lacks_its_end(tmp_path: Path):
    (tmp_path / FILE_NAME).write_text(entry(1).line())
    append_decision(tmp_path, entry(2))
    assert [d.by for d in read_decisions(tmp_path)] == ["p1", "p2"]


def test_a_clock_that_was_set_back_does_not_break_the_order(tmp_path: Path):
    append_decision(tmp_path, entry(1))
    later = append_decision(tmp_path, entry(2).model_copy(update={"at": datetime(2026, 1, 1, tzinfo=UTC)}))
    assert later.at == entry(1).at
    assert len(read_decisions(tmp_path)) == 2


def test_a_file_that_cannot_be_read_is_left_as_it_is(tmp_path: Path):
    (tmp_path / FILE_NAME).write_text('{"at": \n')
    with pytest.raises(UsageError, match="line 1: not valid JSON"):
        append_decision(tmp_path, entry(1))
    assert (tmp_path / FILE_NAME).read_text() == '{"at": \n'


def test_a_link_is_not_followed(tmp_path: Path):
    (tmp_path / "elsewhere").write_text("")
    (tmp_path / FILE_NAME).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OutlayError, match="nothing was recorded"):
        append_decision(tmp_path, entry(1))
    assert (tmp_path / "elsewhere").read_text() == ""


def test_the_verb_answers_in_words_and_as_json(alarmed: Bench, capsys, monkeypatch):
    from pipelines import cli

    def outlay(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["outlay", "--workspace", str(alarmed.root), *words])
        with pytest.raises(SystemExit) as left:
            cli.main()
        said = capsys.readouterr()
        return int(left.value.code or 0), said.out, said.err

    assert outlay("acknowledge", "mailing:drift")[0] == 2  # --by is missing
    code, _, err = outlay("acknowledge", "nobody:drift", "--by", "ann")
    assert (code, "no workflow 'nobody' is declared" in err) == (2, True)
    code, out, _ = outlay("--json", "acknowledge", "mailing:drift", "--by", "ann", "--rebase")
    document = json.loads(out)
    assert (code, document["takes_effect"], document["decision"]["kind"]) == (0, "next run", "rebase")
    assert (document["decision"]["workflow"], document["decision"]["detected_day"]) == ("mailing", str(DRIFT_DAY))
