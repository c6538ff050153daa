"""Kind `outcomes`, lean: the fields of `facts.parse_outcome`, read from an event that orjson parsed.

Left to the parser of single records: whatever is refused or odd.
"""

from __future__ import annotations

from collections.abc import Sequence
from json.encoder import encode_basestring
from typing import Any

import pyarrow as pa

from pipelines.sources import canonical
from pipelines.sources.context import Context
from pipelines.sources.facts import EVENTS, OUTCOME_FIELDS, SIGNALS
from pipelines.sources.plans.lean import Leave, Lines, exact
from pipelines.sources.record import OUTCOME_SCHEMA
from pipelines.sources.values import amount, optional_text, rfc3339, share, text

_quote = encode_basestring
_COLUMNS = OUTCOME_SCHEMA.names[OUTCOME_SCHEMA.names.index("line") :]
_SAID = tuple((name, f"{_quote(name)}:") for name in sorted(OUTCOME_FIELDS))


class Reader:
    """Lines of one file; `rows` in the order of `OUTCOME_SCHEMA`, from `line` on."""

    def __init__(self, context: Context) -> None:
        self.rows: list[tuple[Any, ...]] = []
        self._context, self._lines = context, Lines()

    def read(self, number: int, line: bytes) -> None:
        """Collect the event of a line, or raise."""
        record = self._lines.value(line)
        get = record.get
        event, signal = record["event"], get("signal")
        if event not in EVENTS or signal not in (None, "", *SIGNALS):
            raise Leave
        value, quality = get("value_usd"), get("quality")
        if type(value) is float:
            value = record["value_usd"] = exact(line, "value_usd", value)
        if type(quality) is float:
            quality = record["quality"] = exact(line, "quality", quality)
        elif quality is not None and type(quality) is not int:
            raise Leave
        said = [
            head + (_quote(found) if type(found) is str else canonical.text(found))
            for name, head in _SAID
            if (found := get(name)) is not None
        ]
        self.rows.append(
            (
                number, text(record["event_id"], "event_id"), rfc3339(record["time"], "time", self._context),
                text(record["workflow"], "workflow"), text(record["unit_id"], "unit_id"), event,
                optional_text(get("attempt_id"), "attempt_id"), None if value is None else amount(value, "value_usd"),
                None if quality is None else share(quality, "quality"), signal or None,
                optional_text(get("parent_workflow"), "parent_workflow"),
                optional_text(get("parent_unit_id"), "parent_unit_id"), "{" + ",".join(said) + "}",
            )
        )  # fmt: skip

    def table(self) -> pa.Table:
        """What was collected."""
        listed: Sequence[Sequence[Any]] = list(zip(*self.rows, strict=True)) if self.rows else [()] * len(_COLUMNS)
        columns = {}
        for name, values in zip(_COLUMNS, listed, strict=True):
            kind = OUTCOME_SCHEMA.field(name).type
            rare = name not in ("line", "time") and not any(values)
            columns[name] = pa.nulls(len(values), kind) if rare else pa.array(values, kind)
        return pa.table(columns)
