"""Bearer tokens of machines and devices: who may call, for which department, doing what, until when.

A token has 256 random bits and is shown once. Only its SHA-256 is stored: a value of that entropy needs no slow hash
(NIST SP 800-63B section 5.1.4.2 asks for salting and stretching below 112 bits only).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Column, Engine, LargeBinary, MetaData, Row, String, Table, insert, select, update

from keys.errors import WalletPassError
from web.database import read_transaction, write_transaction

PREFIX = "wpt_"  # lets scanners for leaked secrets find ours
ANY = "*"
REMEMBERED_FOR = 4.0  # seconds; a revocation takes effect within five
_REMEMBERED_AT_MOST = 1024
_KINDS = ("integration", "device")


class TokenMissing(WalletPassError):
    """The request carries no bearer token."""

    code = "token_missing"


class TokenInvalid(WalletPassError):
    """The token is unknown, revoked or expired."""

    code = "token_invalid"


class RightMissing(WalletPassError):
    """The token is good, but not for this department or action."""

    code = "right_missing"


class TokenNotFound(WalletPassError):
    """No token has this identifier."""

    code = "token_not_found"
    wrong_usage = True


class ScopeInvalid(WalletPassError):
    """A scope that is not `department:action`."""

    code = "scope_invalid"
    wrong_usage = True


@dataclass(frozen=True, slots=True)
class Token:
    """A token without its secret. Times are NumericDates; `scopes` are pairs of department and action, `*` is any."""

    id: str
    name: str
    kind: str
    scopes: frozenset[tuple[str, str]]
    created_at: int
    expires_at: int | None
    revoked_at: int | None

    def allows(self, department: str, action: str) -> bool:
        """Whether one scope covers this department and action. `ANY` as department asks for all departments."""
        return any((d, a) in self.scopes for d in (department, ANY) for a in (action, ANY))

    def require(self, department: str, action: str) -> None:
        """Raise `RightMissing` unless the token allows it."""
        if not self.allows(department, action):
            raise RightMissing(f"This token has no right to {action!r} for {department!r}; ask for one that has.")

    def require_anywhere(self, action: str) -> None:
        """Raise `RightMissing` unless the token allows the action for some department."""
        if not any(allowed in (action, ANY) for _, allowed in self.scopes):
            raise RightMissing(f"This token has no right to {action!r}; ask for one that has.")

    def departments(self, action: str) -> frozenset[str] | None:
        """The departments the token may do `action` for; None: all of them."""
        found = frozenset(d for d, a in self.scopes if a in (action, ANY))
        return None if ANY in found else found


def tokens_table(metadata: MetaData) -> Table:
    """The table `tokens` in a service's own metadata."""
    return Table(
        "tokens",
        metadata,
        Column("id", String(16), primary_key=True),
        Column("sha256", LargeBinary(32), nullable=False, unique=True),
        Column("name", String(80), nullable=False),
        Column("kind", String(16), nullable=False),
        Column("scopes", String(2000), nullable=False),  # `department:action`, separated by blanks
        Column("created_at", BigInteger, nullable=False),
        Column("expires_at", BigInteger),
        Column("revoked_at", BigInteger),
    )


def read_scope(text: str) -> tuple[str, str]:
    """`library:issue` as a pair; raises `ScopeInvalid`."""
    department, colon, action = text.partition(":")
    words = (department.replace("_", ""), action.replace("_", ""))
    if not colon or not all(word == ANY or (word.isascii() and word.isalnum()) for word in words):
        raise ScopeInvalid("A scope is department:action, such as library:issue, *:read or *:*.")
    return department, action


class TokenStore:
    """The tokens of one service. Lookups are remembered for `REMEMBERED_FOR` seconds, failures never."""

    def __init__(self, engine: Engine, table: Table, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine, self._table, self._clock = engine, table, clock
        self._remembered: dict[bytes, tuple[float, Token]] = {}
        self._lock = threading.Lock()

    def create(
        self, name: str, scopes: Collection[tuple[str, str]], now: int, lifetime: int | None, kind: str = "integration"
    ) -> tuple[Token, str]:
        """A new token and its secret, which is not stored. `lifetime` in seconds; None: until revoked."""
        if not name.strip() or len(name) > 80 or not scopes or kind not in _KINDS:
            raise ScopeInvalid("A token needs a name of at most 80 characters, at least one scope and a known kind.")
        secret = PREFIX + secrets.token_urlsafe(32)
        token = Token(
            id=secrets.token_hex(6),
            name=name.strip(),
            kind=kind,
            scopes=frozenset(scopes),
            created_at=now,
            expires_at=None if lifetime is None else now + lifetime,
            revoked_at=None,
        )
        row = {
            "id": token.id,
            "sha256": _digest(secret),
            "name": token.name,
            "kind": kind,
            "scopes": " ".join(sorted(f"{department}:{action}" for department, action in scopes)),
            "created_at": now,
            "expires_at": token.expires_at,
        }
        with write_transaction(self._engine) as connection:
            connection.execute(insert(self._table).values(row))
        return token, secret

    def all(self) -> list[Token]:
        """Every token ever made, oldest first."""
        with read_transaction(self._engine) as connection:
            rows = connection.execute(select(self._table).order_by(self._table.c.created_at, self._table.c.id))
            return [_token(row) for row in rows]

    def revoke(self, token_id: str, now: int) -> None:
        """End a token for good; a second time changes nothing. Raises `TokenNotFound`."""
        table = self._table
        with write_transaction(self._engine) as connection:
            if connection.execute(select(table.c.id).where(table.c.id == token_id)).first() is None:
                raise TokenNotFound("There is no token with this identifier; `walletpass tokens list` names them all.")
            ended = update(table).where(table.c.id == token_id, table.c.revoked_at.is_(None)).values(revoked_at=now)
            connection.execute(ended)
        with self._lock:
            self._remembered.clear()

    def authenticate(self, secret: str, now: int) -> Token:
        """The token with that secret; raises `TokenInvalid` when it is unknown, revoked or expired."""
        digest = _digest(secret)
        token = self._recall(digest) or self._look_up(digest)
        if token is None or token.revoked_at is not None or (token.expires_at is not None and now >= token.expires_at):
            raise TokenInvalid("The token is unknown, revoked or expired; ask for a new one.")
        return token

    def _recall(self, digest: bytes) -> Token | None:
        found = self._remembered.get(digest)
        return found[1] if found and self._clock() - found[0] < REMEMBERED_FOR else None

    def _look_up(self, digest: bytes) -> Token | None:
        asked_at = self._clock()
        with read_transaction(self._engine) as connection:
            row = connection.execute(select(self._table).where(self._table.c.sha256 == digest)).first()
        if row is None or not hmac.compare_digest(row.sha256, digest):
            return None
        token = _token(row)
        with self._lock:
            if len(self._remembered) >= _REMEMBERED_AT_MOST:
                self._remembered.clear()
            self._remembered[digest] = (asked_at, token)
        return token


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _token(row: Row[Any]) -> Token:
    scopes = frozenset(read_scope(scope) for scope in row.scopes.split())
    return Token(row.id, row.name, row.kind, scopes, row.created_at, row.expires_at, row.revoked_at)
