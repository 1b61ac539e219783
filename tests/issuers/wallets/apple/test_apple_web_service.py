"""Apple's web service: the five endpoints as phones use them, and everything that somebody else might send there."""

from __future__ import annotations

import json
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from sqlalchemy import func, select

from issuers import copies
from issuers.carrier_models import apple_devices, apple_registrations
from issuers.wallets.apple import registrations, web_service
from tests.city import City
from tests.issuers.api.conftest import Serve, Service
from tests.issuers.wallets.apple.phones import left, tells
from tests.issuers.wallets.iphone import Held, IPhone, fields, opened
from walletpass.passes import Pass
from web.database import read_transaction, write_transaction

PERMIT = "resident_parking_permit"
TYPE = "pass.de.example.walletpass"
DEVICE, TOKEN = "d" * 32, "ab" * 32


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


@pytest.mark.parametrize("tag", ["", "yesterday", "-1", "1.5", "9" * 18, "9" * 200])
def test_a_tag_that_is_none_of_ours_is_answered_with_everything(service: Service, tag: str) -> None:
    _, held = grants(service)
    ask(service, "POST", registration(held), held, json={"pushToken": TOKEN})
    answer = ask(service, "GET", f"devices/{DEVICE}/registrations/{TYPE}", params={"passesUpdatedSince": tag})
    assert answer.json()["serialNumbers"] == [held.json["serialNumber"]]


def test_an_unknown_phone_and_another_pass_type_have_nothing_to_hear(service: Service) -> None:
    _, held = grants(service)
    ask(service, "POST", registration(held), held, json={"pushToken": TOKEN})
    for device, pass_type in (("e" * 32, TYPE), (DEVICE, "pass.de.other"), ("short", TYPE), ("ü" * 32, TYPE)):
        answer = ask(service, "GET", f"devices/{device}/registrations/{pass_type}")
        assert (answer.status_code, answer.content) == (204, b"")


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
    for change, shown in ((city.suspends, "Ausgesetzt"), (city.reinstates, "Nicht ausgesetzt"), (city.revokes, "Wid")):
        change(permit)
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


