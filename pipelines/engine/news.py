"""What this run read, settled against what the last one left: only records of the same calls are looked at again.

The rules are those of `pipelines.intake.dedupe`; of the tables by day, the days that change are written.
"""

from __future__ import annotations

from typing import Any

from pipelines.engine import once
from pipelines.engine.ledger import SparkLedger
from pipelines.intake.sampling import tags_only
from pipelines.storage.models import filled, literal, sql


def settle(run: Any) -> bool:
    """Settle records, spans and outcomes, and mark the days and units that they touch. False, with nothing counted, where
    all days must be worked out anew: other sources are sampled than the last run knew.
    """
    ledger: SparkLedger = run.con
    ledger.go_on()
    _spans(run)
    _near(run)
    if tags_only(run.con, fresh=True):
        return False
    _requests(run)
    _outcomes(run)
    return True


def _spans(run: Any) -> None:
    from pyspark.sql.functions import array_sort, map_entries

    ledger: SparkLedger = run.con
    read = once.of_lake(run, "spans", fresh=True)
    ledger.show("fresh_spans", read)
    if _read_any(run, "spans"):
        fresh, held = (f.withColumn("said", array_sort(map_entries("tags"))) for f in (read, ledger.large["spans"]))
        names = [name for name in fresh.columns if name != "tags"]
        fresh = fresh.dropDuplicates(names).alias("fresh")
        same = None
        for name in names:
            equal = fresh[name].eqNullSafe(held[name])
            same = equal if same is None else same & equal
        part = ledger.put("spans", fresh.join(held, same, "left_anti").drop("said"))
        ledger.show("fresh_spans", part)
        ledger.show("spans", ledger.large["spans"].unionByName(part))
    ledger.show("incoming_spans", ledger.large["fresh_spans"])


def _near(run: Any) -> None:
    """`near`: the lines of this run, and the stored records of the same keys and calls. `records`: of them and all others."""
    ledger: SparkLedger = run.con
    fresh = once.staged(run, "fresh_lines", once.of_lake(run, "requests", fresh=True), run.run_id)
    ledger.show("staged_lines", fresh)
    ledger.show("held_records", ledger.large["records"])
    if not _read_any(run, "requests"):
        ledger.show("near", ledger.query("select * from held_records where false"))
        return
    calls = "select distinct provider, response_id from {} where response_id is not null"
    ledger.execute("create temp table news_keys as select distinct request_key from staged_lines")
    ledger.execute(f"create temp table news_calls as {calls.format('staged_lines')}")
    while True:
        ledger.execute(f"create temp table calls_near as {sql('engine/calls_near')}")
        ledger.execute(
            "create temp table further_keys as select request_key from calls_near except select request_key from news_keys"
        )
        if not ledger.execute("select 1 from further_keys limit 1").fetchall():
            break
        ledger.execute("insert into news_keys select request_key from further_keys")
        every = f"{calls.format('staged_lines')} union {calls.format('calls_near')}"
        ledger.execute(f"create temp table news_calls as {every}")
    ledger.execute("create temp table found_days as select distinct day from calls_near")
    again = ledger.query(
        "select * from records where day in (select day from found_days) "
        "and request_key in (select request_key from calls_near)"
    )
    ledger.show("near", fresh.unionByName(again.select(*fresh.columns)))
    held = ledger.large["held_records"]
    ledger.show("records", held.unionByName(fresh.select(*held.columns)))


def _requests(run: Any) -> None:
    ledger: SparkLedger = run.con
    if _read_any(run, "requests"):
        _decide(run)
    if _read_any(run, "spans"):
        ledger.execute(
            "insert into touched_days select distinct day from records "
            "where trace_id in (select trace_id from fresh_spans)"
        )


def _decide(run: Any) -> None:
    ledger, mine = run.con, literal(run.run_id)
    once.number(run, ledger.large["near"])
    once.decide(run)
    ledger.execute(f"create temp table moved_days as {filled('engine/moved', run=run.run_id)}")
    for marked in ("fresh", "touched"):
        ledger.execute(f"insert into {marked}_days select day from moved_days where {marked} = 1")
    # a fresh loser lends its tags to the winner of its call, which may lie on another day
    ledger.execute(f"insert into touched_days {filled('engine/lent_days', run=run.run_id)}")
    placed = ledger.query(sql("engine/placed"))
    ledger.execute("create or replace temp table thinned_days as select day from moved_days where thinned = 1")
    thinned = [day for (day,) in ledger.execute("select day from thinned_days").fetchall()]
    ledger.show("records", placed)
    if thinned:
        # what these days keep is written beside what of them moved
        ledger.show("placed", ledger.written(placed, "placed"))
        ledger.show("records", ledger.large["held_records"])
        standing = ledger.query(sql("engine/standing_records"))
        ledger.held.replace("records", thinned)
        moved = ledger.query(f"select * from placed where run_id = {mine} or day in (select day from thinned_days)")
        part = ledger.put("records", moved.unionByName(standing.select(*moved.columns)))
        kept = ledger.query("select * from held_records where day not in (select day from thinned_days)")
    else:
        part = ledger.put("records", ledger.query(f"select * from records where run_id = {mine}"))
        kept = ledger.large["held_records"]
    ledger.show("records", part)
    once.tell(run)
    ledger.show("records", kept.unionByName(part))


def _outcomes(run: Any) -> None:
    ledger: SparkLedger = run.con
    ledger.show("incoming_outcomes", once.of_lake(run, "outcomes", fresh=True))
    if not _read_any(run, "outcomes"):
        return
    once.place_events(run, "event_id in (select event_id from incoming_outcomes)")
    zone = run.loaded.config.reporting.timezone
    ledger.show("fresh_events", ledger.query(filled("engine/fresh_events", zone=zone)))
    units = ledger.query(
        "select workflow, unit_id from fresh_events union select workflow, unit_id from outcome_events where event_id in "
        "(select event_id from event_places where fresh = 0 and event_id in (select event_id from fresh_events))"
    )
    ledger.show("touched_units", ledger.written(units, "touched_units"))
    beaten = "(event_id, canonical) in (select (event_id, canonical) from event_places where fresh = 0 and place > 1)"
    if ledger.execute("select 1 from event_places where fresh = 0 and place > 1 limit 1").fetchall():
        # a correction may name another day: the one that it leaves changes as well
        ledger.execute(f"insert into cost_days select distinct day from outcome_events where {beaten}")
        ledger.execute(f"delete from outcome_events where {beaten}")
    ledger.execute("insert into outcome_events by name select * from fresh_events where place = 1")


def _read_any(run: Any, family: str) -> bool:
    """Whether this run has put a file of the family into the lake."""
    found = run.con.small.execute(
        f"select 1 from lake_files where file like '{family}/%' and run_id = $run limit 1", {"run": run.run_id}
    )
    return bool(found.fetchall())
