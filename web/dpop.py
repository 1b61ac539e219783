"""Proof of possession for each request (DPoP, RFC 9449), strict: a copied token is worth nothing without its key.

Threats: a token read from a log or a backup; a proof caught and sent again, to another address or with another token; a
caller whose clock is wrong or lies. The time of a proof is therefore ours: it carries a nonce that seals our own clock
(section 8) with a key that all processes of a service share, and the proofs that were taken are rows of its database.
So any process may give a nonce, and any other one take the proof made with it, once.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from sqlalchemy import BigInteger, Column, Connection, Engine, LargeBinary, MetaData, Table
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from keys.errors import WalletPassError
from keys.strict_json import NotStrictJson, read_object
from web.database import insert_missing, write_transaction
from web.jwk import JwkInvalid, PublicJwk, base64url, from_base64url, read_public_jwk

NONCE_LIFETIME = 300  # seconds
CLOCKS_APART = 60  # seconds: how much earlier another machine's clock may be, or ours after it was set
NONCE_HEADER = "DPoP-Nonce"
MAX_PROOF = 4096  # characters
REMEMBERED_FOR = 86400  # seconds, far beyond a nonce's end: a clock that is wrong for a while frees no proof
_HEADER = {"typ", "alg", "jwk"}
_MAX_JTI = 128  # characters
_TIME, _MAC = 8, 16  # bytes


class DpopProofInvalid(WalletPassError):
    """There is no proof, or it is not one for this request."""

    code = "dpop_proof_invalid"
    challenge = 'DPoP error="invalid_dpop_proof", algs="ES256"'


class UseDpopNonce(WalletPassError):
    """The proof is good, but without a nonce of ours, or with an old one; the answer brings a fresh one."""

    code = "use_dpop_nonce"
    challenge = 'DPoP error="use_dpop_nonce"'


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof that was found good for one request. `identity`: of key and jti, for telling a repeated one."""

    jwk: PublicJwk
    identity: bytes


def proofs_table(metadata: MetaData) -> Table:
    """The table `proofs` in a service's own metadata: what was taken, and from when on it may be forgotten."""
    return Table(
        "proofs",
        metadata,
        Column("identity", LargeBinary(32), primary_key=True),
        Column("forget_at", BigInteger, nullable=False, index=True),
    )


class Proofs:
    """Nonces, and the proofs made with them. `key`: 32 bytes that all processes share; `clock` gives NumericDates.

    Whoever keeps the service's tables deletes the rows whose `forget_at` has passed.
    """

    def __init__(self, engine: Engine, table: Table, key: bytes, clock: Callable[[], float] = time.time) -> None:
        self._engine, self._table, self._key, self._clock = engine, table, key, clock

    def nonce(self) -> str:
        """A nonce good from now on for five minutes: the time and a code over it that only we can make."""
        now = int(self._clock() * 1000).to_bytes(_TIME, "big")
        return base64url(now + self._code(now))

    def read(self, sent: Sequence[str], method: str, address: str, token: str | None = None) -> Proof:
        """The proof among the request's `DPoP` headers (RFC 9449 section 4.3), not yet taken.

        `address`: scheme, host and path as we know them; `token`: the access token the request carries, if any.
        Raises `DpopProofInvalid` or `UseDpopNonce`.
        """
        if len(sent) != 1:
            raise DpopProofInvalid("The request does not carry exactly one DPoP proof.")
        jwk, claims = _verified(sent[0])
        if claims["htm"] != method or claims["htu"] != address:
            raise DpopProofInvalid("The DPoP proof was made for another request.")
        if token is not None and not _hashes(claims.get("ath"), token):
            raise DpopProofInvalid("The DPoP proof was made for another token.")
        if not self._fresh(claims.get("nonce")):
            raise UseDpopNonce("The DPoP proof has no nonce of this service, or an old one; use the one in DPoP-Nonce.")
        identity = hashlib.sha256(f"{jwk.thumbprint} {claims['jti']}".encode()).digest()
        return Proof(jwk, identity)

    def take(self, proof: Proof) -> None:
        """Take a proof once, whichever process is asked; raises `DpopProofInvalid` the second time. Blocks.

        Call it for known callers only: strangers can make as many proofs as they like.
        """
        with write_transaction(self._engine) as connection:
            self.take_with(connection, proof)

    def take_with(self, connection: Connection, proof: Proof) -> None:
        """The same in the caller's transaction, so that the proof is used up only with what it asks for."""
        row = {"identity": proof.identity, "forget_at": int(self._clock()) + REMEMBERED_FOR}
        if not insert_missing(connection, self._table, row):
            raise DpopProofInvalid("The DPoP proof was used before.")

    def check(self, sent: Sequence[str], method: str, address: str, token: str, thumbprint: str) -> Proof:
        """Read a proof that the key with this thumbprint (RFC 7638) must have made for `token`; not yet taken."""
        proof = self.read(sent, method, address, token)
        if not hmac.compare_digest(proof.jwk.thumbprint, thumbprint):
            raise DpopProofInvalid("The DPoP proof was made with another key than the token's.")
        return proof

    def _fresh(self, nonce: object) -> bool:
        raw = from_base64url(nonce) if isinstance(nonce, str) else None
        if raw is None or not hmac.compare_digest(raw[_TIME:], self._code(raw[:_TIME])):
            return False
        age = self._clock() - int.from_bytes(raw[:_TIME], "big") / 1000
        return -CLOCKS_APART <= age < NONCE_LIFETIME

    def _code(self, made_at: bytes) -> bytes:
        return hmac.digest(self._key, made_at, "sha256")[:_MAC]


