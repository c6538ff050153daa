"""Two payloads that say the same have one canonical text; two that differ have two."""

import json
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.sources import canonical
from pipelines.sources.documents import parse

NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=9)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-(10**15), 10**15), NUMBERS, st.text(max_size=20))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=5)),
    max_leaves=12,
)
SPELLINGS = st.sampled_from(["{}", "{:f}", "{:e}", "{:.12f}", "{:.30E}"])
SPACES = st.sampled_from(["", " ", "\t", "  "])


@st.composite
def written_twice(draw: st.DrawFn) -> tuple[str, str]:
    """One value in two spellings: key order, white space, numbers and escapes differ."""
    value = draw(st.dictionaries(st.text(max_size=8), VALUES, max_size=6))

    def write(part: Any) -> str:
        gap = draw(SPACES)
        if isinstance(part, dict):
            keys = draw(st.permutations(list(part)))
            return "{" + gap + ",".join(f"{text(key)}{gap}:{gap}{write(part[key])}" for key in keys) + gap + "}"
        if isinstance(part, list):
            return "[" + gap + ",".join(write(item) for item in part) + gap + "]"
        if isinstance(part, str):
            return text(part)
        if isinstance(part, Decimal) or (isinstance(part, int) and not isinstance(part, bool)):
            return draw(SPELLINGS).format(Decimal(part))
        return json.dumps(part)

    def text(part: str) -> str:
        return json.dumps(part, ensure_ascii=draw(st.booleans()))

    return write(value), write(value)


@settings(deadline=None)
@given(written_twice())
def test_key_order_white_space_and_spelling_make_no_difference(both: tuple[str, str]) -> None:
    first, second = (parse(text.encode()) for text in both)
    assert canonical.text(first) == canonical.text(second)


@settings(deadline=None)
@given(VALUES)
def test_canonical_text_says_exactly_what_the_value_says(value: Any) -> None:
    written = json.dumps(value, default=lambda number: {"$": str(number)})
    text = canonical.text({"v": value})
    again = parse(text.encode())["v"]
    assert canonical.text({"v": again}) == text
    if not written.count("$"):
        assert again == value


@settings(deadline=None)
@given(NUMBERS)
def test_a_number_has_one_shortest_exact_spelling(number: Decimal) -> None:
    text = canonical.number(number)
    assert Decimal(text) == number
    assert "E" not in text
    assert text == canonical.number(number.scaleb(3).scaleb(-3))
    assert not ("." in text and text.endswith("0"))


def test_extreme_exponents_stay_short_and_exact() -> None:
    spellings = {text: canonical.number(Decimal(text)) for text in ("1e-900000", "12e900000", "-0.0", "1e3", "1.50e-7")}
    assert spellings == {
        "1e-900000": "1E-900000",
        "12e900000": "12E900000",
        "-0.0": "0",
        "1e3": "1000",
        "1.50e-7": "0.00000015",
    }


def test_text_is_left_as_it_is_and_keys_are_in_code_point_order() -> None:
    assert canonical.text({"é": "ü\n", "Z": True, "a": [1, None], "😀": Decimal("2.50")}) == (
        '{"Z":true,"a":[1,null],"é":"ü\\n","😀":2.5}'
    )
