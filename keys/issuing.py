"""Making certificates: the anchor, the signers under it, and a demonstration chain shaped like Apple's.

Profiles: ISO/IEC 18013-5 Annex B, IACA root and document signer (digest F). Every certificate begins a day early, so
that documents whose times are rounded down to the hour are never older than their signer's certificate.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from keys.certificates import usages_of
from keys.signer import PrivateKey, Role

EARLY = timedelta(days=1)
ANCHOR_LIFETIME = timedelta(days=20 * 365)  # at most 20 years
SIGNER_LIFETIME = timedelta(days=457)  # at most, for a document signer
APPLE_LIFETIME = timedelta(days=366)
REVOCATION_LIST = "anchor.crl"  # its name in the published folder
MAX_NAME = 64  # of a name in a certificate (RFC 5280 appendix A.1: characters; the library counts bytes)

_SHA256 = hashes.SHA256()
_NO_USAGE = dict.fromkeys(
    (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    ),
    False,
)


def new_ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def new_rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def make_anchor(
    key: ec.EllipticCurvePrivateKey, now: datetime, public_url: str, city_name: str, country: str = "DE"
) -> x509.Certificate:
    """The root of one city. `public_url` goes into its alternative name and the address of the revocation list."""
    subject = _name(country, city_name, "Wallet Pass Root")
    return (
        _unsigned(subject, subject, key, now, ANCHOR_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage("key_cert_sign", "crl_sign"), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.IssuerAlternativeName([x509.UniformResourceIdentifier(public_url)]), critical=False)
        .add_extension(_revocation_list(f"{public_url}/published/{REVOCATION_LIST}"), critical=False)
        .sign(key, _SHA256)
    )


def make_signer_certificate(
    key: ec.EllipticCurvePrivateKey,
    role: Role,
    anchor: x509.Certificate,
    anchor_key: PrivateKey,
    now: datetime,
    status_eku: str = "",
) -> x509.Certificate:
    """A leaf for one role. City, URL and revocation list are the anchor's own."""
    extensions = anchor.extensions
    city = anchor.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)[0].value
    country = anchor.subject.get_attributes_for_oid(NameOID.COUNTRY_NAME)[0].value
    subject = _name(str(country), str(city), f"Wallet Pass {role}")
    end = min(now - EARLY + SIGNER_LIFETIME, anchor.not_valid_after_utc)
    return (
        _unsigned(subject, anchor.subject, key, now, end - (now - EARLY))
        .add_extension(_key_usage("digital_signature"), critical=True)
        .add_extension(x509.ExtendedKeyUsage([usages_of(role, status_eku)[-1]]), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(_authority(anchor), critical=False)
        .add_extension(extensions.get_extension_for_class(x509.IssuerAlternativeName).value, critical=False)
        .add_extension(extensions.get_extension_for_class(x509.CRLDistributionPoints).value, critical=False)
        .sign(anchor_key, _SHA256)
    )


def make_apple_like_chain(
    key: rsa.RSAPrivateKey, now: datetime, pass_type_identifier: str, team_identifier: str
) -> tuple[x509.Certificate, x509.Certificate]:
    """Leaf and intermediate for demonstrations; no phone believes them. The upper keys are forgotten at once."""
    root_key, middle_key = new_ec_key(), new_rsa_key()
    root_name = _name("DE", "Demonstration", "Root, not Apple")
    middle_name = _name("DE", "Demonstration", "Developer Relations, not Apple")
    root = _authority_certificate(root_name, root_name, root_key, root_key, now, 1)
    middle = _authority_certificate(middle_name, root_name, middle_key, root_key, now, 0, root)
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.USER_ID, pass_type_identifier),
            x509.NameAttribute(NameOID.COMMON_NAME, _cut(f"Pass Type ID: {pass_type_identifier}", MAX_NAME)),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, team_identifier),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Demonstration"),
            x509.NameAttribute(NameOID.COUNTRY_NAME, "DE"),
        ]
    )
    leaf = (
        _unsigned(subject, middle_name, key, now, APPLE_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage("digital_signature"), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(_authority(middle), critical=False)
        .sign(middle_key, _SHA256)
    )
    return leaf, middle


def _authority_certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: PrivateKey,
    issuer_key: PrivateKey,
    now: datetime,
    path_length: int,
    above: x509.Certificate | None = None,
) -> x509.Certificate:
    builder = (
        _unsigned(subject, issuer, key, now, ANCHOR_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(_key_usage("key_cert_sign", "crl_sign"), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if above is not None:
        builder = builder.add_extension(_authority(above), critical=False)
    return builder.sign(issuer_key, _SHA256)


def _unsigned(
    subject: x509.Name, issuer: x509.Name, key: PrivateKey, now: datetime, lifetime: timedelta
) -> x509.CertificateBuilder:
    begin = (now - EARLY).replace(microsecond=0)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + lifetime)
    )


def _name(country: str, organization: str, purpose: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, country),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, _cut(organization, MAX_NAME)),
            x509.NameAttribute(NameOID.COMMON_NAME, f"{_cut(organization, MAX_NAME - len(purpose) - 1)} {purpose}"),
        ]
    )


def _cut(text: str, room: int) -> str:
    return text.encode()[:room].decode(errors="ignore").rstrip()


def _key_usage(*used: str) -> x509.KeyUsage:
    return x509.KeyUsage(**_NO_USAGE | dict.fromkeys(used, True))


def _authority(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)


def _revocation_list(url: str) -> x509.CRLDistributionPoints:
    point = x509.DistributionPoint([x509.UniformResourceIdentifier(url)], None, None, None)
    return x509.CRLDistributionPoints([point])
