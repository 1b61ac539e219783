"""The key that signs the counts of checks for the departments' desk: the verifying service's own, in no trust list.

It could sign nothing that a pass is judged by. Its public half is handed over by hand; compare the thumbprints.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import ECKey

from verifiers.key_file import open_key, public_jwk
from walletpass.scan_counts import ScanCounts, sign_scan_counts

KEY_FILE = "counts.jwk"


@dataclass(frozen=True, slots=True)
class CountsKey:
    """`id` is the thumbprint (RFC 7638)."""

    id: str
    _key: ECKey

    @classmethod
    def open(cls, folder: Path) -> CountsKey:
        """The key in `folder`, made when it is not there; raises `KeyFileInvalid`."""
        key = open_key(folder / KEY_FILE)
        return cls(key.thumbprint(), key)

    def public_jwk(self) -> str:
        """For the issuing side."""
        return public_jwk(self._key)

    def sign(self, counts: ScanCounts) -> bytes:
        """The compact JWS."""
        private = self._key.private_key
        assert isinstance(private, EllipticCurvePrivateKey)

        def es256(message: bytes) -> bytes:
            r, s = decode_dss_signature(private.sign(message, ECDSA(SHA256())))
            return (r << 256 | s).to_bytes(64, "big")

        return sign_scan_counts(counts, self.id, es256)
