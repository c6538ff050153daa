"""Who may open the dashboard, and where people prove who they are."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from pipelines.workspace.gateway import Approver
from pipelines.workspace.words import Secret, Strict

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def _encrypted(value: str) -> str:
    parts = urlsplit(value)
    if not parts.hostname or parts.scheme not in ("http", "https"):
        raise ValueError(f"{value!r} is no address, expected https://…")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise ValueError(f"{value!r} would send logins in the clear, expected https:// (http:// for this machine only)")
    return value.rstrip("/")


Address = Annotated[str, AfterValidator(_encrypted)]


class Login(Strict):
    """An OpenID Connect provider. Both secrets stand in the server's environment, only their names stand here."""

    url: Address  #: where people open the dashboard; the provider sends them back to `url` + /oauth2callback
    metadata_url: Address  #: the provider's .well-known/openid-configuration
    client_id: Annotated[str, Field(min_length=1)]
    client_secret: Secret
    cookie_secret: Secret


class Access(Strict):
    """Whom a login lets in: e-mail addresses, `*` stands for any text. Approvers are let in too."""

    viewers: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    login: Login | None = None

    def lets_in(self, email: str, approvers: tuple[Approver, ...]) -> bool:
        """Whether the owner of this address may read the pages."""
        said = email.casefold()
        return any(fnmatchcase(said, pattern.casefold()) for pattern in self.viewers) or approves(email, approvers)


def approves(email: str, approvers: tuple[Approver, ...]) -> bool:
    """Whether this address is an approver's; one without an `email` is known by a name that is an address."""
    return any(email.casefold() == (one.email or one.name).casefold() for one in approvers)
