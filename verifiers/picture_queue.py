"""Pictures take turns: a few at a time, on threads of their own, so that nobody's pictures hold up anything else."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from verifiers.images import WAITING, PicturesBusy, text_in_picture

AT_ONCE = 2


class PictureQueue:
    """One for each service."""

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(AT_ONCE)
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="pictures")

    async def text(self, content: bytes) -> str:
        """As `text_in_picture`; raises `PicturesBusy` when no place gets free in time."""
        try:
            async with asyncio.timeout(WAITING):
                await self._places.acquire()
        except TimeoutError:
            raise PicturesBusy("Too many pictures are being read; try again in a moment.") from None
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, text_in_picture, content)
        finally:
            self._places.release()
