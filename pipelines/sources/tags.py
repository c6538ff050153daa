"""Which fields of a log may leave the parser as tags, and under which names they are found.

A tag is a scalar of at most 256 characters. Names that look like content or secrets are dropped whatever they
hold, values that look like secrets whatever they are called, and user ids unless the workspace maps them; all
are counted. Each tag is kept under its raw key and under a short one (`finops.document_id`, `documentId` and
`Document-Id` are all also `document_id`); where both exist, the raw key wins.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

from pipelines.sources import canonical
from pipelines.sources.attributes import TABLES
from pipelines.sources.context import Context
from pipelines.sources.quarantine import SECRET

MAX_LENGTH = 256
#: A tag names something. What has more words than this, in a log that somebody else's tool wrote, is prose.
MAX_SPACES = 11
_RULES: dict[str, list[str]] = TABLES["tags"]
_PREFIXES = tuple(_RULES["prefixes"])
_CONTENT = frozenset(_RULES["content"])
_SECRET = frozenset(_RULES["secret"])
_SECRET_ENDINGS = tuple(_RULES["secret_endings"])
_USERS = frozenset(_RULES["users"])
_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_SPLIT = re.compile(r"[._\-\s/]+")


@lru_cache(maxsize=16384)
def short_key(key: str) -> str:
    """The key that a workspace would write: no known prefix, lower case, words joined by `_`."""
    for prefix in _PREFIXES:
        if key.startswith(prefix):
            key = key[len(prefix) :]
            break
    return _WORD.sub("_", key).lower().replace("-", "_")


@lru_cache(maxsize=16384)
def refusal(key: str) -> str | None:
    """Why a field of this name is no tag: `content`, `secret`, `user`, `name`; None if it may be one."""
    if not key or len(key) > 128 or SECRET.search(key):
        return "name"
    short = short_key(key)
    if short in _USERS or key.lower() in _USERS:
        return "user"
    parts = short.split(".")
    last = _SPLIT.split(short)[-1]
    if short.endswith(_SECRET_ENDINGS) or last in _SECRET or not _SECRET.isdisjoint(parts):
        return "secret"
    if last in _CONTENT or not _CONTENT.isdisjoint(parts):
        return "content"
    return None


def scalar(value: Any) -> str | None:
    """A tag's text, or None for what is no scalar or says nothing."""
    kind = type(value)
    if kind is str:
        return value or None
    if kind is bool:
        return "true" if value else "false"
    if kind is int:
        return str(value)
    if kind is Decimal:
        return canonical.number(value)
    return None


class Tags:
    """The tags of one record. First found wins."""

    __slots__ = ("_context", "_own", "notes", "raw")

    def __init__(self, context: Context, *, own_log: bool = False) -> None:
        """`own_log`: what Outlay's own request log says was put there as a tag, user ids and phrases too."""
        self.raw: dict[str, str] = {}
        self._context = context
        self._own = own_log
        self.notes = context.notes

    def add(self, key: str, value: Any) -> bool:
        """Keep one field if it may be kept; says whether it was."""
        if value is None or value == "":
            return False
        why = refusal(key)
        if why is not None and not (why == "user" and self._may_name_users(key)):
            self.notes.dropped[why] += 1
            return False
        found = scalar(value)
        if found is None:
            self.notes.dropped["nested"] += 1
        elif len(found) > MAX_LENGTH:
            self.notes.dropped["long"] += 1
        elif len(found) >= 12 and SECRET.search(found):
            self.notes.dropped["secret"] += 1
        elif not self._own and (found[0] in "[{" or "\n" in found or found.count(" ") > MAX_SPACES):
            self.notes.dropped["content"] += 1
        else:
            self.raw.setdefault(key, found)
            return True
        return False

    def add_map(self, values: Any) -> None:
        """Keep the scalars of a map (metadata, labels, properties); anything else holds no tags."""
        if isinstance(values, Mapping):
            for key, value in values.items():
                self.add(key, value)

    def add_list(self, field: str, values: Any) -> None:
        """`key:value` strings become tags of their key; the others, joined, one tag of the field's name."""
        if not isinstance(values, list):
            return
        plain: list[str] = []
        for value in values:
            if not isinstance(value, str) or value.startswith("User-Agent:"):
                continue
            key, colon, rest = value.partition(":")
            if colon and key.strip() and rest.strip():
                self.add(key.strip(), rest.strip())
            elif value:
                plain.append(value)
        if plain:
            self.add(field, ",".join(plain))

    def done(self) -> dict[str, str]:
        """Raw keys, then the short ones that no raw key takes, whatever order the fields came in."""
        return with_short_keys(self.raw)

    def _may_name_users(self, key: str) -> bool:
        return self._own or key in self._context.mapped or short_key(key) in self._context.mapped


def with_short_keys(raw: dict[str, str]) -> dict[str, str]:
    """Every tag also under its short key, unless another field is called just that."""
    shorts = [(key, short) for key in raw if (short := short_key(key)) != key and short]
    if not shorts:
        return raw
    found = dict(raw)
    for key, short in sorted(shorts):
        found.setdefault(short, raw[key])
    return found
