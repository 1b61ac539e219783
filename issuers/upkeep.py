"""What the running service does by itself: publish what was left, re-sign, and forget what is old."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial

import structlog
from anyio import to_thread

from issuers.api.idempotency import forget_old_keys
from issuers.office import Office
from issuers.publisher import Publisher
from issuers.uploads import forget_old_uploads
from walletpass.errors import WalletPassError

INTERVAL = 30.0  # seconds between two looks at what is left to do
SOON = 2.0  # seconds between two looks for changes that nobody published: a process may have died before it could
_LOG = structlog.get_logger("walletpass.upkeep")


async def keep_published(publisher: Publisher, interval: float) -> None:
    """Until cancelled: publish what another process changed and did not publish."""
    while True:
        await _attempt("publish_changes", publisher.publish)
        await asyncio.sleep(interval)


async def keep_up(office: Office, interval: float) -> None:
    """Until cancelled: re-sign when due, forget old idempotency keys and uploads."""
    home = office.settings.issuer_home
    while True:
        await _attempt("resign", lambda: to_thread.run_sync(office.publication.resign_if_due))
        await _attempt("forget_old_keys", lambda: to_thread.run_sync(forget_old_keys, office.engine, office.seconds()))
        await _attempt("forget_old_uploads", lambda: to_thread.run_sync(forget_old_uploads, home, time.time()))
        await asyncio.sleep(interval)


async def keep_plate_lists(office: Office, interval: float) -> None:
    """Until cancelled: today's and tomorrow's plate lists. Apart from the rest, because a new day's take a while.

    A thread that is at it when the service ends is left behind: it ends with the process, and nothing is half.
    """
    while True:
        publish = office.plates.publish_if_due
        await _attempt("plate_lists", partial(to_thread.run_sync, publish, abandon_on_cancel=True))
        await asyncio.sleep(interval)


async def _attempt(what: str, work: Callable[[], Awaitable[object]]) -> None:
    """Do it; a failure is logged by its code and tried again next time."""
    try:
        await work()
    except WalletPassError as failure:
        _LOG.warning("upkeep_failed", what=what, code=failure.code)
    except Exception as failure:
        _LOG.error("upkeep_failed", what=what, code="internal_error", kind=type(failure).__name__)