@pytest.mark.parametrize("date", ["", "yesterday", "Sun, 99 Nov 2026 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_a_date_that_is_none_or_in_the_future_is_not_believed(service: Service, date: str) -> None:
    _, held = grants(service)
    assert ask(service, "GET", f"passes/{held.path}", held, headers={"If-Modified-Since": date}).status_code == 200


def _refused_tokens(held: Held, other: Held) -> list[str]:
    secret, other_secret = held.json["authenticationToken"], other.json["authenticationToken"]
    return [
        "",
        "ApplePass",
        "ApplePass ",
        secret,
        f"Bearer {secret}",
        f"Basic {secret}",
        f"ApplePass {other_secret}",
        f"ApplePass  {secret}",
        f"ApplePass {secret[:-1]}",
        f"ApplePass {secret}x",
        f"ApplePass {secret.swapcase()}",
        "ApplePass ÿ",
        "ApplePass " + "A" * 5000,
    ]


def test_a_wrong_token_another_scheme_or_another_passs_token_opens_nothing(service: Service) -> None:
    _, held = grants(service)
    _, other = grants(service)
    ask(service, "POST", registration(held), held, json={"pushToken": TOKEN})
    for sent in _refused_tokens(held, other):
        for method, path in _with_token(held):
            answer = ask(service, method, path, headers={"Authorization": sent.encode("latin-1")}, content=b"{}")
            assert answer.status_code == 401, sent
            assert answer.headers["www-authenticate"] == "ApplePass"
    assert rows(service.city) == (1, 1)


def _with_token(held: Held) -> list[tuple[str, str]]:
    return [("POST", registration(held)), ("DELETE", registration(held)), ("GET", f"passes/{held.path}")]


@pytest.mark.parametrize(
    "name",
    ["{}-1", "{}-01", "{}-2", "{}-", "-{}", "{}-0", "{}-1000", "{}-9999999999", "{}x", "0" * 20, "x" * 33, "%00", "a b",
     "{}%00", "%F0%9F%98%80", "{}-%D9%A1", "'; DROP TABLE copies; --", ".."],
)  # fmt: skip
def test_unknown_and_forged_names_are_answered_as_a_wrong_token_is(service_on: Service, name: str) -> None:
    _, held = grants(service_on)
    asked = name.format(held.json["serialNumber"])
    wrong = ask(service_on, "GET", f"passes/{held.path}", headers={"Authorization": "ApplePass x"})
    answer = ask(service_on, "GET", f"passes/{TYPE}/{asked}", held)
    if name == "..":
        assert answer.status_code == 404
    else:
        assert (answer.status_code, answer.json()) == (401, wrong.json())


def test_another_pass_type_is_answered_as_a_wrong_token_is(service: Service) -> None:
    _, held = grants(service)
    held.json["passTypeIdentifier"] = "pass.de.other"
    for method, path in _with_token(held):
        assert ask(service, method, path, held, content=b"{}").status_code == 401


@pytest.mark.parametrize(
    "push_token",
    ["", "zz" * 32, "ab" * 31, "ab" * 101, "abc" * 11, "ab" * 32 + "\n", "../" * 22, "ａｂ" * 32, 7, None, ["ab" * 32],
     {"a": 1}],
)  # fmt: skip
def test_a_push_token_that_is_none_is_not_stored(service: Service, push_token: object) -> None:
    _, held = grants(service)
    answer = ask(service, "POST", registration(held), held, json={"pushToken": push_token})
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")
    assert rows(service.city) == (0, 0)


@pytest.mark.parametrize("device", ["short", "d" * 65, "d" * 31 + "%00", "ü" * 20, "d" * 20 + "%2E%2Fx"])
def test_a_device_library_identifier_that_is_none_is_not_stored(service_on: Service, device: str) -> None:
    _, held = grants(service_on)
    answer = ask(service_on, "POST", registration(held, device), held, json={"pushToken": TOKEN})
    assert answer.status_code in (400, 404)
    assert rows(service_on.city) == (0, 0)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"pushToken=abc", 400),
        (b"[]", 400),
        (b"null", 400),
        (b"\xff\xfe", 400),
        (b"[" * 4000, 400),
        (b'{"pushToken": ' + b"9" * 4000 + b"}", 400),
        (b'{"pushtoken": "' + b"ab" * 32 + b'"}', 400),
        (b" " * 4097, 413),
        (b"x" * 70_000, 413),
    ],
)
def test_a_body_that_is_no_registration_is_refused(service: Service, body: bytes, status: int) -> None:
    _, held = grants(service)
    assert ask(service, "POST", registration(held), held, content=body).status_code == status
    assert rows(service.city) == (0, 0)


def test_members_that_apple_may_add_are_ignored(service: Service) -> None:
    _, held = grants(service)
    body = {"pushToken": TOKEN, "deviceName": "Annas iPhone", "battery": 0.5, "more": {"a": [1]}}
    assert ask(service, "POST", registration(held), held, json=body).status_code == 201


def test_nobody_fills_the_database_with_registrations_of_one_pass(service_on: Service) -> None:
    city = service_on.city
    permit = city.grants(PERMIT)
    city.offers(permit, "apple")
    with write_transaction(city.office.engine) as connection:
        copy = copies.live(connection, [permit.serial], "apple")[permit.serial]
        for number in range(registrations.MOST_DEVICES + 3):
            registrations.register(connection, copy, f"device-{number:030d}", TOKEN, city.clock() + number)
    assert rows(city) == (registrations.MOST_DEVICES, registrations.MOST_DEVICES)
    with read_transaction(city.office.engine) as connection:
        known = set(connection.scalars(select(apple_devices.c.library_identifier)))
    assert f"device-{2:030d}" not in known
    assert f"device-{3:030d}" in known, "the newest stay"


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


