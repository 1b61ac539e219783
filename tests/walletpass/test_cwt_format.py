"""The QR credential: what goes in comes out, for every pass type, and nothing else goes in or comes out."""

from __future__ import annotations

import base45 as independent_base45
import cbor2
import pytest
from cwt import COSE, COSEKey
from hypothesis import given
from hypothesis import strategies as st

from tests.phone import Phone
from walletpass import base45, cbor, cose
from walletpass.credential import StatusReference
from walletpass.entitlement import Holder
from walletpass.errors import EncodingRefused, Malformed, StatusListInvalid
from walletpass.formats import load_formats
from walletpass.formats.cwt import FORMAT, MAX_ISSUER_AND_STATUS_URI, MAX_TEXT
from walletpass.pass_types import load_catalogue

_CATALOGUE = load_catalogue()
_TYPES = pytest.mark.parametrize("pass_type", list(_CATALOGUE), ids=lambda pass_type: pass_type.name)
_PERMIT = _CATALOGUE.named("resident_parking_permit")


def test_the_folder_is_the_register():
    assert load_formats()["cwt"] is FORMAT


@_TYPES
def test_what_is_signed_is_what_is_read(pass_type, signer, evidence_for):
    evidence = evidence_for(pass_type)
    read = FORMAT.decode(FORMAT.encode(evidence, signer))
    assert dict(read.claims) == {c.number: evidence.claims[c.name] for c in pass_type.claims if c.in_qr}
    assert (read.kid, read.issuer, read.type_number) == (signer.kid, evidence.issuer, pass_type.number)
    assert (read.issued_at, read.valid_from, read.valid_until) == (
        evidence.issued_at,
        evidence.valid_from,
        evidence.valid_until,
    )
    assert (read.credential_id, read.status) == (evidence.credential_id, evidence.status)


