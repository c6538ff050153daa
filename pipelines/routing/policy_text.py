"""Policies read from text and written to it: what is wrong is said by file, line and key, and no value is
shown bare.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedSeq
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import YAMLError

from pipelines.routing.credentials import find_credentials, mask
from pipelines.routing.policy import Policy, PolicyFile
from pipelines.workspace.errors import OutlayError, UsageError
from pipelines.workspace.model import Workspace

POLICY_LIMIT = 1024 * 1024  #: bytes; a larger policy file is refused unread

HEADING = """\
# Routing policy: which tier serves which task. Written by `outlay route approve`; it may be edited by hand
# (version = live version + 1), then: outlay route plan, outlay route approve, outlay route apply.
"""


def parse_policy(content: bytes | str, name: str) -> PolicyFile:
    """The policy that `content` says; raises UsageError naming file `name` and key. No value is shown
    unmasked.
    """
    if len(content) > POLICY_LIMIT:
        raise UsageError(f"{name}: {len(content)} bytes, expected at most {POLICY_LIMIT}")
    try:
        text = content if isinstance(content, str) else content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{name}: byte {error.start} is not UTF-8; save the file as UTF-8") from None
    document = _yaml_document(text, name)
    if found := find_credentials(document):
        raise UsageError(f"{name}: {found[0].where}: a secret stands here in clear; a policy holds none, remove it")
    try:
        return PolicyFile(Policy.model_validate(document), text)
    except ValidationError as error:
        raise UsageError("\n".join(f"{name}: {line}" for line in _problems(error))) from None


def _yaml_document(text: str, name: str) -> Mapping[str, Any]:
    try:
        document = YAML(typ="safe", pure=True).load(text)
    except DuplicateKeyError as error:
        key = re.search(r'duplicate key "([^"]*)"', str(error.problem))
        raise UsageError(
            f"{name}: line {_line(error)}: key {key[1] if key else '?'!r} is given twice; keep one of them"
        ) from None
    except (YAMLError, ValueError) as error:
        raise UsageError(f"{name}: line {_line(error)}: not readable as YAML; expected `key: value` lines") from None
    if not isinstance(document, Mapping):
        raise UsageError(f"{name}: expected a mapping with schema_version, policy_id, version, …, found none")
    return document


def _line(error: Exception) -> int | str:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    return mark.line + 1 if mark is not None else "?"


def _problems(error: ValidationError) -> list[str]:
    lines = []
    for item in error.errors(include_url=False, include_context=False):
        key = re.sub(r"\.(\d+)", r"[\1]", ".".join(str(part) for part in item["loc"]))
        message = item["msg"].removeprefix("Value error, ")
        found = item["input"]
        shown = f", found {mask(repr(found))[:60]}" if isinstance(found, str | int | float) else ""
        if item["type"] == "extra_forbidden":
            message, shown = "unknown key; remove it or correct its spelling", ""
        lines.append(mask(f"{key}: {message}{shown}" if key else message))
    return lines


def check_against_workspace(policy: Policy, workspace: Workspace, name: str) -> None:
    """The policy's tiers are a subset of the workspace's with the same ranks, else UsageError."""
    ranks = {tier.name: tier.rank for tier in workspace.tiers}
    for tier, rank in policy.tiers.items():
        if tier not in ranks:
            raise UsageError(f"{name}: tiers.{tier}: not a tier of outlay.yaml, expected one of {sorted(ranks)}")
        if ranks[tier] != rank:
            raise UsageError(f"{name}: tiers.{tier}: found rank {rank}, expected {ranks[tier]} as in outlay.yaml")


def check_succession(policy: Policy, live_version: int, live_sha256: str | None, name: str) -> None:
    """`version` is the live one + 1 (UsageError) and `parent_sha256`, if given, the live policy's
    (OutlayError).
    """
    if policy.version != live_version + 1:
        raise UsageError(
            f"{name}: version: found {policy.version}, expected {live_version + 1} (the live version is {live_version})"
        )
    if policy.parent_sha256 is not None and policy.parent_sha256 != live_sha256:
        raise OutlayError(
            f"{name}: parent_sha256 names another policy than the live version {live_version}: someone "
            "else applied a "
            "change since; compare with the live policy, then remove parent_sha256 and plan again"
        )


def with_parent(file: PolicyFile, parent_sha256: str | None, name: str) -> PolicyFile:
    """The same text with `parent_sha256` filled in; comments and layout of a hand-written file stay as they
    are.
    """
    if file.policy.parent_sha256 == parent_sha256:
        return file
    text = re.sub(r"(?m)^parent_sha256:.*\n?", "", file.text)
    text, lines = re.subn(r"(?m)^(version:.*)$", rf"\1\nparent_sha256: {parent_sha256}", text, count=1)
    expected = file.policy.model_copy(update={"parent_sha256": parent_sha256})
    if not lines or parse_policy(text, name).policy != expected:
        raise UsageError(f"{name}: add a line `parent_sha256: {parent_sha256}` below `version:`")
    return PolicyFile(expected, text)


def write_policy(policy: Policy) -> PolicyFile:
    """The text of a generated policy, in the order of the model's fields."""
    document = policy.model_dump(mode="json", exclude_none=True)
    document["fallback_on"] = _flow(document["fallback_on"])
    for route in document["routes"]:
        route["fallback"] = _flow(route["fallback"])
        if not route["locked"]:
            del route["locked"]
        if route["split"] == "request":
            del route["split"]
    yaml = YAML()
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    out = io.StringIO()
    yaml.dump(document, out)
    return PolicyFile(policy, HEADING + out.getvalue())


def _flow(items: list[Any]) -> CommentedSeq:
    row = CommentedSeq(items)
    row.fa.set_flow_style()
    return row
