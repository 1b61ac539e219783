"""The small city that the vectors come from: fresh keys, signed documents, and credentials good and bad.

Everything hangs on the constant `NOW`, so vectors never age. Private keys live as long as the process.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import Encoding

from keys.issuing import make_anchor, make_signer_certificate, new_ec_key
from keys.local_signer import LocalSigner, key_id
from keys.signer import Role
from keys.trust_list import ListedKey, ListedType, TrustList, listed_key, sign_trust_list
from walletpass import base45, cbor, cose
from walletpass.entitlement import ClaimValue
from walletpass.pass_type import ClaimKind
from walletpass.pass_types import load_catalogue
from walletpass.status_list import StatusArray, compress
from walletpass.status_token import TokenTimes, TokenWriter
from walletpass.type_metadata import to_document

NOW = 1_830_000_000  # 28 December 2027, 09:20 in Düsseldorf
HOUR, DAY = 3600, 86400
URL = "https://pass.example.org"
STATUS_URI = f"{URL}/status/1"
VALID, REVOKED, SUSPENDED, RESERVED, LIST_SIZE = 0, 1, 2, 3, 1024  # entries of that value at these indexes

ISS, EXP, NBF, IAT, CTI, CNF, STATUS, APP = 1, 4, 5, 6, 7, 8, 65535, -65537
CREDENTIAL = -65539  # in a holder's proof

_SAMPLES: dict[ClaimKind, ClaimValue] = {
    ClaimKind.TEXT: "Müller",
    ClaimKind.NUMBER: "2027-000123",
    ClaimKind.ZONE: "MÜ",
    ClaimKind.PLATES: ("D-AB 1234E", "D-XY 99"),
    ClaimKind.FLAG: True,
    ClaimKind.DATE: "1980-02-29",
    ClaimKind.YEAR: 1980,
    ClaimKind.COUNT: 3,
}
Documents = dict[str, bytes]


class VectorCity:
    """An anchor, its signers and what they publish."""

    def __init__(self) -> None:
        self._made = datetime.fromtimestamp(NOW, UTC) - timedelta(days=200)
        self._anchor_key = new_ec_key()
        self.anchor = make_anchor(self._anchor_key, self._made, URL, "Musterstadt")
        self.types = load_catalogue()
        self.credential = self._signer(Role.CREDENTIAL)
        self.library_only = self._signer(Role.CREDENTIAL)
        self.retired = self._signer(Role.CREDENTIAL)
        self.stranger = self._signer(Role.CREDENTIAL)  # certified, but not in the trust list
        self.status = self._signer(Role.STATUS_LIST)
        self.withdrawn_status = self._signer(Role.STATUS_LIST)  # certified, but not in the trust list
        self.trust = self._signer(Role.TRUST_LIST)
        self.holder = LocalSigner(Role.CREDENTIAL, bytes(8), (), "a phone", new_ec_key())
        self.other_holder = LocalSigner(Role.CREDENTIAL, bytes(8), (), "another phone", new_ec_key())
        self._published: Documents = {}

    def _signer(self, role: Role) -> LocalSigner:
        key = new_ec_key()
        certificate = make_signer_certificate(key, role, self.anchor, self._anchor_key, self._made)
        return LocalSigner(role, key_id(certificate), (certificate,), "signer", key)

    def anchor_pem(self) -> str:
        return self.anchor.public_bytes(Encoding.PEM).decode()

    def documents(self) -> Documents:
        """The published folder, by path; the same bytes whenever it is asked for."""
        if not self._published:
            self._published = {f"{t.path()}.json": to_document(t, URL) for t in self.types}
            self._published["trust-list.jwt"] = self.trust_list()
            self._published["status-lists.json"] = json.dumps({"status_lists": [STATUS_URI]}).encode()
            self._published["status/1.jwt"] = self.status_list()
        return dict(self._published)

    def trust_list(
        self,
        signer: LocalSigner | None = None,
        issued_at: int = NOW - HOUR,
        expires_at: int = NOW + 30 * DAY,
        version: int = 7,
    ) -> bytes:
        """A trust list that names the listed signers and every type. A wrong `signer` signs it all the same."""
        keys = (
            self._listed(self.credential),
            self._listed(self.library_only, pass_types={"library_card"}),
            replace(self._listed(self.retired), sign_until=NOW - 20 * DAY),
            self._listed(self.status),
        )
        types = tuple(
            ListedType(t.name, t.number, t.version, hashlib.sha256(to_document(t, URL)).hexdigest(), t.max_status_age)
            for t in self.types
        )
        token = sign_trust_list(TrustList(URL, version, issued_at, expires_at, keys, types), self.trust)
        if signer is None:
            return token
        certificate = base64.b64encode(signer.chain[0].public_bytes(Encoding.DER)).decode()
        header = {"alg": "ES256", "typ": "trustlist+jwt", "kid": b64(signer.kid), "x5c": [certificate]}
        message = f"{b64(json.dumps(header).encode())}.{token.split(b'.')[1].decode()}".encode()
        return message + b"." + b64(signer.sign(message)).encode()

    def _listed(self, signer: LocalSigner, pass_types: set[str] | None = None) -> ListedKey:
        return listed_key(signer.role, signer.chain[0], pass_types or (), self._made, None)

    def status_list(
        self,
        signer: LocalSigner | None = None,
        issued_at: int = NOW - 600,
        expires_at: int = NOW + 8 * DAY,
        uri: str = STATUS_URI,
        packed: bytes | None = None,
        form: str = "jwt",
    ) -> bytes:
        array = StatusArray.empty(LIST_SIZE)
        array.update([(REVOKED, 1), (SUSPENDED, 2), (RESERVED, 3)])
        writer = TokenWriter(uri, f"{URL}/status-lists.json", signer or self.status)
        times = TokenTimes(issued_at, expires_at, 300)
        return getattr(writer, form)(compress(array.raw) if packed is None else packed, times)

    def claims(self, type_name: str = "resident_parking_permit") -> dict[int, object]:
        """The application claims of a good credential of that type, by number."""
        pass_type = self.types.named(type_name)
        return {0: pass_type.number} | {claim.number: _SAMPLES[claim.kind] for claim in pass_type.qr_claims}

    def payload(self, type_name: str = "resident_parking_permit", index: int = VALID) -> dict[int, object]:
        """The CWT claims of a good credential: issued and valid since yesterday, for a year."""
        return {
            ISS: URL,
            EXP: NOW + 364 * DAY,
            NBF: NOW - DAY,
            IAT: NOW - DAY,
            CTI: bytes(range(8)),
            STATUS: {"status_list": {"idx": index, "uri": STATUS_URI}},
            APP: self.claims(type_name),
        }

    def text(self, payload: object = None, signer: LocalSigner | None = None) -> str:
        """A well signed QR text with that payload, whatever it is."""
        return text_of(self.document(payload, signer))

    def document(self, payload: object = None, signer: LocalSigner | None = None, header: object = None) -> bytes:
        """The COSE_Sign1 itself; `header` replaces the protected header."""
        signer = signer or self.credential
        protected = cose.protected_header(signer.kid) if header is None else cbor.encode(header)
        body = payload if isinstance(payload, bytes) else cbor.encode(self.payload() if payload is None else payload)
        return cose.assemble(protected, body, signer.sign(cose.sig_structure(protected, body)))

    def confirmation(self, holder: LocalSigner | None = None) -> dict[int, object]:
        """The claim `cnf` for a phone's key, as RFC 8747 section 3.2 shows it."""
        key = (holder or self.holder).private_key
        assert isinstance(key, EllipticCurvePrivateKey)
        numbers = key.public_key().public_numbers()
        return {1: {1: 2, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}}

    def bound(self, payload: Mapping[int, object] | None = None, signer: LocalSigner | None = None) -> bytes:
        """The COSE_Sign1 of a credential with that payload, bound to the phone's key unless the payload says how."""
        return self.document({CNF: self.confirmation()} | dict(self.payload() if payload is None else payload), signer)

    def proof(
        self,
        credential: bytes | None = None,
        signed_at: int = NOW,
        holder: LocalSigner | None = None,
        header: object = None,
        payload: object = None,
    ) -> bytes:
        """A holder's proof around a bound credential; `header` and `payload` replace those parts of it."""
        protected = cbor.encode({1: -7, 16: "application/kb+cwt"} if header is None else header)
        content = {IAT: signed_at, CREDENTIAL: self.bound() if credential is None else credential}
        body = payload if isinstance(payload, bytes) else cbor.encode(content if payload is None else payload)
        signature = (holder or self.holder).sign(cose.sig_structure(protected, body))
        return cose.assemble(protected, body, signature)

    def live(self, *args: object, **changes: object) -> str:
        """The live code of `proof`."""
        return live_text_of(self.proof(*args, **changes))  # type: ignore[arg-type]


def changed(payload: Mapping[int, object], changes: Mapping[int, object]) -> dict[int, object]:
    """A payload with some claims replaced; `...` leaves one out."""
    return {key: value for key, value in {**payload, **changes}.items() if value is not ...}


def text_of(document: bytes) -> str:
    return "WP1:" + base45.encode(document)


def live_text_of(document: bytes) -> str:
    return "WP2:" + base45.encode(document)


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def bomb() -> bytes:
    """Eight megabytes of nothing in a few kilobytes: more than the largest list."""
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(8)) + packer.flush()
