"""Receiving a list over the network, piece by piece into a file, never as a whole into memory."""

from __future__ import annotations

import asyncio
import hashlib
from typing import IO

from anyio import to_thread
from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from issuers.uploads import no_room
from web.limits import BodyTooSlow

_TIME = 900.0  # seconds for the list to arrive


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
        raise no_room() from failure
    return digest.digest()
