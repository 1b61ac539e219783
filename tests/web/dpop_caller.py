"""Whoever proves possession of a key with each request, as a browser does; every part of a proof can be spoiled."""

from __future__ import annotations

import hashlib
import json
import secrets
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from web.jwk import base64url, read_public_jwk


def public_members(key: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    numbers = key.public_key().public_numbers()
    x, y = (base64url(number.to_bytes(32, "big")) for number in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y}


class Caller:
    """A key and the proofs made with it. `without` names members to leave out."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.jwk = public_members(self.key)
        self.thumbprint = read_public_jwk(self.jwk).thumbprint

    def claims(self, method: str, address: str, nonce: str | None, token: str | None = None) -> dict[str, Any]:
        found: dict[str, Any] = {"jti": secrets.token_urlsafe(16), "htm": method, "htu": address, "iat": 1_800_000_000}
        if nonce is not None:
            found["nonce"] = nonce
        if token is not None:
            found["ath"] = base64url(hashlib.sha256(token.encode()).digest())
        return found

    def proof(self, method: str, address: str, nonce: str | None, token: str | None = None) -> str:
        return self.signed(self.header(), self.claims(method, address, nonce, token))

    def header(self, **changes: Any) -> dict[str, Any]:
        return {"typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk} | changes

    def signed(self, header: Any, claims: Any) -> str:
        parts = [part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header, claims)]
        message = ".".join(map(base64url, parts))
        r, s = decode_dss_signature(self.key.sign(message.encode(), ec.ECDSA(SHA256())))
        return f"{message}.{base64url(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"
