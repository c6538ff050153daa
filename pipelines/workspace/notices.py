"""Where alerts go."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipelines.workspace.words import Name, Secret, Strict


class Webhook(Strict):
    """Takes Slack-compatible JSON. Its address is a secret, so only the variable that holds it stands here."""

    name: Name
    url: Secret


class Email(Strict):
    """Alerts by SMTP. `tls`: STARTTLS on the given port, or TLS from the first byte."""

    host: Annotated[str, Field(min_length=1)]
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    user: Secret | None = None
    password: Secret | None = None
    sender: Annotated[str, Field(alias="from", pattern=r"^[^@\s]+@[^@\s]+$")]
    to: tuple[Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$")], ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _whole(self) -> Email:
        if (self.user is None) != (self.password is None):
            raise ValueError("user and password belong together")
        if self.user is not None and self.tls == "none":
            raise ValueError("tls: none would send the password in the clear; expected starttls or implicit")
        return self


class Notify(Strict):
    """Where alerts go. Nothing is sent unless a webhook or an e-mail is named."""

    webhooks: tuple[Webhook, ...] = ()
    email: Email | None = None
    min_severity: Literal["high", "medium", "low"] = "high"
    every_run: bool = False  #: also after a plain `outlay run`, not only after the scheduled job
