"""The keys of today's and tomorrow's plate lists on their way to one verifying service.

They are encrypted for its receiving key (JWE, RFC 7516) and the whole is signed by the role plate-list (JWS, RFC 7515),
so that nobody else can read them and nobody else can plant some. Encrypting and decrypting are the services' part.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, NoReturn

from keys.signer import Signer
from walletpass.errors import PlateListInvalid, StatusListInvalid
from walletpass.plate_entries import KEY_BYTES
from walletpass.plate_list import Verify
from walletpass.status_token import unb64

TYP = "platekeys+jwt"
JWE_ALGORITHMS = ("ECDH-ES+A256KW", "A256GCM")  # RFC 7518 sections 4.6 and 5.3
MAX_TOKEN = 16 << 10  # bytes
RECIPIENT = re.compile(r"[A-Za-z0-9_-]{43}")  # the receiving key's thumbprint (RFC 7638), SHA-256
_CLAIMS = {"iss", "aud", "iat", "exp", "keys"}
_MAX_DAYS = 8


@dataclass(frozen=True, slots=True)
class PlateKeys:
    """What is signed: `recipient` is a thumbprint, `encrypted` a compact JWE of `pack_keys`. Times: NumericDates."""

    issuer: str
    recipient: str
    issued_at: int
    expires_at: int
    encrypted: str


def keys_path(recipient: str) -> str:
    """Where a recipient's keys are, below the published folder."""
    return f"plates/keys/{recipient}.jwt"


def pack_keys(keys: Mapping[date, bytes]) -> bytes:
    """The plaintext: the key of each day."""
    return json.dumps({day.isoformat(): _b64(key) for day, key in sorted(keys.items())}).encode()


def unpack_keys(plaintext: bytes) -> dict[date, bytes]:
    """The inverse; raises `PlateListInvalid`."""
    found = _object(plaintext)
    if len(found) > _MAX_DAYS:
        _refuse("they are for too many days")
    try:
        keys = {date.fromisoformat(day): _unb64(key) for day, key in found.items()}
    except ValueError:
        _refuse("a day is not one")
    if any(len(key) != KEY_BYTES for key in keys.values()):
        _refuse(f"a key does not have {KEY_BYTES} bytes")
    return keys


def sign_plate_keys(keys: PlateKeys, signer: Signer) -> bytes:
    """The compact JWS."""
    claims = {
        "iss": keys.issuer,
        "aud": keys.recipient,
        "iat": keys.issued_at,
        "exp": keys.expires_at,
        "keys": keys.encrypted,
    }
    header = {"alg": "ES256", "kid": _b64(signer.kid), "typ": TYP}
    message = ".".join(_b64(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims)).encode()
    return message + b"." + _b64(signer.sign(message)).encode()


def read_plate_keys(token: bytes, verify: Verify) -> PlateKeys:
    """Read what `verify` accepts the signature of; raises `PlateListInvalid`.

    The caller still compares issuer, recipient and times with what it wants.
    """
    parts = token.split(b".")
    if len(token) > MAX_TOKEN or len(parts) != 3:
        _refuse("they are too large, or not a signed JWT")
    header = _object(_unb64(parts[0]))
    if header.keys() != {"alg", "kid", "typ"} or header["alg"] != "ES256" or header["typ"] != TYP:
        _refuse("the document is signed, but not as plate keys")
    verify(_unb64(header["kid"]), parts[0] + b"." + parts[1], _unb64(parts[2]))
    claims = _object(_unb64(parts[1]))
    if claims.keys() != _CLAIMS:
        _refuse("their claims are not as they should be")
    issuer, recipient, encrypted = (claims[name] for name in ("iss", "aud", "keys"))
    if not all(isinstance(text, str) for text in (issuer, recipient, encrypted)):
        _refuse("something else stands where text belongs")
    issued_at, expires_at = claims["iat"], claims["exp"]
    if type(issued_at) is not int or type(expires_at) is not int or not 0 <= issued_at < expires_at < 1 << 40:
        _refuse("their times are not as they should be")
    return PlateKeys(issuer, recipient, issued_at, expires_at, encrypted)


def _object(raw: bytes) -> dict[str, Any]:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        _refuse("a part is not JSON")
    if not isinstance(value, dict):
        _refuse("a part is not a JSON object")
    return value


def _unb64(text: object) -> bytes:
    raw = text if isinstance(text, bytes) else text.encode("ascii", "replace") if isinstance(text, str) else b"?"
    try:
        return unb64(raw)
    except StatusListInvalid:
        _refuse("a part is not canonical Base64url")


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _refuse(why: str) -> NoReturn:
    raise PlateListInvalid(f"The keys of the plate lists cannot be believed: {why}.")
