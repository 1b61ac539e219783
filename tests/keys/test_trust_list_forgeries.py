"""Trust lists: ours are read back, and every forgery is refused by the check that is meant for it."""

from __future__ import annotations

import base64
import copy
import hashlib
import hmac
import json
from dataclasses import replace
from datetime import timedelta

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from keys.errors import CertificateMismatch, TrustListInvalid
from keys.issuing import make_anchor, new_ec_key
from keys.key_ring import KeyRing
from keys.rotation import ISSUED_ROLES, new_key
from keys.signer import Role
from keys.trust_list import MAX_TRUST_LIST, ListedType, TrustList, read_trust_list, sign_trust_list
from tests.keys.sample_city import CITY, NOW

IAT = int(NOW.timestamp())
LIBRARY = ListedType("library_card", 1, 1, "0a" * 32, 604800)


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def listed(ring: KeyRing) -> TrustList:
    return TrustList(CITY["public_url"], 7, IAT, IAT + 86400, ring.listed_keys(NOW), (LIBRARY,))


class Forge:
    """Takes a good list apart, lets a test change it, and signs it again with whatever key."""

    def __init__(self, ring: KeyRing) -> None:
        self.ring = ring
        self.signer = ring.signer(Role.TRUST_LIST, NOW)
        self.good = sign_trust_list(listed(ring), self.signer)
        header, payload, self.signature = self.good.decode().split(".")
        self.header = json.loads(base64.urlsafe_b64decode(header + "=="))
        self.payload = json.loads(base64.urlsafe_b64decode(payload + "=="))

    def signed(self, header=None, payload=None, signer=None, raw_payload=None) -> bytes:
        header, signer = dict(header or self.header), signer or self.signer
        raw = raw_payload if raw_payload is not None else json.dumps(payload or self.payload).encode()
        text = b64(json.dumps(header).encode()) + "." + b64(raw)
        return f"{text}.{b64(signer.sign(text.encode()))}".encode()

    def with_key(self, **members) -> bytes:
        """The first listed key with other members."""
        payload = copy.deepcopy(self.payload)
        payload["keys"][0].update(members)
        return self.signed(payload=payload)

    def with_type(self, **members) -> bytes:
        payload = copy.deepcopy(self.payload)
        payload["types"][0].update(members)
        return self.signed(payload=payload)

    def with_claims(self, **claims) -> bytes:
        return self.signed(payload=self.payload | claims)

    def by(self, signer, **header) -> bytes:
        """Signed by another key, whose certificate the header honestly shows."""
        x5c = [base64.b64encode(signer.chain[0].public_bytes(Encoding.DER)).decode()]
        return self.signed(header=self.header | {"x5c": x5c, "kid": b64(signer.kid)} | header, signer=signer)


@pytest.fixture
def forge(ring: KeyRing) -> Forge:
    return Forge(ring)


def test_what_was_signed_is_read_back_unchanged(ring: KeyRing) -> None:
    trust_list = listed(ring)
    token = sign_trust_list(trust_list, ring.signer(Role.TRUST_LIST, NOW))
    assert read_trust_list(token, ring.anchor_certificate, IAT) == trust_list
    assert {key.role for key in trust_list.keys} == set(ISSUED_ROLES)
    kid = ring.signer(Role.CREDENTIAL, NOW).kid
    assert len(trust_list.keys_named(kid, Role.CREDENTIAL)) == 1
    assert trust_list.keys_named(kid, Role.STATUS_LIST) == ()


def test_the_header_shows_the_leaf_alone_and_its_key_id(forge: Forge) -> None:
    leaf = forge.signer.chain[0].public_bytes(Encoding.DER)
    assert forge.header == {
        "alg": "ES256",
        "typ": "trustlist+jwt",
        "kid": b64(hashlib.sha256(leaf).digest()[:8]),
        "x5c": [base64.b64encode(leaf).decode()],
    }


def test_another_library_verifies_the_signature(forge: Forge) -> None:
    key = forge.signer.chain[0].public_key()
    options = {"verify_exp": False, "verify_iat": False}
    assert jwt.decode(forge.good, key, algorithms=["ES256"], options=options)["version"] == 7


def test_only_a_trust_list_key_signs_a_trust_list(ring: KeyRing) -> None:
    with pytest.raises(CertificateMismatch, match="role trust-list"):
        sign_trust_list(listed(ring), ring.signer(Role.STATUS_LIST, NOW))


def test_the_forge_itself_makes_good_lists(forge: Forge) -> None:
    assert read_trust_list(forge.signed(), forge.ring.anchor_certificate, IAT).version == 7


