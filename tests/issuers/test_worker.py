"""Workers over a real engine: what waits is done once, what fails is tried again, what fails for good is kept."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import select

from issuers.models import outbox
from issuers.worker import Worker, worker_name
from tests.city import City
from web.database import read_transaction


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@contextmanager
def working(worker: Worker) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def waiting(city: City) -> int:
    with read_transaction(city.office.engine) as connection:
        return len(connection.execute(select(outbox.c.id).where(outbox.c.done_at.is_(None))).all())


def test_a_worker_does_what_waits(city_on: City) -> None:
    permit = city_on.grants("resident_parking_permit")
    city_on.qr(permit)
    city_on.suspends(permit)
    assert waiting(city_on) == 1
    with worker_name(city_on.office) as name, working(Worker(city_on.office, name, {})):
        until(lambda: waiting(city_on) == 0)
