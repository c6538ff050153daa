"""Which virtual keys, teams and access groups of a LiteLLM proxy lack a route, asked with an admin's key.

A key with a list of models is refused every route that no entry of the list covers. Keys and teams lie in the proxy's
database; a proxy without one can't list them, and says so. Access groups of its config file can be listed always.
"""

from __future__ import annotations

import json
import urllib.error
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from pipelines.routing.credentials import mask
from pipelines.routing.smoke import fetch, key_from
from pipelines.routing.targets.litellm import GROUP
from pipelines.workspace.gateway import Target

PAGE, PAGES = 100, 50  #: keys asked for at once, and how often at most
EVERY = frozenset({"*", "all-proxy-models"})
OF_THE_TEAM = "all-team-models"


def lacking(target: Target, groups: Sequence[str]) -> tuple[list[str], list[str]]:
    """(findings, notes): one finding a key, team or access group that lacks one of the groups."""
    if target.probe is None or target.probe.admin_key is None or target.kind != "litellm" or not groups:
        return [], []
    admin = key_from(target, "admin_key")
    names = [f"{GROUP}{group}" for group in groups]
    url, notes = target.probe.url, []

    def listed(path: str, what: str) -> Any:
        try:
            with fetch(url, path, admin) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                said = mask(error.read(2000).decode("utf-8", "replace"))
            reason = "the proxy has no database" if "not connected" in said.lower() else f"HTTP {error.code}"
            notes.append(f"{what} can't be listed: {reason}")
        except (OSError, ValueError) as error:
            notes.append(f"{what} can't be listed: {type(error).__name__}")
        return None

    held = access_groups(listed("model/info", "access groups") or {})
    teams = {
        str(team.get("team_id")): team
        for team in _rows(listed("team/list", "teams"), "teams")
    }  # fmt: skip
    keys: list[Mapping[str, Any]] = []
    for page in range(1, PAGES + 1):
        answer = listed(f"key/list?return_full_object=true&include_team_keys=true&size={PAGE}&page={page}", "keys")
        keys += _rows(answer, "keys")
        if not isinstance(answer, Mapping) or page >= int(answer.get("total_pages") or 1):
            break
    findings = [
        f"access group {group}: lacks {', '.join(missing)}; keys that get their models from it alone are refused"
        for group, models in sorted(held.items())
        if (missing := [name for name in names if name not in models])
    ]
    findings += [
        f"team {_label(team, 'team_alias', 'team_id')}: {_lacks(missing)}"
        for team in teams.values()
        if (missing := _missing(team.get("models") or [], names, held))
    ]
    for key in keys:
        models = list(key.get("models") or [])
        if OF_THE_TEAM in models:
            models = list(teams.get(str(key.get("team_id")), {}).get("models") or [])
        if missing := _missing(models, names, held):
            findings.append(f"key {_label(key, 'key_alias', 'key_name')}: {_lacks(missing)}")
    return findings, list(dict.fromkeys(notes))


def access_groups(information: Mapping[str, Any]) -> dict[str, set[str]]:
    """Access group -> the model names that it holds, from `/model/info`."""
    held: dict[str, set[str]] = {}
    for entry in information.get("data") or ():
        for group in (entry.get("model_info") or {}).get("access_groups") or ():
            held.setdefault(str(group), set()).add(str(entry.get("model_name")))
    return held


def _missing(models: Iterable[str], names: Sequence[str], held: Mapping[str, set[str]]) -> list[str]:
    """The names that a list of models does not cover; an empty list covers all."""
    entries = [str(model) for model in models]
    if not entries or EVERY & set(entries):
        return []
    return [
        name for name in names if not any(fnmatchcase(name, entry) or name in held.get(entry, ()) for entry in entries)
    ]


def _lacks(missing: Sequence[str]) -> str:
    return f"its models don't cover {', '.join(missing)}; add `{GROUP}*` or these names"


def _label(row: Mapping[str, Any], alias: str, name: str) -> str:
    shown = row.get(alias) or row.get(name) or "without a name"
    return mask(str(shown))


def _rows(answer: Any, name: str) -> list[Mapping[str, Any]]:
    rows = answer.get(name) if isinstance(answer, Mapping) else answer
    return [row for row in rows or () if isinstance(row, Mapping)]
