"""Publishing for many requests at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from anyio import to_thread


class Publisher:
    """One publishing run at a time in this process: whoever comes while one runs shares the next.

    A change is committed before `publish` is called, so a run that starts after the call covers it. Requests wait in
    the event loop and hold neither a thread nor a database connection meanwhile.
    """

    def __init__(self, publish_changes: Callable[[], None]) -> None:
        self._publish_changes = publish_changes
        self._running: asyncio.Task[None] | None = None
        self._next: asyncio.Task[None] | None = None

    async def publish(self) -> None:
        """Return when every change committed before is published; raises `PublishFailed`."""
        if self._next is None:
            self._next = asyncio.create_task(self._run_after(self._running))
        await asyncio.shield(self._next)  # a caller that goes away does not stop what others wait for

    async def _run_after(self, running: asyncio.Task[None] | None) -> None:
        if running is not None:
            await asyncio.wait([running])
        self._running, self._next = self._next, None
        await to_thread.run_sync(self._publish_changes)
