"""Attributes of spans, sorted: what is a field of the record, what a tag, what neither.

The names are data (`attributes.toml`); several names of one field are ranked, the first that is present wins.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from pipelines.sources import documents
from pipelines.sources.attributes import TABLES
from pipelines.sources.context import Context
from pipelines.sources.tags import Tags, refusal

_TABLE: dict[str, Any] = TABLES["otlp"]
#: attribute name -> (canonical field, rank); the smallest rank that is present wins
FIELDS: dict[str, tuple[str, int]] = {
    name: (field, rank) for field, names in _TABLE["fields"].items() for rank, name in enumerate(names)
}
_REPEATS = frozenset(_TABLE["repeats"]["names"])
_TOKEN_PREFIXES = tuple(_TABLE["repeats"]["prefixes"])
_DROP = tuple(_TABLE["tags"]["drop"])
_KEEP = tuple(_TABLE["tags"]["keep"])
_MAPS = frozenset(_TABLE["tags"]["maps"])
_LISTS = frozenset(_TABLE["tags"]["lists"])
#: Names of scopes of which it is known whether they count caches inside the input.
SCOPES = frozenset(row["scope"] for row in _TABLE["caches"])
#: What becomes of an attribute that is no field.
DROPPED, TAG, CARRIER, _UNKNOWN = range(4)
_MAX_UNKNOWN = 1000


@lru_cache(maxsize=1024)
def caches_beside(scope: tuple[str, str], provider: str) -> bool:
    """Whether a scope (name, version) leaves the caches out of the input, by the table `otlp.caches`."""
    name, version = scope
    for row in _TABLE["caches"]:
        if (
            row["scope"] == name
            and version.startswith(tuple(row.get("versions", ("",))))
            and row.get("provider", provider) == provider
        ):
            return row["input"] == "beside"
    return False


class Attributes:
    """The attributes of one span, sorted into fields and tags."""

    __slots__ = ("fields", "tags")

    def __init__(self, fields: dict[str, Any], tags: Tags) -> None:
        self.fields = fields
        self.tags = tags

    def has_usage(self) -> bool:
        return has_usage(self.fields)


def has_usage(fields: dict[str, Any]) -> bool:
    """Whether any token count is there at all; a stream may end without one."""
    return fields.get("input") is not None or fields.get("output") is not None


def sort(attributes: dict[str, Any], context: Context) -> Attributes:
    """Fields and tags of one span. What is neither is dropped and counted."""
    fields: dict[str, Any] = {}
    ranks: dict[str, int] = {}
    others: dict[str, Any] = {}
    for name, value in attributes.items():
        if value is None:
            continue
        known = FIELDS.get(name)
        if known is None:
            others[name] = value
            continue
        field, rank = known
        if rank < ranks.get(field, 99):
            ranks[field], fields[field] = rank, value
    tags = Tags(context)
    add_attributes(tags, others)
    return Attributes(fields, tags)


def add_attributes(tags: Tags, attributes: dict[str, Any]) -> None:
    """Keep the attributes that are tags, then those that carry tags, whatever order they came in."""
    carriers: list[str] = []
    for name, value in attributes.items():
        kind = role(name)
        if kind == TAG:
            tags.add(name, value)
        elif kind == CARRIER:
            carriers.append(name)
        elif kind == _UNKNOWN and len(tags.notes.unknown) < _MAX_UNKNOWN:
            tags.notes.unknown[name] += 1
        else:
            tags.notes.dropped["instrumentation"] += 1
    for name in sorted(carriers):
        value = attributes[name]
        if name in _LISTS:
            tags.add_list("tags", value)
        elif type(value) is str and value[:1] == "{":
            tags.add_map(documents.parse(value.encode("utf-8", "replace")))
        else:
            tags.add_map(value)


@lru_cache(maxsize=16384)
def role(name: str) -> int:
    """What becomes of an attribute of this name that is no field."""
    if name in _MAPS or name in _LISTS:
        return CARRIER
    if name in _REPEATS or name in FIELDS:
        return DROPPED
    if name.startswith(_TOKEN_PREFIXES):
        return _UNKNOWN if len(name) <= 96 and refusal(name) is None else DROPPED
    return DROPPED if name.startswith(_DROP) and not name.startswith(_KEEP) else TAG


def resource_tags(attributes: dict[str, Any], context: Context) -> dict[str, str]:
    """The tags that a resource gives to all of its spans."""
    tags = Tags(context)
    for name, value in attributes.items():
        if role(name) == TAG:
            tags.add(name, value)
    return tags.done()
