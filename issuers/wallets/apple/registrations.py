"""Which phones want to hear of which copies, and what has changed since a phone last asked.

A phone is known by its device library identifier: one row for it, one for each copy that it holds. Source: Apple,
"Adding a Web Service to Update Passes".
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import Connection, Select, delete, exists, select

from issuers import repository
from issuers.carrier_models import apple_devices, apple_registrations, copies, counters
from issuers.copies import Copy, name_of
from issuers.models import outbox
from issuers.outbox import IS_PARKED
from web.database import insert_missing, insert_or_replace
from web.many_rows import among

CARRIER = "apple"  # in `copies`, and the name of the counter of changes
UPDATE = f"update-{CARRIER}"
# Phones that may wait for one copy. A family has a dozen devices; the rest are what a phone left behind when it took a
# new identifier, or somebody who fills our database: the oldest go.
MOST_DEVICES = 50

_device, _copy = apple_registrations.c.device_id, apple_registrations.c.copy_id


class Listener(NamedTuple):
    """A phone that waits for a pass. `registered_at` (milliseconds) is when it last told us its push token."""

    serial: str
    push_token: str
    registered_at: int


def register(connection: Connection, copy: Copy, library_identifier: str, push_token: str, now: float) -> bool:
    """The device wants to hear of the copy; whether that is new. `now` in seconds since 1970.

    Locks the copy, then the device: whoever changes the copy meanwhile either sees the registration, or is seen here.
    """
    tag = connection.scalar(select(copies.c.tag).where(copies.c.id == copy.id).with_for_update())
    row = {"library_identifier": library_identifier, "push_token": push_token, "registered_at": int(now * 1000)}
    insert_or_replace(connection, apple_devices, row, "library_identifier")
    device = connection.scalar(_device_of(library_identifier))
    own = {"device_id": device, "copy_id": copy.id, "created_at": int(now)}
    new = insert_missing(connection, apple_registrations, own)
    if new:
        _forget_oldest(connection, copy.id)
    # It changed after somebody downloaded it, and perhaps before this phone could be told.
    if new and tag and not _is_to_be_told(connection, copy.serial):
        repository.add_outbox(connection, UPDATE, [copy.serial], int(now))
    return new


def unregister(connection: Connection, copy_id: int, library_identifier: str) -> None:
    """The device wants to hear of the copy no longer; it is forgotten with its last one."""
    device = connection.scalar(_device_of(library_identifier).with_for_update())
    if device is not None:
        connection.execute(delete(apple_registrations).where(_device == device, _copy == copy_id))
        _forget_idle(connection, [device])


def changed_since(connection: Connection, library_identifier: str, since: int | None) -> tuple[list[str], int]:
    """The names of the device's copies that have changed since that tag (None: all), and the tag to ask with next."""
    newest = connection.scalar(select(counters.c.value).where(counters.c.name == CARRIER)) or 0
    query = (
        select(copies.c.serial, copies.c.number)
        .join(apple_registrations, _copy == copies.c.id)
        .join(apple_devices, _device == apple_devices.c.id)
        .where(apple_devices.c.library_identifier == library_identifier)
        .order_by(copies.c.id)
    )
    if since is not None and since <= newest:  # a tag from before a backup was restored says nothing
        query = query.where(copies.c.tag > since)
    return [name_of(serial, number) for serial, number in connection.execute(query)], newest


def copies_of(connection: Connection, serials: Collection[str]) -> list[int]:
    """All copies of these passes, also those that have ended: their phones are told, too."""
    query = select(copies.c.id).where(among(connection, copies.c.serial, serials), copies.c.carrier == CARRIER)
    return list(connection.scalars(query))


def listeners(connection: Connection, ids: Collection[int]) -> list[Listener]:
    """The phones that wait for these copies."""
    query = (
        select(copies.c.serial, apple_devices.c.push_token, apple_devices.c.registered_at)
        .join(apple_registrations, _copy == copies.c.id)
        .join(apple_devices, _device == apple_devices.c.id)
        .where(among(connection, copies.c.id, ids))
    )
    return [Listener(*row) for row in connection.execute(query)]


def forget_token(connection: Connection, push_token: str, until: int) -> bool:
    """The push token is good no longer, unless it was told anew after `until` (milliseconds). Whether it is gone."""
    has_it = apple_devices.c.push_token == push_token
    gone = connection.execute(delete(apple_devices).where(has_it, apple_devices.c.registered_at <= until)).rowcount
    return bool(gone) and connection.scalar(select(apple_devices.c.id).where(has_it).limit(1)) is None


def _device_of(library_identifier: str) -> Select[int]:
    return select(apple_devices.c.id).where(apple_devices.c.library_identifier == library_identifier)


def _is_to_be_told(connection: Connection, serial: str) -> bool:
    """A row waits that no worker has read yet: whoever does will find all phones. So nobody fills the outbox."""
    waits = (outbox.c.kind == UPDATE) & (outbox.c.subject == serial) & outbox.c.claim.is_(None)
    waits &= outbox.c.done_at.is_(None) & outbox.c.failed_at.is_(None) & ~IS_PARKED
    return connection.scalar(select(outbox.c.id).where(waits).limit(1)) is not None


def _forget_oldest(connection: Connection, copy_id: int) -> None:
    oldest = select(_device).where(_copy == copy_id).order_by(apple_registrations.c.created_at.desc(), _device.desc())
    devices = list(connection.scalars(oldest.offset(MOST_DEVICES)))
    if devices:
        connection.execute(delete(apple_registrations).where(_copy == copy_id, _device.in_(devices)))
        _forget_idle(connection, devices)


def _forget_idle(connection: Connection, devices: Collection[int]) -> None:
    """Devices without registrations go. They are locked first: another request may be about to register one."""
    locked = select(apple_devices.c.id).where(apple_devices.c.id.in_(devices)).order_by(apple_devices.c.id)
    ids = list(connection.scalars(locked.with_for_update()))
    waits = exists().where(_device == apple_devices.c.id)
    connection.execute(delete(apple_devices).where(apple_devices.c.id.in_(ids), ~waits))