def hs256(forge: Forge) -> bytes:
    """The old trick: the public key taken as the secret of an HMAC."""
    text = b64(json.dumps(forge.header | {"alg": "HS256"}).encode()) + "." + b64(json.dumps(forge.payload).encode())
    secret = forge.signer.chain[0].public_bytes(Encoding.PEM)
    return f"{text}.{b64(hmac.digest(secret, text.encode(), 'sha256'))}".encode()


def unsigned(forge: Forge) -> bytes:
    head = b64(json.dumps(forge.header | {"alg": "none"}).encode())
    return f"{head}.{b64(json.dumps(forge.payload).encode())}.".encode()


def self_signed(forge: Forge) -> bytes:
    """An anchor of the same name, made by someone else, that signs the list itself."""
    key = new_ec_key()
    own = KeyRing.in_memory()
    own.add(Role.ANCHOR, key, (make_anchor(key, NOW, **CITY),), NOW)
    return forge.by(own.signer(Role.ANCHOR, NOW))


def other_ring(forge: Forge) -> KeyRing:
    own, key = KeyRing.in_memory(), new_ec_key()
    own.add(Role.ANCHOR, key, (make_anchor(key, NOW, **CITY),), NOW)
    for role in ISSUED_ROLES:
        new_key(own, role, NOW)
    return own


def foreign_entry(forge: Forge) -> bytes:
    """A credential key that hangs under another root, smuggled into an otherwise good list."""
    signer = other_ring(forge).signer(Role.CREDENTIAL, NOW)
    x5c = [base64.b64encode(signer.chain[0].public_bytes(Encoding.DER)).decode()]
    return forge.with_key(purpose="credential", kid=b64(signer.kid), x5c=x5c)


def doubled(forge: Forge) -> bytes:
    raw = json.dumps(forge.payload)[:-1] + ', "version": 8}'
    return forge.signed(raw_payload=raw.encode())


def tampered(forge: Forge) -> bytes:
    head, _, signature = forge.good.decode().split(".")
    return f"{head}.{b64(json.dumps(forge.payload | {'version': 9}).encode())}.{signature}".encode()


def same_bits(forge: Forge) -> bytes:
    """The signature's last character with one of its unused bits set: the same bytes, another text."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    text = forge.good.decode()
    return (text[:-1] + alphabet[alphabet.index(text[-1]) + 1]).encode()


def respelt_payload(forge: Forge) -> bytes:
    """A payload whose last character has a bit set that belongs to no byte, and well signed."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    raw = json.dumps(forge.payload).encode()
    payload = b64(raw + b" " * (len(raw) % 3 == 0))
    head = forge.good.decode().split(".")[0]
    text = f"{head}.{payload[:-1]}{alphabet[alphabet.index(payload[-1]) + 1]}"
    return f"{text}.{b64(forge.signer.sign(text.encode()))}".encode()


