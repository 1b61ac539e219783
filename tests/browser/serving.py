"""A service of ours in a thread of the test process, and Chromium started as a test needs it."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, Playwright
from starlette.types import ASGIApp

CAMERA = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")


def chromium() -> str:
    """The path of the machine's Chromium."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    assert found, "the browser tests need a Chromium on the PATH"
    return found


_OWN = ("--no-sandbox",) if os.geteuid() == 0 else ()


def launch(playwright: Playwright, *arguments: str) -> Browser:
    return playwright.chromium.launch(executable_path=chromium(), args=[*_OWN, *arguments])


def launch_with_profile(playwright: Playwright, profile: Path, *arguments: str) -> BrowserContext:
    """A browser that keeps what it stores in a folder, as on a device."""
    kept = playwright.chromium.launch_persistent_context
    return kept(profile, executable_path=chromium(), args=[*_OWN, *arguments])


def launch_with_camera(playwright: Playwright, film: Path | None, *arguments: str) -> Browser:
    """A browser whose camera shows a film (see `frames.write_camera_file`), or Chromium's own test picture."""
    shows = (f"--use-file-for-fake-video-capture={film}",) if film else ()
    return launch(playwright, *CAMERA, *shows, *arguments)


@contextlib.contextmanager
def running(app: ASGIApp, listening: socket.socket | None = None) -> Iterator[str]:
    """The address of the running app: localhost, where browsers allow cameras and service workers without TLS."""
    with listening or socket.create_server(("127.0.0.1", 0)) as open_socket:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [open_socket]})
        thread.start()
        while not server.started:
            time.sleep(0.02)
        yield f"http://localhost:{open_socket.getsockname()[1]}"
        server.should_exit = True
        thread.join()


def version_on(page: Page) -> str:
    """The version of the inspector's app that a page shows: a part of its files' addresses."""
    return str(page.evaluate("document.querySelector('script[type=module]').src.split('/').at(-3)"))
