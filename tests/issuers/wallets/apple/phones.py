"""A city with iPhones: the outbox performed in this thread, phones over the real service, a push server if wanted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from issuers.carrier_models import apple_devices, apple_registrations
from issuers.models import outbox
from issuers.task import Task
from issuers.tasks import load_tasks
from issuers.wallets.apple.registrations import UPDATE
from tests.city import City
from tests.issuers.api.conftest import Service
from tests.issuers.wallets.iphone import Held, IPhone, opened
from walletpass.passes import Pass
from web.database import read_transaction

PERMIT = "resident_parking_permit"
TYPE = "pass.de.example.walletpass"
DEVICE, TOKEN = "d" * 32, "ab" * 32
NEXT_ATTEMPT = 7  # seconds: the longest first wait


class Street:
    """A city that pushes, and its residents with their phones."""

    def __init__(self, city: City, client: Any) -> None:
        self.city, self.client = city, client

    def resident(self, phones: int = 1) -> tuple[Pass, list[IPhone]]:
        permit = self.city.grants(PERMIT)
        body = self.city.offers(permit, "apple").body
        made = [IPhone(self.client) for _ in range(phones)]
        for phone in made:
            phone.adds(body)
        return permit, made

    def tokens(self) -> set[str]:
        """The push tokens that are kept."""
        with read_transaction(self.city.office.engine) as connection:
            return set(connection.scalars(select(apple_devices.c.push_token)))

    def registered_at(self, phone: IPhone) -> int:
        """When it told its push token, in milliseconds; the city's own publishing may have moved the clock since."""
        of_phone = apple_devices.c.push_token == phone.push_token
        with read_transaction(self.city.office.engine) as connection:
            return connection.scalars(select(apple_devices.c.registered_at).where(of_phone)).one()


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


def grants(service: Service) -> tuple[Pass, Held]:
    """A permit, and its .pkpass as somebody downloaded it."""
    permit = service.city.grants(PERMIT)
    return permit, Held(opened(service.city.offers(permit, "apple").body))


def ask(service: Service, method: str, path: str, held: Held | None = None, **options: Any) -> Any:
    headers = (held.token if held else {}) | options.pop("headers", {})
    return service.client.request(method, f"/apple/v1/{path}", headers=headers, **options)


def registration(held: Held, device: str = DEVICE) -> str:
    return f"devices/{device}/registrations/{held.path}"


def rows(city: City) -> tuple[int, int]:
    """Devices and registrations."""
    with read_transaction(city.office.engine) as connection:
        counts = [connection.scalar(select(func.count()).select_from(t)) for t in (apple_devices, apple_registrations)]
    return counts[0], counts[1]
