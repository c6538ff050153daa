"""How the scores of other tools become marks from 0 to 1.

Nothing is guessed: a number outside 0..1 needs a declared range, a label that is no plain pass or fail a declared value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Context, Decimal
from typing import Any

from pipelines.sources.marking import Marking, Scale
from pipelines.sources.values import Reject, decimal, share

#: Labels that say the same everywhere. Others need `scores: {NAME: {labels: …}}` at the source.
_PLAIN = {
    "pass": Decimal(1), "passed": Decimal(1), "correct": Decimal(1), "true": Decimal(1),
    "fail": Decimal(0), "failed": Decimal(0), "incorrect": Decimal(0), "false": Decimal(0),
}  # fmt: skip
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._:/\-]{0,63}")
_EXACT = Context(prec=40)


def quality(marking: Marking, name: str, value: Any, label: Any, own: Scale | None = None) -> Decimal:
    """The mark of one score. `own`: the range that the record itself states.

    Raises `Reject` where the value lies outside 0..1 without a range, or the label has no value.
    """
    scaled = marking.scores.get(name) or own
    if type(value) is bool:
        return Decimal(int(value))
    if type(label) is str and scaled is not None and label in scaled.labels:
        return share(scaled.labels[label], "label")
    if value is None:
        plain = _PLAIN.get(label.strip().lower()) if type(label) is str else None
        if plain is None:
            raise Reject("score: a label without a declared value, expected scores: {NAME: {labels: …}} at the source")
        return plain
    number = decimal(value, "value")
    if not number.is_finite():
        raise Reject("value: expected a finite number")
    if scaled is None:
        if not 0 <= number <= 1:
            raise Reject("value: outside 0..1, expected scores: {NAME: {min, max}} at the source")
        return share(number, "value")
    if not min(scaled.low, scaled.high) <= number <= max(scaled.low, scaled.high):
        raise Reject("value: outside the declared range")
    return share(_EXACT.divide(number - scaled.low, scaled.high - scaled.low), "value")


def score_name(value: Any) -> str:
    """The name of a score: a short identifier, never a phrase somebody wrote."""
    if type(value) is not str or not _NAME.fullmatch(value):
        raise Reject("name: expected at most 64 letters, digits and . _ : / -")
    return value


def scale(low: Any, high: Any, labels: Iterable[tuple[str, Any]] = ()) -> Scale | None:
    """The range that a record states itself; None where it states none."""
    if low is None or high is None:
        return None
    least, most = decimal(low, "minValue"), decimal(high, "maxValue")
    if least == most:
        raise Reject("minValue, maxValue: expected a range")
    return Scale(least, most, {name: decimal(value, "value") for name, value in labels})
