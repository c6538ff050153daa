"""Who is looking, and what they may do. Asked anew whenever a page is drawn, a file is made or something is changed.

A server with a login lets in whom outlay.yaml names (access.viewers and routing.approvers), while the identity token
lasts: Streamlit keeps its cookie for 30 days and never looks at the token's end. A server without one is for this
machine alone; there a name is a declaration.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import streamlit as st

from pipelines.workspace.access import LOOPBACK, approves
from pipelines.workspace.errors import OutlayError
from pipelines.workspace.model import Workspace

READING = "You are signed in as a viewer: only the approvers whom outlay.yaml names may change this."


class Refused(OutlayError):
    """This visitor may not see it; `way_in`: what a new login is called where it would help."""

    def __init__(self, title: str, words: str, *, way_in: str | None = None) -> None:
        super().__init__(words)
        self.title, self.way_in = title, way_in


@dataclass(frozen=True)
class Visitor:
    """Somebody at a page: signed in, or at this machine without a login."""

    email: str | None  #: None without a login
    until: datetime | None  #: the end of the identity token; None without a login

    def check(self) -> None:
        """Raises Refused after the token's end."""
        if self.until is not None and self.until <= datetime.now(UTC):
            raise Refused("Your login has expired", "Sign in again to go on where you were.", way_in="Sign in again")


def visitor() -> Visitor:
    """Who is there. Raises Refused for who isn't signed in, or no longer."""
    user = dict(st.user)
    if "is_logged_in" not in user:
        return Visitor(None, None)
    if user["is_logged_in"] is not True:
        raise Refused(
            "Sign in to see these figures", "Only people whom this workspace names may see them.", way_in="Sign in"
        )
    email, verified = user.get("email"), user.get("email_verified")
    if not isinstance(email, str) or "@" not in email or verified is False:
        raise Refused("Your login names no e-mail address", _NO_EMAIL, way_in=_OTHERWISE)
    found = Visitor(email, _end(user))
    found.check()
    return found


_OTHERWISE = "Sign in as somebody else"
_NO_EMAIL = "The provider has to give a verified e-mail address: the workspace names people by it."


def _end(user: Mapping[str, Any]) -> datetime:
    """The end of the identity token; a token without one has ended."""
    try:
        return datetime.fromtimestamp(float(user["exp"]), UTC)
    except (KeyError, TypeError, ValueError, OverflowError):
        return datetime.fromtimestamp(0, UTC)


def admitted(workspace: Callable[[], Workspace], declares_login: Callable[[], bool]) -> Visitor:
    """Who is there, and may read the pages of this workspace. Raises Refused, and what reading the workspace raises.

    `declares_login` is asked where the file can't be read as a whole.
    """
    found = visitor()
    try:
        config = workspace()
    except OutlayError:
        if found.email is None:
            # a slip in the file takes nobody's figures away, unless it may hide that a login is wanted
            if declares_login():
                raise
            _this_machine_only(None)
            return found
        # what is wrong with the file is not for somebody who may be a stranger
        raise Refused("Nobody can be let in now", "outlay.yaml is not valid: outlay check says why.") from None
    if found.email is None:
        _this_machine_only(config)
        return found
    if not config.access.lets_in(found.email, config.routing.approvers):
        words = f"{found.email} is neither a viewer nor an approver of this workspace. Ask its owner to add it to access.viewers."
        raise Refused("You are signed in, but not invited", words, way_in=_OTHERWISE)
    return found


def _this_machine_only(config: Workspace | None) -> None:
    if config is not None and config.access.login is not None:
        words = (
            "outlay.yaml declares access.login, and this server was started without it. Start it with: outlay dashboard"
        )
        raise Refused("This server asks nobody who they are", words)
    address = st.get_option("server.address")
    if address not in (None, *LOOPBACK):
        words = f"Without a login the dashboard is for 127.0.0.1 alone, and this server listens on {address}."
        raise Refused("This server asks nobody who they are", f"{words} Declare access.login in outlay.yaml.")


def may_change(config: Workspace) -> bool:
    """Whether the buttons that change something are for this visitor."""
    found = visitor()
    return found.email is None or approves(found.email, config.routing.approvers)


def acting(config: Workspace, declared: str | None) -> tuple[str, bool]:
    """Under which name something is changed, and whether a login proves it. Raises Refused for who may only read.

    Every function that changes something begins with this, whatever its page showed.
    """
    found = visitor()
    if found.email is None:
        _this_machine_only(config)
        return declared or "", False
    if not may_change(config):
        words = f"{found.email} may not change this: routing.approvers of outlay.yaml doesn't name it"
        raise Refused("Only approvers may change this", words)
    return found.email, True


def while_signed_in(make: Callable[[], bytes]) -> Callable[[], bytes]:
    """`make`, refused when it is called after the end of the login under which the page was drawn."""
    found = visitor()

    def made() -> bytes:
        found.check()
        return make()

    return made
