"""The keys of a day that a device is given: for the plate lists, and for the digests of uses (ADR 0010, 0012, 0014).

They leave here inside the shift only, encrypted for one device, and only those it does not have.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from datetime import date

from joserfc import jwe
from joserfc.jwk import ECKey
from sqlalchemy import Connection, delete, select

from verifiers.devices.device import Device
from verifiers.devices.store import DeviceStore
from verifiers.known import Known
from verifiers.plates import today_and_tomorrow
from verifiers.published import PublishedSet
from walletpass.pass_type import Category
from walletpass.plate_entries import KEY_BYTES
from web.database import insert_missing, read_transaction, write_transaction

_JWE = ("ECDH-ES", "A256GCM")  # RFC 7518 sections 4.6 and 5.3
Kids = Mapping[str, Mapping[str, str]]
"""Kind (plate or use) → day (ISO) → kid: the keys a device says it has."""


class DayKeys:
    """Hands out the keys of one service."""

    def __init__(self, store: DeviceStore, known: Known) -> None:
        self.store, self._known, self._table = store, known, store.scans.use_keys

    def for_device(self, device: Device, held: Kids, now: int) -> dict[str, list[dict[str, str]]]:
        """By kind, the keys that the device lacks or has under another kid; none outside its shift."""
        if not device.scope.on_duty(now):
            return {"plate": [], "use": []}
        today, tomorrow = today_and_tomorrow(now)
        wanted = {"plate": self._plate_keys(device, now), "use": self.use_keys(today, tomorrow)}
        return {kind: _lacking(device, keys, held.get(kind, {})) for kind, keys in wanted.items()}

    def use_keys(self, today: date, tomorrow: date) -> dict[date, bytes]:
        """The keys for digests of uses, made at their first use; `verifiers.scans.retention` deletes old ones."""
        with read_transaction(self.store.engine) as connection:
            found = self._read(connection, today, tomorrow)
        if len(found) < 2:
            with write_transaction(self.store.engine) as connection:
                for day in (today, tomorrow):
                    self._make(connection, day)
                found = self._read(connection, today, tomorrow)
        return found

    def _read(self, connection: Connection, *days: date) -> dict[date, bytes]:
        """Those keys of these days that are there and that our seal opens."""
        rows = connection.execute(select(self._table).where(self._table.c.day.in_(days))).all()
        opened = {row.day: self.store.seal.open(row.sealed_key, _owner(row.day)) for row in rows}
        return {day: key for day, key in opened.items() if key is not None}

    def _make(self, connection: Connection, day: date) -> None:
        """A key for a day. One that our seal does not open is replaced: it is lost, and so are its digests."""
        here = self._table.c.day == day
        sealed = connection.scalar(select(self._table.c.sealed_key).where(here))
        if sealed is not None and self.store.seal.open(sealed, _owner(day)) is None:
            connection.execute(delete(self._table).where(here))
        row = {"day": day, "sealed_key": self.store.seal.seal(secrets.token_bytes(KEY_BYTES), _owner(day))}
        insert_missing(connection, self._table, row)

    def _plate_keys(self, device: Device, now: int) -> dict[date, bytes]:
        return self._known.plates.day_keys(now) if is_for_parking(device, self._known.current) else {}


def is_for_parking(device: Device, published: PublishedSet) -> bool:
    """Whether the device may check a type of parking permit, and so may look plates up."""
    types = (known.pass_type for known in published.known_types.values())
    return device.scope.includes_any(found.name for found in types if found.category is Category.PARKING)


def _owner(day: date) -> str:
    return f"use key {day.isoformat()}"


def _lacking(device: Device, keys: Mapping[date, bytes], held: Mapping[str, str]) -> list[dict[str, str]]:
    named = {day.isoformat(): (hashlib.sha256(key).hexdigest()[:16], key) for day, key in sorted(keys.items())}
    return [
        {"day": day, "kid": kid, "jwe": _encrypted(device.agreement_key, key)}
        for day, (kid, key) in named.items()
        if held.get(day) != kid
    ]


def _encrypted(agreement_key: str, content: bytes) -> str:
    """A compact JWE for the device's key; the content key is agreed on directly (RFC 7518 section 4.6)."""
    header = {"alg": _JWE[0], "enc": _JWE[1]}
    public = ECKey.import_key(json.loads(agreement_key))
    return jwe.encrypt_compact(header, content, public, algorithms=list(_JWE))
