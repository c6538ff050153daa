"""Once and only once, over the whole lake: `records`, `spans` and `outcome_events` as the other engine's intake leaves
them, worked out by executors from the lake's files.

The rules are those of `sql/intake/`: `places` for requests, `event_places` for outcomes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from pipelines.engine.ledger import SparkLedger
from pipelines.intake.dedupe import settle_marks, tell_files
from pipelines.intake.sampling import tags_only
from pipelines.intake.spelling import spelt
from pipelines.sources.record import OUTCOME_SCHEMA, REQUEST_SCHEMA, SPAN_SCHEMA
from pipelines.sources.usage import INPUT_EXTRAS, OUTPUT_EXTRAS
from pipelines.storage.models import extras_total, filled, literal, sql

_SCHEMAS = {
    "requests": REQUEST_SCHEMA,
    "spans": pa.schema([field for field in SPAN_SCHEMA if field.name not in ("source", "kind", "file", "line")]),
    "outcomes": OUTCOME_SCHEMA,
}
_EARLIER = "earlier"


def deduplicate(run: Any) -> None:
    """Settle all records of the lake, count those of this run, and mark every day that holds one."""
    ledger: SparkLedger = run.con
    ledger.small.execute("create or replace temp table source_priorities (source varchar, priority bigint)")
    priorities = [(s.name, s.priority) for s in run.loaded.config.sources]
    ledger.executemany("insert into source_priorities values (?, ?)", priorities)
    _spans(run)
    _requests(run)
    _outcomes(run)
    for family in ("evaluations", "scores"):
        settle_marks(ledger.small, family, run.lake_root, run.run_id, run.intake)
    tell_files(ledger.small, run.intake)
    ledger.ship_anew()


def of_lake(run: Any, family: str, *, fresh: bool) -> Any:
    """The lake's rows of a family: those of this run, or all earlier ones."""
    ledger: SparkLedger = run.con
    files = ledger.small.execute(
        f"select file from lake_files where file like '{family}/%' and (run_id = $run) = $fresh order by file",
        {"run": run.run_id, "fresh": fresh},
    ).fetchall()
    place = run.spark.lake_of(run)
    frame = place.frame(ledger.spark, [file for (file,) in files], schema_of(family))
    # from a bucket each file is fetched once
    return frame if place.folder is not None or not files else ledger.written(frame, f"lake_{family}")


def schema_of(family: str) -> Any:
    """A family's columns in the lake, as Spark has them."""
    from pyspark.sql.pandas.types import from_arrow_schema

    return from_arrow_schema(_SCHEMAS[family])


def _spans(run: Any) -> None:
    ledger: SparkLedger = run.con
    fresh, earlier = (of_lake(run, "spans", fresh=which) for which in (True, False))
    from pyspark.sql.functions import array_sort, map_entries

    every = fresh.unionByName(earlier).withColumn("said", array_sort(map_entries("tags")))  # maps can't be compared
    every = ledger.written(every.dropDuplicates([n for n in every.columns if n != "tags"]).drop("said"), "spans")
    ledger.show("spans", every)
    ledger.show("incoming_spans", every)


def _requests(run: Any) -> None:
    ledger, loaded = run.con, run.loaded
    for name, fresh, tag in (("fresh_lines", True, run.run_id), ("earlier_lines", False, _EARLIER)):
        ledger.show(name, of_lake(run, "requests", fresh=fresh))
        staged = filled("intake/staged_requests", rows=name, zone=loaded.config.reporting.timezone, run=tag)
        ledger.show(f"staged_{name}", ledger.query(staged))
    ledger.show("staged", ledger.query("select * from staged_fresh_lines union all select * from staged_earlier_lines"))
    _spell_out(ledger)
    ledger.execute(f"create temp table numbered as {filled('engine/repetitions', run=run.run_id)}")
    for source, file, count in ledger.execute(
        f"select source, file, count(*) from numbered where repetition > 1 and run_id = {literal(run.run_id)} "
        "group by source, file"
    ).fetchall():
        _count(run, source, file, 0, 0, count)
    ledger.show("records", ledger.query("select * exclude (repetition) from numbered where repetition = 1"))
    tags_only(ledger, fresh=True)
    ledger.execute("create temp table affected_keys as select distinct request_key from records")
    totals = {"input_extras": extras_total("", INPUT_EXTRAS), "output_extras": extras_total("", OUTPUT_EXTRAS)}
    ledger.execute(f"create temp table candidates as {filled('intake/candidates', **totals)}")
    ledger.execute(f"create temp table places as {sql('intake/places')}")
    ledger.show("records", ledger.written(ledger.query(sql("engine/placed")), "records"))
    ledger.execute(f"insert into shared_groups {sql('intake/shared_groups')}")
    for source, file, stored, superseded in ledger.execute(filled("intake/file_counts", run=run.run_id)).fetchall():
        _count(run, source, file, stored, superseded, 0)
    ledger.execute("insert into touched_days select distinct day from records where wins")
    # days that hold nothing any more: the reporting zone changed, or their calls are another day's now
    ledger.execute("insert into touched_days select day from segments union select day from daily_cost")


def _spell_out(ledger: SparkLedger) -> None:
    """Bring texts of kind `requests` under keys with several of them to one spelling, and their payloads with them."""
    ledger.execute(
        "create temp table several as select request_key as several_key from staged where kind = 'requests' group by request_key "
        "having count(distinct payload) > 1"
    )
    if not ledger.execute("select 1 from several limit 1").fetchall():
        return
    found = ledger.query("select staged.* from staged inner join several on several_key = request_key")
    ledger.show("spelt", ledger.written(found.mapInArrow(_spelt, found.schema), "spelt"))
    others = ledger.query(
        "select staged.* from staged left join several on several_key = request_key where several_key is null"
    )
    again = ledger.query(
        "select * exclude (payload), cast(hash(canonical) % 9223372036854775807 as bigint) as payload from spelt"
    )
    ledger.show("staged", others.unionByName(again))


def _spelt(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        place = batch.schema.get_field_index("canonical")
        kinds = batch.column("kind").to_pylist()
        texts = [
            spelt(text) if kind == "requests" else text
            for kind, text in zip(kinds, batch.column(place).to_pylist(), strict=True)
        ]
        yield batch.set_column(place, batch.schema.field(place), pa.array(texts, batch.schema.field(place).type))


def _outcomes(run: Any) -> None:
    ledger: SparkLedger = run.con
    ledger.show("incoming_outcomes", of_lake(run, "outcomes", fresh=True))
    ledger.show("earlier_outcomes", of_lake(run, "outcomes", fresh=False))
    ledger.show("outcome_events", ledger.query(sql("engine/standing_events")))
    ledger.execute(f"create temp table event_places as {filled('intake/event_places', which='true')}")
    for row in ledger.execute(
        "select source, file, count(*) filter (where place = 1), count(*) filter (where place > 1 and repetition = 1), "
        "count(*) filter (where repetition > 1) from event_places where fresh = 1 group by source, file"
    ).fetchall():
        _count(run, *row)
    zone = run.loaded.config.reporting.timezone
    ledger.show(
        "outcome_events", ledger.written(ledger.query(filled("engine/placed_events", zone=zone)), "outcome_events")
    )
    ledger.show("touched_units", ledger.query("select distinct workflow, unit_id from outcome_events"))


def _count(run: Any, source: str, file: str, stored: int, superseded: int, duplicate: int) -> None:
    counts = run.intake.per_file.get((source, file))
    if counts is not None:
        counts.stored += stored
        counts.superseded += superseded
        counts.duplicate += duplicate
