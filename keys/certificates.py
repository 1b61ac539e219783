"""Checks of certificates: does this one serve that role, under this anchor? Making them is in `keys.issuing`.

Profiles: ISO/IEC 18013-5 Annex B (IACA root, document signer) and RFC 5280. The path is checked by hand because the
library's verifier follows the web's rules (names of servers), not those of document signers.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtensionOID, NameOID

from keys.errors import CertificateMismatch
from keys.signer import Role

EXTENDED_KEY_USAGES: Mapping[Role, x509.ObjectIdentifier] = MappingProxyType(
    {
        Role.CREDENTIAL: x509.ObjectIdentifier("1.0.18013.5.1.2"),  # document signer
        # Our own, made from random UUIDs (ITU-T X.667): IANA has not yet numbered a usage for status signers.
        Role.STATUS_LIST: x509.ObjectIdentifier("2.25.5946743004235893263211796644996466572"),
        Role.TRUST_LIST: x509.ObjectIdentifier("2.25.211209981621578782124770317120288563794"),
        Role.PLATE_LIST: x509.ObjectIdentifier("2.25.46368193434025221842184390332803958402"),
    }
)
"""The roles under our anchor. A certificate has exactly one of these usages, marked critical."""

MIN_RSA_BITS = 2048
PASS_TYPE_PREFIX = "pass."  # noqa: S105 - not a secret

_KNOWN_CRITICAL = {ExtensionOID.KEY_USAGE, ExtensionOID.EXTENDED_KEY_USAGE, ExtensionOID.BASIC_CONSTRAINTS}
_KEY_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
)
_DIGESTS = (SHA256, SHA384, SHA512)
_ROLES_UNDER_ANCHOR = ", ".join(EXTENDED_KEY_USAGES)
_Kind = TypeVar("_Kind", bound=x509.ExtensionType)


def usages_of(role: Role, status_eku: str = "") -> tuple[x509.ObjectIdentifier, ...]:
    """The extended key usages accepted for `role`, the one for new certificates last.

    `status_eku` is a setting: a further usage for status signers. It may not be that of another role.
    """
    if role not in EXTENDED_KEY_USAGES:
        raise CertificateMismatch(f"No certificate under our anchor is for {role}; there are: {_ROLES_UNDER_ANCHOR}.")
    if role is not Role.STATUS_LIST or not status_eku:
        return (EXTENDED_KEY_USAGES[role],)
    try:
        chosen = x509.ObjectIdentifier(status_eku)
    except ValueError:
        raise CertificateMismatch(f"The status signers' key usage {status_eku!r} is not an OID.") from None
    if chosen in [usage for other, usage in EXTENDED_KEY_USAGES.items() if other is not Role.STATUS_LIST]:
        raise CertificateMismatch("The status signers' key usage is already that of another role.")
    return EXTENDED_KEY_USAGES[role], chosen


def check_role(certificate: x509.Certificate, role: Role, status_eku: str = "") -> None:
    """Raises `CertificateMismatch` unless the certificate's own words allow exactly this role."""
    with _translated(role):
        if role is Role.ANCHOR:
            return _check_root(certificate)
        accepted = usages_of(role, status_eku)
        usage = _extension(certificate, x509.ExtendedKeyUsage)
        _require(usage is not None, f"The certificate names no extended key usage; one for {role} is needed.")
        assert usage is not None
        fits = len(usage.value) == 1 and usage.value[0] in accepted
        _require(fits, f"The certificate's extended key usage is not that of the role {role}.")
        _require(usage.critical, f"The extended key usage of the {role} certificate is not marked critical.")
        key_usage = _extension(certificate, x509.KeyUsage)
        signs = key_usage is not None and key_usage.critical and _used_for(key_usage.value) == {"digital_signature"}
        _require(signs, f"The key usage of the {role} certificate is not digital signature alone.")
        constraints = _extension(certificate, x509.BasicConstraints)
        _require(constraints is None or not constraints.value.ca, f"The {role} certificate is one of an authority.")
        _require(_is_p256(certificate), f"The key of the {role} certificate is not on the curve P-256.")


def check_chain(
    leaf: x509.Certificate,
    intermediates: Sequence[x509.Certificate],
    anchor: x509.Certificate,
    at: datetime | None = None,
) -> None:
    """Raises `CertificateMismatch` unless `leaf` hangs under `anchor` by way of `intermediates`, nearest first.

    With `at` (aware) every certificate must be valid at that instant; without it, time does not matter.
    """
    with _translated("chain"):
        path = [leaf, *intermediates, anchor]
        for depth, (child, issuer) in enumerate(itertools.pairwise(path)):
            _require(child.subject != child.issuer, "A certificate below the anchor is self-signed.")
            _check_issued(child, issuer, depth)
        for certificate in path:
            _check_critical(certificate)
            if at is not None:
                _check_valid(certificate, at)


