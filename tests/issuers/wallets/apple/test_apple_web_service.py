"""Apple's web service: the five endpoints as phones use them."""

from __future__ import annotations

from datetime import timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select

from issuers import copies
from issuers.carrier_models import apple_devices, counters
from issuers.wallets.apple import web_service
from tests.city import City
from tests.issuers.api.conftest import Serve, Service
from tests.issuers.wallets.apple.phones import (
    PERMIT,
    ask,
    grants,
    left,
    registration,
    rows,
    tells,
)
from tests.issuers.wallets.iphone import IPhone, fields, opened
from web.database import read_transaction, write_transaction
from web.limits import RateLimit


def test_a_pass_tells_phones_where_to_hear_of_changes(service: Service) -> None:
    permit, held = grants(service)
    assert held.json["webServiceURL"] == "http://localhost:8000/apple"
    assert held.json["serialNumber"] == permit.serial
    again = opened(service.city.offers(permit, "apple").body)
    assert again["authenticationToken"] == held.json["authenticationToken"]
    assert grants(service)[1].json["authenticationToken"] != held.json["authenticationToken"]


def test_a_phone_registers_once_and_is_known_after_that(service_on: Service) -> None:
    _, held = grants(service_on)
    phone = IPhone(service_on.client)
    assert [phone.registers(held), phone.registers(held)] == [201, 200]
    assert rows(service_on.city) == (1, 1)


def test_several_phones_hold_one_pass_and_one_phone_several_passes(service_on: Service) -> None:
    phones = [IPhone(service_on.client) for _ in range(3)]
    passes = [service_on.city.offers(service_on.city.grants(PERMIT), "apple").body for _ in range(2)]
    for phone in phones:
        for body in passes:
            phone.adds(body)
    assert rows(service_on.city) == (3, 6)
    assert sorted(phones[0].asks(next(iter(phones[0].passes.values())))) == sorted(phones[0].passes)
    phones[0].removes(next(iter(phones[0].passes.values())))
    assert rows(service_on.city) == (3, 5)
    phones[0].removes(next(iter(phones[0].passes.values())))
    assert rows(service_on.city) == (2, 4), "a device goes with its last registration"


def test_a_changed_push_token_replaces_the_old_one(service_on: Service) -> None:
    _, held = grants(service_on)
    for token in ("01" * 32, "0F" * 40):
        ask(service_on, "POST", registration(held), held, json={"pushToken": token})
    with read_transaction(service_on.city.office.engine) as connection:
        assert list(connection.scalars(select(apple_devices.c.push_token))) == ["0f" * 40]


def test_a_phone_hears_only_of_what_has_changed_since_it_asked(service_on: Service) -> None:
    city, phone = service_on.city, IPhone(service_on.client)
    permits = [city.grants(PERMIT) for _ in range(2)]
    held = [phone.adds(city.offers(permit, "apple").body) for permit in permits]
    assert len(phone.asks(held[0])) == 2, "the first time a phone asks for everything"
    assert phone.asks(held[0]) == []
    for permit in permits:
        city.suspends(permit)
        tells(city)
        assert phone.asks(held[0]) == [permit.serial]
    assert phone.asks(held[0]) == []


def test_a_pass_is_fetched_once_and_then_only_when_it_has_changed(service_on: Service) -> None:
    city, phone = service_on.city, IPhone(service_on.client)
    permit = city.grants(PERMIT)
    held = phone.adds(city.offers(permit, "apple").body)
    city.later(hours=1)
    assert phone.fetches(held) == []
    phone.fetches(held)
    assert (phone.fetched, phone.unchanged) == (1, 1)
    city.suspends(permit)
    tells(city)
    assert "Neuer Status: Ausgesetzt" in phone.fetches(held)
    phone.fetches(held)
    assert (phone.fetched, phone.unchanged) == (2, 2)


def test_two_changes_within_a_second_are_both_fetched(service: Service) -> None:
    city, phone = service.city, IPhone(service.client)
    permit = city.grants(PERMIT)
    held = phone.adds(city.offers(permit, "apple").body)
    city.later(minutes=1)
    second = city.clock()
    for change, shown in ((city.suspends, "Ausgesetzt"), (city.reinstates, "Nicht ausgesetzt"), (city.revokes, "Wid")):
        change(permit)
        city.clock.seconds = second  # publishing waits for a second of its own
        tells(city)
        [message] = phone.fetches(held)
        assert shown in message


@pytest.mark.parametrize("hours", [-5, 5])
def test_changes_are_heard_and_fetched_when_the_clock_was_set(service_on: Service, hours: int) -> None:
    city, phone = service_on.city, IPhone(service_on.client)
    city.later(days=1)  # before this day there were no keys
    permit = city.grants(PERMIT)
    held = phone.adds(city.offers(permit, "apple").body)
    city.suspends(permit)
    tells(city)
    assert phone.is_pushed()
    told = parsedate_to_datetime(held.last_modified)
    city.clock.seconds += hours * 3600
    city.reinstates(permit)
    tells(city)
    assert phone.is_pushed() == ["Neuer Status: Nicht ausgesetzt oder widerrufen"]
    assert parsedate_to_datetime(held.last_modified) <= city.office.now(), "a time in the future is not told"
    assert (parsedate_to_datetime(held.last_modified) < told) == (hours < 0)


def test_a_phone_that_registers_after_a_change_is_told_of_it(service_on: Service) -> None:
    city = service_on.city
    permit = city.grants(PERMIT)
    downloaded = city.offers(permit, "apple").body
    city.suspends(permit)
    tells(city)
    phone = IPhone(service_on.client)
    phone.adds(downloaded)
    assert left(city) == [(None, False)], "a push of its own waits for it"
    phone.adds(downloaded)
    assert len(left(city)) == 1, "but only one"


