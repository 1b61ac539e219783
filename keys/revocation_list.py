"""The anchor's certificate revocation list: the signers that were withdrawn. Certificates name its address.

Source: RFC 5280 section 5. Our own verifiers go by the trust list, where a withdrawn key is simply absent; this list
is for readers that others wrote. It can only be signed where the anchor's key is, so it is made to last.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from keys.certificates import EXTENDED_KEY_USAGES
from keys.key_ring import KeyRing
from keys.signer import Role

LIFETIME = timedelta(days=400)


def make_revocation_list(ring: KeyRing, now: datetime) -> bytes:
    """The list as DER, numbered by the second. Raises `KeyNotFound` when the anchor's key is not in this ring."""
    anchor_key, anchor = ring.signer(Role.ANCHOR, now).private_key, ring.anchor_certificate
    own = anchor.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(anchor.subject)
        .last_update(now)
        .next_update(now + LIFETIME)
        .add_extension(x509.CRLNumber(int(now.timestamp())), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own), critical=False)
    )
    for entry in ring.entries():
        if entry.role in EXTENDED_KEY_USAGES and entry.withdrawn_at is not None and entry.is_withdrawn(now):
            serial = ring.chain(entry)[0].serial_number
            revoked = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(entry.withdrawn_at)
            builder = builder.add_revoked_certificate(revoked.build())
    return builder.sign(anchor_key, hashes.SHA256()).public_bytes(Encoding.DER)
