"""What happens to devices, scans and cases is told to other systems: once each, and nothing about a person."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.verifiers.desk.test_desk_pages import case
from tests.verifiers.scans.desk_of_scans import MINUTE, used
from tests.verifiers.scans.test_devices_send import Street
from verifiers.models import WEBHOOKS
from verifiers.webhooks.store import open_webhooks
from verifiers.webhooks.webhooks import Webhooks
from web.database import read_transaction


@pytest.fixture
def street(tmp_path: Path) -> Iterator[Street]:
    street = Street(tmp_path)
    Webhooks(open_webhooks(street.settings)).create("https://gate.example.org/hooks")
    with street.client:
        yield street


def told(street: Street) -> list[tuple[str, dict[str, object]]]:
    """Event and data of every message but those about lists, in no order."""
    with read_transaction(street.store.engine) as connection:
        rows = connection.execute(select(WEBHOOKS.messages.c.event, WEBHOOKS.messages.c.body)).all()
    return [(row.event, json.loads(row.body)["data"]) for row in rows if row.event != "lists.updated"]


def test_a_devices_rights_are_told_when_they_change(street: Street) -> None:
    _, device_id = street.phone("Handgerät 7")
    for order in ("suspend", "suspend", "resume", "revoke", "wipe"):
        getattr(street.devices, order)(device_id)
    street.devices.rename(device_id, "Handgerät 8")
    events = ("enrolled", "suspended", "resumed", "revoked", "wiped")
    expected = [(f"device.{event}", {"device": device_id}) for event in events]
    assert sorted(told(street), key=str) == sorted(expected, key=str)


def test_a_case_and_a_double_use_are_told_once_however_often_they_are_sent(street: Street) -> None:
    phone, device_id = street.phone("Handgerät 7")
    case(phone)
    minute = int(time.time()) // MINUTE * MINUTE
    scans = {"scans": [used("a", "permit", minute, "A1"), used("b", "permit", minute, "B1")]}
    for _ in range(3):
        assert len(phone.post("scans", scans).json()["received"]) == 2
    found = [(event, data) for event, data in told(street) if not event.startswith("device.")]
    assert [event for event, _ in found].count("case.filed") == 1
    doubles = [data for event, data in found if event == "double_use.found"]
    assert doubles == [{"kind": "two_places", "device": device_id}] * 2  # one for each of the two scans
