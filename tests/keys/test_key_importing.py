"""Imports: what fits is kept and signs; what does not fit is told in one sentence, and nothing is kept."""

from __future__ import annotations

import base64
import json
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)

from keys.certificates import check_apple
from keys.errors import CertificateMismatch, KeyProblem, WrongPassphrase
from keys.importing import MAX_IMPORT, import_apple, import_google
from keys.issuing import make_apple_like_chain, new_ec_key, new_rsa_key
from keys.key_ring import KeyRing
from keys.signer import Role
from tests.keys.sample_city import APPLE, NOW

KEY, OTHER_KEY = new_rsa_key(), new_rsa_key()
LEAF, MIDDLE = make_apple_like_chain(KEY, NOW, APPLE["pass_type_identifier"], APPLE["team_identifier"])
_, STRANGER = make_apple_like_chain(OTHER_KEY, NOW, "pass.other", "TEAM999999")


def p12(key=KEY, leaf=LEAF, more=(MIDDLE,), password=b"secret") -> bytes:
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    return pkcs12.serialize_key_and_certificates(b"Pass", key, leaf, more, encryption)


def pem(*certificates) -> bytes:
    return b"".join(one.public_bytes(Encoding.PEM) for one in certificates)


def der(certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def key_pem(key=KEY, password=None, form=PrivateFormat.PKCS8) -> bytes:
    return key.private_bytes(Encoding.PEM, form, BestAvailableEncryption(password) if password else NoEncryption())


FITTING = {
    "a .p12 that holds the intermediate": ([p12()], b"secret"),
    "a .p12 and the intermediate as .cer": ([p12(more=()), der(MIDDLE)], b"secret"),
    "a .p12 and the intermediate as PEM": ([p12(more=()), pem(MIDDLE)], b"secret"),
    "a .p12 without a password": ([p12(password=None)], None),
    "PEM files": ([pem(LEAF), key_pem(), pem(MIDDLE)], None),
    "PEM files with an encrypted key": ([pem(LEAF), key_pem(password=b"secret"), pem(MIDDLE)], b"secret"),
    "PEM files and a needless password": ([pem(LEAF), key_pem(), pem(MIDDLE)], b"secret"),
    "one PEM file, the key last": ([pem(LEAF, MIDDLE) + key_pem()], None),
    "one PEM file with text before each block": (
        [b"Bag Attributes\n" + pem(LEAF) + b"more\n" + key_pem(), der(MIDDLE)],
        None,
    ),
    "a key in the old PKCS#1 form": ([key_pem(form=PrivateFormat.TraditionalOpenSSL), pem(LEAF, MIDDLE)], None),
    "two intermediates of which one fits": ([p12(more=(STRANGER,)), der(MIDDLE)], b"secret"),
}


@pytest.mark.parametrize(("files", "password"), FITTING.values(), ids=FITTING.keys())
def test_an_apple_certificate_that_fits_signs_at_once(files: list[bytes], password: bytes | None) -> None:
    ring = KeyRing.in_memory()
    import_apple(ring, files, password, NOW, **APPLE)
    signer = ring.signer(Role.APPLE_PASS, NOW)
    assert signer.chain == (LEAF, MIDDLE)
    check_apple(signer.chain, **APPLE, at=NOW)
    assert signer.private_key.private_numbers() == KEY.private_numbers()


OTHER = APPLE | {"pass_type_identifier": "pass.example.other"}
OTHER_TEAM = APPLE | {"team_identifier": "TEAM999999"}
LATE = NOW + timedelta(days=400)
EC_KEY = new_ec_key()
UNFITTING = {
    "another pass type": ([p12()], b"secret", OTHER, NOW, CertificateMismatch, "for the pass type pass.example.city"),
    "another team": ([p12()], b"secret", OTHER_TEAM, NOW, CertificateMismatch, "the settings say TEAM999999"),
    "an expired certificate": ([p12()], b"secret", APPLE, LATE, CertificateMismatch, "ended on"),
    "no intermediate": ([p12(more=())], b"secret", APPLE, NOW, CertificateMismatch, "intermediate .* is missing"),
    "a stranger's intermediate": (
        [p12(more=(STRANGER,))],
        b"secret",
        APPLE,
        NOW,
        CertificateMismatch,
        "intermediate .* is missing",
    ),
    "a stranger's key": ([pem(LEAF, MIDDLE), key_pem(OTHER_KEY)], None, APPLE, NOW, CertificateMismatch, "not belong"),
    "an EC key": ([pem(LEAF, MIDDLE), key_pem(EC_KEY)], None, APPLE, NOW, CertificateMismatch, "not an RSA key"),
    "a certificate that is not for passes": (
        [pem(make_apple_like_chain(KEY, NOW, "com.example.app", "TEAM012345")[0]), key_pem()],
        None,
        APPLE,
        NOW,
        CertificateMismatch,
        "not one for Apple passes",
    ),
    "a wrong password": ([p12()], b"wrong", APPLE, NOW, WrongPassphrase, "does not open the .p12"),
    "no password": ([p12()], None, APPLE, NOW, WrongPassphrase, "does not open the .p12"),
    "a wrong password of the PEM key": (
        [key_pem(password=b"secret")],
        b"wrong",
        APPLE,
        NOW,
        WrongPassphrase,
        "not open the private key",
    ),
    "no password of the PEM key": ([key_pem(password=b"x")], None, APPLE, NOW, WrongPassphrase, "needs its password"),
    "no key": ([pem(LEAF, MIDDLE)], None, APPLE, NOW, KeyProblem, "no private key"),
    "two keys": ([key_pem(), key_pem(OTHER_KEY), pem(LEAF)], None, APPLE, NOW, KeyProblem, "more than one"),
    "no certificate": ([key_pem()], None, APPLE, NOW, KeyProblem, "no certificate"),
    "a damaged certificate": (
        [b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"],
        None,
        APPLE,
        NOW,
        KeyProblem,
        "damaged",
    ),
    "a picture": ([b"\x89PNG\r\n\x1a\n" + bytes(99)], None, APPLE, NOW, WrongPassphrase, "no such file"),
    "nothing": ([b""], None, APPLE, NOW, WrongPassphrase, "no such file"),
    "ten megabytes": ([bytes(10 << 20)], None, APPLE, NOW, KeyProblem, "too large"),
}


@pytest.mark.parametrize(
    ("files", "password", "settings", "at", "error", "sentence"), UNFITTING.values(), ids=UNFITTING.keys()
)
def test_an_apple_certificate_that_does_not_fit_is_refused(files, password, settings, at, error, sentence) -> None:
    ring = KeyRing.in_memory()
    with pytest.raises(error, match=sentence):
        import_apple(ring, files, password, at, **settings)
    assert ring.entries() == ()


def service_account(key=KEY, **members: object) -> bytes:
    document = {
        "type": "service_account",
        "client_email": "city@project.iam.gserviceaccount.com",
        "private_key": key_pem(key).decode(),
    }
    return json.dumps(document | members).encode()


def test_a_google_service_account_that_fits_signs_at_once() -> None:
    ring = KeyRing.in_memory()
    import_google(ring, service_account(), NOW)
    signer = ring.signer(Role.GOOGLE_SERVICE_ACCOUNT, NOW)
    assert signer.subject == "city@project.iam.gserviceaccount.com" and signer.chain == ()


WEAK = rsa.generate_private_key(public_exponent=3, key_size=2048)
SMALL = rsa.generate_private_key(public_exponent=65537, key_size=1024)
ACCOUNTS = {
    "no JSON": (b"{", "no service account"),
    "nested arrays": (b"[" * 60_000, "no service account"),
    "a list": (b"[]", "no service account"),
    "too large": (b" " * (MAX_IMPORT + 1), "no service account"),
    "an OAuth client": (service_account(type="authorized_user"), "no service account"),
    "no address": (service_account(client_email=None), "client_email"),
    "another domain": (service_account(client_email="city@example.org"), "client_email"),
    "an address that breaks the line": (service_account(client_email='x@"\n.gserviceaccount.com'), "client_email"),
    "an address that is no text": (service_account(client_email="\ud800@p.iam.gserviceaccount.com"), "client_email"),
    "a weak exponent": (service_account(WEAK), "exponent 65537"),
    "no key": (service_account(private_key=None), "cannot be read"),
    "a damaged key": (service_account(private_key="-----BEGIN PRIVATE KEY-----"), "cannot be read"),
    "an EC key": (service_account(EC_KEY), "not RSA"),
    "a small key": (service_account(SMALL), "at least 2048 bits"),
}


@pytest.mark.parametrize(("content", "sentence"), ACCOUNTS.values(), ids=ACCOUNTS.keys())
def test_a_google_service_account_that_does_not_fit_is_refused(content: bytes, sentence: str) -> None:
    ring = KeyRing.in_memory()
    with pytest.raises(KeyProblem, match=sentence):
        import_google(ring, content, NOW)
    assert ring.entries() == ()


def test_the_imported_key_takes_the_place_of_the_one_before() -> None:
    ring = KeyRing.in_memory()
    before = make_apple_like_chain(OTHER_KEY, NOW, **APPLE)
    ring.add(Role.APPLE_PASS, OTHER_KEY, before, NOW - timedelta(days=3))
    import_apple(ring, [p12()], b"secret", NOW, **APPLE)
    assert ring.signer(Role.APPLE_PASS, NOW).chain[0] == LEAF
    assert not ring.entries()[0].can_sign(NOW)
    with pytest.raises(KeyProblem, match="already in the ring"):
        import_apple(ring, [p12()], b"secret", NOW, **APPLE)


def test_a_certificate_of_a_version_that_does_not_exist_is_refused_in_every_form() -> None:
    der = LEAF.public_bytes(Encoding.DER)
    odd = der.replace(bytes.fromhex("a003020102"), bytes.fromhex("a003020105"), 1)
    assert odd != der
    pem = b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(odd) + b"-----END CERTIFICATE-----\n"
    for content in (odd, pem):
        with pytest.raises(KeyProblem):
            import_apple(KeyRing.in_memory(), [content], b"secret", NOW, **APPLE)
