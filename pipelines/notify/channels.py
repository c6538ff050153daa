"""The two ways out: a webhook by HTTP POST, e-mail by SMTP. Each takes one message or raises `Unsent`.

What may pass is tried again, four times in all, waiting 1, 2 and 4 seconds; what can't get better (a refused address or
password, a 4xx answer) is not. Errors name the channel and what went wrong, never an address or a password.
"""

from __future__ import annotations

import json
import os
import smtplib
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable
from email.message import EmailMessage
from typing import Any
from urllib.parse import urlsplit

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from pipelines.notify.message import Message, email, slack
from pipelines.workspace.notices import Email, Webhook

TIMEOUT_S = 10.0
ATTEMPTS = 4
WAIT = wait_exponential(multiplier=1, min=1, max=8)
_LOCAL = ("127.0.0.1", "localhost", "::1")


class Unsent(Exception):
    """Why a message did not go out, in words that may be shown."""


class _Passing(Unsent):
    """May work the next time."""


def send_webhook(webhook: Webhook, message: Message) -> str | None:
    """POST the message to the address in the environment. Raises Unsent."""
    url = secret(webhook.url)
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOCAL):
        raise Unsent(f"{webhook.url} holds no https address")
    body = json.dumps(slack(message)).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json", "User-Agent": "outlay"})
    return _retried(lambda: _post(request))


def _post(request: urllib.request.Request) -> None:
    try:
        with _OPENER.open(request, timeout=TIMEOUT_S) as answer:
            answer.read(1024)
    except urllib.error.HTTPError as error:
        status = error.code
        error.close()
        kind = _Passing if status >= 500 or status in (408, 429) else Unsent
        raise kind(f"the answer was HTTP {status}") from None
    except (OSError, ValueError) as error:
        raise _Passing(f"not reached ({type(error).__name__})") from None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """An alert goes to the address that was configured, or nowhere."""

    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirect)


def send_email(config: Email, message: Message) -> str | None:
    """Hand the message to the SMTP server; answers what some recipients missed. Raises Unsent where nobody has it."""
    account = (secret(config.user), secret(config.password)) if config.user and config.password else None
    mail = email(message, config)
    return _retried(lambda: _mail(config, account, mail))


def _mail(config: Email, account: tuple[str, str] | None, mail: EmailMessage) -> str | None:
    try:
        if config.tls == "implicit":
            server = smtplib.SMTP_SSL(config.host, config.port, timeout=TIMEOUT_S, context=ssl.create_default_context())
        else:
            server = smtplib.SMTP(config.host, config.port, timeout=TIMEOUT_S)
        with server:
            if config.tls == "starttls":
                server.starttls(context=ssl.create_default_context())
            if account:
                server.login(*account)
            refused = server.send_message(mail)
    except smtplib.SMTPAuthenticationError:
        raise Unsent("the server refused user and password") from None
    except smtplib.SMTPRecipientsRefused as error:
        raise _permanence(max(code for code, _ in error.recipients.values()))("every recipient was refused") from None
    except smtplib.SMTPResponseException as error:
        raise _permanence(error.smtp_code)(f"the server answered {error.smtp_code}") from None
    except ssl.SSLError as error:
        raise Unsent(f"no trusted TLS connection ({error.reason})") from None
    except (smtplib.SMTPException, OSError) as error:
        raise _Passing(f"not reached ({type(error).__name__})") from None
    # the others have it: sending again would tell them twice
    return f"{len(refused)} of {len(config.to)} recipients were refused" if refused else None


def _permanence(code: int) -> type[Unsent]:
    return Unsent if 500 <= code < 600 else _Passing


def _retried(send: Callable[[], str | None]) -> str | None:
    again = Retrying(
        stop=stop_after_attempt(ATTEMPTS), wait=WAIT, retry=retry_if_exception_type(_Passing), reraise=True
    )
    return again(send)


def secret(reference: str) -> str:
    """The value of `os.environ/NAME`. Raises Unsent naming the variable where it is not set."""
    name = reference.removeprefix("os.environ/")
    value = os.environ.get(name, "")
    if not value:
        raise Unsent(f"the environment variable {name} is not set")
    return value
