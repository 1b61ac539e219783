"""The index of a key ring: one entry per key, kept in `ring.json` or in memory. It holds no secret."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from keys.atomic_file import locked_folder, write_private
from keys.errors import KeyProblem
from keys.signer import Role

INDEX_FILE = "ring.json"
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """One key of the ring. Times are aware, UTC.

    The key signs while `sign_from` <= now < `sign_until` (None: no end) and it is not withdrawn. `pass_types` are
    names; empty means every type. `certificate_until` is None for a key without a certificate. `uri` says where the
    key lives: `file:credential-00ff00ff00ff00ff`.
    """

    uri: str
    role: Role
    kid: bytes
    subject: str
    pass_types: frozenset[str]
    sign_from: datetime
    sign_until: datetime | None
    withdrawn_at: datetime | None
    certificate_until: datetime | None

    def is_withdrawn(self, now: datetime) -> bool:
        return self.withdrawn_at is not None and self.withdrawn_at <= now

    def can_sign(self, now: datetime) -> bool:
        in_window = self.sign_from <= now and (self.sign_until is None or now < self.sign_until)
        return in_window and not self.is_withdrawn(now)


class RingIndex(Protocol):
    """Where the entries are kept."""

    def stamp(self) -> object:
        """Changes whenever the entries do; cheap, it is asked before every use of a key."""
        ...

    def read(self) -> tuple[KeyEntry, ...]: ...

    def write(self, entries: tuple[KeyEntry, ...]) -> None: ...

    def locked(self) -> AbstractContextManager[None]:
        """One writer at a time, over read and write."""
        ...


class MemoryIndex:
    """A `RingIndex` that is gone with the process."""

    def __init__(self) -> None:
        self._entries: tuple[KeyEntry, ...] = ()

    def stamp(self) -> object:
        return self._entries

    def read(self) -> tuple[KeyEntry, ...]:
        return self._entries

    def write(self, entries: tuple[KeyEntry, ...]) -> None:
        self._entries = entries

    def locked(self) -> AbstractContextManager[None]:
        return contextlib.nullcontext()


class FileIndex:
    """A `RingIndex` in `ring.json`, replaced as a whole; other processes see a change at their next use of a key."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._file = directory / INDEX_FILE

    def stamp(self) -> object:
        try:
            found = self._file.stat()
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    def read(self) -> tuple[KeyEntry, ...]:
        try:
            document = json.loads(self._file.read_bytes())
            if document["format"] != _FORMAT:
                raise KeyProblem(f"{INDEX_FILE} was written by another version of this software.")
            return tuple(_from_json(item) for item in document["keys"])
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise KeyProblem(f"{INDEX_FILE} cannot be read: {error.strerror}.") from None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise KeyProblem(f"{INDEX_FILE} is damaged; restore the folder of the keys from a backup.") from None

    def write(self, entries: tuple[KeyEntry, ...]) -> None:
        document = {"format": _FORMAT, "keys": [to_json(entry) for entry in entries]}
        write_private(self._file, json.dumps(document, ensure_ascii=False, indent=1).encode())

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        with locked_folder(self._directory):
            yield


class Reentrant:
    """Makes a lock re-entrant within one thread, and exclusive among the threads of this process."""

    def __init__(self, index: RingIndex) -> None:
        self._index = index
        self._threads = threading.RLock()
        self._depth = 0

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        with self._threads:
            self._depth += 1
            try:
                with self._index.locked() if self._depth == 1 else contextlib.nullcontext():
                    yield
            finally:
                self._depth -= 1


def to_json(entry: KeyEntry) -> dict[str, Any]:
    """The entry as `ring.json` and `keys list --json` show it; times are ISO 8601, the kid is hexadecimal."""
    return {
        "uri": entry.uri,
        "role": str(entry.role),
        "kid": entry.kid.hex(),
        "subject": entry.subject,
        "pass_types": sorted(entry.pass_types),
        "sign_from": entry.sign_from.isoformat(),
        "sign_until": _iso(entry.sign_until),
        "withdrawn_at": _iso(entry.withdrawn_at),
        "certificate_until": _iso(entry.certificate_until),
    }


def _from_json(item: dict[str, Any]) -> KeyEntry:
    return KeyEntry(
        uri=item["uri"],
        role=Role(item["role"]),
        kid=bytes.fromhex(item["kid"]),
        subject=item["subject"],
        pass_types=frozenset(item["pass_types"]),
        sign_from=_instant(item["sign_from"]),
        sign_until=_optional_instant(item["sign_until"]),
        withdrawn_at=_optional_instant(item["withdrawn_at"]),
        certificate_until=_optional_instant(item["certificate_until"]),
    )


def _iso(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()


def _optional_instant(text: str | None) -> datetime | None:
    return None if text is None else _instant(text)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
