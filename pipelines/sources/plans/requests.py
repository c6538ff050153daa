"""Kind `requests`, many lines at a time: the columns of `RequestRecord` straight from JSON text, in one query.

What the query is not certain to read as `outlay_log.parse` would, it leaves out, line by line; the caller reads
those lines one at a time. The model is `sql/sources/requests.sql`; here stands what depends on the log at hand:
its further fields, learnt from its lines.

Fields that hold texts are read as texts, all others as JSON, whose text still says what a value is. That a text was
one in the log, and that nothing was overlooked, follows from counting members and texts in the bytes (`pieces`):
a third of what it costs to take every value as JSON and to write the record anew.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.sources.documents import parse
from pipelines.sources.ids import provider_id
from pipelines.sources.outlay_log import STANDARD_REGIONS, TIERS
from pipelines.sources.plans.written import AMOUNT, QUOTE, instant, raw, short_enough, spelt
from pipelines.sources.tags import MAX_LENGTH, refusal, short_key
from pipelines.sources.values import MAX_COUNT
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
_MAX_EXTRAS, _MAX_PROVIDERS = 40, 20
#: Combinations of tags that get a branch of their own; others take the general way, which costs four times as much.
_MAX_PATTERNS = 24
_EXTRA = f"true|false|-?[0-9]{{1,18}}|{AMOUNT}"
#: Wider than `quarantine.SECRET`: where it matches, the exact one decides.
_MAYBE_SECRET = (
    "(?i)(sk|pk|rk|xox[abprs]|gh[pousr]|glpat|hf|whsec|key|api|lf|pplx|gsk|xai|r8)[-_][a-z0-9_-]{12}"
    "|bearer|basic|eyJ|AKIA|AIza|-----BEGIN|://"
)


@dataclass(frozen=True)
class Layout:
    """What a log's lines hold beside the fields of the format."""

    fields: tuple[str, ...] = ()  #: of the format, those that occur; the others cost nothing
    providers: tuple[str, ...] = ()  #: as written; a line that names another one is read by itself
    extras: tuple[str, ...] = ()  #: kept as tags
    texts: frozenset[str] = frozenset()  #: of the extras, those that always were texts
    dropped: tuple[str, ...] = ()  #: never kept, whatever they hold
    patterns: tuple[frozenset[str], ...] = ()  #: which tag fields stand together, the most frequent first


def learn(lines: Sequence[bytes], known: Layout) -> Layout:
    """The layout of some lines (without their line feed), and all that was known before."""
    names: Counter[str] = Counter(dict.fromkeys((*known.extras, *known.dropped), 1))
    patterns: Counter[frozenset[str]] = Counter(dict.fromkeys(known.patterns, 1))
    fields = {*_REQUIRED, *known.fields}
    providers = Counter(dict.fromkeys(known.providers, 1))
    others = {name for name in known.extras if name not in known.texts}
    for line in lines:
        record = parse(line)
        if type(record) is dict:
            fields.update(name for name in record if name in KNOWN)
            names.update(name for name in record if name not in KNOWN)
            others.update(k for k, v in record.items() if v is not None and type(v) is not str)
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
        texts=frozenset(extras) - others,
        dropped=tuple(sorted(dropped)),
        patterns=tuple(common),
    )


