"""The signed public documents: read, checked, and kept as one immutable set that verification looks things up in.

Whatever fails a check counts as absent, and the last good one serves (how old is too old is for verification to
say). A document older than one seen is not taken. Sources: Token Status List draft section 8.3; design section 7.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import MappingProxyType

import structlog
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from keys.certificates import BROKEN
from keys.errors import TrustListInvalid, WalletPassError
from keys.signer import Role
from keys.strict_json import read_object
from keys.trust_list import MAX_TRUST_LIST, ListedKey, ListedType, TrustList, read_trust_list
from verifiers.documents import Document, DocumentSource
from verifiers.known_types import KnownType, know_type
from verifiers.seen import SeenDocuments
from walletpass.cbor import COSE_SIGN1_TAG
from walletpass.errors import Malformed, StatusListInvalid
from walletpass.pass_type import PassType
from walletpass.status_list import StatusList
from walletpass.status_token import MAX_TOKEN, read_token
from walletpass.type_metadata import MAX_DOCUMENT, from_document

MAX_LISTS = 256
CLOCK_TOLERANCE = 300  # seconds a signed list may seem to come from the future
RETRY = 60  # seconds until a refused document is looked at again: what came from the future may be of now by then
_MAX_AGGREGATION = 64 << 10  # bytes
_MAX_TOLD = 1024
_TRUST_LIST, _AGGREGATION = "trust-list.jwt", "status-lists.json"
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
    token: bytes


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


def _type_path(listed: ListedType) -> str:
    return f"types/{listed.name}/{listed.version}.json"


def _path_of(uri: str, token: bytes) -> str:
    """Where a status list is read from, below the published address."""
    return f"status/{uri.rpartition('/')[2]}.{'cwt' if token[:1] == COSE_SIGN1_TAG else 'jwt'}"


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
        self._trust_token = b""
        self._types: dict[str, tuple[PassType, bytes]] = {}  # by digest
        self._lists: dict[str, _TakenList] = {}
        self._tags: dict[str, str] = {}  # of documents that were judged
        self._refused: dict[str, int] = {}  # when a document was judged and not taken
        self._told: dict[str, str] = {}  # the problem last logged of each document

    def recall(self, now: int) -> PublishedSet:
        """The set as it was last seen, without the source."""
        if self._seen is not None:
            self._taken("seen trust list", self._seen.trust_list(), partial(self._take_trust_list, now, keep=False))
            self._take_types(now, from_source=False)
            for number, token in enumerate(self._seen.status_tokens()):
                self._taken(f"seen status list {number}", token, partial(self._take_list, now, None))
        return self._published_set()

    def refresh(self, now: int) -> PublishedSet:
        """Read what changed at the source; `now` is a NumericDate. No document can keep the others from being read."""
        for path in [path for path, judged in self._refused.items() if not judged <= now < judged + RETRY]:
            self._forget(path)
        self._look(_TRUST_LIST, MAX_TRUST_LIST, now, partial(self._take_trust_list, now, keep=True))
        self._take_types(now, from_source=True)
        for list_id, uri in self._announced(now):
            take = partial(self._take_list, now, uri)
            if not self._look(f"status/{list_id}.cwt", MAX_TOKEN, now, take):
                self._look(f"status/{list_id}.jwt", MAX_TOKEN, now, take)
        return self._published_set()

    def taken(self) -> dict[str, bytes]:
        """The documents that were taken, as they came, by path; the list of status lists names those that are here."""
        trust = self._trust_list
        if trust is None:
            return {}
        lists = {_path_of(uri, found.token): found.token for uri, found in sorted(self._lists.items())}
        known = [listed for listed in trust.types if listed.sha256 in self._types]
        types = {_type_path(listed): self._types[listed.sha256][1] for listed in known}
        hint = json.dumps({"status_lists": sorted(self._lists)}, separators=(",", ":")).encode()
        return {_TRUST_LIST: self._trust_token, _AGGREGATION: hint, **types, **lists}

    def _forget(self, path: str) -> None:
        self._tags.pop(path, None)
        self._refused.pop(path, None)

    def _look(self, path: str, limit: int, now: int, take: Callable[[bytes], None]) -> bool:
        """Read and take one document unless it was judged before. True: the one at `path` is good."""
        try:
            found = self._source.read(path, limit, self._tags.get(path, ""))
        except Exception as accident:  # hostile answers meet libraries with nearly anything
            self._tell(path, type(accident).__name__)
            return False
        if not isinstance(found, Document):
            return found is not None and path not in self._refused
        good = self._taken(path, found.content, take)
        self._tags[path] = found.tag
        if good:
            self._refused.pop(path, None)
        else:
            self._refused[path] = now
        return good

    def _taken(self, name: str, content: bytes | None, take: Callable[[bytes], None]) -> bool:
        if content is None:
            return False
        try:
            take(content)
        except WalletPassError as refusal:
            self._tell(name, refusal.sentence)
        except Exception as accident:  # as above
            self._tell(name, type(accident).__name__)
        else:
            self._told.pop(name, None)
            return True
        return False

    def _tell(self, name: str, problem: str) -> None:
        """Log a refusal once, not with every look."""
        if self._told.get(name) != problem:
            if len(self._told) >= _MAX_TOLD:  # names come from an unsigned list
                self._told.clear()
            self._told[name] = problem
            _LOG.warning("document_refused", document=name, problem=problem)

    def _take_trust_list(self, now: int, token: bytes, *, keep: bool) -> None:
        found = read_trust_list(token, self._anchor, now, self._status_eku)
        last = self._trust_list
        if last is not None and (found.version < last.version or found.issued_at < last.issued_at):
            raise TrustListInvalid(f"The trust list is older (version {found.version}) than one seen ({last.version}).")
        self._trust_list, self._trust_token = found, token
        self._lists = {uri: taken for uri, taken in self._lists.items() if _still_trusted(taken, found)}
        self._tags, self._refused = {}, {}  # other keys may be listed now: look at every document again
        if keep and self._seen is not None:
            self._seen.keep_trust_list(token)

    def _take_types(self, now: int, from_source: bool) -> None:
        for listed in self._trust_list.types if self._trust_list else ():
            if listed.sha256 in self._types or not _TYPE_NAME.fullmatch(listed.name):
                continue
            path = _type_path(listed)
            kept = self._seen.type_document(listed.sha256) if self._seen else None
            if not self._taken(f"seen {path}", kept, partial(self._take_type, listed, keep=False)) and from_source:
                self._look(path, MAX_DOCUMENT, now, partial(self._take_type, listed, keep=True))

    def _take_type(self, listed: ListedType, content: bytes, *, keep: bool) -> None:
        if hashlib.sha256(content).hexdigest() != listed.sha256:
            raise Malformed("The description is not the one that the trust list names.")
        found = from_document(content)
        if (found.name, found.number, found.version) != (listed.name, listed.number, listed.version):
            raise Malformed("The description is of another type than the trust list says.")
        self._types[listed.sha256] = found, content
        if keep and self._seen is not None:
            self._seen.keep_type_document(listed.sha256, content)

    def _announced(self, now: int) -> list[tuple[str, str]]:
        """The lists we know and those that status-lists.json names, as (id, uri).

        That document is unsigned: a hint what to read, nothing more.
        """
        announced: dict[str, None] = {}

        def read(content: bytes) -> None:
            uris = read_object(content)["status_lists"]
            if not isinstance(uris, list):
                raise TypeError("list expected")
            announced.update(dict.fromkeys(uri for uri in uris[:MAX_LISTS] if isinstance(uri, str)))

        self._forget(_AGGREGATION)
        self._look(_AGGREGATION, _MAX_AGGREGATION, now, read)
        pairs = [(uri.rpartition("/")[2], uri) for uri in announced | dict.fromkeys(self._lists)]
        return [(list_id, uri) for list_id, uri in pairs if _LIST_ID.fullmatch(list_id)]

    def _take_list(self, now: int, uri: str | None, token: bytes) -> None:
        """Take a token that is good, about `uri` (None: whatever it is about) and not older than the one we have."""
        signed_by: list[ListedKey] = []
        listed = read_token(token, lambda kid, m, s: signed_by.append(self._status_signer(kid, m, s)))
        if uri is not None and listed.uri != uri:
            raise StatusListInvalid("The status list is about another URI than it was announced for.")
        if listed.issued_at > now + CLOCK_TOLERANCE:
            # Taken, it would shut out every later one (the trust list is read by the same rule).
            raise StatusListInvalid("The status list comes from the future; check this machine's clock.")
        key = signed_by[0]
        if not _in_window(key, listed.issued_at):
            raise StatusListInvalid("The status list was signed outside its key's time.")
        last = self._lists.get(listed.uri)
        if last is not None and listed.issued_at < last.listed.issued_at:
            raise StatusListInvalid("The status list is older than one seen.")
        if last is None and len(self._lists) >= MAX_LISTS:
            raise StatusListInvalid(f"There are more than {MAX_LISTS} status lists.")
        self._lists[listed.uri] = _TakenList(listed, key, token)
        if uri is not None and self._seen is not None and (last is None or last.listed != listed):
            self._seen.keep_status_token(listed.uri, token)

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
            number: know_type([self._types[v.sha256][0] for v in found], min(v.max_status_age for v in found))
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
    except BROKEN:
        raise AnchorInvalid(f"{path} holds no certificate in PEM form.") from None