def test_a_lost_phone_gets_its_pass_emptied_and_voided(service_on: Service) -> None:
    city, lost, new = service_on.city, IPhone(service_on.client), IPhone(service_on.client)
    permit = city.grants(PERMIT)
    held = lost.adds(city.offers(permit, "apple").body)
    city.withdraws(permit, "apple")
    replacement = new.adds(city.offers(permit, "apple").body)
    assert replacement.json["serialNumber"] == f"{permit.serial}-2"
    tells(city)
    assert lost.is_pushed() == ["Neuer Status: Auf diesem Gerät beendet"]
    assert held.json["voided"] is True
    assert "barcodes" not in held.json
    assert not {"zone", "plates", "permit_number"} & fields(held.json).keys(), "who has the phone learns nothing new"
    assert new.is_pushed() == []
    assert "voided" not in replacement.json
    assert replacement.json["barcodes"]
    assert rows(city) == (2, 2)


def test_a_copy_that_ends_while_it_is_being_fetched_gets_no_code(service_on: Service) -> None:
    city = service_on.city
    permit = city.grants(PERMIT)
    city.offers(permit, "apple")
    with read_transaction(city.office.engine) as connection:
        seen = copies.live(connection, [permit.serial], "apple")[permit.serial]
    city.withdraws(permit, "apple")
    assert city.office.current([seen])[seen.id].qr_text == ""


def test_a_revoked_pass_cannot_be_fetched_with_its_code(service: Service) -> None:
    city, phone = service.city, IPhone(service.client)
    permit = city.grants(PERMIT)
    held = phone.adds(city.offers(permit, "apple").body)
    city.revokes(permit)
    tells(city)
    assert phone.is_pushed() == ["Neuer Status: Widerrufen"]
    assert held.json["voided"] is True
    assert "barcodes" not in held.json


def test_a_suspended_pass_is_voided_and_has_no_code_until_it_is_reinstated(service_on: Service) -> None:
    city, phone = service_on.city, IPhone(service_on.client)
    permit = city.grants(PERMIT)
    held = phone.adds(city.offers(permit, "apple").body)
    assert held.json["barcodes"]
    city.suspends(permit)
    tells(city)
    assert phone.is_pushed() == ["Neuer Status: Ausgesetzt"]
    assert held.json["voided"] is True
    assert not {"barcode", "barcodes"} & held.json.keys()
    city.reinstates(permit)
    tells(city)
    phone.is_pushed()
    assert held.json["barcodes"] and "voided" not in held.json


def test_a_phone_that_is_told_to_wait_becomes_current_later(
    city: City, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_service, "RateLimit", partial(RateLimit, clock=city.clock))
    phone = IPhone(serve(city).client)
    permit = city.grants(PERMIT)
    held = phone.adds(city.offers(permit, "apple").body)
    city.suspends(permit)
    tells(city)
    phone.asks(held)
    for _ in range(web_service.REQUESTS_PER_COPY - 1):
        phone.client.request(
            "GET", f"{phone.base}{held.json['webServiceURL']}/v1/passes/{held.path}", headers=held.token
        )
    with pytest.raises(AssertionError, match="429"):
        phone.fetches(held)
    assert "voided" not in held.json
    city.later(seconds=61)
    assert phone.fetches(held) == ["Neuer Status: Ausgesetzt"]
    assert held.json["voided"] is True


def test_a_renewal_reaches_the_phone_and_says_until_when(service_on: Service) -> None:
    city, phone = service_on.city, IPhone(service_on.client)
    permit = city.grants(PERMIT)
    held = phone.adds(city.offers(permit, "apple").body)
    before = held.json["barcodes"][0]["message"]
    until = permit.valid_until + timedelta(days=100)
    city.renews(permit, until)
    tells(city)
    assert phone.is_pushed() == [f"Jetzt gültig bis {until:%d.%m.%Y}"]
    assert held.json["barcodes"][0]["message"] != before
    assert city.inspector_sees(held.json["barcodes"][0]["message"]).outcome == "accepted"
    city.amends(permit, plates=("D-XY 12",))
    tells(city)
    assert any("D-XY 12" in message for message in phone.is_pushed())


def test_an_expired_pass_loses_its_code_without_being_voided(service: Service) -> None:
    city, phone = service.city, IPhone(service.client)
    card = city.grants("library_card", number="29300012345674", valid_until=city.today)
    held = phone.adds(city.offers(card, "apple").body)
    city.later(days=2)
    phone.fetches(held)
    assert "barcodes" not in held.json
    assert "voided" not in held.json


def test_a_service_without_https_offers_passes_without_a_web_service(make_city: Any) -> None:
    city = make_city(public_url="http://passes.example.org")
    made = opened(city.offers(city.grants(PERMIT), "apple").body)
    assert not {"webServiceURL", "authenticationToken"} & made.keys()
    city = make_city(public_url="https://passes.example.org/d")
    made = opened(city.offers(city.grants(PERMIT), "apple").body)
    assert made["webServiceURL"] == "https://passes.example.org/d/apple"


def test_tags_go_on_rising_after_a_backup_was_restored(service_on: Service) -> None:
    city, phone = service_on.city, IPhone(service_on.client)
    permit = city.grants(PERMIT)
    held = phone.adds(city.offers(permit, "apple").body)
    city.suspends(permit)
    tells(city)
    phone.is_pushed()
    with write_transaction(city.office.engine) as connection:  # as it was before, and days later
        connection.execute(counters.update().values(value=counters.c.value - 1))
    city.later(days=1)
    city.reinstates(permit)
    tells(city)
    assert phone.asks(held) == [permit.serial]
