"""The dashboard as a server: the app, the login of the workspace that is served, and headers that keep other sites out.

    OUTLAY_WORKSPACE=… streamlit run served.py      what `outlay dashboard` starts

The client's and the cookie's secrets come from the environment variables that outlay.yaml names, and are written nowhere.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboards import front, queries, shell
from pipelines.console.login import secrets

HEADERS = {
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "frame-ancestors 'none'; object-src 'none'; base-uri 'self'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


#: What pages need and takes seconds to import; a server that answers has it, so no reader waits for it.
HEAVY = ("plotly.graph_objects", "dashboards.tables", "dashboards.standing", "dashboards.moving", "dashboards.bearers")
for _module in HEAVY:
    import_module(_module)


class Guarded:
    """Adds the headers to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self.app(scope, receive, sending if scope["type"] == "http" else send)


app = st.App(
    Path(__file__).with_name("app.py"), secrets=secrets(queries.root()), middleware=[Middleware(Guarded)],
    routes=front.routes([url or "" for _, url, _ in shell.PAGES.values()]),
)  # fmt: skip
