"""Speaking with the service: what a phone is told it does, who else answers is nobody, and it ends when it must."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Route

from tests.browser.device.conftest import Service
from tests.browser.device.phone import BrowserPhone
from verifiers.devices.scope import read_scope

MakePhone = Callable[..., BrowserPhone]
DAY = 86400
API = "**/api/v1/device/*"


def device_id(phone: BrowserPhone) -> str:
    return str(phone.run("session.device.id"))


def test_a_suspended_phone_says_so_hands_in_and_works_again_when_it_may(phone: MakePhone, service: Service) -> None:
    known = phone().enrolled(service.invites())
    assert len(known.keys_of("keys")) == 2
    service.devices.suspend(device_id(known))
    known.run("told.splice(0)")
    assert known.contacts() is None and known.state == "suspended" and "state" in known.run("told")
    assert known.refusal("session.judge('WP1:')") == "suspended"
    assert known.keys_of("keys") == [], "a lost phone looks no plate up"
    known.starts()
    assert known.unlocks() is None and known.state == "suspended", "also before it hears anything"
    assert known.contacts() is None and known.state == "suspended"
    service.devices.resume(device_id(known))
    assert known.contacts() is None and known.state == "open" and len(known.keys_of("keys")) == 2


def test_a_renamed_phone_with_another_scope_hears_of_it(phone: MakePhone, service: Service) -> None:
    known = phone().enrolled(service.invites())
    service.devices.rename(device_id(known), "Handy Süd")
    service.devices.set_scope(device_id(known), read_scope(["library_card"], ["A12"]))
    assert known.contacts() is None
    assert known.run("[session.device.name, session.zones()]") == ["Handy Süd", ["A12"]]
    assert [each["name"] for each in known.run("session.passTypes()")] == ["library_card"]
    known.starts()
    assert known.run("session.device.name") == "Handy Süd"


@pytest.mark.parametrize("gone", [False, True], ids=["revoked", "unknown"])
def test_a_revoked_phone_forgets_token_and_keys_and_keeps_what_waits(
    phone: MakePhone, service: Service, gone: bool
) -> None:
    known = phone().enrolled(service.invites())
    known.run("(async () => (await Store.open()).put('scans', 'one', {kept: true}))()")
    assert known.keys_of("keys")
    if gone:
        change = b'"code":"device_unknown"'
        service.meddler.changes("contact", lambda body: body.replace(b'"code":"device_revoked"', change))
    service.devices.revoke(device_id(known))
    assert known.contacts() == ("device_unknown" if gone else "device_revoked") and known.state == "ended"
    assert known.keys_of("identity") == known.keys_of("keys") == [] and known.keys_of("scans") == ["one"]
    assert known.starts().state == "ended" and known.unlocks() == "ended"


def test_a_wiped_phone_deletes_everything(phone: MakePhone, service: Service) -> None:
    known = phone().enrolled(service.invites())
    for kind in ("scans", "quarantine", "cases", "uses", "lookups"):
        known.run("(async () => (await Store.open()).put(given, 'one', {kept: true}))()", kind)
    known.run("session.zone = '7'")
    service.devices.wipe(device_id(known))
    assert known.contacts() == "device_wiped" and known.state == "ended"
    kinds = known.run("module('store.js').then(({KINDS}) => KINDS)")
    assert {kind: known.keys_of(kind) for kind in kinds if known.keys_of(kind)} == {"settings": ["ending"]}
    assert known.run("session.zone") is None and known.starts().state == "ended"
    assert known.enrols(service.invites()) is None and known.state == "open"


def test_a_phone_without_contact_for_days_locks_itself_until_the_next_one(phone: MakePhone, service: Service) -> None:
    known = phone(waits_quickly=True).enrolled(service.invites())
    known.context.set_offline(True)
    known.waits(7 * DAY - 60)
    assert known.state == "open"
    known.waits(90)
    assert known.state == "locked"
    assert known.refusal("session.judge('WP1:')") == "locked" and known.contacts() == "no_contact"
    known.context.set_offline(False)
    assert known.contacts() is None and known.state == "open"


def test_a_clock_set_back_does_not_keep_a_phone_open(phone: MakePhone, service: Service) -> None:
    known = phone(waits_quickly=True).enrolled(service.invites())
    known.context.set_offline(True)
    known.sets_clock(known.now - 2 * DAY)
    known.waits(16)
    assert known.state == "locked"


def test_a_wrong_clock_is_noticed(phone: MakePhone, service: Service) -> None:
    known = phone().starts()
    known.sets_clock(time.time() + 600)
    assert known.enrols(service.invites()) is None
    assert abs(known.run("session.clock.difference") - 600) <= 2
    assert known.contacts() is None
    known.sets_clock(time.time() - 120)
    assert known.contacts() is None and abs(known.run("session.clock.difference") + 120) <= 2
    reported = service.devices.one(device_id(known)).reported
    assert abs(reported["clock_difference"] + 120) <= 2


def test_an_app_that_nobody_sees_for_a_quarter_of_an_hour_closes(phone: MakePhone, service: Service) -> None:
    known = phone(waits_quickly=True).enrolled(service.invites())
    for _ in range(2):
        known.is_seen(False)
        known.waits(14 * 60)
        assert known.state == "open"
        known.is_seen(True)
    known.is_seen(False)
    known.waits(15 * 60 + 20)
    assert known.state == "closed" and known.contacts() == "closed"
    known.is_seen(True)
    assert known.unlocks() is None and known.state == "open"


# Who may answer in the service's stead: none of it is contact, and none of it changes anything.
ANSWERS: dict[str, dict[str, Any]] = {
    "a portal's page": {"status": 200, "content_type": "text/html", "body": "<html>Willkommen im WLAN"},
    "a portal's page in JSON": {"status": 200, "content_type": "application/json", "body": "{}"},
    "a portal's redirect": {"status": 302, "headers": {"Location": "http://portal.example/"}},
    "a portal's refusal": {"status": 511, "content_type": "text/html", "body": ""},
    "a proxy's refusal": {"status": 401, "content_type": "application/json", "body": '{"code":"device_wiped"}'},
    "a broken gateway": {"status": 502, "content_type": "text/html", "body": ""},
    "nothing": {"status": 204},
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=list(ANSWERS))
def test_somebody_elses_answer_is_no_contact(enrolled: BrowserPhone, answer: dict[str, Any]) -> None:
    before = enrolled.run("session.ages()")
    enrolled.context.route(API, lambda route: route.fulfill(**answer))
    assert enrolled.contacts() == "no_contact" and enrolled.state == "open"
    assert enrolled.run("session.ages()") == before and enrolled.keys_of("identity") == ["device"]
    enrolled.context.unroute(API)
    assert enrolled.contacts() is None


HALVES: dict[str, Callable[[bytes], bytes | None]] = {
    "cut off": lambda body: None,
    "no JSON": lambda body: body[:-1],
    "another answer": lambda body: b'{"server_time": 1}',
    "a number": lambda body: b"1",
    "null": lambda body: b"null",
}


@pytest.mark.parametrize("change", HALVES.values(), ids=list(HALVES))
def test_half_an_answer_is_no_contact(
    enrolled: BrowserPhone, service: Service, change: Callable[[bytes], bytes | None]
) -> None:
    service.meddler.changes("contact", lambda body: body if b"use_dpop_nonce" in body else change(body))
    assert enrolled.contacts() == "no_contact" and enrolled.state == "open"
    service.meddler.rest()
    assert enrolled.contacts() is None


def test_a_service_that_was_restarted_is_heard_without_another_round(phone: MakePhone, service: Service) -> None:
    """Its processes share the key that nonces are made with, and so do those that follow each other."""
    known = phone().enrolled(service.invites())
    service.restarts()
    service.meddler.asked.clear()
    assert known.contacts() is None and known.state == "open"
    assert [path for path in service.meddler.asked if path.endswith("contact")] == ["/api/v1/device/contact"]


def test_a_nonce_that_is_never_good_enough_is_no_endless_round(phone: MakePhone, service: Service) -> None:
    known = phone().enrolled(service.invites())
    asked: list[object] = []
    refusal = {"DPoP-Nonce": "x", "Content-Type": "application/problem+json"}

    def never_enough(route: Route) -> None:
        asked.append(route)
        route.fulfill(status=401, headers=refusal, body='{"code": "use_dpop_nonce"}')

    known.context.route(API, never_enough)
    assert known.contacts() == "use_dpop_nonce" and len(asked) == 2 and known.state == "open"


def test_while_nobody_answers_it_is_asked_ever_less_often_and_at_once_when_a_network_is_back(
    phone: MakePhone, service: Service
) -> None:
    known = phone(waits_quickly=True).enrolled(service.invites())
    waited = 0
    asked: list[int] = []

    def unheard(route: Route) -> None:
        asked.append(waited)
        route.abort()

    known.context.route(API, unheard)
    for _ in range(90):
        known.waits(10)
        waited += 10
        known.run("new Promise((wake) => setTimeout(wake, 0))")
    gaps = [later - sooner for sooner, later in pairwise(asked)]
    assert 4 <= len(asked) <= 20 and max(gaps) >= 100, asked
    known.context.unroute(API)
    known.run("told.splice(0)")
    known.run("window.dispatchEvent(new Event('online')) && null")
    known.run("until(() => told.includes('fresh'))")


def test_out_of_sight_nobody_is_asked_and_back_again_at_once(phone: MakePhone, service: Service) -> None:
    known = phone(waits_quickly=True).enrolled(service.invites())
    known.is_seen(False)
    service.meddler.asked.clear()
    known.waits(300)
    assert service.meddler.asked == []
    known.run("told.splice(0)")
    known.is_seen(True)
    known.run("until(() => told.includes('fresh'))")


def test_in_sight_the_service_is_asked_every_twenty_seconds(phone: MakePhone, service: Service) -> None:
    known = phone(waits_quickly=True).enrolled(service.invites())
    for _ in range(3):
        known.run("told.splice(0)")
        known.waits(23)
        known.run("until(() => told.includes('fresh'))")
