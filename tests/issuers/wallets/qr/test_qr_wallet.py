"""The QR wallet and the drawing of symbols, read back as a phone or a library's scanner would."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET
from collections.abc import Callable
from datetime import datetime

import pytest
import zxingcpp
from PIL import Image

from issuers.settings import IssuerSettings
from issuers.symbology import Symbology
from issuers.symbols import (
    ErrorCorrection,
    Symbol,
    SymbolRefused,
    barcode_symbol,
    carried_by,
    png,
    qr_symbol,
    svg,
    svg_path,
)
from issuers.wallets import CarriedPass
from issuers.wallets.qr import build
from walletpass.formats.cwt import FORMAT

SVG = "{http://www.w3.org/2000/svg}"
Carry = Callable[..., CarriedPass]


def wallet():
    return build(IssuerSettings(), None)


def read(picture: Image.Image) -> zxingcpp.Barcode:
    found = zxingcpp.read_barcode(picture)
    assert found is not None, "no symbol was found in the picture"
    return found


def drawn_from_svg(source: str, scale: int) -> Image.Image:
    """What a browser would paint, for the one kind of path we write."""
    root = ET.fromstring(source)
    _, _, width, height = (int(part) for part in root.get("viewBox", "").split())
    picture = Image.new("L", (width * scale, height * scale), 128)
    for path in root.findall(f"{SVG}path"):
        colour = 255 if path.get("fill") == "#fff" else 0
        for run in path.get("d", "").strip("Mz").split("zM"):
            start, _, rest = run.partition("h")
            x, y = (int(part) for part in start.split())
            length, _, tail = rest.partition("v")
            tall = tail.partition("h")[0]
            box = (x * scale, y * scale, (x + int(length)) * scale, (y + int(tall)) * scale)
            picture.paste(colour, box)
    return picture


def test_the_text_form_is_the_signed_text_and_nothing_else(type_name: str, carry: Carry, now: datetime):
    carried = carry(type_name)
    offer = wallet().offer(carried, "txt", now)
    assert offer.body.decode() == carried.qr_text
    assert FORMAT.decode(offer.body.decode()).type_number == carried.pass_type.number
    assert offer.file_name == f"{type_name}.txt"


def test_the_png_reads_back_with_eight_pixels_to_a_module(type_name: str, carry: Carry, now: datetime):
    carried = carry(type_name)
    offer = wallet().offer(carried, "png", now)
    picture = Image.open(io.BytesIO(offer.body))
    assert offer.media_type == "image/png"
    assert picture.width == picture.height == 8 * qr_symbol(carried.qr_text).width
    assert read(picture).text == carried.qr_text


def test_the_svg_reads_back_and_says_in_german_what_it_is(type_name: str, carry: Carry, now: datetime):
    carried = carry(type_name)
    offer = wallet().offer(carried, "svg", now)
    root = ET.fromstring(offer.body)
    described = {root.find(f"{SVG}{name}").get("id"): root.find(f"{SVG}{name}").text for name in ("title", "desc")}
    assert root.get("aria-labelledby", "").split() == list(described)
    assert carried.pass_type.labels["de"] in described["t"]
    assert "Prüfgeräte" in described["d"]
    assert root.get("shape-rendering") == "crispEdges"
    assert len(root.findall(f"{SVG}path")) == 2, "a white ground and one path with all modules"
    assert offer.media_type == "image/svg+xml"
    assert read(drawn_from_svg(offer.body.decode(), 4)).text == carried.qr_text


def test_a_permit_with_two_plates_fits_version_12_even_with_the_longest_addresses(carry: Carry):
    settings = IssuerSettings(public_url="https://ausweis.duesseldorf.de")
    assert len(settings.public_url) + len(settings.status_uri("999")) == 71
    carried = carry("resident_parking_permit", settings)
    assert len(carried.qr_text) <= 418
    assert qr_symbol(carried.qr_text).qr_version <= 12


def test_the_quiet_zone_is_four_modules_of_white_on_every_side(carry: Carry):
    symbol = qr_symbol(carry("social_pass").qr_text)
    picture = Image.open(io.BytesIO(png(symbol, 1))).convert("L")
    dark = picture.point(lambda value: 255 - value).getbbox()
    assert dark == (4, 4, symbol.width - 4, symbol.height - 4)


def test_a_higher_error_correction_makes_a_larger_code_that_survives_a_stain(carry: Carry):
    text = carry("resident_parking_permit").qr_text
    strong = qr_symbol(text, ErrorCorrection.Q)
    assert strong.qr_version > qr_symbol(text).qr_version
    picture = Image.open(io.BytesIO(png(strong, 6))).convert("L")
    side = picture.width // 4
    picture.paste(255, (picture.width // 2, picture.width // 2, picture.width // 2 + side, picture.width // 2 + side))
    assert read(picture).text == text


@pytest.mark.parametrize(("text", "why"), [("", "empty"), ("klein", "characters"), ("A" * 3392, "3392")])
def test_a_text_no_qr_code_may_hold_is_refused_with_a_sentence(text: str, why: str):
    with pytest.raises(SymbolRefused, match=why) as refusal:
        qr_symbol(text)
    assert refusal.value.code == "symbol_refused"


@pytest.mark.parametrize("level", list(ErrorCorrection))
def test_the_longest_text_that_is_not_refused_can_be_drawn(level: ErrorCorrection):
    longest = 3391 if level is ErrorCorrection.M else 2420
    assert qr_symbol("A" * longest, level).qr_version == 40


@pytest.mark.parametrize(
    ("number", "wanted", "drawn", "reads"),
    [
        ("29300012345674", Symbology.CODABAR, Symbology.CODABAR, "A29300012345674A"),
        ("B2930B", Symbology.CODABAR, Symbology.CODE_128, "B2930B"),
        ("29300012345674", Symbology.INTERLEAVED_2_OF_5, Symbology.INTERLEAVED_2_OF_5, "29300012345674"),
        ("DUS-4711/9", Symbology.CODE_39, Symbology.CODE_39, "DUS-4711/9"),
        ("DUS-4711/X", Symbology.CODE_39, Symbology.CODE_128, "DUS-4711/X"),
        ("dus_4711", Symbology.CODE_128, Symbology.CODE_128, "dus_4711"),
        ("1234567", Symbology.INTERLEAVED_2_OF_5, Symbology.CODE_128, "1234567"),
        ("DUS4711", Symbology.CODABAR, Symbology.CODE_128, "DUS4711"),
        ("dus4711", Symbology.CODE_39, Symbology.CODE_128, "dus4711"),
        ("BÜ-4711", Symbology.CODE_39, Symbology.CODE_128, "BÜ-4711"),
    ],
)
def test_a_card_number_is_drawn_unchanged_in_the_wanted_symbology_or_else_in_code_128(
    number: str, wanted: Symbology, drawn: Symbology, reads: str
):
    assert carried_by(number, wanted) is drawn
    symbol = barcode_symbol(number, wanted)
    found = read(Image.open(io.BytesIO(png(symbol, 3))))
    assert found.text == reads
    assert (
        found.symbology
        == {
            Symbology.CODABAR: zxingcpp.BarcodeFormat.Codabar,
            Symbology.INTERLEAVED_2_OF_5: zxingcpp.BarcodeFormat.ITF,
            Symbology.CODE_39: zxingcpp.BarcodeFormat.Code39,
            Symbology.CODE_128: zxingcpp.BarcodeFormat.Code128,
        }[drawn]
    )
    assert read(drawn_from_svg(svg(symbol, "t", "d"), 3)).text == reads


def test_a_card_number_in_another_script_is_refused():
    with pytest.raises(SymbolRefused, match="card number"):
        barcode_symbol("Ж4711", Symbology.CODE_128)


def test_a_path_names_every_dark_run_once():
    symbol = Symbol(((True, True, False, True), (False, False, True, True)), 1, 2)
    assert svg_path(symbol) == "M1 2h2v1h-2zM4 2h1v1h-1zM3 3h2v1h-2z"


def test_texts_in_an_svg_are_escaped():
    source = svg(Symbol(((True,),), 0, 0), "a < b & c", "<script>")
    assert ET.fromstring(source).find(f"{SVG}title").text == "a < b & c"


def test_the_forms_are_text_svg_and_png():
    assert wallet().forms == ("txt", "svg", "png")
