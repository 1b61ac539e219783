"""Contested checks that an inspector files: encrypted on the device for the desk, kept closed until somebody opens one.

Source: RFC 7516 (JWE, compact), RFC 7518 sections 4.6 and 5.3. The server cannot read a case without the desk's key,
`verifier/cases.jwk`, which it opens only when a case is opened.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from joserfc import jwe
from joserfc.errors import JoseError
from sqlalchemy import Connection, delete, func, insert, select, update

from keys.errors import WalletPassError
from keys.strict_json import NotStrictJson, read_object
from verifiers.key_file import open_key, public_jwk
from verifiers.scans.scan import CLOCK_AHEAD, MINUTE, nonce_text, read_nonce
from verifiers.scans.store import ScanStore
from verifiers.webhooks.events import announce
from web.database import read_transaction, write_transaction
from web.jwk import from_base64url

KEY_FILE = "cases.jwk"
ALGORITHMS = ("ECDH-ES", "A256GCM")
MAX_CASE = 4 << 20  # bytes of the upload
MAX_NOTE = 2000  # characters
MAX_WAITING = 200  # cases of one device that nobody has closed
_COMPACT = re.compile(r"([A-Za-z0-9_-]{1,1000})\.\.[A-Za-z0-9_-]{16}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{22}")
_HEADER = {"alg", "enc", "epk"}
_CONTENT = {"note", "verdict", "claims", "plate", "zone", "at", "photo"}
_JPEG = b"\xff\xd8\xff"


class CaseMalformed(WalletPassError):
    """What was sent is no encrypted case."""

    code = "case_malformed"


class CaseTaken(WalletPassError):
    """There is another case of this id."""

    code = "case_taken"


class TooManyCases(WalletPassError):
    """A device has filed more than anybody looks at: a disk is not endless."""

    code = "too_many_cases"


class CaseNotFound(WalletPassError):
    """There is no case of this id."""

    code = "case_not_found"


class CaseUnreadable(WalletPassError):
    """A stored case that cannot be opened."""

    code = "case_unreadable"


@dataclass(frozen=True, slots=True)
class Case:
    """What is known of a case without opening it. Times are NumericDates; `at` says when the check was."""

    id: str
    device_id: str
    at: int
    received_at: int
    closed_at: int | None


@dataclass(frozen=True, slots=True)
class CaseContent:
    """What an inspector filed; `verdict` and `claims` as they were shown, `photo` a JPEG. A device said all this.

    In JSON the photograph is Base64url without padding.
    """

    note: str
    verdict: Mapping[str, Any]
    claims: tuple[Mapping[str, Any], ...]
    plate: str | None
    zone: str | None
    at: int
    photo: bytes | None


class Cases:
    """The cases of the service. `folder` holds the desk's key, made at its first use."""

    def __init__(self, store: ScanStore, folder: Path) -> None:
        self._store, self._table, self._file = store, store.tables.cases, folder / KEY_FILE
        columns = self._table.c
        self._columns = (columns.id, columns.device_id, columns.at, columns.received_at, columns.closed_at)

    def desk_key(self) -> str:
        """The public JWK that devices encrypt for; raises `KeyFileInvalid`."""
        return public_jwk(open_key(self._file))

    def take(self, device_id: str, sent: object) -> bool:
        """Store a case as it came as JSON; False when it was there already.

        Raises `CaseMalformed`, `CaseTaken` when another one has its id, or `TooManyCases`.
        """
        case_id, at, encrypted = _read_upload(sent, self._store.now())
        row = {"id": case_id, "device_id": device_id, "at": at, "received_at": self._store.now()}
        with self._store.upload() as connection:
            found = select(self._table.c.at, self._table.c.encrypted).where(self._table.c.id == case_id)
            before = connection.execute(found).first()
            if before is None:
                self._require_room(connection, device_id)
                connection.execute(insert(self._table).values(**row, encrypted=encrypted))
                filed = {"case": nonce_text(case_id), "device": device_id}
                announce(connection, "case.filed", filed, self._store.now())
            elif (before.at, before.encrypted) != (at, encrypted):
                raise CaseTaken("There is another case of this id; file it anew.")
        return before is None

    def _require_room(self, connection: Connection, device_id: str) -> None:
        waiting = select(func.count()).where(self._table.c.device_id == device_id, self._table.c.closed_at.is_(None))
        if (connection.scalar(waiting) or 0) >= MAX_WAITING:
            raise TooManyCases(f"{MAX_WAITING} cases of this device wait at the desk; close some of them first.")

    def all(self) -> list[Case]:
        """Every case: those that are not closed first, and of each the newest first."""
        order = (self._table.c.closed_at.is_not(None), self._table.c.received_at.desc(), self._table.c.id)
        with read_transaction(self._store.engine) as connection:
            rows = connection.execute(select(*self._columns).order_by(*order))
            return [Case(nonce_text(row.id), *row[1:]) for row in rows]

    def one(self, case_id: str) -> Case:
        """Raises `CaseNotFound`."""
        with read_transaction(self._store.engine) as connection:
            row = connection.execute(select(*self._columns).where(self._table.c.id == _id(case_id))).first()
        return _not_found() if row is None else Case(case_id, *row[1:])

    def open(self, case_id: str) -> CaseContent:
        """Decrypt a case with the desk's key; raises `CaseNotFound` or `CaseUnreadable`."""
        with read_transaction(self._store.engine) as connection:
            encrypted = connection.scalar(select(self._table.c.encrypted).where(self._table.c.id == _id(case_id)))
        return _not_found() if encrypted is None else _read_content(self._decrypt(encrypted))

    def close(self, case_id: str) -> None:
        """Nothing is left to do about it; a second time changes nothing. Raises `CaseNotFound`."""
        self.one(case_id)
        closed = update(self._table).where(self._table.c.id == _id(case_id), self._table.c.closed_at.is_(None))
        with write_transaction(self._store.engine) as connection:
            connection.execute(closed.values(closed_at=self._store.now()))

    def delete(self, case_id: str) -> None:
        """Gone for good; raises `CaseNotFound`."""
        with write_transaction(self._store.engine) as connection:
            if not connection.execute(delete(self._table).where(self._table.c.id == _id(case_id))).rowcount:
                _not_found()

    def _decrypt(self, encrypted: str) -> bytes:
        try:
            opened = jwe.decrypt_compact(encrypted, open_key(self._file), registry=_Registry(algorithms=ALGORITHMS))
        except (JoseError, ValueError, TypeError, KeyError):
            raise CaseUnreadable("The case is not encrypted for this desk's key; has the key been replaced?") from None
        return opened.plaintext or b""


