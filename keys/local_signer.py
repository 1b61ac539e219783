"""A signer whose private key lies in this process's memory, wherever it was loaded from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from keys.signer import PrivateKey, Role

KID_BYTES = 8

_ES256 = ec.ECDSA(hashes.SHA256())
_SHA256 = hashes.SHA256()
_PKCS1V15 = padding.PKCS1v15()


@dataclass(frozen=True, slots=True)
class LocalSigner:
    """A `keys.signer.Signer`. The anchor's own signer has its own certificate as `chain`: it signs no document."""

    role: Role
    kid: bytes
    chain: tuple[x509.Certificate, ...]
    subject: str
    private_key: PrivateKey

    def sign(self, message: bytes) -> bytes:
        key = self.private_key
        if isinstance(key, ec.EllipticCurvePrivateKey):
            r, s = decode_dss_signature(key.sign(message, _ES256))
            return (r << 256 | s).to_bytes(64, "big")
        return key.sign(message, _PKCS1V15, _SHA256)

    def __repr__(self) -> str:
        return f"<{self.role} signer {self.kid.hex()}>"


def key_id(leaf: x509.Certificate | PublicKeyTypes) -> bytes:
    """First 8 bytes of SHA-256 over the certificate's DER, or over the SPKI of a key without one (digest I.1)."""
    if isinstance(leaf, x509.Certificate):
        der = leaf.public_bytes(serialization.Encoding.DER)
    else:
        der = leaf.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).digest()[:KID_BYTES]
