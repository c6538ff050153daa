"""Once and only once, for ever: one call counts once, whichever files and sources report it, in whatever order.

The rules stand in `sql/intake/`: `places` for requests, `event_places` for outcomes, `evaluation_places` for marks.
A record with the very payload of a stored one is a duplicate; a different payload that loses is superseded.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import duckdb

from pipelines.intake.counts import Intake, add, count_places, tell_files
from pipelines.intake.sampling import tags_only
from pipelines.intake.spelling import spell_out
from pipelines.sources.usage import INPUT_EXTRAS, OUTPUT_EXTRAS
from pipelines.storage import lake
from pipelines.storage.models import extras_total, filled, literal, sql
from pipelines.workspace.load import Loaded


def deduplicate(
    con: duckdb.DuckDBPyConnection, loaded: Loaded, lake_root: Path, run_id: str, intake: Intake, *,
    everything: bool = False,
) -> None:  # fmt: skip
    """Settle what this run has read, in the ledger and the lake: count every record, and mark the days that must be redone.

    `everything`: decide every winner anew (the sources' priorities, or which of them are sampled, may have changed).
    """
    priorities = [(s.name, s.priority) for s in loaded.config.sources]
    con.execute("create or replace temp table source_priorities (source varchar, priority bigint)")
    con.executemany("insert into source_priorities values (?, ?)", priorities)
    _requests(con, lake_root, run_id, intake, everything=everything)
    _spans(con, lake_root, run_id)
    _outcomes(con, loaded, lake_root, run_id, intake)
    for family in ("evaluations", "scores"):
        settle_marks(con, family, lake_root, run_id, intake)
    tell_files(con, intake)


def _requests(
    con: duckdb.DuckDBPyConnection, lake_root: Path, run_id: str, intake: Intake, *, everything: bool
) -> None:  # fmt: skip
    repeated = _drop_repetitions(con, run_id)
    for (source, file), count in repeated.items():
        add(intake, source, file, 0, 0, count)
    if (
        tags_only(con, fresh=True) or everything
    ):  # the first record that says so takes the source's earlier days out too
        con.execute("create or replace temp table affected_keys as select distinct request_key from records")
    else:
        _affected(con, run_id)
    con.execute(
        "update records set wins = false where wins and run_id = $run and source in (from tags_only_sources)",
        {"run": run_id},
    )
    _decide(con, run_id)
    for source, file, stored, superseded in con.execute(filled("intake/file_counts", run=run_id)).fetchall():
        add(intake, source, file, stored, superseded, 0)
    columns = "* exclude (request_key, payload, day, own_rank, group_key, wins, run_id)"
    fresh = f"(select {columns} from records where run_id = {literal(run_id)})"
    lake.add(con, lake_root, "requests", fresh, run_id)


def _drop_repetitions(con: duckdb.DuckDBPyConnection, run_id: str) -> Counter[tuple[str, str]]:
    """Take out of this run's records those that say nothing new; how many of each (source, file).

    First those with the very text of another one. Then, of the few keys with several texts, those that are only spelt
    differently: their texts are brought to one spelling, which also decides between payloads that tie.
    """
    keys = filled("intake/repeated_keys", run=run_id, all_fresh=_all_fresh(con, run_id))
    con.execute(f"create or replace temp table repeated_keys as {keys}")
    con.execute(f"create or replace temp table repetitions as {filled('intake/repetitions', run=run_id)}")
    found = _drop(con)
    if spell_out(con, run_id):
        con.execute(f"create or replace temp table repetitions as {filled('intake/repetitions', run=run_id)}")
        found += _drop(con)
    return found


def _drop(con: duckdb.DuckDBPyConnection) -> Counter[tuple[str, str]]:
    """Delete `repetitions`; how many of each (source, file)."""
    counts = con.execute("select source, file, count(*) from repetitions group by source, file").fetchall()
    if counts:
        con.execute("delete from records where rowid in (select id from repetitions)")
    return Counter({(source, file): count for source, file, count in counts})


def _all_fresh(con: duckdb.DuckDBPyConnection, run_id: str) -> str:
    """`true` in SQL where the ledger holds no other record than this run's, else `false`."""
    earlier = con.execute("select 1 from records where run_id <> $run limit 1", {"run": run_id}).fetchall()
    return "false" if earlier else "true"


def _affected(con: duckdb.DuckDBPyConnection, run_id: str) -> None:
    """`affected_keys`: every key whose winner is not settled by its being alone, and what shares a call with it."""
    shared = filled("intake/shared_calls", run=run_id, all_fresh=_all_fresh(con, run_id))
    con.execute(f"create or replace temp table shared_calls as {shared}")
    con.execute(f"create or replace temp table affected_keys as {sql('intake/affected_keys')}")
    while con.execute(f"insert into affected_keys {sql('intake/further_keys')}").fetchall()[0][0]:
        pass


def _decide(con: duckdb.DuckDBPyConnection, run_id: str) -> None:
    """Places of all candidates; winners that changed re-open their days, and so do calls whose losers changed."""
    totals = {
        "input_extras": extras_total("", INPUT_EXTRAS),
        "output_extras": extras_total("", OUTPUT_EXTRAS),
    }
    con.execute(f"create or replace temp table candidates as {filled('intake/candidates', **totals)}")
    con.execute(f"create or replace temp table places as {sql('intake/places')}")
    con.execute(
        "create or replace temp table moved as select records.request_key, records.payload, places.own_rank, "
        "places.group_key, places.wins, records.day, records.wins and records.run_id <> $run as won from records "
        "inner join places using (request_key, payload) where "
        "records.wins is distinct from places.wins or records.group_key is distinct from places.group_key "
        "or records.own_rank is distinct from places.own_rank",
        {"run": run_id},
    )
    con.execute("insert into touched_days select distinct day from moved where won or wins")
    con.execute(
        "update records set own_rank = moved.own_rank, group_key = moved.group_key, wins = moved.wins from moved "
        "where records.request_key = moved.request_key and records.payload = moved.payload"
    )
    con.execute(f"insert into shared_groups {sql('intake/shared_groups')}")
    # a fresh loser lends its tags to the winner of its call, which may lie on another day
    con.execute(
        "insert into touched_days select distinct day from records where wins and group_key in (select places.group_key "
        "from records inner join places using (request_key, payload) where run_id = $run)",
        {"run": run_id},
    )
    con.execute("insert into fresh_days select distinct day from records where wins and run_id = $run", {"run": run_id})


def _spans(con: duckdb.DuckDBPyConnection, lake_root: Path, run_id: str) -> None:
    con.execute(
        "create or replace temp table fresh_spans as select trace_id, span_id, parent_span_id, time, tags "
        "from incoming_spans except select * from spans"
    )
    con.execute("insert into spans select * from fresh_spans")
    con.execute(
        "insert into touched_days select distinct day from records where trace_id in (select trace_id from fresh_spans)"
    )
    lake.add(con, lake_root, "spans", "fresh_spans", run_id)


def _outcomes(con: duckdb.DuckDBPyConnection, loaded: Loaded, lake_root: Path, run_id: str, intake: Intake) -> None:
    # found by their ids and fetched by their places: no other event's text is read
    again = "select rowid from outcome_events where event_id in (select event_id from incoming_outcomes)"
    places = filled("intake/event_places", which=f"outcome_events.rowid in ({again})")
    con.execute(f"create or replace temp table event_places as {places}")
    count_places(con, "event_places", intake)
    con.execute(
        "create or replace temp table fresh_events as select incoming_outcomes.* from incoming_outcomes "
        "inner join event_places using (event_id, canonical, source, file, line) "
        "where fresh = 1 and repetition = 1"
    )
    con.execute(
        "create or replace temp table touched_units as select workflow, unit_id from fresh_events union "
        "select workflow, unit_id from outcome_events where event_id in (select event_id from event_places "
        "where fresh = 0 and event_id in (select event_id from fresh_events))"
    )
    beaten = "(event_id, canonical) in (select (event_id, canonical) from event_places where fresh = 0 and place > 1)"
    # a correction may name another day: the one that it leaves changes as well
    con.execute(
        f"create or replace temp table beaten_events as select day, workflow, unit_id from outcome_events where {beaten}"
    )
    con.execute("insert into cost_days select distinct day from beaten_events")
    con.execute(f"delete from outcome_events where {beaten}")
    con.execute(
        "insert into outcome_events by name select incoming_outcomes.*, "
        f"cast(time at time zone '{loaded.config.reporting.timezone}' as date) as day from incoming_outcomes "
        "inner join event_places using (event_id, canonical, source, file, line) where fresh = 1 and place = 1"
    )
    lake.add(con, lake_root, "outcomes", "fresh_events", run_id)


def settle_marks(con: duckdb.DuckDBPyConnection, family: str, lake_root: Path, run_id: str, intake: Intake) -> None:
    """The latest mark of an item and model (score of a tool) counts; the others stay, as what a judge is calibrated with."""
    places = {"evaluations": "evaluation_places", "scores": "score_places"}[family]
    con.execute(f"create or replace temp table {places} as {sql(f'intake/{places}')}")
    count_places(con, places, intake)
    con.execute(
        f"update {family} set wins = place = 1 from {places} "
        f"where fresh = 0 and {family}.rowid = id and wins is distinct from (place = 1)"
    )
    con.execute(
        f"create or replace temp table fresh_{family} as select incoming_{family}.*, place = 1 as wins "
        f"from incoming_{family} inner join {places} on id = incoming_{family}.rowid where fresh = 1 and repetition = 1"
    )
    con.execute(f"insert into {family} by name from fresh_{family}")
    lake.add(con, lake_root, family, f"(select * exclude (wins) from fresh_{family})", run_id)


def redate(con: duckdb.DuckDBPyConnection, zone: str) -> None:
    """Work out every reporting day anew and re-open all days, the old ones and the new ones."""
    con.execute("insert into touched_days select distinct day from records where wins")
    for table in ("records", "outcome_events"):
        con.execute(f"update {table} set day = cast(time at time zone '{zone}' as date)")
    con.execute("insert into touched_days select distinct day from records where wins")


def touch_every_unit(con: duckdb.DuckDBPyConnection) -> None:
    """Every unit's life and cost is worked out anew (the workspace file changed)."""
    con.execute(
        "insert into touched_units select workflow, unit_id from outcome_events union "
        "select workflow, unit_id from allocations where unit_id is not null union "
        "select workflow, unit_id from unit_costs except select workflow, unit_id from touched_units"
    )
