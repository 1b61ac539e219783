"""What pass.json says, for every type and status."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from issuers.copies import Copy
from issuers.wallets.apple.pass_json import instant, rgb, web_service_url
from issuers.wallets.apple.wording import Wording, strings_file
from tests.issuers.wallets.apple.apple_pass import HOLDER, NOW, QR_TEXT, TYPES, carry, opened
from walletpass.pass_type import Audience, Claim
from walletpass.status import Status

EVERY_PASS = list(itertools.product(TYPES, Status))
REQUIRED = {
    "formatVersion",
    "passTypeIdentifier",
    "serialNumber",
    "teamIdentifier",
    "organizationName",
    "description",
}
OPTIONAL = {
    "sharingProhibited",
    "expirationDate",
    "voided",
    "webServiceURL",
    "authenticationToken",
    "barcodes",
    "backgroundColor",
    "foregroundColor",
    "labelColor",
    "logoText",
}
STYLES = {"generic", "storeCard"}
AREAS = {"headerFields", "primaryFields", "secondaryFields", "auxiliaryFields", "backFields"}
FIELD_KEYS = {
    "key",
    "label",
    "value",
    "changeMessage",
    "dateStyle",
    "timeStyle",
    "ignoresTimeZone",
    "dataDetectorTypes",
}
W3C_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
STRING_LINE = re.compile(r'"((?:[^"\\]|\\.)*)" = "((?:[^"\\]|\\.)*)";')


def strings_of(made, language: str) -> dict[str, str]:
    raw = made.files[f"{language}.lproj/pass.strings"]
    assert raw.startswith(b"\xff\xfe"), "UTF-16 with its byte order mark"
    pairs = [STRING_LINE.fullmatch(line).groups() for line in raw.decode("utf-16").splitlines()]
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


@pytest.mark.parametrize(("type_", "status"), EVERY_PASS)
def test_only_documented_keys_stand_in_it_and_all_required_ones(offered, type_, status):
    made = offered(type_, status)
    assert set(made.json) >= REQUIRED
    assert set(made.json) <= REQUIRED | OPTIONAL | STYLES
    assert len(set(made.json) & STYLES) == 1
    assert set(made.style) <= AREAS
    assert all({"key", "label", "value"} <= set(field) <= FIELD_KEYS for field in made.fields)
    assert not any("dataDetectorTypes" in f for area, fs in made.style.items() if area != "backFields" for f in fs)
    assert made.json["formatVersion"] == 1
    assert made.json["serialNumber"] == "k3V9xQ"
    assert made.json["sharingProhibited"] is True


@pytest.mark.parametrize(("type_", "status"), EVERY_PASS)
def test_field_keys_are_unique_and_the_front_is_not_crowded(offered, type_, status):
    made = offered(type_, status)
    keys = [field["key"] for field in made.fields]
    assert len(set(keys)) == len(keys)
    assert len(made.style["primaryFields"]) == 1
    assert len(made.style["headerFields"]) == 1
    assert len(made.style.get("secondaryFields", []) + made.style.get("auxiliaryFields", [])) <= 4


@pytest.mark.parametrize(("type_", "status"), EVERY_PASS)
def test_dates_and_change_messages_are_what_wallet_accepts(offered, type_, status):
    made = offered(type_, status)
    assert W3C_DATE.fullmatch(made.json["expirationDate"])
    for field in made.fields:
        assert ("dateStyle" in field) == ("timeStyle" in field) == ("T12:00:00" in field["value"])
        assert "dateStyle" not in field or W3C_DATE.fullmatch(field["value"])
        assert field.get("changeMessage", "%@").count("%@") == 1
    assert made.field("valid_until_long")["changeMessage"]


@pytest.mark.parametrize(("type_", "status"), EVERY_PASS)
def test_every_label_and_text_exists_in_both_languages(offered, type_, status):
    made = offered(type_, status)
    german, english = strings_of(made, "de"), strings_of(made, "en")
    assert german.keys() == english.keys()
    assert all(key == text for key, text in german.items()), "German is what other languages fall back to"
    texts = {field["label"] for field in made.fields} | {made.json["description"], made.json["logoText"]}
    texts |= {field["changeMessage"] for field in made.fields if "changeMessage" in field}
    texts |= {made.field(key)["value"] for key in ("status", "about", "checking")}
    assert texts <= german.keys()
    assert all(message.count("%@") == english[message].count("%@") for message in texts)
    assert english[made.json["logoText"]] == TYPES[type_].labels["en"]


@pytest.mark.parametrize("type_", TYPES)
def test_a_valid_pass_shows_its_code_and_until_when(offered, type_):
    made = offered(type_)
    assert made.json["barcodes"]
    assert "voided" not in made.json
    assert made.style["headerFields"] == [made.field("valid_until")]
    assert made.field("status")["value"] == "Nicht ausgesetzt oder widerrufen"
    assert made.field("valid_until")["value"] == "2027-03-31T12:00:00Z"
    assert made.json["expirationDate"] == "2027-03-31T22:00:00Z", "midnight in Berlin, in summer time"


@pytest.mark.parametrize("type_", TYPES)
@pytest.mark.parametrize(("status", "word"), [(Status.INVALID, "Widerrufen"), (Status.SUSPENDED, "Ausgesetzt")])
def test_a_withdrawn_pass_is_voided_loses_its_code_and_says_so_on_the_front(offered, type_, status, word):
    made = offered(type_, status)
    assert made.json["voided"] is True
    assert "barcodes" not in made.json
    assert QR_TEXT.encode() not in made.files["pass.json"]
    assert [field["value"] for field in made.style["headerFields"]] == [word]


@pytest.mark.parametrize("hours", range(-11, 12))
def test_a_day_is_the_same_day_wherever_the_phone_is(offered, hours):
    shown = datetime.fromisoformat(offered("social_pass").field("valid_until")["value"])
    assert shown.astimezone(timezone(timedelta(hours=hours))).date().isoformat() == "2027-03-31"


def test_a_permit_shows_its_zone_large_and_all_its_plates(offered):
    made = offered("resident_parking_permit")
    assert [field["value"] for field in made.style["primaryFields"]] == ["MÜ"]
    assert [field["value"] for field in made.style["secondaryFields"]] == ["D-ÄB 1234E, D-XY 12"]
    assert [field["value"] for field in made.style["auxiliaryFields"]] == ["Ja"]
    assert "Groß" not in made.files["pass.json"].decode()


def test_what_does_not_apply_leaves_no_empty_field(offered):
    made = offered("resident_parking_permit", plates=(), changing_vehicles=False)
    assert not {"plates", "changing_vehicles"} & {field["key"] for field in made.fields}
    assert offered("family_card").field("children")["value"] == "0", "none is a number, too"


def test_a_name_stands_whole_in_one_field(offered):
    assert [field["value"] for field in offered("social_pass").style["primaryFields"]] == ["Jürgen Groß"]
    assert offered("social_pass").field("birth_year")["value"] == "1980"
    made = offered("library_card", Status.VALID, replace(HOLDER, given_name=""))
    assert [field["value"] for field in made.style["primaryFields"]] == ["Groß"]


def test_a_long_name_with_umlauts_is_whole_on_the_back(offered):
    holder = replace(HOLDER, given_name="Ägidius-Żółć", family_name="Freifrau von Müller-Lüdenscheidt-" + "ß" * 47)
    made = offered("library_card", Status.VALID, holder)
    whole = f"{holder.given_name} {holder.family_name}"
    assert [f["value"] for f in made.style["primaryFields"]] == [whole]
    assert whole in [field["value"] for field in made.style["backFields"]]
    assert "given_name_whole" not in {field["key"] for field in offered("library_card").fields}


@pytest.mark.parametrize("surname", ["Kinder", "Name", "Status", "Familienkarte"])
def test_a_name_that_is_also_a_word_on_the_pass_is_not_translated(offered, surname):
    made = offered("family_card", Status.VALID, replace(HOLDER, given_name="", family_name=surname))
    shown = made.style["primaryFields"][0]["value"]
    assert shown not in strings_of(made, "en")
    assert shown.rstrip("\N{NO-BREAK SPACE}") == surname


def test_quotes_line_feeds_and_backslashes_in_values_stay_json(offered):
    holder = replace(HOLDER, family_name='O"Hara \\ \u2028 \U0001f600')
    assert (
        offered("volunteer_card", Status.VALID, holder).style["primaryFields"][0]["value"].endswith(holder.family_name)
    )


@pytest.mark.parametrize("type_", TYPES)
def test_nothing_undeclared_leaves(offered, type_):
    made = offered(type_, secret="GEHEIM", children_names="GEHEIM")
    everything = made.files["pass.json"].decode() + str(strings_of(made, "en"))
    assert "GEHEIM" not in everything
    assert HOLDER.email not in everything
    declared = {claim.holder_field for claim in TYPES[type_].claims}
    for field in {"street", "postcode", "city", "date_of_birth"} - declared:
        values = [shown["value"] for shown in made.fields if shown["key"] != "issuer"]
        assert not any(str(getattr(HOLDER, field)) in value for value in values)


def test_a_claim_that_is_not_for_the_holder_stays_away(wallet):
    note = Claim("note", 99, {"de": "Vermerk", "en": "Note"}, front=True, visible_to=frozenset({Audience.DEPARTMENT}))
    pass_type = TYPES["volunteer_card"]
    pass_type = replace(pass_type, claims=(*pass_type.claims, note))
    made = opened(wallet.offer(carry(pass_type, note="INTERN"), "pkpass", NOW))
    assert "INTERN" not in made.files["pass.json"].decode()
    assert "Vermerk" not in strings_of(made, "de")


def test_a_withheld_date_of_birth_is_on_the_back_only(offered):
    made = offered("registration_certificate")
    born = made.field("date_of_birth")
    assert born in made.style["backFields"]
    assert (born["value"], born["dateStyle"]) == ("1980-02-29T12:00:00Z", "PKDateStyleLong")


def test_a_number_on_the_back_is_no_telephone_link_but_the_contact_may_be_one(offered):
    made = offered("social_pass")
    assert made.field("pass_number")["dataDetectorTypes"] == []
    assert "dataDetectorTypes" not in made.field("issuer")


def test_the_back_says_who_issued_it_and_how_it_is_checked(offered, settings):
    signed, plain = offered("social_pass"), offered("library_card")
    issuer = signed.field("issuer")["value"]
    assert issuer.splitlines() == [settings.city_name, settings.city_address, settings.city_contact]
    assert "scannt den Code" in signed.field("checking")["value"]
    assert "Lesegerät" in plain.field("checking")["value"]
    assert (set(signed.json) & STYLES, set(plain.json) & STYLES) == ({"generic"}, {"storeCard"})


def _luminance(colour: str) -> float:
    channels = [int(part) / 255 for part in re.fullmatch(r"rgb\((\d+), (\d+), (\d+)\)", colour).groups()]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("type_", TYPES)
def test_text_and_labels_stand_out_from_the_background(offered, type_):
    made = offered(type_).json
    for ink in (made["foregroundColor"], made["labelColor"]):
        dark, light = sorted((_luminance(ink), _luminance(made["backgroundColor"])))
        assert (light + 0.05) / (dark + 0.05) >= 4.5, "WCAG 2.2, 1.4.3"


def test_a_changed_look_or_type_shows_on_the_next_pass(wallet):
    pass_type = TYPES["social_pass"]
    before = opened(wallet.offer(carry(pass_type), "pkpass", NOW))
    changed = replace(pass_type, look=replace(pass_type.look, background="#102030"))
    after = opened(wallet.offer(carry(changed), "pkpass", NOW))
    assert after.json["backgroundColor"] == "rgb(16, 32, 48)"
    assert after.files["icon.png"] != before.files["icon.png"]


def test_instants_and_colours_are_written_as_apple_documents_them():
    assert instant(datetime(2027, 4, 1, 0, 0, 0, 999, timezone(timedelta(hours=2)))) == "2027-03-31T22:00:00Z"
    assert instant(datetime(987, 1, 2, tzinfo=UTC)) == "0987-01-02T00:00:00Z"
    assert rgb("#0b4f8a") == "rgb(11, 79, 138)"


def test_one_german_text_cannot_mean_two_things_in_english():
    wording = Wording()
    wording.use("Ausweisnummer", "Card number")
    with pytest.raises(ValueError, match="Ausweisnummer"):
        wording.use("Ausweisnummer", "Permit number")


def test_strings_are_escaped():
    text = strings_file({'Ein "Wort"\\': "a\nb"}).decode("utf-16")
    assert text == '"Ein \\"Wort\\"\\\\" = "a\\nb";\n'


def reminded(wallet, days: int | None, status: Status = Status.VALID):
    carried = replace(carry(TYPES["social_pass"], status), reminder=days)
    return opened(wallet.offer(carried, "pkpass", NOW))


def test_a_reminder_stands_first_on_the_back_and_says_another_text_each_time(wallet):
    assert "reminder" not in {field["key"] for field in reminded(wallet, None).fields}
    texts = set()
    for days in (60, 14, 3):
        made = reminded(wallet, days)
        note = made.style["backFields"][0]
        assert (note["key"], note["label"], note["changeMessage"]) == ("reminder", "Hinweis", "%@")
        assert note["value"].startswith(f"Ihr Ausweis endet in höchstens {days} Tagen, am 31.03.2027.")
        english = strings_of(made, "en")[note["value"]]
        assert english.startswith(f"Your pass ends within {days} days, on 31 Mar 2027.")
        assert strings_of(made, "de").keys() == strings_of(made, "en").keys()
        texts.add(note["value"])
    assert len(texts) == 3


@pytest.mark.parametrize("status", [Status.INVALID, Status.SUSPENDED])
def test_nobody_is_reminded_of_a_pass_that_is_withdrawn(wallet, status):
    assert "reminder" not in {field["key"] for field in reminded(wallet, 14, status).fields}


def test_the_text_of_a_reminder_is_in_its_own_pass_only(wallet):
    note = reminded(wallet, 14).field("reminder")["value"]
    assert note not in strings_of(reminded(wallet, None), "en")
    assert note not in strings_of(reminded(wallet, 3), "en")


def copy_of(number: int = 1, ended_at: int | None = None) -> Copy:
    return Copy(1, "k3V9xQ", "apple", number, "s" * 43, 0, 0, ended_at)


@pytest.mark.parametrize("type_", TYPES)
def test_a_copy_names_the_pass_and_where_phones_hear_of_it(wallet, type_):
    made = opened(wallet.offer(replace(carry(TYPES[type_]), copy=copy_of(3)), "pkpass", NOW)).json
    assert made["serialNumber"] == "k3V9xQ-3"
    assert (made["webServiceURL"], made["authenticationToken"]) == ("http://localhost:8000/apple", "s" * 43)


@pytest.mark.parametrize("type_", TYPES)
def test_a_copy_that_has_ended_says_nothing_about_its_holder(wallet, type_):
    made = opened(wallet.offer(replace(carry(TYPES[type_]), copy=copy_of(1, 7)), "pkpass", NOW))
    assert made.json["voided"] is True
    assert "barcodes" not in made.json
    assert [field["value"] for field in made.style["headerFields"]] == ["Auf diesem Gerät beendet"]
    everything = made.files["pass.json"].decode()
    assert not any(word in everything for word in ("Jürgen", "Groß", "A-100:7", "D-XY", '"MÜ"', QR_TEXT))


@pytest.mark.parametrize("type_", TYPES)
def test_a_pass_that_is_not_good_any_more_shows_no_code(wallet, type_):
    made = opened(wallet.offer(replace(carry(TYPES[type_]), qr_text=""), "pkpass", NOW)).json
    assert "barcodes" not in made
    assert "voided" not in made, "a pass that has expired is shown as that by the phone itself"


@pytest.mark.parametrize(
    ("public_url", "address"),
    [
        ("https://a.de", "https://a.de/apple"),
        ("https://a.de/x", "https://a.de/x/apple"),
        ("http://localhost:8000", "http://localhost:8000/apple"),
        ("http://127.0.0.1", "http://127.0.0.1/apple"),
        ("http://[::1]:8000", "http://[::1]:8000/apple"),
        ("http://a.de", ""),
        ("http://localhost.a.de", ""),
        ("http://10.0.0.1", ""),
    ],
)
def test_phones_are_sent_to_https_addresses_only(public_url, address):
    assert web_service_url(public_url) == address
