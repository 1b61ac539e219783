"""Documents from a hostile network: forged, old, swapped, truncated, oversized. The last good set serves on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from keys.signer import Role
from keys.trust_list import MAX_TRUST_LIST
from tests.browser.device.conftest import Service
from tests.browser.device.phone import BrowserPhone
from tests.verifiers.sample_city import SampleCity
from walletpass.status_token import MAX_TOKEN

TRUST, STATUS = "published/trust-list.jwt", "published/status/1.cwt"
LATER = 61  # seconds: a document that was refused is not fetched again at once


Forge = Callable[[Service], Callable[[bytes], bytes | None]]


def signed(role: Role, **options: Any) -> Forge:
    return lambda service: lambda _: service.city.status_token(role=role, **options)


def of_a_stranger(service: Service) -> Callable[[bytes], bytes]:
    stranger = SampleCity(service.city.home / "stranger", now=service.city.now)
    stranger.publish()
    return lambda _: (stranger.published / "status/1.cwt").read_bytes()


LIES: dict[str, Forge] = {
    "nothing": lambda service: lambda _: b"",
    "a portal's page": lambda service: lambda _: b"<html>Willkommen im WLAN</html>",
    "truncated": lambda service: lambda body: body[:-1],
    "cut off on the way": lambda service: lambda _: None,
    "one byte more": lambda service: lambda body: body + b"\0",
    "a bit flipped": lambda service: lambda body: body[:-70] + bytes([body[-70] ^ 1]) + body[-69:],
    "of a stranger": of_a_stranger,
    "signed by the wrong role": signed(Role.CREDENTIAL),
    "about another list": signed(Role.STATUS_LIST, uri="https://karten.example/status/2"),
    "from the future": signed(Role.STATUS_LIST, issued_at=1 << 33),
    "older than one seen": signed(Role.STATUS_LIST, issued_at=1_600_000_000),
    "swapped with the trust list": lambda service: lambda _: service.mirrored("trust-list.jwt"),
    "oversized": lambda service: lambda body: body + bytes(MAX_TOKEN),
}


@pytest.mark.parametrize("forge", LIES.values(), ids=list(LIES))
def test_a_status_list_that_is_not_good_leaves_the_last_one_in_use(
    enrolled: BrowserPhone, service: Service, forge: Forge
) -> None:
    text = service.city.qr()
    assert enrolled.judges(text) == "accepted"
    before = enrolled.run("session.ages()")
    service.revokes(7)
    service.meddler.changes(STATUS, forge(service))
    assert enrolled.contacts() is None and enrolled.state == "open"
    assert enrolled.run("session.ages().statusLists") == before["statusLists"]
    assert enrolled.judges(text) == "accepted", "and so it is after a restart"
    service.meddler.rest()
    service.meddler.is_later(LATER + 5)
    assert enrolled.contacts() is None and enrolled.judges(text) == "revoked"
    service.revokes(7, 0)
    assert enrolled.contacts() is None and enrolled.judges(text) == "accepted"
    service.meddler.rest()


TRUST_LIES: dict[str, Forge] = {
    "a portal's page": lambda service: lambda _: b"<html>Willkommen im WLAN</html>",
    "truncated": lambda service: lambda body: body[:-1],
    "cut off on the way": lambda service: lambda _: None,
    "of a stranger": lambda service: lambda _: stranger_trust(service),
    "oversized": lambda service: lambda body: body + b"A" * MAX_TRUST_LIST,
    "swapped with a status list": lambda service: lambda _: service.mirrored("status/1.cwt"),
}


def stranger_trust(service: Service) -> bytes:
    stranger = SampleCity(service.city.home / "stranger", now=service.city.now)
    stranger.version = 99
    stranger.publish()
    return (stranger.published / "trust-list.jwt").read_bytes()


@pytest.mark.parametrize("forge", TRUST_LIES.values(), ids=list(TRUST_LIES))
def test_a_trust_list_that_is_not_good_leaves_the_last_one_in_use(
    enrolled: BrowserPhone, service: Service, forge: Forge
) -> None:
    before = enrolled.run("session.ages().trustList")
    service.publishes()
    service.meddler.changes(TRUST, forge(service))
    assert enrolled.contacts() is None and enrolled.run("session.ages().trustList") == before
    assert enrolled.judges(service.city.qr()) == "accepted"
    service.meddler.rest()
    service.meddler.is_later(LATER + 5)
    assert enrolled.contacts() is None
    assert enrolled.run("session.ages().trustList.version") == service.city.version
    service.meddler.rest()
