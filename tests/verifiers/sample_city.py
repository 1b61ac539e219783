"""A city that publishes by hand, so that a test can forge every single document."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding

from keys.demo import create_anchor
from keys.key_ring import KeyRing
from keys.rotation import ISSUED_ROLES, new_key
from keys.signer import Role, Signer
from keys.trust_list import ListedKey, ListedType, TrustList, sign_trust_list
from tests.phone import Phone
from verifiers.documents import Folder
from verifiers.published import PublishedDocuments, PublishedSet
from verifiers.seen import SeenDocuments
from walletpass.credential import Evidence, StatusReference
from walletpass.formats import bound_cwt
from walletpass.formats.cwt import FORMAT
from walletpass.pass_type import PassType
from walletpass.pass_types import load_catalogue
from walletpass.status_list import StatusArray, compress
from walletpass.status_token import TokenTimes, TokenWriter
from walletpass.type_metadata import to_document

NOW = 1_800_000_000  # 15 January 2027, 08:00 UTC
HOUR, DAY = 3600, 86400
ISSUER = "https://karten.example"
LIST_URI = f"{ISSUER}/status/1"
TYPES = load_catalogue()
PARKING = TYPES.named("resident_parking_permit")
CLAIMS: dict[str, Any] = {"permit_number": "BP-2027-000123", "zone": "MÜ", "plates": ("D-AB 1234E",)}


class SampleCity:
    """Keys in memory and a folder of published documents; `now` moves by hand."""

    def __init__(self, home: Path, issuer: str = ISSUER, now: int = NOW) -> None:
        self.home, self.published, self.issuer, self.now = home, home / "published", issuer, now
        self.list_uri = f"{issuer}/status/1"
        self.ring = KeyRing.in_memory()
        create_anchor(self.ring, self._time(), public_url=issuer, city_name="Düsseldorf")
        for role in ISSUED_ROLES:
            new_key(self.ring, role, self._time())
        self.statuses = StatusArray.empty(1024)
        self.version = 0
        (home / "anchor.pem").parent.mkdir(parents=True, exist_ok=True)
        (home / "anchor.pem").write_bytes(self.ring.anchor_certificate.public_bytes(Encoding.PEM))

    def _time(self) -> datetime:
        return datetime.fromtimestamp(self.now, UTC)

    def signer(self, role: Role) -> Signer:
        return self.ring.signer(role, self._time())

    def write(self, path: str, content: bytes) -> None:
        file = self.published / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)

    def trust_list(self, **changes: Any) -> TrustList:
        self.version += 1
        types = []
        for found in TYPES:
            document = to_document(found, self.issuer)
            self.write(f"{found.path()}.json", document)
            digest = hashlib.sha256(document).hexdigest()
            types.append(ListedType(found.name, found.number, found.version, digest, found.max_status_age))
        keys = self.ring.listed_keys(self._time())
        listed = TrustList(self.issuer, self.version, self.now, self.now + 30 * DAY, keys, tuple(types))
        return replace(listed, **changes)

    def publish(
        self, change_key: Callable[[ListedKey], ListedKey | None] = lambda key: key, **changes: Any
    ) -> TrustList:
        """Write every document. `change_key` may alter or drop listed keys, `changes` alter the trust list."""
        listed = self.trust_list(**changes)
        keys = tuple(key for key in map(change_key, listed.keys) if key is not None)
        listed = replace(listed, keys=keys)
        self.write("trust-list.jwt", sign_trust_list(listed, self.signer(Role.TRUST_LIST)))
        self.publish_statuses()
        return listed

    def publish_statuses(self, form: str = "cwt") -> None:
        self.write("status-lists.json", json.dumps({"status_lists": [self.list_uri]}).encode())
        self.write(f"status/1.{form}", self.status_token(form))

    def status_token(
        self,
        form: str = "cwt",
        *,
        uri: str = "",
        role: Role = Role.STATUS_LIST,
        issued_at: int = 0,
        expires_at: int = 0,
        packed: bytes | None = None,
    ) -> bytes:
        writer = TokenWriter(uri or self.list_uri, f"{self.issuer}/published/status-lists.json", self.signer(role))
        issued_at = issued_at or self.now
        times = TokenTimes(issued_at, expires_at or issued_at + 8 * DAY, 300)
        content = compress(self.statuses.raw) if packed is None else packed
        return writer.cwt(content, times) if form == "cwt" else writer.jwt(content, times)

    def evidence(self, pass_type: PassType = PARKING, **changes: Any) -> Evidence:
        found = Evidence(
            issuer=self.issuer,
            pass_type=pass_type,
            claims=CLAIMS,
            issued_at=self.now,
            valid_from=self.now,
            valid_until=self.now + 100 * DAY,
            credential_id=b"\x01" * 8,
            status=StatusReference(self.list_uri, 7),
        )
        return replace(found, **changes)

    def qr(self, signer: Signer | None = None, **changes: Any) -> str:
        return FORMAT.encode(self.evidence(**changes), signer or self.signer(Role.CREDENTIAL))

    def live(self, phone: Phone, at: int = 0, **changes: Any) -> str:
        """A live code of a phone whose key the city has bound a credential to."""
        evidence = self.evidence(holder_key=phone.point, **changes)
        return phone.shows(bound_cwt.FORMAT.encode(evidence, self.signer(Role.CREDENTIAL)), at or self.now)

    def documents(self, cache: Path | None = None) -> PublishedDocuments:
        seen = SeenDocuments(cache) if cache else None
        return PublishedDocuments(Folder(self.published), self.ring.anchor_certificate, seen)

    def known(self) -> PublishedSet:
        return self.documents().refresh(self.now)
