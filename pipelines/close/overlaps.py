"""Which two sources seem to report the same calls under ids that can't match, told by equal token counts at equal times.

Grain of `overlapping_sources`: one (day, canonical model, pair of sources, told). Money in US dollars.

The question is Knox's (G. Knox, "The detection of space-time interactions", Applied Statistics 13, 1964): of all pairs of
calls, one of each source, are those that are near in time alike in size more often than others are? Near: they start in
the same five seconds, or in five that follow each other. Alike: the same input and the same output tokens.

Null model: the sources share no call, and being near says nothing about being alike. It is taken in two senses; for each
size the larger expectation counts, so that both must be wrong before anything is told:

    here    of the pairs of calls of one size in ten minutes or the next ten, as many are near as of the pairs of
            different sizes there (and half as many more, as mixes change within ten minutes too), and no fewer than of
            calls at even rates. Bursts, days and nights, common schedules and sizes that come and go weigh on both kinds
            of pairs alike.
    today   sizes are dealt to the day's calls by lot: of the near pairs as many are alike as of all pairs of the day's
            calls, those within one source too. A few calls at equal times are no evidence unless no size comes twice.

A size is one trial, however many calls it has, as calls of one size come in clusters (retries, probes, empty prompts). It
hits if one of its pairs is near; where that is likely by chance (expected 0.85 or more), if the calls that find their
like exceed the expectation by three of its roots, which is taken for one chance in ten. Trials of different sizes being
independent under the null, W. Hoeffding's bound ("Probability inequalities for sums of bounded random variables", JASA
58, 1963, theorem 1) says how probable so many hits are. Rare and frequent sizes are judged apart, at levels that the
models of a pair and day share; at least four sizes must hit.

Simulated (`tests/close/test_overlap_rates.py`): of 360 months of two sources apart, of twelve kinds, none alarmed (95 %
bound: 0.9 %). Where 5 % of 1,000 calls a day are reported by both, or 20 % of 100, every day is told, at clocks five
seconds apart too; 5 % of 100 where they are four calls or more.

What is not told may still be suspected, by the times alone: calls of a size that find their like three times as often as
by chance, at least half of one source's. No alert says so, but where a bill lacks as much it names it (`doubles`).

What stays untold: fewer than four calls or sizes, so any stream of one constant size; bursts of many calls that share
some dozens of sizes. What is told though it is none: one program that runs twice on one clock with prompts and answers of
the same lengths each time, such as shadow traffic whose answers are one token.
"""

from __future__ import annotations

from math import log

import duckdb

from pipelines.storage.models import filled

#: seconds of a moment: calls that start in one moment, or in two that follow each other, are near. Clocks differ
NEAR = 5
#: seconds of a block: calls in one block, or in two that follow each other, are compared
BLOCK = 600
#: part of the pairs of two like streams in neighbouring blocks, within one stream too, that are near at even rates
BY_CHANCE = 3 * NEAR / (2 * 3 * BLOCK)
#: times the near part of pairs of different sizes: the mix of sizes may change within two blocks, on both sides at once
SLACK = 1.5
#: a size that is expected to be found near so often or more by chance is frequent
RARE = 0.85
#: probability of a hit of a frequent size, in 1e-9
FREQUENT = 100_000_000
#: sizes that must hit
LEAST = 4
#: probability of a false alarm of a pair of sources on a day, at most
RARE_LEVEL, FREQUENT_LEVEL = 4.5e-4, 1e-5


#: temp tables on the way, in their order: each is read more than once, which Spark would work out anew each time
STEPS = ("overlap_models", "overlap_calls", "overlap_pairs", "overlap_members", "overlap_alike", "overlap_sizes")


def overlapping_sources(con: duckdb.DuckDBPyConnection) -> None:
    """Work `overlapping_sources` out anew for the days of `close_touched`, and for those after them.

    A pair across midnight belongs to the later day.
    """
    con.execute(
        "create or replace temp table overlap_touched as select day from close_touched "
        "union select cast(day + interval '1' day as date) as day from close_touched"
    )
    con.execute("delete from overlapping_sources where day in (select day from overlap_touched)")
    if look(con):
        con.execute(f"insert into overlapping_sources by name {found()}")
    for table in STEPS:
        con.execute(f"drop table if exists {table}")


def look(con: duckdb.DuckDBPyConnection) -> bool:
    """Make the tables that `found` reads, of the days of `overlap_touched`; false where no two sources share a model."""
    for table in STEPS:
        text = filled(f"close/{table}", near=str(NEAR), reach=str(2 * NEAR), moments=str(BLOCK // NEAR))
        con.execute(f"create or replace temp table {table} as {text}")
        if table in STEPS[:2] and not con.execute(f"select 1 from {table} limit 1").fetchall():
            return False
    return True


def found() -> str:
    """The query for the rows of `overlapping_sources`."""
    return filled(
        "close/overlapping_sources", moments=str(BLOCK // NEAR), by_chance=f"{BY_CHANCE:.12f}", slack=str(SLACK),
        rare=str(RARE), frequent=str(FREQUENT), least=str(LEAST), rare_level=f"{log(RARE_LEVEL):.12f}",
        frequent_level=f"{log(FREQUENT_LEVEL):.12f}",
    )  # fmt: skip
