"""What the running service does by itself: publish changes for many requests at once, re-sign, and tidy up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from anyio import to_thread

from issuers.api.idempotency import forget_old_keys
from issuers.office import Office
from walletpass.errors import WalletPassError

INTERVAL = 30.0  # seconds between two looks at what is left to do
_LOG = structlog.get_logger("walletpass.upkeep")


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


async def keep_up(office: Office, publisher: Publisher, interval: float = INTERVAL) -> None:
    """Until cancelled: publish what a crashed process left, re-sign when due, forget old idempotency keys."""
    while True:
        await _attempt("publish_changes", publisher.publish)
        await _attempt("resign", lambda: to_thread.run_sync(office.publication.resign_if_due))
        await _attempt("forget_old_keys", lambda: to_thread.run_sync(forget_old_keys, office.engine, office.seconds()))
        await asyncio.sleep(interval)


async def _attempt(what: str, work: Callable[[], Awaitable[object]]) -> None:
    """Do it; a failure is logged by its code and tried again next time."""
    try:
        await work()
    except WalletPassError as failure:
        _LOG.warning("upkeep_failed", what=what, code=failure.code)
    except Exception as failure:
        _LOG.error("upkeep_failed", what=what, code="internal_error", kind=type(failure).__name__)