def query(layout: Layout, *, lines: str, source: str, file: str, latest: str) -> str:
    """SQL over the table of a piece with the columns of `REQUEST_SCHEMA`; `latest` is a credible time's limit."""
    names = {name: name for name in (*_TEXTS, *_COUNTS, *_NUMBERS)}
    names |= {name: f"x{i}" for i, name in enumerate((*layout.extras, *layout.dropped))}
    texts = {name for name in names if name in _TEXTS or name in layout.texts}
    loose = {name: x for name, x in names.items() if name not in texts and name not in _COUNTS}
    read = {name: x for name, x in names.items() if name in layout.fields or name not in KNOWN}
    shape = "{" + ",".join(f'"{name}":"{"VARCHAR" if name in texts else "JSON"}"' for name in read) + "}"
    columns = [f'cast(found."{name}" as varchar) as {x}' for name, x in read.items()]
    columns += [f"cast(null as varchar) as {x}" for name, x in names.items() if name not in read]
    present = [f"cast({x} is not null as integer)" for x in read.values()]
    as_text = [
        f"cast({x} is not null as integer)"
        if name in texts
        else f"cast(coalesce(starts_with({x}, {QUOTE}), false) as integer)"
        for name, x in read.items()
        if name not in _COUNTS
    ]
    sure_texts = [
        f"members = {' + '.join(present)}",
        f"strings = {' + '.join(as_text)}",
        *(f"{name} <> ''" for name in _REQUIRED),
        "coalesce(status, 'ok') in ('ok', 'error')",
        f"coalesce(service_tier, 'standard') in ({', '.join(map(literal, sorted(TIERS)))})",
        short_enough(_TEXTS),
        f"provider in ({', '.join(map(literal, layout.providers)) or 'null'})",
    ]
    dropped = [names[name] for name in layout.dropped]
    sure_numbers = [
        f"({name} is null or (n_{name} between 0 and {MAX_COUNT} and not contains({name}, '.')))"
        for name in _COUNTS
        if name in read
    ]
    for name in layout.extras:
        x = names[name]
        harmless = f"(strlen({x}) < 12 or not regexp_matches({x}, {literal(_MAYBE_SECRET)}))"
        if name in texts:
            sure_numbers.append(f"({x} is null or ({x} <> '' and strlen({x}) <= {MAX_LENGTH} and {harmless}))")
        else:
            sure_numbers.append(
                f"({x} is null or case when starts_with({x}, {QUOTE}) then {x} <> {literal(chr(34) * 2)} "
                f"and strlen({x}) <= {MAX_LENGTH} and {harmless} else regexp_full_match({x}, {literal(_EXTRA)}) end)"
            )
    for x in dropped:
        sure_numbers.append(f"({x} is null or starts_with({x}, {QUOTE}) or regexp_full_match({x}, {literal(_EXTRA)}))")
    return filled(
        "sources/requests",
        shape=literal(shape),
        lines=lines,
        columns=", ".join(columns),
        texts_are_sure=" and ".join(sure_texts),
        raw_numbers=", ".join(f"{raw(name, x)} as {x}" for name, x in loose.items()),
        counts=", ".join(f"try_cast({name} as bigint) as n_{name}" for name in _COUNTS),
        numbers_are_sure=" and ".join(sure_numbers) or "true",
        spelt_numbers=", ".join(
            [f"{spelt(x)} as s_{x}" for name, x in loose.items() if name not in KNOWN] or ["1 as one"]
        ),
        instant=instant("time"),
        amount=literal(AMOUNT),
        latest=latest,
        provider=_provider(layout),
        source=literal(source),
        file=literal(file),
        standard_regions=", ".join(map(literal, sorted(STANDARD_REGIONS))),
        tags=_tags(layout, names, texts),
        kept=_kept(layout, read, texts),
    )


def _provider(layout: Layout) -> str:
    if not layout.providers:
        return "cast(null as varchar)"
    branches = (f"when {literal(name)} then {literal(provider_id(name))}" for name in layout.providers)
    return f"case provider {' '.join(branches)} end"


def _kept(layout: Layout, read: dict[str, str], texts: set[str]) -> str:
    """The line as it is; written anew where it holds what is never kept."""
    if not layout.dropped:
        return "text"
    dropped = [read[name] for name in layout.dropped]
    members = []
    for name in sorted({*read, *KNOWN} - {*layout.dropped}):
        head, cases = literal(f',"{name}":'), []
        if x := read.get(name):
            value = f"{QUOTE}, {x}, {QUOTE}" if name in texts else f"s_{x}" if name not in KNOWN else x
            cases.append(f"when {x} is not null then concat({head}, {value})")
        if name in KNOWN:
            nulls = (
                f"contains(text, {literal(chr(34) + name + chr(34) + between)})" for between in (":null", ": null")
            )
            cases.append(f"when nulls > 0 and ({' or '.join(nulls)}) then concat({head}, 'null')")
        members.append(f"case {' '.join(cases)} end")
    anew = f"concat('{{', substring(concat({', '.join(members)}), 2), '}}')"
    return f"case when coalesce({', '.join(dropped)}) is null then text else {anew} end"


def _tags(layout: Layout, names: dict[str, str], texts: set[str]) -> str:
    """Raw keys, then the short ones that no raw key takes, sorted. A branch per usual combination: see `_MAX_PATTERNS`."""
    kept = [name for name in names if name in _TAGS or name in layout.extras]
    values = {
        name: f"nullif({names[name]}, '')" if name in texts else f"nullif(replace(s_{names[name]}, {QUOTE}, ''), '')"
        for name in kept
    }
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
