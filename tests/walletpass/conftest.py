"""What the tests of the core share: keys made for this run, evidence for every type, how hard Hypothesis tries."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import settings

from keys.local_signer import LocalSigner, key_id
from keys.signer import Role
from walletpass.credential import Evidence, StatusReference
from walletpass.entitlement import ClaimValue
from walletpass.errors import StatusListInvalid
from walletpass.pass_type import Claim, ClaimKind, PassType

settings.register_profile(
    "house",
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=1000 if os.environ.get("WALLETPASS_STRESS") else 100,
)
settings.load_profile("house")

_VALUES: dict[ClaimKind, ClaimValue] = {
    ClaimKind.TEXT: "Müller-Lüdenscheidt",
    ClaimKind.NUMBER: "BP-2027-000123",
    ClaimKind.ZONE: "MÜ",
    ClaimKind.PLATES: ("D-AB 1234E", "D-XY 99"),
    ClaimKind.FLAG: True,
    ClaimKind.DATE: "1980-02-29",
    ClaimKind.YEAR: 1980,
    ClaimKind.COUNT: 3,
}


def _sample(claim: Claim) -> ClaimValue:
    return _VALUES[claim.kind]


@pytest.fixture(scope="session")
def signer() -> LocalSigner:
    key = ec.generate_private_key(ec.SECP256R1())
    return LocalSigner(Role.CREDENTIAL, key_id(key.public_key()), (), "CN=test", key)


@pytest.fixture(scope="session")
def verify(signer: LocalSigner) -> Callable[[bytes, bytes, bytes], None]:
    """The `Verify` of status tokens that believes the test run's own key and no other."""
    public_key = signer.private_key.public_key()
    assert isinstance(public_key, ec.EllipticCurvePublicKey)

    def check(kid: bytes, message: bytes, signature: bytes) -> None:
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        try:
            if kid != signer.kid or len(signature) != 64:
                raise InvalidSignature
            public_key.verify(encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            raise StatusListInvalid("The signature does not fit.") from None

    return check


@pytest.fixture(scope="session")
def evidence_for() -> Callable[..., Evidence]:
    """A function: pass type and changed fields → evidence with a value for every declared claim."""

    def make(pass_type: PassType, **changes: object) -> Evidence:
        evidence = Evidence(
            issuer="https://pass.example.org",
            pass_type=pass_type,
            claims={claim.name: _sample(claim) for claim in pass_type.claims},
            issued_at=1_800_000_000,
            valid_from=1_800_000_000,
            valid_until=1_830_000_000,
            credential_id=bytes(range(8)),
            status=StatusReference("https://pass.example.org/status/1", 4711),
        )
        return replace(evidence, **changes)

    return make
