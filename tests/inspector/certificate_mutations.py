"""Certificates and anchors that are nearly right: another profile, another key, or other bytes, signed anew or not."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from keys.certificates import EXTENDED_KEY_USAGES
from keys.issuing import new_ec_key, new_rsa_key
from tests.inspector.mutations import BENDS
from tests.vectors.vector_city import NOW, VectorCity

_BITS = ("digital_signature", "content_commitment", "key_encipherment", "key_agreement", "key_cert_sign", "crl_sign")
_OIDS = [*EXTENDED_KEY_USAGES.values(), x509.ObjectIdentifier("1.3.6.1.5.5.7.3.1"), x509.ObjectIdentifier("2.999.1")]
_EXTENSION = re.compile(rb"\x06\x03\x55\x1d(.)", re.DOTALL)
_DIGESTS: tuple[hashes.HashAlgorithm, ...] = (hashes.SHA256(), hashes.SHA384(), hashes.SHA512(), hashes.SHA224())


def certificate_like(city: VectorCity, rng: random.Random, der: bytes) -> bytes:
    """A certificate in place of `der`: its bytes bent, its signed part bent and signed again, or one made anew."""
    how = rng.random()
    if how < 0.3:
        return rng.choice(BENDS)(rng, der)
    certificate = x509.load_der_x509_certificate(der)
    if how < 0.6:
        return _signed_again(city, certificate, _bent_inside(rng, certificate.tbs_certificate_bytes))
    return _made_anew(city, rng, certificate)


def _bent_inside(rng: random.Random, tbs: bytes) -> bytes:
    """Bent, but no extension turns into one of another kind: of those that nobody judges, one side reads more."""
    while True:
        bent = rng.choice(BENDS)(rng, tbs)
        if _EXTENSION.findall(bent) == _EXTENSION.findall(tbs):
            return bent


def _signed_again(city: VectorCity, certificate: x509.Certificate, tbs: bytes) -> bytes:
    signature = city._anchor_key.sign(tbs, ec.ECDSA(hashes.SHA256()))
    algorithm = bytes.fromhex("300a06082a8648ce3d040302")
    return _element(0x30, tbs + algorithm + _element(0x03, b"\0" + signature))


def _element(tag: int, content: bytes) -> bytes:
    size = len(content)
    raw = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, size)) + content if size < 0x80 else bytes((tag, 0x80 | len(raw))) + raw + content


def _made_anew(city: VectorCity, rng: random.Random, old: x509.Certificate) -> bytes:
    """The old one's key, with some of its parts different."""
    anchor, often = city.anchor, lambda: rng.random() < 0.93
    key = (
        old.public_key()
        if often()
        else rng.choice((new_ec_key(), ec.generate_private_key(ec.SECP384R1()))).public_key()
    )
    if rng.random() < 0.03:
        key = new_rsa_key().public_key()
    subject = old.subject if often() else rng.choice((anchor.subject, x509.Name([]), _named("Ärger", "EN")))
    issuer = anchor.subject if often() else rng.choice((old.subject, _named("Someone else", "DE")))
    made = datetime.fromtimestamp(NOW, UTC) - timedelta(days=250)
    begins, ends = (0, 457) if often() else rng.choice(((0, 249), (0, 250), (251, 457), (-20_000, 457), (0, 12_000)))
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)  # type: ignore[arg-type]
        .serial_number(rng.choice((1, 127, 128, 1 << 158, rng.getrandbits(150) + 1)))
        .not_valid_before(made + timedelta(days=begins))
        .not_valid_after(made + timedelta(days=ends))
    )
    for extension, critical in _extensions(city, rng, old):
        builder = builder.add_extension(extension, critical=critical)
    signing = city._anchor_key if often() else new_ec_key()
    return builder.sign(signing, rng.choice((*_DIGESTS[:1] * 6, *_DIGESTS))).public_bytes(Encoding.DER)


def _named(city: str, country: str) -> x509.Name:
    attributes = ((NameOID.COUNTRY_NAME, country), (NameOID.ORGANIZATION_NAME, city))
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in attributes])


def _extensions(city: VectorCity, rng: random.Random, old: x509.Certificate) -> list[tuple[x509.ExtensionType, bool]]:
    """Those of the old one, each now and then absent, with another value or another mark."""
    found: list[tuple[x509.ExtensionType, bool]] = []
    for extension in old.extensions:
        value, critical = extension.value, extension.critical
        if rng.random() < 0.04:
            critical = not critical
        if rng.random() < 0.06:
            if isinstance(value, x509.KeyUsage):
                value = key_usage(rng)
            elif isinstance(value, x509.ExtendedKeyUsage):
                value = x509.ExtendedKeyUsage(rng.sample(_OIDS, rng.choice((1, 1, 2))))
            elif isinstance(value, x509.AuthorityKeyIdentifier):
                other = [x509.DirectoryName(city.anchor.subject)]
                identifier = rng.choice((rng.randbytes(20), None, value.key_identifier))
                value = x509.AuthorityKeyIdentifier(identifier, other, 77)
            else:
                continue
        found.append((value, critical))
    if rng.random() < 0.15:
        authority = rng.random() < 0.5
        found.append(
            (x509.BasicConstraints(authority, rng.choice((None, 0, 1)) if authority else None), rng.random() < 0.5)
        )
    if rng.random() < 0.1:
        unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), rng.randbytes(5))
        found.append((unknown, rng.random() < 0.5))
    return found


def key_usage(rng: random.Random) -> x509.KeyUsage:
    used = set(rng.sample(_BITS, rng.choice((1, 2))))
    bits = {name: name in used for name in (*_BITS, "data_encipherment")}
    return x509.KeyUsage(**bits, encipher_only=False, decipher_only=rng.random() < 0.3 and "key_agreement" in used)


def spoilt_anchor(city: VectorCity, rng: random.Random) -> str:
    """The city's anchor made anew with its own key, some parts different (PEM)."""
    old, key = city.anchor, city._anchor_key
    builder = x509.CertificateBuilder(
        issuer_name=old.subject if rng.random() < 0.8 else _named("Someone else", "DE"),
        subject_name=old.subject,
        public_key=key.public_key(),
        serial_number=7,
        not_valid_before=old.not_valid_before_utc,
        not_valid_after=old.not_valid_after_utc if rng.random() < 0.9 else datetime.fromtimestamp(NOW - 1, UTC),
    )
    for extension in old.extensions:
        value, critical = extension.value, extension.critical ^ (rng.random() < 0.1)
        if rng.random() < 0.15:
            if isinstance(value, x509.BasicConstraints):
                value = rng.choice(
                    (
                        x509.BasicConstraints(True, 1),
                        x509.BasicConstraints(True, None),
                        x509.BasicConstraints(False, None),
                    )
                )
            elif isinstance(value, x509.KeyUsage):
                value = key_usage(rng)
            else:
                continue
        builder = builder.add_extension(value, critical)
    made = builder.sign(key, rng.choice((hashes.SHA256(), hashes.SHA384(), hashes.SHA512(), hashes.SHA224())))
    return made.public_bytes(Encoding.PEM).decode()
