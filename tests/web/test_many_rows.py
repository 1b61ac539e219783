"""Statements over many rows at once, on both databases."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import delete, insert, select
from sqlalchemy.exc import DBAPIError, IntegrityError

from issuers.models import holders, passes
from issuers.repository import pass_row
from tests.city import City
from web.database import read_transaction, write_transaction
from web.logs import without_values
from web.many_rows import among, insert_many

PLACE = {"street": "Bilker Allee 5\t\\N", "postcode": "40215", "city": "Düsseldorf\n", "email": "", "language": "de"}


def holder(serial: str, position: int, born: date | None) -> dict[str, object]:
    person = {"given_name": "Zoë\\", "family_name": "d’Angelo", "date_of_birth": born}
    return {"serial": serial, "position": position} | person | PLACE


def test_rows_come_back_as_they_were_whatever_characters_and_gaps_they_have(city_on: City) -> None:
    serial = city_on.grants("library_card").serial
    rows = [holder(serial, 1, date(1980, 2, 29)), holder(serial, 2, None)]
    with write_transaction(city_on.office.engine) as connection:
        connection.execute(delete(holders))
        insert_many(connection, holders, rows)
        insert_many(connection, holders, [])
    with read_transaction(city_on.office.engine) as connection:
        stored = connection.execute(select(holders).order_by(holders.c.position)).mappings()
        assert [dict(row) for row in stored] == rows


def test_a_taken_key_is_an_integrity_error_and_nothing_of_the_batch_stays(city_on: City) -> None:
    serial = city_on.grants("library_card").serial
    with pytest.raises(IntegrityError) as refused, write_transaction(city_on.office.engine) as connection:
        insert_many(connection, holders, [holder(serial, 1, None), holder(serial, 0, None)])
    assert "Angelo" not in str(refused.value), "no values in the message"
    with read_transaction(city_on.office.engine) as connection:
        assert connection.scalars(select(holders.c.position)).all() == [0]


def test_a_log_names_the_refusal_of_a_row_and_nothing_that_is_in_it(city_on: City) -> None:
    row = pass_row(city_on.stored(city_on.grants("library_card", number="LOEWE-17")), 0)
    for insertion in (
        lambda connection: insert_many(connection, passes, [row]),
        lambda connection: connection.execute(insert(passes).values(row)),
    ):
        with pytest.raises(IntegrityError) as refused, write_transaction(city_on.office.engine) as connection:
            insertion(connection)
        told = without_values((refused.type, refused.value, refused.tb))
        assert "IntegrityError [" in told
        assert not [value for value in ("LOEWE", row["serial"]) if value in told]


def test_what_the_database_cannot_hold_is_an_error_of_sqlalchemy(city_on: City) -> None:
    serial = city_on.grants("library_card").serial
    with pytest.raises(DBAPIError), write_transaction(city_on.office.engine) as connection:
        insert_many(connection, holders, [holder(serial, 1, None) | {"given_name": None}])


def test_among_finds_those_that_are_named_and_no_others(city_on: City) -> None:
    wanted, _, also = (city_on.grants("library_card").serial for _ in range(3))
    with read_transaction(city_on.office.engine) as connection:
        for names in ([wanted, also], []):
            query = select(passes.c.serial).where(among(connection, passes.c.serial, names))
            assert sorted(connection.scalars(query)) == sorted(names)
