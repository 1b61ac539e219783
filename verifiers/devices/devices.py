"""The only code that changes a device: invited, enrolled, renamed, given another scope, suspended, ended.

Invitation codes have 128 random bits, tokens 256; both are stored as SHA-256 (ADR 0012). Each change is an event.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from verifiers.devices.device import Device, DeviceState, device_of, scope_columns
from verifiers.devices.errors import DeviceInvalid, DeviceNotFound, DeviceStateInvalid, EnrolmentRefused
from verifiers.devices.scope import Scope
from verifiers.devices.store import DeviceStore
from verifiers.devices.tables import NAME
from web.database import read_transaction, write_transaction
from web.jwk import PublicJwk

INVITATION_LIFETIME = 86400  # seconds
PREFIX = "wpd_"  # of tokens; lets scanners for leaked secrets find ours
_ENDED = frozenset({DeviceState.REVOKED, DeviceState.WIPED})
_BEFORE: Mapping[DeviceState, Collection[DeviceState]] = {
    DeviceState.SUSPENDED: (DeviceState.ACTIVE,),
    DeviceState.ACTIVE: (DeviceState.SUSPENDED,),
    DeviceState.REVOKED: (DeviceState.INVITED, DeviceState.ACTIVE, DeviceState.SUSPENDED),
    DeviceState.WIPED: (DeviceState.INVITED, DeviceState.ACTIVE, DeviceState.SUSPENDED, DeviceState.REVOKED),
}
"""From which states each state is reached by order; enrolment is not one."""


@dataclass(frozen=True, slots=True)
class DeviceEvent:
    """Something that happened to a device. `account_id` none: by command, or the device itself."""

    at: int
    device_id: str
    kind: str
    account_id: str | None


def _freely(_: Connection) -> None:
    """Nothing is used up."""


class Devices:
    """The devices of one service. `account_id`: who at the desk gave the order; none: by command."""

    def __init__(self, store: DeviceStore) -> None:
        self.store, self._table = store, store.tables.devices

    def invite(self, name: str, scope: Scope, account_id: str | None = None) -> tuple[Device, str]:
        """A new device and its code, good once, for a day. Raises `DeviceInvalid`."""
        code, now, device_id = secrets.token_urlsafe(16), self.store.now(), secrets.token_hex(8)
        row = {
            "id": device_id,
            "name": _readable(name),
            "state": DeviceState.INVITED.value,
            **scope_columns(scope),
            "invitation": _digest(code),
            "invited_until": now + INVITATION_LIFETIME,
            "created_at": now,
            "reported": "{}",
        }
        with write_transaction(self.store.engine) as connection:
            connection.execute(insert(self._table).values(row))
            self.store.note(connection, "device_invited", device_id, account_id)
        return self.one(device_id), code

    def enrol(
        self, code: str, signing_key: PublicJwk, agreement_key: PublicJwk, once: Callable[[Connection], None] = _freely
    ) -> tuple[Device, str]:
        """The device invited with `code`, now bound to these keys, and its token. Raises `EnrolmentRefused`.

        The same keys may ask again with the same code: the first answer may have been lost on its way. But not the
        same request, whose new token would end the one that the device has: `once` refuses it, in our transaction.
        """
        token, now, table = PREFIX + secrets.token_urlsafe(32), self.store.now(), self._table
        values = {
            "state": DeviceState.ACTIVE.value,
            "token": _digest(token),
            "jkt": signing_key.thumbprint,
            "agreement_key": agreement_key.text,
            "enrolled_at": now,
        }
        with write_transaction(self.store.engine) as connection:
            here = select(table).where(table.c.invitation == _digest(code)).with_for_update()
            row = connection.execute(here).first()
            if row is None or now >= row.invited_until or not _may_enrol(row, values):
                raise EnrolmentRefused("The code is unknown, used or too old; ask the desk for a new one.")
            once(connection)
            connection.execute(update(table).where(table.c.id == row.id).values(values))
            self.store.note(connection, "device_enrolled", row.id, None)
        return self.one(row.id), token

    def rename(self, device_id: str, name: str, account_id: str | None = None) -> Device:
        """Give a device another name; raises `DeviceNotFound` or `DeviceInvalid`."""
        return self._change(device_id, "device_renamed", account_id, {"name": _readable(name)})

    def set_scope(self, device_id: str, scope: Scope, account_id: str | None = None) -> Device:
        """Give a device another scope; it hears of it at its next contact. Raises `DeviceNotFound`."""
        return self._change(device_id, "device_scope_changed", account_id, scope_columns(scope))

    def suspend(self, device_id: str, account_id: str | None = None) -> Device:
        """It may hand in what it has, and is given nothing. Raises `DeviceNotFound` or `DeviceStateInvalid`."""
        return self._order(device_id, DeviceState.SUSPENDED, "device_suspended", account_id)

    def resume(self, device_id: str, account_id: str | None = None) -> Device:
        """End a suspension. Raises `DeviceNotFound` or `DeviceStateInvalid`."""
        return self._order(device_id, DeviceState.ACTIVE, "device_resumed", account_id)

    def revoke(self, device_id: str, account_id: str | None = None) -> Device:
        """End a device, or its invitation, for good. Raises `DeviceNotFound` or `DeviceStateInvalid`."""
        return self._order(device_id, DeviceState.REVOKED, "device_revoked", account_id)

    def wipe(self, device_id: str, account_id: str | None = None) -> Device:
        """End a device for good and let it delete everything when it hears of it. Raises `DeviceNotFound`."""
        return self._order(device_id, DeviceState.WIPED, "device_wiped", account_id)

    def all(self) -> list[Device]:
        """Every device, by name."""
        with read_transaction(self.store.engine) as connection:
            rows = connection.execute(select(self._table).order_by(self._table.c.name, self._table.c.id)).all()
        return [device_of(row) for row in rows]

    def one(self, device_id: str) -> Device:
        """The device with this identifier; raises `DeviceNotFound`."""
        with read_transaction(self.store.engine) as connection:
            return device_of(self._row(connection, device_id))

    def with_token(self, token: str) -> Device | None:
        """The device that was given this token, in whatever state it is now."""
        with read_transaction(self.store.engine) as connection:
            row = connection.execute(select(self._table).where(self._table.c.token == _digest(token))).first()
        return None if row is None else device_of(row)

    def heard_from(self, device_id: str, reported: Mapping[str, Any]) -> None:
        """Keep what a device said of itself; only the last word is kept."""
        values = {"last_contact_at": self.store.now(), "reported": json.dumps(reported, separators=(",", ":"))}
        with write_transaction(self.store.engine) as connection:
            connection.execute(update(self._table).where(self._table.c.id == device_id).values(values))

    def events(self, device_id: str) -> list[DeviceEvent]:
        """What happened to a device in the last half year, the newest first."""
        table = self.store.tables.events
        with read_transaction(self.store.engine) as connection:
            rows = connection.execute(
                select(table).where(table.c.device_id == device_id).order_by(table.c.at.desc(), table.c.number.desc())
            ).all()
        return [DeviceEvent(row.at, row.device_id, row.kind, row.account_id) for row in rows]

    def _order(self, device_id: str, state: DeviceState, kind: str, account_id: str | None) -> Device:
        """Bring a device into a state; where it is already nothing happens."""
        values: dict[str, Any] = {"state": state.value}
        if state in _ENDED:
            values["ended_at"] = self.store.now()
        return self._change(device_id, kind, account_id, values, state)

    def _change(
        self,
        device_id: str,
        kind: str,
        account_id: str | None,
        values: Mapping[str, Any],
        state: DeviceState | None = None,
    ) -> Device:
        with write_transaction(self.store.engine) as connection:
            row = self._row(connection, device_id, lock=True)
            if state is None or row.state != state.value:
                if state is not None and row.state not in _BEFORE[state]:
                    raise DeviceStateInvalid(f"The device is {row.state}: it cannot become {state.value}.")
                connection.execute(update(self._table).where(self._table.c.id == device_id).values(values))
                self.store.note(connection, kind, device_id, account_id)
        return self.one(device_id)

    def _row(self, connection: Connection, device_id: str, *, lock: bool = False) -> Row[Any]:
        here = select(self._table).where(self._table.c.id == device_id)
        # PostgreSQL refuses a NUL in a text with an error of its own.
        row = connection.execute(here.with_for_update() if lock else here).first() if device_id.isalnum() else None
        if row is None:
            raise DeviceNotFound("No device has this identifier; `walletpass devices list` shows them all.")
        return row


def _may_enrol(row: Row[Any], values: Mapping[str, Any]) -> bool:
    again = all(getattr(row, name) == values[name] for name in ("state", "jkt", "agreement_key"))
    return row.state == DeviceState.INVITED or again


def _readable(name: str) -> str:
    shown = name.strip()
    if not shown or len(shown) > NAME or not shown.isprintable():
        raise DeviceInvalid(f"A device's name has 1 to {NAME} characters, such as Handy 7.")
    return shown


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
