"""The PDF on paper: read as text, as structure for screen readers, and as a picture by a scanner."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime
from functools import cache

import pytest
import typst
import zxingcpp
from PIL import Image, ImageChops, ImageOps
from pypdf import PdfReader
from pypdf.generic import DictionaryObject

from issuers.occasions import Occasion
from issuers.settings import IssuerSettings
from issuers.symbology import Symbology
from issuers.wallets import CarriedPass
from issuers.wallets.paper import PaperWallet, build
from issuers.wallets.paper.letter import letter
from issuers.wallets.paper.press import TEMPLATES, NotPrintable
from walletpass.entitlement import Holder

Carry = Callable[..., CarriedPass]
LetterOf = Callable[[str], PdfReader]
SETTINGS = IssuerSettings()
PERMIT = "resident_parking_permit"
LONG = Holder(
    given_name="Maximiliane-Alexandrina Wilhelmine",
    family_name="Freifrau von Hohenlohe-Waldenburg-Schillingsfürst-Öttingen",
    date_of_birth=date(1980, 1, 1),
    street="Bürgermeister-Doktor-Wilhelm-Marx-von-der-Hardenberg-Straße 123 b, Hinterhaus",
    postcode="40213",
    city="Düsseldorf-Ludenberg am Grafenberger Walde",
)


@pytest.fixture(scope="session")
def paper() -> PaperWallet:
    return build(SETTINGS, None)


@pytest.fixture(scope="session")
def painter() -> typst.Compiler:
    return typst.Compiler(input=TEMPLATES / "letter.typ", root=TEMPLATES, ignore_system_fonts=True)


@pytest.fixture
def paint(painter: typst.Compiler, now: datetime) -> Callable[..., list[Image.Image]]:
    def painted(
        carried: CarriedPass, settings: IssuerSettings = SETTINGS, ppi: int = 200, occasion: Occasion | None = None
    ) -> list[Image.Image]:
        sheets = {"title": "", "author": "", "letters": [letter(carried, settings, now, occasion)]}
        pages = painter.compile(format="png", ppi=ppi, sys_inputs={"input": json.dumps(sheets)})
        return [Image.open(io.BytesIO(page)).convert("L") for page in (pages if isinstance(pages, list) else [pages])]

    return painted


def printed(paper: PaperWallet, carried: CarriedPass, now: datetime) -> PdfReader:
    return PdfReader(io.BytesIO(paper.offer(carried, "pdf", now).body))


@pytest.fixture(scope="session")
def letter_of(paper: PaperWallet, carry: Carry, now: datetime) -> LetterOf:
    """The letter of the sample pass of a type, printed once."""
    return cache(lambda type_name: printed(paper, carry(type_name), now))


def text_of(pdf: PdfReader) -> str:
    return " ".join(" ".join(page.extract_text().split()) for page in pdf.pages)


def structure(pdf: PdfReader) -> Iterator[DictionaryObject]:
    """Every element of the structure tree, in reading order."""

    def walk(node: object) -> Iterator[DictionaryObject]:
        node = node.get_object()
        if isinstance(node, list):
            for child in node:
                yield from walk(child)
        elif isinstance(node, DictionaryObject) and node.get("/Type") != "/MCR":
            if "/S" in node:
                yield node
            if "/K" in node:
                yield from walk(node["/K"])

    yield from walk(pdf.trailer["/Root"]["/StructTreeRoot"]["/K"])


def codes_on(page: Image.Image) -> dict[str, str]:
    """Texts of all symbols on a page, by symbology."""
    return {str(found.symbology): found.text for found in zxingcpp.read_barcodes(page)}


def test_a_letter_says_everything_in_german_and_the_essence_in_english(
    type_name: str, letter_of: LetterOf, carry: Carry
):
    carried = carry(type_name)
    text = text_of(letter_of(type_name))
    for expected in (
        *carried.pass_type.labels.values(),
        *carried.pass_type.descriptions.values(),
        carried.pass_.external_number,
        "01.11.2026 – 31.10.2027",
        "1 Nov 2026 to 31 Oct 2027",
        "Guten Tag Jürgen Müßig-Özdemir,",
        "Straße des 17. Juni 5",
        "23.11.2026",
        SETTINGS.city_name,
        SETTINGS.city_contact,
    ):
        assert expected in text


def test_only_a_parking_permit_has_a_second_page_for_the_windscreen(type_name: str, letter_of: LetterOf, carry: Carry):
    pages = letter_of(type_name).pages
    assert len(pages) == (2 if type_name == PERMIT else 1)
    sizes = [(round(float(page.mediabox.width)), round(float(page.mediabox.height))) for page in pages]
    assert sizes == [(595, 842), (842, 595)][: len(pages)]


def test_the_pdf_declares_itself_accessible_and_archivable(type_name: str, letter_of: LetterOf, carry: Carry):
    carried = carry(type_name)
    pdf = letter_of(type_name)
    root = pdf.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"] is not None and bool(root["/MarkInfo"]["/Marked"])
    assert str(root["/Lang"]).startswith("de")
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert pdf.metadata.title == f"{carried.pass_type.labels['de']} {carried.pass_.external_number}"
    xmp = root["/Metadata"].get_data().decode()
    assert re.search(r"<pdfuaid:part>1<", xmp)
    assert re.search(r"<pdfaid:part>3<", xmp) and re.search(r"<pdfaid:conformance>A<", xmp)


def test_every_picture_has_a_text_and_headings_lead_through_the_pages(
    type_name: str, letter_of: LetterOf, carry: Carry
):
    elements = list(structure(letter_of(type_name)))
    figures = [element for element in elements if element["/S"] == "/Figure"]
    assert len(figures) == (2 if type_name in (PERMIT, "library_card") else 1)
    assert all(len(str(figure["/Alt"])) > 20 for figure in figures)
    headings = [str(element["/S"]) for element in elements if re.fullmatch("/H[1-6]", str(element["/S"]))]
    assert headings[:3] == ["/H1", "/H2", "/H2"]
    assert headings[3:] == (["/H1"] if type_name == PERMIT else [])
    english = [str(element["/S"]) for element in elements if element.get("/Lang") == "en"]
    assert english[:2] == ["/H2", "/P"], "the summary in English is marked as English"


def test_codes_are_drawn_and_not_photographed(type_name: str, letter_of: LetterOf):
    assert [len(page.images) for page in letter_of(type_name).pages] in ([0], [0, 0])


def test_only_fonts_that_come_with_typst_are_used(paper: PaperWallet, carry: Carry, now: datetime):
    fonts = {
        str(font.get_object()["/BaseFont"]).partition("+")[2]
        for page in printed(paper, carry(PERMIT), now).pages
        for font in page["/Resources"]["/Font"].values()
    }
    assert fonts
    assert all(name.startswith(("LibertinusSerif", "DejaVuSansMono", "NewCM")) for name in fonts)


def test_the_signed_code_on_the_card_reads_back(type_name: str, paint, carry: Carry):
    carried = carry(type_name)
    assert codes_on(paint(carried)[0])["QR Code"] == carried.qr_text


def test_the_windscreen_code_is_large_has_level_q_and_reads_back(paint, carry: Carry):
    carried = carry(PERMIT)
    page = paint(carried)[1]
    (found,) = zxingcpp.read_barcodes(page)
    assert (found.text, found.ec_level) == (carried.qr_text, "Q")
    side = (found.position.top_right.x - found.position.top_left.x) / page.width * 297
    assert 45 <= side <= 60, "millimetres"


def test_a_windscreen_code_with_much_to_say_keeps_its_modules_large(carry: Carry, paint):
    claims = {
        "permit_number": "PARK/2026/00000000000004711-XYZQ",
        "zone": "WÖM9",
        "plates": tuple(f"UA ÄÖ {number} ÜÄ" for number in range(1001, 1007)),
    }
    carried = carry(PERMIT, claims=claims, external_number=claims["permit_number"])
    (found,) = zxingcpp.read_barcodes(paint(carried)[1])
    assert (found.text, found.ec_level) == (carried.qr_text, "M")


@pytest.mark.parametrize(
    ("symbology", "named", "reads"),
    [
        (Symbology.CODABAR, "Codabar", "A29300012345674A"),
        (Symbology.CODE_39, "Code 39", "29300012345674"),
        (Symbology.INTERLEAVED_2_OF_5, "ITF", "29300012345674"),
        (Symbology.CODE_128, "Code 128", "29300012345674"),
    ],
)
def test_a_library_card_beeps_in_the_librarys_own_symbology(
    symbology: Symbology, named: str, reads: str, paint, carry: Carry
):
    page = paint(carry("library_card"), IssuerSettings(library_symbology=symbology))[0]
    assert codes_on(page)[named] == reads


def test_the_longest_number_still_beeps(paint, carry: Carry):
    number = "AB" * 16
    carried = carry("library_card", external_number=number, claims={"card_number": number})
    page = paint(carried, ppi=300)[0]
    assert number in codes_on(page).values()


def test_the_windscreen_names_zone_plates_and_last_day_but_no_person(paper: PaperWallet, carry: Carry, now: datetime):
    plates = ("D-AB 1234E", "NL 12-ABC-3", "F AB-123-CD", "B-ÖÄ 99H", "UA AA 1234 BB", "Y-123 456")
    claims = {"permit_number": "P-1", "zone": "WÖM9", "plates": plates, "changing_vehicles": True}
    sheet = printed(paper, carry(PERMIT, claims=claims, external_number="P-1"), now).pages[1].extract_text()
    for expected in (*plates, "WÖM9", "31.10.2027", "P-1", "Wechselnde Fahrzeuge", "Changing vehicles"):
        assert expected in sheet
    assert "Müßig" not in sheet and "Straße" not in sheet


def test_a_permit_without_plates_says_only_what_is_true(paper: PaperWallet, carry: Carry, now: datetime):
    claims = {"permit_number": "P-1", "zone": "7", "plates": (), "changing_vehicles": False}
    text = text_of(printed(paper, carry(PERMIT, claims=claims, external_number="P-1"), now))
    assert "Kennzeichen" not in text and "Wechselnde" not in text


def test_the_address_stands_in_the_window_of_the_envelope(paint, carry: Carry):
    """DIN 5008 form B: the window begins 45 mm from the top and 20 mm from the left, 85 mm × 45 mm."""
    address = {"street": LONG.street, "postcode": LONG.postcode, "city": LONG.city}
    name = {"given_name": LONG.given_name, "family_name": LONG.family_name}
    with_address, without = (paint(carry(PERMIT, holders=(Holder(**name, **more),)))[0] for more in (address, {}))
    head = (0, 0, with_address.width, with_address.width * 97 // 210)  # below it, the signatures differ
    printed_only_once = ImageChops.difference(with_address.crop(head), without.crop(head))
    left, top, right, bottom = (edge / with_address.width * 210 for edge in printed_only_once.getbbox())
    assert left >= 20 and right <= 105
    assert top >= 45 and bottom <= 90


def test_without_an_address_the_letter_greets_and_leaves_the_window_empty(
    paper: PaperWallet, carry: Carry, now: datetime
):
    text = text_of(printed(paper, carry(PERMIT, holders=(Holder(),)), now))
    assert "Guten Tag, hier" in text
    assert text.count(SETTINGS.city_address) == 1, "only in the block of contacts, not above an empty window"


@pytest.mark.parametrize("holder", [LONG, replace(LONG, given_name="I", family_name="W" * 80)])
def test_long_names_wrap_or_shrink_and_never_leave_the_page(holder: Holder, type_name: str, paint, carry: Carry):
    page = ImageOps.invert(paint(carry(type_name, holders=(holder,)), ppi=100)[0])
    millimetre = page.width / 210
    below_the_band = page.crop((0, int(5 * millimetre), page.width, page.height))
    _, _, right, bottom = below_the_band.getbbox()
    assert right / millimetre <= 191
    assert bottom / millimetre + 5 <= 277


@pytest.mark.parametrize("occasion", [None, Occasion()], ids=["offer", "renewal"])
def test_however_much_there_is_to_say_it_ends_above_the_card(
    occasion: Occasion | None, type_name: str, paint, carry: Carry
):
    contact = IssuerSettings(city_contact="einwohnerwesen.buergerservice.zentrale@landeshauptstadt.example.org")
    page = ImageOps.invert(paint(carry(type_name, holders=(LONG,)), contact, 100, occasion)[0])
    millimetre = page.width / 210
    assert page.crop((0, int(218 * millimetre), page.width, int(221.5 * millimetre))).getbbox() is None


def test_all_of_a_long_name_and_street_is_printed(paper: PaperWallet, carry: Carry, now: datetime):
    text = text_of(printed(paper, carry("registration_certificate", holders=(LONG,)), now))
    for word in f"{LONG.given_name} {LONG.family_name} {LONG.street} {LONG.city}".split():
        assert word in re.sub(r"(?<=-) ", "", text) or word in text


@pytest.mark.parametrize(
    "name",
    [
        '#panic("boom")',
        "*fett* _kursiv_",
        "$x^2$",
        '#read("/etc/passwd")',
        "\\u{41}",
        "</svg>",
        "@label <x>",
        "= Titel",
    ],
)
def test_what_people_typed_is_printed_and_never_run(name: str, paper: PaperWallet, carry: Carry, now: datetime):
    carried = carry("library_card", holders=(Holder(family_name=name),))
    assert f"Guten Tag {name}," in text_of(printed(paper, carried, now))


@pytest.mark.parametrize("name", ["Łukasz Żółć", "Nguyễn Thị Ánh", "Ğülşah Çağrı", "Ștefan Țăranu", "Ольга", "Ελένη"])
def test_letters_of_europe_are_printed(name: str, paper: PaperWallet, carry: Carry, now: datetime):
    assert name in text_of(printed(paper, carry("library_card", holders=(Holder(family_name=name),)), now))


def test_a_script_without_a_font_is_refused_with_a_sentence_that_names_nobody(
    paper: PaperWallet, carry: Carry, now: datetime
):
    with pytest.raises(NotPrintable, match="Latin letters") as refusal:
        paper.offer(carry("library_card", holders=(Holder(family_name="山田太郎"),)), "pdf", now)
    assert "山" not in refusal.value.sentence
    assert refusal.value.code == "not_printable"


def test_the_same_pass_at_the_same_time_gives_the_same_bytes(paper: PaperWallet, carry: Carry, now: datetime):
    carried = carry(PERMIT)
    assert paper.offer(carried, "pdf", now) == paper.offer(carried, "pdf", now)


def test_several_threads_print_at_once_and_each_gets_its_own_letter(paper: PaperWallet, carry: Carry, now: datetime):
    names = [f"Person{number}" for number in range(8)]
    passes = [carry("library_card", holders=(Holder(family_name=name),)) for name in names]
    with ThreadPoolExecutor(4) as pool:
        bodies = pool.map(lambda carried: paper.offer(carried, "pdf", now).body, passes)
        texts = [text_of(PdfReader(io.BytesIO(body))) for body in bodies]
    assert all(f"Guten Tag {name}," in text for name, text in zip(names, texts, strict=True))
