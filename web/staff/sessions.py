"""Sessions on the server: a cookie opens a row, and the row can be ended from anywhere at once.

A session id has 256 random bits and is stored as SHA-256. It is new at each step of signing in and at each change of a
factor or password (ASVS 3.2.1, threat: session fixation), ends after 30 idle minutes and 12 hours in any case
(ASVS 3.3.2), and with its account. Every request looks it up: nothing is remembered that was revoked.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, delete, insert, select, update

from web.database import read_transaction, write_transaction
from web.staff.accounts import Account, account_of
from web.staff.store import SESSIONS_KEPT, Caller, StaffStore

IDLE, ABSOLUTE = 30 * 60, SESSIONS_KEPT  # seconds
HALF_WAY = 10 * 60  # from a right password to the second factor
PROOF = 10 * 60  # how long a proof of identity serves for changing factors
_TOUCH = 30  # seconds: not every request writes


class Stage(IntEnum):
    """How far signing in has come."""

    FACTOR = 1  # password right, second factor wanted
    ENROL = 2  # something of the person's own is still to be set up: password or second factor
    OPEN = 3


@dataclass(frozen=True, slots=True)
class Session:
    """A live session and whose it is. `secret` is the cookie's value; empty in lists."""

    id: str
    secret: str
    account: Account
    stage: Stage
    device: str
    created_at: int
    used_at: int
    proved_at: int
    totp_offered: bytes | None

    def proved(self, now: int) -> bool:
        """Whether its owner has proved who they are just now (ASVS 3.7.1)."""
        return now < self.proved_at + PROOF


def sha256(secret: str) -> bytes:
    """What is stored of a session id."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


class Sessions:
    """The sessions of one service's staff."""

    def __init__(self, store: StaffStore) -> None:
        self._store, self._table = store, store.tables.sessions

    def begin(self, connection: Connection, account_id: str, stage: Stage, caller: Caller) -> str:
        """A new session; gives its secret."""
        secret, now = secrets.token_urlsafe(32), self._store.now()
        row = {
            "id": secrets.token_hex(8),
            "sha256": sha256(secret),
            "account_id": account_id,
            "stage": stage,
            "device": caller.device,
            "created_at": now,
            "used_at": now,
            "proved_at": now,
        }
        connection.execute(insert(self._table).values(row))
        return secret

    def find(self, secret: str) -> Session | None:
        """The live session with this id, which is now in use; None for any other."""
        now, accounts = self._store.now(), self._store.tables.accounts
        with read_transaction(self._store.engine) as connection:
            row = connection.execute(
                self._joined().where(self._table.c.sha256 == sha256(secret), accounts.c.disabled_at.is_(None))
            ).first()
        if row is None or not _alive(row, now):
            return None
        if now - row.used_at >= _TOUCH:
            with write_transaction(self._store.engine) as connection:
                connection.execute(update(self._table).where(self._table.c.id == row.id).values(used_at=now))
        return _session(row, secret)

    def rotate(self, connection: Connection, session: Session, stage: Stage, **values: bytes | None) -> str | None:
        """The same session under a new id; None when it has ended or was rotated meanwhile. The proof is fresh."""
        secret, now = secrets.token_urlsafe(32), self._store.now()
        fresh = {"sha256": sha256(secret), "stage": stage, "used_at": now, "proved_at": now, **values}
        here = and_(self._table.c.id == session.id, self._table.c.sha256 == sha256(session.secret))
        return secret if connection.execute(update(self._table).where(here).values(fresh)).rowcount else None

    def offer_totp(self, session: Session, sealed: bytes) -> bytes:
        """Keep a TOTP key until a code proves it; the first one stays, however many tabs are open."""
        column = self._table.c.totp_offered
        with write_transaction(self._store.engine) as connection:
            here = self._table.c.id == session.id
            connection.execute(update(self._table).where(here, column.is_(None)).values(totp_offered=sealed))
            return connection.scalar(select(column).where(here)) or sealed

    def of(self, account_id: str) -> list[Session]:
        """The live sessions of an account, the one used last first."""
        now = self._store.now()
        with read_transaction(self._store.engine) as connection:
            rows = connection.execute(
                self._joined().where(self._table.c.account_id == account_id).order_by(self._table.c.used_at.desc())
            ).all()
        return [_session(row, "") for row in rows if _alive(row, now)]

    def end(self, session_id: str, account_id: str, kind: str, caller: Caller) -> None:
        """End one session of this account; another account's is left alone (CWE-639)."""
        if not (session_id.isascii() and session_id.isalnum()):  # PostgreSQL refuses a NUL with an error of its own
            return
        with write_transaction(self._store.engine) as connection:
            here = and_(self._table.c.id == session_id, self._table.c.account_id == account_id)
            if connection.execute(delete(self._table).where(here)).rowcount:
                self._store.note(connection, kind, account_id, caller, session_id)

    def end_others(self, connection: Connection, session: Session) -> None:
        """End all but this one (ASVS 3.3.3)."""
        others: ColumnElement[bool] = self._table.c.id != session.id
        connection.execute(delete(self._table).where(others, self._table.c.account_id == session.account.id))

    def _joined(self) -> Select[Any]:
        accounts = self._store.tables.accounts
        columns: list[ColumnElement[Any]] = [accounts.c.created_at.label("account_created_at")]
        columns += [column for column in accounts.c if column.name not in ("id", "created_at", "password")]
        return select(self._table, *columns).join(accounts, accounts.c.id == self._table.c.account_id)


def _alive(row: Row[Any], now: int) -> bool:
    longest = ABSOLUTE if row.stage == Stage.OPEN else HALF_WAY if row.stage == Stage.FACTOR else IDLE
    return bool(now < row.created_at + longest and now < row.used_at + IDLE)


def _session(row: Row[Any], secret: str) -> Session:
    return Session(
        id=row.id,
        secret=secret,
        account=account_of(row),
        stage=Stage(row.stage),
        device=row.device,
        created_at=row.created_at,
        used_at=row.used_at,
        proved_at=row.proved_at,
        totp_offered=row.totp_offered,
    )
