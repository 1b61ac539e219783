"""The trust list: which keys may sign what, signed under the anchor. Written by the issuing side, read by verifiers.

`trust-list.jwt` is a compact JWS, `typ: trustlist+jwt`, `x5c` up to but without the anchor. The anchor allows no
authority beneath it, so every `x5c` is one certificate. Reading needs the anchor, given out of band; a chain inside a
document never creates trust by itself.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from keys.certificates import BROKEN, EXTENDED_KEY_USAGES, check_chain, check_role
from keys.errors import CertificateMismatch, TrustListInvalid
from keys.local_signer import KID_BYTES, key_id
from keys.signer import Role, Signer
from keys.strict_json import NotStrictJson, read_object

TYP = "trustlist+jwt"
MAX_TRUST_LIST = 1 << 20  # bytes
MAX_CERTIFICATE = 4096  # bytes of DER
MAX_CLOCK_DIFFERENCE = 300  # seconds between the issuer's clock and the reader's

_HEADER = {"alg", "typ", "kid", "x5c"}
_MAX_TIME = 253_402_300_800  # the end of the year 9999
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_SHA256_HEX = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class ListedKey:
    """A key in the trust list. Times are NumericDates; `sign_until` None: no end yet.

    `pass_types` are type names; empty means every listed type. `public_key` is parsed from the leaf, once.
    """

    kid: bytes
    role: Role
    certificate: x509.Certificate
    public_key: ec.EllipticCurvePublicKey
    pass_types: frozenset[str]
    sign_from: int
    sign_until: int | None


@dataclass(frozen=True, slots=True)
class ListedType:
    """A pass type in the trust list: `sha256` (lowercase hex) of its published document, byte for byte."""

    name: str
    number: int
    version: int
    sha256: str
    max_status_age: int


@dataclass(frozen=True, slots=True)
class TrustList:
    """A trust list that was read and verified. Times are NumericDates; `version` rises with every publication."""

    issuer: str
    version: int
    issued_at: int
    expires_at: int
    keys: tuple[ListedKey, ...]
    types: tuple[ListedType, ...]

    def keys_named(self, kid: bytes, role: Role) -> tuple[ListedKey, ...]:
        """All keys with that kid and role; several may share a kid: try each."""
        return tuple(key for key in self.keys if key.kid == kid and key.role is role)


def listed_key(
    role: Role,
    certificate: x509.Certificate,
    pass_types: Iterable[str],
    sign_from: datetime,
    sign_until: datetime | None,
) -> ListedKey:
    """An entry for `certificate`. Times are aware; raises `CertificateMismatch` for a key that is not P-256."""
    public_key = certificate.public_key()
    if not isinstance(public_key, ec.EllipticCurvePublicKey):
        raise CertificateMismatch(f"The key of the {role} certificate is not on an elliptic curve.")
    until = None if sign_until is None else int(sign_until.timestamp())
    begin = int(sign_from.timestamp())
    return ListedKey(key_id(certificate), role, certificate, public_key, frozenset(pass_types), begin, until)


def sign_trust_list(trust_list: TrustList, signer: Signer) -> bytes:
    """The compact JWS. Raises `CertificateMismatch` when `signer` is not one for trust lists."""
    check_role(signer.chain[0], Role.TRUST_LIST)
    payload = {
        "iss": trust_list.issuer,
        "iat": trust_list.issued_at,
        "exp": trust_list.expires_at,
        "version": trust_list.version,
        "keys": [
            {
                "kid": _b64url(key.kid),
                "x5c": [_x5c_entry(key.certificate)],
                "purpose": str(key.role),
                "pass_types": sorted(key.pass_types),
                "sign_from": key.sign_from,
                "sign_until": key.sign_until,
            }
            for key in trust_list.keys
        ],
        "types": [
            {
                "name": listed.name,
                "number": listed.number,
                "version": listed.version,
                "sha256": listed.sha256,
                "max_status_age": listed.max_status_age,
            }
            for listed in trust_list.types
        ],
    }
    header = {"typ": TYP, "kid": _b64url(signer.kid), "x5c": [_x5c_entry(signer.chain[0])]}
    body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
    return jwt.PyJWS().encode(body, signer.private_key, algorithm="ES256", headers=header).encode()


def read_trust_list(token: bytes, anchor: x509.Certificate, now: int, status_eku: str = "") -> TrustList:
    """Read and verify against `anchor`; raises `TrustListInvalid`.

    Checked: size, `typ`, ES256, signature by the `x5c` leaf, that leaf's role (extended key usage), its chain to
    `anchor` and that it was valid at `iat`; every listed key's certificate chains to `anchor` too and carries the
    extended key usage of its purpose. `now` (NumericDate) is the reader's own clock: a list from the future is
    refused, for it would shut out every later one. Keys of purposes we do not know are left out. `status_eku` is a
    further key usage that status signers may have. Expiry (`exp`) is the caller's to judge: a good but expired list
    still says who we are talking to.
    """
    try:
        return _read(token, anchor, now, status_eku)
    except CertificateMismatch as refusal:
        raise TrustListInvalid(f"Trust list: {refusal.sentence}") from None


def _read(token: bytes, anchor: x509.Certificate, now: int, status_eku: str) -> TrustList:
    if len(token) > MAX_TRUST_LIST:
        _refuse(f"it is larger than {MAX_TRUST_LIST} bytes")
    parts = token.split(b".")
    if len(parts) != 3:
        _refuse("it is not a signed JWT")
    leaf = _signing_certificate(_json_object(_unb64url(parts[0])))
    check_role(anchor, Role.ANCHOR)
    check_role(leaf, Role.TRUST_LIST)
    check_chain(leaf, (), anchor)
    payload = _unb64url(parts[1])  # the library would also take a text that is not canonical
    _unb64url(parts[2])
    try:
        jwt.PyJWS().decode(token, leaf.public_key(), algorithms=["ES256"])  # type: ignore[arg-type]
    except jwt.PyJWTError:
        _refuse("its signature does not hold")
    trust_list = _trust_list(_json_object(payload), anchor, status_eku)
    check_chain(leaf, (), anchor, datetime.fromtimestamp(trust_list.issued_at, UTC))
    if trust_list.issued_at > now + MAX_CLOCK_DIFFERENCE:
        _refuse("it was issued in the future; check this machine's clock")
    return trust_list


def _signing_certificate(header: dict[str, Any]) -> x509.Certificate:
    """The leaf of the `x5c` header. Other members (jwk, jku, x5u, crit, b64) are refused, not ignored."""
    if header.keys() != _HEADER or header["alg"] != "ES256" or header["typ"] != TYP:
        _refuse("its header is not that of a trust list signed with ES256")
    leaf = _certificate(header["x5c"])
    if header["kid"] != _b64url(key_id(leaf)):
        _refuse("its key id is not that of its certificate")
    return leaf


def _trust_list(claims: dict[str, Any], anchor: x509.Certificate, status_eku: str) -> TrustList:
    issued_at, expires_at = _time(claims.get("iat")), _time(claims.get("exp"))
    if expires_at <= issued_at:
        _refuse("it ends before it begins")
    issuer = claims.get("iss")
    if not isinstance(issuer, str) or not 0 < len(issuer) <= 256:
        _refuse("it does not name its issuer")
    found = [_listed_key(item, anchor, status_eku) for item in _objects(claims.get("keys"))]
    keys = tuple(key for key in found if key is not None)
    if len({key.certificate for key in keys}) < len(keys):
        _refuse("it lists a key twice")
    types = tuple(_listed_type(item) for item in _objects(claims.get("types")))
    if len({(item.name, item.version) for item in types}) < len(types):
        _refuse("it lists a pass type twice")
    if len({(item.name, item.number) for item in types}) != len({item.number for item in types}):
        _refuse("it gives one number to two pass types")
    return TrustList(issuer, _number(claims.get("version"), 1), issued_at, expires_at, keys, types)


def _listed_key(item: dict[str, Any], anchor: x509.Certificate, status_eku: str) -> ListedKey | None:
    purpose = item.get("purpose")
    if not isinstance(purpose, str):
        _refuse("a key has no purpose")
    if purpose not in set(Role):
        return None  # a newer issuer's; it gives no right that we would ask for
    role = Role(purpose)
    if role not in EXTENDED_KEY_USAGES:
        _refuse(f"it lists a key for {role}, which no document names")
    certificate = _certificate(item.get("x5c"))
    check_role(certificate, role, status_eku)
    check_chain(certificate, (), anchor)
    if _unb64url(_text(item.get("kid")).encode()) != key_id(certificate):
        _refuse(f"the key id of a listed key is not the first {KID_BYTES} bytes of its certificate's hash")
    begin, until = _time(item.get("sign_from")), item.get("sign_until", -1)
    if until is not None and _time(until) < begin:
        _refuse("a key stops signing before it begins")
    public_key = certificate.public_key()
    assert isinstance(public_key, ec.EllipticCurvePublicKey)  # check_role saw to it
    names = item.get("pass_types")
    if not isinstance(names, list) or not all(_NAME.fullmatch(_text(name)) for name in names):
        _refuse("the pass types of a key are not a list of names")
    return ListedKey(key_id(certificate), role, certificate, public_key, frozenset(names), begin, until)


def _listed_type(item: dict[str, Any]) -> ListedType:
    name, digest = _text(item.get("name")), _text(item.get("sha256"))
    if not _NAME.fullmatch(name) or not _SHA256_HEX.fullmatch(digest):
        _refuse("a pass type lacks its name or the hash of its document")
    number, version, age = (_number(item.get(member), 1) for member in ("number", "version", "max_status_age"))
    return ListedType(name, number, version, digest, age)


def _certificate(x5c: object) -> x509.Certificate:
    if not isinstance(x5c, list) or len(x5c) != 1:
        _refuse("an x5c is not a list of one certificate")
    text = _text(x5c[0])
    if len(text) > MAX_CERTIFICATE * 4 // 3 + 4:
        _refuse("a certificate is too large")
    try:
        certificate = x509.load_der_x509_certificate(base64.b64decode(text, validate=True))
    except BROKEN:
        _refuse("a certificate cannot be read")
    if _x5c_entry(certificate) != text:
        _refuse("a certificate is not in canonical Base64")
    return certificate


def _json_object(raw: bytes) -> dict[str, Any]:
    try:
        return read_object(raw)
    except NotStrictJson as problem:
        _refuse(str(problem))


def _objects(value: object) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        _refuse("its keys or pass types are not a list of objects")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        _refuse("something else stands where text belongs")
    return value


def _number(value: object, least: int) -> int:
    if type(value) is not int or not least <= value < _MAX_TIME:
        _refuse("a number is missing, wrong or too large")
    return value


def _time(value: object) -> int:
    return _number(value, 0)


def _unb64url(text: bytes) -> bytes:
    try:
        raw = base64.b64decode(text + b"=" * (-len(text) % 4), b"-_", validate=True)
    except (binascii.Error, ValueError):
        _refuse("a part of it is not Base64url")
    if _b64url(raw).encode() != text:
        _refuse("a part of it is not canonical Base64url")
    return raw


def _b64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _x5c_entry(certificate: x509.Certificate) -> str:
    return base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()


def _refuse(why: str) -> NoReturn:
    raise TrustListInvalid(f"The trust list cannot be believed: {why}.")
