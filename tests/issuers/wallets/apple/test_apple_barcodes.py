"""The code on the front, for each symbology a library may have."""

from __future__ import annotations

from typing import Any

import pytest
import qrcode
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st

from issuers.settings import IssuerSettings
from issuers.symbology import Symbology
from issuers.wallets.apple import build
from issuers.wallets.apple.barcodes import card_number_formats
from tests.issuers.wallets.apple.apple_pass import NOW, QR_TEXT, TYPES, carry, opened

QR, CODE_128 = "PKBarcodeFormatQR", "PKBarcodeFormatCode128"
CODE_39, CODABAR, ITF = "PKBarcodeFormatCode39", "PKBarcodeFormatCodabar", "PKBarcodeFormatI2of5"
SHOWN_BY_EVERY_IPHONE = {QR, CODE_128}
DRAWN_AS = {
    QR: zxingcpp.BarcodeFormat.QRCode,
    CODE_128: zxingcpp.BarcodeFormat.Code128,
    CODE_39: zxingcpp.BarcodeFormat.Code39,
    CODABAR: zxingcpp.BarcodeFormat.Codabar,
    ITF: zxingcpp.BarcodeFormat.ITF,
}
CASES = [
    (Symbology.CODABAR, "2901001234567", [CODABAR, CODE_128]),
    (Symbology.CODABAR, "12-34$5:6/7.8+9", [CODABAR, CODE_128]),
    (Symbology.CODABAR, "A12345B", [CODE_128]),
    (Symbology.CODABAR, "L-123", [CODE_128]),
    (Symbology.CODE_39, "DUS-12.3/4+5$", [CODE_39, CODE_128]),
    (Symbology.CODE_39, "dus-12", [CODE_128]),
    (Symbology.CODE_39, "12_3", [CODE_128]),
    (Symbology.INTERLEAVED_2_OF_5, "12345678", [ITF, CODE_128]),
    (Symbology.INTERLEAVED_2_OF_5, "1234567", [CODE_128]),
    (Symbology.INTERLEAVED_2_OF_5, "1234-678", [CODE_128]),
    (Symbology.INTERLEAVED_2_OF_5, "١٢", [QR]),
    (Symbology.CODE_128, "2901001234567", [CODE_128]),
    (Symbology.CODE_128, "DÜS-1", [QR]),
    (Symbology.CODABAR, "DÜS-1", [QR]),
]


@pytest.mark.parametrize(("symbology", "number", "expected"), CASES)
def test_a_card_number_comes_in_the_machines_symbology_and_one_older_phones_know(signer, symbology, number, expected):
    wallet = build(IssuerSettings(library_symbology=symbology), lambda role: signer)
    made = opened(wallet.offer(carry(TYPES["library_card"], card_number=number), "pkpass", NOW))
    assert [entry["format"] for entry in made.json["barcodes"]] == expected
    for entry in made.json["barcodes"]:
        assert entry == {
            "format": entry["format"],
            "message": number,
            "altText": number,
            "messageEncoding": "iso-8859-1" if number.isascii() else "utf-8",
        }


def _picture(name: str, text: str) -> Any:
    if name == QR:  # by a library that, like a phone, adds no character set marker (ECI)
        code = qrcode.QRCode(mask_pattern=0)
        code.add_data(text.encode("utf-8"))
        return code.make_image().get_image().convert("L")
    return zxingcpp.create_barcode(text, DRAWN_AS[name]).to_image(scale=3, add_quiet_zones=True)


@settings(deadline=None, derandomize=True, database=None)
@given(st.text("0123456789ABCDabcdÄß$+./:_-", min_size=3, max_size=32), st.sampled_from(Symbology))
def test_every_format_offered_carries_the_number_exactly_and_the_last_is_an_old_one(number, symbology):
    formats = card_number_formats(number, symbology)
    assert formats[-1] in SHOWN_BY_EVERY_IPHONE
    assert len(set(formats)) == len(formats)
    for name in formats:
        expected = f"A{number}A" if name == CODABAR else number  # the start and stop letters that a phone adds
        (read,) = zxingcpp.read_barcodes(_picture(name, expected), formats=DRAWN_AS[name], is_pure=True)
        assert read.text == expected


@pytest.mark.parametrize("pass_type", [t for t in TYPES if t != "library_card"])
def test_the_other_passes_carry_the_signed_qr_with_the_number_beneath(offered, pass_type):
    assert offered(pass_type).json["barcodes"] == [
        {"format": QR, "message": QR_TEXT, "messageEncoding": "iso-8859-1", "altText": "A-100:7"}
    ]


def test_a_library_card_does_not_carry_the_signed_qr_on_its_front(offered):
    assert QR_TEXT not in offered("library_card").files["pass.json"].decode()
