"""Pass types as public documents: stable to the byte, read back whole, and numbers that mean one thing for ever."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from walletpass.errors import Malformed, UnknownPassType
from walletpass.pass_type import LANGUAGES, Catalogue, LiveCode
from walletpass.pass_types import load_catalogue
from walletpass.type_metadata import EXTENSION, from_document, to_document

_URL = "https://pass.example.org"
_CATALOGUE = load_catalogue()
_TYPES = pytest.mark.parametrize("pass_type", list(_CATALOGUE), ids=lambda pass_type: pass_type.name)

# (name, version) → SHA-256 of the document at _URL. Published documents never change: a digest that differs from its
# row needs a new version of the type, and a new row; old rows stay.
_DIGESTS = {
    ("family_card", 1): "50504eb045092dcf19f74850d85957eace2f1952c37fa858dd00f07337185479",
    ("library_card", 1): "4938c53188c6bf3eefe228ec47dbf835a28c5161c857f6672747906e991fc141",
    ("registration_certificate", 1): "104833ea59c7ae25a19b19d4145ab8ff984211a248efe03a5086c223a8e01869",
    ("resident_parking_permit", 1): "9408ea0cb2ab3b8de6096806da707d654861b8159c0cfe91bebc09ef1f5542b7",
    ("social_pass", 1): "364921ebbb42c131c7fd33a62ea77a9e00ee8941dc4945749588a3a7dd7d5f95",
    ("volunteer_card", 1): "046dfebf275474c697eea3319367c9f9e1fc66418db2c2283c7b3319e84b35ca",
}

# type number → its name, and claim number → the claim's name, over all versions that ever were. Rows are only added.
_NUMBERS = {
    1: ("library_card", {1: "card_number", 2: "given_name", 3: "family_name"}),
    2: ("resident_parking_permit", {1: "permit_number", 2: "zone", 3: "plates", 4: "changing_vehicles"}),
    3: ("social_pass", {1: "pass_number", 2: "given_name", 3: "family_name", 4: "birth_year"}),
    4: ("volunteer_card", {1: "card_number", 2: "given_name", 3: "family_name", 4: "for_life"}),
    5: ("family_card", {1: "card_number", 2: "given_name", 3: "family_name", 4: "children"}),
    6: (
        "registration_certificate",
        {
            1: "certificate_number",
            2: "given_name",
            3: "family_name",
            4: "date_of_birth",
            5: "street",
            6: "postcode",
            7: "city",
        },
    ),
}


@_TYPES
def test_a_published_document_does_not_change_without_a_new_version(pass_type):
    digest = hashlib.sha256(to_document(pass_type, _URL)).hexdigest()
    assert _DIGESTS[pass_type.name, pass_type.version] == digest


@_TYPES
def test_whether_a_live_code_is_demanded_is_in_no_document(pass_type):
    documents = {to_document(replace(pass_type, live_code=live_code), _URL) for live_code in LiveCode}
    assert documents == {to_document(pass_type, _URL)}


@_TYPES
def test_numbers_of_types_and_claims_are_never_given_to_another(pass_type):
    name, claims = _NUMBERS[pass_type.number]
    assert pass_type.name == name
    assert {claim.number: claim.name for claim in pass_type.claims}.items() <= claims.items()


@_TYPES
def test_a_type_is_declared_whole(pass_type):
    numbers = [claim.number for claim in pass_type.claims]
    assert len(set(numbers)) == len(numbers) and min(numbers) >= 1
    assert pass_type.number_claim.in_qr and pass_type.number_claim.mandatory
    for texts in (pass_type.labels, pass_type.descriptions, *(claim.labels for claim in pass_type.claims)):
        assert set(texts) == set(LANGUAGES) and all(texts.values())


@_TYPES
def test_a_verifier_reads_back_all_it_needs(pass_type):
    read = from_document(to_document(pass_type, _URL))
    kept = ("name", "number", "version", "category", "labels", "descriptions", "max_status_age")
    assert {field: getattr(read, field) for field in kept} == {field: getattr(pass_type, field) for field in kept}
    claim_fields = ("name", "number", "labels", "kind", "mandatory", "in_qr", "withheld", "visible_to")
    for ours, theirs in zip(pass_type.claims, read.claims, strict=True):
        assert [getattr(ours, field) for field in claim_fields] == [getattr(theirs, field) for field in claim_fields]


@_TYPES
def test_the_document_is_sd_jwt_vc_type_metadata(pass_type):
    document = json.loads(to_document(pass_type, _URL))
    assert document["vct"] == f"{_URL}/types/{pass_type.name}/{pass_type.version}"
    assert [entry["lang"] for entry in document["display"]] == ["de", "en"]
    assert all(claim["sd"] in ("always", "allowed", "never") for claim in document["claims"])
    assert [claim["path"] for claim in document["claims"]] == [[claim.name] for claim in pass_type.claims]


def _changed(**changes):
    return json.loads(to_document(_CATALOGUE.named("library_card"), _URL)) | changes


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff",
        b"[]",
        b"null",
        b"7",
        b"{}",
        b"[" * 100_000,
        *(
            json.dumps(document).encode()
            for document in (
                _changed(claims=None),
                _changed(claims=[{}]),
                _changed(claims=[{"path": []}]),
                _changed(claims=""),
                _changed(claims={}),
                _changed(claims=[_changed()["claims"][0] | {"path": "card_number"}]),
                _changed(claims=[_changed()["claims"][0] | {"display": ""}]),
                _changed(display=None),
                _changed(display=""),
                _changed(display=[{"lang": 7, "name": "x", "description": "x"}]),
                _changed(display=[{"lang": "de"}]),
                _changed(display=[{"lang": "de", "name": "", "description": "x"}]),
                _changed(**{EXTENSION: None}),
                _changed(**{EXTENSION: {"name": "x", "number": True, "version": 1}}),
                _changed(**{EXTENSION: {"name": "x", "number": -1, "version": 1}}),
                _changed(**{EXTENSION: {"name": "x", "number": 1, "version": 1, "category": "?", "max_status_age": 1}}),
            )
        ),
    ],
    ids=lambda raw: raw[-40:].decode(errors="replace"),
)
def test_a_document_of_another_shape_is_malformed(raw):
    with pytest.raises(Malformed):
        from_document(raw)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)


@given(st.sampled_from(["display", "claims", EXTENSION]), _JSON)
def test_any_part_replaced_by_anything_is_a_type_or_malformed(part, value):
    with suppress(Malformed):
        from_document(json.dumps(_changed(**{part: value})).encode())


@given(st.sampled_from(["path", "display", EXTENSION, "sd", "mandatory"]), _JSON)
def test_any_part_of_a_claim_replaced_by_anything_is_a_type_or_malformed(part, value):
    claim = _changed()["claims"][0] | {part: value}
    with suppress(Malformed):
        from_document(json.dumps(_changed(claims=[claim])).encode())


def test_a_catalogue_holds_what_is_switched_on_and_names_what_there_is():
    catalogue = load_catalogue(["library_card", "social_pass"])
    assert sorted(pass_type.name for pass_type in catalogue) == ["library_card", "social_pass"]
    assert len(catalogue) == 2 and catalogue.numbered(3) is catalogue.named("social_pass")
    assert catalogue.numbered(2) is None
    with pytest.raises(UnknownPassType, match="library_card, social_pass"):
        catalogue.named("resident_parking_permit")


def test_two_types_do_not_share_a_name_or_a_number():
    card = _CATALOGUE.named("library_card")
    with pytest.raises(ValueError, match="library_card"):
        Catalogue([card, card])
