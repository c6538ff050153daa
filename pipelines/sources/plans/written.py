"""Times and numbers as a log writes them, as SQL over the text of a line: what the plans by query share."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pipelines.sources.values import MAX_TEXT
from pipelines.storage.models import literal

AMOUNT = "[0-9]{1,9}([.][0-9]{1,18})?|[0-9]([.][0-9]{1,17})?[eE]-0?[0-9]"
QUOTE = literal('"')
_MINUTE = "(19[7-9]|20[0-9])[0-9]-[01][0-9]-[0-3][0-9]T([01][0-9]|2[0-3]):[0-5][0-9]"
_ZONE = "Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9]"


def instant(column: str) -> str:
    """A time with its zone as timestamptz, null where it is written in another way."""
    return (
        f"case when regexp_full_match({column}, '{_MINUTE}:[0-5][0-9]([.][0-9]{{1,6}})?({_ZONE})') "
        f"then try_cast({column} as timestamptz) "
        # digits below the microsecond are cut off
        f"when regexp_full_match({column}, '{_MINUTE}:[0-5][0-9][.][0-9]{{7,}}Z') "
        f"then try_cast(concat(substring({column}, 1, 26), 'Z') as timestamptz) end"
    )


def raw(name: str, x: str) -> str:
    """A number's own text where it may have been read as floating point, the JSON text of anything else."""
    found = literal('"' + re.escape(name) + '" *: *([-+.0-9eE]*)')
    floating = f"(contains({x}, '.') or contains({x}, 'e') or contains({x}, 'E')) and {x} not in ('true', 'false')"
    return f"case when not starts_with({x}, {QUOTE}) and {floating} then regexp_extract(text, {found}, 1) else {x} end"


def spelt(x: str) -> str:
    """Canonical text: numbers without exponents and needless zeros."""
    plain = f"rtrim(rtrim(cast(cast({x} as decimal(38, 28)) as varchar), '0'), '.')"
    broken = f"(contains({x}, '.') or contains({x}, 'e') or contains({x}, 'E'))"
    return (
        f"case when {x} is null or starts_with({x}, {QUOTE}) or not {broken} then {x} "
        f"when regexp_full_match({x}, {literal(AMOUNT)}) then {plain} else {x} end"
    )


def short_enough(names: Iterable[str]) -> str:
    """Whether none of these texts is longer than one may be; a short line is looked at no closer."""
    longest = ", ".join(f"strlen({name})" for name in names)
    return f"(strlen(text) <= {MAX_TEXT} or coalesce(greatest({longest}), 0) <= {MAX_TEXT})"


def money(x: str) -> str:
    """A plain amount as it is stored, rounded once, half-even, to 12 places. `x` holds it without quotes."""
    return f"cast(round_even(cast({x} as decimal(38, 28)), 12) as decimal(28, 12))"
