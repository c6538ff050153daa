"""Once and only once: `records`, `spans` and `outcome_events` as the other engine's intake leaves them, worked out by
executors: from what the last run left and what this one read (`news`), or from all of the lake's files.

The rules are those of `sql/intake/`: `places` for requests, `event_places` for outcomes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from pipelines.engine import news
from pipelines.engine.ledger import SparkLedger
from pipelines.intake.counts import tell_files
from pipelines.intake.dedupe import settle_marks
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
    """Settle what this run read, count it, and mark the days and units that it touches; all of them where it has no
    earlier run's ledger to go on with, or where the workspace file or what is known of sampling changed.
    """
    ledger: SparkLedger = run.con
    ledger.small.execute("create or replace temp table source_priorities (source varchar, priority bigint)")
    priorities = [(s.name, s.priority) for s in run.loaded.config.sources]
    ledger.executemany("insert into source_priorities values (?, ?)", priorities)
    goes_on = bool(ledger.held.parts.get("records")) and run.cause != "workspace changed" and not run.asked.full
    if not (goes_on and news.settle(run)):
        ledger.begin_anew()
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
    every = ledger.put("spans", every.dropDuplicates([n for n in every.columns if n != "tags"]).drop("said"))
    ledger.show("spans", every)
    ledger.show("incoming_spans", every)


def _requests(run: Any) -> None:
    ledger = run.con
    fresh = staged(run, "fresh_lines", of_lake(run, "requests", fresh=True), run.run_id)
    earlier = staged(run, "earlier_lines", of_lake(run, "requests", fresh=False), _EARLIER)
    number(run, fresh.unionByName(earlier))
    tags_only(ledger, fresh=True)
    decide(run)
    ledger.show("records", ledger.put("records", ledger.query(sql("engine/placed"))))
    tell(run)
    ledger.execute("insert into touched_days select distinct day from records where wins")
    # days that hold nothing any more: the reporting zone changed, or their calls are another day's now
    ledger.execute("insert into touched_days select day from segments union select day from daily_cost")


def staged(run: Any, name: str, lines: Any, tag: str) -> Any:
    """Lines of the lake with key, payload and day; `tag`: the run that counts them."""
    ledger: SparkLedger = run.con
    ledger.show(name, lines)
    zone = run.loaded.config.reporting.timezone
    return ledger.query(filled("intake/staged_requests", rows=name, zone=zone, run=tag))


def number(run: Any, lines: Any) -> None:
    """`records`: the first of each key and payload. This run's repetitions are counted."""
    ledger: SparkLedger = run.con
    ledger.show("staged", lines)
    _spell_out(run)
    ledger.execute(f"create temp table numbered as {filled('engine/repetitions', run=run.run_id)}")
    for source, file, repeated in ledger.execute(
        f"select source, file, count(*) from numbered where repetition > 1 and run_id = {literal(run.run_id)} "
        "group by source, file"
    ).fetchall():
        count(run, source, file, 0, 0, repeated)
    ledger.show("records", ledger.query("select * exclude (repetition) from numbered where repetition = 1"))


def decide(run: Any) -> None:
    """`places` of all `records`."""
    ledger: SparkLedger = run.con
    ledger.execute("create temp table affected_keys as select distinct request_key from records")
    totals = {"input_extras": extras_total("", INPUT_EXTRAS), "output_extras": extras_total("", OUTPUT_EXTRAS)}
    ledger.execute(f"create temp table candidates as {filled('intake/candidates', **totals)}")
    ledger.execute(f"create temp table places as {sql('intake/places')}")
    ledger.execute(f"insert into shared_groups {sql('intake/shared_groups')}")


def tell(run: Any) -> None:
    """Count what this run stored in `records`."""
    found = run.con.execute(filled("intake/file_counts", run=run.run_id))
    for source, file, stored, superseded in found.fetchall():
        count(run, source, file, stored, superseded, 0)


def _spell_out(run: Any) -> None:
    """Bring texts of kind `requests` under keys with several of them to one spelling; equal ones get one payload, a stored
    one's if there is.
    """
    ledger: SparkLedger = run.con
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
        "select * exclude (payload), first_value(payload) over (partition by request_key, canonical order by "
        f"case when run_id = {literal(run.run_id)} then 1 else 0 end, file, line) as payload from spelt"
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
    place_events(run, "true")
    zone = run.loaded.config.reporting.timezone
    placed = ledger.put("outcome_events", ledger.query(filled("engine/placed_events", zone=zone)))
    ledger.show("outcome_events", placed)
    ledger.show("touched_units", ledger.query("select distinct workflow, unit_id from outcome_events"))


def place_events(run: Any, which: str) -> None:
    """`event_places` of the events read in this run, which are counted, and of the stored ones that a condition names."""
    ledger: SparkLedger = run.con
    ledger.execute(f"create temp table event_places as {filled('intake/event_places', which=which)}")
    for row in ledger.execute(
        "select source, file, count(*) filter (where place = 1), count(*) filter (where place > 1 and repetition = 1), "
        "count(*) filter (where repetition > 1) from event_places where fresh = 1 group by source, file"
    ).fetchall():
        count(run, *row)


def count(run: Any, source: str, file: str, stored: int, superseded: int, duplicate: int) -> None:
    counts = run.intake.per_file.get((source, file))
    if counts is not None:
        counts.stored += stored
        counts.superseded += superseded
        counts.duplicate += duplicate
