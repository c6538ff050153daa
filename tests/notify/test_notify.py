"""Alerts out: to whom, what they say, once each, tried again, and never at the cost of a run."""

from __future__ import annotations

import email
import email.policy
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from tenacity import wait_none

from pipelines.assets.job import run_in_process
from pipelines.notify import channels
from pipelines.notify.message import SHOWN, compose, slack
from pipelines.notify.notify import notify
from pipelines.notify.sent import FILE_NAME, record_of
from pipelines.running import Asked
from pipelines.workspace.errors import OutlayError, UsageError
from tests.notify.servers import Inbox, Mailbox, mail_server, webhook_server
from tests.workspaces import Bench, call

HOOK = {"name": "ops", "url": "os.environ/OUTLAY_TEST_HOOK"}


@pytest.fixture
def inbox(monkeypatch) -> Generator[Inbox]:
    with webhook_server() as server:
        monkeypatch.setenv("OUTLAY_TEST_HOOK", server.url)
        monkeypatch.setattr(channels, "WAIT", wait_none())
        yield server


@pytest.fixture
def mailbox(monkeypatch) -> Generator[Mailbox]:
    with mail_server() as server:
        monkeypatch.setattr(channels, "WAIT", wait_none())
        yield server


def mail(server: Mailbox, **more: Any) -> dict[str, Any]:
    return {
        "host": "127.0.0.1", "port": server.port, "tls": "none", "from": "outlay@acme.example",
        "to": ["finops@acme.example"], **more,
    }  # fmt: skip


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    bench = Bench(tmp_path_factory.mktemp("notify") / "ws")
    bench.calls(call("r1", model="gpt-nobody-prices-9"), call("r2", workflow="campaign"))
    bench.run()
    return bench.root


@pytest.fixture
def bench(published: Path, tmp_path: Path) -> Bench:
    """A workspace with two published alerts: one unpriced model (high) and one undeclared workflow (medium)."""
    shutil.copytree(published, tmp_path / "ws")
    return Bench(tmp_path / "ws")


def alerted(bench: Bench, **config: Any) -> Bench:
    bench.config["notify"] = config
    bench.save()
    return bench


def another(bench: Bench, n: int = 2) -> None:
    bench.calls(call(f"x{n}", model=f"gpt-nobody-prices-{n}", unit_id=f"x{n}"), file=f"x{n}.jsonl")
    bench.run()


def test_nothing_is_configured_and_nothing_is_sent(bench: Bench):
    told = notify(alerted(bench).loaded)
    assert told.document() == {"sent": {}, "failed": {}}
    assert not (bench.loaded.home / FILE_NAME).exists()


def test_a_webhook_takes_the_alerts_that_are_severe_enough_once(bench: Bench, inbox: Inbox):
    alerted(bench, webhooks=[HOOK])
    assert notify(bench.loaded).document() == {"sent": {"webhook ops": 1}, "failed": {}}
    [row] = [r for r in bench.export("alerts") if r["severity"] == "high"]
    assert inbox.taken == [
        {
            "text": "*Test company: 1 new alert, 1 of high severity*\n"
            f"• [high] unpriced: openai/gpt-nobody-prices-9, 2026-10-20: {row['detail']}"
        }
    ]
    assert notify(bench.loaded).document() == {"sent": {"webhook ops": 0}, "failed": {}}
    another(bench)
    assert notify(bench.loaded).sent == {"webhook ops": 1}
    assert "gpt-nobody-prices-2" in inbox.taken[1]["text"]
    assert "gpt-nobody-prices-9" not in inbox.taken[1]["text"]
    assert len(inbox.taken) == 2


def test_what_stands_until_it_is_mended_is_told_once_a_week(bench: Bench, inbox: Inbox):
    alerted(bench, webhooks=[HOOK])
    told = []
    for day in (20, 21, 25, 26):  # Tuesday, Wednesday and Sunday of one week, Monday of the next
        bench.calls(call(f"d{day}", time=f"2026-10-{day}T12:00:00Z", model="gpt-nobody-prices-9"), file=f"d{day}.jsonl")
        bench.run()
        told.append(notify(bench.loaded).sent["webhook ops"])
    assert told == [1, 0, 0, 1]


def test_a_lower_severity_can_be_asked_for(bench: Bench, inbox: Inbox):
    alerted(bench, webhooks=[HOOK], min_severity="low")
    assert notify(bench.loaded).sent == {"webhook ops": 2}
    assert [line.split("]")[0] for line in inbox.taken[0]["text"].split("\n")[1:]] == ["• [high", "• [medium"]


