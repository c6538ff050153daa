"""The document in which the browser opens every page: Streamlit's own, told where its server is.

A page that is opened by its own address makes Streamlit look for the server below that address first: two answers of 404
in the console, and a round trip before anything is drawn. Told where it is, it asks once. The font that pages are set in
is fetched at once, and the one that they are not set in isn't fetched at all.
"""

from __future__ import annotations

import re
from pathlib import Path

import streamlit
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

INDEX = Path(streamlit.__file__).parent / "static" / "index.html"
#: pages lie one level below the server's root, as the document's own relative addresses suppose
SERVER = "<script>window.__streamlit = {BACKEND_BASE_URL: new URL('./', window.location.href).href}</script>"
FONT = '<link rel="preload" href="./app/static/inter-latin-tabular.woff2" as="font" type="font/woff2" crossorigin />'
_FONT_OF_THEIRS = re.compile(r'<link\s+rel="preload"[^>]*as="font"[^>]*/>')


def document() -> str:
    """Streamlit's index.html with what pages need at once."""
    text = INDEX.read_text("utf-8")
    head = text.index("<head>") + len("<head>")
    theirs = _FONT_OF_THEIRS.sub("", text[head:]).replace("<title>Streamlit</title>", "<title>Outlay</title>", 1)
    return f"{text[:head]}\n    {SERVER}\n    {FONT}{theirs}"


def routes(pages: list[str]) -> list[Route]:
    """The document under the address of every page."""
    text = document()

    async def opened(_: Request) -> HTMLResponse:
        return HTMLResponse(text, headers={"Cache-Control": "no-cache"})

    return [Route(f"/{page}", opened, methods=["GET"]) for page in pages]
