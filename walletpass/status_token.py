"""Status List Tokens: one list, signed as a JWT and as a CWT, written once and read strictly.

Source: draft-ietf-oauth-status-list sections 5.1 (JWT), 5.2 (CWT), 8.3 (validation). Whatever fails a check here
counts as absent: the reader keeps the last good list.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives.serialization import Encoding

from keys.signer import Signer
from keys.strict_json import NotStrictJson, read_object
from walletpass import cbor, cose
from walletpass.errors import Malformed, StatusListInvalid
from walletpass.status_list import BITS, StatusList, inflate

JWT_TYP = "statuslist+jwt"
CWT_TYP = "application/statuslist+cwt"
SUB, EXP, IAT, TTL, STATUS_LIST = 2, 4, 6, 65534, 65533
MAX_TOKEN = 4 << 20  # bytes

Verify = Callable[[bytes, bytes, bytes], None]
"""(kid, message, raw signature) → nothing, or raises `StatusListInvalid`: who may sign status lists is the caller's."""


@dataclass(frozen=True, slots=True)
class TokenTimes:
    """NumericDates: when signed, when it ends; `ttl` in seconds says when to fetch again."""

    issued_at: int
    expires_at: int
    ttl: int


class TokenWriter:
    """Signs the tokens of one list; the parts that never change are prepared once."""

    def __init__(self, uri: str, aggregation_uri: str, signer: Signer) -> None:
        self._uri, self._aggregation_uri, self._signer = uri, aggregation_uri, signer
        header = {
            "alg": "ES256",
            "kid": _b64(signer.kid),
            "typ": JWT_TYP,
            "x5c": [base64.b64encode(c.public_bytes(Encoding.DER)).decode() for c in signer.chain],
        }
        self._header = _b64(json.dumps(header, separators=(",", ":")).encode()) + "."
        self._protected = cose.protected_header(signer.kid, CWT_TYP)

    def jwt(self, packed: bytes, times: TokenTimes) -> bytes:
        """The compact JWS for a list whose bytes are already compressed."""
        claims = {
            "exp": times.expires_at,
            "iat": times.issued_at,
            "status_list": {"aggregation_uri": self._aggregation_uri, "bits": BITS, "lst": _b64(packed)},
            "sub": self._uri,
            "ttl": times.ttl,
        }
        message = (self._header + _b64(json.dumps(claims, separators=(",", ":")).encode())).encode()
        return message + b"." + _b64(self._signer.sign(message)).encode()

    def cwt(self, packed: bytes, times: TokenTimes) -> bytes:
        """The tagged COSE_Sign1 for the same list."""
        status_list = {"aggregation_uri": self._aggregation_uri, "bits": BITS, "lst": packed}
        payload = cbor.encode(
            {SUB: self._uri, EXP: times.expires_at, IAT: times.issued_at, TTL: times.ttl, STATUS_LIST: status_list}
        )
        signature = self._signer.sign(cose.sig_structure(self._protected, payload))
        return cose.assemble(self._protected, payload, signature)


def read_token(token: bytes, verify: Verify) -> StatusList:
    """Read a JWT or CWT token whose signature `verify` accepts; raises `StatusListInvalid`.

    The caller still compares `uri`, `issued_at` (not older than one seen) and `expires_at` with what it expects.
    """
    if len(token) > MAX_TOKEN:
        raise StatusListInvalid(f"The status list is larger than {MAX_TOKEN >> 20} MB.")
    try:
        return _read_cwt(token, verify) if token[:1] == cbor.COSE_SIGN1_TAG else _read_jwt(token, verify)
    except Malformed as refusal:
        raise StatusListInvalid(refusal.sentence) from None


def _read_cwt(token: bytes, verify: Verify) -> StatusList:
    signed = cose.take_apart(token)
    if signed.typ != CWT_TYP:
        raise StatusListInvalid("The document is signed, but not as a status list.")
    verify(signed.kid, signed.message, signed.signature)
    claims = cbor.decode(signed.payload)
    if not isinstance(claims, dict):
        raise StatusListInvalid("The status list has no claims.")
    return _status_list(*(claims.get(key) for key in (SUB, IAT, EXP, TTL, STATUS_LIST)))


def _read_jwt(token: bytes, verify: Verify) -> StatusList:
    parts = token.split(b".")
    if len(parts) != 3:
        raise StatusListInvalid("The document is neither a signed JWT nor a signed CWT.")
    header = _json(unb64(parts[0]))
    if header.get("alg") != "ES256" or header.get("typ") != JWT_TYP or "crit" in header:
        raise StatusListInvalid("The document is signed, but not as a status list.")
    kid = header.get("kid")
    if not isinstance(kid, str):
        raise StatusListInvalid("The status list names no key.")
    verify(unb64(kid.encode("ascii", "replace")), parts[0] + b"." + parts[1], unb64(parts[2]))
    claims = _json(unb64(parts[1]))
    status_list = claims.get("status_list")
    if isinstance(status_list, dict) and isinstance(status_list.get("lst"), str):
        status_list = status_list | {"lst": unb64(status_list["lst"].encode("ascii", "replace"))}
    return _status_list(claims.get("sub"), claims.get("iat"), claims.get("exp"), claims.get("ttl"), status_list)


def _status_list(uri: object, issued_at: object, expires_at: object, ttl: object, status_list: object) -> StatusList:
    if not isinstance(uri, str) or not all(_is_time(value) for value in (issued_at, expires_at, ttl)):
        raise StatusListInvalid("The status list lacks its URI or one of its times.")
    if not isinstance(status_list, dict):
        raise StatusListInvalid("The token holds no status list.")
    bits, packed = status_list.get("bits"), status_list.get("lst")
    if type(bits) is not int or bits not in (1, 2, 4, 8) or not isinstance(packed, bytes):
        raise StatusListInvalid("The status list's bits or bytes are not as they should be.")
    assert isinstance(issued_at, int) and isinstance(expires_at, int) and isinstance(ttl, int)
    return StatusList(uri, issued_at, expires_at, ttl, inflate(packed), bits)


def _is_time(value: object) -> bool:
    return type(value) is int and 0 <= value < 1 << 40


def _json(raw: bytes) -> dict[str, object]:
    try:
        return read_object(raw)
    except NotStrictJson as problem:
        raise StatusListInvalid(f"The status list cannot be read: {problem}.") from None


def unb64(text: bytes) -> bytes:
    """Base64url without padding (RFC 7515 section 2), strictly; raises `StatusListInvalid`."""
    try:
        raw = base64.b64decode(text + b"=" * (-len(text) % 4), b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise StatusListInvalid("A part of the status list is not Base64url.") from None
    if base64.urlsafe_b64encode(raw).rstrip(b"=") != text:
        raise StatusListInvalid("A part of the status list is not canonical Base64url.")
    return raw


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
