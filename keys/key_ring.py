"""The key ring: which keys an installation has, for which role, and when each may sign.

Keys are opened when they are first needed and then kept: an EC key takes half a millisecond, an RSA key forty.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from keys.certificates import EXTENDED_KEY_USAGES, is_key_of
from keys.errors import CertificateMismatch, KeyNotFound, KeyProblem
from keys.local_signer import LocalSigner, key_id
from keys.ring_entries import FileIndex, KeyEntry, MemoryIndex, Reentrant, RingIndex
from keys.signer import PrivateKey, Role, Signer
from keys.signers import KeyPlace, open_place
from keys.trust_list import ListedKey, listed_key

IMPORTED_ROLES = frozenset({Role.APPLE_PASS, Role.GOOGLE_SERVICE_ACCOUNT})


class KeyRing:
    """All keys of one installation. Safe to share among threads; another process's changes show at the next use."""

    def __init__(self, index: RingIndex, scheme: str, place: KeyPlace) -> None:
        self._index, self._scheme, self._place = index, scheme, place
        self._lock = Reentrant(index)
        self._stamp: object = object()
        self._entries: tuple[KeyEntry, ...] = ()
        self._signers: dict[str, Signer] = {}

    @classmethod
    def open(cls, directory: Path, passphrase: bytes) -> KeyRing:
        """The ring in `directory`, which may be empty; raises `WrongPassphrase`, or `KeyProblem` when it is damaged."""
        ring = cls(FileIndex(directory), "file", open_place("file", directory, passphrase))
        ring._try_passphrase()
        return ring

    @classmethod
    def in_memory(cls) -> KeyRing:
        """An empty ring that is gone with the process."""
        return cls(MemoryIndex(), "memory", open_place("memory", Path(), b""))

    def entries(self) -> tuple[KeyEntry, ...]:
        """Every key ever added, the oldest first."""
        stamp = self._index.stamp()
        if stamp != self._stamp:
            self._entries = self._index.read()
            self._stamp = stamp
        return self._entries

    def signer(self, role: Role, now: datetime) -> Signer:
        """The newest key of `role` that may sign at `now` (aware); raises `KeyNotFound`."""
        found: KeyEntry | None = None
        for entry in self.entries():
            if entry.role is role and entry.can_sign(now) and (found is None or found.sign_from <= entry.sign_from):
                found = entry
        if found is None:
            verb = "import" if role in IMPORTED_ROLES else "new"
            raise KeyNotFound(
                f"No {role} key can sign now. Is the folder of the keys there? If there is really none, add one with: "
                f"walletpass keys {verb} {role}"
            )
        return self._signers.get(found.uri) or self._load(found)

    def chain(self, entry: KeyEntry) -> tuple[x509.Certificate, ...]:
        """The certificates of a key, leaf first. Does not open the key."""
        signer = self._signers.get(entry.uri)
        return signer.chain if signer else self._place.chain(_name(entry.role, entry.kid))

    def listed_keys(self, now: datetime) -> tuple[ListedKey, ...]:
        """The keys for the trust list: those of the roles under the anchor that are not withdrawn at `now`."""
        return tuple(
            listed_key(entry.role, self.chain(entry)[0], entry.pass_types, entry.sign_from, entry.sign_until)
            for entry in self.entries()
            if entry.role in EXTENDED_KEY_USAGES and not entry.is_withdrawn(now)
        )

    @property
    def anchor_certificate(self) -> x509.Certificate:
        """The newest anchor; its key may be elsewhere. Raises `KeyNotFound`."""
        anchors = [entry for entry in self.entries() if entry.role is Role.ANCHOR and entry.withdrawn_at is None]
        if not anchors:
            raise KeyNotFound("There is no anchor yet; make the keys with: walletpass init")
        return self.chain(anchors[-1])[0]

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Holds the ring for several changes in a row; other writers wait."""
        with self._lock.held():
            yield

    def add(
        self,
        role: Role,
        key: PrivateKey,
        chain: Sequence[x509.Certificate],
        sign_from: datetime,
        subject: str = "",
        pass_types: frozenset[str] = frozenset(),
        previous_until: datetime | None = None,
    ) -> KeyEntry:
        """Keep a new key, which ends with its certificate. `previous_until` ends the role's older keys at that instant.

        `sign_from` is taken down to the hour, as the times in credentials are: none may seem older than its key.
        `subject` is needed for keys without a certificate. Raises `KeyProblem` for a key that is already here.
        """
        if chain and not is_key_of(chain[0], key.public_key()):
            raise CertificateMismatch("The key does not belong to the certificate.")
        kid = key_id(chain[0] if chain else key.public_key())
        name = _name(role, kid)
        ends = chain[0].not_valid_after_utc if chain else None
        subject = chain[0].subject.rfc4514_string() if chain else subject
        start = sign_from.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        entry = KeyEntry(f"{self._scheme}:{name}", role, kid, subject, pass_types, start, ends, None, ends)
        with self.changing():
            entries = self.entries()
            if any(known.uri == entry.uri for known in entries):
                raise KeyProblem(f"The {role} key {kid.hex()} is already in the ring.")
            if previous_until is not None:
                entries = tuple(_ended(known, previous_until) if known.role is role else known for known in entries)
            self._place.store(name, key, chain)
            self._index.write((*entries, entry))
        return entry

    def withdraw(self, kid: bytes, now: datetime) -> KeyEntry:
        """From `now` the key neither signs nor stands in the trust list. Final.

        Raises `KeyNotFound`; and `KeyProblem` for an anchor, which no trust list carries, and for the only key of its
        role that can sign: without one nothing could be published, not even the withdrawal.
        """
        with self.changing():
            found = [entry for entry in self.entries() if entry.kid == kid and entry.withdrawn_at is None]
            if not found:
                raise KeyNotFound(f"There is no key {kid.hex()} that could be withdrawn.")
            self._require_another(found[0], now)
            withdrawn = replace(found[0], withdrawn_at=now.astimezone(UTC))
            self._index.write(tuple(withdrawn if entry is found[0] else entry for entry in self.entries()))
        return withdrawn

    def _require_another(self, leaving: KeyEntry, now: datetime) -> None:
        role = leaving.role
        if role is Role.ANCHOR:
            raise KeyProblem("An anchor cannot be withdrawn: every verifier was given it; plan a new installation.")
        signing = [entry for entry in self.entries() if entry.role is role and entry.can_sign(now)]
        if signing == [leaving]:
            verb = f"import {role}" if role in IMPORTED_ROLES else f"new {role} --lead-days 0"
            raise KeyProblem(f"This is the only {role} key that can sign; first: walletpass keys {verb}")

    def _load(self, entry: KeyEntry) -> Signer:
        name = _name(entry.role, entry.kid)
        key, chain = self._place.load(name), self._place.chain(name)
        if key_id(chain[0] if chain else key.public_key()) != entry.kid:
            raise CertificateMismatch(f"The certificate beside the {entry.role} key is not the one in the ring.")
        if chain and not is_key_of(chain[0], key.public_key()):
            raise CertificateMismatch(f"The certificate beside the {entry.role} key belongs to another key.")
        signer = LocalSigner(entry.role, entry.kid, chain, entry.subject, key)
        self._signers[entry.uri] = signer
        return signer

    def _try_passphrase(self) -> None:
        """A wrong passphrase is told at the start, and never encrypts a second key beside the first."""
        for entry in self.entries():
            if entry.role in EXTENDED_KEY_USAGES:
                self._load(entry)
                return


def _name(role: Role, kid: bytes) -> str:
    return f"{role}-{kid.hex()}"


def _ended(entry: KeyEntry, until: datetime) -> KeyEntry:
    until = until.astimezone(UTC)
    return entry if entry.sign_until is not None and entry.sign_until <= until else replace(entry, sign_until=until)
