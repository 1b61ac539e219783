"""A device from its invitation to its end, on both databases: each step once, each an event, and nothing comes back."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from tests.web.dpop_caller import Caller
from tests.web.staff.visitor import NOW, Clock
from verifiers.devices.device import Device, DeviceState
from verifiers.devices.devices import INVITATION_LIFETIME, PREFIX, Devices
from verifiers.devices.errors import DeviceInvalid, DeviceNotFound, DeviceStateInvalid, EnrolmentRefused
from verifiers.devices.scope import Scope, read_scope
from verifiers.devices.store import EVENTS_KEPT, DeviceStore
from web.database import read_transaction
from web.jwk import PublicJwk, read_public_jwk

KARLA = "a" * 16


def key() -> PublicJwk:
    return read_public_jwk(Caller().jwk)


def enrolled(devices: Devices, name: str = "Handy 7") -> tuple[Device, str]:
    return devices.enrol(devices.invite(name, Scope())[1], key(), key())


def kinds(devices: Devices, device: Device) -> list[tuple[str, str | None]]:
    return [(event.kind, event.account_id) for event in devices.events(device.id)]


def test_an_invitation_becomes_a_device_with_its_scope_keys_and_token(devices: Devices, store: DeviceStore) -> None:
    scope = read_scope(["social_pass"], ["7", "MÜ"], "12345 22:00-06:00")
    invited, code = devices.invite(" Handy 7 ", scope, KARLA)
    assert (invited.name, invited.state, invited.scope) == ("Handy 7", DeviceState.INVITED, scope)
    assert invited.invited_until == NOW + INVITATION_LIFETIME
    signing, agreement = key(), key()
    device, token = devices.enrol(code, signing, agreement)
    assert (device.id, device.state, device.enrolled_at) == (invited.id, DeviceState.ACTIVE, NOW)
    assert (device.thumbprint, device.agreement_key) == (signing.thumbprint, agreement.text)
    assert token.startswith(PREFIX) and devices.with_token(token) == device
    assert kinds(devices, device) == [("device_enrolled", None), ("device_invited", KARLA)]
    with read_transaction(store.engine) as connection:
        [row] = connection.execute(select(store.tables.devices)).all()
    assert code not in str(row) and token not in str(row)


def test_a_code_is_good_for_one_day(devices: Devices, clock: Clock) -> None:
    _, code = devices.invite("Handy 7", Scope())
    clock.seconds += INVITATION_LIFETIME
    with pytest.raises(EnrolmentRefused):
        devices.enrol(code, key(), key())
    clock.seconds -= 1
    devices.enrol(code, key(), key())


def test_a_code_is_good_for_one_device_whose_lost_answer_may_be_asked_for_again(devices: Devices) -> None:
    _, code = devices.invite("Handy 7", Scope())
    signing, agreement = key(), key()
    _, lost = devices.enrol(code, signing, agreement)
    device, token = devices.enrol(code, signing, agreement)
    assert devices.with_token(token) == device and devices.with_token(lost) is None
    for keys in ((key(), agreement), (signing, key()), (key(), key())):
        with pytest.raises(EnrolmentRefused):
            devices.enrol(code, *keys)
    devices.suspend(device.id)
    with pytest.raises(EnrolmentRefused):
        devices.enrol(code, signing, agreement)


@pytest.mark.parametrize("code", ["", "x", "x" * 22, "\0", "\ud800"])
def test_an_unknown_code_is_refused_with_the_same_words(devices: Devices, code: str) -> None:
    devices.invite("Handy 7", Scope())
    with pytest.raises(EnrolmentRefused, match="unknown, used or too old"):
        devices.enrol(code, key(), key())


def test_of_many_that_come_with_one_code_at_once_one_is_enrolled(devices: Devices) -> None:
    _, code = devices.invite("Handy 7", Scope())

    def enrol(_: int) -> bool:
        try:
            devices.enrol(code, key(), key())
        except EnrolmentRefused:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(enrol, range(6))) == 1


def test_an_invitation_that_was_taken_back_opens_nothing(devices: Devices) -> None:
    for end in (devices.revoke, devices.wipe):
        invited, code = devices.invite("Handy 7", Scope())
        assert end(invited.id).ended_at == NOW
        with pytest.raises(EnrolmentRefused):
            devices.enrol(code, key(), key())


Order = Callable[[Devices, str], Device]
ORDERS: dict[str, Order] = {
    "suspend": lambda devices, device_id: devices.suspend(device_id, KARLA),
    "resume": lambda devices, device_id: devices.resume(device_id, KARLA),
    "revoke": lambda devices, device_id: devices.revoke(device_id, KARLA),
    "wipe": lambda devices, device_id: devices.wipe(device_id, KARLA),
}
# From a state (reached by these orders after enrolment) the orders that are followed, and where they lead.
MOVES: list[tuple[str, dict[str, str]]] = [
    ("", {"suspend": "suspended", "resume": "active", "revoke": "revoked", "wipe": "wiped"}),
    ("suspend", {"suspend": "suspended", "resume": "active", "revoke": "revoked", "wipe": "wiped"}),
    ("revoke", {"revoke": "revoked", "wipe": "wiped"}),
    ("wipe", {"wipe": "wiped"}),
    ("revoke wipe", {"wipe": "wiped"}),
]


@pytest.mark.parametrize(("way", "moves"), MOVES, ids=[way or "active" for way, _ in MOVES])
def test_each_state_allows_these_orders_and_no_others(devices: Devices, way: str, moves: dict[str, str]) -> None:
    for order, follow in ORDERS.items():
        device, token = enrolled(devices)
        for step in way.split():
            ORDERS[step](devices, device.id)
        if order in moves:
            assert follow(devices, device.id).state == moves[order]
        else:
            before = devices.one(device.id)
            with pytest.raises(DeviceStateInvalid):
                follow(devices, device.id)
            assert devices.one(device.id) == before
        found = devices.with_token(token)
        assert found is not None, "its next request is to be told"


def test_an_order_a_second_time_changes_nothing_and_is_no_event(devices: Devices, clock: Clock) -> None:
    device, _ = enrolled(devices)
    devices.revoke(device.id, KARLA)
    clock.seconds += 60
    assert devices.revoke(device.id).ended_at == NOW
    assert kinds(devices, device)[0] == ("device_revoked", KARLA) and len(kinds(devices, device)) == 3


def test_name_and_scope_are_changed_and_noted(devices: Devices) -> None:
    device, _ = enrolled(devices)
    other, _ = enrolled(devices, "Anderes")
    scope = read_scope(["library_card"], [], "")
    assert devices.rename(device.id, "Zweites Handy", KARLA).name == "Zweites Handy"
    assert devices.set_scope(device.id, scope, KARLA).scope == scope
    assert kinds(devices, device)[:2] == [("device_scope_changed", KARLA), ("device_renamed", KARLA)]
    assert devices.one(other.id) == other
    assert [found.name for found in devices.all()] == ["Anderes", "Zweites Handy"]


@pytest.mark.parametrize("name", ["", "  ", "x" * 81, "a\nb", "a\0b"])
def test_a_name_that_nobody_can_read_is_refused(devices: Devices, name: str) -> None:
    device, _ = enrolled(devices)
    with pytest.raises(DeviceInvalid):
        devices.invite(name, Scope())
    with pytest.raises(DeviceInvalid):
        devices.rename(device.id, name)


@pytest.mark.parametrize("device_id", ["", "nobody", "\0", "' OR 1=1", "0" * 5000])
def test_an_unknown_identifier_is_told(devices: Devices, device_id: str) -> None:
    for order in (devices.one, devices.suspend, devices.resume, devices.revoke, devices.wipe):
        with pytest.raises(DeviceNotFound):
            order(device_id)


def test_only_the_last_word_of_a_device_is_kept(devices: Devices, clock: Clock) -> None:
    device, token = enrolled(devices)
    for waiting in (3, 0):
        clock.seconds += 20
        devices.heard_from(device.id, {"waiting": waiting, "app_version": "\0 ü"})
    found = devices.with_token(token)
    assert found is not None
    assert (found.last_contact_at, found.reported) == (NOW + 40, {"waiting": 0, "app_version": "\0 ü"})
    assert len(kinds(devices, device)) == 2


def test_events_are_forgotten_after_half_a_year(devices: Devices, clock: Clock) -> None:
    old, _ = enrolled(devices)
    clock.seconds += EVENTS_KEPT
    assert len(devices.events(old.id)) == 2
    clock.seconds += 1
    new, _ = enrolled(devices)
    assert devices.events(old.id) == [] and len(devices.events(new.id)) == 2
