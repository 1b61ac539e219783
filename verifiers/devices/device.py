"""A device as the service knows it: what it is for, how far it has come, and what it last said of itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Row

from verifiers.devices.scope import Scope, read_scope


class DeviceState(StrEnum):
    """How far a device has come. Nothing leaves WIPED; only WIPED follows REVOKED."""

    INVITED = "invited"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    REVOKED = "revoked"
    WIPED = "wiped"


@dataclass(frozen=True, slots=True)
class Device:
    """No secret. Times are NumericDates. `thumbprint` is that of its signing key, `agreement_key` a public JWK's text;
    both are empty before enrolment. `reported`: what the device said at its last contact.
    """

    id: str
    name: str
    state: DeviceState
    scope: Scope
    thumbprint: str
    agreement_key: str
    created_at: int
    invited_until: int | None
    enrolled_at: int | None
    ended_at: int | None
    last_contact_at: int | None
    reported: Mapping[str, Any]


def device_of(row: Row[Any]) -> Device:
    """The device in a row of the table."""
    return Device(
        id=row.id,
        name=row.name,
        state=DeviceState(row.state),
        scope=read_scope(row.pass_types.split(), row.zones.split(), row.shift),
        thumbprint=row.jkt or "",
        agreement_key=row.agreement_key or "",
        created_at=row.created_at,
        invited_until=row.invited_until,
        enrolled_at=row.enrolled_at,
        ended_at=row.ended_at,
        last_contact_at=row.last_contact_at,
        reported=json.loads(row.reported),
    )


def scope_columns(scope: Scope) -> dict[str, str]:
    """A scope as the table keeps it."""
    return {
        "pass_types": " ".join(scope.pass_types),
        "zones": " ".join(scope.zones),
        "shift": str(scope.shift) if scope.shift else "",
    }
