"""Two versions of the inspector's app behind one address, and the bad networks between it and a device."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from fastapi import FastAPI
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from verifiers.inspector import files
from verifiers.inspector.serving import inspector_router

PORTAL = "<!doctype html><title>Hotel WLAN</title><h1>Bitte anmelden</h1>"


def app_of(folder: Path = files.FOLDER) -> FastAPI:
    """The app's files as they lie in a folder."""
    own = files.FOLDER
    files.FOLDER = folder
    try:
        app = FastAPI()
        app.include_router(inspector_router())
        return app
    finally:
        files.FOLDER = own


def changed_copy(folder: Path, name: str, change: Callable[[str], str]) -> Path:
    """A copy of the app with one file changed: another version."""
    copy = folder / "inspector"
    shutil.copytree(files.FOLDER, copy, ignore=shutil.ignore_patterns("__pycache__", "*.py"))
    (copy / name).write_text(change((copy / name).read_text()))
    return copy


class Address:
    """An ASGI app that stands for the network: whole, cut off, behind a captive portal, or losing some files.

    `spoils` gets a path (below /inspector/ without that) and says what happens to it: None, "lost" or "portal".
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.spoils: Callable[[str], str | None] = lambda _: None
        self.asked: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        path = scope["path"].removeprefix("/inspector/")
        scope["client"] = (f"192.0.2.{len(self.asked) % 250}", 1)  # phones have addresses of their own
        self.asked.append(path)
        match self.spoils(path):
            case "lost":
                await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"9999")]})
                raise ConnectionError("cut off")
            case "portal":
                await HTMLResponse(PORTAL)(scope, receive, send)
            case _:
                await self.app(scope, receive, send)
