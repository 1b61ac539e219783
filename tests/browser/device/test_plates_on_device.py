"""Plate lists on a phone: fetched when their hour comes or their keys were replaced, and answered from, offline."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.device.conftest import Running, serving
from tests.browser.device.phone import BrowserPhone
from tests.city import City
from verifiers.devices.scope import read_scope
from verifiers.settings import VerifierSettings
from walletpass.passes import local_day
from walletpass.plate_list import list_path

# Looks a plate up with what lies in the store, as after a restart.
FIND = """(async () => {
  const { PlateLookup } = await module("../src/plates.js");
  const { KnownDocuments } = await module("known.js");
  const { DayKeys } = await module("day_keys.js");
  const store = await Store.open();
  const clock = () => Math.floor(Date.now() / 1000);
  const [known, keys] = [
    new KnownDocuments(store, (await store.get("identity", "device")).anchor), new DayKeys(store, clock)];
  await Promise.all([known.recall(clock()), keys.recall(null)]);
  const lookup = new PlateLookup(known.published.trustList, known.plates, keys.byDay("plate"));
  return (await lookup.find(given, ["MÜ"], clock())).reason;
})()"""
KIDS = "Store.open().then((store) => store.all('keys')).then((all) => [...all.values()].map(({ kid }) => kid))"


class PlateService(Running):
    """The service of a city whose issuing office publishes plate lists for this very day."""

    def __init__(self, settings: VerifierSettings, city: City) -> None:
        super().__init__(settings)
        self.city = city

    def publishes(self, *, new_keys: bool = False) -> None:
        """The office publishes a new list of today, and the service has taken it."""
        path = list_path(self.city.today)
        before = self.mirrored(path)
        self.city.later(seconds=1)
        if new_keys:
            self.city.office.plates.replace_keys()
        self.city.office.plates.publish()
        self.until(lambda: self.mirrored(path) not in (before, b""))

    def asked_for_plates(self) -> list[str]:
        return [path for path in self.meddler.asked if path.startswith("/published/plates/")]


@pytest.fixture
def service(tmp_path: Path, key_folder_of_today: Path) -> Iterator[PlateService]:
    city = City(tmp_path / "city", keys=key_folder_of_today, start=datetime.now(UTC), plate_list_iterations=1000)
    city.later(seconds=-120)  # what is published from here on is never from the future
    for zone, plate in (("MÜ", "D-AB 1234"), ("10", "D-AB 10"), ("2", "D-AB 2")):
        city.grants("resident_parking_permit", plates=(plate,), zone=zone)
    _ = city.plate_documents
    city.office.publication.resign_if_due()
    city.office.plates.publish()
    with serving(city.settings.home, lambda settings: PlateService(settings, city)) as service:
        service.until(lambda: service.mirrored(list_path(city.today)) != b"")
        yield service
    city.office.engine.dispose()


@pytest.fixture
def phone(browser: Browser, service: PlateService) -> Iterator[BrowserPhone]:
    phone = BrowserPhone(browser, service.address)
    yield phone.enrolled(service.invites())
    phone.context.close()


def test_a_car_is_found_offline_with_list_and_key_of_the_day(phone: BrowserPhone, service: PlateService) -> None:
    today = service.city.today.isoformat()
    assert phone.run("session.ages().plateList.day") == today
    assert phone.run("session.zones()") == ["2", "10", "MÜ"]
    assert phone.contacts() is None
    reported = service.devices.one(phone.run("session.device.id")).reported
    assert today in reported["plate_lists"]
    phone.context.route("**/published/**", lambda route: route.abort())
    phone.context.route("**/api/**", lambda route: route.abort())
    phone.starts()
    assert phone.run("session.ages().plateList.day") == today
    assert phone.run(FIND, "D-AB 1234") == "listed" and phone.run(FIND, "D-AB 1235") == "not_listed"


def test_a_list_is_fetched_when_its_hour_comes_and_not_at_each_change(
    phone: BrowserPhone, service: PlateService
) -> None:
    service.city.grants("resident_parking_permit", plates=("D-XY 1",), zone="MÜ")
    service.publishes()
    service.meddler.asked.clear()
    assert phone.contacts() is None and service.asked_for_plates() == []
    assert phone.run(FIND, "D-XY 1") == "not_listed"
    service.meddler.is_later(3601)
    day = local_day(datetime.now(UTC) + timedelta(seconds=3601))
    assert phone.contacts() is None and f"/published/{list_path(day)}" in service.asked_for_plates()
    # In the last hour before midnight it asks for tomorrow's list, whose key the service does not give out yet.
    assert phone.run(FIND, "D-XY 1") == ("listed" if day == service.city.today else "plate_list_missing")


def test_lists_under_new_keys_are_fetched_at_once(phone: BrowserPhone, service: PlateService) -> None:
    before = phone.run(KIDS)
    service.publishes(new_keys=True)
    service.until(lambda: phone.contacts() is None and phone.run(FIND, "D-AB 1234") == "listed")
    assert len(set(phone.run(KIDS)) - set(before)) == 2, "of the plate lists of today and tomorrow"


def test_a_device_that_is_for_no_vehicles_is_given_neither_lists_nor_keys(
    browser: Browser, service: PlateService
) -> None:
    library = BrowserPhone(browser, service.address).enrolled(service.invites(read_scope(["library_card"])))
    assert library.run("session.ages().plateList") is None
    assert not [path for path in library.keys_of("documents") if path.startswith("plates/")]
    assert [name for name in library.keys_of("keys") if name.startswith("plate")] == []
    library.context.close()


def test_the_list_of_a_day_that_is_over_is_deleted(phone: BrowserPhone, service: PlateService) -> None:
    path = list_path(service.city.today)
    assert path in phone.keys_of("documents")
    phone.starts(at=phone.now + 2 * 86400)
    assert path not in phone.keys_of("documents") and phone.run("session.ages().plateList") is None
