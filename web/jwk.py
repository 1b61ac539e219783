"""Public keys on P-256 as JSON Web Keys, in exactly one spelling, and their thumbprints.

Sources: RFC 7517; RFC 7518 section 6.2.1; RFC 7638 (thumbprint); RFC 7515 section 2 (Base64url without padding).
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey, EllipticCurvePublicNumbers

from keys.errors import WalletPassError

_MEMBERS = {"kty", "crv", "x", "y"}
_COORDINATE = 32  # bytes


class JwkInvalid(WalletPassError):
    """What was sent is no public key on P-256, or says more than one."""

    code = "jwk_invalid"


@dataclass(frozen=True, slots=True)
class PublicJwk:
    """A public key on P-256. `text`: its JSON as RFC 7638 writes it, whose SHA-256 is the `thumbprint` (Base64url)."""

    key: EllipticCurvePublicKey
    text: str
    thumbprint: str


def read_public_jwk(value: object) -> PublicJwk:
    """The key in a parsed JWK with the members kty, crv, x and y and no others; raises `JwkInvalid`.

    A private member is refused, not passed over: whoever sends one has lost the key (RFC 9449 section 4.3).
    """
    if not isinstance(value, dict) or value.keys() != _MEMBERS:
        raise JwkInvalid("The key does not have exactly the members kty, crv, x and y.")
    if value["kty"] != "EC" or value["crv"] != "P-256":
        raise JwkInvalid("The key is not on the curve P-256.")
    x, y = (_coordinate(value[name]) for name in ("x", "y"))
    try:
        key = EllipticCurvePublicNumbers(int.from_bytes(x, "big"), int.from_bytes(y, "big"), SECP256R1()).public_key()
    except ValueError:
        raise JwkInvalid("The key is no point of the curve P-256.") from None
    text = json.dumps({"crv": "P-256", "kty": "EC", "x": value["x"], "y": value["y"]}, separators=(",", ":"))
    return PublicJwk(key, text, base64url(hashlib.sha256(text.encode()).digest()))


def _coordinate(text: object) -> bytes:
    raw = from_base64url(text) if isinstance(text, str) else None
    if raw is None or len(raw) != _COORDINATE:
        raise JwkInvalid("A coordinate of the key does not have 32 bytes in Base64url.")
    return raw


def base64url(raw: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes | None:
    """The bytes of a canonical spelling without padding; None for any other text."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
    except ValueError:
        return None
    return raw if base64url(raw) == text else None
