"""What phones and the task do at the same moment: no change is missed, and no registration lost."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable

from sqlalchemy import func, select

from issuers import copies
from issuers.carrier_models import apple_registrations
from issuers.models import outbox
from issuers.wallets.apple import registrations
from tests.city import City
from tests.issuers.wallets.apple.phones import PERMIT
from web.database import read_transaction, write_transaction

TIMES = 60


def at_once(*works: Callable[[], object]) -> None:
    """All of them, begun together; what one raises fails the test."""
    start, failures = threading.Barrier(len(works)), []

    def run(work: Callable[[], object]) -> None:
        start.wait()
        try:
            work()
        except Exception as failure:
            failures.append(failure)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def copy_of(city: City) -> copies.Copy:
    permit = city.grants(PERMIT)
    city.offers(permit, "apple")
    with read_transaction(city.office.engine) as connection:
        return copies.live(connection, [permit.serial], "apple")[permit.serial]


def test_a_phone_that_registers_while_its_pass_changes_is_pushed_by_one_of_both(city_on: City) -> None:
    engine, seen = city_on.office.engine, []

    def changes(copy: copies.Copy) -> None:
        with write_transaction(engine) as connection:
            copies.touch(connection, [copy.id], "apple", int(city_on.clock()))
            seen.append(bool(registrations.listeners(connection, [copy.id])))

    def registers(copy: copies.Copy) -> None:
        with write_transaction(engine) as connection:
            registrations.register(connection, copy, secrets.token_hex(16), secrets.token_hex(32), city_on.clock())

    for number in range(TIMES):
        copy = copy_of(city_on)
        at_once(lambda copy=copy: changes(copy), lambda copy=copy: registers(copy))
        with read_transaction(engine) as connection:
            own = select(outbox.c.id).where(outbox.c.kind == registrations.UPDATE, outbox.c.subject == copy.serial)
            assert seen[number] != (connection.scalar(own) is not None), "exactly one of both"


def test_a_phone_that_swaps_one_pass_for_another_keeps_the_new_one(city_on: City) -> None:
    engine, device = city_on.office.engine, secrets.token_hex(16)
    old, new = copy_of(city_on), copy_of(city_on)

    def registers(copy: copies.Copy) -> None:
        with write_transaction(engine) as connection:
            registrations.register(connection, copy, device, "ab" * 32, city_on.clock())

    def unregisters(copy: copies.Copy) -> None:
        with write_transaction(engine) as connection:
            registrations.unregister(connection, copy.id, device)

    for _ in range(TIMES):
        registers(old)
        at_once(lambda: unregisters(old), lambda: registers(new))
        with read_transaction(engine) as connection:
            assert connection.scalar(select(func.count()).select_from(apple_registrations)) == 1
            assert registrations.changed_since(connection, device, None)[0] == [new.serial]
        unregisters(new)
