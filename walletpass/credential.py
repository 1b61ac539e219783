"""Credentials: what is signed, what was decoded, and what a credential format promises."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from keys.signer import Signer
from walletpass.entitlement import ClaimValue
from walletpass.pass_type import PassType


@dataclass(frozen=True, slots=True)
class StatusReference:
    """Where a credential's status stands: `uri` of the list and `index` in it (Token Status List, section 6)."""

    uri: str
    index: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that a format is asked to sign. Times are whole seconds since 1970 (NumericDate), already rounded.

    `credential_id` is 8 random bytes. `claims` holds the claims that may leave in this format, by name. `holder_key` is
    the uncompressed point (65 bytes) of the key that the credential is bound to; None: to no key.
    """

    issuer: str
    pass_type: PassType
    claims: Mapping[str, ClaimValue]
    issued_at: int
    valid_from: int
    valid_until: int
    credential_id: bytes
    status: StatusReference
    holder_key: bytes | None = None


@dataclass(frozen=True, slots=True)
class HolderProof:
    """A signature by the key that a credential is bound to, taken apart and not yet believed.

    `key` is an uncompressed point of P-256, `message` what was signed, `signature` the 64 bytes r‖s of ES256,
    `signed_at` the time that was signed, a NumericDate.
    """

    key: bytes
    message: bytes
    signature: bytes
    signed_at: int


@dataclass(frozen=True, slots=True)
class Presentation:
    """A credential taken apart and not yet believed. `claims` are by number: names come from a trusted type.

    `holder_proof` is None where the format binds no key.
    """

    format: str
    kid: bytes
    message: bytes
    signature: bytes
    issuer: str
    issued_at: int
    valid_from: int
    valid_until: int
    credential_id: bytes
    type_number: int
    claims: Mapping[int, ClaimValue]
    status: StatusReference | None
    holder_proof: HolderProof | None = None


class CredentialFormat(Protocol):
    """Signed evidence ↔ presentation. One module per format in `walletpass/formats/`."""

    name: str
    prefix: str

    def encode(self, evidence: Evidence, signer: Signer) -> str:
        """The signed text as it is kept; decoded with our own reader and compared before it is signed ("lint")."""
        ...

    def decode(self, text: str) -> Presentation:
        """Read a presented text strictly; raises `Malformed`. Says nothing about trust."""
        ...
