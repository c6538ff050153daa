"""What a source's `path` matches: one meaning for local folders and for the keys of a bucket.

`*` and `?` stay within a path component, `[…]` is a set, `**` crosses folders; the last component also matches its
names plus `.gz` or `.zst`. Names that begin with a dot are hidden: only a pattern that spells the dot finds them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

_WILD = re.compile(r"[*?\[]")
PACKED = (".gz", ".zst")


@dataclass(frozen=True, slots=True)
class Pattern:
    """A path in its components: `fixed` ones without wildcards, then `wild` ones, of which there is at least one."""

    fixed: tuple[str, ...]
    wild: tuple[str, ...]

    @classmethod
    def of(cls, parts: Sequence[str]) -> Pattern:
        """The last component counts as wild even without wildcards, because of the endings it may have."""
        first = next((i for i, part in enumerate(parts) if _WILD.search(part)), len(parts) - 1)
        return cls(tuple(parts[:first]), tuple(parts[first:]))

    @property
    def components(self) -> list[re.Pattern[str] | None]:
        """The wild components compiled; None is `**`, of which one is as good as several in a row."""
        found: list[re.Pattern[str] | None] = []
        for part in self.wild:
            if part != "**":
                found.append(component(part))
            elif not found or found[-1] is not None:
                found.append(None)
        return found

    @property
    def stem(self) -> str:
        """What every name begins with in the first wild component."""
        return _WILD.split(self.wild[0], maxsplit=1)[0]

    def below(self) -> re.Pattern[str]:
        """One expression for what follows the fixed components and their slash."""
        parts = self.components
        text = ""
        for place, part in enumerate(parts):
            last = place == len(parts) - 1
            if part is None:
                text += r"(?:(?!\.)[^/]+/)*" + (r"(?!\.)[^/]+" if last else "")
            else:
                text += ("" if spells_dot(part) else r"(?!\.)") + part.pattern + ("" if last else "/")
        return re.compile(f"{text}(?:{'|'.join(map(re.escape, PACKED))})?", re.DOTALL)


@lru_cache(maxsize=1024)
def component(part: str) -> re.Pattern[str]:
    """A compiled path component."""
    out, i = "", 0
    while i < len(part):
        char = part[i]
        close = part.find("]", i + 2) if char == "[" else -1
        if char == "*":
            out += "[^/]*"
        elif char == "?":
            out += "[^/]"
        elif close > 0:
            inner = part[i + 1 : close].replace("\\", "\\\\").replace("[", "\\[")
            out += "[" + ("^" + inner[1:] if inner[0] in "!^" else inner) + "]"
            i = close
        else:
            out += re.escape(char)
        i += 1
    return re.compile(out, re.DOTALL)


def spells_dot(part: re.Pattern[str]) -> bool:
    """Whether a component asks for hidden names."""
    return part.pattern.startswith("\\.")
