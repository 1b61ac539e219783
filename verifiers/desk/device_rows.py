"""A device as a row of the desk: what it last said of itself, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from verifiers.desk.spans import ago, span
from verifiers.devices.device import Device, DeviceState

CLOCK_OFF = 60  # seconds a device's clock may differ before it is said
_DAY = 86400


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """Texts for the page; numbers as they were reported. `state` is a key of the texts: `locked` is our own."""

    id: str
    name: str
    state: str
    last_contact: str
    waiting: int
    quarantined: int
    cases: int
    list_age: str
    clock_off: str
    lookups: int
    app_version: str
    changeable: bool


def device_row(device: Device, now: int, language: str, lock_after_days: int, today: str) -> DeviceRow:
    """`now` is a NumericDate, `today` the local day (ISO)."""
    said = device.reported
    difference = _number(said, "clock_difference")
    lookups = said.get("lookups")
    return DeviceRow(
        id=device.id,
        name=device.name,
        state=_state(device, now, lock_after_days),
        last_contact="" if device.last_contact_at is None else ago(now - device.last_contact_at, language),
        waiting=_number(said, "waiting"),
        quarantined=_number(said, "quarantined"),
        cases=_number(said, "cases"),
        list_age=_list_age(said, now, language),
        clock_off=span(abs(difference), language) if abs(difference) > CLOCK_OFF else "",
        lookups=lookups.get(today, 0) if isinstance(lookups, dict) else 0,
        app_version=str(said.get("app_version", "")),
        changeable=device.state not in (DeviceState.REVOKED, DeviceState.WIPED),
    )


def list_times(device: Device) -> Mapping[str, int]:
    """When the status lists that a device has were signed, by URI."""
    found = device.reported.get("status_lists")
    return found if isinstance(found, dict) else {}


def _state(device: Device, now: int, lock_after_days: int) -> str:
    last = device.last_contact_at or device.enrolled_at
    silent = last is not None and now - last > lock_after_days * _DAY
    return "locked" if device.state is DeviceState.ACTIVE and silent else device.state.value


def _list_age(said: Mapping[str, Any], now: int, language: str) -> str:
    times = said.get("status_lists")
    return span(max(0, now - min(times.values())), language) if isinstance(times, dict) and times else ""


def _number(said: Mapping[str, Any], name: str) -> int:
    value = said.get(name)
    return value if isinstance(value, int) else 0
