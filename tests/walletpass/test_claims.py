"""Claim values: what people write is read into one form, or refused with a code."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from walletpass import claims
from walletpass.errors import InvalidClaim
from walletpass.pass_type import Validity

TODAY = date(2026, 11, 23)


def code_of(call, *arguments) -> str:
    with pytest.raises(InvalidClaim) as refusal:
        call("column", *arguments)
    assert refusal.value.claim == "column"
    assert refusal.value.sentence.endswith(".")
    return refusal.value.code


@pytest.mark.parametrize(
    ("written", "plate"),
    [
        ("D-AB 1234E", "D-AB 1234E"),
        ("D-AB 1234 E", "D-AB 1234E"),
        ("d ab 1234", "D-AB 1234"),
        ("D  AB1234", "D-AB 1234"),
        ("d-ab-123h", "D-AB 123H"),
        ("D – AB 12", "D-AB 12"),
        ("KÜN-X 7", "KÜN-X 7"),
        ("ku\u0308n-ab 123", "KÜN-AB 123"),
        ("mü-a 1", "MÜ-A 1"),
        ("KÜNAB123", "KÜN-AB 123"),
        (" B-MW 9999 ", "B-MW 9999"),
    ],
)
def test_a_german_plate_has_one_form_however_it_is_written(written, plate):
    assert claims.read_plate("plate1", written) == (plate, None)


@pytest.mark.parametrize("written", ["DAB1234", "dab 1234", "AB1234", "MÜAB12", "DAB123E"])
def test_a_plate_that_could_be_split_in_two_ways_is_kept_with_a_warning(written):
    plate, warning = claims.read_plate("plate1", written)
    assert plate == written.upper()
    assert warning is not None and warning.startswith("plate1: district and letters cannot be told apart")


@pytest.mark.parametrize(
    "written",
    [
        "Y-123456",
        "NL AB-12-CD",
        "BP-1 23",
        "0-17 42",
        "THW-80011",
        "ŠI 123-AB",
        "W 12345 A",
        "KÜN-AB 1234",
        "D-AB 0123",
    ],
)
def test_foreign_military_and_official_plates_warn_and_stay_as_they_are(written):
    plate, warning = claims.read_plate("plate2", written)
    assert plate == written
    assert warning is not None and "plate2: not a German civil plate" in warning


@pytest.mark.parametrize(
    "written", ["ROT", "D-AB", "1", "D-AB 12; D-AB 13", "=1+2", "АВ1234", "D-AB 123456789012", "--1"]
)
def test_what_is_no_plate_is_refused(written):
    assert code_of(claims.read_plate, written) == "bad_plate"


def test_several_plates_lose_doubles_and_blanks_and_keep_their_order():
    plates, warnings = claims.read_plates("plates", ["D-AB 1", "", "Y-123456", "d ab 1"])
    assert plates == ("D-AB 1", "Y-123456")
    assert len(warnings) == 1


def test_more_than_six_plates_are_refused():
    assert code_of(claims.read_plates, [f"D-AB {n}" for n in range(1, 8)]) == "too_many_plates"


@given(st.sampled_from(["D", "NE", "KÜN", "MÜ"]), st.sampled_from(["A", "AB", "ÖX"]), st.integers(1, 999))
def test_reading_a_plate_again_changes_nothing_and_keeps_its_key(district, letters, digits):
    written = f"{district} {letters}-{digits}"
    plate, _ = claims.read_plate("plate1", written)
    assert claims.read_plate("plate1", plate) == (plate, None)
    assert claims.plate_key(plate) == claims.plate_key(written) == f"{district}{letters}{digits}"


def test_the_key_of_a_plate_is_its_letters_and_digits_and_loses_the_gap():
    assert claims.plate_key("kün-ab 12e") == "KÜNAB12E" == claims.plate_key("KU\u0308N·AB 12 E")
    assert claims.plate_key("D-AB 1234") == claims.plate_key("DA-B 1234") == claims.plate_key("DAB1234")


@pytest.mark.parametrize(
    "written", ["2027-03-31", "31.03.2027", "31.3.2027", " 31.03.2027 00:00", "2027-03-31T00:00:00"]
)
def test_a_day_is_read_from_iso_and_german_form(written):
    assert claims.read_date("column", written) == date(2027, 3, 31)


@pytest.mark.parametrize(
    "written",
    ["2027-02-29", "31.04.2027", "00.00.0000", "0000-00-00", "31.12.27", "12/31/2027", "2027-03-31 08:15", "morgen",
     "9999-12-31", "٣١.٠٣.٢٠٢٧"],
)  # fmt: skip
def test_an_impossible_or_unclear_day_is_refused(written):
    assert code_of(claims.read_date, written) == "bad_date"


def test_nobody_is_born_tomorrow():
    assert claims.read_birth_date("column", "23.11.2026", TODAY) == TODAY
    assert code_of(claims.read_birth_date, "24.11.2026", TODAY) == "bad_date"


@pytest.mark.parametrize("written", ["mü", "MU\u0308", " MÜ "])
def test_a_zone_is_upper_case_and_composed(written):
    assert claims.read_zone("column", written) == "MÜ"


@pytest.mark.parametrize("written", ["ABCDE", "A-1", "", "É1", "A 1"])
def test_a_bad_zone_is_refused(written):
    assert code_of(claims.read_zone, written) == "bad_zone"


def test_a_zone_outside_the_closed_list_is_refused():
    assert claims.read_zone("column", "mü", frozenset({"MÜ"})) == "MÜ"
    assert code_of(claims.read_zone, "A1", frozenset({"MÜ"})) == "bad_zone"


@pytest.mark.parametrize("written", ["1", "A B", "x" * 33, "12;34", "=1"])
def test_a_bad_number_is_refused(written):
    assert code_of(claims.read_number, written) == "bad_number"


@pytest.mark.parametrize("written", ["a@example.org", "Käthe.Weiß+1@bücher.example.org", " a@b.de "])
def test_an_email_address_passes_by_its_shape(written):
    assert claims.read_email("column", written) == written.strip()


@pytest.mark.parametrize(
    "written", ["a", "a@b", "@b.de", "a@@b.de", "a@b.de, c@d.de", "a b@c.de", "a@b..de", "a@.de", "=?x?q?a?=@b.de"]
)
def test_what_is_no_email_address_is_refused(written):
    assert code_of(claims.read_email, written) == "bad_email"


def test_only_german_and_english_are_languages():
    assert claims.read_language("column", " DE ") == "de"
    assert code_of(claims.read_language, "tr") == "bad_language"


@pytest.mark.parametrize(("written", "flag"), [("ja", True), ("X", True), ("1", True), ("nein", False), ("", False)])
def test_a_flag_is_yes_or_no(written, flag):
    assert claims.read_flag("column", written) is flag


def test_other_flags_and_counts_are_refused():
    assert code_of(claims.read_flag, "vielleicht") == "bad_flag"
    assert claims.read_count("column", " 3 ") == 3
    for written in ("-1", "3.5", "drei", "10000", "٣"):
        assert code_of(claims.read_count, written) == "bad_count"


@given(
    st.text(st.characters(exclude_categories=("Cc", "Cf", "Cn", "Co", "Cs")) | st.sampled_from("\t\n\r"), max_size=40)
)
def test_text_comes_out_clean_and_stays_so(raw):
    text = claims.clean_text("column", raw, limit=400)
    assert text.isprintable() and text == text.strip() and "  " not in text
    assert claims.clean_text("column", text, limit=400) == text


def test_text_is_composed_and_bounded():
    assert claims.clean_text("column", "  Bjo\u0308rn\u00a0\n Weiß ") == "Björn Weiß"
    assert code_of(claims.clean_text, "x" * 81) == "too_long"
    for hidden in ("a\x00b", "a\u200bb", "a\u202eb", "a\ue000b"):
        assert code_of(claims.clean_text, hidden) == "bad_text"


def test_a_validity_may_lie_in_the_past_but_not_end_before_it_begins_or_run_too_long():
    rule = Validity(longest_days=366, period_days=365, renewal_window_days=30)

    def judged(first: date, last: date) -> str:
        return code_of(claims.check_validity, rule, first, last, TODAY)

    claims.check_validity("column", rule, date(1990, 1, 1), date(2020, 12, 31), TODAY)
    claims.check_validity("column", rule, TODAY, date(2027, 11, 24), TODAY)
    claims.check_validity("column", rule, date(2030, 1, 1), date(2031, 1, 2), TODAY)
    assert judged(TODAY, date(2026, 11, 22)) == "bad_validity"
    assert judged(date(1990, 1, 1), date(2027, 11, 25)) == "validity_too_long"
    assert judged(date(2030, 1, 1), date(2031, 1, 3)) == "validity_too_long"
    assert judged(TODAY, date(9998, 12, 31)) == "validity_too_long"


@pytest.mark.parametrize("raw", ["30.02.2026", "2026-13-01", "31.4.2027"])
def test_a_day_that_does_not_exist_is_called_so(raw: str) -> None:
    with pytest.raises(InvalidClaim) as refusal:
        claims.read_date("valid_until", raw)
    assert (refusal.value.code, "no such day" in refusal.value.sentence) == ("bad_date", True)
