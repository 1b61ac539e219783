"""A pass of any type, as a wallet gets it: values made from the kinds of claims, a really signed QR text."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from issuers.settings import IssuerSettings
from issuers.wallets import CarriedPass
from keys.signer import PrivateKey, Role
from walletpass.credential import Evidence, StatusReference
from walletpass.entitlement import ClaimValue, Holder
from walletpass.formats.cwt import FORMAT
from walletpass.pass_type import Catalogue, ClaimKind, PassType
from walletpass.pass_types import load_catalogue
from walletpass.passes import Pass, all_claims, end_instant
from walletpass.status import Status

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
HOLDER = Holder(
    given_name="Jürgen",
    family_name="Müßig-Özdemir",
    date_of_birth=date(1980, 2, 29),
    street="Straße des 17. Juni 5",
    postcode="40213",
    city="Düsseldorf",
    email="juergen@example.org",
)
_VALUES: dict[ClaimKind, ClaimValue] = {
    ClaimKind.ZONE: "MÜ",
    ClaimKind.PLATES: ("D-AB 1234E", "D-ÖÄ 99H"),
    ClaimKind.FLAG: True,
    ClaimKind.COUNT: 3,
    ClaimKind.TEXT: "Ein Text",
}


@dataclass(frozen=True)
class ThrowawaySigner:
    """A key that lives as long as the test run."""

    role: Role
    private_key: PrivateKey
    subject: str = "wallet@city.iam.gserviceaccount.com"
    chain: tuple[Any, ...] = ()

    @cached_property
    def kid(self) -> bytes:
        spki = self.private_key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return hashlib.sha256(spki).digest()[:8]

    def sign(self, message: bytes) -> bytes:
        if isinstance(self.private_key, rsa.RSAPrivateKey):
            return self.private_key.sign(message, padding.PKCS1v15(), hashes.SHA256())
        r, s = decode_dss_signature(self.private_key.sign(message, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


CREDENTIAL_SIGNER = ThrowawaySigner(Role.CREDENTIAL, ec.generate_private_key(ec.SECP256R1()))
CATALOGUE = load_catalogue()


def external_number(pass_type: PassType) -> str:
    return "29300012345674" if pass_type.name == "library_card" else "2026-004711"


def sample_claims(pass_type: PassType) -> dict[str, ClaimValue]:
    own = (claim for claim in pass_type.claims if not claim.holder_field)
    return {
        claim.name: external_number(pass_type) if claim.kind is ClaimKind.NUMBER else _VALUES[claim.kind]
        for claim in own
    }


def carry(type_name: str, settings: IssuerSettings | None = None, **changes: Any) -> CarriedPass:
    """A pass of that type in the wallets' form; `changes` replace fields of the pass."""
    settings = settings or IssuerSettings()
    pass_type = CATALOGUE.named(type_name)
    pass_ = Pass(
        serial="Xk3-9_aQ2vLr7TtB",
        pass_type=type_name,
        external_number=external_number(pass_type),
        status=Status.VALID,
        valid_from=date(2026, 11, 1),
        valid_until=date(2027, 10, 31),
        claims=sample_claims(pass_type),
        holders=(HOLDER,),
    )
    pass_ = replace(pass_, **changes)
    expires = end_instant(pass_.valid_until)
    evidence = Evidence(
        issuer=settings.public_url,
        pass_type=pass_type,
        claims=all_claims(pass_, pass_type),
        issued_at=int(NOW.timestamp()) // 3600 * 3600,
        valid_from=int(end_instant(pass_.valid_from - timedelta(days=1)).timestamp()),
        valid_until=int(expires.timestamp()),
        credential_id=b"\x8f" * 8,
        status=StatusReference(settings.status_uri("999"), 1_000_000),
    )
    return CarriedPass(pass_, pass_type, FORMAT.encode(evidence, CREDENTIAL_SIGNER), expires)


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return CATALOGUE


@pytest.fixture(scope="session", name="carry")
def carry_fixture() -> Callable[..., CarriedPass]:
    return carry


@pytest.fixture(scope="session")
def now() -> datetime:
    return NOW


@pytest.fixture(scope="session")
def google_signer() -> ThrowawaySigner:
    return ThrowawaySigner(Role.GOOGLE_SERVICE_ACCOUNT, rsa.generate_private_key(65537, 2048))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for `type_name` runs for every type of pass there is."""
    if "type_name" in metafunc.fixturenames:
        metafunc.parametrize("type_name", [pass_type.name for pass_type in CATALOGUE])