def _verified(proof: str) -> tuple[PublicJwk, Mapping[str, Any]]:
    """The key and claims of a proof whose form and signature are good."""
    parts = proof.split(".")
    if len(proof) > MAX_PROOF or len(parts) != 3:
        raise DpopProofInvalid("The DPoP proof is far too long, or no compact JWS.")
    header, claims, signature = (_decoded(part) for part in parts)
    jwk = _key_of(_object(header))
    if not _holds(jwk.key, signature, f"{parts[0]}.{parts[1]}".encode()):
        raise DpopProofInvalid("The signature of the DPoP proof does not hold.")
    found = _object(claims)
    # Whether `iat` is now is not asked: the nonce is the time, and the caller's clock may be wrong (section 11.1).
    texts = [found.get(name) for name in ("jti", "htm", "htu")]
    if not all(isinstance(text, str) for text in texts) or type(found.get("iat")) is not int:
        raise DpopProofInvalid("The DPoP proof lacks one of the claims jti, htm, htu and iat.")
    if not 0 < len(found["jti"]) <= _MAX_JTI:
        raise DpopProofInvalid(f"The jti of the DPoP proof does not have 1 to {_MAX_JTI} characters.")
    return jwk, found


def _key_of(header: Mapping[str, Any]) -> PublicJwk:
    if header.keys() != _HEADER or header["typ"] != "dpop+jwt" or header["alg"] != "ES256":
        raise DpopProofInvalid("The DPoP proof does not have exactly typ dpop+jwt, alg ES256 and jwk in its header.")
    try:
        return read_public_jwk(header["jwk"])
    except JwkInvalid as refusal:
        raise DpopProofInvalid(f"The DPoP proof names no key: {refusal.sentence}") from None


def _holds(key: EllipticCurvePublicKey, signature: bytes, message: bytes) -> bool:
    """ES256: the raw 64 bytes r‖s (RFC 7518 section 3.4)."""
    if len(signature) != 64:
        return False
    der = encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
    try:
        key.verify(der, message, ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


def _hashes(ath: object, token: str) -> bool:
    """Whether `ath` is the token's SHA-256 (RFC 9449 section 4.2), in constant time."""
    expected = base64url(hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest())
    return isinstance(ath, str) and hmac.compare_digest(ath.encode("utf-8", "replace"), expected.encode())


def _decoded(part: str) -> bytes:
    raw = from_base64url(part)
    if raw is None:
        raise DpopProofInvalid("A part of the DPoP proof is not Base64url.")
    return raw


def _object(raw: bytes) -> dict[str, Any]:
    try:
        return read_object(raw)
    except NotStrictJson:
        raise DpopProofInvalid("A part of the DPoP proof is not a JSON object in the one spelling we read.") from None


class FreshNonces:
    """ASGI middleware: every answer below `prefix`, refusals included, brings a fresh nonce (RFC 9449 section 8.2)."""

    def __init__(self, app: ASGIApp, proofs: Proofs, prefix: str) -> None:
        self._app, self._proofs, self._prefix = app, proofs, prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def adding(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[NONCE_HEADER] = self._proofs.nonce()
            await send(message)

        ours = scope["type"] == "http" and scope["path"].startswith(self._prefix)
        await self._app(scope, receive, adding if ours else send)