def test_mail_says_the_same_to_all_recipients(bench: Bench, mailbox: Mailbox):
    alerted(bench, email=mail(mailbox, to=["a@acme.example", "b@acme.example"]))
    assert notify(bench.loaded).document() == {"sent": {"email": 1}, "failed": {}}
    [(sender, to, text)] = mailbox.taken
    read = email.message_from_string(text, policy=email.policy.default)
    assert (sender, to, read["Subject"], read["Auto-Submitted"]) == (
        "outlay@acme.example", ["a@acme.example", "b@acme.example"], "Test company: 1 new alert, 1 of high severity",
        "auto-generated",
    )  # fmt: skip
    body = read.get_body()
    assert body is not None
    assert "[high] unpriced: openai/gpt-nobody-prices-9, 2026-10-20: " in body.get_content()
    assert notify(bench.loaded).sent == {"email": 0}
    assert len(mailbox.taken) == 1


def test_one_channel_that_fails_does_not_keep_the_other_from_being_told(bench: Bench, inbox: Inbox, mailbox: Mailbox):
    alerted(bench, webhooks=[HOOK, {"name": "gone", "url": "os.environ/OUTLAY_TEST_UNSET"}], email=mail(mailbox))
    told = notify(bench.loaded)
    assert told.sent == {"webhook ops": 1, "email": 1}
    assert told.failed == {"webhook gone": "the environment variable OUTLAY_TEST_UNSET is not set"}


def test_what_may_pass_is_tried_again(bench: Bench, inbox: Inbox, mailbox: Mailbox):
    inbox.answers = [503, 429, 500]
    mailbox.answers = ["451 later"]
    alerted(bench, webhooks=[HOOK], email=mail(mailbox))
    assert notify(bench.loaded).document() == {"sent": {"webhook ops": 1, "email": 1}, "failed": {}}
    assert (inbox.asked, len(inbox.taken), len(mailbox.taken)) == (4, 1, 1)


def test_what_does_not_pass_is_reported_and_told_with_the_next_run(bench: Bench, inbox: Inbox):
    inbox.answers = [503] * 4
    alerted(bench, webhooks=[HOOK])
    assert notify(bench.loaded).failed == {"webhook ops": "the answer was HTTP 503"}
    assert inbox.asked == channels.ATTEMPTS
    assert notify(bench.loaded).sent == {"webhook ops": 1}
    assert len(inbox.taken) == 1


@pytest.mark.parametrize("status", [302, 400, 404, 410])
def test_what_cannot_get_better_is_not_tried_again(bench: Bench, inbox: Inbox, status: int):
    inbox.answers = [status]
    alerted(bench, webhooks=[HOOK])
    assert notify(bench.loaded).failed == {"webhook ops": f"the answer was HTTP {status}"}
    assert (inbox.asked, inbox.taken) == (1, [])


def test_a_refused_recipient_does_not_make_the_others_be_told_twice(bench: Bench, mailbox: Mailbox):
    mailbox.refused = {"gone@acme.example"}
    alerted(bench, email=mail(mailbox, to=["a@acme.example", "gone@acme.example"]))
    assert notify(bench.loaded).document() == {
        "sent": {"email": 1}, "failed": {"email": "1 of 2 recipients were refused"},
    }  # fmt: skip
    assert notify(bench.loaded).document() == {"sent": {"email": 0}, "failed": {}}
    mailbox.refused.add("a@acme.example")
    another(bench)
    assert notify(bench.loaded).failed == {"email": "every recipient was refused"}


def test_nobody_listening_is_reported_without_an_address(bench: Bench, monkeypatch):
    monkeypatch.setattr(channels, "WAIT", wait_none())
    monkeypatch.setenv("OUTLAY_TEST_HOOK", "http://127.0.0.1:9/hook/s3cr3t-path")
    config = {"host": "127.0.0.1", "port": 9, "tls": "none", "from": "o@a.example", "to": ["f@a.example"]}
    alerted(bench, webhooks=[HOOK], email=config)
    assert notify(bench.loaded).failed == {
        "webhook ops": "not reached (URLError)", "email": "not reached (ConnectionRefusedError)",
    }  # fmt: skip


def test_starttls_is_asked_for_unless_the_workspace_says_otherwise(bench: Bench, mailbox: Mailbox):
    alerted(bench, email={**mail(mailbox), "tls": "starttls"})
    told = notify(bench.loaded)
    assert (told.sent, list(told.failed), mailbox.taken) == ({}, ["email"], [])


@pytest.mark.parametrize("address", ["http://hooks.example/x", "ftp://127.0.0.1/x", "not an address"])
def test_an_address_that_is_not_https_gets_nothing(bench: Bench, monkeypatch, address: str):
    monkeypatch.setenv("OUTLAY_TEST_HOOK", address)
    alerted(bench, webhooks=[HOOK])
    assert notify(bench.loaded).failed == {"webhook ops": "os.environ/OUTLAY_TEST_HOOK holds no https address"}


KILLED = """
import os, signal, sys
from pathlib import Path
from pipelines.notify import sent
from pipelines.notify.notify import notify
from pipelines.workspace.load import load_workspace
sent.Sent.record = lambda *args: os.kill(os.getpid(), signal.SIGKILL)
notify(load_workspace(Path(sys.argv[1])))
"""