def test_the_log_endpoint_takes_what_phones_report(service: Service) -> None:
    message = "[2026-11-23 09:30:00 +0100] Get pass task (…) encountered error: Received invalid pass data"
    assert ask(service, "POST", "log", json={"logs": [message]}).status_code == 200
    assert ask(service, "POST", "log", json={"logs": [], "more": 1}).status_code == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b'{"logs": "text"}', 400),
        (b'{"log": []}', 400),
        (b"[" * 30_000, 400),
        (json.dumps({"logs": [None, 7, {"a": 1}]}).encode(), 200),
        (json.dumps({"logs": ["x" * 31_000]}).encode(), 200),
        (json.dumps({"logs": ["x"] * 5_000}).encode(), 200),
        (json.dumps({"logs": ["x" * 33_000]}).encode(), 413),
        (b"x" * 100_000, 413),
    ],
)
def test_oversized_and_odd_reports_do_no_harm(service: Service, body: bytes, status: int) -> None:
    assert ask(service, "POST", "log", content=body).status_code == status


def test_reports_are_limited_for_each_address(service: Service) -> None:
    statuses = [
        ask(service, "POST", "log", json={"logs": []}).status_code for _ in range(web_service.REPORTS_PER_MINUTE + 1)
    ]
    assert statuses.count(200) == web_service.REPORTS_PER_MINUTE
    assert statuses[-1] == 429


def test_fetches_of_one_copy_are_limited(service: Service) -> None:
    _, held = grants(service)
    _, other = grants(service)
    date = {"If-Modified-Since": ask(service, "GET", f"passes/{held.path}", held).headers["last-modified"]}
    statuses = [
        ask(service, "GET", f"passes/{held.path}", held, headers=date).status_code
        for _ in range(web_service.REQUESTS_PER_COPY)
    ]
    assert (statuses[0], statuses[-1]) == (304, 429)
    assert ask(service, "GET", f"passes/{other.path}", other).status_code == 200


def test_requests_are_limited_for_each_address(make_city: Any, serve: Serve) -> None:
    service = serve(make_city(apple_requests_per_minute=3))
    path = f"devices/{DEVICE}/registrations/{TYPE}"
    assert [ask(service, "GET", path).status_code for _ in range(4)] == [204, 204, 204, 429]


def test_a_service_without_https_offers_passes_without_a_web_service(make_city: Any) -> None:
    city = make_city(public_url="http://passes.example.org")
    made = opened(city.offers(city.grants(PERMIT), "apple").body)
    assert not {"webServiceURL", "authenticationToken"} & made.keys()
    city = make_city(public_url="https://passes.example.org/d")
    made = opened(city.offers(city.grants(PERMIT), "apple").body)
    assert made["webServiceURL"] == "https://passes.example.org/d/apple"


def test_no_log_line_holds_a_token_a_serial_or_a_name(service: Service, capfd: pytest.CaptureFixture[str]) -> None:
    city, phone = service.city, IPhone(service.client)
    permit = city.grants(PERMIT)
    held = phone.adds(city.offers(permit, "apple").body)
    secret, serial = held.json["authenticationToken"], permit.serial
    phone.is_pushed()
    ask(service, "GET", f"passes/{held.path}", headers={"Authorization": f"ApplePass {secret}x"})
    text = f"Get pass task (pass type {TYPE}, serial number {serial}; with web service url https://x/?t={secret})"
    told = f"{text} encountered error: Authentication failure Anna Müller {phone.push_token} https://evil/?q=1"
    ask(service, "POST", "log", json={"logs": [told, told]})
    city.suspends(permit)
    tells(city)
    printed = "".join(capfd.readouterr())
    assert "fetch:token_refused" in printed
    for word in (secret, serial, phone.push_token, phone.library_identifier, "Müller", "evil", "Anna"):
        assert word not in printed, word
