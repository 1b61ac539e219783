"""Save links and the JSON in them, held against Google's discovery document and the service account's public key."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import jsonschema_rs
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from PIL import Image

from issuers.settings import IssuerSettings
from issuers.symbology import Symbology
from issuers.wallets import CarriedPass
from issuers.wallets.google import build
from issuers.wallets.google.logo import logo_png
from issuers.wallets.google.objects import ObjectTemplate, UnfitIdentifier, generic_class
from issuers.wallets.google.save_link import SaveLinks
from keys.errors import KeyProblem
from tests.issuers.wallets.google_discovery import validator
from walletpass.entitlement import Holder
from walletpass.pass_type import Catalogue, FrontCode
from walletpass.status import Status

Carry = Callable[..., CarriedPass]
HTTP = IssuerSettings()
HTTPS = IssuerSettings(public_url="https://ausweis.duesseldorf.de", google_origins=("https://ausweis.duesseldorf.de",))
STATUSES = list(Status)
SAVE_URL = "https://pay.google.com/gp/v/save/"
MAX_JWT = 1800  # characters, as Google documents it


OBJECT_SCHEMA = validator("GenericObject")
CLASS_SCHEMA = validator("GenericClass")


@pytest.fixture
def wallet(google_signer):
    return build(HTTPS, lambda role: google_signer)


def claims_of(offer, google_signer) -> dict[str, Any]:
    token = offer.body.decode().removeprefix(SAVE_URL)
    key = google_signer.private_key.public_key()
    return jwt.decode(token, key, algorithms=["RS256"], audience="google", options={"verify_iat": False})


def texts_in(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        for child in node.values():
            yield from texts_in(child)
    elif isinstance(node, list):
        for child in node:
            yield from texts_in(child)
    else:
        yield str(node)


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("compact", [False, True])
@pytest.mark.parametrize("settings", [HTTP, HTTPS])
def test_an_object_is_what_googles_document_allows(
    type_name: str, status: Status, compact: bool, settings: IssuerSettings, carry: Carry, now: datetime
):
    carried = carry(type_name, settings, status=status)
    found = ObjectTemplate(carried.pass_type, settings).render(carried, now, compact)
    OBJECT_SCHEMA.validate(found)
    assert {"id", "classId", "cardTitle", "header"} <= found.keys(), "the fields Google requires"


def test_a_class_is_what_googles_document_allows(type_name: str, catalogue: Catalogue):
    found = generic_class(catalogue.named(type_name), HTTPS)
    CLASS_SCHEMA.validate(found)
    rows = found["classTemplateInfo"]["cardTemplateOverride"]["cardRowTemplateInfos"]
    assert 2 <= len(rows) <= 3


@pytest.mark.parametrize(
    "spoilt", [{"state": "active"}, {"hasUsers": True, "surprise": 1}, {"barcode": {"type": "qrCode"}}, {"version": 1}]
)
def test_the_check_itself_refuses_deprecated_words_and_unknown_fields(spoilt: dict, carry: Carry, now: datetime):
    carried = carry("social_pass")
    found = ObjectTemplate(carried.pass_type, HTTP).render(carried, now)
    with pytest.raises(jsonschema_rs.ValidationError):
        OBJECT_SCHEMA.validate(found | spoilt)


@pytest.mark.parametrize(
    ("status", "days", "state"),
    [
        (Status.VALID, 0, "ACTIVE"),
        (Status.VALID, -60, "ACTIVE"),
        (Status.VALID, 400, "EXPIRED"),
        (Status.SUSPENDED, 0, "INACTIVE"),
        (Status.SUSPENDED, 400, "INACTIVE"),
        (Status.INVALID, 0, "INACTIVE"),
    ],
)
def test_the_state_follows_status_and_time(status: Status, days: int, state: str, carry: Carry, now: datetime):
    carried = carry("volunteer_card", status=status)
    found = ObjectTemplate(carried.pass_type, HTTP).render(carried, now + timedelta(days=days))
    assert found["state"] == state


def test_the_object_shows_the_front_claims_and_nothing_else_about_the_holder(
    type_name: str, carry: Carry, now: datetime
):
    carried = carry(type_name, HTTPS)
    found = ObjectTemplate(carried.pass_type, HTTPS).render(carried, now)
    front = [claim.name for claim in carried.pass_type.claims if claim.front]
    assert [module["id"] for module in found["textModulesData"]] == front
    holder = carried.pass_.holders[0]
    shown = {claim.holder_field for claim in carried.pass_type.claims if claim.front}
    hidden = {"street", "postcode", "given_name", "family_name"} - shown
    outside_the_code = " ".join(texts_in({key: part for key, part in found.items() if key != "barcode"}))
    for field in (*hidden, "email"):
        assert getattr(holder, field) not in outside_the_code
    assert holder.date_of_birth.isoformat() not in outside_the_code


def test_ids_carry_the_serial_and_name_nobody(type_name: str, carry: Carry, now: datetime):
    carried = carry(type_name, HTTPS)
    found = ObjectTemplate(carried.pass_type, HTTPS).render(carried, now)
    assert found["id"] == f"{HTTPS.google_issuer_id}.{carried.pass_.serial}"
    assert found["classId"] == generic_class(carried.pass_type, HTTPS)["id"]
    for private in (carried.pass_.external_number, carried.pass_.holders[0].family_name, "D-AB"):
        assert private not in found["id"] + found["classId"]


def test_a_serial_google_does_not_take_is_refused(carry: Carry, now: datetime):
    carried = carry("social_pass", serial="a/b")
    with pytest.raises(UnfitIdentifier) as refusal:
        ObjectTemplate(carried.pass_type, HTTP).render(carried, now)
    assert refusal.value.code == "unfit_identifier"


def test_the_validity_ends_within_the_last_local_day(carry: Carry, now: datetime):
    carried = carry("resident_parking_permit")
    interval = ObjectTemplate(carried.pass_type, HTTP).render(carried, now)["validTimeInterval"]
    assert interval == {"start": {"date": "2026-11-01T00:00:00+01:00"}, "end": {"date": "2027-10-31T23:59:59+01:00"}}


def test_texts_are_german_with_english_beside_them_where_it_differs(carry: Carry, now: datetime):
    carried = carry("resident_parking_permit")
    found = ObjectTemplate(carried.pass_type, HTTP).render(carried, now)
    assert found["header"] == {
        "defaultValue": {"language": "de", "value": "Bewohnerparkausweis"},
        "translatedValues": [{"language": "en", "value": "Resident parking permit"}],
    }
    zone, plates, changing = found["textModulesData"]
    assert (zone["body"], plates["body"]) == ("MÜ", "D-AB 1234E, D-ÖÄ 99H")
    assert zone["localizedHeader"] == {"defaultValue": {"language": "de", "value": "Zone"}}
    assert changing["localizedBody"]["translatedValues"] == [{"language": "en", "value": "yes"}]


def test_the_generic_type_fits_the_category(carry: Carry, now: datetime, catalogue: Catalogue):
    kinds = {
        pass_type.name: ObjectTemplate(pass_type, HTTP).render(carry(pass_type.name), now)["genericType"]
        for pass_type in catalogue
    }
    assert kinds["resident_parking_permit"] == "GENERIC_PARKING_PASS"
    assert kinds["library_card"] == "GENERIC_LIBRARY_MEMBERSHIP"


def test_a_picture_is_named_only_where_google_can_fetch_it_and_has_a_text(carry: Carry, now: datetime):
    carried = carry("social_pass")
    assert "logo" not in ObjectTemplate(carried.pass_type, HTTP).render(carried, now)
    logo = ObjectTemplate(carried.pass_type, HTTPS).render(carried, now)["logo"]
    assert logo["sourceUri"]["uri"].startswith(f"{HTTPS.public_url}/")
    assert HTTPS.city_name in logo["contentDescription"]["defaultValue"]["value"]


def test_the_picture_is_a_square_as_large_as_google_asks_for():
    picture = Image.open(io.BytesIO(logo_png()))
    assert picture.format == "PNG"
    assert picture.width == picture.height >= 660
    assert len(picture.getcolors(1 << 16)) > 2, "something is drawn on the ground"


@pytest.mark.parametrize(
    ("number", "symbology", "expected"),
    [
        ("29300012345674", Symbology.CODABAR, "CODABAR"),
        ("D29300012345674", Symbology.CODABAR, "CODE_128"),
        ("DUS-4711", Symbology.CODE_39, "CODE_39"),
        ("dus-4711", Symbology.CODE_39, "CODE_128"),
        ("04012345678901", Symbology.INTERLEAVED_2_OF_5, "ITF_14"),
        ("04012345678902", Symbology.INTERLEAVED_2_OF_5, "CODE_128"),
        ("1234", Symbology.INTERLEAVED_2_OF_5, "CODE_128"),
        ("4711", Symbology.CODE_128, "CODE_128"),
        ("BÜ-4711", Symbology.CODE_128, "QR_CODE"),
    ],
)
def test_a_library_card_keeps_its_number_in_a_symbology_google_draws(
    number: str, symbology: Symbology, expected: str, carry: Carry, now: datetime
):
    carried = carry("library_card", external_number=number, claims={"card_number": number})
    settings = IssuerSettings(library_symbology=symbology)
    code = ObjectTemplate(carried.pass_type, settings).render(carried, now)["barcode"]
    assert code == {"type": expected, "value": number, "alternateText": number}


def test_a_signed_pass_shows_its_code_and_forbids_screenshots(type_name: str, carry: Carry, now: datetime):
    carried = carry(type_name)
    found = ObjectTemplate(carried.pass_type, HTTP).render(carried, now)
    signed = carried.pass_type.front_code is FrontCode.SIGNED_QR
    assert (found["barcode"]["value"] == carried.qr_text) is signed
    assert ("passConstraints" in found) is signed


def test_a_link_is_a_token_of_the_service_account_for_google(
    type_name: str, wallet, google_signer, carry: Carry, now: datetime
):
    carried = carry(type_name, HTTPS)
    offer = wallet.offer(carried, "txt", now)
    token = offer.body.decode().removeprefix(SAVE_URL)
    assert jwt.get_unverified_header(token) == {"alg": "RS256", "typ": "JWT"}
    claims = claims_of(offer, google_signer)
    payload = claims.pop("payload")
    assert claims == {
        "iss": google_signer.subject,
        "aud": "google",
        "typ": "savetowallet",
        "iat": int(now.timestamp()),
        "origins": list(HTTPS.google_origins),
    }
    assert payload.keys() <= {"genericClasses", "genericObjects"}
    (object_,) = payload["genericObjects"]
    OBJECT_SCHEMA.validate(object_)
    for class_ in payload.get("genericClasses", []):
        CLASS_SCHEMA.validate(class_)
    assert len(token) <= MAX_JWT


def test_a_library_card_fits_into_its_link_whole(wallet, google_signer, carry: Carry, now: datetime):
    carried = carry("library_card", HTTPS)
    payload = claims_of(wallet.offer(carried, "txt", now), google_signer)["payload"]
    assert payload["genericObjects"][0]["barcode"]["value"] == carried.pass_.external_number
    assert payload["genericClasses"] == [{"id": payload["genericObjects"][0]["classId"]}]


def test_a_link_that_would_be_too_long_names_only_the_two_ids(wallet, google_signer, carry: Carry, now: datetime):
    carried = carry("resident_parking_permit", HTTPS)
    payload = claims_of(wallet.offer(carried, "txt", now), google_signer)["payload"]
    expected = ObjectTemplate(carried.pass_type, HTTPS).reference(carried)
    assert payload == {"genericObjects": [expected]}


def test_every_length_of_name_keeps_the_token_within_1800_characters(wallet, carry: Carry, now: datetime):
    tokens = []
    for length in range(1, 200, 3):
        carried = carry("library_card", HTTPS, holders=(Holder(family_name="Ö" * length),))
        tokens.append(wallet.offer(carried, "txt", now).body.decode().removeprefix(SAVE_URL))
    lengths = [len(token) for token in tokens]
    assert max(lengths) <= MAX_JWT
    assert max(lengths) > MAX_JWT - 16, "the room is used to its end"
    assert lengths[-1] < 800 < lengths[0], "short names fit whole, long ones do not"


def test_an_offer_that_was_thought_too_long_really_is(type_name: str, wallet, google_signer, carry: Carry, now):
    """The wallet skips building objects that cannot fit; the shortest real object must agree."""
    carried = carry(type_name, HTTPS)
    payload = claims_of(wallet.offer(carried, "txt", now), google_signer)["payload"]
    shortest = ObjectTemplate(carried.pass_type, HTTPS).render(carried, now, compact=True)
    room = SaveLinks(google_signer, HTTPS.google_origins).payload_room
    whole = json.dumps(
        {"genericClasses": [{"id": shortest["classId"]}], "genericObjects": [shortest]},
        ensure_ascii=False,
        separators=(",", ":"),
    )
    assert (len(whole.encode()) <= room) is ("barcode" in payload["genericObjects"][0])


def test_another_key_signs_from_the_moment_it_is_there(google_signer, carry: Carry, now: datetime):
    second = replace(google_signer, subject="new@city.iam.gserviceaccount.com")
    current = [google_signer]
    wallet = build(HTTPS, lambda role: current[0])
    wallet.offer(carry("social_pass"), "txt", now)
    current[0] = second
    assert claims_of(wallet.offer(carry("social_pass"), "txt", now), second)["iss"] == second.subject


def test_a_service_account_without_an_rsa_key_is_refused(google_signer):
    with pytest.raises(KeyProblem, match="RSA"):
        SaveLinks(replace(google_signer, private_key=ec.generate_private_key(ec.SECP256R1())), ())


def test_class_and_object_are_written_out_for_whoever_puts_them_to_google(
    carry: Carry, wallet: Any, now: datetime, type_name: str
) -> None:
    offer = wallet.offer(carry(type_name), "json", now)
    written = json.loads(offer.body)
    [made], [class_] = written["genericObjects"], written["genericClasses"]
    assert made["classId"] == class_["id"]
    assert offer.media_type == "application/json"
