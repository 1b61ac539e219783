"""The signed public documents: read, checked, and kept as one immutable set that verification looks things up in.

Whatever fails a check counts as absent, and the last good one serves (how old is too old is for verification to
say). A document older than one seen is not taken. Sources: Token Status List draft section 8.3; design section 7.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import structlog
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from keys.errors import TrustListInvalid, WalletPassError
from keys.signer import Role
from keys.strict_json import read_object
from keys.trust_list import MAX_TRUST_LIST, ListedKey, ListedType, TrustList, read_trust_list
from verifiers.documents import Document, DocumentSource, Unchanged
from verifiers.known_types import KnownType, know_type
from verifiers.seen import SeenDocuments
from walletpass.errors import Malformed, StatusListInvalid
from walletpass.pass_type import PassType
from walletpass.status_list import StatusList
from walletpass.status_token import MAX_TOKEN, read_token
from walletpass.type_metadata import MAX_DOCUMENT, from_document

MAX_LISTS = 256
CLOCK_TOLERANCE = 300  # seconds a signed list may seem to come from the future
_MAX_AGGREGATION = 64 << 10  # bytes
_LIST_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")
_TYPE_NAME = re.compile(r"[a-z0-9_]{1,64}")
_LOG = structlog.get_logger(__name__)


class AnchorInvalid(WalletPassError):
    """There is no usable trust anchor."""

    code = "anchor_invalid"
    wrong_usage = True


@dataclass(frozen=True, slots=True)
class PublishedSet:
    """All that verification knows, prepared for look-ups; never changed, only replaced.

    `credential_keys` by kid, `type_names` and `known_types` by type number (a type is known when its documents are
    here and have the listed digests), `status_lists` by URI.
    """

    trust_list: TrustList | None = None
    credential_keys: Mapping[bytes, tuple[ListedKey, ...]] = field(default_factory=lambda: MappingProxyType({}))
    type_names: Mapping[int, str] = field(default_factory=lambda: MappingProxyType({}))
    known_types: Mapping[int, KnownType] = field(default_factory=lambda: MappingProxyType({}))
    status_lists: Mapping[str, StatusList] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class _TakenList:
    listed: StatusList
    signed_by: ListedKey


def _in_window(key: ListedKey, issued_at: int) -> bool:
    return key.sign_from <= issued_at and (key.sign_until is None or issued_at <= key.sign_until)


def _still_trusted(taken: _TakenList, trust: TrustList) -> bool:
    """A status list whose key was withdrawn since is a list of nobody."""
    return any(
        key.role is Role.STATUS_LIST
        and key.certificate == taken.signed_by.certificate
        and _in_window(key, taken.listed.issued_at)
        for key in trust.keys
    )


class PublishedDocuments:
    """Reads the documents of one place and remembers the newest. Not for several threads at once."""

    def __init__(
        self,
        source: DocumentSource,
        anchor: x509.Certificate,
        seen: SeenDocuments | None = None,
        status_eku: str = "",
    ) -> None:
        """`status_eku`: a further extended key usage (OID) that status signers may have."""
        self._source, self._anchor, self._seen, self._status_eku = source, anchor, seen, status_eku
        self._trust_list: TrustList | None = None
        self._types: dict[str, PassType] = {}  # by digest
        self._lists: dict[str, _TakenList] = {}
        self._tags: dict[str, str] = {}  # of documents that were taken

    def recall(self, now: int) -> PublishedSet:
        """The set as it was last seen, without the source."""
        if self._seen is not None:
            self._take_trust_list(self._seen.trust_list(), now)
            self._take_types(from_source=False)
            for token in self._seen.status_tokens():
                self._take_list(token, None, now)
        return self._published_set()

    def refresh(self, now: int) -> PublishedSet:
        """Read what changed at the source; `now` is a NumericDate."""
        token = self._read("trust-list.jwt", MAX_TRUST_LIST)
        if token is not None and self._take_trust_list(token.content, now):
            self._tags = {"trust-list.jwt": token.tag}  # other keys may be listed now: look at every list again
            if self._seen is not None:
                self._seen.keep_trust_list(token.content)
        self._take_types(from_source=True)
        for list_id, uri in self._announced():
            self._refresh_list(list_id, uri, now)
        return self._published_set()

    def _read(self, path: str, limit: int) -> Document | None:
        found = self._source.read(path, limit, self._tags.get(path, ""))
        return None if isinstance(found, Unchanged) else found

    def _take_trust_list(self, token: bytes | None, now: int) -> bool:
        if token is None:
            return False
        try:
            found = read_trust_list(token, self._anchor, now, self._status_eku)
        except TrustListInvalid as refusal:
            _LOG.warning("trust_list_refused", problem=refusal.sentence)
            return False
        last = self._trust_list
        if last is not None and (found.version < last.version or found.issued_at < last.issued_at):
            _LOG.warning("trust_list_older_than_seen", version=found.version, seen=last.version)
            return False
        self._trust_list = found
        self._lists = {uri: taken for uri, taken in self._lists.items() if _still_trusted(taken, found)}
        return True

    def _take_types(self, from_source: bool) -> None:
        for listed in self._trust_list.types if self._trust_list else ():
            if listed.sha256 in self._types or not _TYPE_NAME.fullmatch(listed.name):
                continue
            content = self._seen.type_document(listed.sha256) if self._seen else None
            if not self._take_type(listed, content) and from_source:
                path = f"types/{listed.name}/{listed.version}.json"
                found = self._read(path, MAX_DOCUMENT)
                if found and self._take_type(listed, found.content) and self._seen:
                    self._seen.keep_type_document(listed.sha256, found.content)

    def _take_type(self, listed: ListedType, content: bytes | None) -> bool:
        if content is None or hashlib.sha256(content).hexdigest() != listed.sha256:
            return False
        try:
            found = from_document(content)
        except Malformed:
            return False
        if (found.name, found.number, found.version) != (listed.name, listed.number, listed.version):
            return False
        self._types[listed.sha256] = found
        return True

    def _announced(self) -> list[tuple[str, str]]:
        """The lists we know and those that status-lists.json names, as (id, uri).

        That document is unsigned: a hint what to read, nothing more.
        """
        found = self._source.read("status-lists.json", _MAX_AGGREGATION)
        try:
            uris = read_object(found.content)["status_lists"] if isinstance(found, Document) else []
            if not isinstance(uris, list):
                raise TypeError("list expected")
            announced = dict.fromkeys(uri for uri in uris[:MAX_LISTS] if isinstance(uri, str))
        except (ValueError, KeyError, TypeError):
            _LOG.warning("status_lists_announcement_refused")
            announced = {}
        pairs = [(uri.rpartition("/")[2], uri) for uri in announced | dict.fromkeys(self._lists)]
        return [(list_id, uri) for list_id, uri in pairs if _LIST_ID.fullmatch(list_id)]

    def _refresh_list(self, list_id: str, uri: str, now: int) -> None:
        for path in (f"status/{list_id}.cwt", f"status/{list_id}.jwt"):
            found = self._source.read(path, MAX_TOKEN, self._tags.get(path, ""))
            if isinstance(found, Unchanged):
                return
            if found is not None and self._take_list(found.content, uri, now):
                self._tags[path] = found.tag
                return

    def _take_list(self, token: bytes, uri: str | None, now: int) -> bool:
        """Take a token that is good, about `uri` (None: whatever it is about) and not older than the one we have."""
        signed_by: list[ListedKey] = []
        try:
            listed = read_token(token, lambda kid, m, s: signed_by.append(self._status_signer(kid, m, s)))
            if uri is not None and listed.uri != uri:
                raise StatusListInvalid("The status list is about another URI than it was announced for.")
            if listed.issued_at > now + CLOCK_TOLERANCE:
                # Taken, it would shut out every later one (the trust list is read by the same rule).
                raise StatusListInvalid("The status list comes from the future; check this machine's clock.")
            key = signed_by[0]
            if not _in_window(key, listed.issued_at):
                raise StatusListInvalid("The status list was signed outside its key's time.")
        except StatusListInvalid as refusal:
            _LOG.warning("status_list_refused", uri=uri, problem=refusal.sentence)
            return False
        last = self._lists.get(listed.uri)
        if last is not None and listed.issued_at < last.listed.issued_at:
            _LOG.warning("status_list_older_than_seen", uri=listed.uri)
            return False
        if last is None and len(self._lists) >= MAX_LISTS:
            return False
        self._lists[listed.uri] = _TakenList(listed, key)
        if uri is not None and self._seen is not None and (last is None or last.listed != listed):
            self._seen.keep_status_token(listed.uri, token)
        return True

    def _status_signer(self, kid: bytes, message: bytes, signature: bytes) -> ListedKey:
        keys = self._trust_list.keys_named(kid, Role.STATUS_LIST) if self._trust_list else ()
        if len(signature) != 64:
            raise StatusListInvalid("The status list's signature does not have 64 bytes.")
        der = encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
        for key in keys:
            try:
                key.public_key.verify(der, message, ECDSA(SHA256()))
            except InvalidSignature:
                continue
            return key
        raise StatusListInvalid("No key that may sign status lists has signed this one.")

    def _published_set(self) -> PublishedSet:
        trust = self._trust_list
        if trust is None:
            return PublishedSet()
        keys: dict[bytes, tuple[ListedKey, ...]] = {}
        for key in trust.keys:
            if key.role is Role.CREDENTIAL:
                keys[key.kid] = (*keys.get(key.kid, ()), key)
        versions: dict[int, list[ListedType]] = {}
        for listed in trust.types:
            versions.setdefault(listed.number, []).append(listed)
        known = {
            number: know_type([self._types[v.sha256] for v in found], min(v.max_status_age for v in found))
            for number, found in versions.items()
            if all(v.sha256 in self._types and v.name == found[0].name for v in found)
        }
        return PublishedSet(
            trust_list=trust,
            credential_keys=MappingProxyType(keys),
            type_names=MappingProxyType({number: found[0].name for number, found in versions.items()}),
            known_types=MappingProxyType(known),
            status_lists=MappingProxyType({uri: taken.listed for uri, taken in self._lists.items()}),
        )


def read_anchor(path: Path) -> x509.Certificate:
    """The trust anchor's certificate (PEM), given out of band; raises `AnchorInvalid`."""
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except OSError:
        raise AnchorInvalid(f"The trust anchor {path} cannot be read; name it with --anchor.") from None
    except ValueError:
        raise AnchorInvalid(f"{path} holds no certificate in PEM form.") from None
