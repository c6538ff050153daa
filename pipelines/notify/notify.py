"""Alerts out: the published alerts that a channel hasn't been told of, in one message a channel.

A channel that fails never fails a run: what went wrong is reported, and the same alerts are tried again with the next.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from typing import Any

from pipelines.notify.channels import Unsent, send_email, send_webhook
from pipelines.notify.message import Alert, Message, compose
from pipelines.notify.sent import Key, record_of
from pipelines.publish.alerts import SEVERITIES
from pipelines.publish.assemble import json_rows
from pipelines.storage.published import current
from pipelines.workspace.errors import OutlayError
from pipelines.workspace.load import Loaded

Send = Callable[[Message], str | None]  #: answers what some recipients missed
#: what stays as it is until somebody mends it: its day is that of the newest record, so it is told once a week
STANDING = frozenset({"unpriced", "undeclared_workflow", "sampling"})


@dataclass
class Told:
    """What was sent: alerts per channel, and why a channel got none."""

    sent: dict[str, int] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        return {"sent": self.sent, "failed": self.failed}


def notify(loaded: Loaded) -> Told:
    """Tell every configured channel the alerts of the published set that are new to it. Never raises OutlayError."""
    told = Told()
    ways = channels(loaded)
    if not ways:
        return told
    try:
        alerts = _alerts(loaded)
        with record_of(loaded.home) as sent:
            for channel, send in ways.items():
                new = set(sent.new(channel, [_key(a) for a in alerts]))
                fresh = [a for a in alerts if _key(a) in new]
                if not fresh:
                    told.sent[channel] = 0
                    continue
                try:
                    missed = send(compose(loaded.config.name, fresh))
                except Unsent as error:
                    told.failed[channel] = str(error)
                    continue
                sent.record(channel, sorted(new))
                told.sent[channel] = len(fresh)
                if missed:
                    told.failed[channel] = missed
    except (OutlayError, OSError) as error:
        told.failed |= {channel: _plain(error) for channel in ways if channel not in told.sent}
    return told


def channels(loaded: Loaded) -> dict[str, Send]:
    """Channel name -> what sends a message there; none are configured by default."""
    config = loaded.config.notify
    ways: dict[str, Send] = {f"webhook {w.name}": partial(send_webhook, w) for w in config.webhooks}
    if config.email is not None:
        ways["email"] = partial(send_email, config.email)
    return ways


def _alerts(loaded: Loaded) -> list[Alert]:
    least = SEVERITIES.index(loaded.config.notify.min_severity)
    with current(loaded.root).connect() as con:
        rows = json_rows(con.sql("select * from alerts order by rowid").pl())
    return [row for row in rows if SEVERITIES.index(row["severity"]) <= least]


def _key(alert: Alert) -> Key:
    day = date.fromisoformat(alert["day"])
    if alert["kind"] in STANDING:
        day -= timedelta(days=day.weekday())
    return alert["kind"], alert["subject"], day.isoformat()


def _plain(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"the record of what was sent can't be written ({error.strerror or type(error).__name__})"
    return str(error)
