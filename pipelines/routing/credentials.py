"""Secrets in routing files: found so that they are refused, masked so that they are never shown.

A key may stand in a binding only as `os.environ/NAME`, which the gateway resolves itself.
"""

from __future__ import annotations

import contextlib
import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

REFERENCE = re.compile(r"os\.environ/[A-Za-z_][A-Za-z0-9_]*")
MASK = "***"

#: Parameter and header names whose text is a secret.
SECRET_NAME = re.compile(
    r"(?i)(^|[_.-])(api_?key|apikey|key|access_?key_?id|secret|passwd|password|token|credentials?|authorization|auth"
    r"|cookie)$"
)
#: Names that only look like it: a name in the gateway's own vault, and a cache's partition.
HARMLESS_NAME = frozenset({"litellm_credential_name", "prompt_cache_key", "cache_key", "virtual_key"})

SECRET_TEXT = re.compile(
    r"""(?x)
      \b(?:sk|pk|rk)-[A-Za-z0-9_-]{8,}                 # OpenAI, Anthropic, LiteLLM, Langfuse
    | \b(?:AKIA|ASIA)[0-9A-Z]{16}\b                    # AWS
    | \bAIza[0-9A-Za-z_-]{20,}                         # Google
    | \b(?:gh[pousr]|github_pat|gsk|hf|glpat|xai)[_-][A-Za-z0-9_-]{16,}
    | \bxox[abeprs]-[A-Za-z0-9-]{8,}                   # Slack
    | \beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}        # JSON Web Token
    | -----BEGIN[ ][A-Z ]*PRIVATE[ ]KEY-----
    | (?i:\b(?:bearer|basic)\s+(?!os\.environ/)[A-Za-z0-9+/._=-]{8,})
    | (?<=://)[^\s/@:]+:[^\s/@]+(?=@)                  # user:password in an address
    | (?i:(?<=[?&])(?:api[-_]?key|key|token|sig|signature|secret|password)=[^\s&"']+)
    """
)
#: Azure keys and the like: shown masked, but not refused, for a model's name may be such a hash.
OPAQUE_TEXT = re.compile(r"(?<![0-9A-Za-z])(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9A-Za-z]{84})(?![0-9A-Za-z])")

_ASSIGNMENT = re.compile(
    r"""(?P<key>[\w.-]+)(?P<sep>["']?[ \t]*[:=][ \t]*)(?P<value>"[^"\n]*"|'[^'\n]*'|[^\s,}\]{\[][^,}\]\n]*)"""
)


@dataclass(frozen=True)
class Credential:
    """Where a literal secret stands, and its text, which never leaves the process."""

    where: str
    text: str


def is_secret_name(name: str) -> bool:
    return name.lower() not in HARMLESS_NAME and SECRET_NAME.search(name) is not None


def find_credentials(document: Any, where: str = "") -> list[Credential]:
    """Every literal secret of a document of mappings, lists and scalars, with its key path."""
    if isinstance(document, Mapping):
        found = []
        for key, value in document.items():
            path = f"{where}.{key}" if where else str(key)
            if isinstance(key, str) and SECRET_TEXT.search(key):
                found.append(Credential(f"{where}.{MASK}", key))
            elif is_secret_name(str(key)) and isinstance(value, str):
                if value and not REFERENCE.fullmatch(value):
                    found.append(Credential(path, value))
            else:
                found += find_credentials(value, path)
        return found
    if isinstance(document, list | tuple):
        return [hit for at, value in enumerate(document) for hit in find_credentials(value, f"{where}[{at}]")]
    if isinstance(document, str) and SECRET_TEXT.search(document):
        return [Credential(where, document)]
    return []


def mask(text: str, known: Iterable[str] = ()) -> str:
    """`text` with every secret replaced: the `known` ones, what its name says is one, and what looks like
    one.
    """
    lines = {line.strip() for value in known for line in value.splitlines()}
    for line in sorted((line for line in lines if len(line) >= 4), key=len, reverse=True):
        text = text.replace(line, MASK)
    text = _ASSIGNMENT.sub(_mask_assignment, text)
    return OPAQUE_TEXT.sub(MASK, SECRET_TEXT.sub(MASK, text))


def _mask_assignment(match: re.Match[str]) -> str:
    value = match["value"].strip().strip("\"'")
    if not is_secret_name(match["key"]) or REFERENCE.fullmatch(value) or value in {"", "null", "~", MASK}:
        return match[0]
    return f"{match['key']}{match['sep']}{MASK}"


def masked_diff(before: str, after: str, name: str) -> str:
    known = []
    with contextlib.suppress(YAMLError, ValueError):  # a hand-made file may be anything; its looks are masked below
        known = [hit.text for hit in find_credentials(YAML(typ="safe", pure=True).load(before))]
    before, after = mask(before, known), mask(after, known)
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), f"live/{name}", f"plan/{name}", lineterm="")
    return "\n".join(lines)
