"""Where an uploaded list lies while it is imported: it is personal data, so a private file that is gone afterwards.

What a killed process left is deleted later.
"""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from anyio import to_thread
from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from issuers.api.problems import NoRoom
from keys.atomic_file import make_private_folder
from web.limits import BodyTooSlow

_TIME = 900.0  # seconds for the list to arrive
_KEPT = 24 * 3600  # seconds until what a killed process left is deleted


async def receive(request: Request, file: IO[bytes]) -> bytes:
    """Write the body to `file`; returns its SHA-256."""
    digest = hashlib.sha256()
    try:
        async with asyncio.timeout(_TIME):
            async for chunk in request.stream():
                digest.update(chunk)
                await to_thread.run_sync(file.write, chunk)
            await to_thread.run_sync(file.flush)
    except TimeoutError:
        raise BodyTooSlow("The request took too long to arrive.") from None
    except ClientDisconnect:
        raise HTTPException(400) from None
    except OSError as failure:
        raise NoRoom("The list cannot be stored here at this moment; nothing was imported.") from failure
    return digest.digest()


@contextmanager
def upload(home: Path) -> Iterator[IO[bytes]]:
    """A file that only we can read, and that is gone afterwards."""
    folder = uploads_folder(home)
    try:
        make_private_folder(folder)
        file = tempfile.NamedTemporaryFile(dir=folder, suffix=".csv")  # noqa: SIM115 - closed below, whatever the disk says
    except OSError as failure:
        raise NoRoom("The list cannot be stored here at this moment; nothing was imported.") from failure
    try:
        yield file
    finally:
        with suppress(OSError):  # closing writes what a full disk did not take; the file is deleted all the same
            file.close()


def uploads_folder(home: Path) -> Path:
    return home / "uploads"


def forget_old_uploads(home: Path, now: float) -> None:
    """Delete what killed processes left."""
    for left in uploads_folder(home).glob("*.csv"):
        if now - left.stat().st_mtime > _KEPT:
            left.unlink(missing_ok=True)
