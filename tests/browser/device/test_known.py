"""What a phone knows of the published documents: the last good set, whatever comes over the network, or nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from keys.signer import Role
from keys.trust_list import MAX_TRUST_LIST
from tests.browser.device.conftest import Service, serving
from tests.browser.device.phone import BrowserPhone
from tests.verifiers.sample_city import SampleCity
from walletpass.status_token import MAX_TOKEN

MakePhone = Callable[..., BrowserPhone]
TRUST, STATUS = "published/trust-list.jwt", "published/status/1.cwt"
JUDGE = """(async () => {
  const { verify } = await module("../src/verify.js");
  const { KnownDocuments } = await module("known.js");
  const store = await Store.open();
  const now = Math.floor(Date.now() / 1000);
  const known = new KnownDocuments(store, (await store.get("identity", "device")).anchor);
  await known.recall(now);
  return (await verify(given, known.published, now)).reason;
})()"""


@pytest.fixture
def city(tmp_path: Path) -> SampleCity:
    """Each test has one of its own: most of them publish something new."""
    city = SampleCity(tmp_path / "city", now=int(time.time()) - 180)
    city.publish()
    return city


@pytest.fixture
def service(city: SampleCity) -> Iterator[Service]:
    yield from serving(city)


def revokes(service: Service) -> None:
    """A pass is revoked and the service has taken the new list."""
    before = service.mirrored("status/1.cwt")
    service.city.now += 1
    service.city.statuses.set(7, 1)
    service.city.publish_statuses()
    service.until(lambda: service.mirrored("status/1.cwt") != before)


def test_a_phone_without_a_network_recalls_and_verifies_what_it_had(phone: MakePhone, service: Service) -> None:
    known = phone().enrolled(service.invites())
    ages, kept = known.run("session.ages()"), known.keys_of("documents")
    assert {"trust-list.jwt", "status/1.cwt", "status-lists.json", "types/library_card/1.json"} <= set(kept)
    known.context.route("**/published/**", lambda route: route.abort())
    known.context.route("**/api/**", lambda route: route.abort())
    known.starts()
    assert known.run("session.ages()") == ages
    assert known.run(JUDGE, service.city.qr()) == "accepted"
    assert known.unlocks() is None and known.state == "open" and known.contacts() == "no_contact"


def test_a_revocation_is_known_after_the_next_contact(phone: MakePhone, service: Service) -> None:
    known, text = phone().enrolled(service.invites()), service.city.qr()
    assert known.run(JUDGE, text) == "accepted"
    revokes(service)
    assert known.contacts() is None and known.run(JUDGE, text) == "revoked"


def test_only_what_changed_is_fetched(phone: MakePhone, service: Service) -> None:
    known = phone().enrolled(service.invites())
    service.meddler.asked.clear()
    assert known.contacts() is None
    assert [path for path in service.meddler.asked if path.startswith("/published")] == []
    revokes(service)
    service.meddler.asked.clear()
    assert known.contacts() is None
    assert [path for path in service.meddler.asked if path.startswith("/published")] == [f"/{STATUS}"]


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
    phone: MakePhone, service: Service, forge: Forge
) -> None:
    known, text = phone().enrolled(service.invites()), service.city.qr()
    before = known.run("session.ages()")
    revokes(service)
    service.meddler.changes(STATUS, forge(service))
    assert known.contacts() is None and known.state == "open"
    assert known.run("session.ages().statusLists") == before["statusLists"]
    assert known.run(JUDGE, text) == "accepted", "and so it is after a restart"
    service.meddler.rest()
    service.meddler.asked.clear()
    known.sets_clock(known.now + 61)
    assert known.contacts() is None and known.run(JUDGE, text) == "revoked"


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
    phone: MakePhone, service: Service, forge: Forge
) -> None:
    known, text = phone().enrolled(service.invites()), service.city.qr()
    before = known.run("session.ages().trustList")
    publishes_anew(service)
    service.meddler.changes(TRUST, forge(service))
    assert known.contacts() is None and known.run("session.ages().trustList") == before
    assert known.run(JUDGE, text) == "accepted"
    service.meddler.rest()
    known.sets_clock(known.now + 61)
    assert known.contacts() is None
    assert known.run("session.ages().trustList.version") == before["version"] + 1


def publishes_anew(service: Service) -> None:
    before = service.mirrored("trust-list.jwt")
    service.city.now += 1
    service.city.publish()
    service.until(lambda: service.mirrored("trust-list.jwt") != before)


def test_an_older_trust_list_is_refused_also_after_a_restart_with_a_clock_set_back(
    phone: MakePhone, service: Service
) -> None:
    known = phone().enrolled(service.invites())
    old = service.mirrored("trust-list.jwt")
    publishes_anew(service)
    assert known.contacts() is None
    newest = known.run("session.ages().trustList")
    publishes_anew(service)
    service.meddler.changes(TRUST, lambda _: old)
    assert known.contacts() is None and known.run("session.ages().trustList") == newest
    known.starts(at=time.time() - 30 * 86400)
    assert known.run("session.ages().trustList") == newest
    assert known.unlocks() is None and known.contacts() is None
    assert known.run("session.ages().trustList") == newest


def test_what_a_withdrawn_key_has_signed_is_deleted(phone: MakePhone, service: Service) -> None:
    known = phone().enrolled(service.invites())
    service.city.now += 1
    service.city.publish(lambda key: None if key.role is Role.STATUS_LIST else key)
    service.until(lambda: service.mirrored("status/1.cwt") == b"")
    assert known.contacts() is None
    assert known.run("session.ages().statusLists") == [] and "status/1.cwt" not in known.keys_of("documents")
    assert known.run(JUDGE, service.city.qr()) == "status_unavailable"


def test_without_room_what_was_fetched_serves_from_memory_and_is_said(phone: MakePhone, service: Service) -> None:
    known = phone().has_little_room().enrolled(service.invites())
    assert known.run("session.unsaved") is False
    before = known.run("session.ages().statusLists")
    known.fills_up()
    revokes(service)
    assert known.contacts() is None
    assert known.run("session.ages().statusLists") == [{"uri": service.city.list_uri, "issuedAt": service.city.now}]
    assert known.run("[session.unsaved, session.state]") == [True, "open"]
    known.starts()
    assert known.run("session.ages().statusLists") == before, "the last good set that was kept"
    assert known.complaints == []


def test_a_store_without_room_tells_every_write_and_loses_nothing(phone: MakePhone, service: Service) -> None:
    known = phone().has_little_room().enrolled(service.invites())
    put = "Store.open().then((store) => store.put('scans', given, {kept: true}))"
    assert known.refusal(put, "before") is None
    known.fills_up()
    assert known.refusal(put, "after") == "store_full"
    assert known.refusal("Store.open().then((store) => store.update('lookups', 'x', () => 1))") == "store_full"
    assert known.keys_of("scans") == ["before"] and known.keys_of("lookups") == []
    assert known.run("Store.open().then((store) => store.get('scans', 'before'))") == {"kept": True}
    known.run("session.zone = '7'")
    assert known.run("session.zone") == "7" and known.complaints == []