@_TYPES
def test_independent_libraries_verify_and_read_the_qr_code(pass_type, signer, evidence_for):
    text = FORMAT.encode(evidence_for(pass_type), signer)
    numbers = signer.private_key.public_key().public_numbers()
    ours, other = (
        COSEKey.new({1: 2, 2: kid, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")})
        for kid in (signer.kid, bytes(8))
    )
    payload = COSE.new(verify_kid=True).decode(independent_base45.b45decode(text.removeprefix("WP1:")), [other, ours])
    claims = cbor2.loads(payload)
    assert claims[1] == "https://pass.example.org"
    assert claims[-65537][0] == pass_type.number
    assert claims[65535] == {"status_list": {"idx": 4711, "uri": "https://pass.example.org/status/1"}}


def _believed(text, verify):
    try:
        read = FORMAT.decode(text)
        verify(read.kid, read.message, read.signature)
    except (Malformed, StatusListInvalid):
        return False
    return True


def test_one_changed_byte_anywhere_is_never_believed(signer, verify, evidence_for):
    text = FORMAT.encode(evidence_for(_PERMIT), signer)
    assert _believed(text, verify)
    raw = base45.decode(text.removeprefix("WP1:"))
    for at in range(len(raw)):
        changed = bytearray(raw)
        changed[at] ^= 1 << at % 8
        assert not _believed("WP1:" + base45.encode(bytes(changed)), verify), at


def test_one_changed_lost_or_added_character_anywhere_is_never_believed(signer, verify, evidence_for):
    text = FORMAT.encode(evidence_for(_PERMIT), signer)
    for at in range(len(text)):
        other = "7" if text[at] != "7" else "8"
        assert not _believed(text[:at] + other + text[at + 1 :], verify), at
        assert not _believed(text[:at] + text[at + 1 :], verify), at
        assert not _believed(text[:at] + " " + text[at:], verify), at


@pytest.mark.parametrize(
    "claims",
    [
        {"permit_number": "BP-2027-000123", "plates": ("D-AB 1234E", "D-XY 9876H"), "changing_vehicles": False},
        {"permit_number": "BP-2027-000123-A", "plates": ("D-AB 1234E", "D-XY 9876H")},
        {"permit_number": "BP27-0012345", "plates": ("DÜW-AB 123E", "MIL-XY 987H")},
    ],
    ids=["every claim", "a number of 16 characters", "the longest plates"],
)
def test_a_permit_with_two_plates_fits_qr_version_12(claims, signer, evidence_for):
    issuer, status_uri = "https://wallet.duesseldorf.de", "https://wallet.duesseldorf.de/status/999999"
    assert len(issuer + status_uri) == MAX_ISSUER_AND_STATUS_URI == 72
    status = StatusReference(status_uri, (1 << 24) - 1)
    evidence = evidence_for(_PERMIT, issuer=issuer, claims={"zone": "MÜ"} | claims, status=status)
    assert len(FORMAT.encode(evidence, signer)) <= 418


def test_a_permit_names_nobody(signer, evidence_for):
    personal = set(Holder.__dataclass_fields__) | {"holder", "name"}
    assert not personal & {claim.name for claim in _PERMIT.claims}
    assert not any(claim.holder_field for claim in _PERMIT.claims)
    claims = evidence_for(_PERMIT).claims | {"given_name": "Änne", "family_name": "Schmitz"}
    raw = base45.decode(FORMAT.encode(evidence_for(_PERMIT, claims=claims), signer).removeprefix("WP1:"))
    assert "Änne".encode() not in raw and b"Schmitz" not in raw


_ANY_VALUE = st.text(max_size=20) | st.integers(0, 9999) | st.booleans() | st.lists(st.text(max_size=8)).map(tuple)


@_TYPES
@given(st.data())
def test_nothing_undeclared_leaves(pass_type, signer, evidence_for, data):
    declared = {claim.name: data.draw(_ANY_VALUE, label=claim.name) for claim in pass_type.claims}
    undeclared = data.draw(st.dictionaries(st.text(max_size=12), _ANY_VALUE, max_size=5))
    claims = undeclared | declared
    try:
        text = FORMAT.encode(evidence_for(pass_type, claims=claims), signer)
    except EncodingRefused:
        return
    allowed = {claim.number: claims[claim.name] for claim in pass_type.claims if claim.in_qr}
    assert FORMAT.decode(text).claims == allowed


@_TYPES
def test_a_withheld_claim_is_in_no_qr_code(pass_type):
    assert not [claim.name for claim in pass_type.qr_claims if claim.withheld]


@_TYPES
def test_without_a_mandatory_claim_nothing_is_signed(pass_type, evidence_for):
    for claim in pass_type.qr_claims:
        claims = {name: value for name, value in evidence_for(pass_type).claims.items() if name != claim.name}
        if claim.mandatory:
            with pytest.raises(EncodingRefused, match=claim.name):
                FORMAT.encode(evidence_for(pass_type, claims=claims), _NeverSigns())


class _NeverSigns:
    """A signer for evidence that must be refused before it is signed."""

    kid = bytes(8)

    def sign(self, message):
        raise AssertionError("the key was used")


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": ""},
        {"credential_id": b"7 bytes"},
        {"issued_at": -1},
        {"valid_from": 1 << 60},
        {"valid_until": True},
        {"status": StatusReference("", 1)},
        {"status": StatusReference("https://pass.example.org/status/1", -1)},
        {"status": StatusReference("https://pass.example.org/status/1", 1 << 32)},
        {"claims": {"permit_number": ["a", "list"], "zone": "1"}},
        {"claims": {"permit_number": b"bytes", "zone": "1"}},
        {"claims": {"permit_number": {"a": "map"}, "zone": "1"}},
        {"claims": {"permit_number": (1, 2), "zone": "1"}},
        pytest.param({"holder_key": Phone().point}, id="a key of the phone"),
    ],
    ids=str,
)
def test_evidence_that_would_not_read_back_is_refused_before_the_key_is_used(changes, evidence_for):
    with pytest.raises(EncodingRefused):
        FORMAT.encode(evidence_for(_PERMIT, **changes), _NeverSigns())


def test_a_text_that_no_reader_takes_is_not_handed_out(signer, evidence_for):
    claims = {"permit_number": "7" * MAX_TEXT, "zone": "1"}
    with pytest.raises(EncodingRefused, match="characters"):
        FORMAT.encode(evidence_for(_PERMIT, claims=claims), signer)


_CLAIMS = {1: "https://i", 4: 2, 5: 0, 6: 0, 7: bytes(8), -65537: {0: 2, 1: "BP-1", 2: "7"}}
_STATUS = {65535: {"status_list": {"idx": 0, "uri": "https://i/status/1"}}}


def _text(claims, typ=None):
    protected = cose.protected_header(bytes(8), typ)
    return "WP1:" + base45.encode(cose.assemble(protected, cbor.encode(claims), bytes(64)))


