"""The plate lists of today and tomorrow and the keys to them: read, checked, and handed on as one `PlateLookup`.

As for the other published documents: what fails a check counts as absent, the last good one serves, and a document
older than one seen is not taken. What a key has signed that was withdrawn since is nobody's.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date
from functools import partial
from types import MappingProxyType
from typing import Generic, TypeVar

import structlog
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from keys.signer import Role
from keys.trust_list import ListedKey, TrustList
from verifiers.documents import Document, DocumentSource
from verifiers.plates import PlateLookup, today_and_tomorrow
from verifiers.receiving import ReceivingKey
from verifiers.seen import SeenDocuments
from walletpass.errors import PlateListInvalid
from walletpass.plate_keys import MAX_TOKEN, PlateKeys, keys_path, read_plate_keys
from walletpass.plate_list import MAX_LIST, PlateList, Verify, list_path, read_plate_list

CLOCK_TOLERANCE = 300  # seconds a signed document may seem to come from the future
_LOG = structlog.get_logger(__name__)
_Signed = TypeVar("_Signed", PlateList, PlateKeys)


@dataclass(frozen=True, slots=True)
class _Taken(Generic[_Signed]):
    document: _Signed
    signed_by: ListedKey
    token: bytes


class PlateDocuments:
    """Reads them from one place and remembers the newest. Not for several threads at once."""

    def __init__(self, source: DocumentSource, receiver: ReceivingKey, seen: SeenDocuments | None = None) -> None:
        self._source, self._receiver, self._seen = source, receiver, seen
        self._trust: TrustList | None = None
        self._lists: dict[date, _Taken[PlateList]] = {}
        self._sent: _Taken[PlateKeys] | None = None
        self._keys: dict[date, bytes] = {}
        self._tags: dict[str, str] = {}

    def recall(self, trust: TrustList | None, now: int) -> PlateLookup:
        """As it was last seen, without the source. `trust` is the newest trust list, `now` a NumericDate."""
        return self._read(trust, now, self._from_cache)

    def refresh(self, trust: TrustList | None, now: int) -> PlateLookup:
        """Read what changed at the source."""
        return self._read(trust, now, self._from_source)

    def taken(self) -> dict[str, bytes]:
        """The lists that were taken, as they came, by path; never the keys to them."""
        return {list_path(day): taken.token for day, taken in self._lists.items()}

    def _read(self, trust: TrustList | None, now: int, read: Callable[[str, int], Document | None]) -> PlateLookup:
        days = today_and_tomorrow(now)
        if trust != self._trust:
            self._trust, self._tags = trust, {}  # other keys may be listed now: look at everything again
        self._forget(days)
        for day in days if trust is not None else ():
            self._take(list_path(day), read(list_path(day), MAX_LIST), partial(self._take_list, day, now))
        if trust is not None:
            path = keys_path(self._receiver.id)
            self._take(path, read(path, MAX_TOKEN), partial(self._take_keys, now))
        lists = {day: taken.document for day, taken in self._lists.items()}
        keys = {day: key for day, key in self._keys.items() if day in days}
        return PlateLookup(trust, MappingProxyType(lists), MappingProxyType(keys))

    def _from_source(self, path: str, limit: int) -> Document | None:
        found = self._source.read(path, limit, self._tags.get(path, ""))
        return found if isinstance(found, Document) else None

    def _from_cache(self, path: str, limit: int) -> Document | None:
        found = self._seen.plate_document(path, limit) if self._seen else None
        return None if found is None else Document(found, "")

    def _take(self, path: str, found: Document | None, take: Callable[[bytes], None]) -> None:
        if found is None:
            return
        try:
            take(found.content)
        except PlateListInvalid as refusal:
            _LOG.warning("plate_document_refused", document=path.split("/")[1], problem=refusal.sentence)
            return
        if found.tag and self._seen is not None:
            self._seen.keep_plate_document(path, found.content)
        self._tags[path] = found.tag

    def _take_list(self, day: date, now: int, token: bytes) -> None:
        signers: list[ListedKey] = []
        plates = read_plate_list(token, self._verify_into(signers))
        if plates.day != day:
            raise PlateListInvalid("The plate list is that of another day.")
        last = self._lists.get(day)
        self._check(plates, signers[0], now, last.document.issued_at if last else 0)
        self._lists[day] = _Taken(plates, signers[0], token)

    def _take_keys(self, now: int, token: bytes) -> None:
        signers: list[ListedKey] = []
        sent = read_plate_keys(token, self._verify_into(signers))
        if sent.recipient != self._receiver.id:
            raise PlateListInvalid("The keys of the plate lists are for another service.")
        self._check(sent, signers[0], now, self._sent.document.issued_at if self._sent else 0)
        keys = self._receiver.decrypt(sent.encrypted)
        self._sent, self._keys = _Taken(sent, signers[0], token), keys

    def _check(self, signed: PlateList | PlateKeys, key: ListedKey, now: int, seen: int) -> None:
        if self._trust is None or signed.issuer != self._trust.issuer:
            raise PlateListInvalid("The document is another issuer's.")
        if signed.issued_at > now + CLOCK_TOLERANCE:
            raise PlateListInvalid("The document comes from the future; check this machine's clock.")
        if not _in_window(key, signed.issued_at):
            raise PlateListInvalid("The document was signed outside its key's time.")
        if signed.issued_at < seen:
            raise PlateListInvalid("The document is older than one that was seen.")

    def _verify_into(self, signers: list[ListedKey]) -> Verify:
        def verify(kid: bytes, message: bytes, signature: bytes) -> None:
            if len(signature) != 64:
                raise PlateListInvalid("The signature does not have 64 bytes.")
            der = encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
            for key in self._trust.keys_named(kid, Role.PLATE_LIST) if self._trust else ():
                try:
                    key.public_key.verify(der, message, ECDSA(SHA256()))
                except InvalidSignature:
                    continue
                signers.append(key)
                return
            raise PlateListInvalid("No key that may sign plate lists has signed this.")

        return verify

    def _forget(self, days: Collection[date]) -> None:
        """Days that are over, and what a withdrawn key has signed."""
        self._lists = {day: taken for day, taken in self._lists.items() if day in days and self._trusted(taken)}
        if self._sent is not None and not self._trusted(self._sent):
            self._sent, self._keys = None, {}
        self._keys = {day: key for day, key in self._keys.items() if day in days}
        if self._seen is not None:
            self._seen.forget_plate_documents({list_path(day) for day in days})

    def _trusted(self, taken: _Taken[PlateList] | _Taken[PlateKeys]) -> bool:
        return self._trust is not None and any(
            key.role is Role.PLATE_LIST
            and key.certificate == taken.signed_by.certificate
            and _in_window(key, taken.document.issued_at)
            for key in self._trust.keys
        )


def _in_window(key: ListedKey, issued_at: int) -> bool:
    return key.sign_from <= issued_at and (key.sign_until is None or issued_at <= key.sign_until)
