"""Records that a lean reader has found, column by column: from Python's values to Arrow without an object a record.

Tags lie flat (all names, all values, how many a row), so that a batch is checked for secrets and prose in one pass.
A lean reader is not certain of a line whose tags look like either; it is left to the parser of single records.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from json.encoder import encode_basestring
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.sources import canonical
from pipelines.sources.record import INSTANT, MONEY, QUANTITIES, TAGS
from pipelines.sources.tags import MAX_LENGTH, MAX_SPACES

_quote = encode_basestring
#: Wider than what `tags.Tags.add` refuses by value; where it matches, that one decides.
_MAYBE_REFUSED = (
    rf"(?i)^[\[{{]|\n|(?: [^ ]*){{{MAX_SPACES + 1}}}"
    r"|(sk|pk|rk|xox[abprs]|gh[pousr]|glpat|hf|whsec|key|api|lf|pplx|gsk|xai|r8)[-_][a-z0-9_-]{12}"
    r"|(bearer|basic)[^a-z0-9]|eyJ[a-z0-9_-]{10}|AKIA[0-9a-z]{12}|AIza[0-9a-z_-]{20}|-----BEGIN|://[^/:@]+:"
)
_STRINGS, _COUNTS = pa.string(), pa.int64()
#: Columns of a request as they are appended, with their Arrow types; the tags stand apart.
REQUEST: tuple[tuple[str, pa.DataType], ...] = (
    ("line", _COUNTS), ("record_key", _STRINGS), ("request_id", _STRINGS), ("response_id", _STRINGS),
    ("time", INSTANT), ("provider", _STRINGS), ("model", _STRINGS), ("status", _STRINGS),
    ("input_uncached", _COUNTS), ("cache_read", _COUNTS), ("cache_write", _COUNTS), ("cache_write_long", _COUNTS),
    ("output_nonreasoning", _COUNTS), ("output_reasoning", _COUNTS), ("extras", QUANTITIES), ("known_classes", _COUNTS),
    ("service_tier", _STRINGS), ("region", _STRINGS), ("latency_ms", _COUNTS), ("recorded_usd", MONEY),
    ("trace_id", _STRINGS), ("span_id", _STRINGS), ("parent_span_id", _STRINGS), ("flags", pa.list_(_STRINGS)),
    ("canonical", _STRINGS),
)  # fmt: skip
SPAN: tuple[tuple[str, pa.DataType], ...] = (
    ("line", _COUNTS), ("trace_id", _STRINGS), ("span_id", _STRINGS), ("parent_span_id", _STRINGS), ("time", INSTANT),
)  # fmt: skip


@dataclass(slots=True)
class Collected:
    """Rows of one shape, each a tuple in the order of `columns`, and their tags."""

    columns: tuple[tuple[str, pa.DataType], ...]
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    values: list[str] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)  #: of each row's tags
    sure: set[int] = field(default_factory=set)  #: rows whose tags were looked at one by one
    resources: list[int] = field(default_factory=list)  #: of each row: which of the resources it shares

    def add(self, row: tuple[Any, ...], names: Sequence[str], values: Sequence[str], *, sure: bool = False) -> None:
        if sure:
            self.sure.add(len(self.rows))
        self.rows.append(row)
        self.names += names
        self.values += values
        self.ends.append(len(self.values))

    def cut(self, rows: int) -> None:
        """Forget the rows from a place on."""
        if len(self.rows) > rows:
            del self.rows[rows:], self.ends[rows:], self.resources[rows:]
            end = self.ends[-1] if rows else 0
            del self.names[end:], self.values[end:]
            self.sure = {place for place in self.sure if place < rows}

    def doubtful(self) -> tuple[set[int], set[str]]:
        """Lines with a tag that may have to be refused, and the names of such tags."""
        if not self.values:
            return set(), set()
        values = pa.array(self.values, _STRINGS)
        pattern = pc.MatchSubstringOptions(_MAYBE_REFUSED)
        doubt = pc.call_function("match_substring_regex", [values], pattern).to_numpy(zero_copy_only=False)
        doubt = doubt | (pc.call_function("utf8_length", [values]).to_numpy() > MAX_LENGTH)
        places = np.flatnonzero(doubt)
        lines: set[int] = set()
        names: set[str] = set()
        for place, row in zip(places, np.searchsorted(self.ends, places, side="right"), strict=True):
            if int(row) not in self.sure:
                lines.add(self.rows[row][0])
                names.add(self.names[place])
        return lines, names

    def without(self, lines: set[int]) -> Collected:
        """The rows of the other lines."""
        kept = Collected(self.columns)
        start = 0
        for place, (row, end) in enumerate(zip(self.rows, self.ends, strict=True)):
            if row[0] not in lines:
                kept.add(row, self.names[start:end], self.values[start:end], sure=place in self.sure)
                if self.resources:
                    kept.resources.append(self.resources[place])
            start = end
        return kept

    def table(self, resources: Sequence[dict[str, str]] = ()) -> pa.Table:
        """One row a record; instants are given as microseconds since 1970."""
        listed = list(zip(*self.rows, strict=True)) if self.rows else [()] * len(self.columns)
        columns = {name: _column(name, values, kind) for (name, kind), values in zip(self.columns, listed, strict=True)}
        offsets = np.zeros(len(self.ends) + 1, dtype=np.int32)
        offsets[1:] = self.ends
        columns["tags"] = pa.MapArray.from_arrays(
            pa.array(offsets), pa.array(self.names, _STRINGS), pa.array(self.values, _STRINGS)
        )
        if self.columns is REQUEST:
            columns["resource_tags"] = _shared(resources, self.resources, len(self.rows))
        return pa.table(columns)


def _shared(resources: Sequence[dict[str, str]], places: list[int], rows: int) -> pa.Array:
    if not places:
        return pa.nulls(rows, TAGS)
    return pa.array([sorted(each.items()) for each in resources], TAGS).take(pa.array(places, pa.int32()))


def _column(name: str, values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    if kind == INSTANT:
        return pa.array(values, _COUNTS).view(INSTANT)
    if kind == _COUNTS and name not in ("latency_ms",):
        return pa.array(np.fromiter(values, np.int64, len(values)))
    if name in ("extras", "recorded_usd", "flags", "region") and not any(each is not None for each in values):
        return pa.nulls(len(values), kind)
    if name == "extras":
        values = [None if each is None else sorted(each.items()) for each in values]
    return pa.array(values, kind)


def said(record: tuple[Any, ...], time: str, names: tuple[str, ...], values: Sequence[str], resource: str) -> str:
    """Canonical text of a row of `REQUEST` whose last place is still to be filled: as `canonical.of_request`.

    Field by field, as a table of fields and writers takes half as long again and more for every record.
    """
    (
        _, key, _, response, _, provider, model, status, fresh, read, short, long, out, reasoning, extras, _, tier, region,
        latency, recorded, trace, _, parent, flags,
    ) = record  # fmt: skip
    text = "{"
    if read:
        text += f'"cache_read":{read},'
    if short:
        text += f'"cache_write":{short},'
    if long:
        text += f'"cache_write_long":{long},'
    if extras:
        text += f'"extras":{canonical.text(extras)},'
    if flags:
        text += f'"flags":{canonical.text(flags)},'
    if fresh:
        text += f'"input_uncached":{fresh},'
    if latency:
        text += f'"latency_ms":{latency},'
    text += f'"model":{_few(model)},'
    if out:
        text += f'"output_nonreasoning":{out},'
    if reasoning:
        text += f'"output_reasoning":{reasoning},'
    if parent:
        text += f'"parent_span_id":"{parent}",'
    text += f'"provider":{_few(provider)},"record_key":{_quote(key)},'
    if recorded is not None:
        text += f'"recorded_usd":{canonical.number(recorded)},'
    if region:
        text += f'"region":{_few(region)},'
    if resource:
        text += f'"resource_tags":{resource},'
    if response:
        text += f'"response_id":{_quote(response)},'
    text += f'"service_tier":{_few(tier)},"status":"{status}",'
    if values:
        text += f'"tags":{_template(names) % tuple(map(_quote, values))},'
    if trace:
        return f'{text}"time":"{time}","trace_id":"{trace}"}}'
    return f'{text}"time":"{time}"}}'


@lru_cache(maxsize=4096)
def _few(name: str) -> str:
    """A text of which a log has few."""
    return _quote(name)


@lru_cache(maxsize=4096)
def _template(names: tuple[str, ...]) -> str:
    pieces = ",".join(f"{_quote(name).replace('%', '%%')}:%s" for name in names)
    return "{" + pieces + "}"
