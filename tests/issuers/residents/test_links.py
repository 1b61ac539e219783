"""Links to pass pages: made once, found by their secret only, ended with what they showed."""

from __future__ import annotations

import hashlib

import pytest
from sqlalchemy import select

from issuers import repository
from issuers.errors import UnknownSerial
from issuers.models import credentials, pass_links
from issuers.residents import links
from tests.city import City
from tests.phone import Phone
from walletpass.passes import Pass
from walletpass.status import Status
from web.database import read_transaction, write_transaction


def found(city: City, secret: str) -> str | None:
    with read_transaction(city.office.engine) as connection:
        return links.find(connection, secret)


def ends(city: City, pass_: Pass) -> bool:
    with write_transaction(city.office.engine) as connection:
        return links.end(connection, pass_.serial, city.order())


def history(city: City, pass_: Pass) -> list[str]:
    with read_transaction(city.office.engine) as connection:
        return [entry["action"] for entry in repository.history(connection, pass_.serial)]


def test_a_link_opens_its_pass_until_it_ends(city_on: City) -> None:
    one, other = city_on.grants("resident_parking_permit"), city_on.grants("library_card")
    secret, others = city_on.link(one), city_on.link(other)
    assert (found(city_on, secret), found(city_on, others)) == (one.serial, other.serial)
    assert ends(city_on, one) and not ends(city_on, one)
    assert (found(city_on, secret), found(city_on, others)) == (None, other.serial)
    assert history(city_on, one)[-3:] == ["link", "unlink", "withdraw"]


def test_a_new_link_ends_the_one_before(city_on: City) -> None:
    permit = city_on.grants("resident_parking_permit")
    first, second = city_on.link(permit), city_on.link(permit)
    assert (found(city_on, first), found(city_on, second)) == (None, permit.serial)


def test_the_secret_has_128_bits_and_is_nowhere_in_the_database(city: City) -> None:
    permit = city.grants("resident_parking_permit")
    secrets = {city.link(permit) for _ in range(20)}
    assert len(secrets) == 20 and {len(secret) for secret in secrets} == {22}
    with read_transaction(city.office.engine) as connection:
        rows = connection.execute(select(pass_links)).all()
    assert {row.sha256 for row in rows} == {hashlib.sha256(secret.encode()).digest() for secret in secrets}
    city.office.engine.dispose()
    stored = b"".join(path.read_bytes() for path in city.settings.issuer_home.glob("issuer.db*"))
    assert not [secret for secret in secrets if secret.encode() in stored]


@pytest.mark.parametrize("guess", ["", "x", "A" * 22, "ä", "\ud800", "x" * 10_000, "%00", "../etc"])
def test_a_guess_opens_nothing(city: City, guess: str) -> None:
    city.link(city.grants("resident_parking_permit"))
    assert found(city, guess) is None


def test_a_pass_that_does_not_exist_gets_no_link(city: City) -> None:
    for change in (links.create, links.end):
        with pytest.raises(UnknownSerial), write_transaction(city.office.engine) as connection:
            change(connection, "0" * 20, city.order())


def test_what_the_page_showed_ends_with_its_link_and_nothing_else_does(city: City) -> None:
    permit, phone = city.grants("resident_parking_permit"), Phone()
    paper = city.qr(permit)
    credential = city.binds(city.link(permit), phone)
    assert city.inspector_sees(phone.shows(credential, city.clock())).reason == "accepted"
    ends(city, permit)
    city.office.publication.publish_changes()
    assert city.inspector_sees(phone.shows(credential, city.clock())).reason == "revoked"
    assert city.inspector_sees(paper).reason == "accepted"
    with read_transaction(city.office.engine) as connection:
        rows = connection.execute(select(credentials.c.carrier, credentials.c.status)).all()
    states = {row.carrier: row.status for row in rows}
    assert states == {"qr": int(Status.VALID), "page": int(Status.INVALID)}