_MALFORMED = {
    "nothing": "",
    "the prefix alone": "WP1:",
    "another prefix": "HC1:6BF",
    "the prefix in lower case": "wp1:" + _text(_CLAIMS)[4:],
    "the prefix of the next form": "WP2:" + _text(_CLAIMS)[4:],
    "a blank before": " " + _text(_CLAIMS),
    "a line feed after": _text(_CLAIMS) + "\n",
    "ten megabytes": "WP1:" + "0" * 10_000_000,
    "a text one character too long": "WP1:" + "0" * (MAX_TEXT - 3),
    "a status list in place of a credential": _text(_CLAIMS, typ="application/statuslist+cwt"),
    "a payload that is no map": _text([1, 2]),
    "a claim too many": _text(_CLAIMS | {2: "subject"}),
    "a holder key": _text(_CLAIMS | {8: {1: {}}}),
    "an issuer that is a number": _text(_CLAIMS | {1: 1}),
    "an empty issuer": _text(_CLAIMS | {1: ""}),
    "an end that is text": _text(_CLAIMS | {4: "2"}),
    "a beginning that is true": _text(_CLAIMS | {5: True}),
    "a time before 1970": _text(_CLAIMS | {6: -1}),
    "a time after the year 9999": _text(_CLAIMS | {4: 253_402_300_800}),
    "an identifier of 7 bytes": _text(_CLAIMS | {7: bytes(7)}),
    "an identifier that is text": _text(_CLAIMS | {7: "12345678"}),
    "application claims that are a list": _text(_CLAIMS | {-65537: [2]}),
    "no pass type": _text(_CLAIMS | {-65537: {1: "BP-1"}}),
    "the pass type 0": _text(_CLAIMS | {-65537: {0: 0}}),
    "a pass type that is text": _text(_CLAIMS | {-65537: {0: "2"}}),
    "a claim with a name": _text(_CLAIMS | {-65537: {0: 2, "zone": "7"}}),
    "a claim with a negative number": _text(_CLAIMS | {-65537: {0: 2, -1: "7"}}),
    "a claim of bytes": _text(_CLAIMS | {-65537: {0: 2, 1: b"7"}}),
    "a claim of nothing": _text(_CLAIMS | {-65537: {0: 2, 1: None}}),
    "a claim that is a map": _text(_CLAIMS | {-65537: {0: 2, 1: {}}}),
    "a claim with a list of numbers": _text(_CLAIMS | {-65537: {0: 2, 1: [1]}}),
    "a claim with a nested list": _text(_CLAIMS | {-65537: {0: 2, 1: [["a"]]}}),
    "a status of nothing": _text(_CLAIMS | {65535: {}}),
    "a status in another form": _text(_CLAIMS | {65535: {"identifier_list": {}}}),
    "a status with two forms": _text(_CLAIMS | {65535: {"identifier_list": {}} | _STATUS[65535]}),
    "a status without an index": _text(_CLAIMS | {65535: {"status_list": {"uri": "https://i"}}}),
    "a status reference with something more": _text(
        _CLAIMS | {65535: {"status_list": {"idx": 1, "uri": "https://i", "more": 1}}}
    ),
    "a negative status index": _text(_CLAIMS | {65535: {"status_list": {"idx": -1, "uri": "https://i"}}}),
    "a status index that is true": _text(_CLAIMS | {65535: {"status_list": {"idx": True, "uri": "https://i"}}}),
    "a status index beyond 32 bits": _text(_CLAIMS | {65535: {"status_list": {"idx": 1 << 32, "uri": "https://i"}}}),
    "a status URI that is bytes": _text(_CLAIMS | {65535: {"status_list": {"idx": 1, "uri": b"https://i"}}}),
    "an empty status URI": _text(_CLAIMS | {65535: {"status_list": {"idx": 1, "uri": ""}}}),
} | {f"no claim {number}": _text({k: v for k, v in _CLAIMS.items() if k != number}) for number in _CLAIMS}


@pytest.mark.parametrize("text", _MALFORMED.values(), ids=_MALFORMED.keys())
def test_a_malformed_text_is_refused_with_a_sentence(text):
    with pytest.raises(Malformed) as refusal:
        FORMAT.decode(text)
    assert refusal.value.sentence.endswith(".")


def test_the_table_of_malformed_texts_starts_from_one_that_is_read():
    assert FORMAT.decode(_text(_CLAIMS)).status is None
    assert FORMAT.decode(_text(_CLAIMS | _STATUS)).status == StatusReference("https://i/status/1", 0)


@given(st.text(max_size=200) | st.binary(max_size=200).map(base45.encode))
def test_any_text_is_a_presentation_or_malformed(text):
    for candidate in (text, "WP1:" + text):
        try:
            FORMAT.decode(candidate)
        except Malformed:
            continue
