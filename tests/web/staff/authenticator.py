"""An authenticator in software: makes passkeys and answers challenges as a phone does (WebAuthn Level 2, section 6)."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from urllib.parse import urlsplit

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

PRESENT, VERIFIED, ATTESTED = 1, 4, 64


def text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


class Authenticator:
    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id, self.user, self.count = os.urandom(16), "", 0

    def create(self, options: str, origin: str, flags: int = PRESENT | VERIFIED) -> str:
        wanted = json.loads(options)
        self.user = wanted["user"]["id"]
        numbers = self.key.public_key().public_numbers()
        point = {-2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        cose = cbor2.dumps({1: 2, 3: -7, -1: 1} | point)
        about = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + cose
        attestation = {"fmt": "none", "attStmt": {}, "authData": self._start(origin, flags | ATTESTED) + about}
        return self._answer(
            "webauthn.create", wanted["challenge"], origin, {"attestationObject": text(cbor2.dumps(attestation))}
        )

    def get(self, options: str, origin: str, flags: int = PRESENT | VERIFIED, count: int | None = None) -> str:
        self.count = self.count + 1 if count is None else count
        start = self._start(origin, flags)
        client = self._client("webauthn.get", json.loads(options)["challenge"], origin)
        signature = self.key.sign(start + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        parts = {"authenticatorData": text(start), "signature": text(signature), "userHandle": self.user}
        return self._answer("webauthn.get", json.loads(options)["challenge"], origin, parts)

    def _start(self, origin: str, flags: int) -> bytes:
        party = hashlib.sha256((urlsplit(origin).hostname or "").encode()).digest()
        return party + bytes([flags]) + self.count.to_bytes(4, "big")

    def _client(self, kind: str, challenge: str, origin: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": origin, "crossOrigin": False}).encode()

    def _answer(self, kind: str, challenge: str, origin: str, parts: dict[str, str]) -> str:
        client = {"clientDataJSON": text(self._client(kind, challenge, origin))}
        named = {"id": text(self.id), "rawId": text(self.id), "type": "public-key"}
        return json.dumps(named | {"response": client | parts})
