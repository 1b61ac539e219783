"""Rows become entitlements: every rule of an import by its code, line and column."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from issuers.sources.columns import unread_columns
from issuers.sources.entitlements import SourceRow, read_entitlements, read_rows
from issuers.sources.errors import SourceRefused
from walletpass.entitlement import Entitlement, Holder

TODAY = date(2026, 11, 23)
KOHA = "cardnumber,surname,firstname,dateofbirth,branchcode,dateenrolled,dateexpiry,address,zipcode,city,email\n"
PARKING = "permit_no;zone;plate1;plate2;valid_from;valid_until;given_name;family_name;email\n"
FULL = PARKING.replace("\n", ";street;postcode;city;date_of_birth;language;changing_vehicles;Plate3\n")
GOOD = "BP-1;MÜ;d ab 1234;;1.1.2026;31.12.2026;Zoë;Weiß;zoe@example.org"


def test_a_koha_export_gives_library_cards_and_reports_its_administrator(imported):
    rows = (
        "1,Admin,Koha,,ZB,,2099-12-31,,,,\n"
        '29001,Löwe,Sam,1950-02-01,ZB,1985-10-24,2020-12-31,"Höherweg 1, Hinterhaus",40233,Düsseldorf,\n'
        "29002,Fuchs,,,ZB,2026-01-02,2027-01-01,,,,fuchs@example.org\n"
    )
    good, failures = imported("library_card", KOHA + rows)
    assert [(f.line, f.column, f.code) for f in failures] == [(2, "cardnumber", "bad_number")]
    assert good[0] == Entitlement(
        "library_card",
        "29001",
        date(1985, 10, 24),
        date(2020, 12, 31),
        {"card_number": "29001"},
        (Holder("Sam", "Löwe", date(1950, 2, 1), "Höherweg 1, Hinterhaus", "40233", "Düsseldorf"),),
    )
    assert good[1].holders == (Holder(family_name="Fuchs", email="fuchs@example.org"),)


def test_a_parking_register_gives_permits_with_plates_and_warnings(imported):
    row = (
        "BP-1;mü;d ab 1234;Y-123456;1.1.2026;31.12.2026;Zoë;Weiß;;Höherweg 1;40233;Düsseldorf;29.02.1960;EN;ja;DAB 12\n"
    )
    (permit,), failures = imported("resident_parking_permit", FULL + row, "cp1252")
    assert failures == []
    assert permit.claims == {
        "permit_number": "BP-1",
        "zone": "MÜ",
        "plates": ("D-AB 1234", "Y-123456", "DAB 12"),
        "changing_vehicles": True,
    }
    assert permit.holders[0].language == "en"
    assert [warning.split(":")[0] for warning in permit.warnings] == ["plate2", "Plate3"]


def test_columns_without_content_and_columns_left_out_say_the_same(imported):
    short = "permit_no;zone;valid_from;valid_until\nBP-1;7;01.01.2026;31.12.2026\n"
    with_blanks = FULL + "BP-1;7; ;;01.01.2026;31.12.2026;;;;;;;;;nein;\n"
    (one,), _ = imported("resident_parking_permit", short)
    (other,), _ = imported("resident_parking_permit", with_blanks)
    assert one == other
    assert one.claims == {"permit_number": "BP-1", "zone": "7", "plates": ()}
    assert one.holders == (Holder(),)


def test_a_plate_named_twice_counts_once(imported):
    (permit,), _ = imported("resident_parking_permit", PARKING + "BP-1;7;D-AB 1;d ab 1;1.1.2026;31.12.2026;;;\n")
    assert permit.claims["plates"] == ("D-AB 1",)


def test_every_type_reads_a_register_in_the_shape_of_its_own_declaration(imported):
    content = "Card_Number;GIVEN_NAME;family_name;children;valid_until;notes\nFK-1;Ines;Vogt;3;31.12.2027;x\n"
    (card,), failures = imported("family_card", content)
    assert failures == []
    assert card.claims == {"card_number": "FK-1", "children": 3}
    (library,), _ = imported("library_card", "card_number;family_name;valid_until\n29001;Vogt;31.12.2027\n")
    assert library.claims == {"card_number": "29001"}
    content = "pass_number;given_name;family_name;date_of_birth;valid_until\nDP-1;Ines;Vogt;1.2.1980;31.12.2027\n"
    (social,), _ = imported("social_pass", content)
    assert social.holders[0].date_of_birth == date(1980, 2, 1)


def test_without_a_first_day_a_pass_runs_from_today_or_had_its_last_day_only(imported):
    good, _ = imported("library_card", KOHA + "29001,A,,,,,2027-01-01,,,,\n29002,B,,,,,2020-12-31,,,,\n")
    assert [card.valid_from for card in good] == [TODAY, date(2020, 12, 31)]


def changed(**cells: str) -> str:
    names = PARKING.strip().split(";")
    row = dict(zip(names, GOOD.split(";"), strict=True)) | cells
    return ";".join(row[name] for name in names)


@pytest.mark.parametrize(
    ("column", "content", "code"),
    [
        ("permit_no", "", "missing_value"),
        ("permit_no", "7", "bad_number"),
        ("permit_no", "BP 1", "bad_number"),
        ("zone", "", "missing_value"),
        ("zone", "ABCDE", "bad_zone"),
        ("zone", "B2", "bad_zone"),
        ("plate1", "ROT", "bad_plate"),
        ("plate2", "=1+1", "bad_plate"),
        ("valid_from", "31.02.2026", "bad_date"),
        ("valid_until", "", "missing_value"),
        ("valid_until", "31.12.26", "bad_date"),
        ("valid_until", "31.12.2025", "bad_validity"),
        ("valid_until", "31.12.2099", "validity_too_long"),
        ("given_name", "x" * 81, "too_long"),
        ("family_name", "a\u202eb", "bad_text"),
        ("email", "zoe at example", "bad_email"),
    ],
)
def test_a_bad_cell_fails_its_row_with_line_column_and_code(imported, column, content, code):
    bad = changed(**({"permit_no": "BP-2"} | {column: content}))
    content = PARKING + GOOD.replace("Weiß", '"Weiß\n"') + "\n" + bad + "\n" + changed(permit_no="BP-3") + "\n"
    good, failures = imported("resident_parking_permit", content, zones=frozenset({"mü", "A1"}))
    assert [permit.external_number for permit in good] == ["BP-1", "BP-3"]
    assert [(f.line, f.column, f.code) for f in failures] == [(4, column, code)]
    assert failures[0].row == tuple(bad.split(";"))
    assert failures[0].sentence.endswith(".")


@pytest.mark.parametrize(
    ("column", "content", "code"),
    [
        ("language", "fr", "bad_language"),
        ("date_of_birth", "24.11.2026", "bad_date"),
        ("date_of_birth", "1960", "bad_date"),
        ("changing_vehicles", "oft", "bad_flag"),
    ],
)
def test_a_bad_optional_cell_fails_its_row_too(imported, column, content, code):
    header = PARKING.replace("\n", f";{column.upper()} \n")
    good, failures = imported("resident_parking_permit", f"{header}{GOOD};{content}\n")
    assert good == []
    assert [(f.line, f.column, f.code) for f in failures] == [(2, column.upper(), code)]


def test_a_bad_count_fails_its_row(imported):
    content = "card_number;family_name;children;valid_until\nFK-1;Vogt;viele;31.12.2027\n"
    _, failures = imported("family_card", content)
    assert [(f.line, f.column, f.code) for f in failures] == [(2, "children", "bad_count")]


def test_only_the_first_problem_of_a_row_is_told(imported):
    _, failures = imported("resident_parking_permit", PARKING + "BP-1;ABCDE;ROT;ROT;x;x;;;x\n")
    assert [f.code for f in failures] == ["bad_zone"]


def test_the_second_row_of_a_number_is_reported_with_the_line_of_the_first(imported):
    rows = [GOOD, changed(permit_no="BP-2", zone="ABCDE"), GOOD, changed(permit_no="BP-2")]
    good, failures = imported("resident_parking_permit", PARKING + "\n".join(rows))
    assert [permit.external_number for permit in good] == ["BP-1"]
    assert [(f.line, f.code) for f in failures] == [(3, "bad_zone"), (4, "duplicate_row"), (5, "duplicate_row")]
    assert "line 2 already" in failures[1].sentence
    assert "line 3 already" in failures[2].sentence  # the first one failed: nobody but the department can choose


@pytest.mark.parametrize(
    ("pass_type", "header", "named", "code"),
    [
        ("resident_parking_permit", "permit_no;plate1;valid_from;valid_until", "zone", "missing_column"),
        ("resident_parking_permit", "permit_no;zone;valid_from", "valid_until", "missing_column"),
        ("library_card", "cardnumber,firstname,surname", "dateexpiry", "missing_column"),
        ("library_card", "card_number;family_name;given_name", "valid_until", "missing_column"),
        ("family_card", "card_number;given_name", "family_name, valid_until", "missing_column"),
        ("library_card", "cardnumber,surname,surname,dateexpiry", "surname 2 times", "duplicate_column"),
    ],
)
def test_a_missing_or_doubled_column_is_refused_before_the_first_row(
    written, catalogue, pass_type, header, named, code
):
    with pytest.raises(SourceRefused) as refusal:
        read_entitlements(written(header + "\n"), catalogue.named(pass_type), TODAY)
    assert refusal.value.code == code
    assert named in refusal.value.sentence


def test_a_refusal_names_the_columns_of_the_file_but_no_person_in_place_of_a_header(written, catalogue):
    with pytest.raises(SourceRefused, match=r"it has cardnumber, Nachname\."):
        read_entitlements(written("cardnumber,Nachname\n"), catalogue.named("library_card"), TODAY)
    with pytest.raises(SourceRefused) as refusal:
        read_entitlements(written("29001,Weiß,Zoë,2027-01-01\n"), catalogue.named("library_card"), TODAY)
    assert refusal.value.code == "missing_column"
    assert "Weiß" not in refusal.value.sentence
    with pytest.raises(SourceRefused) as refusal:
        read_entitlements(written("BP-1;Weiß;Zoë;Zone;18\n"), catalogue.named("resident_parking_permit"), TODAY)
    assert refusal.value.code == "missing_column"
    assert "Weiß" not in refusal.value.sentence


def test_columns_that_are_not_read_are_named_without_what_moves_a_cursor(catalogue):
    header = [
        "card_number",
        "family_name",
        "valid_until",
        "",
        "a\x1b[2Kb",
        "Gültig\n bis",
        "x" * 50,
        "error",
        "\u202eno",
    ]
    assert unread_columns(catalogue.named("library_card"), header) == [
        "a\ufffd[2Kb",
        "Gültig bis",
        "x" * 40,
        "\ufffdno",
    ]


def test_a_row_that_an_open_quote_drew_into_a_column_name_is_not_lost_silently(written, catalogue):
    with pytest.raises(SourceRefused) as refusal:
        read_entitlements(
            written('card_number;family_name;valid_until;"note\n1;Weiß;2027-01-01;Zoë"\n2;Roth;2027-01-01;\n'),
            catalogue.named("library_card"),
            TODAY,
        )
    assert refusal.value.code == "bad_header"
    assert "Weiß" not in refusal.value.sentence


def test_a_file_in_the_wrong_form_is_refused_at_once(tmp_path: Path, catalogue):
    with pytest.raises(SourceRefused) as refusal:
        read_entitlements(tmp_path / "none.csv", catalogue.named("library_card"), TODAY)
    assert refusal.value.code == "file_not_found"


names = st.text(st.sampled_from("abzÄÖÜäöüßé -"), max_size=12).map(lambda name: " ".join(name.split()))
days = st.dates(date(2000, 1, 1), date(2027, 12, 31))


@given(st.lists(st.tuples(days, st.integers(0, 300), names, st.booleans()), max_size=6), st.booleans())
def test_what_a_register_says_is_what_the_entitlements_say(tmp_path_factory, catalogue, table, german):
    form = "%d.%m.%Y" if german else "%Y-%m-%d"
    path = tmp_path_factory.mktemp("register") / "list.csv"
    lines = [
        f"BP-{n};{n};{first:{form}};{first + timedelta(length):{form}};{name};{'ja' if flag else 'nein'}"
        for n, (first, length, name, flag) in enumerate(table)
    ]
    header = "permit_no;zone;valid_from;valid_until;family_name;changing_vehicles"
    path.write_text("\n".join([header, *lines]), encoding="cp1252")
    found = list(read_entitlements(path, catalogue.named("resident_parking_permit"), TODAY))
    assert found == [
        Entitlement(
            "resident_parking_permit",
            f"BP-{n}",
            first,
            first + timedelta(length),
            {"permit_number": f"BP-{n}", "zone": str(n), "plates": ()} | ({"changing_vehicles": True} if flag else {}),
            (Holder(family_name=name),),
        )
        for n, (first, length, name, flag) in enumerate(table)
    ]


def test_a_row_keeps_its_line_its_cells_and_the_name_of_its_number_column(written, catalogue):
    path = written("Permit_No;zone;valid_from;valid_until\n\nBP-1; mü;1.1.2026;31.12.2026\n")
    (row,) = read_rows(path, catalogue.named("resident_parking_permit"), TODAY)
    assert isinstance(row, SourceRow)
    assert (row.line, row.row, row.number_column) == (3, ("BP-1", " mü", "1.1.2026", "31.12.2026"), "Permit_No")
    assert row.entitlement.claims["zone"] == "MÜ"
