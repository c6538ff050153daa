"""Kind `requests`, many lines at a time: the columns of `RequestRecord` straight from JSON text, in one query.

What the query is not certain to read as `outlay_log.parse` would, it leaves out, line by line; the caller reads
those lines one at a time. The model is `sql/sources/requests.sql`; here stands what depends on the log at hand:
its further fields, learnt from its lines, and its white space.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.sources.documents import parse
from pipelines.sources.ids import provider_id
from pipelines.sources.outlay_log import STANDARD_REGIONS, TIERS
from pipelines.sources.tags import MAX_LENGTH, refusal, short_key
from pipelines.sources.values import MAX_COUNT, MAX_TEXT
from pipelines.storage.models import filled, literal

_TAGS = ("workflow", "task_type", "unit_id", "attempt_id", "stratum")
_TEXTS = ("request_id", "response_id", "time", "provider", "model", "status", "service_tier", "region", *_TAGS)
_REQUIRED = ("request_id", "time", "provider", "model")
_COUNTS = (
    "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "cache_write_long_tokens",
    "reasoning_tokens",
)  # fmt: skip
_NUMBERS = ("cost_usd", "latency_ms")
KNOWN = frozenset((*_TEXTS, *_COUNTS, *_NUMBERS, "units"))
#: Names that mean the same in JSON, in SQL and in a regular expression once quoted.
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_.:/@ -]{1,64}")
_MAX_EXTRAS = 40
_MAX_PROVIDERS = 20
#: Combinations of tags that get a branch of their own; others take the general way, which costs four times as much.
_MAX_PATTERNS = 24
_MINUTE = "(19[7-9]|20[0-9])[0-9]-[01][0-9]-[0-3][0-9]T([01][0-9]|2[0-3]):[0-5][0-9]"
_AMOUNT = "[0-9]{1,9}([.][0-9]{1,18})?|[0-9]([.][0-9]{1,17})?[eE]-0?[0-9]"
_EXTRA = f"true|false|-?[0-9]{{1,18}}|{_AMOUNT}"
#: Wider than `quarantine.SECRET`: where it matches, the exact one decides.
_MAYBE_SECRET = (
    "(?i)(sk|pk|rk|xox[abprs]|gh[pousr]|glpat|hf|whsec|key|api|lf|pplx|gsk|xai|r8)[-_][a-z0-9_-]{12}"
    "|bearer|basic|eyJ|AKIA|AIza|-----BEGIN|://"
)


_QUOTE = literal('"')
_EMPTY = literal('""')


@dataclass(frozen=True)
class Layout:
    """What a log's lines hold beside the fields of the format."""

    fields: tuple[str, ...] = ()  #: of the format, those that occur; the others cost nothing
    providers: tuple[str, ...] = ()  #: as written; a line that names another one is read by itself
    extras: tuple[str, ...] = ()  #: kept as tags
    dropped: tuple[str, ...] = ()  #: never kept, whatever they hold
    patterns: tuple[frozenset[str], ...] = ()  #: which tag fields stand together, the most frequent first
    spaced: bool = False  #: blanks between the tokens
    returns: bool = False  #: a carriage return before each line feed
    nulls: bool = False  #: nulls written out


def learn(lines: Sequence[bytes], known: Layout) -> Layout:
    """The layout of some lines (without their line feed), and all that was known before."""
    names: Counter[str] = Counter(dict.fromkeys((*known.extras, *known.dropped), 1))
    patterns: Counter[frozenset[str]] = Counter(dict.fromkeys(known.patterns, 1))
    fields = {*_REQUIRED, *known.fields}
    providers = Counter(dict.fromkeys(known.providers, 1))
    for line in lines:
        record = parse(line)
        if type(record) is dict:
            fields.update(name for name in record if name in KNOWN)
            names.update(name for name in record if name not in KNOWN)
            provider = record.get("provider")
            if type(provider) is str and _PLAIN_NAME.fullmatch(provider):
                providers[provider] += 1
            patterns[
                frozenset(k for k, v in record.items() if (k in _TAGS or k not in KNOWN) and v not in (None, ""))
            ] += 1
    taken: set[str] = {name.lower() for name in KNOWN}
    extras: list[str] = []
    dropped: list[str] = []
    for name, _ in names.most_common():
        if len(extras) + len(dropped) == _MAX_EXTRAS:
            break
        if name.lower() in taken or not _PLAIN_NAME.fullmatch(name):
            continue
        taken.add(name.lower())
        why = refusal(name)
        (extras if why is None or why == "user" else dropped).append(name)
    kept = {*extras, *_TAGS}
    common = dict.fromkeys(pattern & kept for pattern, _ in patterns.most_common(_MAX_PATTERNS))
    return Layout(
        fields=tuple(sorted(fields)),
        providers=tuple(name for name, _ in providers.most_common(_MAX_PROVIDERS)),
        extras=tuple(sorted(extras)),
        dropped=tuple(sorted(dropped)),
        patterns=tuple(common),
        spaced=sum(b'": ' in line for line in lines) * 2 > len(lines),
        returns=sum(line.endswith(b"\r") for line in lines) * 2 > len(lines),
        nulls=sum(b":null" in line or b": null" in line for line in lines) * 20 > len(lines),
    )


