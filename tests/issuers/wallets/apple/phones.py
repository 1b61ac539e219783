"""A city with iPhones: the outbox performed in this thread, phones over the real service, a push server if wanted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import select

from issuers.models import outbox
from issuers.task import Task
from issuers.tasks import load_tasks
from issuers.wallets.apple.registrations import UPDATE
from tests.city import City
from web.database import read_transaction

NEXT_ATTEMPT = 7  # seconds: the longest first wait


def works(city: City, tasks: Mapping[str, Task]) -> None:
    """What a worker does with all that is due now."""
    due = city.office.outbox.due() & tasks.keys()
    while due:
        for kind in due:
            task = tasks[kind]
            claim = city.office.outbox.claim(kind, task.batch, task.lease)
            if claim is not None:
                task.perform(city.office.outbox.held(claim), city.office.outbox.report(claim, task.lease))
        due = city.office.outbox.due() & tasks.keys()


@contextmanager
def tasks_of(city: City) -> Iterator[Mapping[str, Task]]:
    tasks = load_tasks(city.office)
    yield tasks
    for task in tasks.values():
        task.close()


def tells(city: City) -> None:
    """Whatever has changed reaches the phones."""
    with tasks_of(city) as tasks:
        works(city, tasks)


def left(city: City) -> list[tuple[str | None, bool]]:
    """The rows of the Apple task that are not done: their codes, and whether they failed for good."""
    query = select(outbox.c.code, outbox.c.failed_at).where(outbox.c.kind == UPDATE, outbox.c.done_at.is_(None))
    with read_transaction(city.office.engine) as connection:
        return [(code, failed_at is not None) for code, failed_at in connection.execute(query)]


def chain_file(issuer_home: Path) -> Path:
    """The certificates of the Apple pass key."""
    [file] = issuer_home.rglob("apple-pass-*.chain.pem")
    return file
