"""The live code: a bound credential and its holder's proof go in and come out, and nothing else is believed."""

from __future__ import annotations

import base64
from dataclasses import replace

import base45 as independent_base45
import cbor2
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cwt import COSE, COSEKey
from hypothesis import given
from hypothesis import strategies as st

from issuers.symbols import ErrorCorrection, qr_symbol
from tests.phone import Phone
from walletpass import base45, cbor, cose
from walletpass.credential import StatusReference
from walletpass.errors import EncodingRefused, Malformed, StatusListInvalid
from walletpass.formats import bound_cwt, cwt, load_formats
from walletpass.formats.bound_cwt import FORMAT, MAX_TEXT, presented
from walletpass.pass_types import load_catalogue

_CATALOGUE = load_catalogue()
_TYPES = pytest.mark.parametrize("pass_type", list(_CATALOGUE), ids=lambda pass_type: pass_type.name)
_PERMIT = _CATALOGUE.named("resident_parking_permit")
_SIGNED_AT = 1_800_000_020


@pytest.fixture(scope="module")
def phone():
    return Phone()


@pytest.fixture(scope="module")
def live_code(signer, phone, evidence_for):
    """A function: pass type and changed fields of its evidence → a live code of the phone."""

    def make(pass_type=_PERMIT, signed_at=_SIGNED_AT, **changes):
        evidence = replace(evidence_for(pass_type, **changes), holder_key=phone.point)
        return presented(FORMAT.encode(evidence, signer), signed_at, phone.sign)

    return make


