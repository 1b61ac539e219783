"""What Google does to sign callbacks, written from the protocol's description and not from our reading of it."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

SENDER, PROTOCOL = "GooglePayPasses", "ECv2SigningOnly"
Key = ec.EllipticCurvePrivateKey


def new_key() -> Key:
    return ec.generate_private_key(ec.SECP256R1())


def spki(key: Key) -> str:
    raw = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(raw).decode()


def sign(key: Key, *texts: str) -> str:
    message = bytearray()
    for text in texts:
        raw = text.encode("utf-8")
        message += len(raw).to_bytes(4, byteorder="little") + raw
    return base64.b64encode(key.sign(bytes(message), ec.ECDSA(hashes.SHA256()))).decode()


@dataclass
class CallbackSigner:
    """One root key and one intermediate key; times in seconds."""

    issuer_id: str
    until: float
    root: Key = field(default_factory=new_key)
    intermediate: Key = field(default_factory=new_key)

    def keys(self) -> dict[str, Any]:
        """What stands at Google's address of the root keys, a key of another protocol among them."""
        expires = str(int(self.until * 1000))
        other = {"keyValue": spki(new_key()), "protocolVersion": "ECv1", "keyExpiration": expires}
        own = {"keyValue": spki(self.root), "protocolVersion": PROTOCOL, "keyExpiration": expires}
        return {"keys": [other, own]}

    def envelope(
        self, message: dict[str, Any] | str, *, key_until: float | None = None, issuer_id: str = ""
    ) -> dict[str, Any]:
        """A whole callback; texts are signed as they are sent, odd spaces and letters included."""
        until = str(int((self.until if key_until is None else key_until) * 1000))
        signed_key = json.dumps({"keyValue": spki(self.intermediate), "keyExpiration": until}, indent=1)
        signed = message if isinstance(message, str) else json.dumps(message, ensure_ascii=False)
        return {
            "signature": sign(self.intermediate, SENDER, issuer_id or self.issuer_id, PROTOCOL, signed),
            "intermediateSigningKey": {
                "signedKey": signed_key,
                "signatures": [sign(self.root, SENDER, PROTOCOL, signed_key)],
            },
            "protocolVersion": PROTOCOL,
            "signedMessage": signed,
        }
