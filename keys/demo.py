"""A whole set of keys in one call: a real anchor and signers of our own, and stand-ins for Apple's and Google's."""

from __future__ import annotations

from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from keys.errors import KeyNotFound
from keys.issuing import make_anchor, make_apple_like_chain, new_ec_key, new_rsa_key
from keys.key_ring import KeyRing
from keys.rotation import ISSUED_ROLES, new_key
from keys.signer import Role

DEMO_GOOGLE_ACCOUNT = "walletpass-demo@example.iam.gserviceaccount.com"


def create_demo_keys(
    ring: KeyRing,
    now: datetime,
    *,
    public_url: str,
    city_name: str,
    pass_type_identifier: str,
    team_identifier: str,
    google_account: str = DEMO_GOOGLE_ACCOUNT,
    status_eku: str = "",
) -> bytes:
    """Make what is missing, keep what is there, and return the anchor's certificate as PEM.

    Idempotent, and after a kill the next call goes on where it stopped. Phones do not believe the Apple stand-in, and
    Google does not know the account; `keys import` replaces them.
    """
    with ring.changing():
        create_anchor(ring, now, public_url=public_url, city_name=city_name)
        present = {entry.role for entry in ring.entries() if entry.withdrawn_at is None}
        for role in ISSUED_ROLES:
            if role not in present:
                new_key(ring, role, now, status_eku=status_eku)
        if Role.APPLE_PASS not in present:
            key = new_rsa_key()
            chain = make_apple_like_chain(key, now, pass_type_identifier, team_identifier)
            ring.add(Role.APPLE_PASS, key, chain, now)
        if Role.GOOGLE_SERVICE_ACCOUNT not in present:
            ring.add(Role.GOOGLE_SERVICE_ACCOUNT, new_rsa_key(), (), now, subject=google_account)
    return ring.anchor_certificate.public_bytes(Encoding.PEM)


def add_new_roles(ring: KeyRing, now: datetime) -> bool:
    """A key for each role that came with a newer version; True when one was made.

    Roles that ever had a key are left alone, and so is a ring whose anchor's key is elsewhere.
    """
    with ring.changing():
        missing = [role for role in ISSUED_ROLES if role not in {entry.role for entry in ring.entries()}]
        for role in missing:
            try:
                new_key(ring, role, now)
            except KeyNotFound:
                return False
    return bool(missing)


def create_anchor(ring: KeyRing, now: datetime, *, public_url: str, city_name: str) -> x509.Certificate:
    """The anchor of the ring; made if there is none."""
    with ring.changing():
        try:
            return ring.anchor_certificate
        except KeyNotFound:
            key = new_ec_key()
            ring.add(Role.ANCHOR, key, (make_anchor(key, now, public_url, city_name),), now)
    return ring.anchor_certificate
