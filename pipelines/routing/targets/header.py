"""The first lines of a rendered file: which policy it says, and the hash of all that follows them.

The hash is what makes a hand edit show. YAML targets carry the header as comments, JSON targets as the first
line of the document (its `outlay` key).
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass

from pipelines.routing.policy import PolicyFile, sha256


@dataclass(frozen=True)
class Header:
    policy: str
    version: int
    policy_sha256: str
    binding_sha256: str
    body_sha256: str


WARNING = "# Don't edit: change routing/policy.yaml, then outlay route plan, approve, apply.\n"
_COMMENT = re.compile(
    r"# Written by Outlay\. policy=(\S+) version=(\d+) policy_sha256=([0-9a-f]{64}) "
    r"binding_sha256=([0-9a-f]{64}) body_sha256=([0-9a-f]{64})\n" + re.escape(WARNING)
)


def header_of(file: PolicyFile, binding_sha256: str, body: str) -> Header:
    policy = file.policy
    return Header(policy.policy_id, policy.version, file.sha256, binding_sha256, sha256(body))


def with_comment_header(header: Header, body: str) -> str:
    return (
        f"# Written by Outlay. policy={header.policy} version={header.version} "
        f"policy_sha256={header.policy_sha256} "
        f"binding_sha256={header.binding_sha256} body_sha256={header.body_sha256}\n{WARNING}{body}"
    )


def with_json_header(header: Header, body: str) -> str:
    """`body` is a JSON object's text without its opening brace."""
    return f'{{"outlay": {json.dumps(asdict(header))},\n{body}'


def read_header(text: str) -> tuple[Header | None, str]:
    """The header, if the text has one, and the body that its hash speaks of."""
    if match := _COMMENT.match(text):
        policy, version, policy_sha256, binding_sha256, body_sha256 = match.groups()
        return Header(policy, int(version), policy_sha256, binding_sha256, body_sha256), text[match.end() :]
    line, _, body = text.partition("\n")
    if line.startswith('{"outlay": ') and line.endswith(","):
        try:
            return Header(**json.loads(line.removesuffix(",") + "}")["outlay"]), body
        except (ValueError, TypeError, KeyError):
            return None, text
    return None, text