def test_a_process_that_dies_between_sending_and_recording_tells_once_more_and_no_third_time(
    bench: Bench, inbox: Inbox
):
    alerted(bench, webhooks=[HOOK])
    done = subprocess.run([sys.executable, "-c", KILLED, str(bench.root)], env=os.environ, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert len(inbox.taken) == 1
    assert notify(bench.loaded).sent == {"webhook ops": 1}
    assert notify(bench.loaded).sent == {"webhook ops": 0}
    assert len(inbox.taken) == 2


def test_an_unfinished_line_of_the_record_costs_that_line_only(bench: Bench, inbox: Inbox):
    alerted(bench, webhooks=[HOOK], min_severity="low")
    notify(bench.loaded)
    file = bench.loaded.home / FILE_NAME
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(lines[0] + lines[1][:20])
    assert notify(bench.loaded).sent == {"webhook ops": 1}
    assert notify(bench.loaded).sent == {"webhook ops": 0}


def test_two_senders_do_not_send_at_once(bench: Bench, inbox: Inbox):
    alerted(bench, webhooks=[HOOK])
    with (
        record_of(bench.loaded.home),
        pytest.raises(OutlayError, match="another process is sending"),
        record_of(bench.loaded.home, wait_s=0.1),
    ):
        pass
    assert notify(bench.loaded).sent == {"webhook ops": 1}


def test_a_message_names_twenty_and_counts_the_rest_and_escapes_what_logs_say():
    row = {"kind": "unpriced", "severity": "medium", "day": "2026-11-01", "detail": "a <b> & c\n*d*"}
    message = compose("Acme & Co", [{**row, "subject": f"m{n}"} for n in range(23)])
    assert message.subject == "Acme & Co: 23 new alerts"
    assert len(message.lines) == SHOWN + 1
    assert message.lines[-1] == "and 3 more: outlay export alerts"
    text = slack(message)["text"]
    assert text.startswith(
        "*Acme &amp; Co: 23 new alerts*\n• [medium] unpriced: m0, 2026-11-01: a &lt;b&gt; &amp; c *d*\n"
    )


def test_what_looks_like_a_secret_is_masked_and_no_secret_is_recorded(bench: Bench, inbox: Inbox):
    secret = "sk-" + "abcdefgh12345678"
    alerted(bench, webhooks=[HOOK])
    bench.calls(call("r5", model=f"leak-{secret}"), file="leak.jsonl")
    bench.run()
    assert notify(bench.loaded).sent == {"webhook ops": 2}
    assert "unpriced: openai/leak-***" in inbox.taken[0]["text"]
    assert secret not in json.dumps(inbox.taken)
    everything = b"".join(p.read_bytes() for p in bench.loaded.home.rglob("notified*"))
    assert b"s3cr3t-path" not in everything


def test_a_plain_run_tells_nobody_unless_the_workspace_says_so(bench: Bench, inbox: Inbox):
    alerted(bench, webhooks=[HOOK])
    assert "notified" not in run_in_process(bench.loaded, Asked())
    assert inbox.taken == []
    bench.config["notify"]["every_run"] = True
    bench.save()
    assert run_in_process(bench.loaded, Asked())["notified"] == {"sent": {"webhook ops": 1}, "failed": {}}


def test_a_webhook_that_is_down_fails_no_run(bench: Bench, inbox: Inbox):
    inbox.answers = [500] * 4
    alerted(bench, webhooks=[HOOK])
    document = run_in_process(bench.loaded, Asked(), notify=True)
    assert (document["requests"], document["notified"]["failed"]) == (2, {"webhook ops": "the answer was HTTP 500"})
    assert bench.published.name == document["published"]


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"webhooks": [{"name": "ops", "url": "https://hooks.example/s3cr3t"}]}, "notify.webhooks.0.url"),
        ({"webhooks": [HOOK, HOOK]}, "named twice: ops"),
        ({"email": {"host": "h", "from": "nobody", "to": ["a@b.example"]}}, "notify.email.from"),
        ({"email": {"host": "h", "from": "a@b.example", "to": []}}, "notify.email.to"),
        ({"email": {"host": "h", "from": "a@b.example", "to": ["a@b.example"], "user": "os.environ/U"}}, "belong together"),
        (
            {"email": {"host": "h", "from": "a@b.example", "to": ["a@b.example"], "tls": "none", "user": "os.environ/U",
                       "password": "os.environ/P"}},
            "in the clear",
        ),
        ({"min_severity": "urgent"}, "notify.min_severity"),
    ],
)  # fmt: skip
def test_a_configuration_that_cannot_work_is_refused_without_showing_a_secret(tmp_path: Path, config, says):
    with pytest.raises(UsageError) as refused:
        _ = Bench(tmp_path, {"notify": config}).loaded
    assert says in str(refused.value)
    assert "s3cr3t" not in str(refused.value)