def query(layout: Layout, *, lines: str, source: str, file: str, latest: str) -> str:
    """SQL over a table of (line, text) with the columns of `REQUEST_SCHEMA`; `latest` is a credible time's limit."""
    names = {name: name for name in (*_TEXTS, *_COUNTS, *_NUMBERS)}
    names |= {name: f"x{i}" for i, name in enumerate((*layout.extras, *layout.dropped))}
    further = [names[name] for name in (*layout.extras, *layout.dropped)]
    loose = {name: names[name] for name in (*_NUMBERS, *layout.extras, *layout.dropped)}
    read = {name: x for name, x in names.items() if name in layout.fields or name not in KNOWN}
    shape = "{" + ",".join(f'"{name}":"JSON"' for name in read) + "}"
    texts = [f'cast(found."{name}" as varchar) as {x}' for name, x in read.items()]
    texts += [f"cast(null as varchar) as {x}" for name, x in names.items() if name not in read]
    sure_texts = [
        *(f"starts_with({name}, {_QUOTE}) and {name} <> {_EMPTY}" for name in _REQUIRED),
        *(f"coalesce(starts_with({name}, {_QUOTE}), true)" for name in _TEXTS if name not in _REQUIRED),
        f"coalesce(status, {_json('ok')}) in ({_json('ok')}, {_json('error')})",
        f"coalesce(service_tier, {_json('standard')}) in ({', '.join(_json(tier) for tier in sorted(TIERS))})",
        f"(strlen(text) <= {MAX_TEXT} or greatest({', '.join(f'strlen({name})' for name in _TEXTS)}) <= {MAX_TEXT})",
        f"provider in ({', '.join(map(_json, layout.providers)) or 'null'})",
    ]
    sure_numbers = [
        f"{name} is not distinct from cast(n_{name} as varchar) and coalesce(n_{name} between 0 and {MAX_COUNT}, true)"
        for name in _COUNTS
    ]
    for x in further:
        sure_numbers.append(
            f"({x} is null or case when starts_with({x}, {_QUOTE}) then {x} <> {_EMPTY} and strlen({x}) <= {MAX_LENGTH} "
            f"and (strlen({x}) < 14 or not regexp_matches({x}, {literal(_MAYBE_SECRET)})) "
            f"else regexp_full_match({x}, {literal(_EXTRA)}) end)"
        )
    return filled(
        "sources/requests",
        shape=literal(shape),
        lines=lines,
        texts=", ".join(texts),
        texts_are_sure=" and ".join(sure_texts),
        raw_numbers=", ".join(f"{_raw(name, x)} as {x}" for name, x in loose.items()),
        counts=", ".join(f"try_cast({name} as bigint) as n_{name}" for name in _COUNTS),
        numbers_are_sure=" and ".join(sure_numbers),
        spelt_numbers=", ".join(f"{_spelt(x)} as s_{x}" for x in loose.values()),
        minute=_MINUTE,
        amount=literal(_AMOUNT),
        latest=latest,
        provider=_provider(layout),
        members=", ".join(_member(name, x, layout) for name, x in sorted(read.items()) if name not in layout.dropped),
        source=literal(source),
        file=literal(file),
        standard_regions=", ".join(_json(name) for name in sorted(STANDARD_REGIONS)),
        tags=_tags(layout, names),
        size=_size(layout, loose),
    )


def _provider(layout: Layout) -> str:
    if not layout.providers:
        return "cast(null as varchar)"
    branches = (f"when {_json(name)} then {literal(provider_id(name))}" for name in layout.providers)
    return f"case provider {' '.join(branches)} end"