def check_apple(
    chain: Sequence[x509.Certificate],
    pass_type_identifier: str,
    team_identifier: str,
    at: datetime | None = None,
) -> None:
    """Raises `CertificateMismatch` unless `chain` (leaf, intermediate) may sign passes of this identifier (digest A.1).

    A phone refuses a pass with another identifier without a word, so this is asked before every start.
    """
    with _translated(Role.APPLE_PASS):
        _require(len(chain) > 0, "There is no Apple certificate.")
        leaf = chain[0]
        owner = _subject(leaf, NameOID.USER_ID)
        _require(owner.startswith(PASS_TYPE_PREFIX), "The certificate is not one for Apple passes: no pass type in it.")
        _require(
            owner == pass_type_identifier,
            f"The Apple certificate is for the pass type {owner}, the settings say {pass_type_identifier}.",
        )
        team = _subject(leaf, NameOID.ORGANIZATIONAL_UNIT_NAME)
        _require(
            team == team_identifier,
            f"The Apple certificate belongs to the team {team or '(none)'}, the settings say {team_identifier}.",
        )
        key = leaf.public_key()
        large = isinstance(key, rsa.RSAPublicKey) and key.key_size >= MIN_RSA_BITS
        _require(large, "The key of the Apple certificate is not RSA with at least 2048 bits.")
        _require(len(chain) > 1, "The intermediate certificate (Apple WWDR) is missing.")
        _require(leaf.subject != leaf.issuer, "The Apple certificate is self-signed.")
        _check_issued(leaf, chain[1], 0)
        _require(chain[1].subject != chain[1].issuer, "The Apple chain holds a root; only the intermediate belongs.")
        for certificate in chain[:2] if at is not None else ():
            assert at is not None
            _check_valid(certificate, at)
        _require(len(chain) == 2, "The Apple chain is longer than the certificate and its intermediate.")


def is_key_of(certificate: x509.Certificate, public_key: object) -> bool:
    """Does this public key belong to the certificate?"""
    with _translated("key"):
        return bool(certificate.public_key() == public_key)


def _check_root(certificate: x509.Certificate) -> None:
    _require(certificate.subject == certificate.issuer, "The anchor is not a root certificate.")
    _check_digest(certificate)
    certificate.verify_directly_issued_by(certificate)
    constraints = _extension(certificate, x509.BasicConstraints)
    is_root = constraints is not None and constraints.critical and constraints.value.ca
    _require(is_root, "The anchor is not the certificate of an authority.")
    assert constraints is not None
    _require(constraints.value.path_length == 0, "The anchor allows authorities beneath it; its path length is not 0.")
    usage = _extension(certificate, x509.KeyUsage)
    right = usage is not None and usage.critical and _used_for(usage.value) == {"key_cert_sign", "crl_sign"}
    _require(right, "The key usage of the anchor is not to sign certificates and revocation lists, critically.")
    _require(_is_p256(certificate), "The key of the anchor is not on the curve P-256.")
    _check_critical(certificate)


def _check_issued(child: x509.Certificate, issuer: x509.Certificate, depth: int) -> None:
    """`depth` is the number of authorities between `child`'s level and the leaf (RFC 5280 section 4.2.1.9)."""
    wanted = _extension(child, x509.AuthorityKeyIdentifier)
    present = _extension(issuer, x509.SubjectKeyIdentifier)
    _require(
        wanted is not None and present is not None and wanted.value.key_identifier == present.value.digest,
        "The issuing certificate is not the one that the certificate asks for (key identifiers differ).",
    )
    _check_digest(child)
    try:
        child.verify_directly_issued_by(issuer)
    except InvalidSignature:
        raise CertificateMismatch("A certificate was not signed by the one above it.") from None
    constraints = _extension(issuer, x509.BasicConstraints)
    usage = _extension(issuer, x509.KeyUsage)
    may = constraints is not None and constraints.value.ca and usage is not None and usage.value.key_cert_sign
    _require(may, "A certificate was issued by one that may not issue certificates.")
    assert constraints is not None
    room = constraints.value.path_length
    _require(room is None or depth <= room, "There are more certificates in the chain than its authority allows.")


def _check_digest(certificate: x509.Certificate) -> None:
    """ISO/IEC 18013-5 Annex B allows these three; the library would take older ones as well."""
    fits = isinstance(certificate.signature_hash_algorithm, _DIGESTS)
    _require(fits, "A certificate is signed with a digest other than SHA-256, SHA-384 or SHA-512.")


def _check_valid(certificate: x509.Certificate, at: datetime) -> None:
    end = certificate.not_valid_after_utc
    _require(at <= end, f"The certificate ended on {end:%Y-%m-%d}.")
    begin = certificate.not_valid_before_utc
    _require(at >= begin, f"The certificate begins only on {begin:%Y-%m-%d}.")


def _check_critical(certificate: x509.Certificate) -> None:
    unknown = {extension.oid for extension in certificate.extensions if extension.critical} - _KNOWN_CRITICAL
    _require(not unknown, "A certificate has a critical extension that we do not know (RFC 5280 section 4.2).")


def _extension(certificate: x509.Certificate, kind: type[_Kind]) -> x509.Extension[_Kind] | None:
    try:
        return certificate.extensions.get_extension_for_class(kind)
    except x509.ExtensionNotFound:
        return None


def _used_for(usage: x509.KeyUsage) -> set[str]:
    return {name for name in _KEY_USAGES if getattr(usage, name)}


def _is_p256(certificate: x509.Certificate) -> bool:
    """A named curve and an uncompressed point (RFC 5480 section 2), the one form that every browser reads too."""
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        return False
    written = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return written in certificate.tbs_certificate_bytes


def _subject(certificate: x509.Certificate, attribute: x509.ObjectIdentifier) -> str:
    """The attribute's only value, or nothing."""
    found = certificate.subject.get_attributes_for_oid(attribute)
    return str(found[0].value) if len(found) == 1 else ""


def _require(fits: bool, sentence: str) -> None:
    if not fits:
        raise CertificateMismatch(sentence)


BROKEN = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
"""What the library raises for certificates that are damaged; there is no class above them."""


@contextlib.contextmanager
def _translated(what: str) -> Iterator[None]:
    """Certificates from outside can be broken in ways the library meets with many kinds of exception."""
    try:
        yield
    except InvalidSignature:
        raise CertificateMismatch(f"A signature in the {what} certificate does not hold.") from None
    except BROKEN:
        raise CertificateMismatch(f"A certificate ({what}) is damaged or of a kind that is not used here.") from None
