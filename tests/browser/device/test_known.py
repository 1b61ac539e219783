"""What a phone knows of the published documents: the last good set, whatever comes over the network, or nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from keys.signer import Role
from tests.browser.device.conftest import Service, serving
from tests.browser.device.phone import BrowserPhone
from tests.verifiers.sample_city import SampleCity
from walletpass.verdict import UNDETERMINED_REASONS

MakePhone = Callable[..., BrowserPhone]
TRUST, STATUS = "published/trust-list.jwt", "published/status/1.cwt"


@pytest.fixture
def city(tmp_path: Path) -> SampleCity:
    """Each test has one of its own: most of them publish something new."""
    city = SampleCity(tmp_path / "city", now=int(time.time()) - 180)
    city.publish()
    return city


@pytest.fixture
def service(city: SampleCity) -> Iterator[Service]:
    with serving(city.home, lambda settings: Service(settings, city)) as service:
        yield service


def test_a_phone_without_a_network_recalls_and_verifies_what_it_had(phone: MakePhone, service: Service) -> None:
    known = phone().enrolled(service.invites())
    ages, kept = known.run("session.ages()"), known.keys_of("documents")
    assert {"trust-list.jwt", "status/1.cwt", "status-lists.json", "types/library_card/1.json"} <= set(kept)
    known.context.route("**/published/**", lambda route: route.abort())
    known.context.route("**/api/**", lambda route: route.abort())
    known.starts()
    assert known.run("session.ages()") == ages
    assert known.judges(service.city.qr()) == "accepted"
    assert known.unlocks() is None and known.state == "open" and known.contacts() == "no_contact"


# What an eviction, a broken disk or a curious person does to the records of the store, by path.
HARM = """(async () => {
  const store = await Store.open();
  for (const [path, kept] of await store.all("documents")) {
    if (!path.startsWith(given.path)) continue;
    kept.content[kept.content.length >> 1] ^= 1;
    await store.write([{ kind: "documents", key: path, value: given.harm === "flipped" ? kept : undefined }]);
  }
})()"""


@pytest.mark.parametrize("harm", ["lost", "flipped"])
@pytest.mark.parametrize("path", ["", "trust-list.jwt", "status/", "types/"])
def test_documents_that_were_lost_or_damaged_are_not_used_and_the_next_contact_brings_them_again(
    phone: MakePhone, service: Service, path: str, harm: str
) -> None:
    known, text = phone().enrolled(service.invites()), service.city.qr()
    assert known.judges(text) == "accepted"
    kept = known.keys_of("documents")
    known.run(HARM, {"path": path, "harm": harm})
    known.context.set_offline(True)
    assert known.judges(text) in UNDETERMINED_REASONS
    known.context.set_offline(False)
    known.starts()
    assert known.unlocks() is None and known.contacts() is None
    assert known.judges(text) == "accepted" and known.keys_of("documents") == kept


def test_the_browser_is_asked_to_keep_what_is_stored_once_a_phone_is_enrolled(
    phone: MakePhone, service: Service
) -> None:
    known = phone().starts()
    known.run("(window.asked = 0, navigator.storage.persist = async () => Boolean(++asked), null)")
    assert known.enrols("no invitation") == "invitation_invalid" and known.run("asked") == 0
    assert known.enrols(service.invites()) is None and known.run("asked") == 1


def test_a_revocation_is_known_after_the_next_contact(phone: MakePhone, service: Service) -> None:
    known, text = phone().enrolled(service.invites()), service.city.qr()
    assert known.judges(text) == "accepted"
    service.revokes(7)
    assert known.contacts() is None and known.judges(text) == "revoked"


def test_only_what_changed_is_fetched(phone: MakePhone, service: Service) -> None:
    known = phone().enrolled(service.invites())
    service.meddler.asked.clear()
    assert known.contacts() is None
    assert [path for path in service.meddler.asked if path.startswith("/published")] == []
    service.revokes(7)
    service.meddler.asked.clear()
    assert known.contacts() is None
    assert [path for path in service.meddler.asked if path.startswith("/published")] == [f"/{STATUS}"]


def test_an_older_trust_list_is_refused_also_after_a_restart_with_a_clock_set_back(
    phone: MakePhone, service: Service
) -> None:
    known = phone().enrolled(service.invites())
    old = service.mirrored("trust-list.jwt")
    service.publishes()
    assert known.contacts() is None
    newest = known.run("session.ages().trustList")
    service.publishes()
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
    assert known.judges(service.city.qr()) == "status_unavailable"


def test_without_room_what_was_fetched_serves_from_memory_and_is_said(phone: MakePhone, service: Service) -> None:
    known = phone().has_little_room().enrolled(service.invites())
    assert known.run("session.unsaved") is False
    before = known.run("session.ages().statusLists")
    known.fills_up()
    service.revokes(7)
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
