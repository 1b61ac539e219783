"""What it means to be able to sign. Holds no key; the places a key can live are files in `keys/signers/`."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class Role(StrEnum):
    """What a key may sign. The word is also the `purpose` in the trust list."""

    ANCHOR = "anchor"  # certificates only; may live offline
    CREDENTIAL = "credential"
    STATUS_LIST = "status-list"
    TRUST_LIST = "trust-list"
    PLATE_LIST = "plate-list"
    APPLE_PASS = "apple-pass"  # noqa: S105 - a role, not a secret
    GOOGLE_SERVICE_ACCOUNT = "google-service-account"


class Signer(Protocol):
    """One key, ready to sign in one role. Parsed once per process.

    `chain` is leaf first and never contains the anchor (RFC 7515 section 4.1.6, without the root); it is empty for
    the Google service account, which has no certificate. `subject` is the certificate's subject, or the service
    account's e-mail address.
    """

    @property
    def role(self) -> Role: ...

    @property
    def kid(self) -> bytes:
        """First 8 bytes of SHA-256 over the leaf's DER (or the SPKI's, without a certificate); not unique."""
        ...

    @property
    def chain(self) -> tuple[x509.Certificate, ...]: ...

    @property
    def subject(self) -> str: ...

    @property
    def private_key(self) -> PrivateKey:
        """For libraries that build whole structures (CMS, JWS). May be a proxy to hardware."""
        ...

    def sign(self, message: bytes) -> bytes:
        """ES256: the raw 64 bytes r‖s (RFC 7518 section 3.4). RS256: PKCS#1 v1.5 with SHA-256."""
        ...
