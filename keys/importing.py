"""Keys from outside: the city's real Apple pass certificate and its real Google service account.

What does not fit is said in one sentence before anything is kept, because a phone later refuses without a word.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key, pkcs12

from keys.certificates import BROKEN, MIN_RSA_BITS, check_apple, is_key_of
from keys.errors import CertificateMismatch, KeyProblem, WrongPassphrase
from keys.key_ring import KeyRing
from keys.ring_entries import KeyEntry
from keys.signer import Role

MAX_IMPORT = 64 * 1024  # bytes per file

_NOT_A_KEY = "The file is no service account key of Google (JSON with type, client_email and private_key)."
_SERVICE_ACCOUNT = re.compile(r"[A-Za-z0-9._-]{1,100}@[A-Za-z0-9.-]{1,120}\.gserviceaccount\.com")
_EXPONENT = 65537


@dataclass
class _Found:
    """What lay in the files, not yet sorted."""

    keys: list[object] = field(default_factory=list)
    certificates: list[x509.Certificate] = field(default_factory=list)


def import_apple(
    ring: KeyRing,
    files: Sequence[bytes],
    password: bytes | None,
    now: datetime,
    *,
    pass_type_identifier: str,
    team_identifier: str,
) -> KeyEntry:
    """Keep the pass certificate; it signs from now on in place of the one before.

    `files` are the contents of a .p12, or of PEM files with certificate and key, and of Apple's intermediate
    certificate (PEM or .cer) unless the .p12 holds it. Raises `WrongPassphrase`, `CertificateMismatch`, `KeyProblem`.
    """
    found = _Found()
    for content in files:
        _take(content, password, found)
    if not found.keys:
        raise KeyProblem("There is no private key in the files; export the certificate together with its key as .p12.")
    if len(found.keys) > 1:
        raise KeyProblem("There is more than one private key in the files; give only that of the pass certificate.")
    if not found.certificates:
        raise KeyProblem("There is no certificate in the files.")
    key = found.keys[0]
    if not isinstance(key, rsa.RSAPrivateKey):
        raise CertificateMismatch("The key is not an RSA key; Apple's pass certificates have one.")
    leaf = next((one for one in found.certificates if is_key_of(one, key.public_key())), None)
    if leaf is None:
        raise CertificateMismatch("The key does not belong to the certificate.")
    chain = (leaf, *_issuers(leaf, found.certificates))
    check_apple(chain, pass_type_identifier, team_identifier, now)
    return ring.add(Role.APPLE_PASS, key, chain, now, previous_until=now)


def import_google(ring: KeyRing, content: bytes, now: datetime) -> KeyEntry:
    """Keep the service account key; it signs from now on in place of the one before. Raises `KeyProblem`."""
    if len(content) > MAX_IMPORT:
        raise KeyProblem(_NOT_A_KEY)
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        raise KeyProblem(_NOT_A_KEY) from None
    if not isinstance(document, dict) or document.get("type") != "service_account":
        raise KeyProblem(_NOT_A_KEY)
    email, key = document.get("client_email"), _google_key(document)
    if not isinstance(email, str) or not _SERVICE_ACCOUNT.fullmatch(email):
        raise KeyProblem("The client_email is no address of a service account (…@….gserviceaccount.com).")
    return ring.add(Role.GOOGLE_SERVICE_ACCOUNT, key, (), now, subject=email, previous_until=now)


def _google_key(document: dict[str, Any]) -> rsa.RSAPrivateKey:
    try:
        key = load_pem_private_key(document["private_key"].encode(), None)
    except (KeyError, AttributeError, TypeError, ValueError, UnsupportedAlgorithm):
        raise KeyProblem("The private_key of the service account cannot be read.") from None
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size < MIN_RSA_BITS:
        raise KeyProblem(f"The private_key of the service account is not RSA with at least {MIN_RSA_BITS} bits.")
    if key.public_key().public_numbers().e != _EXPONENT:
        raise KeyProblem(f"The private_key of the service account does not have the exponent {_EXPONENT}.")
    return key


def _take(content: bytes, password: bytes | None, found: _Found) -> None:
    if len(content) > MAX_IMPORT:
        raise KeyProblem("A file is too large for a key or certificate.")
    if b"-----BEGIN " in content:
        return _take_pem(content, password, found)
    try:
        found.certificates.append(x509.load_der_x509_certificate(content))
    except BROKEN:
        _take_p12(content, password, found)


def _take_pem(content: bytes, password: bytes | None, found: _Found) -> None:
    try:
        if b"-----BEGIN CERTIFICATE-----" in content:
            found.certificates.extend(x509.load_pem_x509_certificates(content))
    except BROKEN:
        raise KeyProblem("A certificate in the PEM file is damaged.") from None
    if b"PRIVATE KEY-----" not in content:
        return
    encrypted = b"ENCRYPTED" in content
    if encrypted and password is None:
        raise WrongPassphrase("The private key needs its password.")
    try:
        found.keys.append(load_pem_private_key(_key_block(content), password if encrypted else None))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise WrongPassphrase("The password does not open the private key, or the file is damaged.") from None


def _key_block(content: bytes) -> bytes:
    """From the first key on: the library reads the first PEM block only, and bundles often begin otherwise."""
    blocks = (b"-----BEGIN " + part for part in content.split(b"-----BEGIN ")[1:])
    return next(block for block in blocks if b"PRIVATE KEY-----" in block)


def _take_p12(content: bytes, password: bytes | None, found: _Found) -> None:
    try:
        bundle = pkcs12.load_pkcs12(content, password)
    except ValueError:
        raise WrongPassphrase("The password does not open the .p12 file, or it is no such file.") from None
    except UnsupportedAlgorithm:
        raise KeyProblem("The .p12 file uses a cipher that is not supported; export it anew.") from None
    except BROKEN:
        raise KeyProblem("A certificate in the .p12 file is damaged.") from None
    if bundle.key is not None:
        found.keys.append(bundle.key)
    own = [bundle.cert] if bundle.cert else []
    found.certificates.extend(item.certificate for item in (*own, *bundle.additional_certs))


def _issuers(leaf: x509.Certificate, certificates: Iterable[x509.Certificate]) -> list[x509.Certificate]:
    """The certificate whose subject key identifier is the leaf's authority key identifier, if it is there."""
    try:
        wanted = leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    except (x509.ExtensionNotFound, *BROKEN):
        return []
    return [one for one in certificates if one != leaf and wanted is not None and _own_identifier(one) == wanted][:1]


def _own_identifier(certificate: x509.Certificate) -> bytes | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except (x509.ExtensionNotFound, *BROKEN):
        return None
