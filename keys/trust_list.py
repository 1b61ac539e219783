"""The trust list: which keys may sign what, signed under the anchor. Written by the issuing side, read by verifiers.

`trust-list.jwt` is a compact JWS, `typ: trustlist+jwt`, `x5c` up to but without the anchor. Reading needs the anchor,
given out of band; a chain inside a document never creates trust by itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from keys.signer import Role, Signer

TYP = "trustlist+jwt"
MAX_TRUST_LIST = 1 << 20  # bytes


@dataclass(frozen=True, slots=True)
class ListedKey:
    """A key in the trust list. Times are NumericDates; `sign_until` None: no end yet.

    `pass_types` are type names; empty means every listed type. `public_key` is parsed from the leaf, once.
    """

    kid: bytes
    role: Role
    certificate: x509.Certificate
    public_key: ec.EllipticCurvePublicKey
    pass_types: frozenset[str]
    sign_from: int
    sign_until: int | None


@dataclass(frozen=True, slots=True)
class ListedType:
    """A pass type in the trust list: `sha256` (lowercase hex) of its published document, byte for byte."""

    name: str
    number: int
    version: int
    sha256: str
    max_status_age: int


@dataclass(frozen=True, slots=True)
class TrustList:
    """A trust list that was read and verified. Times are NumericDates; `version` rises with every publication."""

    issuer: str
    version: int
    issued_at: int
    expires_at: int
    keys: tuple[ListedKey, ...]
    types: tuple[ListedType, ...]

    def keys_named(self, kid: bytes, role: Role) -> tuple[ListedKey, ...]:
        """All keys with that kid and role; several may share a kid: try each."""
        return tuple(key for key in self.keys if key.kid == kid and key.role is role)


def sign_trust_list(trust_list: TrustList, signer: Signer) -> bytes:
    """The compact JWS. Each key's `x5c` holds its leaf (and intermediates, never the anchor)."""
    raise NotImplementedError


def read_trust_list(token: bytes, anchor: x509.Certificate, now: int) -> TrustList:
    """Read and verify against `anchor`; raises `TrustListInvalid`.

    Checked: size, `typ`, ES256, signature by the `x5c` leaf, that leaf's role (extended key usage) and its chain to
    `anchor`; every listed key's certificate chains to `anchor` too and carries the extended key usage of its purpose.
    Expiry (`exp`) is the caller's to judge: a good but expired list still says who we are talking to.
    """
    raise NotImplementedError
