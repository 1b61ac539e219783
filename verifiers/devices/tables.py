"""The tables of devices in the verifying service's own metadata. Times are NumericDates. No secret is readable here.

A device is known by the thumbprint of a key that never leaves its browser; codes and tokens are stored as SHA-256.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, String, Table, Text

ID, NAME, PASS_TYPES, ZONES, SHIFT = 16, 80, 400, 2000, 40  # characters


@dataclass(frozen=True, slots=True)
class DeviceTables:
    """What `device_tables` makes."""

    devices: Table
    events: Table


def device_tables(metadata: MetaData) -> DeviceTables:
    """`devices` and `device_events`; the service's migrations create them."""
    return DeviceTables(_devices(metadata), _events(metadata))


def _devices(metadata: MetaData) -> Table:
    return Table(
        "devices",
        metadata,
        Column("id", String(ID), primary_key=True),
        Column("name", String(NAME), nullable=False),
        Column("state", String(12), nullable=False),  # invited, active, suspended, revoked, wiped
        Column("pass_types", String(PASS_TYPES), nullable=False),  # separated by blanks; empty: all
        Column("zones", String(ZONES), nullable=False),  # separated by blanks; empty: all
        Column("shift", String(SHIFT), nullable=False),  # `12345 06:00-22:00`; empty: always
        Column("invitation", LargeBinary(32), unique=True),  # of the one-time code
        Column("invited_until", BigInteger),
        Column("token", LargeBinary(32), unique=True),
        Column("jkt", String(43)),  # the DPoP key's thumbprint (RFC 7638)
        Column("agreement_key", Text),  # the public JWK that keys for this device are encrypted for
        Column("created_at", BigInteger, nullable=False),
        Column("enrolled_at", BigInteger),
        Column("ended_at", BigInteger),
        Column("last_contact_at", BigInteger),
        Column("reported", Text, nullable=False),  # JSON: what the device said of itself last
    )


def _events(metadata: MetaData) -> Table:
    """Who did what to a device and when; `account_id` none: by command."""
    return Table(
        "device_events",
        metadata,
        Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
        Column("at", BigInteger, nullable=False),
        Column("device_id", String(ID), nullable=False),
        Column("kind", String(32), nullable=False),
        Column("account_id", String(16)),
        Index("ix_device_events_device_at", "device_id", "at"),
        Index("ix_device_events_at", "at"),
    )
