"""How soon after its commit a revocation is published, while the servers of Apple, Google and mail answer nothing."""

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
from issuers import copies, lifecycle
from issuers.lifecycle import PUBLISH_LIST, Action
from issuers.models import outbox
from issuers.notices import Inform, tell_holders
from issuers.office import Office
from issuers.publisher import Publisher
from issuers.tasks import load_tasks
from issuers.wallets.apple.registrations import register
from issuers.worker import Worker
from walletpass.passes import Pass
from web.database import read_transaction, write_transaction

PASSES, AT_ONCE = 400, 8
ALLOWED = 5.0  # seconds


def delay(kind: str) -> Row:
    """The 99th percentile over revocations of eight desks at once, beside a worker that tells of each."""
    with _silent_server() as port, database(kind) as url:
        google = f"http://127.0.0.1:{port}"
        settings = {
            "apple_push_url": f"https://localhost:{port}",
            "google_api_url": google,
            "google_token_url": google,
            "smtp_host": "127.0.0.1",
            "smtp_port": port,
            "mail_from": "karten@stadt.example",
        }
        with city(url, start=datetime.now(UTC), **settings) as made:
            office = Office(made.settings)  # with the real clock
            found = permits(made, PASSES)
            for wallet in ("apple", "google", "qr"):
                office.carry([pass_.serial for pass_ in found], wallet, office.order("bench"))
            _let_phones_and_holders_wait(office, found)
            with _worker(office):
                seconds = asyncio.run(_revoked_by_many(office, found))
            office.engine.dispose()
    slowest = statistics.quantiles(seconds, n=100)[98]
    what = f"revocation published, 99th percentile, {kind}"
    return Row(what, 1000 * slowest, "ms", "what is promised", 1000 * ALLOWED, ALLOWED / slowest, 1.0)


def _let_phones_and_holders_wait(office: Office, found: Sequence[Pass]) -> None:
    """Each pass has a phone that wants to be pushed, and each holder is to be sent a mail."""
    with write_transaction(office.engine) as connection:
        held = copies.live(connection, [each.serial for each in found], "apple")
        for number, copy in enumerate(held.values()):
            register(connection, copy, f"{number:032x}", f"{number:064x}", office.seconds())
        serials = [each.serial for each in found]
        tell_holders(connection, serials, "renewed", Inform.MAIL, office.order("bench"), mail_possible=True)


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
def _silent_server() -> Iterator[int]:
    """The port of a server that takes connections and never answers."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(512)
        yield int(listening.getsockname()[1])


if __name__ == "__main__":
    measure({"delay": delay}, sys.argv[1:])
