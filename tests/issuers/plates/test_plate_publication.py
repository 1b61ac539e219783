"""Publishing plate lists: when, with what left behind, and what the public files give away."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from issuers.errors import PublishFailed
from issuers.models import plate_digests
from issuers.plates import days
from issuers.plates.publication import PlatePublication
from keys.errors import KeyNotFound, WrongPassphrase
from keys.key_ring import KeyRing
from keys.rotation import ISSUED_ROLES
from keys.signer import Role
from tests.city import City
from verifiers.plates import PlateOutcome, PlateReason
from walletpass.claims import plate_key
from walletpass.plate_entries import ENTRY_BYTES, days_left, stretched, tag
from walletpass.plate_list import PlateList, list_path, read_plate_list
from web.database import read_transaction

PERMIT = "resident_parking_permit"


@pytest.fixture
def city(make_city: Callable[..., City]) -> City:
    return make_city(plate_list_iterations=1000)


@pytest.fixture
def city_on(make_city: Callable[..., City], database_url: str) -> City:
    return make_city(plate_list_iterations=1000, database_url=database_url)


def park(city: City, *plates: str, zone: str = "MÜ") -> Any:
    return city.grants(PERMIT, zone=zone, plates=plates, changing_vehicles=False)


def listed(city: City, tomorrow: bool = False) -> PlateList:
    path = city.settings.published / list_path(city.today + timedelta(days=int(tomorrow)))
    return read_plate_list(path.read_bytes(), lambda *_: None)


def count(city: City, table: Any) -> int:
    with read_transaction(city.office.engine) as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0


def test_a_change_is_published_after_the_interval_and_nothing_in_between(city_on: City) -> None:
    city = city_on
    publish = city.office.plates.publish_if_due
    publish()
    first = listed(city)
    park(city, "D-AB 1234")
    city.later(seconds=200)
    assert publish() is False
    city.later(seconds=101)
    assert publish() is True
    assert listed(city).issued_at > first.issued_at
    assert "MÜ" in listed(city).zones
    city.later(seconds=301)
    assert publish() is False, "nothing has changed"


def test_tomorrows_list_waits_for_the_hour(city: City) -> None:
    publish = city.office.plates.publish_if_due
    publish()
    before = listed(city, tomorrow=True)
    park(city, "D-AB 1234")
    city.later(seconds=301)
    assert publish() is True
    assert listed(city, tomorrow=True) == before
    city.later(hours=1)
    assert publish() is True
    assert "MÜ" in listed(city, tomorrow=True).zones


def test_a_new_day_deletes_keys_digests_and_lists_of_the_old(city_on: City) -> None:
    city = city_on
    park(city, "D-AB 1234", "D-AB 1235")
    city.office.plates.publish()
    old = {row.day: row.sealed_key for row in days.stored_days(city.office.engine)}
    files = sorted(path.name for path in (city.settings.published / "plates").glob("*.cwt"))
    assert (len(old), len(files), count(city, plate_digests)) == (2, 2, 4)
    city.later(days=1)
    assert city.office.plates.publish_if_due() is True
    new = {row.day: row.sealed_key for row in days.stored_days(city.office.engine)}
    tomorrow = city.today + timedelta(days=1)
    assert list(new) == [city.today, tomorrow]
    assert new[city.today] == old[city.today], "the key that devices hold already"
    assert new[tomorrow] not in old.values()
    assert count(city, plate_digests) == 4
    assert sorted(path.name for path in (city.settings.published / "plates").glob("*.cwt")) == [
        f"{city.today}.cwt",
        f"{tomorrow}.cwt",
    ]


def test_slow_digests_are_made_once_a_day(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    monkeypatch.setattr(days, "stretched", lambda plate, *rest: (made.append(plate), stretched(plate, *rest))[1])
    park(city, "D-AB 1234")
    city.office.plates.publish()
    assert made == ["DAB1234"] * 2, "today's and tomorrow's"
    park(city, "D-AB 99")
    PlatePublication(
        city.settings,
        city.office.engine,
        city.office.catalogue,
        city.office.ring,
        lambda: city.office.passphrase()[0],
        city.clock,
        city.clock.sleep,
    ).publish()
    assert made == ["DAB1234"] * 2 + ["DAB99"] * 2, "another process uses what the first has made"


def test_iat_rises_also_when_the_clock_was_set_back(city_on: City) -> None:
    times = []
    for _ in range(3):
        city_on.office.plates.publish()
        times.append(listed(city_on).issued_at)
    city_on.clock.seconds -= 600
    city_on.office.plates.publish()
    times.append(listed(city_on).issued_at)
    assert times == sorted(set(times))


def test_a_full_disk_leaves_the_old_lists_whole_and_the_change_is_published_later(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = park(city, "D-AB 1234")
    assert city.finds("D-AB 1234").outcome is PlateOutcome.FOUND
    city.suspends(found)
    before = {path: path.read_bytes() for path in city.settings.published.rglob("*") if path.is_file()}

    def full(*_: Any) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", full)
        with pytest.raises(PublishFailed):
            city.office.plates.publish_if_due()
    assert {path: path.read_bytes() for path in city.settings.published.rglob("*") if path.is_file()} == before
    assert city.office.plates.publish_if_due() is True, "as soon as there is room"
    assert city.plate_lookup().find("D-AB 1234", (), int(city.clock())).outcome is PlateOutcome.NONE


def test_a_kill_while_digests_are_made_loses_a_batch_only(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    park(city, *(f"D-AB {n}" for n in range(1, 7)))
    monkeypatch.setattr(days, "BATCH", 2)
    made: list[str] = []

    def dies(plate: str, *rest: Any) -> bytes:
        made.append(plate)
        if len(made) == 6:
            raise KeyboardInterrupt
        return stretched(plate, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(days, "stretched", dies)
        with pytest.raises(KeyboardInterrupt):
            city.office.plates.publish()
    assert count(city, plate_digests) == 4
    assert city.finds("D-AB 6").outcome is PlateOutcome.FOUND


def test_the_public_file_gives_away_no_plate_without_the_key(city: City) -> None:
    """Whoever has only the file can try every plate there is, and learns nothing from any of them."""
    plates = [f"D-AB {number}" for number in range(1, 41)]
    for plate in plates:
        park(city, plate)
    assert city.finds(plates[0]).outcome is PlateOutcome.FOUND
    document, raw = listed(city), (city.settings.published / list_path(city.today)).read_bytes()
    entries = document.zones["MÜ"].entries
    assert len(entries) == 64 * ENTRY_BYTES
    for plate in plates:
        assert plate_key(plate).encode() not in raw
        digest = stretched(plate, document.salt, document.iterations)
        assert digest[:8] not in raw
        guessed = (bytes(32), document.salt * 2, document.nonce * 2, document.check * 4, digest)
        assert {days_left(entries, tag(key, document.nonce, "MÜ", digest)) for key in guessed} == {None}
    key = city.plate_lookup().day_keys(int(city.clock()))[city.today]
    for plate in plates:
        digest = stretched(plate, document.salt, document.iterations)
        assert days_left(entries, tag(key, document.nonce, "MÜ", digest)) == 200
    assert key not in raw


def test_the_list_of_a_past_day_is_no_use_to_todays_key(city: City) -> None:
    park(city, "D-AB 1234")
    city.finds("D-AB 1234")
    old = listed(city)
    city.later(days=2)
    city.finds("D-AB 1234")
    for key in city.plate_lookup().day_keys(int(city.clock())).values():
        digest = stretched("D-AB 1234", old.salt, old.iterations)
        assert days_left(old.zones["MÜ"].entries, tag(key, old.nonce, "MÜ", digest)) is None


def test_one_guess_costs_what_the_setting_says(make_city: Callable[..., City]) -> None:
    """The price of enumerating with a stolen key, measured: proportional to the iterations, about 1 ms by default."""
    default = make_city().settings.plate_list_iterations

    def cost(iterations: int) -> float:
        start = time.process_time()
        for number in range(20):
            stretched(f"D-AB {number}", b"s" * 16, iterations)
        return (time.process_time() - start) / 20

    assert cost(default) > 3 * cost(1000)
    assert cost(default) > 0.000_2


def test_day_keys_are_sealed_in_the_database_and_nowhere_in_the_open(city: City) -> None:
    city.finds("D-AB 1234")
    keys = city.plate_lookup().day_keys(int(city.clock())).values()
    assert len(list(keys)) == 2
    files = [path for path in city.settings.home.rglob("*") if path.is_file()]
    assert any("issuer.db" in path.name for path in files)
    for path in files:
        content = path.read_bytes()
        assert not any(key in content or key.hex().encode() in content for key in keys), path
    with pytest.raises(WrongPassphrase):
        days.stored_days(city.office.engine)[0].key(b"another passphrase")


def test_a_sealed_key_cannot_be_moved_to_another_day(city: City) -> None:
    one, other = days.stored_days(city.office.engine)
    passphrase = city.office.passphrase()[0]
    assert one.key(passphrase) != other.key(passphrase)
    moved = days.PlateDay(other.day, one.sealed_key, *([b"", 1, 0, ""]))
    with pytest.raises(WrongPassphrase):
        moved.key(passphrase)


def test_without_a_plate_list_key_the_other_lists_are_published_all_the_same(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    kid = city.office.signer(Role.PLATE_LIST).kid
    monkeypatch.setattr(KeyRing, "_require_another", lambda *_: None)  # as if it had never been made
    city.office.ring.withdraw(kid, city.office.now())
    city.office.publication.publish_all()
    with pytest.raises(KeyNotFound, match="walletpass keys new plate-list"):
        city.office.plates.publish()


def test_a_publication_of_plates_does_not_keep_a_status_list_waiting(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    pass_ = city.grants("family_card")
    text = city.qr(pass_)
    park(city, "D-AB 1234")
    seen: list[str] = []

    def revoked_meanwhile(plate: str, *rest: Any) -> bytes:
        if not seen:
            city.revokes(pass_)
        seen.append(city.inspector_sees(text).reason.value)
        return stretched(plate, *rest)

    monkeypatch.setattr(days, "stretched", revoked_meanwhile)
    city.office.plates.publish()
    assert seen == ["revoked", "revoked"]


def test_replaced_keys_shut_out_whoever_has_the_old_ones(city_on: City) -> None:
    city = city_on
    park(city, "D-AB 1234")
    assert city.finds("D-AB 1234").outcome is PlateOutcome.FOUND
    stolen = city.plate_lookup()
    city.office.plates.replace_keys()
    with_old_keys = type(stolen)(stolen.trust, city.plate_lookup().lists, stolen.keys)
    now = int(city.clock())
    assert with_old_keys.find("D-AB 1234", (), now).reason is PlateReason.PLATE_KEY_REPLACED
    assert city.plate_lookup().find("D-AB 1234", (), now).outcome is PlateOutcome.FOUND


def test_every_issued_role_has_its_own_key_in_the_trust_list(city: City) -> None:
    city.finds("D-AB 1234")
    trust = city.plate_lookup().trust
    assert trust is not None
    assert {key.role for key in trust.keys} == set(ISSUED_ROLES)
    assert Role.PLATE_LIST in ISSUED_ROLES


def test_lists_are_for_everybody_to_read_and_leave_nothing_unfinished(city: City) -> None:
    city.finds("D-AB 1234")
    folder: Path = city.settings.published / "plates"
    assert {path.stat().st_mode & 0o044 for path in folder.rglob("*.*") if path.name != ".lock"} == {0o044}
    assert not list(folder.rglob("*.unfinished"))
