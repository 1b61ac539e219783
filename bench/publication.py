"""How long after its commit a revocation stands in the published list, while the wallets' servers answer nothing."""

from __future__ import annotations

import asyncio
import socket
import statistics
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from anyio import to_thread
from sqlalchemy import select

from bench.databases import database
from bench.installation import city, permits
from bench.measuring import Row, measure
from issuers import lifecycle
from issuers.lifecycle import PUBLISH_LIST, Action
from issuers.models import outbox
from issuers.office import Office
from issuers.publisher import Publisher
from issuers.tasks import load_tasks
from issuers.worker import Worker
from walletpass.passes import Pass
from web.database import read_transaction, write_transaction

PASSES, AT_ONCE = 400, 8
ALLOWED = 5.0  # seconds


def delay(kind: str) -> Row:
    """The 99th percentile over revocations of eight desks at once, beside a worker that tells of each."""
    with _silent_server() as address, database(kind) as url:
        settings = {"google_api_url": address, "google_token_url": address, "apple_push_url": address}
        with city(url, start=datetime.now(UTC), **settings) as made:
            office = Office(made.settings)  # with the real clock
            found = permits(made, PASSES)
            for wallet in ("apple", "google", "qr"):
                office.carry([pass_.serial for pass_ in found], wallet, office.order("bench"))
            with _worker(office):
                seconds = asyncio.run(_revoked_by_many(office, found))
            office.engine.dispose()
    slowest = statistics.quantiles(seconds, n=100)[98]
    what = f"revocation published, 99th percentile, {kind}"
    return Row(what, 1000 * slowest, "ms", "what is promised", 1000 * ALLOWED, ALLOWED / slowest, 1.0)


async def _revoked_by_many(office: Office, found: Sequence[Pass]) -> list[float]:
    """Seconds from each commit until its list is published; requests share a publication as in the service."""
    publisher, left, seconds = Publisher(office.publication.publish_changes), list(found), list[float]()

    async def desk() -> None:
        while left:
            row = await to_thread.run_sync(_revoke, office, left.pop())
            begun = time.perf_counter()
            await publisher.publish()
            seconds.append(time.perf_counter() - begun)
            assert await to_thread.run_sync(_is_published, office, row)

    await asyncio.gather(*(desk() for _ in range(AT_ONCE)))
    return seconds


def _revoke(office: Office, pass_: Pass) -> int:
    with write_transaction(office.engine) as connection:
        lifecycle.set_status(connection, [pass_.serial], Action.REVOKE, office.order("bench", "bench"))
        newest = select(outbox.c.id).where(outbox.c.kind == PUBLISH_LIST).order_by(outbox.c.id.desc()).limit(1)
        return connection.scalar(newest) or 0


def _is_published(office: Office, row: int) -> bool:
    with read_transaction(office.engine) as connection:
        return connection.scalar(select(outbox.c.done_at).where(outbox.c.id == row)) is not None


@contextmanager
def _worker(office: Office) -> Iterator[None]:
    stop = threading.Event()
    worker = Worker(office, "bench", load_tasks(office), {})
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@contextmanager
def _silent_server() -> Iterator[str]:
    """The address of a server that takes connections and never answers."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(512)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


if __name__ == "__main__":
    measure({"delay": delay}, sys.argv[1:])
