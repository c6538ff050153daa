"""Months of two sources that report calls of their own, and of two that report some calls both: for rates of alarms.

A stream is an array of (start in seconds from the month's first midnight, input tokens, output tokens).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import duckdb
import numpy as np
import pyarrow as pa

from pipelines.close.overlaps import found, look

DAYS = 31
DAY = 86_400
Dice = np.random.Generator
Stream = np.ndarray


def stream(times: np.ndarray, inputs: np.ndarray, outputs: np.ndarray) -> Stream:
    return np.column_stack([times, inputs, outputs])


def at_random(dice: Dice, calls: int) -> np.ndarray:
    """Starts at an even rate, so many a day."""
    return dice.uniform(0, DAYS * DAY, dice.poisson(calls * DAYS))


def by_day_and_night(dice: Dice, calls: int) -> np.ndarray:
    """Starts that are sixty times as frequent at noon as at midnight."""
    times = at_random(dice, 2 * calls)
    return times[dice.uniform(0, 1, len(times)) < 0.5 - 0.48 * np.cos(2 * np.pi * times / DAY)]


def any_sizes(dice: Dice, count: int) -> tuple[np.ndarray, np.ndarray]:
    return dice.integers(200, 4200, count), dice.integers(1, 400, count)


def few_sizes(dice: Dice, count: int, kinds: int) -> tuple[np.ndarray, np.ndarray]:
    """One of so many sizes, the same ones in both sources."""
    drawn = dice.integers(0, kinds, count)
    return 500 + 10 * drawn, 20 + drawn


def volume(dice: Dice) -> int:
    """Calls of a source on a day: between 20 and 400, small numbers as often as large."""
    return int(20 * 20 ** dice.uniform())


def _constant(dice: Dice) -> Stream:
    times = at_random(dice, volume(dice))
    return stream(times, np.full(len(times), 1000), np.full(len(times), 1))


def _probes_on_the_minute(dice: Dice) -> Stream:
    """A probe of one size at every full minute, beside calls of any size."""
    probes = np.arange(0, DAYS * DAY, 60) + dice.uniform(0, 1, DAYS * 1440)
    times = at_random(dice, 40)
    sizes = any_sizes(dice, len(times))
    return np.vstack([stream(probes, np.full(len(probes), 9), np.full(len(probes), 1)), stream(times, *sizes)])


def _bursts(dice: Dice) -> Stream:
    """Twenty calls within two seconds at random times, of one of thirty sizes each."""
    starts = np.repeat(at_random(dice, 12), 20)
    return stream(starts + dice.uniform(0, 2, len(starts)), *few_sizes(dice, len(starts), 30))


def _jobs_on_the_half_hour(dice: Dice) -> Stream:
    """Ten calls within seconds at every half hour, of twelve sizes."""
    starts = np.repeat(np.arange(0, DAYS * DAY, 1800), 10)
    return stream(starts + dice.uniform(0, 3, len(starts)), *few_sizes(dice, len(starts), 12))


def _day_and_night(dice: Dice) -> Stream:
    times = by_day_and_night(dice, volume(dice))
    return stream(times, *few_sizes(dice, len(times), 200))


def _twenty_sizes(dice: Dice) -> Stream:
    times = by_day_and_night(dice, volume(dice))
    return stream(times, *few_sizes(dice, len(times), 20))


def _retries(dice: Dice) -> Stream:
    """A third of the calls are made anew after 1, 3, 7 and 15 seconds, with the same prompt."""
    times = by_day_and_night(dice, max(10, volume(dice) // 3))
    inputs, outputs = few_sizes(dice, len(times), 60)
    tries = np.where(dice.uniform(0, 1, len(times)) < 1 / 3, dice.integers(2, 6, len(times)), 1)
    place = np.concatenate([np.arange(n) for n in tries])
    starts = np.repeat(times, tries) + 2.0**place - 1
    return stream(starts, np.repeat(inputs, tries), np.repeat(outputs, tries))


def _outages(dice: Dice) -> Stream:
    """On some days, told by the day, both make all calls of an hour anew within the same two minutes."""
    times = by_day_and_night(dice, volume(dice))
    inputs, outputs = few_sizes(dice, len(times), 300)
    hour = (times % DAY >= 36_000) & (times % DAY < 39_600) & (np.floor(times / DAY) % 3 == 0)
    again = np.floor(times[hour] / DAY) * DAY + 39_600 + dice.uniform(0, 120, int(hour.sum()))
    return stream(
        np.concatenate([times, again]), np.concatenate([inputs, inputs[hour]]), np.concatenate([outputs, outputs[hour]])
    )


def _sizes_of_the_hour(dice: Dice) -> Stream:
    """A call at every tenth minute, of one of five sizes that only that hour has."""
    times = np.arange(0, DAYS * DAY, 600) + dice.uniform(0, 2, DAYS * 144)
    inputs, outputs = few_sizes(dice, len(times), 5)
    return stream(times, inputs + 1000 * (np.floor(times / 3600) % 24).astype(int), outputs)


def _few_calls_on_one_schedule(dice: Dice) -> Stream:
    """Four to eight calls a day, at the same times, of as many sizes."""
    calls = 4 + np.arange(DAYS) % 5
    starts = np.concatenate([day * DAY + 7200 * np.arange(1, count + 1) for day, count in enumerate(calls)])
    drawn = np.concatenate([dice.integers(0, count, count) for count in calls])
    return stream(starts + dice.uniform(0, 2, len(starts)), 500 + 10 * drawn, 20 + drawn)


def _templates(dice: Dice) -> Stream:
    """Five prompts of fixed length, with short answers."""
    times = by_day_and_night(dice, volume(dice))
    return stream(times, 700 + dice.integers(0, 5, len(times)), dice.geometric(0.1, len(times)))


def _agents(dice: Dice) -> Stream:
    """Runs of ten calls, one after the other, whose prompts grow by one of four steps."""
    starts = by_day_and_night(dice, max(4, volume(dice) // 10))
    times = np.repeat(starts, 10) + np.tile(np.arange(10), len(starts)) * 4 + dice.uniform(0, 2, 10 * len(starts))
    steps = 100 * dice.integers(1, 5, (len(starts), 10))
    return stream(times, np.cumsum(steps, axis=1).ravel(), dice.integers(1, 6, 10 * len(starts)))


APART: dict[str, Callable[[Dice], Stream]] = {
    "constant sizes": _constant,
    "probes on the minute": _probes_on_the_minute,
    "bursts": _bursts,
    "jobs on the half hour": _jobs_on_the_half_hour,
    "day and night": _day_and_night,
    "twenty sizes": _twenty_sizes,
    "retries": _retries,
    "outages": _outages,
    "sizes of the hour": _sizes_of_the_hour,
    "few calls on one schedule": _few_calls_on_one_schedule,
    "templates": _templates,
    "agents": _agents,
}


def two_apart(kind: str, seed: int) -> tuple[Stream, Stream]:
    """A month of two sources of one kind that share no call."""
    made = APART[kind]
    return made(np.random.default_rng([seed, 1])), made(np.random.default_rng([seed, 2]))


def two_that_overlap(calls: int, share: float, seed: int, skew: float = 0.0) -> tuple[Stream, Stream]:
    """So many calls a day each, of which a share is reported by both: the other's clock is `skew` seconds off, its starts
    up to half a second more. A fourth column says which of the other's calls are the one's."""
    dice = np.random.default_rng(seed)
    one, other = (
        stream(times, *any_sizes(dice, len(times))) for times in (by_day_and_night(dice, calls) for _ in range(2))
    )
    both = one[dice.uniform(0, 1, len(one)) < share]
    both[:, 0] += skew + dice.uniform(0, 0.5, len(both))
    own = other[dice.uniform(0, 1, len(other)) >= share]
    marks = np.repeat([1, 0], [len(both), len(own)])
    return one, np.column_stack([np.vstack([both, own]), marks])


def alarms(worlds: Iterable[tuple[str, tuple[Stream, Stream]]]) -> Iterator[tuple[str, int, int]]:
    """(world, day, requests) of every alarm of worlds that know nothing of each other."""
    con = duckdb.connect()
    con.execute("set timezone = 'UTC'; set threads = 2")
    for name, pair in worlds:
        tables = []
        for source, made in zip(("a", "b"), pair, strict=True):
            rows = np.asarray(made)
            kept = rows[(rows[:, 0] >= 0) & (rows[:, 0] < DAYS * DAY)]
            tables.append(
                pa.table(
                    {
                        "source": pa.array([source] * len(kept)), "number": np.arange(len(kept)),
                        "micros": np.floor(kept[:, 0] * 1e6).astype(np.int64),
                        "input_tokens": kept[:, 1].astype(np.int64), "output_tokens": kept[:, 2].astype(np.int64),
                    }
                )
            )  # fmt: skip
        con.register("made", pa.concat_tables(tables))
        con.execute(
            "create or replace temp table requests as select source || number as request_key, source, 'p' as provider, "
            "'p/m' as model_key, make_timestamptz(micros + 1767225600000000) as time, "
            "cast(make_timestamptz(micros + 1767225600000000) as date) as day, input_tokens, output_tokens, "
            "cast(1 as decimal(28, 12)) as cost_usd from made"
        )
        con.execute(
            "create or replace temp table records as select request_key, day, true as wins, null::varchar as "
            "response_id, 'requests' as kind from requests"
        )
        con.execute(
            "create or replace temp table request_cells as select distinct day, provider, model_key, source from requests"
        )
        con.execute("create or replace temp table overlap_touched as select distinct day from requests")
        assert look(con)
        for day, requests in con.execute(
            f"select dayofmonth(day), requests from ({found()}) where told order by 1"
        ).fetchall():
            yield name, day, requests
        con.unregister("made")
    con.close()
