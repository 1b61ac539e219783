"""A city whose passes are kept at an emulated Google, and its worker, which works when the test says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import make_url, select

from issuers.models import outbox
from issuers.task import Task
from issuers.tasks import load_tasks
from keys.signer import Role
from tests.city import City
from tests.conftest import new_database
from tests.issuers.api.conftest import serve
from tests.issuers.wallets.google_emulator import Emulator, serving
from walletpass.errors import WalletPassError
from walletpass.passes import Pass
from web.database import read_transaction

__all__ = ["serve"]
QUICK = 2000  # requests a second


@dataclass
class Google:
    """The city, Google, and a worker between them."""

    city: City
    emulator: Emulator
    tasks: dict[str, Task]

    def work(self) -> None:
        """Do what is due, as a worker does, until nothing is."""
        box = self.city.office.outbox
        while due := box.due() & self.tasks.keys():
            for kind in due:
                task = self.tasks[kind]
                claim = box.claim(kind, task.batch, task.lease, alone=task.alone)
                assert claim is not None
                report, code = box.report(claim, task.lease), "not_reported"
                try:
                    task.perform(box.held(claim), report)
                except WalletPassError as failure:
                    code = failure.code
                if left := box.held(claim):
                    report.later(left, code)

    def works_later(self) -> None:
        """The same after an hour, when all that failed is due again."""
        self.city.later(hours=1.5)
        self.work()

    def saves(self, type_name: str = "resident_parking_permit", **claims: Any) -> Pass:
        """A new pass that is offered, and put at Google."""
        permit = self.city.grants(type_name, **claims)
        self.city.offers(permit, "google")
        self.work()
        return permit

    def object(self, name: str) -> dict[str, Any]:
        return self.emulator.objects[name]

    def codes(self) -> set[str]:
        """Why what waits or failed was not done."""
        with read_transaction(self.city.office.engine) as connection:
            return set(connection.scalars(select(outbox.c.code).where(outbox.c.kind == "update-google", _NOT_DONE)))

    def count(self, *requests: str) -> int:
        return sum(self.emulator.requests[name] for name in requests)


_NOT_DONE = outbox.c.done_at.is_(None) & outbox.c.code.is_not(None)
PATCH, INSERT = "PATCH genericObject", "POST genericObject"
ADD_MESSAGE = "POST genericObject/addMessage"


@pytest.fixture
def emulator(set_up_once: City) -> Iterator[Emulator]:
    signer = set_up_once.office.signer(Role.GOOGLE_SERVICE_ACCOUNT)
    key: Any = signer.private_key.public_key()
    with serving(Emulator(key, signer.subject, set_up_once.settings.google_issuer_id)) as found:
        yield found
    assert found.problems == [], "every body is what Google's document allows"


@pytest.fixture
def make_google(
    make_city: Callable[..., City], set_up_once: City, emulator: Emulator
) -> Iterator[Callable[..., Google]]:
    made: list[Google] = []

    def make(**settings: Any) -> Google:
        reached = {"google_api_url": emulator.address, "google_token_url": f"{emulator.address}/token"}
        options = {"like": set_up_once, "google_requests_per_second": QUICK} | reached | settings
        city = make_city(**options)
        emulator.clock = city.clock
        made.append(Google(city, emulator, load_tasks(city.office)))
        return made[-1]

    yield make
    for google in made:
        for task in google.tasks.values():
            task.close()


@pytest.fixture
def google(make_google: Callable[..., Google]) -> Google:
    """On SQLite."""
    return make_google()


@pytest.fixture
def on_either(request: pytest.FixtureRequest, database_kind: str) -> dict[str, Any]:
    """What makes a city on SQLite, and once more on PostgreSQL."""
    if database_kind == "sqlite":
        return {}
    like: City = request.getfixturevalue("set_up_on_postgresql")
    template = make_url(like.settings.database_url).database
    return {"like": like, "database_url": new_database(request.getfixturevalue("postgresql"), template or "")}


@pytest.fixture
def google_on(make_google: Callable[..., Google], on_either: dict[str, Any]) -> Google:
    """Once on SQLite and once on PostgreSQL."""
    return make_google(**on_either)