class _Registry(jwe.JWERegistry):
    """The library takes 64 kB; a photograph is larger, and was counted when it came."""

    max_ciphertext_length = MAX_CASE


def _read_upload(sent: object, now: int) -> tuple[bytes, int, str]:
    if not isinstance(sent, dict) or sent.keys() != {"id", "at", "encrypted"}:
        raise CaseMalformed("A case has an id, a time and what is encrypted.")
    case_id, at, encrypted = read_nonce(sent["id"]), sent["at"], sent["encrypted"]
    if case_id is None or type(at) is not int or not 0 <= at <= now + CLOCK_AHEAD or at % MINUTE:
        raise CaseMalformed("The case's id has not 16 bytes, or its time is no minute or still to come.")
    found = _COMPACT.fullmatch(encrypted) if isinstance(encrypted, str) and len(encrypted) <= MAX_CASE else None
    if found is None or not _is_ours(found[1]):
        raise CaseMalformed("The case is not encrypted as it should be.")
    return case_id, at, encrypted


def _is_ours(header: str) -> bool:
    """No other algorithm, and no compression: a small case that is large when it is opened."""
    try:
        read = read_object(from_base64url(header) or b"")
    except NotStrictJson:
        return False
    return read.keys() == _HEADER and (read["alg"], read["enc"]) == ALGORITHMS


def _read_content(plaintext: bytes) -> CaseContent:
    try:
        found = read_object(plaintext)
    except NotStrictJson:
        _unreadable()
    if found.keys() != _CONTENT:
        _unreadable()
    note, verdict, claims, at = (found[name] for name in ("note", "verdict", "claims", "at"))
    if not isinstance(note, str) or len(note) > MAX_NOTE or not isinstance(verdict, dict) or type(at) is not int:
        _unreadable()
    if not isinstance(claims, list) or not all(isinstance(claim, dict) for claim in claims):
        _unreadable()
    if not all(found[name] is None or isinstance(found[name], str) for name in ("plate", "zone", "photo")):
        _unreadable()
    photo = None if found["photo"] is None else _photo(found["photo"])
    return CaseContent(note, verdict, tuple(claims), found["plate"], found["zone"], at, photo)


def _photo(text: str) -> bytes:
    raw = from_base64url(text)
    return raw if raw is not None and raw.startswith(_JPEG) else _unreadable()


def _id(case_id: str) -> bytes:
    found = read_nonce(case_id)
    return _not_found() if found is None else found


def _not_found() -> NoReturn:
    raise CaseNotFound("There is no case of this id; it may have been deleted.")


def _unreadable() -> NoReturn:
    raise CaseUnreadable("The case was opened, but does not hold what a case holds.")
