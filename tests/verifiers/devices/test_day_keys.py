"""The keys of a day: made once, sealed, for the right devices only, and the very keys that the lists are read with."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update
from starlette.testclient import TestClient

from tests.city import City
from tests.verifiers.devices.phone import ORIGIN, Phone
from tests.verifiers.sample_city import SampleCity
from verifiers.app import create_app
from verifiers.devices.day_keys import DayKeys
from verifiers.devices.devices import Devices
from verifiers.devices.scope import read_scope
from verifiers.devices.store import DeviceStore, open_devices
from verifiers.known import Known
from verifiers.settings import VerifierSettings
from walletpass.plate_entries import key_check
from walletpass.plate_list import list_path, read_plate_list
from web.database import read_transaction, write_transaction
from web.staff.sealing import Seal

TODAY, TOMORROW = date(2027, 1, 15), date(2027, 1, 16)


@pytest.fixture
def known(tmp_path: Path) -> Known:
    city = SampleCity(tmp_path / "city")
    city.publish()
    return Known(VerifierSettings(home=city.home))


def sealed(store: DeviceStore) -> dict[date, bytes]:
    with read_transaction(store.engine) as connection:
        return {row.day: row.sealed_key for row in connection.execute(select(store.scans.use_keys))}


def test_a_days_key_is_random_made_once_and_sealed(store: DeviceStore, known: Known) -> None:
    keys = DayKeys(store, known).use_keys(TODAY, TOMORROW)
    assert {len(key) for key in keys.values()} == {32} and len(set(keys.values())) == 2
    assert DayKeys(store, known).use_keys(TODAY, TOMORROW) == keys
    later = DayKeys(store, known).use_keys(TOMORROW, TOMORROW + timedelta(days=1))
    assert later[TOMORROW] == keys[TOMORROW]
    stored = sealed(store)
    assert len(stored) == 3 and not any(key in content for key in keys.values() for content in stored.values())


def test_of_many_that_ask_at_once_all_get_the_same_keys(store: DeviceStore, known: Known) -> None:
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: DayKeys(store, known).use_keys(TODAY, TOMORROW), range(6)))
    assert all(keys == found[0] for keys in found)


def test_keys_that_a_lost_seal_no_longer_opens_are_replaced(store: DeviceStore, known: Known) -> None:
    before = DayKeys(store, known).use_keys(TODAY, TOMORROW)
    after = DayKeys(DeviceStore(store.engine, Seal(bytes(31) + b"x"), store.clock), known).use_keys(TODAY, TOMORROW)
    assert after.keys() == before.keys() and not set(after.values()) & set(before.values())


def test_a_key_that_was_moved_to_another_day_is_replaced(store: DeviceStore, known: Known) -> None:
    keys, table = DayKeys(store, known).use_keys(TODAY, TOMORROW), store.scans.use_keys
    with write_transaction(store.engine) as connection:
        connection.execute(update(table).where(table.c.day == TOMORROW).values(sealed_key=sealed(store)[TODAY]))
    moved = DayKeys(store, known).use_keys(TODAY, TOMORROW)
    assert moved[TODAY] == keys[TODAY] and moved[TOMORROW] not in keys.values()


@pytest.fixture
def service(tmp_path: Path, key_folder_of_today: Path) -> Iterator[tuple[City, TestClient, Devices]]:
    """A city that publishes plate lists for this very day, and a verifying service that was given their keys."""
    city = City(tmp_path / "city", keys=key_folder_of_today, start=datetime.now(UTC), plate_list_iterations=1000)
    city.grants("resident_parking_permit", plates=("D-AB 1234",), zone="MÜ")
    _ = city.plate_documents
    city.office.publication.resign_if_due()
    city.office.plates.publish()
    settings = VerifierSettings(home=city.settings.home, refresh_interval=0.05)
    with TestClient(create_app(settings), base_url=ORIGIN) as client:
        deadline = time.monotonic() + 60
        while client.get(f"/published/{list_path(city.today)}").status_code != 200:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        devices = Devices(open_devices(settings))
        yield city, client, devices
        devices.store.engine.dispose()
    city.office.engine.dispose()


def test_plate_lists_and_their_keys_are_for_devices_that_look_plates_up(
    service: tuple[City, TestClient, Devices],
) -> None:
    city, client, devices = service
    parking, library = Phone(client), Phone(client)
    for phone, name in ((parking, "resident_parking_permit"), (library, "library_card")):
        assert phone.enrol(devices.invite("Handy", read_scope([name]))[1]).status_code == 201
    heard = parking.contact().json()
    days = [city.today, city.today + timedelta(days=1)]
    assert {list_path(day) for day in days} == {path for path in heard["documents"] if path.startswith("plates/")}
    assert [key["day"] for key in heard["keys"]["plate"]] == [day.isoformat() for day in days]
    for day, sent in zip(days, heard["keys"]["plate"], strict=True):
        listed = read_plate_list(client.get(f"/published/{list_path(day)}").content, lambda *_: None)
        assert key_check(parking.decrypted(sent["jwe"]), listed.nonce) == listed.check
    other = library.contact().json()
    assert other["keys"]["plate"] == [] and len(other["keys"]["use"]) == 2
    assert not [path for path in other["documents"] if path.startswith("plates/")]
    every = Phone(client)
    every.enrol(devices.invite("Handy", read_scope())[1])
    assert len(every.contact().json()["keys"]["plate"]) == 2


def test_the_encrypted_keys_themselves_are_never_handed_on(service: tuple[City, TestClient, Devices]) -> None:
    city, client, _ = service
    [file] = (city.settings.published / "plates" / "keys").glob("*.jwt")
    for path in (f"plates/keys/{file.name}", "anchor.crl", "../anchor.pem", "%2e%2e/anchor.pem", "plates", ""):
        assert client.get(f"/published/{path}").status_code == 404
