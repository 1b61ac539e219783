"""`Idempotency-Key`: a request that is sent again is not done again, but answered as the first time.

The key is written in the transaction of the change itself: either both are there, or neither. What is kept is the
digest of the request, the status of the answer and the pass it was about; the answer shows the pass as it is now.
A request that failed leaves no key, so it may be sent again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from issuers.models import idempotency_keys
from walletpass.errors import WalletPassError
from web.database import write_transaction

KEPT = 24 * 3600  # seconds


class IdempotencyKeyReused(WalletPassError):
    """The key came with another request before."""

    code = "idempotency_key_reused"


class _TakenMeanwhile(Exception):
    """Another request with the same key was committed while we waited for it."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request of one token. `key` is empty when the caller chose none; `now` is a NumericDate."""

    token_id: str
    key: str
    digest: str
    now: int


def request_digest(method: str, target: str, body_sha256: bytes) -> str:
    """What makes two requests the same: method, path with query, and body."""
    return hashlib.sha256(b"\0".join((method.encode(), target.encode(), body_sha256))).hexdigest()


def once(engine: Engine, attempt: Attempt, status: int, change: Callable[[Connection], str]) -> tuple[int, str]:
    """Do `change` unless the same request was done before; returns the HTTP status and the serial it was about.

    Two at once: the second waits in the database until the first is committed or undone. Raises
    `IdempotencyKeyReused`.
    """
    while True:
        try:
            with write_transaction(engine) as connection:
                return _once(connection, attempt, status, change)
        except _TakenMeanwhile:
            continue


def _once(
    connection: Connection, attempt: Attempt, status: int, change: Callable[[Connection], str]
) -> tuple[int, str]:
    if not attempt.key:
        return status, change(connection)
    mine = (idempotency_keys.c.token_id == attempt.token_id) & (idempotency_keys.c.key == attempt.key)
    connection.execute(delete(idempotency_keys).where(mine, idempotency_keys.c.created_at <= attempt.now - KEPT))
    known = connection.execute(select(idempotency_keys).where(mine)).one_or_none()
    if known is not None:
        if known.request_digest != attempt.digest:
            raise IdempotencyKeyReused("This Idempotency-Key came with another request before; choose a new one.")
        return known.status, known.subject
    row = {
        "token_id": attempt.token_id,
        "key": attempt.key,
        "request_digest": attempt.digest,
        "status": status,
        "subject": "",
        "created_at": attempt.now,
    }
    try:
        connection.execute(insert(idempotency_keys).values(row))
    except IntegrityError as taken:
        raise _TakenMeanwhile from taken
    subject = change(connection)
    connection.execute(update(idempotency_keys).where(mine).values(subject=subject))
    return status, subject


def forget_old_keys(engine: Engine, now: float) -> None:
    """Delete keys older than `KEPT` seconds."""
    with write_transaction(engine) as connection:
        connection.execute(delete(idempotency_keys).where(idempotency_keys.c.created_at <= int(now) - KEPT))
