"""The tables of the scan log in the verifying service's own metadata. Times are NumericDates.

No plate, no serial, no name. `uses` are digests keyed for one day and gone with it: they tell that one permit was seen
twice on that day, and nothing on any other. Cases are encrypted for the desk.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

NONCE = DIGEST = 16  # bytes
REASON, TYPE, ZONE = 32, 64, 8  # characters


@dataclass(frozen=True, slots=True)
class ScanTables:
    """What `scan_tables` makes."""

    scans: Table
    counts: Table
    use_keys: Table
    uses: Table
    warnings: Table
    cases: Table


def scan_tables(metadata: MetaData) -> ScanTables:
    """The six tables; the service's migrations create them."""
    return ScanTables(
        scans=_scans(metadata),
        counts=_counts(metadata),
        use_keys=Table(
            "use_keys",
            metadata,
            Column("day", Date, primary_key=True),
            Column("sealed_key", LargeBinary(64), nullable=False),
        ),
        uses=_uses(metadata),
        warnings=_warnings(metadata),
        cases=Table(
            "cases",
            metadata,
            Column("id", LargeBinary(NONCE), primary_key=True),
            Column("device_id", String(16), nullable=False),
            Column("at", BigInteger, nullable=False),
            Column("received_at", BigInteger, nullable=False, index=True),
            Column("encrypted", Text, nullable=False),  # a compact JWE for the desk's key
            Column("closed_at", BigInteger),
        ),
    )


def _scans(metadata: MetaData) -> Table:
    return Table(
        "scans",
        metadata,
        Column("nonce", LargeBinary(NONCE), primary_key=True),  # the device's: a repeated upload changes nothing
        Column("device_id", String(16), nullable=False),
        Column("at", BigInteger, nullable=False),  # rounded down to the quarter of an hour
        Column("kind", String(8), nullable=False),  # code or plate
        Column("outcome", String(16), nullable=False),
        Column("reason", String(REASON), nullable=False),
        Column("pass_type", String(TYPE)),
        Column("zone", String(ZONE)),
        Column("received_at", BigInteger, nullable=False),
        Index("ix_scans_type_at", "pass_type", "at"),
    )


def _counts(metadata: MetaData) -> Table:
    """Counts outlive the scans they count; empty text stands for unknown."""
    return Table(
        "scan_counts",
        metadata,
        Column("hour", BigInteger, primary_key=True),  # its first second
        Column("zone", String(ZONE), primary_key=True),
        Column("pass_type", String(TYPE), primary_key=True),
        Column("kind", String(8), primary_key=True),
        Column("outcome", String(16), primary_key=True),
        Column("count", Integer, nullable=False),
    )


def _uses(metadata: MetaData) -> Table:
    return Table(
        "uses",
        metadata,
        Column("nonce", LargeBinary(NONCE), primary_key=True),  # of the scan
        Column("day", Date, nullable=False),
        Column("digest", LargeBinary(DIGEST), nullable=False),  # of the credential
        Column("plate", LargeBinary(DIGEST)),  # of the plate it was found at, if the inspector said so
        Column("at", BigInteger, nullable=False),  # to the minute
        Column("zone", String(ZONE)),
        Column("device_id", String(16), nullable=False),
        Index("ix_uses_day_digest", "day", "digest"),
    )


def _warnings(metadata: MetaData) -> Table:
    """What a device is told at its next contact: one of its scans was of a permit seen elsewhere."""
    return Table(
        "use_warnings",
        metadata,
        Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
        Column("day", Date, nullable=False),
        Column("device_id", String(16), nullable=False),
        Column("nonce", LargeBinary(NONCE), nullable=False),  # its own scan
        Column("kind", String(16), nullable=False),  # two_places or two_plates
        Column("other_at", BigInteger, nullable=False),
        Column("other_zone", String(ZONE)),
        Column("told_at", BigInteger),
        UniqueConstraint("nonce", "kind", name="uq_use_warnings_nonce_kind"),
        Index("ix_use_warnings_device", "device_id", "told_at"),
    )
