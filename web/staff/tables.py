"""The tables of staff accounts in a service's own metadata. Times are NumericDates. No secret stands here readable.

Passwords are Argon2id, session ids and recovery codes digests, TOTP keys sealed (`web.staff.sealing`): who reads the
database can sign in as nobody (ASVS 2.4.1, 2.8.2, 3.2.3).
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
)

USER_NAME, DISPLAY_NAME, ROLES, DEVICE = 64, 80, 400, 60  # characters


@dataclass(frozen=True, slots=True)
class StaffTables:
    """What `staff_tables` makes."""

    accounts: Table
    passkeys: Table
    recovery_codes: Table
    sessions: Table
    delays: Table
    used_challenges: Table
    events: Table


def staff_tables(metadata: MetaData) -> StaffTables:
    """The seven tables `staff_…`; the service's migrations create them."""
    return StaffTables(
        accounts=_accounts(metadata),
        passkeys=_passkeys(metadata),
        recovery_codes=Table(
            "staff_recovery_codes",
            metadata,
            _account(primary_key=True),
            Column("digest", LargeBinary(32), primary_key=True),
            Column("used_at", BigInteger),
        ),
        sessions=_sessions(metadata),
        delays=Table(
            "staff_delays",
            metadata,
            Column("subject", LargeBinary(32), primary_key=True),  # a keyed digest: what people type may be a password
            Column("failures", Integer, nullable=False),
            Column("failed_at", BigInteger, nullable=False, index=True),
            Column("free_at", BigInteger, nullable=False),
        ),
        used_challenges=Table(
            "staff_used_challenges",
            metadata,
            Column("digest", LargeBinary(32), primary_key=True),
            Column("expires_at", BigInteger, nullable=False),
        ),
        events=_events(metadata),
    )


def _account(*, primary_key: bool = False) -> Column[str]:
    target = ForeignKey("staff_accounts.id", ondelete="CASCADE")
    # In a compound primary key the account comes first, so it has an index already.
    return Column("account_id", String(16), target, primary_key=primary_key, nullable=False, index=not primary_key)


def _accounts(metadata: MetaData) -> Table:
    return Table(
        "staff_accounts",
        metadata,
        Column("id", String(16), primary_key=True),
        Column("user_name", String(USER_NAME), nullable=False, unique=True),
        Column("display_name", String(DISPLAY_NAME), nullable=False),
        Column("roles", String(ROLES), nullable=False),  # separated by blanks
        Column("password", String(200), nullable=False),
        Column("start_until", BigInteger),  # a start password's end; none: the person chose the password
        Column("totp_key", LargeBinary(64)),  # sealed
        Column("totp_step", BigInteger),  # the newest one used
        Column("created_at", BigInteger, nullable=False),
        Column("disabled_at", BigInteger),
    )


def _passkeys(metadata: MetaData) -> Table:
    return Table(
        "staff_passkeys",
        metadata,
        Column("id", LargeBinary(1023), primary_key=True),  # WebAuthn section 4: at most 1023 bytes
        _account(),
        Column("public_key", LargeBinary(1024), nullable=False),
        Column("sign_count", BigInteger, nullable=False),
        Column("created_at", BigInteger, nullable=False),
        Column("used_at", BigInteger),
    )


def _sessions(metadata: MetaData) -> Table:
    return Table(
        "staff_sessions",
        metadata,
        Column("id", String(16), primary_key=True),  # for lists and forms; opens nothing
        Column("sha256", LargeBinary(32), nullable=False, unique=True),
        _account(),
        Column("stage", SmallInteger, nullable=False),
        Column("device", String(DEVICE), nullable=False),
        Column("created_at", BigInteger, nullable=False),
        Column("used_at", BigInteger, nullable=False),
        Column("proved_at", BigInteger, nullable=False),
        Column("totp_offered", LargeBinary(64)),  # sealed; becomes the account's once a code proves it
    )


def _events(metadata: MetaData) -> Table:
    return Table(
        "staff_events",
        metadata,
        Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
        Column("at", BigInteger, nullable=False),
        Column("kind", String(32), nullable=False),
        Column("account_id", String(16)),  # none: no such account; what was typed is not kept
        Column("session_id", String(16)),
        Column("network", String(50), nullable=False),
        Column("device", String(DEVICE), nullable=False),
        Index("ix_staff_events_account_at", "account_id", "at"),
        Index("ix_staff_events_at", "at"),
    )
