"""What an alert message says: the workspace, then one line an alert. Figures and names of the marts, nothing else.

No request text, no person's name and no secret is in a mart; whatever looks like one is masked all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Any

from pipelines.routing.credentials import mask
from pipelines.workspace.notices import Email

SHOWN = 20
Alert = dict[str, Any]  #: a row of the export `alerts`


@dataclass(frozen=True)
class Message:
    """One digest of alerts."""

    subject: str
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        return "\n".join((self.subject, "", *self.lines)) + "\n"


def compose(company: str, alerts: Sequence[Alert]) -> Message:
    """Severest first, as the alerts come; the first twenty by name, the others by number."""
    high = sum(alert["severity"] == "high" for alert in alerts)
    count = f"{len(alerts)} new alert{'s' if len(alerts) != 1 else ''}"
    lines = [
        f"[{a['severity']}] {a['kind']}: {a['subject']}, {a['day']}: {_one_line(a['detail'])}" for a in alerts[:SHOWN]
    ]
    if len(alerts) > SHOWN:
        lines.append(f"and {len(alerts) - SHOWN} more: outlay export alerts")
    return Message(
        _one_line(f"{company}: {count}{f', {high} of high severity' if high else ''}"),
        tuple(mask(_one_line(line)) for line in lines),
    )


def slack(message: Message) -> dict[str, Any]:
    """Slack's incoming-webhook body; Mattermost, Teams' and Discord's Slack endpoints take the same."""
    escaped = [_escaped(line) for line in (message.subject, *message.lines)]
    return {"text": "\n".join([f"*{escaped[0]}*", *(f"• {line}" for line in escaped[1:])])}


def email(message: Message, to: Email) -> EmailMessage:
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = message.subject, to.sender, ", ".join(to.to)
    mail["Date"], mail["Message-ID"] = formatdate(), make_msgid(domain=to.sender.rpartition("@")[2])
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text)
    return mail


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _one_line(text: str) -> str:
    """A workflow's or model's name comes from logs: no line breaks, no control characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
