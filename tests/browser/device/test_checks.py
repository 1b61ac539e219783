"""A day's checks with the real session: judged without a network, handed in at the next contact, told to others."""

from __future__ import annotations

import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import delete, select

from tests.browser.device.conftest import Service
from tests.browser.device.phone import BrowserPhone
from tests.phone import Phone
from tests.verifiers.sample_city import SampleCity
from verifiers.devices.scope import read_scope
from verifiers.scans.cases import Cases
from verifiers.scans.store import ScanStore, open_scans
from walletpass.credential import StatusReference
from web.database import read_transaction, write_transaction

MakePhone = Callable[..., BrowserPhone]


@pytest.fixture
def store(service: Service) -> ScanStore:
    """What the service has of scans: nothing, to begin with."""
    store = open_scans(service.settings)
    tables = store.tables
    with write_transaction(store.engine) as connection:
        for table in (tables.scans, tables.counts, tables.uses, tables.warnings, tables.cases):
            connection.execute(delete(table))
    return store


def nonces(store: ScanStore) -> list[str]:
    with read_transaction(store.engine) as connection:
        found = connection.scalars(select(store.tables.scans.c.nonce))
        return sorted(urlsafe_b64encode(nonce).decode().rstrip("=") for nonce in found)


def counted(store: ScanStore) -> list[int]:
    with read_transaction(store.engine) as connection:
        return list(connection.scalars(select(store.tables.counts.c.count)))


def permit(city: SampleCity, number: int = 7) -> str:
    return city.qr(credential_id=bytes([number]) * 8, status=StatusReference(city.list_uri, number))


def judges(phone: BrowserPhone, text: str, zone: str = "A1") -> Any:
    phone.run("(session.zone = given)", zone)
    return phone.run(
        "session.judge(given).then(({verdict: {outcome, reason}, warnings, nonce, stored, claims, inScope}) =>"
        " ({outcome, reason, warnings, nonce, stored, inScope, names: claims.map(({name}) => name)}))",
        text,
    )


def test_checks_without_a_network_arrive_once_after_the_app_was_closed_and_opened(
    phone: MakePhone, service: Service, city: SampleCity, store: ScanStore
) -> None:
    known = phone().enrolled(service.invites())
    known.context.set_offline(True)
    found = [judges(known, text) for text in (permit(city), permit(city, 8), "WP1:nonsense")]
    assert [each["outcome"] for each in found] == ["accepted", "accepted", "refused"]
    assert all(each["stored"] for each in found) and "zone" in found[0]["names"]
    assert known.contacts() == "no_contact"
    assert known.run("session.queue()") == {"waiting": 3, "quarantined": [], "cases": 0}
    known.context.set_offline(False)
    known.starts()
    assert known.run("session.queue()")["waiting"] == 3, "known before it is opened"
    assert known.unlocks() is None and known.contacts() is None
    known.run("until(async () => (await session.queue()).waiting === 0)")
    assert nonces(store) == sorted(each["nonce"] for each in found)
    assert known.contacts() is None
    assert sum(counted(store)) == 3
    (device,) = [each for each in service.devices.all() if each.id == known.run("session.device.id")]
    assert (device.reported["waiting"], device.reported["quarantined"], device.reported["cases"]) == (0, 0, 0)


def test_two_phones_hear_of_one_permit_in_two_places_through_the_days_key(
    phone: MakePhone, service: Service, city: SampleCity, store: ScanStore
) -> None:
    one, two = (phone().enrolled(service.invites()) for _ in range(2))
    for known in (one, two):
        known.run("(window.warned = [], session.addEventListener('warning', ({detail}) => warned.push(detail)))")
    mine = judges(one, permit(city), "A1")
    assert one.contacts() is None
    theirs = judges(two, permit(city), "B1")
    assert theirs["warnings"] == []
    for known, nonce, zone in ((two, theirs["nonce"], "A1"), (one, mine["nonce"], "B1")):
        assert known.contacts() is None
        known.run("until(() => warned.length > 0)")
        assert known.contacts() is None
        (warning,) = known.run("warned")
        assert (warning["kind"], warning["nonce"], warning["zone"]) == ("two_places", nonce, zone)


def test_a_case_is_filed_encrypted_and_arrives_with_the_next_contact(
    phone: MakePhone, service: Service, city: SampleCity, store: ScanStore
) -> None:
    known = phone().enrolled(service.invites())
    nonce = judges(known, permit(city))["nonce"]
    assert known.run("session.confirmPlate(given, 'D-AB 1234E')", nonce) == []
    assert known.refusal("session.fileCase({nonce: given, note: 'Verdeckt', photo: null})", nonce) is None
    assert known.run("session.queue()")["cases"] == 1
    assert known.contacts() is None
    known.run("until(async () => (await session.queue()).cases === 0)")
    cases = Cases(store, service.settings.verifier_home)
    (case,) = cases.all()
    assert (cases.open(case.id).note, cases.open(case.id).plate) == ("Verdeckt", "D-AB 1234E")


def test_a_phone_whose_clock_is_wrong_writes_down_the_services_time(
    phone: MakePhone, service: Service, city: SampleCity, store: ScanStore
) -> None:
    known = phone()
    known.starts(at=time.time() + 2 * 3600)
    assert known.enrols(service.invites()) is None
    known.run("until(() => session.ages().statusLists.length > 0)")
    assert 7190 < known.run("session.clock.difference") < 7210
    judges(known, "WP1:nonsense")
    assert known.contacts() is None
    known.run("until(async () => (await session.queue()).waiting === 0)")
    assert known.run("session.queue()")["quarantined"] == []
    with read_transaction(store.engine) as connection:
        at = connection.scalar(select(store.tables.scans.c.at)) or 0
    assert abs(at + 450 - time.time()) < 910


def test_a_clock_that_is_behind_makes_no_old_list_fresh_and_no_screenshot_live(
    phone: MakePhone, service: Service, city: SampleCity, store: ScanStore
) -> None:
    late = phone()
    late.starts(at=time.time() - 9 * 3600)
    assert late.enrols(service.invites()) is None
    late.run("until(() => session.ages().statusLists.length > 0)")
    assert judges(late, permit(city))["outcome"] == "accepted"
    holder, now = Phone(), int(time.time())
    assert judges(late, city.live(holder, now))["outcome"] == "accepted"
    photographed = judges(late, city.live(holder, now - 9 * 3600))
    assert (photographed["outcome"], photographed["reason"]) == ("refused", "proof_stale")
    late.context.set_offline(True)
    late.sets_clock(late.now - 3600)
    assert judges(late, city.live(holder, now - 10 * 3600))["reason"] == "proof_stale"
    late.sets_clock(late.now + 30 * 3600)
    assert judges(late, permit(city))["outcome"] == "undetermined"


def test_a_suspended_phone_hands_in_and_one_for_another_type_shows_no_claims(
    phone: MakePhone, service: Service, city: SampleCity, store: ScanStore
) -> None:
    known = phone().enrolled(service.invites(read_scope(["library_card"])))
    found = judges(known, permit(city))
    assert (found["outcome"], found["inScope"], found["names"]) == ("accepted", False, [])
    service.devices.suspend(known.run("session.device.id"))
    assert known.contacts() is None and known.state == "suspended"
    known.run("until(async () => (await session.queue()).waiting === 0)")
    assert nonces(store) == [found["nonce"]]
