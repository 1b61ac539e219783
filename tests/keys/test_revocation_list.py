"""The certificate revocation list: signed by the anchor, naming exactly the withdrawn signers."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cryptography import x509

from keys.demo import create_demo_keys
from keys.key_ring import KeyRing
from keys.revocation_list import LIFETIME, make_revocation_list
from keys.rotation import new_key
from keys.signer import Role

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


@pytest.fixture
def ring() -> KeyRing:
    ring = KeyRing.in_memory()
    create_demo_keys(
        ring,
        NOW,
        public_url="http://localhost:8000",
        city_name="Düsseldorf",
        pass_type_identifier="pass.de.example",
        team_identifier="TEAM000001",
    )
    return ring


def test_it_names_the_withdrawn_signer_and_no_other(ring: KeyRing) -> None:
    old = next(entry for entry in ring.entries() if entry.role is Role.CREDENTIAL)
    new_key(ring, Role.CREDENTIAL, NOW)
    ring.withdraw(old.kid, NOW)
    revoked = x509.load_der_x509_crl(make_revocation_list(ring, NOW))
    assert [item.serial_number for item in revoked] == [ring.chain(old)[0].serial_number]


def test_it_is_signed_by_the_anchor_and_ends(ring: KeyRing) -> None:
    made = x509.load_der_x509_crl(make_revocation_list(ring, NOW))
    public_key = ring.anchor_certificate.public_key()
    assert made.is_signature_valid(public_key)  # type: ignore[arg-type]
    assert made.next_update_utc == NOW + LIFETIME
    assert list(made) == []


def test_the_address_in_every_certificate_is_where_it_is_published(ring: KeyRing) -> None:
    for entry in ring.entries():
        if entry.role in (Role.CREDENTIAL, Role.STATUS_LIST, Role.TRUST_LIST):
            points = ring.chain(entry)[0].extensions.get_extension_for_class(x509.CRLDistributionPoints).value
            [name] = points[0].full_name or []
            assert name.value == "http://localhost:8000/published/anchor.crl"
