"""What wallets hold of passes: which copy lives, how the next is called, and what an older version left unnoted."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, update

from issuers import copies
from issuers.carrier_models import copies as table
from issuers.copies import Copy
from issuers.office import Office
from tests.city import City
from walletpass.passes import Pass
from web.database import read_transaction, write_transaction

PERMIT = "resident_parking_permit"


def noted(city: City, pass_: Pass, carrier: str = "google") -> list[Copy]:
    with read_transaction(city.office.engine) as connection:
        return copies.all_of(connection, [pass_.serial], carrier)


def offered_before(city: City, carrier: str = "google") -> Pass:
    """A pass that a version without copies has offered."""
    permit = city.grants(PERMIT)
    city.offers(permit, carrier)
    with write_transaction(city.office.engine) as connection:
        connection.execute(delete(table).where(table.c.serial == permit.serial))
    return permit


@pytest.mark.parametrize("carrier", ["apple", "google"])
def test_what_an_older_version_offered_ends_too_and_the_next_has_another_name(carrier: str, city_on: City) -> None:
    permit = offered_before(city_on, carrier)
    city_on.later(minutes=1)
    city_on.withdraws(permit, carrier)
    [first] = noted(city_on, permit, carrier)
    assert (first.name, first.ended_at) == (permit.serial, int(city_on.clock()))
    city_on.offers(permit, carrier)
    assert [copy.name for copy in noted(city_on, permit, carrier)] == [permit.serial, f"{permit.serial}-2"]


def test_what_was_offered_nowhere_or_has_ended_needs_no_copy_to_end(city: City) -> None:
    permit = city.grants(PERMIT)
    city.withdraws(permit, "google")
    assert noted(city, permit) == []
    city.offers(permit, "google")
    city.withdraws(permit, "google")
    ended = noted(city, permit)
    city.later(minutes=1)
    city.withdraws(permit, "google")
    assert noted(city, permit) == ended and len(ended) == 1


def test_what_an_older_version_offered_ends_under_its_name_after_a_restore_too(city: City) -> None:
    permit = offered_before(city)
    with write_transaction(city.office.engine) as connection:
        copies.number_anew(connection, int(city.clock()))
    city.withdraws(permit, "google")
    [first] = noted(city, permit)
    assert first.name == permit.serial


def test_a_copy_ends_no_earlier_than_it_changed(city_on: City) -> None:
    """Google is told of an end that is not before the last change it was told of."""
    permit = city_on.grants(PERMIT)
    city_on.offers(permit, "google")
    city_on.later(hours=5)
    with write_transaction(city_on.office.engine) as connection:
        connection.execute(update(table).values(changed_at=int(city_on.clock())))
    city_on.clock.seconds -= 5 * 3600
    city_on.withdraws(permit, "google")
    [copy] = noted(city_on, permit)
    assert copy.ended_at is not None and copy.changed_at <= copy.ended_at


def test_two_restores_from_the_same_backup_give_no_number_twice(city_on: City) -> None:
    permit, given = city_on.grants(PERMIT), set[str]()
    for _ in range(3):
        with write_transaction(city_on.office.engine) as connection:
            connection.execute(delete(table))  # as the backup has it, the counter too
            connection.exec_driver_sql("DELETE FROM counters")
            copies.number_anew(connection, int(city_on.clock()))
        for _ in range(2):
            city_on.offers(permit, "apple")
            given.add(noted(city_on, permit, "apple")[-1].name)
            city_on.withdraws(permit, "apple")
            city_on.later(seconds=2)
    assert len(given) == 6


def test_a_pass_of_a_type_that_is_switched_off_keeps_no_other_from_being_told(city_on: City) -> None:
    passes = [city_on.grants(name) for name in (PERMIT, "library_card")]
    held = {}
    for pass_ in passes:
        city_on.offers(pass_, "apple")
        held[pass_.pass_type] = noted(city_on, pass_, "apple")[0]
    narrowed = Office(city_on.settings.model_copy(update={"pass_types": ("library_card",)}), city_on.clock)
    shown = narrowed.current(list(held.values()))
    assert shown.keys() == {held["library_card"].id}
    assert shown[held["library_card"].id].qr_text
