"""Everything that somebody else might send to Apple's web service, and what is done against too much of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import select

from issuers import copies
from issuers.carrier_models import apple_devices
from issuers.wallets.apple import registrations, web_service
from tests.issuers.api.conftest import Serve, Service
from tests.issuers.wallets.apple.phones import (
    DEVICE,
    PERMIT,
    TOKEN,
    TYPE,
    ask,
    grants,
    left,
    registration,
    rows,
    tells,
)
from tests.issuers.wallets.iphone import Held, IPhone
from web.database import read_transaction, write_transaction


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


def test_whoever_registers_and_unregisters_for_ever_fills_no_outbox(service_on: Service) -> None:
    city = service_on.city
    permit, held = grants(service_on)
    city.suspends(permit)
    tells(city)
    for _ in range(5):
        assert ask(service_on, "POST", registration(held), held, json={"pushToken": TOKEN}).status_code == 201
        assert ask(service_on, "DELETE", registration(held), held).status_code == 200
    assert left(city) == [(None, False)]


def test_a_phone_that_registers_while_a_worker_has_the_row_gets_one_of_its_own(service_on: Service) -> None:
    city = service_on.city
    permit, held = grants(service_on)
    city.suspends(permit)
    tells(city)
    ask(service_on, "POST", registration(held), held, json={"pushToken": TOKEN})
    assert city.office.outbox.claim(registrations.UPDATE, 10, 180)
    ask(service_on, "POST", registration(held, "e" * 32), held, json={"pushToken": TOKEN})
    assert len(left(city)) == 2, "the worker may have looked for phones already"


def test_new_phones_of_one_copy_are_limited_and_known_ones_are_not(service: Service) -> None:
    _, held = grants(service)
    _, other = grants(service)
    body = {"pushToken": TOKEN}

    def registers(pass_: Held, number: int) -> int:
        return int(ask(service, "POST", registration(pass_, f"device-{number:030d}"), pass_, json=body).status_code)

    most = web_service.NEW_PHONES_PER_COPY
    assert [registers(held, number) for number in range(most + 1)] == [201] * most + [429]
    assert rows(service.city) == (most, most), "nothing of the one that was refused is kept"
    assert registers(held, 0) == 200
    assert registers(other, most) == 201


def test_requests_are_limited_for_each_address(make_city: Any, serve: Serve) -> None:
    service = serve(make_city(apple_requests_per_minute=3))
    path = f"devices/{DEVICE}/registrations/{TYPE}"
    assert [ask(service, "GET", path).status_code for _ in range(4)] == [204, 204, 204, 429]


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