def _json(text: str) -> str:
    return literal('"' + text + '"')


def _raw(name: str, x: str) -> str:
    """A number's own text where it may have been read as floating point, the JSON text of anything else."""
    found = literal('"' + re.escape(name) + '" *: *([-+.0-9eE]*)')
    floating = f"(contains({x}, '.') or contains({x}, 'e')) and {x} not in ('true', 'false')"
    return f"case when not starts_with({x}, {_QUOTE}) and {floating} then regexp_extract(text, {found}, 1) else {x} end"


def _spelt(x: str) -> str:
    """Canonical text: numbers without exponents and needless zeros."""
    plain = f"rtrim(rtrim(cast(cast({x} as decimal(38, 28)) as varchar), '0'), '.')"
    broken = f"(contains({x}, '.') or contains({x}, 'e') or contains({x}, 'E'))"
    return (
        f"case when {x} is null or starts_with({x}, {_QUOTE}) or not {broken} then {x} "
        f"when regexp_full_match({x}, {literal(_AMOUNT)}) then {plain} else {x} end"
    )


def _member(name: str, x: str, layout: Layout) -> str:
    value = f"s_{x}" if name in _NUMBERS or x != name else x
    head = literal(f',"{name}":')
    if layout.nulls and name in KNOWN:
        null = literal(f',"{name}":null')
        return f"case when {x} is not null then {head} when {_is_null(name)} then {null} end, {value}"
    return f"case when {x} is not null then {head} end, {value}"


def _is_null(name: str) -> str:
    tight, wide = literal(f'"{name}":null'), literal(f'"{name}": null')
    return f"(contains(text, {tight}) or contains(text, {wide}))"


def _size(layout: Layout, loose: dict[str, str]) -> str:
    """Whether all of the line is accounted for. Of a log with white space, all but its blanks."""

    def measure(text: str) -> str:
        return f"strlen(replace({text}, ' ', ''))" if layout.spaced else f"strlen({text})"

    found = [measure("canonical")]
    for name, x in loose.items():
        width = len(name.replace(" ", "") if layout.spaced else name) + 4
        if name in layout.dropped:
            found.append(f"coalesce({measure(x)} + {width}, 0)")
        else:
            found.append(f"coalesce({measure(x)} - {measure(f's_{x}')}, 0)")
        if layout.nulls and name not in KNOWN:
            found.append(f"case when {x} is null and {_is_null(name)} then {width + 4} else 0 end")
    ending = "case when ends_with(text, concat(chr(13), chr(10))) then 2 else 1 end" if layout.returns else "1"
    return f"{measure('text')} - {ending} = {' + '.join(found)}"


def _tags(layout: Layout, names: dict[str, str]) -> str:
    """Raw keys, then the short ones that no raw key takes, sorted. A branch per usual combination: see `_MAX_PATTERNS`."""
    kept = [name for name in names if name in _TAGS or name in layout.extras]
    texts = {name: names[name] if name in _TAGS else f"s_{names[name]}" for name in kept}
    values = {name: f"nullif(replace({text}, {_QUOTE}, ''), '')" for name, text in texts.items()}
    bits = {name: 1 << i for i, name in enumerate(sorted(values))}
    shorts: dict[str, list[str]] = {}
    for name in sorted(values):
        short = short_key(name)
        if short and short != name:
            shorts.setdefault(short, []).append(name)
    found = {name: value for name, value in values.items() if name not in shorts}
    for short, origins in shorts.items():
        found[short] = f"coalesce({', '.join(values[name] for name in ([short] if short in values else []) + origins)})"
    entries = ", ".join(f"{{'key': {literal(key)}, 'value': {found[key]}}}" for key in sorted(found))
    general = f"map_from_entries(list_filter([{entries}], lambda entry: entry.value is not null))"
    if len({key.lower() for key in found}) < len(found):
        return general
    pattern = " + ".join(
        f"case when {value} is not null then {bits[name]} else 0 end" for name, value in values.items()
    )
    branches = []
    for present in layout.patterns:
        keys = {key for key in found if key in present or any(name in present for name in shorts.get(key, ()))}
        struct = ", ".join(f"{literal(key)}: {found[key]}" for key in sorted(keys))
        if keys:
            number = sum(bits[name] for name in present)
            branches.append(f"when {number} then cast({{{struct}}} as map(varchar, varchar))")
    return f"case {pattern} {' '.join(branches)} else {general} end" if branches else general
