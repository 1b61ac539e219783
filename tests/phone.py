"""A resident's phone in the tests: a key as its browser holds one, and live codes signed by it."""

from __future__ import annotations

import base64

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from keys.local_signer import LocalSigner
from keys.signer import Role
from walletpass.formats.bound_cwt import presented


class Phone:
    """`point` is the public key, uncompressed; `sign` gives r‖s of ES256."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.point = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.sign = LocalSigner(Role.CREDENTIAL, bytes(8), (), "a phone", self._key).sign

    def jwk(self) -> dict[str, object]:
        """The public key as a browser exports it, without `ext` and `key_ops`."""
        x, y = (base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (self.point[1:33], self.point[33:]))
        return {"kty": "EC", "crv": "P-256", "x": x, "y": y}

    def shows(self, credential: str, at: float) -> str:
        """The live code around a bound credential at a moment (NumericDate)."""
        return presented(credential, int(at), self.sign)
