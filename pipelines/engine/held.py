"""What a run leaves to the next one: the large tables of the ledger, as parts in Parquet, by day where their rows have one.

<engine.work, else .outlay/spark>/held/<table>/of_run=<run>-<n>/<day column>=…/*.parquet

A part is immutable. Which parts make up a table the driver's ledger says (`held_parts`), in the run's transaction: what a
run writes counts with its commit, and a run that comes to nothing leaves files that nobody names. Days that a run replaces
lose their parts; rows that go one by one have their days written anew when the run ends.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

import duckdb

from pipelines.engine.work import Work
from pipelines.ledger.scope import PIECES

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

FOLDER = "held"
#: Tables that runs go on with, and the column that says to which day a row belongs; None: only the whole is written anew.
TABLES: dict[str, str | None] = {
    "records": "day", "prices": "called_on", "price_extras": "called_on", "requests": "day",
    "request_dimensions": "day", "capacity_shares": "day", "allocations": "day", "outcome_events": "day",
    "unit_changes": "day", "calls_apart": "day", "spans": None, "shared_groups": None, "sampled_traces": None,
    "unit_status": None, "unit_parents": None, "unit_costs": None,
}  # fmt: skip
#: What stays where all days are worked out anew: a price once given stays until `run --full`.
LASTING = ("prices", "price_extras")


class Part(NamedTuple):
    """Rows of a table: those of one day, or of no day where the table has none. `folder`: of the run that wrote it."""

    day: date | None
    folder: str


@dataclass
class Held:
    """The parts of every table as the run goes along. `place`: the folder of all of them; `found`: where they lay before."""

    place: Work
    found: Work
    run_id: str
    parts: dict[str, list[Part]] = field(default_factory=dict)
    _anew: dict[str, set[date | None]] = field(default_factory=dict)  #: days with rows that go one by one
    _made: int = 0

    @classmethod
    def of(cls, small: duckdb.DuckDBPyConnection, place: Work, found: Work, run_id: str) -> Held:
        """As the ledger names them."""
        held = cls(place, found, run_id)
        for name, day, folder in small.execute("select * from held_parts order by name, day, folder").fetchall():
            held.parts.setdefault(name, []).append(Part(day, folder))
        return held

    def frame(self, name: str, schema: Any) -> DataFrame:
        """The rows of a table; only days that a query asks for are read."""
        reader = self.place.spark.read.schema(schema).option("basePath", self.found.at(name))
        return reader.parquet(*(self._at(name, part) for part in self.parts[name])).select(*schema.names)

    def add(self, name: str, rows: DataFrame) -> DataFrame:
        """Executors write rows that the table gets; answers them as written."""
        self._made += 1
        folder = f"{self.run_id}-{self._made:04}"
        place, day = self.place.below(f"{name}/of_run={folder}"), TABLES[name]
        if day is None:
            rows.write.parquet(place.url)
            self.parts.setdefault(name, []).append(Part(None, folder))
        else:
            # of each day a few files at most, however many tasks made its rows
            rows.hint("rebalance", day).write.partitionBy(day).parquet(place.url)
            days = [child.partition("=")[2] for child in place.folders() if child.startswith(f"{day}=")]
            self.parts.setdefault(name, []).extend(Part(date.fromisoformat(each), folder) for each in days)
        return self.place.spark.read.schema(rows.schema).parquet(place.url).select(*rows.columns)

    def replace(self, name: str, days: Iterable[date]) -> None:
        """All rows of these days go."""
        gone = set(days)
        self.parts[name] = [part for part in self.parts.get(name, []) if part.day not in gone]

    def thin(self, name: str, days: Iterable[date | None]) -> None:
        """Some rows of these days go: at the end of the run the days are written anew, without them."""
        self._anew.setdefault(name, set()).update(days)

    def empty(self) -> None:
        """All tables but the lasting ones begin anew."""
        self.parts = {name: self.parts.get(name, []) for name in LASTING}
        self._anew.clear()

    def moved(self) -> bool:
        """Whether the parts lie elsewhere than this run writes."""
        return self.place.url != self.found.url

    def settle(self, large: dict[str, DataFrame]) -> None:
        """Write anew the days that rows went from, and those in many parts; parts that lay elsewhere come along."""
        for name, column in TABLES.items():
            parts = self.parts.get(name, [])
            held = [part.day for part in parts]
            anew = self._anew.get(name, set()) | {day for day in held if held.count(day) > PIECES}
            if self.moved():
                anew |= {part.day for part in parts if not part.folder.startswith(self.run_id)}
            if not anew:
                continue
            rows = large[name]
            if column is not None:
                rows = rows.where(rows[column].isin(sorted(day for day in anew if day is not None)))
            before = len(parts)
            self.add(name, rows)
            self.parts[name] = [part for part in parts[:before] if part.day not in anew] + self.parts[name][before:]
        self._anew.clear()

    def write_down(self, small: duckdb.DuckDBPyConnection) -> None:
        """Tell the ledger which parts make up the tables."""
        small.execute("delete from held_parts")
        rows = [(name, part.day, part.folder) for name, parts in self.parts.items() for part in parts]
        if rows:
            small.executemany("insert into held_parts values (?, ?, ?)", rows)

    def sweep(self) -> None:
        """Delete the parts that no table has any more, and what runs left that came to nothing."""
        for name in self.place.folders():
            table = self.place.below(name)
            parts = self.parts.get(name, [])
            for child in table.folders():
                folder = child.partition("=")[2]
                days = {part.day for part in parts if part.folder == folder}
                if not days:
                    table.below(child).remove()
                elif None not in days:
                    self._sweep_days(table.below(child), days)
        if self.moved():
            self.found.remove()

    def _sweep_days(self, folder: Work, days: set[date | None]) -> None:
        for child in folder.folders():
            name, _, day = child.partition("=")
            if day and name and date.fromisoformat(day) not in days:
                folder.below(child).remove()

    def undo(self) -> None:
        """Delete what this run wrote."""
        for name in self.place.folders():
            table = self.place.below(name)
            for child in table.folders():
                if child.startswith(f"of_run={self.run_id}-"):
                    table.below(child).remove()

    def _at(self, name: str, part: Part) -> str:
        day = TABLES[name]
        where = self.found.at(name, f"of_run={part.folder}")
        return where if day is None else f"{where}/{day}={part.day}"