def respelt_certificate(forge: Forge) -> bytes:
    """A certificate whose Base64 has a bit set that belongs to no byte."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    for entry in forge.payload["keys"]:
        text = entry["x5c"][0].rstrip("=")
        if len(text) % 4:
            other = text[:-1] + alphabet[alphabet.index(text[-1]) + 1]
            return forge.with_claims(keys=[entry | {"x5c": [other + "=" * (-len(other) % 4)]}])
    pytest.fail("every certificate's length is a multiple of three")


def before_the_certificate(forge: Forge) -> bytes:
    return forge.with_claims(iat=IAT - 3 * 86400)


FORGERIES = {
    "no bytes": (lambda f: b"", "not a signed JWT"),
    "a list of two parts": (lambda f: f.good.rpartition(b".")[0], "not a signed JWT"),
    "a list that is cut off": (lambda f: f.good[:-10], "signature does not hold"),
    "a header that is not Base64url": (lambda f: b"{" + f.good, "not Base64url"),
    "bytes beyond ASCII": (lambda f: "ä.ä.ä".encode(), "not Base64url"),
    "a list beyond the size": (lambda f: f.good + b"A" * MAX_TRUST_LIST, "larger than"),
    "alg none": (unsigned, "header is not that"),
    "alg HS256 keyed with the certificate": (hs256, "header is not that"),
    "another typ": (lambda f: f.signed(header=f.header | {"typ": "statuslist+jwt"}), "header is not that"),
    "a crit header": (lambda f: f.signed(header=f.header | {"crit": ["b64"], "b64": False}), "header is not that"),
    "a jwk header": (lambda f: f.signed(header=f.header | {"jwk": {}}), "header is not that"),
    "no x5c": (lambda f: f.signed(header={k: v for k, v in f.header.items() if k != "x5c"}), "header is not that"),
    "an empty x5c": (lambda f: f.signed(header=f.header | {"x5c": []}), "list of one certificate"),
    "an x5c of two": (lambda f: f.signed(header=f.header | {"x5c": f.header["x5c"] * 2}), "list of one certificate"),
    "an x5c that is no certificate": (lambda f: f.signed(header=f.header | {"x5c": ["MAA="]}), "cannot be read"),
    "an x5c of numbers": (lambda f: f.signed(header=f.header | {"x5c": [7]}), "where text belongs"),
    "a huge certificate": (lambda f: f.signed(header=f.header | {"x5c": ["A" * 9000]}), "too large"),
    "a kid of another key": (lambda f: f.signed(header=f.header | {"kid": b64(b"12345678")}), "key id is not that"),
    "signed by a status-list key": (lambda f: f.by(f.ring.signer(Role.STATUS_LIST, NOW)), "role trust-list"),
    "signed by a credential key": (lambda f: f.by(f.ring.signer(Role.CREDENTIAL, NOW)), "role trust-list"),
    "signed by the anchor itself": (lambda f: f.by(f.ring.signer(Role.ANCHOR, NOW)), "names no extended key usage"),
    "signed by a self-signed certificate": (self_signed, "names no extended key usage"),
    "signed under another root": (lambda f: f.by(other_ring(f).signer(Role.TRUST_LIST, NOW)), "identifiers differ"),
    "the right certificate, another key": (
        lambda f: f.signed(signer=other_ring(f).signer(Role.TRUST_LIST, NOW)),
        "signature does not hold",
    ),
    "a changed payload": (tampered, "signature does not hold"),
    "another spelling of the signature": (same_bits, "not canonical"),
    "another spelling of the payload": (respelt_payload, "not canonical"),
    "another spelling of a certificate": (respelt_certificate, "not in canonical Base64"),
    "a list of the year 10000": (
        lambda f: f.with_claims(iat=253_402_300_800, exp=253_402_300_801),
        "a number is missing, wrong or too large",
    ),
    "half a character": (lambda f: f.signed(raw_payload=b'{"iss": "\\ud800"}'), "half a character"),
    "a list older than its signer's certificate": (before_the_certificate, "begins only on"),
    "a list from the future": (lambda f: f.with_claims(iat=IAT + 301), "in the future"),
    "an end before the beginning": (lambda f: f.with_claims(exp=IAT), "ends before it begins"),
    "an iat that is text": (lambda f: f.with_claims(iat="now"), "a number is missing"),
    "an exp that is true": (lambda f: f.with_claims(exp=True), "a number is missing"),
    "a huge number": (lambda f: f.with_claims(exp=1 << 70), "number is too large"),
    "a fractional version": (lambda f: f.with_claims(version=1.5), "no whole number"),
    "no issuer": (lambda f: f.with_claims(iss=None), "name its issuer"),
    "no keys": (lambda f: f.with_claims(keys=None), "not a list of objects"),
    "keys that are text": (lambda f: f.with_claims(keys=["a"]), "not a list of objects"),
    "a member twice": (doubled, "appears twice"),
    "NaN": (lambda f: f.signed(raw_payload=b'{"iat": NaN}'), "NaN"),
    "nested arrays": (lambda f: f.signed(raw_payload=b"[" * 200_000), "not JSON"),
    "a number of a million digits": (
        lambda f: f.signed(raw_payload=b'{"iat":' + b"1" * 500_000 + b"}"),
        "number is too large",
    ),
    "a payload that is a list": (lambda f: f.signed(raw_payload=b"[]"), "not a JSON object"),
    "a payload that is not UTF-8": (lambda f: f.signed(raw_payload=b'{"iss": "\xff"}'), "not JSON"),
    "a listed key of another root": (foreign_entry, "identifiers differ"),
    "a credential key listed for status lists": (lambda f: f.with_key(purpose="status-list"), "role status-list"),
    "a key listed as an anchor": (lambda f: f.with_key(purpose="anchor"), "which no document names"),
    "a key listed for Apple passes": (lambda f: f.with_key(purpose="apple-pass"), "which no document names"),
    "a key without purpose": (lambda f: f.with_key(purpose=None), "no purpose"),
    "a listed kid of another key": (lambda f: f.with_key(kid=b64(b"12345678")), "first 8 bytes"),
    "a window that ends before it begins": (lambda f: f.with_key(sign_until=1), "stops signing before"),
    "a window without an end": (lambda f: f.with_key(sign_until="never"), "a number is missing"),
    "pass types that are text": (lambda f: f.with_key(pass_types="library_card"), "not a list of names"),
    "a pass type that is a path": (lambda f: f.with_key(pass_types=["../x"]), "not a list of names"),
    "the same key twice": (lambda f: f.with_claims(keys=f.payload["keys"][:1] * 2), "lists a key twice"),
    "the same type twice": (lambda f: f.with_claims(types=f.payload["types"] * 2), "lists a pass type twice"),
    "one number for two types": (
        lambda f: f.with_claims(types=[*f.payload["types"], f.payload["types"][0] | {"name": "other"}]),
        "one number to two pass types",
    ),
    "a type whose name is a path": (lambda f: f.with_type(name="../../etc"), "lacks its name or the hash"),
    "a type without a hash": (lambda f: f.with_type(sha256="00"), "lacks its name or the hash"),
    "a type that allows no age": (lambda f: f.with_type(max_status_age=0), "a number is missing"),
}


@pytest.mark.parametrize(("forgery", "why"), FORGERIES.values(), ids=FORGERIES.keys())
def test_a_forged_trust_list_is_refused(forge: Forge, forgery, why: str) -> None:
    with pytest.raises(TrustListInvalid, match=why):
        read_trust_list(forgery(forge), forge.ring.anchor_certificate, IAT)


def test_a_list_is_refused_under_another_anchor(forge: Forge, new_ring) -> None:
    with pytest.raises(TrustListInvalid, match="identifiers differ"):
        read_trust_list(forge.good, new_ring().anchor_certificate, IAT)


def test_a_signer_certificate_is_no_anchor(forge: Forge) -> None:
    with pytest.raises(TrustListInvalid, match="not a root"):
        read_trust_list(forge.good, forge.ring.signer(Role.CREDENTIAL, NOW).chain[0], IAT)


def test_a_key_with_a_purpose_of_tomorrow_is_left_out(forge: Forge) -> None:
    found = read_trust_list(forge.with_key(purpose="audit-checkpoint"), forge.ring.anchor_certificate, IAT)
    assert len(found.keys) == len(forge.payload["keys"]) - 1


def test_an_expired_list_and_expired_certificates_are_still_read(forge: Forge) -> None:
    years_later = IAT + 5 * 366 * 86400
    assert read_trust_list(forge.good, forge.ring.anchor_certificate, years_later).version == 7


def test_a_list_signed_after_its_signers_certificate_ended_is_refused(ring: KeyRing) -> None:
    late = NOW + timedelta(days=500)
    iat = int(late.timestamp())
    token = sign_trust_list(replace(listed(ring), issued_at=iat, expires_at=iat + 9), ring.signer(Role.TRUST_LIST, NOW))
    with pytest.raises(TrustListInvalid, match="ended on"):
        read_trust_list(token, ring.anchor_certificate, iat)


def test_a_well_signed_list_beyond_the_size_is_refused(forge: Forge) -> None:
    many = [{**forge.payload["types"][0], "name": f"type_{n}", "number": n} for n in range(1, 9001)]
    with pytest.raises(TrustListInvalid, match="larger than"):
        read_trust_list(forge.with_claims(types=many), forge.ring.anchor_certificate, IAT)
    assert len(read_trust_list(forge.with_claims(types=many[:99]), forge.ring.anchor_certificate, IAT).types) == 99


@given(st.integers(min_value=0), st.integers(1, 255))
def test_one_changed_byte_is_never_accepted(demo_ring: KeyRing, place: int, difference: int) -> None:
    token = bytearray(sign_trust_list(listed(demo_ring), demo_ring.signer(Role.TRUST_LIST, NOW)))
    token[place % len(token)] ^= difference
    with pytest.raises(TrustListInvalid):
        read_trust_list(bytes(token), demo_ring.anchor_certificate, IAT)


@given(st.binary(max_size=300), st.binary(max_size=300), st.binary(max_size=80))
def test_any_bytes_are_refused_in_words(demo_ring: KeyRing, header: bytes, payload: bytes, signature: bytes) -> None:
    for token in (header, b".".join(b64(part).encode() for part in (header, payload, signature))):
        with pytest.raises(TrustListInvalid):
            read_trust_list(token, demo_ring.anchor_certificate, IAT)


@pytest.mark.parametrize("member", ["header", "payload"])
def test_a_certificate_of_a_version_that_does_not_exist_is_refused(member: str, forge: Forge) -> None:
    document = copy.deepcopy(getattr(forge, member))
    x5c = document["x5c"] if member == "header" else document["keys"][0]["x5c"]
    odd = base64.b64decode(x5c[0]).replace(bytes.fromhex("a003020102"), bytes.fromhex("a003020105"), 1)
    x5c[0] = base64.b64encode(odd).decode()
    with pytest.raises(TrustListInvalid):
        read_trust_list(forge.signed(**{member: document}), forge.ring.anchor_certificate, IAT)