def proves(presentation):
    proof = presentation.holder_proof
    raw, key = proof.signature, ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), proof.key)
    signature = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    try:
        key.verify(signature, proof.message, ec.ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


def believed(text, verify):
    """Whether both signatures hold, the city's and the holder's."""
    try:
        read = FORMAT.decode(text)
        verify(read.kid, read.message, read.signature)
    except (Malformed, StatusListInvalid):
        return False
    return proves(read)


def test_the_folder_is_the_register():
    assert load_formats()["bound_cwt"] is FORMAT


@_TYPES
def test_what_is_signed_is_what_is_read(pass_type, signer, phone, evidence_for):
    evidence = replace(evidence_for(pass_type), holder_key=phone.point)
    read = FORMAT.decode(presented(FORMAT.encode(evidence, signer), _SIGNED_AT, phone.sign))
    assert dict(read.claims) == {c.number: evidence.claims[c.name] for c in pass_type.claims if c.in_qr}
    assert (read.format, read.kid, read.type_number) == ("bound_cwt", signer.kid, pass_type.number)
    assert (read.credential_id, read.status) == (evidence.credential_id, evidence.status)
    times = (evidence.issued_at, evidence.valid_from, evidence.valid_until)
    assert (read.issued_at, read.valid_from, read.valid_until) == times
    assert (read.holder_proof.key, read.holder_proof.signed_at) == (phone.point, _SIGNED_AT)
    assert proves(read)


@_TYPES
def test_independent_libraries_verify_the_proof_and_the_credential_in_it(pass_type, live_code, signer):
    proof = independent_base45.b45decode(live_code(pass_type).removeprefix("WP2:"))
    tagged = cbor2.loads(proof)
    assert cbor2.loads(tagged.value[0]) == {1: -7, 16: "application/kb+cwt"}
    content = cbor2.loads(tagged.value[2])
    assert content.keys() == {6, -65539} and content[6] == _SIGNED_AT
    numbers = signer.private_key.public_key().public_numbers()
    x, y = numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big")
    city = COSEKey.new({1: 2, 2: signer.kid, 3: -7, -1: 1, -2: x, -3: y})
    claims = cbor2.loads(COSE.new(verify_kid=True).decode(content[-65539], city))
    holder = COSEKey.new(claims[8][1] | {3: -7})
    assert COSE.new().decode(proof, holder) == tagged.value[2]


def test_one_changed_byte_anywhere_is_never_believed(live_code, verify):
    text = live_code()
    assert believed(text, verify)
    raw = base45.decode(text.removeprefix("WP2:"))
    for at in range(len(raw)):
        changed = bytearray(raw)
        changed[at] ^= 1 << at % 8
        assert not believed("WP2:" + base45.encode(bytes(changed)), verify), at


def test_one_changed_lost_or_added_character_anywhere_is_never_believed(live_code, verify):
    text = live_code()
    for at in range(len(text)):
        other = "7" if text[at] != "7" else "8"
        assert not believed(text[:at] + other + text[at + 1 :], verify), at
        assert not believed(text[:at] + text[at + 1 :], verify), at


def test_one_changed_byte_of_the_credential_is_not_believed_though_the_holder_signs_it(
    signer, phone, verify, evidence_for
):
    """The holder may sign whatever it likes: what the city did not sign stays unsigned."""
    document = FORMAT.encode(replace(evidence_for(_PERMIT), holder_key=phone.point), signer)
    raw = base64.urlsafe_b64decode(document + "=" * (-len(document) % 4))
    for at in range(len(raw)):
        changed = bytearray(raw)
        changed[at] ^= 1 << at % 8
        again = base64.urlsafe_b64encode(bytes(changed)).decode()
        assert not believed(presented(again, _SIGNED_AT, phone.sign), verify), at


def test_a_proof_moves_neither_to_another_credential_nor_to_another_moment(live_code, verify):
    one, other, later = (
        base45.decode(text[4:])
        for text in (live_code(), live_code(credential_id=b"8 others"), live_code(signed_at=_SIGNED_AT + 20))
    )
    for body, proof in ((one, other), (other, one), (one, later), (later, one)):
        assert len(body) == len(proof)
        assert not believed("WP2:" + base45.encode(body[:-64] + proof[-64:]), verify)


def test_another_phone_cannot_show_the_credential(signer, phone, verify, evidence_for):
    credential = FORMAT.encode(replace(evidence_for(_PERMIT), holder_key=phone.point), signer)
    assert believed(presented(credential, _SIGNED_AT, phone.sign), verify)
    assert not believed(presented(credential, _SIGNED_AT, Phone().sign), verify)


def test_the_bound_credential_alone_is_no_code_in_any_form(signer, phone, evidence_for):
    credential = FORMAT.encode(replace(evidence_for(_PERMIT), holder_key=phone.point), signer)
    document = base45.encode(base64.urlsafe_b64decode(credential + "=" * (-len(credential) % 4)))
    for text in (credential, "WP1:" + document, "WP2:" + document, document):
        for format_ in (cwt.FORMAT, FORMAT):
            with pytest.raises(Malformed):
                format_.decode(text)


def test_an_unbound_credential_is_none_in_the_bound_form(signer, phone, evidence_for):
    document = base45.decode(cwt.FORMAT.encode(evidence_for(_PERMIT), signer)[4:])
    with pytest.raises(Malformed):
        FORMAT.decode(presented(base64.urlsafe_b64encode(document).decode(), _SIGNED_AT, phone.sign))


@pytest.mark.parametrize(
    "claims",
    [
        {"permit_number": "BP-2027-000123", "plates": ("D-AB 1234E", "D-XY 9876H"), "changing_vehicles": False},
        {"permit_number": "BP-2027-000123-A", "plates": ("D-AB 1234E", "D-XY 9876H")},
        {"permit_number": "BP27-0012345", "plates": ("DÜW-AB 123E", "MIL-XY 987H")},
    ],
    ids=["every claim", "a number of 16 characters", "the longest plates"],
)
def test_a_live_permit_with_two_plates_fits_qr_version_17(claims, live_code):
    issuer, status_uri = "https://wallet.duesseldorf.de", "https://wallet.duesseldorf.de/status/999999"
    status = StatusReference(status_uri, (1 << 24) - 1)
    text = live_code(issuer=issuer, claims={"zone": "MÜ"} | claims, status=status)
    assert len(text) <= 703
    assert qr_symbol(text, ErrorCorrection.M).qr_version <= 17


class _NeverSigns:
    """A signer for evidence that must be refused before it is signed."""

    kid = bytes(8)

    def sign(self, message):
        raise AssertionError("the key was used")


@pytest.mark.parametrize(
    "point",
    [None, b"", b"\x04" + bytes(64), b"\x04" + b"\xff" * 64, bytes(64), b"\x02" + bytes(32)],
    ids=["none", "empty", "zeros", "beyond", "without its first byte", "compressed"],
)
def test_without_a_key_of_the_curve_nothing_is_signed(point, evidence_for):
    with pytest.raises(EncodingRefused):
        FORMAT.encode(replace(evidence_for(_PERMIT), holder_key=point), _NeverSigns())


def test_a_compressed_or_hybrid_point_is_refused_before_the_key_is_used(phone, evidence_for):
    for point in (b"\x02" + phone.point[1:33], b"\x06" + phone.point[1:], phone.point + b"\x00"):
        with pytest.raises(EncodingRefused):
            FORMAT.encode(replace(evidence_for(_PERMIT), holder_key=point), _NeverSigns())


def test_whatever_fits_the_unbound_form_fits_the_bound_one(signer, live_code, evidence_for):
    for length in range(500, 1000):
        claims = {"permit_number": "7" * length, "zone": "1"}
        try:
            text = cwt.FORMAT.encode(evidence_for(_PERMIT, claims=claims), signer)
        except EncodingRefused:
            break
    assert len(text) > cwt.MAX_TEXT - 4
    longest = {"permit_number": "7" * (length - 1), "zone": "1"}
    assert len(live_code(claims=longest)) <= MAX_TEXT
    with pytest.raises(EncodingRefused, match="characters"):
        live_code(claims={"permit_number": "7" * (length + 20), "zone": "1"})


def test_the_header_of_a_proof_is_the_one_that_the_module_says():
    assert cbor2.dumps({1: -7, 16: "application/kb+cwt"}, canonical=True) == bound_cwt.PROTECTED


_CLAIMS = {1: "https://i", 4: 2, 5: 0, 6: 0, 7: bytes(8), -65537: {0: 2, 1: "BP-1", 2: "7"}}


def test_a_proof_of_zeros_is_taken_apart_and_proves_nothing(phone):
    """Decoding says nothing about trust: only the shape is judged."""
    point = phone.point
    bound = _CLAIMS | {8: {1: {1: 2, -1: 1, -2: point[1:33], -3: point[33:]}}}
    document = cose.assemble(cose.protected_header(bytes(8)), cbor.encode(bound), bytes(64))
    text = presented(base64.urlsafe_b64encode(document).decode(), 7, lambda _: bytes(64))
    read = FORMAT.decode(text)
    assert (read.holder_proof.key, read.holder_proof.signed_at) == (point, 7)
    assert not proves(read)


@given(st.text(max_size=200) | st.binary(max_size=200).map(base45.encode))
def test_any_text_is_a_presentation_or_malformed(text):
    for candidate in (text, "WP2:" + text):
        try:
            FORMAT.decode(candidate)
        except Malformed:
            continue
